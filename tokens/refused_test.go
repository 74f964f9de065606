package tokens

import (
	"errors"
	"testing"
	"time"

	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/im/sandbox"
)

func (r *rig) refuse(t testing.TB, p person, token string) ConnectToken {
	t.Helper()
	c, err := r.Refused(t.Context(), p.id, p.session, token)
	if err != nil {
		t.Fatalf("Refused(%s) = %v, want a token", p.id, err)
	}
	return c
}

func TestRefusedMintsOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		p := r.person(t)
		first := r.fetch(t, p)
		second := r.refuse(t, p, first.Value)
		if second.Value == first.Value {
			t.Fatal("Refused gave the refused token again, want a new one")
		}
		r.cloud.wantState(t, second.Value, sandbox.StateValid)
		r.cloud.wantCalls(t, getToken, 2)
		for _, other := range []string{first.Value, "", "never ours", second.Value + "x", second.Value[:len(second.Value)-1]} {
			if c := r.refuse(t, p, other); c.Value != second.Value {
				t.Error("Refused for another token than the stored one gave a new one, want the stored one")
			}
		}
		r.cloud.wantCalls(t, getToken, 2)
		if n := r.events.count(EventRefused); n != 1 {
			t.Errorf("%q was observed %d times, want once", EventRefused, n)
		}
	})
}

// TestRefusedSinceSecretChange is what the report is for: the cloud knows better.
func TestRefusedSinceSecretChange(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	p := r.person(t)
	first := r.fetch(t, p)
	r.cloud.turn(t, "/control/app", map[string]any{"rotate_secret": testAppSecret}) // voids every token
	r.cloud.wantState(t, first.Value, sandbox.StateUnknown)
	if again := r.fetch(t, p); again.Value != first.Value {
		t.Fatal("without a report the token was replaced: this tests nothing")
	}
	r.cloud.wantState(t, r.refuse(t, p, first.Value).Value, sandbox.StateValid)
}

func TestRefusedTooOften(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		p := r.person(t)
		r.setLifetime(t, "", 24*time.Hour)
		last := r.fetch(t, p)
		for range 5 {
			last = r.refuse(t, p, last.Value)
			r.store.Clock.Advance(10 * time.Second)
		}
		for _, left := range []time.Duration{10 * time.Second, 9 * time.Second, time.Microsecond} {
			r.store.Clock.Advance(last.IssuedAt.Add(-40 * time.Second).Add(time.Minute - left).Sub(r.Now()))
			_, err := r.Refused(t.Context(), p.id, p.session, last.Value)
			var e *TooOftenError
			if !errors.As(err, &e) || e.RetryAfter != left {
				t.Fatalf("the sixth report, %s before the minute is over = %v, want TooOftenError with that wait", left, err)
			}
		}
		if n := r.events.count(EventFailed); n != 0 {
			t.Errorf("%q was observed %d times, want never: the cloud was not asked", EventFailed, n)
		}
		if c := r.fetch(t, p); c.Value != last.Value {
			t.Error("Token while reports come too often = another token, want the stored one")
		}
		if c := r.refuse(t, p, "another"); c.Value != last.Value {
			t.Error("Refused for another token meanwhile = another token, want the stored one")
		}
		r.cloud.wantCalls(t, getToken, 6)
		r.store.Clock.Advance(time.Microsecond)
		for n := range 5 {
			next := r.refuse(t, p, last.Value)
			if next.Value == last.Value {
				t.Fatalf("report %d of the next minute gave the refused token, want a new one", n+1)
			}
			last = next
		}
		if _, err := r.Refused(t.Context(), p.id, p.session, last.Value); !errors.As(err, new(*TooOftenError)) {
			t.Errorf("the sixth report of the next minute = %v, want TooOftenError", err)
		}
		other := r.person(t)
		r.refuse(t, other, r.fetch(t, other).Value) // others are not held up
	})
}

// TestRefusedWhileDown: the stored token stays, and failed mints do not count.
func TestRefusedWhileDown(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	p := r.person(t)
	first := r.fetch(t, p)
	r.cloud.turn(t, "/control/faults", map[string]any{"path": "*", "mode": "code", "code": 1009})
	for range 8 {
		_, err := r.Refused(t.Context(), p.id, p.session, first.Value)
		wantCloudError(t, err, im.Quota)
	}
	if c := r.fetch(t, p); c.Value != first.Value {
		t.Error("a report cost the stored token while the cloud was down")
	}
	r.cloud.turn(t, "/control/reset", map[string]any{})
	if c := r.refuse(t, p, first.Value); c.Value == first.Value {
		t.Error("Refused after the outage gave the refused token, want a new one")
	}
}
