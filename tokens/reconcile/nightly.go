package reconcile

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"imbridge/models"
)

const (
	// nightlyLook is how often it is looked whether a run is due, and nightlyAgain
	// how long it waits after one that failed.
	nightlyLook  = time.Minute
	nightlyAgain = 5 * time.Minute
	// nightlyWindow is how late a run may begin, as after a failure.
	nightlyWindow = 3 * time.Hour
	// nightlyResume is how old a run may be that was cut off.
	nightlyResume = 24 * time.Hour
)

// A Nightly runs a Reconciler once a day, in one of several processes.
type Nightly struct {
	Reconciler *Reconciler
	// Hour and Minute of the local time; Never leaves it to others.
	Hour, Minute int
	Never        bool
	Repair       bool
	// Observe, if set, is told again and again of the last whole run that ended, of
	// whichever process.
	Observe func(models.ReconcileRun)

	began time.Time // of Run: a process begins nothing that was due before
}

// Run looks at once and then every minute until ctx ends, and returns nil.
func (n *Nightly) Run(ctx context.Context) error {
	for {
		wait := nightlyLook
		if err := n.look(ctx); err != nil && ctx.Err() == nil {
			n.Reconciler.Log.WarnContext(ctx, "comparison with the cloud put off", "err", err)
			wait = nightlyAgain
		}
		// Spread, so that processes do not come together.
		t := time.NewTimer(wait*7/8 + rand.N(wait/4))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// look runs if a run is due.
func (n *Nightly) look(ctx context.Context) error {
	if n.began.IsZero() {
		n.began = n.Reconciler.Now()
	}
	last, err := n.Reconciler.Store.LastReconcile(ctx, true)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if n.due(last) {
		run, err := n.Reconciler.Run(ctx, Options{Repair: n.Repair, Nightly: true})
		if err != nil && !errors.Is(err, models.ErrReconcileRunning) {
			return err
		}
		if err == nil {
			n.Reconciler.Log.InfoContext(ctx, "compared with the cloud", "run", run.ID, "judged", run.Counts.Judged, "on_the_way", run.Counts.OnTheWay,
				"repaired", run.Counts.Repaired, "left", Left(run))
		}
	}
	whole, err := n.Reconciler.Store.LastReconciled(ctx)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err == nil && n.Observe != nil {
		n.Observe(whole)
	}
	return err
}

// due is true where last, the last nightly run, was cut off, and when tonight's
// time has come and no night was begun since. What somebody types meanwhile may
// look at few, and does not stand for a night.
func (n *Nightly) due(last models.ReconcileRun) bool {
	if n.Never {
		return false
	}
	now := n.Reconciler.Now()
	if last.Options.Nightly && last.FinishedAt.IsZero() && now.Sub(last.StartedAt) < nightlyResume {
		return true
	}
	local := now.Local()
	at := time.Date(local.Year(), local.Month(), local.Day(), n.Hour, n.Minute, 0, 0, local.Location())
	if at.After(now) {
		at = time.Date(local.Year(), local.Month(), local.Day()-1, n.Hour, n.Minute, 0, 0, local.Location())
	}
	return !at.Before(n.began) && last.StartedAt.Before(at) && now.Sub(at) < nightlyWindow
}
