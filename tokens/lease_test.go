package tokens

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/im/sandbox"
)

// once makes f run at the first call only.
func once(f func()) *func(string) {
	var done atomic.Bool
	g := func(string) {
		if done.CompareAndSwap(false, true) {
			f()
		}
	}
	return &g
}

// TestRevokedDuringMint: tokens are revoked while the cloud is being asked for
// one. What the cloud gives then belongs to before, and nobody gets it.
func TestRevokedDuringMint(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for _, c := range []struct {
			name    string
			stored  bool
			refused bool
			late    bool // after the cloud has minted
		}{
			{name: "first token, before the cloud has it"},
			{name: "first token, after", late: true},
			{name: "expired token, before", stored: true},
			{name: "expired token, after", stored: true, late: true},
			{name: "refused token, after", stored: true, refused: true, late: true},
		} {
			t.Run(c.name, func(t *testing.T) {
				r := newRig(t, s)
				r.setLifetime(t, "", 24*time.Hour)
				p := r.person(t)
				var old string
				if c.stored {
					old = r.fetch(t, p).Value
					if !c.refused {
						s.Clock.Advance(24 * time.Hour)
					}
				}
				calls := r.cloud.count(t, "calls", getToken)
				var epoch int64
				revoke := once(func() {
					r.logOutOthers(t, p)
					epoch = s.Count(t, "SELECT token_epoch FROM users WHERE id = ?", p.id)
				})
				if c.late {
					r.cloud.after.Store(revoke)
				} else {
					r.cloud.before.Store(revoke)
				}
				got, err := r.Refused(t.Context(), p.id, p.session, old)
				if err != nil {
					t.Fatalf("Refused = %v, want a token", err)
				}
				v, err := r.store.TokenView(t.Context(), r.App(), p.id, p.session)
				if err != nil {
					t.Fatal(err)
				}
				if v.Value != got.Value || v.TokenEpoch != epoch || v.Epoch != epoch {
					t.Errorf("handed out a token of epoch %d (the one stored: %t), want of epoch %d", v.TokenEpoch, v.Value == got.Value, epoch)
				}
				r.cloud.wantCalls(t, getToken, calls+2) // the one thrown away, and the one handed out
			})
		}
	})
}

// TestLoggedOutDuringMint: the caller's own session ends while the cloud is
// being asked.
func TestLoggedOutDuringMint(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	p := r.person(t)
	r.cloud.after.Store(once(func() {
		if err := r.store.EndSessions(context.Background(), p.id, "", models.Origin{}); err != nil {
			t.Error(err)
		}
	}))
	if c, err := r.Token(t.Context(), p.id, p.session); !errors.Is(err, models.ErrSessionEnded) || c.Value != "" {
		t.Errorf("Token = %v, want none and %v", err, models.ErrSessionEnded)
	}
}

// TestCallerLeaves: the mint goes on and is stored.
func TestCallerLeaves(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		p := r.person(t)
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan struct{})
		r.cloud.before.Store(once(func() { leave(); <-gone }))
		_, err := r.Token(ctx, p.id, p.session)
		e := wantCloudError(t, err, im.Unavailable)
		if !errors.Is(e, context.Canceled) {
			t.Errorf("cause = %v, want %v", e.Err, context.Canceled)
		}
		close(gone)
		if event := <-r.events.news; event != EventIssued {
			t.Fatalf("observed %q, want %q", event, EventIssued)
		}
		r.cloud.wantState(t, r.fetch(t, p).Value, sandbox.StateValid)
		r.cloud.wantCalls(t, getToken, 1)
	})
}

// A lateCloud answers when the time of the mint is over.
type lateCloud struct{ Cloud }

func (c lateCloud) Mint(ctx context.Context, u im.User, lifetime time.Duration) (im.Token, error) {
	token, err := c.Cloud.Mint(ctx, u, lifetime)
	<-ctx.Done()
	return token, err
}

// TestSlowCloud: what it gives in the last moment is stored all the same, and
// one that hangs costs the time of a mint.
func TestSlowCloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		p := r.person(t)
		r.MintTimeout = 3 * time.Second
		quick := r.Cloud
		r.Cloud = lateCloud{quick}
		begin := time.Now()
		c := r.fetch(t, p)
		if took := time.Since(begin); took != r.MintTimeout {
			t.Fatalf("the cloud took %s, want all of %s", took, r.MintTimeout)
		}
		r.cloud.wantState(t, c.Value, sandbox.StateValid)

		r.Cloud = quick
		other := r.person(t)
		r.cloud.turn(t, "/control/faults", map[string]any{"path": getToken, "mode": "delay", "delay_ms": 60_000})
		begin = time.Now()
		_, err := r.Token(t.Context(), other.id, other.session)
		var e *im.Error
		if took := time.Since(begin); !errors.As(err, &e) || took > r.MintTimeout+time.Second {
			t.Errorf("with a cloud that hangs Token = %v after %s, want an *im.Error within %s", err, took, r.MintTimeout)
		}
	})
}

// TestRunEndsAfterMints: who stops the process closes the store after Run, and
// what the cloud makes until then must be in it.
func TestRunEndsAfterMints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		p := r.person(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan time.Time)
		go func() { _ = r.Run(ctx); ended <- time.Now() }()
		r.cloud.turn(t, "/control/faults", map[string]any{"path": getToken, "mode": "delay", "delay_ms": 4000, "times": 1})
		begin := time.Now()
		go func() { _, _ = r.Token(ctx, p.id, p.session) }()
		synctest.Wait()
		stop()
		if at := <-ended; at.Sub(begin) != 4*time.Second {
			t.Errorf("Run ended %s after the mint began, want 4s: with the mint", at.Sub(begin))
		}
		if v, err := r.store.TokenView(t.Context(), r.App(), p.id, ""); err != nil || v.Value == "" {
			t.Errorf("TokenView after Run = %v, want the token that was being minted", err)
		}
	})
}

// TestDeadProcess: a lease that nobody gives back ends by itself.
func TestDeadProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		p := r.person(t)
		v, err := r.store.TokenView(t.Context(), r.App(), p.id, "")
		if err != nil {
			t.Fatal(err)
		}
		dies := time.Now().Add(r.MintTimeout + leaseMargin)
		if err := r.store.ClaimToken(t.Context(), r.App(), v, "dead/1", dies); err != nil {
			t.Fatal(err)
		}
		c, err := r.persist(t, p)
		if err != nil {
			t.Fatalf("Token = %v, want a token when the lease has ended", err)
		}
		if now := time.Now(); now.Before(dies) || now.After(dies.Add(2*time.Second)) {
			t.Errorf("served %s after the lease's end, want 0 to 2s", now.Sub(dies))
		}
		r.cloud.wantState(t, c.Value, sandbox.StateValid)
		r.cloud.wantCalls(t, getToken, 1)
	})
}

// TestSwapIsFenced: a process that was away for longer than its lease comes back
// with a token when another has long stored its own.
func TestSwapIsFenced(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		slow := newRig(t, s)
		quick := slow.again(t)
		p := slow.person(t)
		var theirs ConnectToken
		slow.cloud.after.Store(once(func() {
			s.Clock.Advance(slow.MintTimeout + leaseMargin)
			theirs = quick.fetch(t, p)
		}))
		got := slow.fetch(t, p)
		if got.Value != theirs.Value {
			t.Error("the process that lost its lease handed out its own token, want the other's")
		}
		if v, err := s.TokenView(t.Context(), slow.App(), p.id, ""); err != nil || v.Value != theirs.Value || v.Generation != 1 {
			t.Errorf("stored: generation %d, %v; want the quick one's token as generation 1", v.Generation, err)
		}
		slow.cloud.wantCalls(t, getToken, 2)
	})
}
