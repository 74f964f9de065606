package tokens

import (
	"errors"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestRotateNow: on demand a key is published, signs after keyLead, and the one
// before stays until the last token of its own has run out. No process refuses a
// token meanwhile.
func TestRotateNow(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		k, other := newKeys(t, s), newKeys(t, s.Again(t))
		first := k.active().id
		if err := k.RotateNow(t.Context(), false, "admin:x", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		if n := len(k.published(t).Keys); n != 2 || k.active().id != first {
			t.Errorf("after RotateNow %d keys are published and the first signs: %t; want 2, true", n, k.active().id == first)
		}
		s.Clock.Advance(keyLead - time.Microsecond)
		last := newAccess(k).mustSign(t)
		s.Clock.Advance(time.Microsecond)
		if k.active().id == first {
			t.Errorf("%s after RotateNow the first key signs, want the next", keyLead)
		}
		fresh := newAccess(k).mustSign(t)
		for name, token := range map[string]string{"last of the first key": last, "first of the new key": fresh} {
			if _, err := newAccess(other).Verify(t.Context(), token, AudienceUser); err != nil {
				t.Errorf("the other process refuses the %s: %v", name, err)
			}
		}
		s.Clock.Advance(testLifetime + keyLinger + time.Microsecond)
		if err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(k.published(t).Keys); n != 1 {
			t.Errorf("%d keys are published when all tokens of the first are over, want 1", n)
		}
		if n := s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'signing_key.rotate' AND actor = 'admin:x'"); n != 1 {
			t.Errorf("%d rotations are in the audit, want 1", n)
		}
	})
}

// TestEmergency: the new key signs at once in every process, and nobody takes
// what the old ones signed.
func TestEmergency(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		k, other := newKeys(t, s), newKeys(t, s.Again(t))
		if err := k.RotateNow(t.Context(), false, "system", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		stolen := newAccess(k).mustSign(t)
		s.Clock.Advance(keyMiss)
		if err := k.RotateNow(t.Context(), true, "system", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		if n := len(k.published(t).Keys); n != 1 {
			t.Errorf("%d keys are published after the emergency, want the new one alone", n)
		}
		if _, err := newAccess(k).Verify(t.Context(), stolen, AudienceUser); !errors.Is(err, ErrAccessInvalid) {
			t.Errorf("Verify of an old token = %v, want %v", err, ErrAccessInvalid)
		}
		fresh := newAccess(k).mustSign(t)
		if _, err := newAccess(other).Verify(t.Context(), fresh, AudienceUser); err != nil {
			t.Errorf("the other process refuses a token of the new key: %v", err)
		}
		if got, want := other.active().id, k.active().id; got != want {
			t.Errorf("the other process signs with %s once it has seen the new key, want %s", got, want)
		}
		if _, err := newAccess(other).Verify(t.Context(), stolen, AudienceUser); !errors.Is(err, ErrAccessInvalid) {
			t.Errorf("Verify of an old token in the other process = %v, want %v", err, ErrAccessInvalid)
		}
	})
}

// TestEmergenciesAtOnce: none is lost to another, or to a rotation by schedule.
func TestEmergenciesAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		keys := []*Keys{newKeys(t, s), newKeys(t, s.Again(t)), newKeys(t, s), newKeys(t, s.Again(t))}
		before := newAccess(keys[0]).mustSign(t)
		s.Clock.Advance(testRotation)
		var all sync.WaitGroup
		for n, k := range keys {
			all.Go(func() {
				if n == 0 {
					if err := k.Rotate(t.Context()); err != nil {
						t.Errorf("Rotate = %v", err)
					}
					return
				}
				if err := k.RotateNow(t.Context(), true, "system", models.Origin{}); err != nil {
					t.Errorf("RotateNow = %v", err)
				}
			})
		}
		all.Wait()
		if n := s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'signing_key.rotate'"); n != 3 {
			t.Errorf("%d emergencies were carried out, want 3", n)
		}
		for n, k := range keys {
			if err := k.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := newAccess(k).Verify(t.Context(), before, AudienceUser); err == nil {
				t.Errorf("process %d takes a token from before, want it void", n)
			}
		}
	})
}
