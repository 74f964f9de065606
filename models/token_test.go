package models_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

const app = modelstest.App

func view(t *testing.T, s *modelstest.Store, u models.User) models.TokenView {
	t.Helper()
	v, err := s.TokenView(ctx, app, u.ID, "")
	want(t, "TokenView", err, nil)
	return v
}

func TestTokenViewTellsAllThatDecides(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		session, _ := s.AddSession(t, u)
		v := view(t, s, u)
		equal(t, "a view without a token", v, models.TokenView{UserID: u.ID, IMID: u.IMID, Epoch: 1})

		now := s.Clock.Now()
		n := models.NewToken{Value: "tök@http://x", IssuedAt: now.Add(-time.Minute), CloudExpiresAt: now.Add(time.Hour), SecretVersion: 7, Refused: now.Add(-time.Second)}
		s.AddToken(t, u, n)
		want(t, "SetLifetime", s.SetLifetime(ctx, "", 7*24*time.Hour, models.Match{}, "admin:x", from), nil)
		wanted := models.TokenView{UserID: u.ID, IMID: u.IMID, Epoch: 1, Lifetime: 7 * 24 * time.Hour, Exists: true, Value: n.Value, Generation: 1, TokenEpoch: 1, SecretVersion: 7,
			IssuedAt: n.IssuedAt, CloudExpiresAt: n.CloudExpiresAt, LeaseUntil: time.UnixMicro(0).UTC(), LastFetchedAt: now, RefusedSince: n.Refused, RefusedCount: 1}
		for _, sid := range []string{"", session.ID} {
			v, err := s.TokenView(ctx, app, u.ID, sid)
			want(t, "TokenView", err, nil)
			equal(t, "the view", v, wanted)
		}
		want(t, "SetLifetime", s.SetLifetime(ctx, u.ID, time.Hour, models.Match{}, "admin:x", from), nil)
		equal(t, "the person's own lifetime", view(t, s, u).Lifetime, time.Hour)
		want(t, "SetLifetime", s.SetLifetime(ctx, u.ID, 0, models.Match{}, "admin:x", from), nil)
		equal(t, "the person's own lifetime, permanent", view(t, s, u).Lifetime, 0)

		other, err := s.TokenView(ctx, "other-app", u.ID, "")
		if err != nil || other.Exists {
			t.Errorf("view at another app = %+v, %v; want no token", other, err)
		}
		after, err := s.User(ctx, u.ID)
		want(t, "User", err, nil)
		equal(t, "im_state after the first mint", after.IMState, models.IMReady)
	})
}

func TestClaimIsForOneAlone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		for _, stored := range []bool{false, true} {
			u := s.AddUser(t)
			if stored {
				s.AddToken(t, u, models.NewToken{})
			}
			v, until := view(t, s, u), s.Clock.Now().Add(10*time.Second)
			var c tally
			together(50, func(i int) {
				c.err(stores[i%2].ClaimToken(ctx, app, v, fmt.Sprint("owner", i), until), models.ErrStale)
			})
			if c.n["ok"] != 1 || c.n[models.ErrStale.Error()] != 49 {
				t.Errorf("fifty claims at once, token stored before %v: %v; want one and 49 stale", stored, c.n)
			}
			v = view(t, s, u)
			equal(t, "the lease's end", v.LeaseUntil, until)
			s.Clock.Advance(10*time.Second - time.Microsecond)
			want(t, "ClaimToken before the lease ends", s.ClaimToken(ctx, app, v, "late", until.Add(time.Minute)), models.ErrStale)
			s.Clock.Advance(time.Microsecond)
			want(t, "ClaimToken when the lease ends", s.ClaimToken(ctx, app, v, "late", until.Add(time.Minute)), nil)
		}
	})
}

func TestSwapNeedsTheLeaseAndTheGeneration(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		s.AddToken(t, u, models.NewToken{Value: "first"})
		seen, n := view(t, s, u), models.NewToken{Value: "second", IssuedAt: s.Clock.Now(), SecretVersion: 1}
		want(t, "SwapToken without a lease", s.SwapToken(ctx, app, seen, "me", n), models.ErrStale)
		want(t, "ClaimToken", s.ClaimToken(ctx, app, seen, "me", s.Clock.Now().Add(time.Second)), nil)
		want(t, "SwapToken by another", s.SwapToken(ctx, app, seen, "you", n), models.ErrStale)
		old := seen
		old.Generation--
		want(t, "SwapToken over an older generation", s.SwapToken(ctx, app, old, "me", n), models.ErrStale)

		s.Clock.Advance(2 * time.Second)
		want(t, "ClaimToken of a lease that ran out", s.ClaimToken(ctx, app, view(t, s, u), "you", s.Clock.Now().Add(time.Second)), nil)
		want(t, "SwapToken by who was too slow", s.SwapToken(ctx, app, seen, "me", n), models.ErrStale)
		want(t, "ReleaseToken by who was too slow", s.ReleaseToken(ctx, app, models.TokenView{UserID: u.ID}, "me"), nil)
		equal(t, "the stored token", view(t, s, u).Value, "first")
		want(t, "SwapToken by who has the lease", s.SwapToken(ctx, app, seen, "you", n), nil)
		equal(t, "the stored token", view(t, s, u).Value, "second")
		want(t, "SwapToken again", s.SwapToken(ctx, app, seen, "you", n), models.ErrStale)

		v := view(t, s, u)
		want(t, "ClaimToken", s.ClaimToken(ctx, app, v, "me", s.Clock.Now().Add(time.Hour)), nil)
		want(t, "ReleaseToken", s.ReleaseToken(ctx, app, models.TokenView{UserID: u.ID}, "me"), nil)
		want(t, "ClaimToken after a release", s.ClaimToken(ctx, app, v, "you", s.Clock.Now().Add(time.Hour)), nil)
	})
}

// Whatever ends connect tokens, a mint that was under way then stores nothing.
func TestRevocationFencesAMintUnderWay(t *testing.T) {
	ends := map[string]func(s *modelstest.Store, u models.User) error{
		"log out everywhere": func(s *modelstest.Store, u models.User) error { return s.EndSessions(ctx, u.ID, "", from) },
		"delete":             func(s *modelstest.Store, u models.User) error { return s.DeleteUser(ctx, u.ID, "system", from) },
		"ban": func(s *modelstest.Store, u models.User) error {
			return s.BanUser(ctx, u.ID, "spam", "admin:x", from)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
				for _, when := range []string{"renewal", "first, after the claim", "first, before the claim"} {
					u := s.AddUser(t)
					if when == "renewal" {
						s.AddToken(t, u, models.NewToken{})
					}
					seen := view(t, s, u)
					claim := func() {
						want(t, when+": ClaimToken", s.ClaimToken(ctx, app, seen, "me", s.Clock.Now().Add(time.Minute)), nil)
					}
					if when != "first, before the claim" {
						claim()
					}
					want(t, when+": end", end(s, u), nil)
					if when == "first, before the claim" {
						claim()
					}
					err := s.SwapToken(ctx, app, seen, "me", models.NewToken{Value: "late", IssuedAt: s.Clock.Now(), SecretVersion: 1})
					want(t, when+": SwapToken", err, models.ErrStale)
					equal(t, when+": tokens stored", s.Count(t, "SELECT COUNT(*) FROM im_tokens WHERE user_id = ? AND fingerprint = ?", u.ID, models.Fingerprint("late")), 0)
				}
			})
		})
	}
}

func TestFirstTokenAfterARevokedMintMakesThePersonReady(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		seen := view(t, s, u)
		want(t, "ClaimToken", s.ClaimToken(ctx, app, seen, "me", s.Clock.Now().Add(time.Minute)), nil)
		want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
		before, err := s.Revocation(ctx, app, u.ID)
		if err != nil || before.IsZero() {
			t.Errorf("Revocation after ending a mint under way = %v, %v; want one: it may have happened", before, err)
		}
		s.AddToken(t, u, models.NewToken{}) // at once: the lease ended too
		after, err := s.User(ctx, u.ID)
		want(t, "User", err, nil)
		equal(t, "im_state", after.IMState, models.IMReady)
	})
}

func TestRefusedMintsAreCountedInTheirWindow(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, start := s.AddUser(t), s.Clock.Now()
		for i := range 3 {
			v := s.AddToken(t, u, models.NewToken{Refused: start})
			if !v.RefusedSince.Equal(start) || v.RefusedCount != int64(i+1) {
				t.Errorf("window after mint %d = %s, %d; want %s, %d", i+1, v.RefusedSince, v.RefusedCount, start, i+1)
			}
		}
		if v := s.AddToken(t, u, models.NewToken{}); v.RefusedCount != 3 {
			t.Errorf("count after a mint that nobody asked for by a report = %d, want 3", v.RefusedCount)
		}
		next := start.Add(time.Minute)
		if v := s.AddToken(t, u, models.NewToken{Refused: next}); !v.RefusedSince.Equal(next) || v.RefusedCount != 1 {
			t.Errorf("the next window = %s, %d; want %s, 1", v.RefusedSince, v.RefusedCount, next)
		}
	})
}

func TestDueTokens(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		now := s.Clock.Now()
		seen := now.Add(-24 * time.Hour)
		due := func(percent int) []string {
			t.Helper()
			ids, err := s.DueTokens(ctx, app, 1, percent, seen, "", 100)
			want(t, "DueTokens", err, nil)
			return ids
		}
		byPolicy := s.AddUser(t)                    // 80 minutes old
		byCloud := s.AddUser(t)                     // 8 of 10 minutes
		fresh := s.AddUser(t)                       // 1 minute old
		own := s.AddUser(t)                         // 80 minutes old, lives a day
		leased := s.AddUser(t)                      // 80 minutes old, somebody is at it
		unseen := s.AddUser(t)                      // 80 minutes old, not seen lately
		revoked := s.AddUser(t)                     // none stored any more
		banned, short := s.AddUser(t), s.AddUser(t) // short: 1 minute old, lives a minute
		for _, u := range []models.User{byPolicy, own, leased, unseen, revoked, banned} {
			s.AddToken(t, u, models.NewToken{IssuedAt: now.Add(-80 * time.Minute)})
		}
		s.AddToken(t, fresh, models.NewToken{IssuedAt: now.Add(-time.Minute)})
		s.AddToken(t, short, models.NewToken{IssuedAt: now.Add(-time.Minute)})
		s.AddToken(t, byCloud, models.NewToken{IssuedAt: now.Add(-8 * time.Minute), CloudExpiresAt: now.Add(2 * time.Minute)})
		want(t, "SetLifetime", s.SetLifetime(ctx, own.ID, 24*time.Hour, models.Match{}, "admin:x", from), nil)
		want(t, "SetLifetime", s.SetLifetime(ctx, short.ID, time.Minute, models.Match{}, "admin:x", from), nil)
		want(t, "ClaimToken", s.ClaimToken(ctx, app, view(t, s, leased), "me", now.Add(time.Minute)), nil)
		s.Exec(t, "UPDATE im_tokens SET last_fetched_at = ? WHERE user_id = ?", seen.UnixMicro()-1, unseen.ID)
		s.Exec(t, "UPDATE users SET status = 'banned' WHERE id = ?", banned.ID)
		want(t, "EndSessions", s.EndSessions(ctx, revoked.ID, "", from), nil)

		sorted := func(us ...models.User) string {
			var ids []string
			for _, u := range us {
				ids = append(ids, u.ID)
			}
			slices.Sort(ids)
			return strings.Join(ids, " ")
		}
		equal(t, "due while permanent", strings.Join(due(80), " "), sorted(byCloud, short))
		want(t, "SetLifetime", s.SetLifetime(ctx, "", 100*time.Minute, models.Match{}, "admin:x", from), nil)
		equal(t, "due at 80 % of 100 minutes", strings.Join(due(80), " "), sorted(byPolicy, byCloud, short))
		equal(t, "due at 81 %", strings.Join(due(81), " "), sorted(short))
		want(t, "NoteFetched", s.NoteFetched(ctx, app, []string{unseen.ID, "nobody"}, now), nil)
		equal(t, "due after the unseen came", strings.Join(due(80), " "), sorted(byPolicy, byCloud, short, unseen))
		var paged []string
		for after := ""; ; after = paged[len(paged)-1] {
			page, err := s.DueTokens(ctx, app, 1, 80, seen, after, 1)
			want(t, "DueTokens", err, nil)
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
		}
		equal(t, "due page by page", strings.Join(paged, " "), sorted(byPolicy, byCloud, short, unseen))

		s.Exec(t, "UPDATE im_tokens SET secret_version = 2 WHERE user_id IN (?, ?)", fresh.ID, byPolicy.ID)
		stale, err := s.DueTokens(ctx, app, 2, 81, seen, "", 100)
		want(t, "DueTokens", err, nil)
		equal(t, "due after the secret was rotated", strings.Join(stale, " "), sorted(byCloud, short, unseen, own))
		s.Clock.Advance(time.Minute)
		if !slices.Contains(due(80), leased.ID) {
			t.Error("a token whose lease has run out is not due, want it due")
		}
	})
}

func TestNoteFetchedForMany(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		ids := s.BulkTokens(t, 450, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Clock.Now()} })
		at := s.Clock.Now().Add(time.Minute)
		want(t, "NoteFetched", s.NoteFetched(ctx, app, ids[:449], at), nil)
		equal(t, "people noted", s.Count(t, "SELECT COUNT(*) FROM im_tokens WHERE last_fetched_at = ?", at.UnixMicro()), 449)
		want(t, "NoteFetched of nobody", s.NoteFetched(ctx, app, nil, at), nil)
		v, err := s.TokenView(ctx, app, ids[0], "")
		if err != nil || v.Value == "" {
			t.Errorf("TokenView of a token stored in bulk = %q, %v; want it to open", v.Value, err)
		}
	})
}

func TestRevocationsWaitUntilTheyAreDone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, never := s.AddUser(t), s.AddUser(t)
		pending := func(name string, before, at time.Time) {
			t.Helper()
			got, err := s.Revocation(ctx, app, u.ID)
			want(t, "Revocation "+name, err, nil)
			if !got.Equal(before) {
				t.Errorf("Revocation %s = %s, want %s", name, got, before)
			}
			rows, err := s.Outbox(ctx, models.OutboxFilter{Kind: models.KindRevoke, Subject: u.ID}, "", 10)
			want(t, "Outbox "+name, err, nil)
			if len(rows) != 1 || !rows[0].NextAt.Equal(at) {
				t.Errorf("Outbox %s = %+v, want one row due at %s", name, rows, at)
			}
		}
		s.AddToken(t, u, models.NewToken{})
		want(t, "EndSessions of one who never had a token", s.EndSessions(ctx, never.ID, "", from), nil)
		equal(t, "rows of one who never had a token", s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = 'revoke'"), 0)
		want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
		first := s.Clock.Now()
		pending("after a logout", first, first)

		// A later one comes up while the first is being carried out.
		s.Clock.Advance(time.Minute)
		s.AddToken(t, u, models.NewToken{})
		want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
		want(t, "FinishRevocation of the first", s.FinishRevocation(ctx, app, u.ID, first, first), nil)
		second := s.Clock.Now()
		pending("after finishing an older one", second, first)
		// And a reissue must neither put it off nor narrow it.
		s.AddToken(t, u, models.NewToken{RevokeBefore: second.Add(-time.Hour), RevokeAt: second.Add(time.Hour)})
		pending("after a reissue", second, first)
		want(t, "FinishRevocation", s.FinishRevocation(ctx, app, u.ID, second, second), nil)
		s.Exec(t, "DELETE FROM outbox")

		s.AddToken(t, u, models.NewToken{RevokeBefore: second, RevokeAt: second.Add(time.Hour)})
		pending("of a reissue alone", second, second.Add(time.Hour))
	})
}

// Where the cloud could only end more than it was asked to, what was stored before
// that is dead: it must not be handed out, nor a mint's token that was under way.
func TestARevocationThatEndedMoreDropsWhatItEnded(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		ctx := t.Context()
		u := s.AddUser(t)
		view := func() models.TokenView {
			v, err := s.TokenView(ctx, app, u.ID, "")
			want(t, "TokenView", err, nil)
			return v
		}
		before := s.Clock.Now()
		s.Clock.Advance(time.Second)
		s.AddToken(t, u, models.NewToken{IssuedAt: s.Clock.Now()})
		s.Clock.Advance(time.Second)
		ended := s.Clock.Now()

		want(t, "FinishRevocation", s.FinishRevocation(ctx, app, u.ID, before, before), nil)
		equal(t, "kept where no more ended than was asked for", view().Value != "", true)
		want(t, "FinishRevocation", s.FinishRevocation(ctx, app, u.ID, before, ended), nil)
		dead := view()
		equal(t, "value of a token that is dead at the cloud", dead.Value, "")

		// A mint that was under way when the revocation came through.
		want(t, "ClaimToken", s.ClaimToken(ctx, app, dead, "p1", s.Clock.Now().Add(time.Minute)), nil)
		want(t, "FinishRevocation", s.FinishRevocation(ctx, app, u.ID, before, ended), nil)
		want(t, "SwapToken of a mint under way", s.SwapToken(ctx, app, dead, "p1", models.NewToken{Value: "late", IssuedAt: before}), models.ErrStale)

		// One asked for later lives.
		s.AddToken(t, u, models.NewToken{IssuedAt: ended})
		want(t, "FinishRevocation", s.FinishRevocation(ctx, app, u.ID, before, ended), nil)
		equal(t, "kept where it was asked for later", view().Value != "", true)
	})
}

// A token whose name and avatar did not get there comes with the row that brings
// them, in one transaction.
func TestATokenWithoutItsProfileQueuesIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		rows := func() int64 {
			return s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = 'profile' AND subject = ?", u.ID)
		}
		s.AddToken(t, u, models.NewToken{})
		equal(t, "rows after a whole mint", rows(), 0)
		s.AddToken(t, u, models.NewToken{Unprofiled: true})
		equal(t, "rows after a mint without its profile", rows(), 1)
	})
}

// A mint that lost its lease to a revocation may be at the cloud until its time is
// over, whatever is minted and stored meanwhile.
func TestALostMintIsRememberedOverTheNext(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		slow := s.Clock.Now().Add(15 * time.Second)
		want(t, "ClaimToken of the slow mint", s.ClaimToken(ctx, app, view(t, s, u), "slow", slow), nil)
		want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
		for _, end := range []string{"release", "swap"} {
			seen := view(t, s, u)
			want(t, "ClaimToken of the next", s.ClaimToken(ctx, app, seen, end, s.Clock.Now().Add(5*time.Second)), nil)
			if end == "release" {
				want(t, "ReleaseToken", s.ReleaseToken(ctx, app, seen, end), nil)
			} else {
				want(t, "SwapToken", s.SwapToken(ctx, app, seen, end, models.NewToken{Value: "new", IssuedAt: s.Clock.Now(), SecretVersion: 1}), nil)
			}
			until, err := s.MintUnderWay(ctx, u.ID)
			if err != nil || !until.Equal(slow) {
				t.Errorf("MintUnderWay after a %s = %s, %v; want %s, the end of the slow one", end, until, err, slow)
			}
		}
		s.Clock.Advance(15 * time.Second)
		until, err := s.MintUnderWay(ctx, u.ID)
		if err != nil || !until.IsZero() {
			t.Errorf("MintUnderWay when its time is over = %s, %v; want none", until, err)
		}
	})
}

func TestTokenStatesShowNoToken(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, none := s.AddUser(t), s.AddUser(t)
		v := s.AddToken(t, u, models.NewToken{CloudExpiresAt: s.Clock.Now().Add(time.Hour)})
		want(t, "SetLifetime", s.SetLifetime(ctx, u.ID, time.Hour, models.Match{}, "admin:x", from), nil)
		states, err := s.TokenStates(ctx, app, []string{u.ID, none.ID})
		want(t, "TokenStates", err, nil)
		wanted := models.TokenState{UserID: u.ID, Fingerprint: models.Fingerprint(v.Value), Generation: 1, IssuedAt: v.IssuedAt, CloudExpiresAt: v.CloudExpiresAt, Lifetime: time.Hour}
		if len(states) != 1 || states[u.ID] != wanted {
			t.Errorf("TokenStates = %+v, want %+v alone", states, wanted)
		}
		states, err = s.TokenStates(ctx, app, nil)
		if err != nil || len(states) != 0 {
			t.Errorf("TokenStates of nobody = %v, %v; want none", states, err)
		}
	})
}

// A race of mints and revocations must never leave a token of an old epoch that
// looks usable.
func TestMintsAgainstRevocations(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		other := s.Again(t)
		u := s.AddUser(t)
		for i := range rounds {
			seen := view(t, s, u)
			owner := fmt.Sprint("owner", i)
			want(t, "ClaimToken", s.ClaimToken(ctx, app, seen, owner, s.Clock.Now().Add(time.Minute)), nil)
			var swapped error
			together(2, func(j int) {
				if j == 0 {
					swapped = s.SwapToken(ctx, app, seen, owner, models.NewToken{Value: owner, IssuedAt: s.Clock.Now(), SecretVersion: 1})
					if swapped != nil && !errors.Is(swapped, models.ErrStale) {
						t.Errorf("SwapToken = %v, want ErrStale at worst", swapped)
					}
				} else if err := other.EndSessions(ctx, u.ID, "", from); err != nil {
					t.Errorf("EndSessions: %v", err)
				}
			})
			if v := view(t, s, u); v.Value != "" {
				t.Fatalf("round %d: the token %q outlived its revocation (epoch %d of %d)", i, v.Value, v.TokenEpoch, v.Epoch)
			}
		}
	})
}
