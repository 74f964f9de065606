package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"imbridge/models"
)

const (
	// queuePage is how many rows are read or changed at a time.
	queuePage = 500
	// maxReason is how many characters say why an admin did something.
	maxReason = 300
)

func (a *app) queueCommand() *cobra.Command {
	return group("queue", "See what the cloud has not been told yet; try it again, or give it up",
		a.queueListCommand(), a.queueRetryCommand(), a.queueDropCommand())
}

func (a *app) queueListCommand() *cobra.Command {
	var state string
	var f models.OutboxFilter
	c := &cobra.Command{
		Use: "list", Short: "Show what waits for the cloud and what was given up", Args: cobra.NoArgs,
		Long: `Shows what the cloud must still be told, one row for each kind of change and person: how
often it was tried, when it is tried next, and why the last try failed. Rows whose state is
"buried" are not tried again by themselves: mend what the reason says, then retry or drop them.
The last line counts what is due and what is buried.`,
		Example: `  imbridge admin queue list
  imbridge admin queue list --state buried --kind ban`,
		PreRunE: func(*cobra.Command, []string) error {
			switch state {
			case "":
			case "waiting", "buried":
				buried := state == "buried"
				f.Buried = &buried
			default:
				return errors.New("--state is waiting or buried")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(store *models.Store) error {
				return a.listQueue(cmd.Context(), store, f)
			})
		},
	}
	c.Flags().StringVar(&state, "state", "", "only `waiting` or only buried rows")
	c.Flags().StringVar(&f.Kind, "kind", "", "only rows of this `kind`: provision, profile, revoke, ban, remove, friend, block")
	c.Flags().StringVar(&f.Subject, "subject", "", "only rows of the person with this `id`")
	return c
}

func (a *app) listQueue(ctx context.Context, store *models.Store, f models.OutboxFilter) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tKIND\tUSER\tSTATE\tTRIED\tSINCE\tNEXT\tREASON")
	err := eachQueued(ctx, store, f, func(rows []models.OutboxRow) error {
		for _, r := range rows {
			stateNow, next := "waiting", r.NextAt.Format(time.RFC3339)
			if !r.BuriedAt.IsZero() {
				stateNow, next = "buried", "-"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", r.ID, r.Kind, r.Subject, stateNow, r.Attempts,
				r.DueAt.Format(time.RFC3339), next, cmp.Or(oneLine(r.LastError), "-"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	stats, err := store.OutboxStats(ctx)
	if err != nil {
		return err
	}
	oldest := ""
	if !stats.OldestAt.IsZero() {
		oldest = ", the oldest since " + stats.OldestAt.Format(time.RFC3339)
	}
	fmt.Fprintf(a.stdout, "%d due%s; %d buried\n", stats.Waiting, oldest, stats.Buried)
	return nil
}

// eachQueued hands over all rows that fit, a page at a time.
func eachQueued(ctx context.Context, store *models.Store, f models.OutboxFilter, do func([]models.OutboxRow) error) error {
	for after := ""; ; {
		rows, err := store.Outbox(ctx, f, after, queuePage)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := do(rows); err != nil {
			return err
		}
		after = rows[len(rows)-1].ID
	}
}

// oneLine keeps what a cloud said from pretending to be a line of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func (a *app) queueRetryCommand() *cobra.Command {
	var allBuried bool
	var kind string
	c := &cobra.Command{
		Use: "retry ID... | --all-buried [--kind KIND]", Short: "Try rows again at once, also buried ones", DisableFlagsInUseLine: true,
		Long: `Makes rows due now, as if they had never been tried. A running imbridge serve takes them up
within seconds. Each row leaves an audit row. Retrying is harmless: what is delivered is today's
truth, and a row that was delivered meanwhile is gone.`,
		Example: `  imbridge admin queue retry 01h5...
  imbridge admin queue retry --all-buried --kind ban`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case allBuried && len(args) > 0:
				return errors.New("give ids or --all-buried, not both")
			case !allBuried && len(args) == 0:
				return errors.New("name the rows to retry, or add --all-buried")
			case !allBuried && kind != "":
				return errors.New("--kind goes with --all-buried")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.withStore(ctx, func(store *models.Store) error {
				retry := func(ids []string) (int64, error) { return store.RetryOutbox(ctx, ids, "system", models.Origin{}) }
				if !allBuried {
					return a.steerQueue(args, "due now", retry)
				}
				buried, n := true, int64(0)
				err := eachQueued(ctx, store, models.OutboxFilter{Buried: &buried, Kind: kind}, func(rows []models.OutboxRow) error {
					ids := make([]string, len(rows))
					for i, r := range rows {
						ids[i] = r.ID
					}
					k, err := retry(ids)
					n += k
					return err
				})
				fmt.Fprintf(a.stdout, "%d rows due now\n", n)
				return err
			})
		},
	}
	c.Flags().BoolVar(&allBuried, "all-buried", false, "retry every buried row")
	c.Flags().StringVar(&kind, "kind", "", "with --all-buried: only rows of this `kind`")
	return c
}

func (a *app) queueDropCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "drop ID... --reason TEXT", Short: "Give rows up: the cloud is not told", DisableFlagsInUseLine: true,
		Long: `Takes rows out of the queue undelivered. From then on the cloud differs from us in what they
were about: a ban that is dropped leaves the person connected there. Each row leaves an audit row
with the reason.`,
		Example: `  imbridge admin queue drop 01h5... --reason "removed by hand in the cloud's console"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name the rows to drop")
			}
			return nil
		},
		PreRunE: func(*cobra.Command, []string) error {
			switch {
			case strings.TrimSpace(reason) == "":
				return errors.New("say why with --reason; it is kept in the audit")
			case len([]rune(reason)) > maxReason:
				return fmt.Errorf("--reason may have %d characters", maxReason)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(store *models.Store) error {
				return a.steerQueue(args, "dropped", func(ids []string) (int64, error) {
					return store.DropOutbox(cmd.Context(), ids, strings.TrimSpace(reason), "system", models.Origin{})
				})
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, at most 300 characters; kept in the audit")
	return c
}

// steerQueue tells how many of the rows there were. None at all is a failure.
func (a *app) steerQueue(ids []string, what string, do func(ids []string) (int64, error)) error {
	var n int64
	for rest := ids; len(rest) > 0; {
		page := rest[:min(len(rest), queuePage)]
		k, err := do(page)
		if n += k; err != nil {
			return err
		}
		rest = rest[len(page):]
	}
	if n == 0 {
		return errors.New("none of these rows is in the queue (any more)")
	}
	fmt.Fprintf(a.stdout, "%d of %d rows %s\n", n, len(ids), what)
	return nil
}
