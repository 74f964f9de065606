package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/tokens/im"
	"imbridge/tokens/reconcile"
)

// drifting is a small crowd with some of each kind of drift, over several pages
// of the list and of ours.
func drifting(r *rig) map[string]int64 {
	r.Helper()
	ids := r.people(330)
	var lost []string
	for i := 0; i < len(ids); i += 3 {
		lost = append(lost, ids[i])
	}
	r.forget(lost...)
	r.change("UPDATE users SET nickname = 'Changed' WHERE id = ?", ids[1], ids[100], ids[301])
	r.change("UPDATE users SET status = 'banned' WHERE id = ?", ids[2], ids[4])
	r.change("UPDATE users SET status = 'deleted', username_key = NULL WHERE id = ?", ids[7])
	r.register("stranger1", "x")
	r.register("stranger2", "x")
	return map[string]int64{reconcile.Missing: 110, reconcile.Different: 3, reconcile.NotBanned: 2, reconcile.RemovedAgain: 1, reconcile.Extra: 2}
}

// TestAKilledRunIsResumed kills the process at each of its calls: its database
// is gone in an instant, so that it leaves the lease as it is.
func TestAKilledRunIsResumed(t *testing.T) {
	r := newRig(t)
	want := drifting(r)
	whole := r.cloud.calls.Load()
	r.wantDrift("undisturbed", r.run(reconcile.Options{}), want)
	whole = r.cloud.calls.Load() - whole
	step := int64(7)
	if testing.Short() {
		step = 29
	}
	for at := int64(1); at <= whole; at++ {
		if at > 9 && at%step != 0 { // the first ones are the pages of the list
			continue
		}
		killed := r.store.Again(t)
		ctx, kill := context.WithCancel(t.Context())
		first := r.cloud.calls.Load()
		r.cloud.before = func(n int64, _, _ string) error {
			if n == first+at {
				_ = killed.Close()
				kill()
			}
			return nil
		}
		run, err := r.reconciler(killed.Store, "killed").Run(ctx, reconcile.Options{Fresh: true})
		kill()
		r.cloud.before = nil
		if err == nil && at < whole {
			t.Fatalf("killed at call %d: Run ended well: %+v", at, run)
		}
		if _, err := r.reconciler(r.store.Store, "hasty").Run(t.Context(), reconcile.Options{}); !errors.Is(err, models.ErrReconcileRunning) {
			t.Fatalf("killed at call %d: Run under its lease = %v, want ErrReconcileRunning", at, err)
		}
		r.store.Clock.Advance(reconcile.DefaultLease + time.Second)
		resumed, err := r.reconciler(r.store.Store, "heir").Run(t.Context(), reconcile.Options{})
		if err != nil {
			t.Fatalf("resumed after call %d: %v", at, err)
		}
		if resumed.ID != run.ID {
			t.Fatalf("resumed after call %d: run %s, want %s to go on", at, resumed.ID, run.ID)
		}
		r.wantDrift(fmt.Sprintf("killed at call %d of %d", at, whole), resumed, want)
		if c := resumed.Counts; c.Judged != 330 || c.Listed != 222 || !c.Complete {
			t.Fatalf("killed at call %d: %d judged, %d listed, complete %v; want 330, 222 and true: each once", at, c.Judged, c.Listed, c.Complete)
		}
	}
}

// TestARunWithOtherOptionsBeginsAnew: a dry run that was cut off is not gone on
// with as a repair, and the other way round.
func TestARunWithOtherOptionsBeginsAnew(t *testing.T) {
	r := newRig(t)
	r.people(120)
	cut := func(o reconcile.Options) string {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		o.Progress = func(reconcile.Progress) { stop() }
		run, err := r.reconciler(r.store.Store, "p").Run(ctx, o)
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Run that is told to stop = %v, want context.Canceled", err)
		}
		return run.ID
	}
	dry := cut(reconcile.Options{})
	if again := cut(reconcile.Options{}); again != dry {
		t.Errorf("the same once more = run %s, want %s", again, dry)
	}
	repair := cut(reconcile.Options{Repair: true})
	if repair == dry {
		t.Error("a repair went on with a dry run")
	}
	if again := cut(reconcile.Options{Repair: true, Fresh: true}); again == repair {
		t.Error("Fresh went on with the run before")
	}
	last := cut(reconcile.Options{})
	r.store.Clock.Advance(24 * hour)
	if after := r.run(reconcile.Options{}); after.ID == last {
		t.Error("a run went on after a day")
	}
}

// TestNoFailureReadsAsMissing: whatever a call fails with, the run stops there
// and nobody is missing, banned or a stranger for it; resumed, it is as if
// nothing had been.
func TestNoFailureReadsAsMissing(t *testing.T) {
	r := newRig(t)
	want := drifting(r)
	fail := func(kind im.Kind, pause time.Duration) error {
		return &im.Error{Cloud: "rongcloud", Op: "test", Kind: kind, Message: "planted", RetryAfter: pause}
	}
	for _, c := range []struct {
		err error
		// rests is how often the run waits and tries again.
		rests int64
	}{
		{fail(im.Unavailable, 0), 3}, {fail(im.Unknown, 0), 3}, {fail(im.Throttled, 7*time.Second), 3},
		{fail(im.Unauthorized, 0), 0}, {fail(im.Quota, 0), 0}, {errors.New("no error of the contract"), 0},
	} {
		for _, op := range []string{"users", "banned", "profile"} {
			name := fmt.Sprintf("%s fails with %v", op, c.err)
			var calls, rests atomic.Int64
			r.cloud.before = func(_ int64, at, _ string) error {
				if at != op {
					return nil
				}
				if n := calls.Add(1); n < map[string]int64{"users": 3, "banned": 1, "profile": 10}[op] {
					return nil
				}
				return c.err
			}
			rec := r.reconciler(r.store.Store, "p")
			rec.OnRest(func(context.Context, time.Duration) error { rests.Add(1); return nil })
			run, err := rec.Run(t.Context(), reconcile.Options{Fresh: true})
			r.cloud.before = nil
			if !errors.Is(err, c.err) {
				t.Fatalf("%s: Run = %v, want that", name, err)
			}
			if n := rests.Load(); n < c.rests || c.rests == 0 && n > 0 {
				t.Errorf("%s: waited %d times, want %d", name, n, c.rests)
			}
			for class, d := range run.Counts.Drift {
				if d.Count > want[class] {
					t.Errorf("%s: %d %s, want at most %d", name, d.Count, class, want[class])
				}
			}
			if run.Counts.Drift[reconcile.Missing].Count != 0 {
				t.Errorf("%s: %d missing before anybody could be looked up", name, run.Counts.Drift[reconcile.Missing].Count)
			}
			// The lease was given back: no need to wait for its end.
			resumed := r.run(reconcile.Options{})
			if resumed.ID != run.ID {
				t.Errorf("%s: run %s afterwards, want %s to go on", name, resumed.ID, run.ID)
			}
			r.wantDrift(name+", resumed", resumed, want)
			if resumed.Counts.Judged != 330 {
				t.Errorf("%s: %d judged, want each of 330 once", name, resumed.Counts.Judged)
			}
		}
	}
}

// TestARefusalToTellIsNoDrift: the cloud that refuses to say whether it knows
// somebody has not said that it does not.
func TestARefusalToTellIsNoDrift(t *testing.T) {
	r := newRig(t)
	ids := r.people(5)
	r.forget(ids[2], ids[3])
	r.cloud.before = func(_ int64, op, id string) error {
		if op == "profile" && id == ids[2] {
			return &im.Error{Cloud: "rongcloud", Op: "test", Kind: im.Invalid, Message: "planted"}
		}
		return nil
	}
	run := r.run(reconcile.Options{Repair: true})
	r.wantDrift("one of two refused", run, map[string]int64{reconcile.Missing: 1, reconcile.Unclear: 1})
	if u, err := r.store.User(t.Context(), ids[2]); err != nil || u.IMState != models.IMReady {
		t.Errorf("somebody about whom the cloud did not tell is %+v, %v; want as before", u, err)
	}
}

// TestAChangeMeanwhileIsNoDrift: people who change here and are delivered there
// while they are being compared were never wrong.
func TestAChangeMeanwhileIsNoDrift(t *testing.T) {
	t.Run("between our side and the look-up", func(t *testing.T) {
		r := newRig(t)
		r.people(60)
		r.turn("/control/app", map[string]any{"development": false})
		var once sync.Map
		r.cloud.before = func(_ int64, op, id string) error {
			if _, done := once.LoadOrStore(id, true); op == "profile" && !done {
				r.rename(id)
			}
			return nil
		}
		if run := r.run(reconcile.Options{}); len(run.Counts.Drift) != 0 || run.Counts.OnTheWay != 0 {
			t.Errorf("counts = %+v, want no drift", run.Counts)
		}
	})
	t.Run("between the list and our side", func(t *testing.T) {
		r := newRig(t)
		ids := r.people(60)
		r.cloud.after = func(op string) {
			if op == "users" {
				for _, id := range ids {
					r.rename(id)
				}
			}
		}
		if run := r.run(reconcile.Options{}); len(run.Counts.Drift) != 0 || run.Counts.OnTheWay != 0 {
			t.Errorf("counts = %+v, want no drift", run.Counts)
		}
	})
	t.Run("after the bans were read", func(t *testing.T) {
		r := newRig(t)
		ids := r.people(60)
		bans := 0
		r.cloud.after = func(op string) {
			if op == "banned" {
				if bans++; bans == 1 {
					r.change("UPDATE users SET status = 'banned', version = version + 1 WHERE id = ?", ids[0])
					r.call("/user/block.json", url.Values{"userId": {ids[0]}, "minute": {"60"}})
				}
			}
		}
		if run := r.run(reconcile.Options{}); len(run.Counts.Drift) != 0 || run.Counts.OnTheWay != 0 {
			t.Errorf("counts = %+v, want no drift", run.Counts)
		}
	})
	t.Run("again and again", func(t *testing.T) {
		r := newRig(t)
		ids := r.people(3)
		r.turn("/control/app", map[string]any{"development": false})
		r.cloud.before = func(_ int64, op, id string) error {
			if op == "profile" && id == ids[1] {
				r.rename(id)
			}
			return nil
		}
		if run := r.run(reconcile.Options{}); len(run.Counts.Drift) != 0 || run.Counts.OnTheWay != 1 {
			t.Errorf("counts = %+v, want no drift and one on the way", run.Counts)
		}
	})
}

var names atomic.Int64

// rename changes somebody's name here and at the cloud.
func (r *rig) rename(id string) {
	r.Helper()
	name := fmt.Sprintf("Name %d", names.Add(1))
	r.store.Exec(r, "UPDATE users SET nickname = ?, version = version + 1 WHERE id = ?", name, id)
	r.call("/user/refresh.json", url.Values{"userId": {id}, "name": {name}})
}

// TestARunAtAnotherAppBeginsAnew: what was judged at one app does not count at
// another.
func TestARunAtAnotherAppBeginsAnew(t *testing.T) {
	r := newRig(t)
	r.people(120)
	ctx, stop := context.WithCancel(t.Context())
	r.cloud.after = func(string) { stop() }
	first, err := r.reconciler(r.store.Store, "a").Run(ctx, reconcile.Options{})
	if err == nil {
		t.Fatal("Run that is told to stop ended well")
	}
	r.cloud.after, r.cloud.app = nil, "app2"
	second := r.run(reconcile.Options{})
	if second.ID == first.ID || second.Counts.Judged != 120 || second.Options.App != "rongcloud/app2" {
		t.Errorf("run at another app = %s with %+v after %s, want a new one that judges all 120", second.ID, second, first.ID)
	}
}
