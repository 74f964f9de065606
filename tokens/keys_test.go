package tokens

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

const (
	testLifetime = 10 * time.Minute
	testRotation = 30 * 24 * time.Hour
)

func newKeys(t testing.TB, s *modelstest.Store) *Keys {
	t.Helper()
	k := &Keys{Store: s.Store, AccessLifetime: testLifetime, Rotation: testRotation, Now: s.Now, Log: slog.New(slog.DiscardHandler)}
	if err := k.Load(t.Context()); err != nil {
		t.Fatalf("Load = %v", err)
	}
	return k
}

func newAccess(k *Keys) *Access {
	return &Access{Keys: k, Issuer: "https://im.example.com", Lifetime: testLifetime, AdminLifetime: testLifetime, Now: k.Now}
}

func (a *Access) mustSign(t testing.TB) string {
	t.Helper()
	token, _, err := a.Sign(models.Session{ID: "s1", UserID: "u1", RotatedAt: a.Now()})
	if err != nil {
		t.Fatalf("Sign = %v", err)
	}
	return token
}

type keySet struct {
	Keys []struct{ KTY, CRV, KID, Alg, Use, X, D string }
}

func (k *Keys) published(t testing.TB) keySet {
	t.Helper()
	var set keySet
	if err := json.Unmarshal(k.JWKS(), &set); err != nil {
		t.Fatalf("JWKS = %s: %v", k.JWKS(), err)
	}
	return set
}

// TestFirstKey: of many processes that start at once on an empty database each
// ends up with the one key, which signs at once.
func TestFirstKey(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		keys := make([]*Keys, 8)
		var all sync.WaitGroup
		for n := range keys {
			all.Go(func() {
				keys[n] = &Keys{Store: stores[n%2].Store, AccessLifetime: testLifetime, Rotation: testRotation, Now: s.Now}
				if err := keys[n].Load(t.Context()); err != nil {
					t.Errorf("Load = %v", err)
				}
			})
		}
		all.Wait()
		if t.Failed() {
			return
		}
		if n := s.Count(t, "SELECT COUNT(*) FROM signing_keys"); n != 1 {
			t.Errorf("%d keys are stored, want 1", n)
		}
		token := newAccess(keys[0]).mustSign(t)
		for n, k := range keys {
			if _, err := newAccess(k).Verify(t.Context(), token, AudienceUser); err != nil {
				t.Errorf("process %d: Verify = %v", n, err)
			}
		}
	})
}

func TestJWKS(t *testing.T) {
	k := newKeys(t, modelstest.Open(t))
	set := k.published(t)
	if len(set.Keys) != 1 {
		t.Fatalf("JWKS = %s, want one key", k.JWKS())
	}
	key := set.Keys[0]
	if key.KTY != "OKP" || key.CRV != "Ed25519" || key.Alg != "EdDSA" || key.Use != "sig" || key.D != "" {
		t.Errorf("JWKS = %s, want an Ed25519 key for signatures without its private part", k.JWKS())
	}
	x, err := base64.RawURLEncoding.DecodeString(key.X)
	if err != nil || !ed25519.PublicKey(x).Equal(k.active().private.Public()) {
		t.Errorf("x = %s, want the public half of the key that signs", key.X)
	}
	// RFC 7638, section 3: the required members in the order of their names.
	sum := sha256.Sum256([]byte(`{"crv":"` + key.CRV + `","kty":"` + key.KTY + `","x":"` + key.X + `"}`))
	if want := base64.RawURLEncoding.EncodeToString(sum[:]); key.KID != want {
		t.Errorf("kid = %s, want the thumbprint %s", key.KID, want)
	}
	// The example of RFC 8037, appendix A.3, proves the recipe itself.
	sum = sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if got, want := base64.RawURLEncoding.EncodeToString(sum[:]), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; got != want {
		t.Errorf("thumbprint of the RFC's key = %s, want %s", got, want)
	}
}

// TestRotation follows two processes for twenty keys. The second only looks when
// it has to, each minute: no token within its life is ever refused by either,
// and few keys are kept.
func TestRotation(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a, b := newKeys(t, s), newKeys(t, s.Again(t))
		signs, verifies := newAccess(a), newAccess(b)
		type live struct {
			token string
			ends  time.Time
		}
		var tokens []live
		kids := map[string]bool{}
		rotations := 0
		for day := 0; rotations < 20; day++ {
			if day > 25*30 {
				t.Fatalf("%d rotations in %d days, want one every 30", rotations, day)
			}
			// Calm days in one step, the time around each rotation by the minute.
			newest := a.ring.Load().keys[len(a.ring.Load().keys)-1].activeAt
			if until := newest.Add(testRotation - keyLead - 5*time.Minute).Sub(s.Clock.Now()); until > 24*time.Hour {
				s.Clock.Advance(24 * time.Hour)
				tokens = nil
				if err := errors.Join(a.Rotate(t.Context()), b.Load(t.Context())); err != nil {
					t.Fatal(err)
				}
				continue
			} else {
				s.Clock.Advance(until)
			}
			before := len(kids)
			for minute := range 45 {
				s.Clock.Advance(time.Minute)
				if err := a.Rotate(t.Context()); err != nil {
					t.Fatalf("Rotate = %v", err)
				}
				if minute%9 == 0 { // a process that looks seldom
					if err := b.Load(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				kids[a.active().id] = true
				if access := []*Access{signs, verifies}[minute%2]; minute%3 != 0 {
					tokens = append(tokens, live{access.mustSign(t), s.Clock.Now().Add(testLifetime)})
				}
				for n := 0; n < len(tokens); {
					if !s.Clock.Now().Before(tokens[n].ends) {
						tokens = append(tokens[:n], tokens[n+1:]...)
						continue
					}
					for who, access := range []*Access{signs, verifies} {
						if _, err := access.Verify(t.Context(), tokens[n].token, AudienceUser); err != nil {
							t.Fatalf("rotation %d, minute %d: process %d refuses a token with %s to live: %v", rotations, minute, who+1, tokens[n].ends.Sub(s.Clock.Now()), err)
						}
					}
					n++
				}
			}
			if len(kids) == before {
				t.Fatalf("rotation %d: the same key signs after it", rotations)
			}
			rotations++
		}
		if n := s.Count(t, "SELECT COUNT(*) FROM signing_keys"); n != 1 {
			t.Errorf("%d keys are stored when nothing is signed by the old ones any more, want 1", n)
		}
		if n := len(a.published(t).Keys); n != 1 {
			t.Errorf("JWKS has %d keys, want 1", n)
		}
	})
}

// TestKeyIsPublishedBeforeItSigns, for keyLead, and stays until the last token
// of the one before has run out.
func TestKeyIsPublishedBeforeItSigns(t *testing.T) {
	s := modelstest.Open(t)
	k := newKeys(t, s)
	first := k.active().id
	step := func(d time.Duration, published int, active bool) {
		t.Helper()
		s.Clock.Advance(d)
		if err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(k.published(t).Keys); n != published || (k.active().id == first) != active {
			t.Errorf("%s after the first key: %d published, the first signs: %t; want %d, %t", s.Clock.Now().Sub(modelstest.Start), n, k.active().id == first, published, active)
		}
	}
	step(testRotation-keyLead-time.Microsecond, 1, true)
	step(time.Microsecond, 2, true)
	step(keyLead-time.Microsecond, 2, true)
	step(time.Microsecond, 2, false)
	step(testLifetime+keyLinger, 2, false)
	step(time.Microsecond, 1, false)
}

// TestRotationRace: processes that rotate at once make one key.
func TestRotationRace(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		keys := []*Keys{newKeys(t, s), newKeys(t, s), newKeys(t, s.Again(t)), newKeys(t, s.Again(t))}
		// Whoever has looked a moment too early comes with a number that is taken.
		if err := keys[1].add(t.Context(), keys[1].active().seq, s.Clock.Now()); err != nil {
			t.Errorf("add of a number that is taken = %v, want nil: the winner's key serves", err)
		}
		for range 5 {
			s.Clock.Advance(testRotation)
			before := s.Count(t, "SELECT MAX(seq) FROM signing_keys")
			var all sync.WaitGroup
			for _, k := range keys {
				all.Go(func() {
					if err := k.Rotate(t.Context()); err != nil {
						t.Errorf("Rotate = %v, want nil for the losers too", err)
					}
				})
			}
			all.Wait()
			if got := s.Count(t, "SELECT MAX(seq) FROM signing_keys"); got != before+1 {
				t.Errorf("newest key is number %d, want %d", got, before+1)
			}
			for n, k := range keys {
				if got, want := string(k.JWKS()), string(keys[0].JWKS()); got != want {
					t.Errorf("process %d publishes %s, want %s as the first", n, got, want)
				}
			}
		}
	})
}

// TestUnknownKeyIsLookedUp in the database, once a second at most: a stranger
// must not make us read it for every request.
func TestUnknownKeyIsLookedUp(t *testing.T) {
	s := modelstest.Open(t)
	k := newKeys(t, s)
	a := newAccess(k)
	stranger := newAccess(newKeys(t, modelstest.OpenOn(t, "sqlite"))).mustSign(t)
	s.Clock.Advance(keyMiss)
	loads := 0
	last := k.loadedAt
	for range 100 {
		if _, err := a.Verify(t.Context(), stranger, AudienceUser); !errors.Is(err, ErrAccessInvalid) {
			t.Fatalf("Verify of a stranger's token = %v, want %v", err, ErrAccessInvalid)
		}
		if k.loadedAt != last {
			loads, last = loads+1, k.loadedAt
		}
		s.Clock.Advance(100 * time.Millisecond)
	}
	if loads != 10 {
		t.Errorf("100 tokens of unknown keys in 10 s made %d loads, want 10", loads)
	}
	// A key that is new to this process only.
	s.Clock.Advance(testRotation)
	other := newKeys(t, s)
	if err := other.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(keyLead)
	token := newAccess(other).mustSign(t)
	if _, err := a.Verify(t.Context(), token, AudienceUser); err != nil {
		t.Errorf("Verify of a token whose key another process has made = %v, want nil", err)
	}
	_ = s.Close()
	s.Clock.Advance(keyMiss)
	if _, err := a.Verify(t.Context(), stranger, AudienceUser); err == nil || errors.Is(err, ErrAccessInvalid) {
		t.Errorf("Verify of an unknown key without a database = %v, want the database's error: nobody knows", err)
	}
	if _, err := a.Verify(t.Context(), token, AudienceUser); err != nil {
		t.Errorf("Verify of a known key without a database = %v, want nil", err)
	}
}

// TestKeysRun rotates by itself.
func TestKeysRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := modelstest.OpenOn(t, "sqlite", func(o *models.Options) { o.Now = time.Now })
		k := newKeys(t, s)
		k.Rotation = 2 * time.Hour
		first := k.active().id
		ended := make(chan error)
		ctx, stop := context.WithCancel(t.Context())
		go func() { ended <- k.Run(ctx) }()
		time.Sleep(k.Rotation + 2*keyReload)
		if k.active().id == first {
			t.Errorf("after %s the first key signs, want the next", k.Rotation)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
}

// TestAHungDatabaseDoesNotHoldTheKeys: whoever comes with a key that is not known
// waits for a rotation under way, which must not wait for ever.
func TestAHungDatabaseDoesNotHoldTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		ctx, stop := context.WithCancel(t.Context())
		k := &Keys{Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		k.rotate = func(ctx context.Context) error {
			begun := time.Now()
			select {
			case <-ctx.Done():
			case <-time.After(time.Hour):
			}
			took = append(took, time.Since(begun))
			return ctx.Err()
		}
		ended := make(chan error)
		go func() { ended <- k.Run(ctx) }()
		time.Sleep(2*keyReload + keyRotateWait + time.Second)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if want := []time.Duration{keyRotateWait, keyRotateWait}; !slices.Equal(took, want) {
			t.Errorf("rotations without an answer took %v, want %v", took, want)
		}
	})
}
