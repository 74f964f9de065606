package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"imbridge/models"
)

const (
	// sealEvery is how often rows that have settled are sealed, and sealPatience
	// how long it waits at most after failures.
	sealEvery    = 2 * time.Second
	sealPatience = time.Minute
	// sealLast bounds the seal of the last rows before a process ends.
	sealLast = 2 * time.Second
	// auditPage is how many rows `audit list` asks for at a time.
	auditPage = 500
)

// sealAudit seals audit rows until ctx ends, and then what is left. Every
// process does; the first one to come wins.
func sealAudit(ctx context.Context, store *models.Store, log *slog.Logger) error {
	wait := sealEvery
	var head headWatch
	for {
		// Spread, so that processes do not come together.
		tick := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-ctx.Done():
			tick.Stop()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), sealLast)
			defer cancel()
			if _, err := sealAll(last, store, 0); err != nil {
				log.WarnContext(last, "audit not sealed to its end", "err", err)
			}
			return nil
		case <-tick.C:
		}
		sealed, err := sealAll(ctx, store, models.AuditSettle)
		head.tell(ctx, store, log, sealed, err)
		switch {
		case err == nil:
			wait = sealEvery
		case ctx.Err() == nil:
			log.WarnContext(ctx, "audit not sealed", "err", err)
			wait = min(2*wait, sealPatience)
		}
	}
}

// A headWatch tells admins of the chain's head.
type headWatch struct{ sound bool } // nobody has to be told any more

const noticeHead = "audit_head"

// tell raises a notice where the chain's head is not as we left it: nothing is
// sealed until somebody has looked. Rows that are sealed prove that they have, and
// resolve it, whichever process has raised it.
func (w *headWatch) tell(ctx context.Context, store *models.Store, log *slog.Logger, sealed int, err error) {
	switch {
	case errors.Is(err, models.ErrAuditHead):
		w.sound = false
		err = store.RaiseNotice(ctx, models.NewNotice{Kind: noticeHead, Subject: "audit",
			Message: "The head of the audit chain is missing or was changed in the database. No audit row is sealed since.",
			Cure:    `Run "imbridge admin audit verify" and find out who edits the database; put the row audit_head of bridge_state back from a backup.`})
	case err != nil, sealed == 0, w.sound:
		return
	default:
		_, err = store.ResolveNotice(ctx, noticeHead, "audit", 0)
		w.sound = err == nil
	}
	if err != nil && ctx.Err() == nil {
		log.WarnContext(ctx, "notice not raised or resolved", "kind", noticeHead, "err", err)
	}
}

// sealAll returns how many rows it has sealed.
func sealAll(ctx context.Context, store *models.Store, settle time.Duration) (sealed int, err error) {
	for {
		n, err := store.SealAudit(ctx, settle)
		sealed += n
		if err != nil || n == 0 {
			return sealed, err
		}
	}
}

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Look at what was done, and whether that was tampered with", a.auditListCommand(), a.auditVerifyCommand())
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var check models.AuditCheck
	c := &cobra.Command{
		Use: "verify", Short: "Walk the chain of audit rows, and say what is wrong and where", Args: cobra.NoArgs,
		Long: `Walks the chain of audit rows from the first to the last, changes nothing, and prints each
finding with its name and the id of the row where it shows, the first one first:

  forged        not what imbridge wrote: somebody changed the row or put it in
  moved         the row's place in the chain, or a hash of it, was changed
  unlinked      the row was sealed behind another one than the one before it
  missing, cut  rows before this one are gone; rows behind this one are gone
  beyond        the row stands behind the noted head
  unsealed      the row has waited for more than a minute: does imbridge serve run?
  head_missing, head_forged   the head of the chain is gone, or was changed
  head_unknown  no row has the hash given by --head

It ends with the head of the chain. Keep that line elsewhere, where who edits the database
cannot edit it: with --head a later walk proves that nothing up to it was lost, even if the
whole database was put back to an earlier state. Exit status 1 when anything is wrong.`,
		Example: `  imbridge admin audit verify
  imbridge admin audit verify --head 5f1c...
  imbridge admin audit verify --archived 120000`,
		PreRunE: func(*cobra.Command, []string) error {
			if raw, err := hex.DecodeString(check.Head); err != nil || check.Head != "" && len(raw) != 32 {
				return errors.New("--head is not the 64 hex digits that an earlier walk printed")
			}
			if check.Archived < 0 {
				return errors.New("--archived is the number of a row, from 1 on")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(store *models.Store) error {
				r, err := store.VerifyAudit(cmd.Context(), check)
				if err != nil {
					return err
				}
				return a.tellAudit(r)
			})
		},
	}
	c.Flags().StringVar(&check.Head, "head", "", "a head noted elsewhere, 64 `hex` digits; the chain must still hold it")
	c.Flags().Int64Var(&check.Archived, "archived", 0, "rows up to this `number` were archived and may be gone")
	return c
}

func (a *app) tellAudit(r models.AuditReport) error {
	for _, f := range r.Faults {
		where := "the chain"
		if f.ID != "" {
			where = "row " + f.ID
		}
		if f.Seq > 0 {
			where += fmt.Sprintf(" (number %d)", f.Seq)
		}
		if f.ID == "" {
			where += ":"
		}
		fmt.Fprintf(a.stdout, "WRONG  %-12s %s %s\n", f.Kind, where, f.Wrong)
	}
	if more := r.Count - int64(len(r.Faults)); more > 0 {
		fmt.Fprintf(a.stdout, "... and %d more\n", more)
	}
	fmt.Fprintf(a.stdout, "rows   %d, of which %d wait to be sealed\nhead   %s (number %d)\n", r.Rows, r.Waiting, r.Head, r.Seq)
	if r.Count > 0 {
		fmt.Fprintf(a.stdout, "%d found\n", r.Count)
		return errFound
	}
	fmt.Fprintln(a.stdout, "nothing is wrong")
	return nil
}

func (a *app) auditListCommand() *cobra.Command {
	var f models.AuditFilter
	var since, until string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "Show what was done, newest first", Args: cobra.NoArgs,
		Long: `Shows what was done, newest first: when, who, what, to whom, from where, and its details.
Filters go together; each is compared as a whole. Times are RFC 3339, or a duration before now.`,
		Example: `  imbridge admin audit list --since 24h
  imbridge admin audit list --action user.ban --limit 500
  imbridge admin audit list --subject user:01h... --since 2026-01-31T00:00:00Z`,
		PreRunE: func(*cobra.Command, []string) error {
			var err error
			if f.Since, err = pointInTime("--since", since); err != nil {
				return err
			}
			if f.Until, err = pointInTime("--until", until); err != nil {
				return err
			}
			if limit < 1 {
				return errors.New("--limit is at least 1")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(store *models.Store) error {
				w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				defer func() { _ = w.Flush() }()
				fmt.Fprintln(w, "AT\tACTOR\tACTION\tSUBJECT\tFROM\tDETAIL\tID")
				for before := ""; limit > 0; {
					rows, err := store.FindAudit(cmd.Context(), f, before, min(limit, auditPage))
					if err != nil || len(rows) == 0 {
						return err
					}
					for _, r := range rows {
						fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.At.Format(time.RFC3339), r.Actor, r.Action,
							cmp.Or(r.Subject, "-"), cmp.Or(r.IP, "-"), details(r.Detail), r.ID)
					}
					limit -= len(rows)
					before = rows[len(rows)-1].ID
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&f.Action, "action", "", "what was done, like `lifetime.set`")
	c.Flags().StringVar(&f.Actor, "actor", "", "who did it, like `admin:ID`, user:ID or system")
	c.Flags().StringVar(&f.Subject, "subject", "", "to whom or what, like `user:ID`")
	c.Flags().StringVar(&since, "since", "", "the earliest `time`, or how long ago, like 24h")
	c.Flags().StringVar(&until, "until", "", "the first `time` that is too late, or how long ago")
	c.Flags().IntVar(&limit, "limit", 50, "show at most this `many`")
	return c
}

// withStore opens the store as serve does, with the data key.
func (a *app) withStore(ctx context.Context, do func(*models.Store) error) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	store, err := openStore(ctx, cfg, a.logger(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return do(store)
}

// pointInTime reads a time, or a duration before now; the zero time for nothing.
func pointInTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is neither a time like 2026-01-31T12:00:00Z nor how long ago, like 24h", flag)
	}
	return t, nil
}

// details is one line of JSON, so that no value can pretend to be a line of its
// own.
func details(detail map[string]any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(detail)
	return strings.TrimSpace(b.String())
}
