package tokens

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"imbridge/models/modelstest"
	"imbridge/tokens/im/sandbox"
)

// TestRenewedBehind: in its window a token is answered at once, whatever the
// cloud takes, and renewed behind by Run.
func TestRenewedBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.setLifetime(t, "", 24*time.Hour)
		p := r.person(t)
		old := r.fetch(t, p)
		time.Sleep(time.Until(old.RenewAfter) - time.Second)
		r.run(t)
		r.fetch(t, p)
		synctest.Wait()
		r.cloud.wantCalls(t, getToken, 1) // a second too early
		time.Sleep(time.Second)
		r.cloud.turn(t, "/control/faults", map[string]any{"path": getToken, "mode": "delay", "delay_ms": 3000})
		begin := time.Now()
		for range 10 {
			if c := r.fetch(t, p); c.Value != old.Value {
				t.Fatal("in the window: not the stored token, want it while the cloud is slow")
			}
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("a fetch in the window took %s, want no waiting", took)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		fresh := r.fetch(t, p)
		if fresh.Value == old.Value {
			t.Error("after the window's fetch the token is the old one, want it renewed behind")
		}
		r.cloud.wantState(t, old.Value, sandbox.StateValid)
		r.cloud.wantState(t, fresh.Value, sandbox.StateValid)
		r.cloud.wantCalls(t, getToken, 2)
	})
}

// TestNotBroughtBack: who logs out between a fetch and its renewal behind gets no
// token for it.
func TestNotBroughtBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.setLifetime(t, "", 24*time.Hour)
		p := r.person(t)
		time.Sleep(time.Until(r.fetch(t, p).RenewAfter))
		r.fetch(t, p) // asks for a renewal
		r.logOutOthers(t, p)
		r.run(t)
		time.Sleep(time.Hour)
		r.cloud.wantCalls(t, getToken, 1)
	})
}

// TestRounds renew the tokens of people seen lately ahead of their end, at the
// pace set, each once, and nobody else's.
func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.RoundRate = 2
		r.setLifetime(t, "", 24*time.Hour)
		crowd := r.crowd(t, 60) // seen now
		ends := time.Now().Add(24 * time.Hour)
		away := r.person(t)
		r.fetch(t, away)
		r.store.Exec(t, "UPDATE im_tokens SET last_fetched_at = ? WHERE user_id = ?", time.Now().Add(-6*time.Hour).UnixMicro(), away.id)
		out := r.person(t)
		r.fetch(t, out)
		r.logOutOthers(t, out)
		mints := r.cloud.count(t, "calls", getToken)
		time.Sleep(time.Until(ends.Add(-24*time.Hour/5)) - 10*time.Minute)
		r.run(t)
		time.Sleep(9 * time.Minute)
		r.cloud.wantCalls(t, getToken, mints) // not before the window
		time.Sleep(time.Until(ends.Add(-24 * time.Hour / 10).Add(10 * time.Minute)))
		r.cloud.wantCalls(t, getToken, mints+len(crowd)) // by the half of it
		for _, p := range crowd {
			r.cloud.wantState(t, r.fetch(t, p).Value, sandbox.StateValid)
		}
		r.cloud.wantCalls(t, getToken, mints+len(crowd))
		for _, p := range []person{away, out} {
			if n := r.store.Count(t, "SELECT generation FROM im_tokens WHERE user_id = ?", p.id); n > 2 {
				t.Errorf("generation of %s = %d, want no renewal", p.id, n)
			}
		}
		if peak := r.cloud.count(t, "peaks", getToken); peak > 3 {
			t.Errorf("rounds minted %d within a second, want 2 (RoundRate), and one that waited", peak)
		}
	})
}

// TestRoundGivesUp for this time when the cloud is down, and says so once.
func TestRoundGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		var log bytes.Buffer
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		r.setLifetime(t, "", 24*time.Hour)
		crowd := r.crowd(t, 30)
		time.Sleep(24*time.Hour - 30*time.Minute) // every one's time has come
		for _, p := range crowd {
			r.store.Exec(t, "UPDATE im_tokens SET last_fetched_at = ? WHERE user_id = ?", time.Now().UnixMicro(), p.id)
		}
		r.cloud.down(t)
		r.round(t.Context())
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "round of renewals put off") {
			t.Errorf("a round in an outage logged %d warnings, want one about the round:\n%s", n, log.String())
		}
		if n := r.cloud.count(t, "calls", getToken); n > 2 {
			t.Errorf("a round in an outage called the cloud %d times, want 2 at most", n)
		}
		r.cloud.turn(t, "/control/reset", map[string]any{})
		r.RoundRate = 2
		begin := time.Now()
		r.round(t.Context())
		r.cloud.wantCalls(t, getToken, len(crowd))
		if took, want := time.Since(begin), time.Duration(len(crowd)-1)*time.Second/2; took < want || took > want+time.Second {
			t.Errorf("a round of %d at 2 a second took %s, want %s", len(crowd), took, want)
		}
	})
}

// TestRoundPassesOneWhomTheCloudRefuses: everybody behind them is served at the next
// round, and whoever stands before them is as well.
func TestRoundPassesOneWhomTheCloudRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.setLifetime(t, "", 24*time.Hour)
		crowd := r.crowd(t, 5)
		time.Sleep(24*time.Hour - 30*time.Minute)
		for _, p := range crowd {
			r.store.Exec(t, "UPDATE im_tokens SET last_fetched_at = ? WHERE user_id = ?", time.Now().UnixMicro(), p.id)
		}
		slices.SortFunc(crowd, func(a, b person) int { return strings.Compare(a.id, b.id) })
		minted := func() (n int64) {
			return r.store.Count(t, "SELECT COUNT(*) FROM im_tokens WHERE generation > 1")
		}
		refused, err := r.store.User(t.Context(), crowd[1].id)
		if err != nil {
			t.Fatal(err)
		}
		r.cloud.turn(t, "/control/faults", map[string]any{"path": getToken, "mode": "status", "status": 500, "user": refused.IMID})
		for round, want := range []int64{1, 4, 4} {
			time.Sleep(time.Minute) // the breaker, and the claim, are of a moment ago
			r.round(t.Context())
			if got := minted(); got != want {
				t.Errorf("renewed after round %d = %d of 5, want %d: all but the one whom the cloud refuses", round+1, got, want)
			}
		}
		r.cloud.turn(t, "/control/reset", map[string]any{})
		time.Sleep(time.Minute)
		r.round(t.Context())
		if got := minted(); got != 5 {
			t.Errorf("renewed when the cloud takes them all = %d, want 5", got)
		}
	})
}

// TestFetchesAreNoted behind the request, once an hour for one person.
func TestFetchesAreNoted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		p := r.person(t)
		r.fetch(t, p)
		seen := func() time.Time {
			return time.UnixMicro(s.Count(t, "SELECT last_fetched_at FROM im_tokens WHERE user_id = ?", p.id)).UTC()
		}
		minted := seen()
		s.Clock.Advance(59 * time.Minute)
		r.fetch(t, p)
		r.flushSeen(t.Context())
		if got := seen(); !got.Equal(minted) {
			t.Errorf("noted at %s within the hour, want %s still", got, minted)
		}
		s.Clock.Advance(time.Minute)
		r.fetch(t, p)
		if got := seen(); !got.Equal(minted) {
			t.Errorf("the request itself noted %s, want nothing written", got)
		}
		r.flushSeen(t.Context())
		if got := seen(); !got.Equal(s.Clock.Now()) {
			t.Errorf("noted at %s, want %s", got, s.Clock.Now())
		}
	})
}

// TestRunLeavesNothing behind: it ends with its context, and so does all that it
// has started; what it has noted is written.
func TestRunLeavesNothing(t *testing.T) {
	r := newRig(t, modelstest.OpenOn(t, "sqlite"))
	p, permanent := r.person(t), r.person(t)
	r.setLifetime(t, p.id, 24*time.Hour)
	r.fetch(t, p)
	r.fetch(t, permanent)
	r.store.Clock.Advance(24*time.Hour - time.Second)
	before := goleak.IgnoreCurrent()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	for range 100 {
		r.fetch(t, p) // renewed behind
		r.fetch(t, permanent)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	r.cloud.server.CloseClientConnections() // the client keeps some for the next call
	if err := goleak.Find(before, goleak.IgnoreTopFunction("database/sql.(*DB).connectionCleaner"),
		goleak.IgnoreAnyFunction("net/http.(*conn).serve"), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop")); err != nil {
		t.Error(err)
	}
	if n := r.store.Count(t, "SELECT last_fetched_at FROM im_tokens WHERE user_id = ?", permanent.id); n != r.Now().UnixMicro() {
		t.Errorf("last_fetched_at after Run = %d, want %d", n, r.Now().UnixMicro())
	}
}
