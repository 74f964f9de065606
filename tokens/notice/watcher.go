package notice

import (
	"context"
	"log/slog"
	"time"

	"imbridge/models"
	"imbridge/tokens/im"
)

const (
	// lookEvery is how often the conditions are looked at.
	lookEvery = 30 * time.Second
	// calm is for how long nobody may have seen a condition before it counts as
	// gone. It is ten looks: what comes and goes is one notice, not one a minute.
	calm = 5 * time.Minute
)

// A Store keeps notices; *models.Store is one. Errors are those of models.
type Store interface {
	RaiseNotice(ctx context.Context, n models.NewNotice) error
	ResolveNotice(ctx context.Context, kind, subject string, calm time.Duration) (bool, error)
	ClaimNotice(ctx context.Context, owner string, lease time.Duration) (models.Notice, bool, error)
	FinishNotice(ctx context.Context, n models.Notice, r models.NoticeResult) error
}

var _ Store = (*models.Store)(nil)

// A Watcher looks at what can go wrong, raises notices of it, resolves them, and
// delivers what is due. Its fields are set once; Run does the rest.
type Watcher struct {
	Store Store
	// Cloud is the name of the cloud, the subject of notices about it.
	Cloud string

	// What is looked at; nil is not looked at.

	// Outbox tells how the outbox stands.
	Outbox func(context.Context) (OutboxState, error)
	// Breaker is "closed", "open" or "half-open".
	Breaker func() string
	// Refused counts the tokens that this process has minted because a client
	// reported its token refused. It never goes down.
	Refused func() int64
	// Unauthorized counts this process's calls that the cloud refused for their
	// credentials; when it has moved, Checker tells whether they are all refused.
	Unauthorized func() int64
	Checker      im.Checker

	// OutboxAge is when a waiting row has waited too long.
	OutboxAge time.Duration
	// RefusedMost is how many refused tokens within five minutes are usual; zero
	// means 50.
	RefusedMost int64
	// Quiet is how long an announced notice stays silent; zero means 6 h.
	Quiet time.Duration
	// Senders deliver; without any, notices are listed and logged only.
	Senders []Sender
	// Process names this process in leases.
	Process string
	Now     func() time.Time
	Log     *slog.Logger

	refused      []count // of refusedWindow, oldest first
	unauthorized int64   // as counted at the last look
	suspect      bool    // credentials were refused and not accepted since
}

// Run looks and delivers every 30 seconds until ctx ends. It returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.look(ctx)
			w.deliver(ctx)
		}
	}
}

// look compares what is with what was noted.
func (w *Watcher) look(ctx context.Context) {
	findings, err := w.lookAtOutbox(ctx)
	if err != nil && ctx.Err() == nil {
		w.Log.WarnContext(ctx, "look put off", "err", err)
	}
	findings = append(findings, w.lookAtBreaker()...)
	findings = append(findings, w.lookAtRefused()...)
	findings = append(findings, w.lookAtCredentials(ctx)...)
	// Raised by each request that it happens to; over when it happens to none.
	findings = append(findings, finding{kind: KindRegistration, subject: models.NoticeRegistrationSubject})
	for _, f := range findings {
		if err := w.note(ctx, f); err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "notice put off", "kind", f.kind, "subject", f.subject, "err", err)
		}
	}
}

func (w *Watcher) note(ctx context.Context, f finding) error {
	if f.bad {
		return w.Store.RaiseNotice(ctx, f.notice(w.Quiet))
	}
	resolved, err := w.Store.ResolveNotice(ctx, f.kind, f.subject, calm)
	if resolved {
		w.Log.InfoContext(ctx, "notice resolved", "kind", f.kind, "subject", f.subject)
	}
	return err
}
