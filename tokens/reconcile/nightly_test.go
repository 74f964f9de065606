package reconcile_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/tokens/reconcile"
)

// night is a process that compares at 03:30; tick looks once.
func (r *rig) night(process string, repair bool, observe func(models.ReconcileRun)) *reconcile.Nightly {
	return &reconcile.Nightly{Reconciler: r.reconciler(r.store.Again(r).Store, process), Hour: 3, Minute: 30, Repair: repair, Observe: observe}
}

// at moves the clock to the next time that a clock on the wall shows so.
func (r *rig) at(hour, minute int) {
	now := r.store.Clock.Now().Local()
	next := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, now.Location())
	if !next.After(now) {
		next = time.Date(now.Year(), now.Month(), now.Day()+1, hour, minute, 0, 0, now.Location())
	}
	r.store.Clock.Advance(next.Sub(now))
}

func TestOneOfSeveralComparesEveryNight(t *testing.T) {
	r := newRig(t)
	ids := r.people(3)
	var seen atomic.Pointer[models.ReconcileRun]
	all := []*reconcile.Nightly{}
	for _, p := range []string{"a", "b", "c"} {
		all = append(all, r.night(p, false, func(run models.ReconcileRun) { seen.Store(&run) }))
	}
	look := func(want int64, when string) {
		t.Helper()
		for _, n := range all {
			if err := n.Look(t.Context()); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
		}
		if got := r.store.Count(t, "SELECT COUNT(*) FROM reconcile_runs"); got != want {
			t.Errorf("%s: %d runs, want %d", when, got, want)
		}
	}
	r.at(12, 0)
	look(0, "at noon")
	r.at(3, 29)
	look(0, "a minute before")
	r.at(3, 30)
	look(1, "at the time")
	r.at(3, 31)
	look(1, "a minute after")
	r.change("UPDATE users SET nickname = 'x' WHERE id = ?", ids[0])
	r.at(3, 45)
	look(1, "later that night")
	if run := seen.Load(); run == nil || len(run.Counts.Drift) != 0 {
		t.Errorf("Observe was told %+v, want the run of the night", run)
	}
	r.at(3, 30)
	look(2, "the next night")
	if run := seen.Load(); run == nil || run.Counts.Drift[reconcile.Different].Count != 1 {
		t.Errorf("Observe was told %+v, want the run of the next night", run)
	}
}

func TestANightThatWasCutOffIsFinished(t *testing.T) {
	r := newRig(t)
	r.people(120)
	a := r.night("a", false, nil)
	if err := a.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.at(3, 30)
	ctx, stop := context.WithCancel(t.Context())
	r.cloud.after = func(string) { stop() }
	if err := a.Look(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a look that is told to stop = %v, want context.Canceled", err)
	}
	r.cloud.after = nil
	r.at(9, 0) // far beyond the time to begin one
	if err := r.night("b", false, nil).Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, err := r.store.LastReconcile(t.Context(), false)
	if err != nil || last.FinishedAt.IsZero() || last.Counts.Judged != 120 {
		t.Errorf("the run of the night = %+v, %v; want it finished by the other process", last, err)
	}
	// What somebody typed and stopped is theirs.
	ctx, stop = context.WithCancel(t.Context())
	if _, err := r.reconciler(r.store.Store, "typed").Run(ctx, reconcile.Options{Progress: func(reconcile.Progress) { stop() }}); err == nil {
		t.Fatal("Run that is told to stop ended well")
	}
	if err := r.night("b", false, nil).Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last, err := r.store.LastReconcile(t.Context(), false); err != nil || !last.FinishedAt.IsZero() {
		t.Errorf("a run that was typed and stopped = %+v, %v; want it left alone", last, err)
	}
}

// What somebody types, or a cron of it, takes no night away.
func TestATypedRunIsNoNight(t *testing.T) {
	r := newRig(t)
	r.people(3)
	night := r.night("a", false, nil)
	if err := night.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.at(3, 30)
	since := reconcile.Options{Since: r.store.Clock.Now().Add(-time.Hour)}
	if _, err := r.reconciler(r.store.Store, "typed").Run(t.Context(), since); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"after a run that was typed", "a minute later"} {
		if err := night.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.store.Count(t, `SELECT COUNT(*) FROM reconcile_runs WHERE finished_at IS NOT NULL AND options LIKE '%"Nightly":true%'`); got != 1 {
			t.Errorf("%s: %d nights, want 1", when, got)
		}
		r.store.Clock.Advance(time.Minute)
	}

	// One that was typed and cut off, of everybody, is not gone on with as the night.
	r.at(3, 29)
	ctx, stop := context.WithCancel(t.Context())
	if _, err := r.reconciler(r.store.Store, "typed").Run(ctx, reconcile.Options{Progress: func(reconcile.Progress) { stop() }}); err == nil {
		t.Fatal("Run that is told to stop ended well")
	}
	r.store.Clock.Advance(time.Minute)
	for range 2 {
		if err := night.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.store.Clock.Advance(time.Minute)
	}
	if got := r.store.Count(t, `SELECT COUNT(*) FROM reconcile_runs WHERE finished_at IS NOT NULL AND options LIKE '%"Nightly":true%'`); got != 2 {
		t.Errorf("nights after one that was typed and cut off = %d, want 2", got)
	}
	if got := r.store.Count(t, "SELECT COUNT(*) FROM reconcile_runs WHERE finished_at IS NOT NULL"); got != 3 {
		t.Errorf("runs that came to their end = %d, want 3: the typed one that was cut off is not played and then played again", got)
	}
}

func TestNeverIsNeverAndAStartIsNoNight(t *testing.T) {
	r := newRig(t)
	never := r.night("a", false, nil)
	never.Never = true
	r.at(3, 29)
	for range 2 {
		if err := never.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.store.Clock.Advance(2 * time.Minute)
	}
	// It is 03:33, and this one has not been here for a night.
	if err := r.night("late", false, nil).Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.store.Count(t, "SELECT COUNT(*) FROM reconcile_runs"); got != 0 {
		t.Errorf("%d runs, want none", got)
	}
}

func TestNightlyLooksAtOnceAndEndsWithItsContext(t *testing.T) {
	r := newRig(t)
	r.people(1)
	r.run(reconcile.Options{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	told := make(chan string, 1)
	ended := make(chan error)
	n := r.night("a", false, func(run models.ReconcileRun) { told <- run.ID })
	go func() { ended <- n.Run(ctx) }()
	if id := <-told; id == "" {
		t.Error("Observe was told of no run")
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}
