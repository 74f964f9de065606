package models_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func allowLists(t *testing.T, s *modelstest.Store) models.AllowLists {
	t.Helper()
	a, err := s.AllowLists(ctx)
	want(t, "AllowLists", err, nil)
	return a
}

// Of many who decide at once, over the same that they saw, one does.
func TestOneDecidesOnAllowLists(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		equal(t, "mode where nothing was written", allowLists(t, s).Mode, "")
		app := strings.Repeat("x", 96) // the longest
		for _, mode := range []string{models.AllowListsOn, models.AllowListsOff, models.AllowListsOn} {
			seen := allowLists(t, s)
			var won atomic.Int64
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					switch err := s.SetAllowLists(ctx, seen, app, mode); {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, models.ErrStale):
						t.Errorf("SetAllowLists = %v, want nil or %v", err, models.ErrStale)
					}
				})
			}
			all.Wait()
			equal(t, "winners", won.Load(), 1)
			got := allowLists(t, s)
			if got.App != app || got.Mode != mode || !got.Since.Equal(s.Clock.Now()) || !got.Done.IsZero() || got.On(app) != (mode == models.AllowListsOn) || got.On("other") {
				t.Errorf("lists = %+v, want %s at %s since now, not done", got, mode, app)
			}
			s.Clock.Advance(time.Second)
		}
	})
}

// Two processes that go through everybody at once ask once for each, and for nobody
// whom the app does not know.
func TestARoundOfAllowListsAsksForEverybodyOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		asked := map[string]int{}
		ids := s.BulkTokens(t, 25, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Clock.Now()} })
		s.AddUser(t) // has no token
		gone := ids[7]
		want(t, "DeleteUser", s.DeleteUser(ctx, gone, "admin:a", models.Origin{}), nil)
		s.Exec(t, "DELETE FROM outbox")
		want(t, "SetAllowLists", s.SetAllowLists(ctx, models.AllowLists{}, modelstest.App, models.AllowListsOn), nil)
		if n, err := s.PeopleAt(ctx, modelstest.App); err != nil || n != 24 {
			t.Errorf("PeopleAt = %d, %v; want 24", n, err)
		}
		other := s.Again(t)
		for allowLists(t, s).Done.IsZero() {
			seen := allowLists(t, s)
			var all sync.WaitGroup
			for _, store := range []*modelstest.Store{s, other} {
				all.Go(func() {
					if err := store.StepAllowLists(ctx, seen, 10); err != nil && !errors.Is(err, models.ErrStale) {
						t.Errorf("StepAllowLists = %v, want nil or %v", err, models.ErrStale)
					}
				})
			}
			all.Wait()
			rows, err := s.ClaimOutbox(ctx, []string{models.KindAllow}, "a", s.Clock.Now().Add(time.Minute), 100)
			want(t, "ClaimOutbox", err, nil)
			waiting, buried, err := s.AllowListsWaiting(ctx)
			if err != nil || waiting != int64(len(rows)) || buried != 0 || len(rows) > 10 {
				t.Errorf("waiting = %d, %d buried, %v; want the %d rows, 10 at most", waiting, buried, err, len(rows))
			}
			if len(rows) == 10 {
				now := allowLists(t, s)
				want(t, "StepAllowLists while a page waits", s.StepAllowLists(ctx, now, 10), nil)
				equal(t, "asked for while a page waits", allowLists(t, s).Asked, now.Asked)
			}
			for _, row := range rows {
				asked[row.Subject]++
				want(t, "FinishOutbox", s.FinishOutbox(ctx, row), nil)
			}
		}
		for _, id := range ids {
			if n := asked[id]; n != 1 && id != gone || n != 0 && id == gone {
				t.Errorf("asked for %s %d times, want once, and not for the deleted", id, n)
			}
		}
		end := allowLists(t, s)
		equal(t, "asked for", end.Asked, 24)
		want(t, "StepAllowLists of a round that is done", s.StepAllowLists(ctx, end, 10), nil)
		equal(t, "rows after the round", s.Count(t, "SELECT COUNT(*) FROM outbox"), 0)
	})
}

func TestWhoBelongsOnAnAllowList(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		ids := s.BulkTokens(t, 6, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Clock.Now()} })
		pending := s.AddUser(t).ID
		me, friend, blocked, blocker, gone := ids[0], ids[1], ids[2], ids[3], ids[4]
		for _, id := range []string{friend, blocked, blocker, gone, pending} {
			befriend(t, s.Store, me, id)
		}
		want(t, "BlockUser", s.BlockUser(ctx, me, blocked, models.Origin{}), nil)
		want(t, "BlockUser", s.BlockUser(ctx, blocker, me, models.Origin{}), nil)
		want(t, "DeleteUser", s.DeleteUser(ctx, gone, "admin:a", models.Origin{}), nil)
		got, err := s.MayWriteTo(ctx, modelstest.App, me)
		expect := []string{friend, blocker}
		slices.Sort(expect)
		if err != nil || !slices.Equal(got, expect) {
			t.Errorf("MayWriteTo = %v, %v; want the friend and who blocks: %v", got, err, expect)
		}
		if got, err = s.MayWriteTo(ctx, "another", me); err != nil || len(got) != 0 {
			t.Errorf("MayWriteTo at another app = %v, %v; want nobody", got, err)
		}
	})
}

func TestAllowListsTellADatabaseThatIsGone(t *testing.T) {
	s := modelstest.Open(t)
	want(t, "SetAllowLists", s.SetAllowLists(ctx, models.AllowLists{}, modelstest.App, models.AllowListsOn), nil)
	seen := allowLists(t, s)
	_ = s.Close()
	_, read := s.AllowLists(ctx)
	_, _, waiting := s.AllowListsWaiting(ctx)
	_, people := s.PeopleAt(ctx, modelstest.App)
	_, may := s.MayWriteTo(ctx, modelstest.App, "u")
	for name, err := range map[string]error{"AllowLists": read, "AllowListsWaiting": waiting, "PeopleAt": people, "MayWriteTo": may,
		"SetAllowLists": s.SetAllowLists(ctx, seen, modelstest.App, models.AllowListsOff), "StepAllowLists": s.StepAllowLists(ctx, seen, 1), "AskAllowList": s.AskAllowList(ctx, "u")} {
		want(t, name+" on a closed store", err, models.ErrUnavailable)
	}
}
