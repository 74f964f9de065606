package models_test

import (
	"fmt"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

const quiet = 6 * time.Hour

func raise(t testing.TB, s *modelstest.Store, kind string) {
	t.Helper()
	want(t, "RaiseNotice", s.RaiseNotice(ctx, models.NewNotice{Kind: kind, Subject: "outbox", Message: kind + " happened", Cure: "mend it"}), nil)
}

func notices(t testing.TB, s *modelstest.Store) []models.Notice {
	t.Helper()
	list, err := s.Notices(ctx, models.NoticeFilter{}, "", 100)
	want(t, "Notices", err, nil)
	return list
}

// claim takes what is due, and fails the test if something is due that should not be.
func claim(t testing.TB, s *modelstest.Store, owner string, due bool) models.Notice {
	t.Helper()
	n, ok, err := s.ClaimNotice(ctx, owner, time.Minute)
	want(t, "ClaimNotice", err, nil)
	if ok != due {
		t.Fatalf("%s claims %v (%s): got one %v, want %v", owner, n.ID, n.Kind, ok, due)
	}
	return n
}

func delivered(t testing.TB, s *modelstest.Store, n models.Notice) {
	t.Helper()
	want(t, "FinishNotice", s.FinishNotice(ctx, n, models.NoticeResult{Delivered: []string{"webhook"}}), nil)
}

func TestNoticeIsOneWhileOpenAndToldAgainAfterQuiet(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		raise(t, s, "buried")
		first := claim(t, s, "p1", true)
		if first.Announcement != 1 || first.Attempts != 1 || first.Count != 1 || first.Message != "buried happened" || first.Cure != "mend it" {
			t.Errorf("first claim = %+v, want announcement 1, attempt 1, count 1 with its words", first)
		}
		delivered(t, s, first)
		for range 11 {
			s.Clock.Advance(quiet / 12)
			raise(t, s, "buried")
			claim(t, s, "p1", false)
		}
		list := notices(t, s)
		if len(list) != 1 || list[0].Count != 12 || !list[0].FirstAt.Equal(first.FirstAt) || !list[0].LastAt.Equal(s.Clock.Now()) {
			t.Fatalf("notices = %+v, want one, raised 12 times, last just now", list)
		}
		equal(t, "where it has arrived", fmt.Sprint(list[0].Delivered), "[webhook]")
		s.Clock.Advance(quiet / 12)
		claim(t, s, "p1", false) // time alone tells nothing
		raise(t, s, "buried")
		again := claim(t, s, "p1", true)
		if again.ID != first.ID || again.Announcement != 2 || again.Attempts != 1 || len(again.Delivered) != 0 {
			t.Errorf("claim after the quiet = %+v, want the same notice, announcement 2, delivered nowhere", again)
		}
	})
}

func TestNoticeRaisedAfterItsEndIsNew(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		raise(t, s, "breaker_open")
		first := claim(t, s, "p1", true)
		delivered(t, s, first)
		s.Clock.Advance(4 * time.Minute)
		resolved, err := s.ResolveNotice(ctx, "breaker_open", "outbox", 5*time.Minute)
		want(t, "ResolveNotice", err, nil)
		equal(t, "resolved though raised 4 minutes ago", resolved, false)
		s.Clock.Advance(time.Minute)
		resolved, err = s.ResolveNotice(ctx, "breaker_open", "outbox", 5*time.Minute)
		want(t, "ResolveNotice", err, nil)
		equal(t, "resolved after 5 minutes of calm", resolved, true)
		resolved, err = s.ResolveNotice(ctx, "breaker_open", "outbox", 5*time.Minute)
		want(t, "ResolveNotice again", err, nil)
		equal(t, "resolved a second time", resolved, false)
		s.Clock.Advance(time.Minute)
		raise(t, s, "breaker_open")
		second := claim(t, s, "p1", true)
		if second.ID == first.ID || second.Count != 1 {
			t.Errorf("raised anew = %+v, want another notice than %s", second, first.ID)
		}
		list := notices(t, s)
		if len(list) != 2 || list[1].ResolvedBy != "system" || list[1].ResolvedAt.IsZero() || !list[0].ResolvedAt.IsZero() {
			t.Errorf("notices = %+v, want an open one before a resolved one", list)
		}
	})
}

func TestNoticeThatAnAdminResolvedKeepsItsQuiet(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		raise(t, s, "buried")
		n := claim(t, s, "p1", true)
		delivered(t, s, n)
		want(t, "resolve", s.ResolveNoticeByAdmin(ctx, n.ID, "01admin", from), nil)
		want(t, "resolve again", s.ResolveNoticeByAdmin(ctx, n.ID, "01other", from), nil)
		want(t, "resolve what is not", s.ResolveNoticeByAdmin(ctx, "01h00000000000000000000000", "01admin", from), models.ErrNotFound)
		equal(t, "audit rows", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'notice.resolve' AND actor = 'admin:01admin'"), 1)
		equal(t, "all audit rows", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'notice.resolve'"), 1)
		s.Clock.Advance(time.Hour)
		raise(t, s, "buried")
		claim(t, s, "p1", false)
		open := true
		list, err := s.Notices(ctx, models.NoticeFilter{Open: &open}, "", 10)
		want(t, "Notices", err, nil)
		equal(t, "open notices", len(list), 1)
		s.Clock.Advance(5 * time.Hour)
		raise(t, s, "buried")
		claim(t, s, "p1", true)

		// One that is under delivery is not tried again.
		s.Clock.Advance(time.Second)
		raise(t, s, "credentials")
		c := claim(t, s, "p1", true)
		equal(t, "kind claimed", c.Kind, "credentials")
		want(t, "resolve", s.ResolveNoticeByAdmin(ctx, c.ID, "01admin", from), nil)
		want(t, "FinishNotice", s.FinishNotice(ctx, c, models.NoticeResult{Failed: "x", Next: s.Clock.Now()}), nil)
		if n := notices(t, s)[0]; n.ID != c.ID || !n.NextAt.IsZero() {
			t.Errorf("the notice that an admin resolved under delivery = %+v, want nothing more of it due", n)
		}
	})
}

func TestNoticeIsDeliveredByOneProcess(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t), s.Again(t), s.Again(t)}
		for round := range 10 {
			kind := fmt.Sprint("kind", round)
			s.Clock.Advance(time.Second)
			// All raise it at once: one row, all counted.
			together(len(stores), func(i int) { raise(t, stores[i], kind) })
			var c tally
			together(len(stores), func(i int) {
				_, ok, err := stores[i].ClaimNotice(ctx, fmt.Sprint("p", i), time.Minute)
				if err != nil {
					t.Errorf("ClaimNotice by %d: %v", i, err)
				}
				c.add(fmt.Sprint(ok))
			})
			if c.n["true"] != 1 || c.n["false"] != 3 {
				t.Fatalf("claims of one notice = %v, want one", c.n)
			}
			if n := notices(t, s)[0]; n.Kind != kind || n.Count != 4 {
				t.Fatalf("newest = %s raised %d times, want %s raised 4 times", n.Kind, n.Count, kind)
			}
		}
		equal(t, "notices", len(notices(t, s)), 10)
	})
}

func TestNoticeOfADeadProcessComesBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		other := s.Again(t)
		raise(t, s, "buried")
		dead := claim(t, s, "p1", true)
		s.Clock.Advance(time.Minute - time.Microsecond)
		claim(t, other, "p2", false)
		s.Clock.Advance(time.Microsecond)
		second := claim(t, other, "p2", true)
		if second.ID != dead.ID || second.Announcement != dead.Announcement || second.Attempts != 2 {
			t.Errorf("claim after the lease = %+v, want the same announcement's second attempt", second)
		}
		// The first was not dead but slow: what it says is too late.
		want(t, "FinishNotice after the lease", s.FinishNotice(ctx, dead, models.NoticeResult{Delivered: []string{"mail"}}), models.ErrStale)
		want(t, "FinishNotice", other.FinishNotice(ctx, second, models.NoticeResult{Failed: "webhook: 500", Next: s.Clock.Now().Add(time.Hour)}), nil)
		equal(t, "last error", notices(t, s)[0].LastError, "webhook: 500")
		s.Clock.Advance(time.Hour - time.Second)
		claim(t, s, "p1", false)
		s.Clock.Advance(time.Second)
		third := claim(t, s, "p1", true)
		equal(t, "attempts", third.Attempts, 3)
		// The same process with a stale claim of its own.
		want(t, "FinishNotice with an old claim", s.FinishNotice(ctx, dead, models.NoticeResult{}), models.ErrStale)
		delivered(t, s, third)
		claim(t, s, "p1", false)
	})
}

func TestNoticesInPages(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for i := range 5 {
			s.Clock.Advance(time.Second)
			raise(t, s, fmt.Sprint("k", i))
		}
		var got []string
		before := ""
		for {
			page, err := s.Notices(ctx, models.NoticeFilter{}, before, 2)
			want(t, "Notices", err, nil)
			for _, n := range page {
				got = append(got, n.Kind)
			}
			if len(page) < 2 {
				break
			}
			before = page[1].ID
		}
		equal(t, "pages", fmt.Sprint(got), "[k4 k3 k2 k1 k0]")
	})
}

func TestNoticesResolvedLongAgoAreSwept(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		raise(t, s, "open")
		s.Clock.Advance(time.Second)
		raise(t, s, "resolved")
		want(t, "resolve", s.ResolveNoticeByAdmin(ctx, notices(t, s)[0].ID, "01admin", from), nil)
		s.Clock.Advance(90 * day)
		want(t, "Sweep", s.Sweep(ctx), nil)
		equal(t, "notices after 90 days", len(notices(t, s)), 2)
		s.Clock.Advance(time.Microsecond)
		want(t, "Sweep", s.Sweep(ctx), nil)
		if list := notices(t, s); len(list) != 1 || list[0].Kind != "open" {
			t.Errorf("notices after more than 90 days = %+v, want the open one", list)
		}
	})
}
