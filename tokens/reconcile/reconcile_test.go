package reconcile_test

import (
	"net/url"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im/sandbox"
	"imbridge/tokens/reconcile"
)

// TestEveryDriftIsReportedAndRepaired is the promise of the whole: more than 500
// people of 2,000 differ in every way there is.
func TestEveryDriftIsReportedAndRepaired(t *testing.T) {
	r := newRig(t)
	all := r.people(2000)
	take := func(n int) []string {
		ids := all[:n:n]
		all = all[n:]
		return ids
	}
	want := map[string]int64{}

	lost := take(100)
	r.forget(lost...)
	r.change("UPDATE im_tokens SET cloud_app = 'rongcloud/"+appKey+"' WHERE user_id = ?", lost...)
	never := take(20) // their row in the outbox was dropped
	r.forget(never...)
	r.change("UPDATE users SET im_state = 'pending' WHERE id = ?", never...)
	want[reconcile.Missing] = 120

	for _, id := range take(60) {
		r.call("/user/refresh.json", url.Values{"userId": {id}, "name": {"another"}})
	}
	r.change("UPDATE users SET nickname = 'Changed' WHERE id = ?", take(40)...)
	r.change("UPDATE users SET avatar_url = 'https://example.com/a.png' WHERE id = ?", take(20)...)
	want[reconcile.Different] = 120

	bannedHere := take(60)
	r.change("UPDATE users SET status = 'banned' WHERE id = ?", bannedHere...)
	want[reconcile.NotBanned] = 60
	for _, id := range take(60) {
		r.call("/user/block.json", url.Values{"userId": {id}, "minute": {"60"}})
	}
	want[reconcile.Banned] = 60

	r.change("UPDATE users SET status = 'deleted', username_key = NULL, username = '', scrubbed_at = 1 WHERE id = ?", take(50)...)
	r.change("UPDATE users SET status = 'deleted', username_key = NULL WHERE id = ?", take(20)...)
	want[reconcile.RemovedAgain] = 70
	leftovers := take(40)
	r.forget(leftovers...)
	r.change("UPDATE users SET status = 'deleted', username_key = NULL WHERE id = ?", leftovers...)
	want[reconcile.Unscrubbed] = 40

	for i := range 50 {
		r.register("stranger"+string(rune('a'+i%26))+string(rune('a'+i/26)), "somebody")
	}
	want[reconcile.Extra] = 50

	both := take(1) // one person, two classes
	r.change("UPDATE users SET nickname = 'Both', status = 'banned' WHERE id = ?", both...)
	want[reconcile.Different]++
	want[reconcile.NotBanned]++

	onTheWay := take(30)
	name := "On the way"
	for _, id := range onTheWay {
		if _, err := r.store.ChangeProfile(t.Context(), id, models.ProfileChange{Nickname: &name}, models.Origin{}); err != nil {
			t.Fatal(err)
		}
	}

	rows := r.store.Count(t, "SELECT COUNT(*) FROM outbox")
	users, deactivated, bans := r.counts()
	dry := r.run(reconcile.Options{})
	r.wantDrift("dry run", dry, want)
	if c := dry.Counts; c.Judged != 2000 || c.OnTheWay != 30 || c.Repaired != 0 || !c.Complete || c.Unlisted {
		t.Errorf("dry run = %+v, want 2000 judged, 30 on the way, none repaired, a complete list", c)
	}
	if got := len(dry.Counts.Drift[reconcile.Missing].First); got != 20 {
		t.Errorf("first missing: %d ids, want 20", got)
	}
	if n := r.store.Count(t, "SELECT COUNT(*) FROM outbox"); n != rows {
		t.Errorf("outbox after a dry run has %d rows, want %d as before", n, rows)
	}
	if u, d, b := r.counts(); u != users || d != deactivated || b != bans {
		t.Errorf("the cloud after a dry run has %d users, %d deactivated, %d bans; want %d, %d, %d", u, d, b, users, deactivated, bans)
	}
	if n := r.store.Count(t, "SELECT COUNT(*) FROM notices WHERE kind = 'drift' AND resolved_at IS NULL"); n != 1 {
		t.Errorf("%d open notices of drift, want 1", n)
	}

	repair := r.run(reconcile.Options{Repair: true})
	r.wantDrift("repair", repair, want)
	explained := int64(0)
	for class, n := range want {
		if class != reconcile.Extra {
			explained += n
		}
	}
	if got := repair.Counts.Repaired; got != explained {
		t.Errorf("repaired = %d, want %d: all but strangers", got, explained)
	}
	if n := r.store.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'reconcile.repair'"); n != explained {
		t.Errorf("%d repairs in the audit, want %d", n, explained)
	}
	// Before they are delivered they are on the way, and not found once more.
	r.wantDrift("before delivery", r.run(reconcile.Options{}), map[string]int64{reconcile.Extra: 50})
	r.drain()
	after := r.run(reconcile.Options{})
	r.wantDrift("after delivery", after, map[string]int64{reconcile.Extra: 50})
	if after.Counts.OnTheWay != 0 {
		t.Errorf("after delivery %d on the way, want 0", after.Counts.OnTheWay)
	}

	// The lost have a token that works, and it is the one that we hand out.
	for _, id := range append(lost, never...) {
		token, err := r.issuer.Token(t.Context(), id, "")
		if err != nil || r.box.TokenState(token.Value) != sandbox.StateValid {
			t.Fatalf("token of %s after the repair = %v, state %v; want a valid one", id, err, r.box.TokenState(token.Value))
		}
		if u, err := r.store.User(t.Context(), id); err != nil || u.IMState != models.IMReady {
			t.Fatalf("user %s after the repair = %+v, %v; want ready", id, u, err)
		}
	}
	// Nothing that nobody can explain was deleted, and nobody who is not deleted here.
	if _, deactivated, bans := r.counts(); deactivated != 70 || bans != 61 {
		t.Errorf("the cloud has %d deactivated and %d banned, want 70 and 61", deactivated, bans)
	}
	if n := r.store.Count(t, "SELECT COUNT(*) FROM users WHERE status = 'deleted' AND scrubbed_at IS NULL"); n != 0 {
		t.Errorf("%d tombstones not scrubbed, want 0", n)
	}
	if n := r.store.Count(t, "SELECT COUNT(*) FROM reconcile_people"); n != 0 {
		t.Errorf("%d people noted after the end, want 0", n)
	}
}

func TestACloudThatListsNobodyIsAskedOneByOne(t *testing.T) {
	r := newRig(t)
	ids := r.people(250)
	r.turn("/control/app", map[string]any{"development": false})
	r.change("UPDATE users SET nickname = 'Changed' WHERE id = ?", ids[3], ids[120], ids[249])
	r.change("UPDATE users SET status = 'deleted', username_key = NULL WHERE id = ?", ids[5])
	r.change("UPDATE users SET status = 'banned' WHERE id = ?", ids[7])
	r.turn("/control/app", map[string]any{"development": true})
	r.forget(ids[9])
	r.turn("/control/app", map[string]any{"development": false})
	r.register("stranger", "nobody can see")
	want := map[string]int64{reconcile.Different: 3, reconcile.RemovedAgain: 1, reconcile.NotBanned: 1, reconcile.Missing: 1}
	run := r.run(reconcile.Options{Repair: true})
	r.wantDrift("without a list", run, want)
	if c := run.Counts; !c.Unlisted || c.Complete || c.Listed != 0 || c.Judged != 250 {
		t.Errorf("counts = %+v, want Unlisted and 250 judged", c)
	}
	if left := reconcile.Left(run); len(left) != 0 {
		t.Errorf("left = %v, want nothing", left)
	}
	r.drain()
	r.wantDrift("after the repair", r.run(reconcile.Options{}), nil)
	if n := r.store.Count(t, "SELECT COUNT(*) FROM notices WHERE kind = 'drift' AND resolved_at IS NULL"); n != 0 {
		t.Errorf("%d open notices of drift after a run without any, want 0", n)
	}
}

func TestSinceLooksOnlyAtWhoChanged(t *testing.T) {
	r := newRig(t)
	ids := r.people(30)
	r.change("UPDATE users SET nickname = 'Old drift' WHERE id = ?", ids[1])
	r.store.Clock.Advance(48 * hour)
	since := r.store.Clock.Now()
	r.store.Clock.Advance(hour)
	r.store.Exec(t, "UPDATE users SET nickname = 'New drift', updated_at = ? WHERE id = ?", r.store.Clock.Now().UnixMicro(), ids[2])
	r.register("stranger", "not listed then")
	run := r.run(reconcile.Options{Since: since})
	r.wantDrift("since", run, map[string]int64{reconcile.Different: 1})
	if got := run.Counts.Drift[reconcile.Different].First; len(got) != 1 || got[0] != ids[2] || run.Counts.Judged != 1 {
		t.Errorf("since = %+v, want %s alone", run.Counts, ids[2])
	}
	if _, err := r.store.LastReconciled(t.Context()); err == nil {
		t.Error("a run with Since counts as one that looked at everybody")
	}
}

// TestABanThatTheCloudLost: a banned person has a row in the outbox for the
// renewal, days ahead. That row is no delivery under way.
func TestABanThatTheCloudLost(t *testing.T) {
	r := newRig(t)
	id := r.people(1)[0]
	if err := r.store.BanUser(t.Context(), id, "spam", "admin:a", models.Origin{}); err != nil {
		t.Fatal(err)
	}
	if run := r.run(reconcile.Options{}); run.Counts.OnTheWay != 1 || len(run.Counts.Drift) != 0 {
		t.Errorf("a ban that is being delivered = %+v, want it on the way", run.Counts)
	}
	r.drain()
	r.wantDrift("a ban that was delivered", r.run(reconcile.Options{}), nil)
	r.call("/user/unblock.json", url.Values{"userId": {id}})
	r.wantDrift("a ban that the cloud lost", r.run(reconcile.Options{Repair: true}), map[string]int64{reconcile.NotBanned: 1})
	r.drain()
	r.wantDrift("after the repair", r.run(reconcile.Options{}), nil)
}

// TestAnotherAppIsNotRepaired: with another app key everybody is missing, and a
// repair would cost everybody their token.
func TestAnotherAppIsNotRepaired(t *testing.T) {
	r := newRig(t)
	ids := r.store.BulkTokens(t, 150, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: r.store.Clock.Now()} })
	run := r.run(reconcile.Options{Repair: true})
	r.wantDrift("another app", run, map[string]int64{reconcile.Missing: int64(len(ids))})
	if n := r.store.Count(t, "SELECT COUNT(*) FROM im_tokens WHERE token_sealed IS NULL"); n > 50 {
		t.Errorf("%d people lost their token, want at most 50", n)
	}
	if left := reconcile.Left(run)[reconcile.Missing]; left < 100 {
		t.Errorf("left missing = %d, want at least 100 of 150", left)
	}
}

// TestThePaceIsKept: people who wait for a token must not feel a comparison.
func TestThePaceIsKept(t *testing.T) {
	r := newRig(t)
	r.people(60)
	r.turn("/control/app", map[string]any{"development": false})
	rec := r.reconciler(r.store.Store, "p")
	rec.Rate = 40
	calls := r.cloud.calls.Load()
	began := time.Now()
	if _, err := rec.Run(t.Context(), reconcile.Options{}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	calls = r.cloud.calls.Load() - calls
	// A tenth of a second's calls may come at once.
	if least := time.Duration(calls-4) * time.Second / 40; calls < 60 || took < least {
		t.Errorf("%d calls in %s, want at least %s at 40 a second", calls, took, least)
	}
}

// TestARemovalTakesItsTime: the cloud still tells of somebody for a while after it
// was asked to remove them.
func TestARemovalTakesItsTime(t *testing.T) {
	r := newRig(t)
	ids := r.people(3)
	removed := r.store.Clock.Now()
	r.store.Exec(t, "UPDATE users SET status = 'deleted', username_key = NULL, username = '', scrubbed_at = ? WHERE id = ?", removed.UnixMicro(), ids[1])
	for _, tc := range []struct {
		after           time.Duration
		again, onTheWay int64
	}{{0, 0, 1}, {29*time.Minute + 59*time.Second, 0, 1}, {30 * time.Minute, 1, 0}} {
		r.store.Clock.Advance(removed.Add(tc.after).Sub(r.store.Clock.Now()))
		run := r.run(reconcile.Options{Repair: tc.again == 0, Fresh: true})
		r.wantDrift(tc.after.String()+" after a removal", run, map[string]int64{reconcile.RemovedAgain: tc.again})
		if got := run.Counts.OnTheWay; got != tc.onTheWay || run.Counts.Repaired != 0 {
			t.Errorf("%s after a removal: %d on the way, %d repaired, want %d and none", tc.after, got, run.Counts.Repaired, tc.onTheWay)
		}
	}
}
