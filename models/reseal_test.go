package models_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func rotated(t testing.TB, text string, step models.KeyStep) string {
	t.Helper()
	next, err := models.RotateDataKey(text, step)
	if err != nil || next == text {
		t.Fatalf("RotateDataKey = %v, want another keyset", err)
	}
	return next
}

// with is an Option: the store is opened with the key of this text.
func with(t testing.TB, text string) modelstest.Option {
	t.Helper()
	key, err := models.ParseDataKey(text)
	want(t, "ParseDataKey", err, nil)
	return func(o *models.Options) { o.DataKey = key }
}

// TestDataKeyRotatesUnderLoad rotates the data key of 2,000 rows beside servers
// that read and write them and that still have the older keyset. Two resealers
// work at once and are stopped several times. Afterwards the new key alone opens
// everything.
func TestDataKeyRotatesUnderLoad(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		const tokens, sessions, kills = 1600, 400, 5
		ids := s.BulkTokens(t, tokens, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Clock.Now()} })
		want(t, "AddSigningKey", s.AddSigningKey(ctx, models.SigningKey{Seq: 1, KID: "kid-1", Public: []byte("public"), Private: []byte("private seed"), ActiveAt: s.Clock.Now()}), nil)
		refresh := make([]string, sessions)
		for n := range refresh {
			u, err := s.User(ctx, ids[n])
			want(t, "User", err, nil)
			_, refresh[n], err = s.CreateSession(ctx, u, from)
			want(t, "CreateSession", err, nil)
		}
		mac := s.Count(t, "SELECT COUNT(*) FROM bridge_state WHERE name = 'mac_key'")

		next := rotated(t, s.KeyText, models.KeyRotate)
		server := s.Again(t, func(o *models.Options) {
			with(t, s.KeyText)(o)
			o.DataKey.Reread = func() (string, error) { return next, nil }
		})
		resealers := []*modelstest.Store{s.Again(t, with(t, next)), s.Again(t, with(t, next))}
		under, err := resealers[0].UnderOlderKey(ctx)
		want(t, "UnderOlderKey", err, nil)
		equal(t, "rows under the older key", under, tokens+sessions+1+mac)

		var mu sync.Mutex
		newest := map[string]models.TokenView{} // by user id, as it must be in the end
		var stop atomic.Bool
		var load sync.WaitGroup
		var reads, writes atomic.Int64
		for w := range 4 {
			load.Go(func() {
				for n := w; !stop.Load(); n += 4 {
					id := ids[rand.IntN(len(ids))]
					v, err := server.TokenView(ctx, app, id, "")
					if err != nil {
						t.Errorf("TokenView of %s: %v", id, err)
						return
					}
					reads.Add(1)
					if n%3 != 0 {
						continue
					}
					owner := fmt.Sprintf("w%d-%d", w, n)
					if err := server.ClaimToken(ctx, app, v, owner, server.Now().Add(1)); errors.Is(err, models.ErrStale) {
						continue
					} else if err != nil {
						t.Errorf("ClaimToken: %v", err)
						return
					}
					if err := server.SwapToken(ctx, app, v, owner, models.NewToken{Value: "new-" + owner, IssuedAt: server.Now(), SecretVersion: 1}); errors.Is(err, models.ErrStale) {
						continue // its lease is over at once: another worker took it up
					} else if err != nil {
						t.Errorf("SwapToken: %v", err)
						return
					}
					mu.Lock()
					if v.Generation >= newest[id].Generation {
						newest[id] = models.TokenView{Generation: v.Generation + 1, Value: "new-" + owner}
					}
					mu.Unlock()
					// Each worker has sessions of its own: a refresh token is for one holder.
					own := w + 4*rand.IntN(sessions/4)
					_, token, err := server.RefreshSession(ctx, refresh[own], from)
					if err != nil {
						t.Errorf("RefreshSession: %v", err)
						return
					}
					refresh[own] = token
					writes.Add(1)
				}
			})
		}
		killed := errors.New("killed")
		var ends tally
		for range kills {
			together(len(resealers), func(i int) {
				batches := 0
				_, err := resealers[i].Reseal(ctx, 40, func(int64) error {
					if batches++; batches > 2+i {
						return killed
					}
					return nil
				})
				ends.err(err, killed)
			})
		}
		equal(t, "walks that were stopped", ends.n["killed"], 2*kills)
		together(len(resealers), func(i int) {
			if _, err := resealers[i].Reseal(ctx, 40, nil); err != nil {
				t.Errorf("Reseal: %v", err)
			}
		})
		stop.Store(true)
		load.Wait()
		if reads.Load() == 0 || writes.Load() == 0 {
			t.Errorf("%d reads and %d writes happened meanwhile, want some", reads.Load(), writes.Load())
		}
		done, err := resealers[0].Reseal(ctx, 500, nil)
		want(t, "Reseal", err, nil)
		if done.Left != 0 || done.Unreadable != 0 {
			t.Errorf("Reseal = %+v, want nothing left", done)
		}
		equal(t, "cursors left", s.Count(t, "SELECT COUNT(*) FROM bridge_state WHERE name = 'reseal'"), 0)

		alone := s.Again(t, with(t, rotated(t, next, models.KeyDropOlder)))
		lost := 0
		for _, id := range ids {
			v, err := alone.TokenView(ctx, app, id, "")
			if err != nil || v.Value == "" {
				lost++
			}
			if n := newest[id]; n.Value != "" && (v.Value != n.Value || v.Generation != n.Generation) {
				t.Errorf("token of %s = %q of generation %d, want the newest written, %q of %d", id, v.Value, v.Generation, n.Value, n.Generation)
			}
		}
		for _, token := range refresh {
			if _, _, err := alone.RefreshSession(ctx, token, from); err != nil {
				lost++
			}
		}
		if keys, err := alone.SigningKeys(ctx); err != nil || string(keys[0].Private) != "private seed" {
			lost++
		}
		equal(t, "rows that the new key alone does not open", lost, 0)
		t.Logf("%d reads and %d writes beside %d resealed rows", reads.Load(), writes.Load(), under)
	})
}

// TestResealGoesOn: a walk that was stopped goes on where it ended, and a stopped
// one for another key does not count.
func TestResealGoesOn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		s.BulkTokens(t, 100, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Clock.Now()} })
		stopped := errors.New("stopped")
		upTo := func(rows int64) func(int64) error {
			return func(n int64) error {
				if n >= rows {
					return stopped
				}
				return nil
			}
		}
		second := rotated(t, s.KeyText, models.KeyRotate)
		on := s.Again(t, with(t, second))
		done, err := on.Reseal(ctx, 10, upTo(41))
		want(t, "Reseal", err, stopped)
		equal(t, "rows resealed at first", done.Rows, 41) // and the MAC key
		batches := 0
		done, err = s.Again(t, with(t, second)).Reseal(ctx, 10, func(int64) error { batches++; return nil })
		want(t, "Reseal", err, nil)
		equal(t, "rows resealed then", done, models.Resealed{Rows: 60})
		equal(t, "batches that it took, the empty last ones with them", batches, 8)

		done, err = on.Reseal(ctx, 10, nil)
		want(t, "Reseal", err, nil)
		equal(t, "rows resealed when all are", done, models.Resealed{})

		third := rotated(t, second, models.KeyRotate)
		_, err = s.Again(t, with(t, third)).Reseal(ctx, 10, upTo(41))
		want(t, "Reseal", err, stopped)
		fourth := rotated(t, third, models.KeyRotate)
		batches = 0
		done, err = s.Again(t, with(t, fourth)).Reseal(ctx, 10, func(int64) error { batches++; return nil })
		want(t, "Reseal", err, nil)
		equal(t, "batches of a walk from the beginning", batches, 16)
		equal(t, "rows resealed for a key that came in between", done, models.Resealed{Rows: 101})
	})
}

// TestResealLeavesWhatItCannotRead as it is, and tells.
func TestResealLeavesWhatItCannotRead(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		ids := s.BulkTokens(t, 20, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Clock.Now()} })
		s.Exec(t, "UPDATE im_tokens SET token_sealed = ? WHERE user_id = ?", []byte("\x01what is this, what could it have been"), ids[3])
		done, err := s.Again(t, with(t, rotated(t, s.KeyText, models.KeyRotate))).Reseal(ctx, 7, nil)
		want(t, "Reseal", err, nil)
		equal(t, "Reseal", done, models.Resealed{Rows: 20, Unreadable: 1, Left: 1})
	})
}

// TestKeySteps: what the older key sealed opens after each step; a prepared key
// seals only from the next step on; without the older key its rows are lost.
func TestKeySteps(t *testing.T) {
	raw := base64.StdEncoding.EncodeToString(slices.Repeat([]byte("k"), 32))
	_, made, err := models.NewDataKey()
	want(t, "NewDataKey", err, nil)
	for name, text := range map[string]string{"keyset": made, "raw": raw} {
		t.Run(name, func(t *testing.T) {
			s := modelstest.Open(t, with(t, text))
			u := s.AddUser(t)
			s.AddToken(t, u, models.NewToken{Value: "sealed by the first"})
			under := func(text string) int64 {
				t.Helper()
				on := s.Again(t, with(t, text))
				if v := view(t, on, u); v.Value != "sealed by the first" {
					t.Errorf("token = %q, want it opened", v.Value)
				}
				n, err := on.UnderOlderKey(ctx)
				want(t, "UnderOlderKey", err, nil)
				return n
			}
			_, err := models.RotateDataKey(text, models.KeyDropOlder)
			want(t, "drop the older of one", err, models.ErrNoOlderKey)
			prepared := rotated(t, text, models.KeyPrepare)
			equal(t, "rows under another key, prepared", under(prepared), 0)
			_, err = models.RotateDataKey(prepared, models.KeyPrepare)
			want(t, "prepare twice", err, models.ErrKeyPrepared)
			_, err = models.RotateDataKey(prepared, models.KeyDropOlder)
			want(t, "drop the older of a prepared one", err, models.ErrNoOlderKey)
			next := rotated(t, prepared, models.KeyRotate)
			equal(t, "rows under another key, rotated", under(next), 2)

			// Whoever has the prepared keyset opens what the next one seals.
			after := s.Again(t, with(t, next))
			other := s.AddUser(t)
			after.AddToken(t, other, models.NewToken{Value: "sealed by the second"})
			if v := view(t, s.Again(t, with(t, prepared)), other); v.Value != "sealed by the second" {
				t.Errorf("token by the prepared key = %q, want it opened", v.Value)
			}
			key, err := models.ParseDataKey(rotated(t, next, models.KeyDropOlder))
			want(t, "ParseDataKey", err, nil)
			equal(t, "older keys after dropping", key.Older(), 0)
			o := s.Options
			o.DataKey = key
			lost, err := models.Open(ctx, o)
			want(t, "Open", err, nil)
			t.Cleanup(func() { _ = lost.Close() })
			want(t, "Unlock without the older key", lost.Unlock(ctx), models.ErrWrongDataKey)
		})
	}
}

// TestRereadKey: a running process takes a keyset that holds the key it seals
// with, and no other.
func TestRereadKey(t *testing.T) {
	s := modelstest.Open(t)
	next := rotated(t, s.KeyText, models.KeyRotate)
	_, other, err := models.NewDataKey()
	want(t, "NewDataKey", err, nil)
	text := other
	server := s.Again(t, func(o *models.Options) {
		with(t, s.KeyText)(o)
		o.DataKey.Reread = func() (string, error) { return text, nil }
	})
	if err := server.DataKey().Refresh(); err == nil {
		t.Error("Refresh with a key that has nothing to do with ours = nil, want an error")
	}
	u := s.AddUser(t)
	s.AddToken(t, u, models.NewToken{Value: "kept"})
	if v := view(t, server, u); v.Value != "kept" {
		t.Errorf("token after a refused key = %q, want it opened by the one in use", v.Value)
	}
	for _, broken := range []string{"", "no base64!", "RGFtYWdlZA=="} {
		text = broken
		if err := server.DataKey().Refresh(); err == nil {
			t.Errorf("Refresh with %q = nil, want an error", broken)
		}
	}
	text = next
	want(t, "Refresh", server.DataKey().Refresh(), nil)
	equal(t, "older keys", server.DataKey().Older(), 1)
	text = rotated(t, next, models.KeyDropOlder)
	want(t, "Refresh after the older one was dropped", server.DataKey().Refresh(), nil)
	equal(t, "older keys", server.DataKey().Older(), 0)
}
