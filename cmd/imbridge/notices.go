package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"imbridge/config"
	"imbridge/models"
	"imbridge/tokens"
	"imbridge/tokens/im"
	"imbridge/tokens/notice"
)

// testPatience bounds the try of one way of delivery.
const testPatience = 15 * time.Second

// troubles counts what the watcher of notices asks for, beside the metrics that
// count for machines.
type troubles struct{ refused, unauthorized atomic.Int64 }

// calls lets t count what observe is told of calls to the cloud.
func (t *troubles) calls(observe observer) observer {
	return func(op, outcome string, took time.Duration) {
		if outcome == string(im.Unauthorized) {
			t.unauthorized.Add(1)
		}
		observe(op, outcome, took)
	}
}

// tokens lets t count what observe is told of connect tokens.
func (t *troubles) tokens(observe func(event string)) func(event string) {
	return func(event string) {
		if event == tokens.EventRefused {
			t.refused.Add(1)
		}
		observe(event)
	}
}

// newWatcher tells admins of what stands still in store or goes wrong at client.
func newWatcher(cfg config.Config, store *models.Store, client cloud, t *troubles, process string, now func() time.Time, log *slog.Logger) (*notice.Watcher, error) {
	senders, err := noticeSenders(cfg)
	if err != nil {
		return nil, err
	}
	return &notice.Watcher{Store: store, Cloud: client.Name(), Breaker: client.breaker, Checker: client.checker,
		Refused: t.refused.Load, Unauthorized: t.unauthorized.Load,
		Outbox: func(ctx context.Context) (notice.OutboxState, error) {
			s, err := store.OutboxStats(ctx)
			if err != nil {
				return notice.OutboxState{}, err
			}
			state := notice.OutboxState{Waiting: s.Waiting, Buried: s.Buried}
			if !s.OldestAt.IsZero() {
				state.Oldest = max(0, now().Sub(s.OldestAt))
			}
			return state, nil
		},
		OutboxAge: cfg.Notices.OutboxAge, Quiet: cfg.Notices.Quiet, Senders: senders, Process: process, Now: now, Log: log}, nil
}

// noticeSenders are the ways of delivery that are set up.
func noticeSenders(cfg config.Config) ([]notice.Sender, error) {
	var senders []notice.Sender
	if hook := cfg.Notices.Webhook; hook.URL != "" {
		w, err := notice.NewWebhook(notice.WebhookConfig{URL: hook.URL, Secrets: hook.Secret.Reveal(), AllowPrivate: hook.AllowPrivate})
		if err != nil {
			return nil, fmt.Errorf("notices.webhook: %w", err)
		}
		senders = append(senders, w)
	}
	if m := cfg.Notices.Mail; m.Host != "" {
		s, err := notice.NewMail(notice.MailConfig{Host: m.Host, Port: m.Port, Username: m.Username, Password: m.Password.Reveal(), From: m.From, To: m.To})
		if err != nil {
			return nil, fmt.Errorf("notices.mail: %w", err)
		}
		senders = append(senders, s)
	}
	return senders, nil
}

func (a *app) testNoticeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test-notice", Short: "Send a notice by every way that is set up, and say what happened", Args: cobra.NoArgs,
		Long: `Sends one notice by every way that is set up (notices.webhook, notices.mail), once,
and says what happened. The exit status is 1 if one of them failed, or none is set up.
It needs no database.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			senders, err := noticeSenders(cfg)
			if err != nil {
				return err
			}
			if len(senders) == 0 {
				return errors.New("no way of delivery is set up: set notices.webhook.url and notices.webhook.secret, or notices.mail.host, notices.mail.from and notices.mail.to")
			}
			return a.testNotice(cmd.Context(), cfg, senders)
		},
	}
}

func (a *app) testNotice(ctx context.Context, cfg config.Config, senders []notice.Sender) error {
	id := make([]byte, 8)
	_, _ = rand.Read(id)
	m := notice.TestMessage(hex.EncodeToString(id), time.Now())
	var failed []string
	for _, s := range senders {
		ctx, cancel := context.WithTimeout(ctx, testPatience)
		err := s.Send(ctx, m)
		cancel()
		if err != nil {
			failed = append(failed, s.Name())
			fmt.Fprintf(a.stdout, "failed     %-8s %s: %v\n", s.Name(), where(cfg, s), err)
			continue
		}
		fmt.Fprintf(a.stdout, "delivered  %-8s %s\n", s.Name(), where(cfg, s))
	}
	if failed != nil {
		return fmt.Errorf("not delivered by %s", strings.Join(failed, " and "))
	}
	return nil
}

// where is a sender's host: a webhook's path may be a secret.
func where(cfg config.Config, s notice.Sender) string {
	if s.Name() == "mail" {
		return fmt.Sprintf("%s:%d", cfg.Notices.Mail.Host, cfg.Notices.Mail.Port)
	}
	if u, err := url.Parse(cfg.Notices.Webhook.URL); err == nil {
		return u.Host
	}
	return ""
}
