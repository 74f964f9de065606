package tokens

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"imbridge/tokens/im/rongcloud"
	"imbridge/tokens/im/sandbox"
)

// run starts Run for the rest of the test, and a runner of the outbox beside it.
func (r *rig) run(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		var g errgroup.Group
		g.Go(func() error { return r.Run(ctx) })
		g.Go(func() error { return r.outbox().Run(ctx) })
		ended <- g.Wait()
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// TestShortenedLifetimeIsEnforced at the cloud too, whatever its clock says: the
// old token is refused as expired, the new one connects.
func TestShortenedLifetimeIsEnforced(t *testing.T) {
	for _, skew := range []time.Duration{0, -10 * time.Minute, 10 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newBubbleRig(t, cloudAhead(skew))
				p := r.person(t)
				old := r.fetch(t, p).Value
				time.Sleep(36 * time.Hour)
				r.run(t)
				r.setLifetime(t, "", 24*time.Hour)
				r.cloud.wantState(t, old, sandbox.StateValid)
				fresh := r.fetch(t, p).Value
				time.Sleep(time.Second) // Run was woken
				r.cloud.wantState(t, old, sandbox.StateExpired)
				if code := r.cloud.box.TokenState(old).Code(); code != 31020 {
					t.Errorf("the cloud refuses the old token with %d, want 31020", code)
				}
				r.cloud.wantState(t, fresh, sandbox.StateValid)
				time.Sleep(time.Hour)
				r.cloud.wantCalls(t, expireTokens, 1)
				r.cloud.wantState(t, r.fetch(t, p).Value, sandbox.StateValid)
			})
		})
	}
}

// TestRevocationIsRepeated until the cloud has carried it out.
func TestRevocationIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.run(t)
		p := r.person(t)
		old := r.fetch(t, p).Value
		time.Sleep(time.Second)
		r.cloud.turn(t, "/control/faults", map[string]any{"path": expireTokens, "mode": "status", "status": 503})
		r.logOutOthers(t, p)
		time.Sleep(10 * time.Minute)
		r.cloud.wantState(t, old, sandbox.StateValid)
		calls := r.cloud.count(t, "calls", expireTokens)
		if calls < 8 || calls > 300 {
			t.Errorf("in 10 minutes of outage the revocation was tried %d times, want 8 to 300", calls)
		}
		r.cloud.turn(t, "/control/reset", map[string]any{})
		time.Sleep(6 * time.Minute) // the longest wait between two tries is 5
		r.cloud.wantState(t, old, sandbox.StateExpired)
		time.Sleep(time.Hour)
		r.cloud.wantCalls(t, expireTokens, 1)
	})
}

// TestRevocationIsWoken: no wait for the next look.
func TestRevocationIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.run(t)
		p := r.person(t)
		old := r.fetch(t, p).Value
		time.Sleep(time.Millisecond)
		r.logOutOthers(t, p)
		time.Sleep(time.Second)
		r.cloud.wantState(t, old, sandbox.StateExpired)
	})
}

// TestNoRevocationWhereTheCloudEndsIt: the cloud's own end is not after ours, or
// there is no end to enforce.
func TestNoRevocationWhereTheCloudEndsIt(t *testing.T) {
	for _, c := range []struct {
		name              string
		console, lifetime time.Duration
	}{
		{"the cloud's is shorter", time.Hour, 24 * time.Hour},
		{"they are the same", 24 * time.Hour, 24 * time.Hour},
		{"ours is permanent", time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newBubbleRig(t, consoleLifetime(c.console))
				r.setLifetime(t, "", c.lifetime)
				p := r.person(t)
				old := r.fetch(t, p).Value
				time.Sleep(c.console + time.Second)
				r.run(t)
				if r.fetch(t, p).Value == old {
					t.Fatal("the token was not replaced: this tests nothing")
				}
				time.Sleep(10 * time.Minute)
				r.cloud.wantCalls(t, expireTokens, 0)
			})
		})
	}
}

// TestEarlyRenewalKeepsTheOldToken: it is valid until its own end, for the
// devices that still hold it, and no longer.
func TestEarlyRenewalKeepsTheOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.setLifetime(t, "", 24*time.Hour)
		p := r.person(t)
		old := r.fetch(t, p)
		time.Sleep(time.Until(old.RenewAfter))
		r.run(t)
		r.fetch(t, p)
		time.Sleep(time.Minute)
		fresh := r.fetch(t, p)
		if fresh.Value == old.Value {
			t.Fatal("the token was not renewed in its window")
		}
		time.Sleep(time.Until(old.ExpiresAt) - time.Second)
		r.cloud.wantState(t, old.Value, sandbox.StateValid)
		time.Sleep(10 * time.Second)
		r.cloud.wantState(t, old.Value, sandbox.StateExpired)
		r.cloud.wantState(t, fresh.Value, sandbox.StateValid)
		r.cloud.wantCalls(t, expireTokens, 1)
	})
}

// TestRevocationOfTheUnknown: somebody whom the cloud has never seen has nothing
// to revoke there.
func TestRevocationOfTheUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.run(t)
		p := r.person(t)
		r.fetch(t, p)
		r.cloud.turn(t, "/control/faults", map[string]any{"path": expireTokens, "mode": "code", "code": 400})
		r.logOutOthers(t, p)
		time.Sleep(time.Hour)
		r.cloud.wantCalls(t, expireTokens, 1)
	})
}

// A rotating cloud can only end all tokens at once, as one does that has nothing
// but a password to change.
type rotating struct {
	*rongcloud.Client
	now func() time.Time
}

func (c rotating) RevokeBefore(ctx context.Context, id string, _ time.Time) (time.Time, error) {
	ended := c.now().Add(time.Millisecond)
	_, err := c.Client.RevokeBefore(ctx, id, ended)
	return ended, err
}

// TestATokenThatEndedWithTheOthersIsReplaced: it was minted after the log-out, and
// before the cloud heard of that.
func TestATokenThatEndedWithTheOthersIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.Cloud = rotating{r.Cloud.(*rongcloud.Client), time.Now}
		p := r.person(t)
		r.fetch(t, p)
		time.Sleep(time.Second)
		r.logOutOthers(t, p)
		time.Sleep(time.Second)
		between := r.fetch(t, p).Value
		time.Sleep(time.Second)
		r.run(t)
		time.Sleep(time.Second)
		r.cloud.wantState(t, between, sandbox.StateExpired)
		after := r.fetch(t, p).Value
		if after == between {
			t.Error("a token was handed out that the cloud had ended, want a new one")
		}
		r.cloud.wantState(t, after, sandbox.StateValid)
		time.Sleep(time.Hour)
		r.cloud.wantState(t, r.fetch(t, p).Value, sandbox.StateValid)
		r.cloud.wantCalls(t, expireTokens, 1)
	})
}
