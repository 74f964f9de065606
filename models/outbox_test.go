package models_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// allKinds are those that this release writes.
var allKinds = []string{models.KindProvision, models.KindProfile, models.KindRevoke, models.KindBan, models.KindRemove}

// outboxRow is the only row of a subject.
func outboxRow(t testing.TB, s *modelstest.Store, subject string) models.OutboxRow {
	t.Helper()
	rows, err := s.Outbox(ctx, models.OutboxFilter{Subject: subject}, "", 10)
	want(t, "Outbox", err, nil)
	if len(rows) != 1 {
		t.Fatalf("rows of %s = %d, want one", subject, len(rows))
	}
	return rows[0]
}

// claimRows takes leases of a minute.
func claimRows(t testing.TB, s *modelstest.Store, owner string, limit int) []models.OutboxRow {
	t.Helper()
	rows, err := s.ClaimOutbox(ctx, allKinds, owner, s.Clock.Now().Add(time.Minute), limit)
	want(t, "ClaimOutbox", err, nil)
	return rows
}

// claimOne is claimRows where there must be one row.
func claimOne(t testing.TB, s *modelstest.Store, owner string) models.OutboxRow {
	t.Helper()
	rows := claimRows(t, s, owner, 10)
	if len(rows) != 1 {
		t.Fatalf("rows claimed by %s = %d, want one", owner, len(rows))
	}
	return rows[0]
}

// wantNone fails where something can be claimed.
func wantNone(t testing.TB, s *modelstest.Store, when string) {
	t.Helper()
	if rows := claimRows(t, s, "nobody", 10); len(rows) != 0 {
		t.Errorf("rows to claim %s = %+v, want none", when, rows)
	}
}

func enqueue(t testing.TB, s *modelstest.Store, kind, subject string, at time.Time) {
	t.Helper()
	want(t, "enqueue", s.Enqueue(kind, subject, at), nil)
}

func TestOutboxKeepsOneRowForKindAndSubject(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		now := s.Clock.Now()
		enqueue(t, s, models.KindBan, "u1", now.Add(time.Hour))
		first := outboxRow(t, s, "u1")
		enqueue(t, s, models.KindBan, "u1", now)
		enqueue(t, s, models.KindBan, "u1", now.Add(time.Minute)) // later than the one that waits
		row := outboxRow(t, s, "u1")
		if row.ID == first.ID || row.Generation != 3 || !row.NextAt.Equal(now) || !row.DueAt.Equal(now) {
			t.Errorf("row after three = %+v, want another id than what waited before, generation 3, due at %s", row, now)
		}
		enqueue(t, s, models.KindRevoke, "u1", now)
		enqueue(t, s, models.KindBan, "u2", now)
		equal(t, "rows of two kinds and two subjects", s.Count(t, "SELECT COUNT(*) FROM outbox"), 3)
	})
}

func TestOutboxCoalescesDuringALease(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		row := claimOne(t, s, "a")
		s.Clock.Advance(time.Second)
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		wantNone(t, s, "while the delivery of an older truth has the lease")
		want(t, "FinishOutbox", s.FinishOutbox(ctx, row), nil)
		again := claimOne(t, s, "b")
		if again.Generation != row.Generation+1 || again.Attempts != 1 {
			t.Errorf("row after finishing an older truth = %+v, want generation %d at its first attempt", again, row.Generation+1)
		}
		want(t, "FinishOutbox", s.FinishOutbox(ctx, again), nil)
		equal(t, "rows after both", s.Count(t, "SELECT COUNT(*) FROM outbox"), 0)
	})
}

func TestOutboxRevivesABuriedRow(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindProfile, "u1", s.Clock.Now())
		want(t, "BuryOutbox", s.BuryOutbox(ctx, claimOne(t, s, "a"), "no good"), nil)
		buried := outboxRow(t, s, "u1")
		if !buried.BuriedAt.Equal(s.Clock.Now()) || buried.LastError != "no good" {
			t.Errorf("buried row = %+v, want since now, with the reason", buried)
		}
		s.Clock.Advance(time.Hour)
		wantNone(t, s, "when the only row is buried")
		enqueue(t, s, models.KindProfile, "u1", s.Clock.Now())
		row := claimOne(t, s, "b")
		if !row.BuriedAt.IsZero() || row.Attempts != 1 {
			t.Errorf("row after a new change = %+v, want it alive, at its first attempt", row)
		}
	})
}

func TestOutboxHurriesADelayedRow(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindRevoke, "u1", s.Clock.Now())
		want(t, "PutOffOutbox", s.PutOffOutbox(ctx, claimOne(t, s, "a"), s.Clock.Now().Add(time.Hour), "down"), nil)
		wantNone(t, s, "of one that was put off")
		enqueue(t, s, models.KindRevoke, "u1", s.Clock.Now())
		if row := claimOne(t, s, "b"); row.Attempts != 1 {
			t.Errorf("attempts after a new change = %d, want 1", row.Attempts)
		}
	})
}

func TestClaimTakesTheLongestDueOfTheKindsAskedFor(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		now := s.Clock.Now()
		for i, kind := range []string{models.KindBan, models.KindRevoke, models.KindBan, models.KindProfile, "moonwalk"} {
			enqueue(t, s, kind, fmt.Sprint("u", i), now.Add(-time.Duration(i)*time.Second))
		}
		enqueue(t, s, models.KindBan, "later", now.Add(time.Microsecond))
		rows, err := s.ClaimOutbox(ctx, []string{models.KindBan, models.KindRevoke}, "a", now.Add(time.Minute), 2)
		want(t, "ClaimOutbox", err, nil)
		if len(rows) != 2 || rows[0].Subject != "u2" || rows[1].Subject != "u1" {
			t.Errorf("claimed = %+v, want u2 and u1, the longest due of their kinds", rows)
		}
		for _, limit := range []int{0, -1} {
			if rows := claimRows(t, s, "b", limit); len(rows) != 0 {
				t.Errorf("claimed %d with limit %d, want none", len(rows), limit)
			}
		}
		if rows, err := s.ClaimOutbox(ctx, nil, "b", now.Add(time.Minute), 10); err != nil || len(rows) != 0 {
			t.Errorf("claimed %d of no kind (%v), want none", len(rows), err)
		}
		if rows := claimRows(t, s, "c", 10); len(rows) != 2 {
			t.Errorf("claimed the second time = %+v, want u3 and u0", rows)
		}
	})
}

// Rows of kinds that this release does not know belong to another one, which
// may run beside it or come back.
func TestOutboxLeavesUnknownKindsAlone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, "moonwalk", "u1", s.Clock.Now())
		before := outboxRow(t, s, "u1")
		s.Clock.Advance(time.Hour)
		wantNone(t, s, "of an unknown kind")
		equal(t, "the row of an unknown kind", outboxRow(t, s, "u1"), before)
	})
}

func TestEachRowIsClaimedOnceByTwoProcesses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		const n = 100
		for i := range n {
			enqueue(t, s, models.KindProfile, fmt.Sprint("u", i), s.Clock.Now())
		}
		stores := []*modelstest.Store{s, s.Again(t)}
		var mu sync.Mutex
		owners := map[string][]string{}
		together(8, func(i int) {
			for turn := 0; ; turn++ {
				owner := fmt.Sprint("p", i, "/", turn)
				rows, err := stores[i%2].ClaimOutbox(ctx, allKinds, owner, s.Clock.Now().Add(time.Minute), 7)
				if err != nil {
					t.Errorf("ClaimOutbox: %v", err)
					return
				}
				mu.Lock()
				for _, r := range rows {
					owners[r.Subject] = append(owners[r.Subject], owner)
				}
				done := len(owners) == n
				mu.Unlock()
				if done || turn == 1000 {
					return
				}
			}
		})
		equal(t, "rows claimed", len(owners), n)
		for subject, by := range owners {
			if len(by) != 1 {
				t.Errorf("%s was claimed by %v, want by one", subject, by)
			}
		}
	})
}

// Who loses rows to another process takes the next ones, and does not come away
// with nothing while there is a backlog.
func TestTwoProcessesShareABacklog(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for i := range 6 {
			enqueue(t, s, models.KindProfile, fmt.Sprint("u", i), s.Clock.Now().Add(-time.Duration(i)*time.Second))
		}
		other := s.Again(t)
		done := false
		s.Step = func(point string) {
			if !done && point == "before write" {
				done = true
				if rows := claimRows(t, other, "other", 3); len(rows) != 3 || rows[0].Subject != "u5" {
					t.Errorf("the other's rows = %+v, want the three longest due", rows)
				}
			}
		}
		if rows := claimRows(t, s, "a", 3); len(rows) != 3 || rows[0].Subject != "u2" {
			t.Errorf("rows of who was slower = %+v, want the next three", rows)
		}
	})
}

// Between the SELECT and the UPDATE of a claim another process may have
// delivered the row and put it away for days.
func TestClaimDoesNotTakeARowThatHasComeBackMeanwhile(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		other := s.Again(t)
		at := s.Clock.Now().Add(240 * time.Hour)
		done := false
		s.Step = func(point string) {
			if done || point != "before write" {
				return
			}
			done = true
			want(t, "ComeBackOutbox", other.ComeBackOutbox(ctx, claimOne(t, other, "other"), at), nil)
		}
		wantNone(t, s, "after another process put it away for ten days")
		if row := outboxRow(t, s, "u1"); !row.NextAt.Equal(at) || !done {
			t.Errorf("next at %s, want %s", row.NextAt, at)
		}
	})
}

func TestALeaseRunsOutAndIsTakenUpOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		row := claimOne(t, s, "dead")
		s.Clock.Advance(time.Minute - time.Microsecond)
		wantNone(t, s, "before the lease is over")
		want(t, "ExtendOutbox", s.ExtendOutbox(ctx, row, s.Clock.Now().Add(time.Minute)), nil)
		s.Clock.Advance(time.Minute - time.Microsecond)
		wantNone(t, s, "before the extended lease is over")
		s.Clock.Advance(time.Microsecond)
		if row := claimOne(t, s, "heir"); row.Attempts != 2 {
			t.Errorf("attempts after a death = %d, want 2", row.Attempts)
		}
		wantNone(t, s, "that was taken up already")
	})
}

// results are all the ways to write what came of a delivery.
func results(s *modelstest.Store) map[string]func(r models.OutboxRow) error {
	later := s.Clock.Now().Add(time.Hour)
	return map[string]func(r models.OutboxRow) error{
		"FinishOutbox":   func(r models.OutboxRow) error { return s.FinishOutbox(ctx, r) },
		"ComeBackOutbox": func(r models.OutboxRow) error { return s.ComeBackOutbox(ctx, r, later) },
		"PutOffOutbox":   func(r models.OutboxRow) error { return s.PutOffOutbox(ctx, r, later, "why") },
		"BuryOutbox":     func(r models.OutboxRow) error { return s.BuryOutbox(ctx, r, "why") },
		"ExtendOutbox":   func(r models.OutboxRow) error { return s.ExtendOutbox(ctx, r, later) },
	}
}

func TestALateResultIsFenced(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for name, write := range results(s) {
			subject := "u-" + name
			enqueue(t, s, models.KindBan, subject, s.Clock.Now())
			late := claimOne(t, s, "late")
			s.Clock.Advance(2 * time.Minute)
			heir := claimOne(t, s, "heir")
			before := outboxRow(t, s, subject)
			want(t, name+" after the lease went to another", write(late), models.ErrStale)
			equal(t, "the row after a late "+name, outboxRow(t, s, subject), before)
			want(t, "ExtendOutbox by the heir after "+name, s.ExtendOutbox(ctx, heir, s.Clock.Now().Add(time.Minute)), nil)
			want(t, "FinishOutbox by the heir", s.FinishOutbox(ctx, heir), nil)
			want(t, name+" after the heir has finished", write(late), models.ErrStale)
			equal(t, "rows after the heir has finished and a late "+name, s.Count(t, "SELECT COUNT(*) FROM outbox"), 0)
		}
	})
}

func TestATruthThatChangedDuringDeliveryIsDueAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for name, write := range results(s) {
			if name == "ExtendOutbox" {
				continue
			}
			subject := "u-" + name
			enqueue(t, s, models.KindBan, subject, s.Clock.Now())
			row := claimOne(t, s, "a")
			enqueue(t, s, models.KindBan, subject, s.Clock.Now())
			want(t, name, write(row), nil)
			again := claimOne(t, s, "b")
			if again.Subject != subject || !again.BuriedAt.IsZero() {
				t.Errorf("due after %s of an older truth = %+v, want %s, not buried", name, again, subject)
			}
			want(t, "FinishOutbox", s.FinishOutbox(ctx, again), nil)
		}
	})
}

func TestAnUnchangedTruthWaitsAsItWasTold(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		at := s.Clock.Now().Add(time.Hour)
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		want(t, "PutOffOutbox", s.PutOffOutbox(ctx, claimOne(t, s, "a"), at, strings.Repeat("ü", 600)), nil)
		row := outboxRow(t, s, "u1")
		if !row.NextAt.Equal(at) || row.Attempts != 1 || row.LastError == "" || len([]rune(row.LastError)) > 500 || !row.DueAt.Equal(s.Clock.Now()) {
			t.Errorf("row put off = %+v, want next at %s, one attempt, a reason of at most 500 characters, due since now", row, at)
		}
		s.Clock.Advance(time.Hour)
		again := s.Clock.Now().Add(240 * time.Hour)
		want(t, "ComeBackOutbox", s.ComeBackOutbox(ctx, claimOne(t, s, "a"), again), nil)
		row = outboxRow(t, s, "u1")
		if !row.NextAt.Equal(again) || !row.DueAt.Equal(again) || row.Attempts != 0 || row.LastError != "" {
			t.Errorf("row that comes back = %+v, want due at %s as if new", row, again)
		}
	})
}

func TestRepeatedRowIsDueForTodaysTruth(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		late := claimOne(t, s, "late")
		s.Clock.Advance(2 * time.Minute)
		heir := claimOne(t, s, "heir")
		want(t, "RepeatOutbox while the heir delivers", s.RepeatOutbox(ctx, late), nil)
		want(t, "FinishOutbox", s.FinishOutbox(ctx, heir), nil)
		want(t, "FinishOutbox", s.FinishOutbox(ctx, claimOne(t, s, "again")), nil)
		want(t, "RepeatOutbox after the heir", s.RepeatOutbox(ctx, late), nil)
		if row := claimOne(t, s, "again"); row.Subject != "u1" || row.Kind != models.KindBan {
			t.Errorf("row = %+v, want the late one's kind and subject", row)
		}
	})
}

func TestOutboxStatsCountAndFindTheOldest(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stats := func() models.OutboxStats {
			st, err := s.OutboxStats(ctx)
			want(t, "OutboxStats", err, nil)
			return st
		}
		equal(t, "stats of an empty queue", stats(), models.OutboxStats{})
		start := s.Clock.Now()
		enqueue(t, s, models.KindBan, "u1", start)
		enqueue(t, s, models.KindProfile, "u2", start.Add(time.Second))
		enqueue(t, s, models.KindProvision, "u3", start.Add(time.Hour))
		equal(t, "stats of one due row", stats(), models.OutboxStats{Waiting: 1, OldestAt: start})
		want(t, "PutOffOutbox", s.PutOffOutbox(ctx, claimOne(t, s, "a"), start.Add(time.Hour), "down"), nil)
		s.Clock.Advance(time.Minute)
		equal(t, "stats with one put off: it has been due all the time", stats(), models.OutboxStats{Waiting: 2, OldestAt: start})
		want(t, "BuryOutbox", s.BuryOutbox(ctx, claimOne(t, s, "a"), "why"), nil)
		equal(t, "stats with one buried", stats(), models.OutboxStats{Waiting: 1, Buried: 1, OldestAt: start})
	})
}

func TestOutboxListsInPages(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for i := range 5 {
			enqueue(t, s, allKinds[i], fmt.Sprint("u", i%2), s.Clock.Now())
			s.Clock.Advance(time.Millisecond)
		}
		want(t, "BuryOutbox", s.BuryOutbox(ctx, claimRows(t, s, "a", 1)[0], "why"), nil)
		yes, no := true, false
		for _, c := range []struct {
			f    models.OutboxFilter
			want int
		}{{models.OutboxFilter{}, 5}, {models.OutboxFilter{Buried: &yes}, 1}, {models.OutboxFilter{Buried: &no}, 4}, {models.OutboxFilter{Kind: models.KindRevoke}, 1},
			{models.OutboxFilter{Subject: "u1"}, 2}, {models.OutboxFilter{Subject: "u1", Kind: models.KindProvision}, 0}} {
			n, after := 0, ""
			for {
				rows, err := s.Outbox(ctx, c.f, after, 2)
				want(t, "Outbox", err, nil)
				if len(rows) == 0 {
					break
				}
				n, after = n+len(rows), rows[len(rows)-1].ID
			}
			equal(t, fmt.Sprintf("rows of %+v", c.f), n, c.want)
		}
	})
}

func TestRetryAndDropAreAudited(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		var ids []string
		for i := range 3 {
			enqueue(t, s, models.KindBan, fmt.Sprint("u", i), s.Clock.Now())
			want(t, "BuryOutbox", s.BuryOutbox(ctx, claimOne(t, s, "a"), "why"), nil)
			ids = append(ids, outboxRow(t, s, fmt.Sprint("u", i)).ID)
		}
		s.Clock.Advance(time.Hour)
		for range 2 { // the second time nothing is there to wake
			select {
			case <-s.OutboxWritten():
			default:
			}
		}
		n, err := s.RetryOutbox(ctx, append(ids[:2:2], "gone"), "admin:a", from)
		if err != nil || n != 2 {
			t.Errorf("RetryOutbox of two and one that is gone = %d, %v; want 2", n, err)
		}
		select {
		case <-s.OutboxWritten():
		default:
			t.Error("nobody was woken by a retry")
		}
		if rows := claimRows(t, s, "b", 10); len(rows) != 2 || rows[0].Attempts != 1 || rows[0].Generation != 2 {
			t.Errorf("claimed after a retry = %+v, want two of generation 2, at their first attempt", rows)
		}
		if n, err = s.DropOutbox(ctx, append(ids[1:], "gone"), "useless", "admin:b", from); err != nil || n != 2 {
			t.Errorf("DropOutbox of two and one that is gone = %d, %v; want 2", n, err)
		}
		equal(t, "rows left", s.Count(t, "SELECT COUNT(*) FROM outbox"), 1)
		for _, c := range []struct{ actor, action, subject, detail string }{
			{"admin:a", "outbox.retry", "user:u0", `%"kind":"ban"%`}, {"admin:a", "outbox.retry", "user:u1", `%"row":"` + ids[1] + `"%`},
			{"admin:b", "outbox.drop", "user:u1", `%"reason":"useless"%`}, {"admin:b", "outbox.drop", "user:u2", `%"kind":"ban"%`},
		} {
			equal(t, fmt.Sprintf("audit rows %v", c), s.Count(t, "SELECT COUNT(*) FROM audit WHERE actor = ? AND action = ? AND subject = ? AND detail LIKE ?", c.actor, c.action, c.subject, c.detail), 1)
		}
		equal(t, "audit rows", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action LIKE 'outbox.%'"), 4)
	})
}

// What an admin saw may have changed before they press the button: a drop of the old
// ban must not take the new one away.
func TestASteeredRowIsTheOneThatWasSeen(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for subject, make := range map[string]func(){
			"buried": func() { want(t, "BuryOutbox", s.BuryOutbox(ctx, claimOne(t, s, "a"), "why"), nil) },
			"put off": func() {
				want(t, "PutOffOutbox", s.PutOffOutbox(ctx, claimOne(t, s, "a"), s.Clock.Now().Add(time.Hour), "why"), nil)
			},
			"waiting": func() {},
		} {
			enqueue(t, s, models.KindBan, subject, s.Clock.Now())
			make()
			seen := outboxRow(t, s, subject)
			s.Clock.Advance(time.Minute)
			enqueue(t, s, models.KindBan, subject, s.Clock.Now())
			for what, steer := range map[string]func() (int64, error){
				"DropOutbox":  func() (int64, error) { return s.DropOutbox(ctx, []string{seen.ID}, "useless", "admin:a", from) },
				"RetryOutbox": func() (int64, error) { return s.RetryOutbox(ctx, []string{seen.ID}, "admin:a", from) },
			} {
				if n, err := steer(); n != 0 || err != nil {
					t.Errorf("%s of a %s row that was renewed since = %d, %v; want 0", what, subject, n, err)
				}
			}
			row := claimOne(t, s, "b")
			equal(t, "subject claimed", row.Subject, subject)
			want(t, "FinishOutbox", s.FinishOutbox(ctx, row), nil)
		}
	})
}

// Whoever stays under delivery keeps its id: its results are told by it.
func TestARowUnderDeliveryKeepsItsID(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		row := claimOne(t, s, "a")
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		want(t, "FinishOutbox", s.FinishOutbox(ctx, row), nil)
		equal(t, "id of the row that is due again", claimOne(t, s, "b").ID, row.ID)
	})
}

// A row that an admin digs up is as old as that: nobody is told of a queue that
// has stood for days.
func TestARevivedRowIsYoung(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for subject, revive := range map[string]func(id string){
			"retried": func(id string) {
				_, err := s.RetryOutbox(ctx, []string{id}, "admin:a", from)
				want(t, "RetryOutbox", err, nil)
			},
			"changed": func(string) { enqueue(t, s, models.KindBan, "changed", s.Clock.Now()) },
		} {
			enqueue(t, s, models.KindBan, subject, s.Clock.Now())
			want(t, "BuryOutbox", s.BuryOutbox(ctx, claimOne(t, s, "a"), "why"), nil)
			s.Clock.Advance(48 * time.Hour)
			revive(outboxRow(t, s, subject).ID)
			stats, err := s.OutboxStats(ctx)
			want(t, "OutboxStats", err, nil)
			equal(t, "age of a "+subject+" row", s.Clock.Now().Sub(stats.OldestAt), time.Duration(0))
			want(t, "FinishOutbox", s.FinishOutbox(ctx, claimOne(t, s, "b")), nil)
		}
	})
}

func TestRetryDuringDeliveryDeliversOnceMore(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
		row := claimOne(t, s, "a")
		_, err := s.RetryOutbox(ctx, []string{row.ID}, "admin:a", from)
		want(t, "RetryOutbox", err, nil)
		wantNone(t, s, "that is under delivery")
		want(t, "BuryOutbox", s.BuryOutbox(ctx, row, "why"), nil)
		claimOne(t, s, "b")
	})
}

func TestOutboxTellsADatabaseThatIsGone(t *testing.T) {
	s := modelstest.Open(t)
	enqueue(t, s, models.KindBan, "u1", s.Clock.Now())
	row := claimOne(t, s, "a")
	_ = s.Close()
	for name, write := range results(s) {
		want(t, name+" on a closed store", write(row), models.ErrUnavailable)
	}
	_, claimed := s.ClaimOutbox(ctx, allKinds, "a", s.Clock.Now(), 1)
	_, listed := s.Outbox(ctx, models.OutboxFilter{}, "", 1)
	_, stats := s.OutboxStats(ctx)
	_, retried := s.RetryOutbox(ctx, []string{row.ID}, "admin:a", from)
	want(t, "all others on a closed store", errors.Join(claimed, listed, stats, retried, s.RepeatOutbox(ctx, row)), models.ErrUnavailable)
}

// Who upgrades with revocations and registrations under way keeps them, and so
// does who goes back.
func TestOutboxMigrationKeepsWhatWasPending(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := modelstest.OpenEmpty(t, engine, modelstest.OnEmptyFile)
			want(t, "MigrateTo(10)", s.MigrateTo(10), nil)
			now := s.Clock.Now().UnixMicro()
			for _, u := range []struct{ id, status, state string }{{"01a", "active", "pending"}, {"01b", "active", "ready"}, {"01c", "banned", "pending"}, {"01d", "deleted", "ready"}} {
				s.Exec(t, "INSERT INTO users (id, im_id, username, password_hash, status, im_state, created_at, updated_at) VALUES (?, ?, ?, '', ?, ?, ?, ?)",
					u.id, u.id, u.id, u.status, u.state, now, now+5)
			}
			for _, r := range []struct {
				app, id    string
				before, at any
			}{{"x", "01b", now - 2, now + 60_000_000}, {"y", "01b", now - 1, now + 30_000_000}, {"x", "01a", nil, nil}, {"x", "01d", now, now}} {
				s.Exec(t, "INSERT INTO im_tokens (cloud_app, user_id, revoke_before, revoke_at) VALUES (?, ?, ?, ?)", r.app, r.id, r.before, r.at)
			}
			for turn := range 2 {
				want(t, "MigrateTo(11)", s.MigrateTo(11), nil)
				if turn == 0 {
					want(t, "Migrate", errOf(s.Migrate(ctx)), nil) // the rest of them, so that the store works
				}
				rows, err := s.Outbox(ctx, models.OutboxFilter{}, "", 10)
				want(t, "Outbox", err, nil)
				got := map[string]bool{}
				for _, r := range rows {
					got[fmt.Sprint(r.Kind, " ", r.Subject, " +", r.NextAt.UnixMicro()-now)] = true
				}
				for _, w := range []string{"provision 01a +0", "revoke 01b +30000000", "revoke 01d +0"} {
					if !got[w] || len(got) != 3 {
						t.Errorf("rows after upgrade %d = %v, want %q among three", turn+1, got, w)
					}
				}
				if turn == 0 {
					deleted, err := s.UserEver(ctx, "01d")
					if err != nil || deleted.DeletedAt.UnixMicro() != now+5 {
						t.Errorf("a person deleted before = %+v, %v; want deleted when they last changed", deleted, err)
					}
				}
				want(t, "MigrateTo(10)", s.MigrateTo(10), nil)
				equal(t, "revocations due after going back", s.Count(t, "SELECT COUNT(*) FROM im_tokens WHERE revoke_at IS NOT NULL"), 3)
				equal(t, "when the earliest of a person's is due after going back", s.Count(t, "SELECT MIN(revoke_at) FROM im_tokens WHERE user_id = '01b'"), now+30_000_000)
			}
		})
	}
}

func errOf[T any](_ T, err error) error { return err }
