package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"imbridge/models"
	"imbridge/tokens/im"
)

const (
	// DefaultLease is how long a run belongs to a process that gives no sign.
	DefaultLease = time.Minute
	// pageSize is how many people of ours make one step.
	pageSize = 100
	// landTime bounds the writing of what must be written when Run's context ends.
	landTime = 5 * time.Second
)

// Where a run is: a word of the cursor, before a colon.
const (
	phaseList = "list" // through the cloud's list
	phaseOurs = "ours" // through our people
)

// KindDrift is the kind of the notice that tells of drift; its subject is the
// cloud's name.
const KindDrift = "drift"

// A Reconciler compares. Its fields are set once; it is safe for concurrent use.
type Reconciler struct {
	Store *models.Store
	// Cloud must be an im.Profiler; what it lacks of im.Lister and im.Banner is
	// not compared.
	Cloud im.Cloud
	// Rate is how many calls a second the cloud gets, so that they leave the quota
	// to people who wait.
	Rate float64
	// Lease is how long a run belongs to a process that gives no sign; zero is
	// DefaultLease.
	Lease time.Duration
	// Process names this process in leases.
	Process string
	Now     func() time.Time
	Log     *slog.Logger

	wait func(ctx context.Context, d time.Duration) error // nil: on the clock
	runs atomic.Int64
}

// Options of one run.
type Options struct {
	// Repair asks the outbox to make the cloud match, where that is sure to be
	// right; see Class.
	Repair bool
	// Since looks up only people changed since then, and lists nobody; zero
	// compares everybody.
	Since time.Time
	// Nightly is noted with a run that it begins.
	Nightly bool
	// Fresh begins anew where a run was cut off.
	Fresh bool
	// Actor and Origin stand in the audit; an empty Actor is "system".
	Actor  string
	Origin models.Origin
	// Progress, if set, is told after each page.
	Progress func(Progress)
}

// A Progress is how far a run is.
type Progress struct {
	// Listing is the first half, in which people of the cloud are counted; people
	// of ours are otherwise.
	Listing bool
	// Done of Total in this process; Total is zero where nobody knows.
	Done, Total int64
}

// Run goes on with the run that was cut off within a day, if it was at the same
// app and its options cover these, or begins one, and returns it as it ended. It stops at the first call
// that fails for good: the run can then be resumed, and the counts are those up to
// its last page. Errors: models.ErrReconcileRunning, models.ErrStale when the
// lease was lost, *im.Error, and those of the database.
func (r *Reconciler) Run(ctx context.Context, o Options) (models.ReconcileRun, error) {
	profiler, ok := r.Cloud.(im.Profiler)
	if !ok {
		return models.ReconcileRun{}, fmt.Errorf("reconcile: %s cannot be asked for a person", r.Cloud.Name())
	}
	owner := r.Process + "/r" + strconv.FormatInt(r.runs.Add(1), 36)
	begun := models.ReconcileOptions{App: im.App(r.Cloud), Repair: o.Repair, Since: o.Since, Nightly: o.Nightly}
	run, err := r.Store.BeginReconcile(ctx, begun, !o.Fresh, owner, r.until())
	if err != nil {
		return run, fmt.Errorf("reconcile: %w", err)
	}
	if o.Actor == "" {
		o.Actor = "system"
	}
	w := &walk{Reconciler: r, options: o, run: run, profiler: profiler, pace: rate.NewLimiter(rate.Limit(r.Rate), max(1, int(r.Rate/10)))}
	w.banner, _ = r.Cloud.(im.Banner)
	w.shaper, _ = r.Cloud.(im.Shaper)

	walking, lost := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.heartbeat(walking, run, lost)
	}()
	err = w.walk(walking)
	if cause := context.Cause(walking); err != nil && errors.Is(cause, models.ErrStale) {
		err = cause
	}
	lost(nil)
	<-ended
	land, cancel := context.WithTimeout(context.WithoutCancel(ctx), landTime)
	defer cancel()
	if err != nil {
		if lerr := r.Store.LeaveReconcile(land, run); lerr != nil && !errors.Is(lerr, models.ErrStale) {
			r.Log.WarnContext(ctx, "lease of a reconciliation not given back", "run", run.ID, "err", lerr)
		}
		return w.run, fmt.Errorf("reconcile: %w", err)
	}
	if w.run.Options.Since.IsZero() {
		r.tell(land, w.run)
	}
	return w.run, nil
}

func (r *Reconciler) until() time.Time {
	if r.Lease == 0 {
		return r.Now().Add(DefaultLease)
	}
	return r.Now().Add(r.Lease)
}

// heartbeat extends the lease until ctx ends, and ends it when the lease is
// somebody else's.
func (r *Reconciler) heartbeat(ctx context.Context, run models.ReconcileRun, lost context.CancelCauseFunc) {
	t := time.NewTicker(r.until().Sub(r.Now()) / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := r.Store.ExtendReconcile(ctx, run, r.until()); errors.Is(err, models.ErrStale) {
				lost(err)
				return
			}
		}
	}
}

// tell raises a notice of what a run has left, or resolves it.
func (r *Reconciler) tell(ctx context.Context, run models.ReconcileRun) {
	left := Left(run)
	var err error
	if len(left) == 0 {
		_, err = r.Store.ResolveNotice(ctx, KindDrift, r.Cloud.Name(), 0)
	} else {
		var parts []string
		for _, c := range Classes {
			if n := left[c.Name]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, c.Name))
			}
		}
		cure := "See imbridge reconcile for their ids, and repair what can be: imbridge reconcile --repair."
		if run.Options.Repair {
			cure = "See imbridge reconcile for their ids. What is left after a repair needs a look: people whom the cloud has and we never had are not touched."
		}
		err = r.Store.RaiseNotice(ctx, models.NewNotice{Kind: KindDrift, Subject: r.Cloud.Name(),
			Message: "Our people and the IM cloud's differ: " + strings.Join(parts, ", ") + ".", Cure: cure, Quiet: 20 * time.Hour})
	}
	if err != nil {
		r.Log.WarnContext(ctx, "notice of drift put off", "err", err)
	}
}

// A walk is one process's part of a run.
type walk struct {
	*Reconciler
	options  Options
	run      models.ReconcileRun
	profiler im.Profiler
	banner   im.Banner // nil: not compared
	shaper   im.Shaper // nil: the cloud changes nothing
	pace     *rate.Limiter
	bans     map[string]bool // by the cloud's ids, as read last
}

func (w *walk) walk(ctx context.Context) error {
	if err := w.readBans(ctx); err != nil {
		return err
	}
	phase, at, _ := strings.Cut(w.run.Cursor, ":")
	if lister, ok := w.Cloud.(im.Lister); ok && phase != phaseOurs && w.run.Options.Since.IsZero() {
		if err := w.list(ctx, lister, at); err != nil {
			return err
		}
		at = ""
	}
	return w.ours(ctx, at)
}

// list goes through the cloud's list. Whoever is on it is judged here.
func (w *walk) list(ctx context.Context, lister im.Lister, page string) error {
	var done int64
	for next := page; ; {
		var got im.UserPage
		err := w.call(ctx, func(ctx context.Context) (err error) {
			got, err = lister.Users(ctx, next)
			return err
		})
		if err != nil {
			return err
		}
		counts := w.run.Counts
		v := verdict{counts: &counts}
		if got.Unlisted {
			counts.Unlisted = true
		} else if err := w.judgeListed(ctx, got.Users, &v); err != nil {
			return err
		}
		counts.Listed += int64(len(got.Users))
		cursor := phaseList + ":" + got.Next
		if got.Next == "" {
			counts.Complete = got.Complete
			cursor = phaseOurs + ":"
		}
		if err := w.step(ctx, models.ReconcileStep{Cursor: cursor, Counts: counts, Listed: v.listed, Repairs: v.repairs}); err != nil {
			return err
		}
		done += int64(len(got.Users))
		w.progress(Progress{Listing: true, Done: done, Total: int64(got.Total)})
		if next = got.Next; next == "" {
			return nil
		}
	}
}

// ours goes through our people. Whoever was not on the list is judged here.
func (w *walk) ours(ctx context.Context, after string) error {
	total, err := w.Store.ReconcileTotal(ctx, w.run, after)
	if err != nil {
		return err
	}
	var done int64
	for {
		people, err := w.Store.ReconcilePage(ctx, w.run, after, pageSize)
		if err != nil {
			return err
		}
		counts := w.run.Counts
		v := verdict{counts: &counts}
		var suspects []suspect
		for _, p := range people {
			after = p.ID
			if !p.Listed {
				suspects = append(suspects, suspect{person: p})
			}
		}
		counts.Judged += int64(len(suspects))
		if err := w.judge(ctx, suspects, &v); err != nil {
			return err
		}
		last := len(people) < pageSize
		if err := w.step(ctx, models.ReconcileStep{Cursor: phaseOurs + ":" + after, Counts: counts, Repairs: v.repairs, Finished: last}); err != nil {
			return err
		}
		done += int64(len(people))
		w.progress(Progress{Done: done, Total: max(total, done)})
		if last {
			w.run.FinishedAt = w.Now()
			return nil
		}
	}
}

// step writes what a page came to.
func (w *walk) step(ctx context.Context, s models.ReconcileStep) error {
	if err := w.Store.StepReconcile(ctx, w.run, s, w.options.Actor, w.options.Origin, w.until()); err != nil {
		return err
	}
	w.run.Cursor, w.run.Counts = s.Cursor, s.Counts
	return nil
}

func (w *walk) progress(p Progress) {
	if w.options.Progress != nil {
		w.options.Progress(p)
	}
}
