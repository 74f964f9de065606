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

// waitFor asks and tells how long the next request has to wait; zero: it was made.
func waitFor(t testing.TB, s *models.Store, fromID, toID string) time.Duration {
	t.Helper()
	out, err := s.RequestFriend(ctx, fromID, toID, "", from)
	var often *models.AskedTooOftenError
	if errors.As(err, &often) {
		return often.RetryAfter
	}
	want(t, "RequestFriend", err, nil)
	if !out.Made {
		t.Errorf("RequestFriend = %+v, want a new request", out)
	}
	return 0
}

// inVain are the ways in which a request comes to nothing.
func inVain(s *models.Store) map[string]func(fromID, toID, id string) error {
	return map[string]func(fromID, toID, id string) error{
		"declined":  func(_, toID, id string) error { return s.DeclineRequest(ctx, toID, id, from) },
		"withdrawn": func(fromID, _, id string) error { return s.WithdrawRequest(ctx, fromID, id, from) },
		"blocked": func(fromID, toID, _ string) error {
			return errors.Join(s.BlockUser(ctx, toID, fromID, from), s.UnblockUser(ctx, toID, fromID, from))
		},
		"blocked by the sender": func(fromID, toID, _ string) error {
			return errors.Join(s.BlockUser(ctx, fromID, toID, from), s.UnblockUser(ctx, fromID, toID, from))
		},
	}
}

// TestNobodyIsAskedInVainForEver: three times a day, and the fourth is told when,
// in the same way whatever became of the three.
func TestNobodyIsAskedInVainForEver(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for name, end := range inVain(s.Store) {
			a, b, other := s.AddUser(t).ID, s.AddUser(t).ID, s.AddUser(t).ID
			for i := range 3 {
				id := ask(t, s.Store, a, b)
				want(t, name, end(a, b, id), nil)
				s.Clock.Advance(time.Duration(i+1) * time.Hour)
			}
			// They were sent six, five and three hours ago.
			equal(t, name+": wait before the fourth request", waitFor(t, s.Store, a, b), 18*time.Hour)
			equal(t, name+": wait before one to somebody else", waitFor(t, s.Store, a, other), 0)
			equal(t, name+": wait before one of the other", waitFor(t, s.Store, b, other), 0)
			s.Clock.Advance(18*time.Hour - time.Microsecond)
			equal(t, name+": wait at the end", waitFor(t, s.Store, a, b), time.Microsecond)
			s.Clock.Advance(time.Microsecond)
			equal(t, name+": wait a day later", waitFor(t, s.Store, a, b), 0)
			equal(t, name+": requests that wait", s.Count(t, "SELECT COUNT(*) FROM friend_requests WHERE from_id = ? AND to_id = ? AND status = 'pending'", a, b), 1)
		}
	})
}

// TestWhatIsAcceptedIsNotInVain: people who become friends and part again ask as
// often as they like, and who is asked in vain can still be answered.
func TestWhatIsAcceptedIsNotInVain(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a, b := s.AddUser(t).ID, s.AddUser(t).ID
		for range 10 {
			befriend(t, s.Store, a, b)
			want(t, "RemoveFriend", s.RemoveFriend(ctx, b, a, from), nil)
		}
		for range 3 {
			want(t, "DeclineRequest", s.DeclineRequest(ctx, b, ask(t, s.Store, a, b), from), nil)
		}
		if wait := waitFor(t, s.Store, a, b); wait == 0 {
			t.Error("wait before the fourth request in vain = 0, want a day")
		}
		ask(t, s.Store, b, a)
		out, err := s.RequestFriend(ctx, a, b, "", from)
		want(t, "the answer to a request", err, nil)
		equal(t, "friends after it", out.Friends, true)
	})
}

// TestTheLimitOfAllInVainIsExact: requests to different people, a few of which
// still waited when the limit was reached.
func TestTheLimitOfAllInVainIsExact(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a := s.AddUser(t).ID
		others := make([]string, models.MaxAskedInVainOfAll+5)
		for i := range others {
			others[i] = s.AddUser(t).ID
		}
		waiting := make(map[string]string)
		for i, other := range others[:len(others)-2] {
			id := ask(t, s.Store, a, other)
			if i%35 == 1 { // of three
				waiting[other] = id
			} else {
				want(t, "WithdrawRequest", s.WithdrawRequest(ctx, a, id, from), nil)
			}
			s.Clock.Advance(time.Minute)
		}
		last := others[len(others)-1]
		// The first of all is 103 minutes old.
		equal(t, "wait with 100 in vain", waitFor(t, s.Store, a, last), 24*time.Hour-103*time.Minute)
		for other, id := range waiting {
			want(t, "DeclineRequest", s.DeclineRequest(ctx, other, id, from), nil)
		}
		// Now there are three more; the fourth of them is 100 minutes old.
		equal(t, "wait with 103 in vain", waitFor(t, s.Store, a, last), 24*time.Hour-100*time.Minute)
		s.Clock.Advance(24*time.Hour - 100*time.Minute)
		equal(t, "wait when it is a day old", waitFor(t, s.Store, a, last), 0)
	})
}

// TestTheLimitHoldsAcrossProcesses: twenty ask at once and end what they asked.
func TestTheLimitHoldsAcrossProcesses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		a, b := s.AddUser(t).ID, s.AddUser(t).ID
		seen := tally{}
		together(20, func(i int) {
			out, err := stores[i%2].RequestFriend(ctx, a, b, "", from)
			var often *models.AskedTooOftenError
			switch {
			case errors.As(err, &often):
				seen.add("too often")
			case err != nil:
				seen.add(err.Error())
			default:
				seen.err(stores[i%2].WithdrawRequest(ctx, a, out.Request.ID, from), models.ErrRequestClosed)
			}
		})
		if n := s.Count(t, "SELECT COUNT(*) FROM friend_requests"); n > models.MaxAskedInVain {
			t.Errorf("requests = %d, want %d at most; %v", n, models.MaxAskedInVain, seen.n)
		}
		t.Log(seen.n)
	})
}

// TestAskingReadsADayAlongTheIndex, however many requests were answered earlier.
func TestAskingReadsADayAlongTheIndex(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a := s.AddUser(t).ID
		var values []string
		for i := range 2000 {
			values = append(values, fmt.Sprintf("('01a%023d', '%s', '01b%023d', 'declined', 1, 1)", i, a, i))
		}
		for part := range slices.Chunk(values, 500) {
			s.Exec(t, "INSERT INTO friend_requests (id, from_id, to_id, status, created_at, answered_at) VALUES "+strings.Join(part, ", "))
		}
		query := s.InVainQuery()
		for _, value := range []string{"'" + a + "'", "'declined'", "'withdrawn'", "'01h00000000000000000000000'", "2"} {
			query = strings.Replace(query, "?", value, 1)
		}
		plan := planOf(t, s, query)
		if !strings.Contains(plan, "friend_requests_from") || strings.Contains(plan, "SCAN") || strings.Contains(plan, "type=ALL") || strings.Contains(plan, "type=index ") {
			t.Errorf("requests in vain are read by %s, want the index friend_requests_from", plan)
		}
		if s.Engine == "sqlite" && !strings.Contains(plan, "id>?") {
			t.Errorf("requests in vain are read by %s, want no more than the last day", plan)
		}
	})
}
