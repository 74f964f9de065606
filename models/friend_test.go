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

// ask sends a request and returns its id.
func ask(t testing.TB, s *models.Store, fromID, toID string) string {
	t.Helper()
	out, err := s.RequestFriend(ctx, fromID, toID, "", from)
	want(t, "RequestFriend", err, nil)
	return out.Request.ID
}

func befriend(t testing.TB, s *models.Store, a, b string) {
	t.Helper()
	want(t, "AcceptRequest", s.AcceptRequest(ctx, b, ask(t, s, a, b), from), nil)
}

// friendIDs are all friends of a person, by pages.
func friendIDs(t testing.TB, s *models.Store, id string) []string {
	t.Helper()
	var ids []string
	for after := ""; ; {
		list, err := s.Friends(ctx, id, after, 50)
		want(t, "Friends", err, nil)
		for _, f := range list {
			ids = append(ids, f.User.ID)
			after = f.User.ID
		}
		if len(list) < 50 {
			return ids
		}
	}
}

// wholePairs fails where a friendship has one side only, or one to somebody who
// is not there.
func wholePairs(t testing.TB, s *modelstest.Store) {
	t.Helper()
	equal(t, "one-sided friendships", s.Count(t, `SELECT COUNT(*) FROM friends f LEFT JOIN friends g ON g.owner_id = f.friend_id AND g.friend_id = f.owner_id WHERE g.owner_id IS NULL`), 0)
	equal(t, "friends, requests and blocks of the deleted", s.Count(t, `SELECT (SELECT COUNT(*) FROM friends f JOIN users u ON u.id = f.friend_id WHERE u.status = 'deleted')
		+ (SELECT COUNT(*) FROM friend_requests r JOIN users u ON u.id = r.from_id OR u.id = r.to_id WHERE u.status = 'deleted')
		+ (SELECT COUNT(*) FROM blocks b JOIN users u ON u.id = b.owner_id OR u.id = b.blocked_id WHERE u.status = 'deleted')`), 0)
	equal(t, "pending requests between friends", s.Count(t, `SELECT COUNT(*) FROM friend_requests r JOIN friends f ON f.owner_id = r.from_id AND f.friend_id = r.to_id WHERE r.status = 'pending'`), 0)
}

func TestFriendshipsAreRowsOfBothAndOneOfTheOutbox(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a, b := s.AddUser(t).ID, s.AddUser(t).ID
		subject := a + ":" + b
		befriend(t, s.Store, b, a)
		row := outboxRow(t, s, subject)
		equal(t, "kind", row.Kind, models.KindFriend)
		want(t, "SetRemark", s.SetRemark(ctx, a, b, strings.Repeat("名", 100), from), nil)
		want(t, "SetRemark again", s.SetRemark(ctx, a, b, strings.Repeat("名", 100), from), nil)
		equal(t, "generation after a remark, twice the same", outboxRow(t, s, subject).Generation, row.Generation+1)
		f, err := s.FriendshipOf(ctx, subject)
		want(t, "FriendshipOf", err, nil)
		if f.A.ID != a || f.B.ID != b || !f.Friends || f.RemarkA != strings.Repeat("名", 100) || f.RemarkB != "" || !f.RemarkedA || f.RemarkedB {
			t.Errorf("truth = %+v, want friends with a's remark alone", f)
		}
		want(t, "RemoveFriend", s.RemoveFriend(ctx, b, a, from), nil)
		f, err = s.FriendshipOf(ctx, subject)
		want(t, "FriendshipOf", err, nil)
		if f.Friends || f.RemarkA != "" {
			t.Errorf("truth after the end = %+v, want none", f)
		}
		generation := outboxRow(t, s, subject).Generation
		want(t, "RemoveFriend again", s.RemoveFriend(ctx, b, a, from), nil)
		equal(t, "generation after a repeat", outboxRow(t, s, subject).Generation, generation)
		want(t, "SetRemark on a stranger", s.SetRemark(ctx, a, b, "x", from), models.ErrNotFound)
		// The end was not delivered: the cloud may still have the remark.
		befriend(t, s.Store, a, b)
		f, err = s.FriendshipOf(ctx, subject)
		want(t, "FriendshipOf", err, nil)
		if !f.RemarkedA || !f.RemarkedB || f.RemarkA != "" {
			t.Errorf("truth of a friendship begun anew before its end was told = %+v, want remarks to be taken away", f)
		}
		wholePairs(t, s)
	})
}

// TestMadeUpIDsLeaveNoTrace: whatever is asked of ids that nobody has.
func TestMadeUpIDsLeaveNoTrace(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a := s.AddUser(t).ID
		for i := range 5 {
			id := fmt.Sprintf("01nb%022d", i)
			_, err := s.RequestFriend(ctx, a, id, "", from)
			want(t, "RequestFriend", err, models.ErrNotFound)
			want(t, "RemoveFriend", s.RemoveFriend(ctx, a, id, from), nil)
			want(t, "SetRemark", s.SetRemark(ctx, a, id, "x", from), models.ErrNotFound)
			want(t, "BlockUser", s.BlockUser(ctx, a, id, from), models.ErrNotFound)
			want(t, "UnblockUser", s.UnblockUser(ctx, a, id, from), nil)
			want(t, "AcceptRequest", s.AcceptRequest(ctx, a, id, from), models.ErrNotFound)
			want(t, "WithdrawRequest", s.WithdrawRequest(ctx, a, id, from), models.ErrNotFound)
		}
		for _, table := range []string{"friends", "friend_requests", "blocks", "relation_turns", "outbox"} {
			equal(t, "rows of "+table, s.Count(t, "SELECT COUNT(*) FROM "+table), 0)
		}
		_, err := s.FriendshipOf(ctx, a)
		want(t, "FriendshipOf half a pair", err, models.ErrNotFound)
		_, err = s.BlockingOf(ctx, a+":01nb")
		want(t, "BlockingOf nobody", err, models.ErrNotFound)
	})
}

// outcomes runs two changes at once, on two stores of one database.
func outcomes(s, other *modelstest.Store, first, second func(s *models.Store) error) (a, b error) {
	errs := [2]error{}
	together(2, func(i int) {
		if i == 0 {
			errs[0] = first(s.Store)
		} else {
			errs[1] = second(other.Store)
		}
	})
	return errs[0], errs[1]
}

const races = 25

func TestAcceptAgainstWithdraw(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		again := s.Again(t)
		seen := tally{}
		for range races {
			a, b := s.AddUser(t).ID, s.AddUser(t).ID
			id := ask(t, s.Store, a, b)
			accepted, withdrawn := outcomes(s, again, func(s *models.Store) error { return s.AcceptRequest(ctx, b, id, from) },
				func(s *models.Store) error { return s.WithdrawRequest(ctx, a, id, from) })
			friends := len(friendIDs(t, s.Store, a))
			seen.add(fmt.Sprint(accepted == nil, withdrawn == nil, friends))
			if (accepted == nil) == (withdrawn == nil) || (accepted == nil) != (friends == 1) {
				t.Fatalf("accept = %v, withdraw = %v, friends %d; want one to win, and friends where it is accept", accepted, withdrawn, friends)
			}
			if err := errors.Join(accepted, withdrawn); !errors.Is(err, models.ErrRequestClosed) {
				t.Fatalf("the loser = %v, want ErrRequestClosed", err)
			}
		}
		wholePairs(t, s)
		t.Log(seen.n)
	})
}

func TestBlockAgainstAccept(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		again := s.Again(t)
		seen := tally{}
		for i := range 2 * races {
			a, b := s.AddUser(t).ID, s.AddUser(t).ID
			id := ask(t, s.Store, a, b)
			blocker, blocked := a, b // the sender, or the recipient
			if i%2 == 0 {
				blocker, blocked = b, a
			}
			accepted, err := outcomes(s, again, func(s *models.Store) error { return s.AcceptRequest(ctx, b, id, from) },
				func(s *models.Store) error { return s.BlockUser(ctx, blocker, blocked, from) })
			want(t, "BlockUser", err, nil)
			friends := len(friendIDs(t, s.Store, a))
			seen.add(fmt.Sprint(accepted == nil, friends))
			if (accepted == nil) != (friends == 1) || accepted != nil && !errors.Is(accepted, models.ErrRequestClosed) && !errors.Is(accepted, models.ErrNotFound) {
				t.Fatalf("accept = %v, friends %d; want friends where it won, and otherwise a request that is closed", accepted, friends)
			}
			equal(t, "pending requests", s.Count(t, "SELECT COUNT(*) FROM friend_requests WHERE status = 'pending'"), 0)
		}
		wholePairs(t, s)
		t.Log(seen.n)
	})
}

func TestDeleteAgainstAccept(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		again := s.Again(t)
		seen := tally{}
		for i := range 2 * races {
			a, b := s.AddUser(t).ID, s.AddUser(t).ID
			id := ask(t, s.Store, a, b)
			gone := [2]string{a, b}[i%2]
			accepted, err := outcomes(s, again, func(s *models.Store) error { return s.AcceptRequest(ctx, b, id, from) },
				func(s *models.Store) error { return s.DeleteUser(ctx, gone, "admin:a", from) })
			want(t, "DeleteUser", err, nil)
			seen.add(fmt.Sprint(accepted == nil))
			if accepted != nil && !errors.Is(accepted, models.ErrNotFound) {
				t.Fatalf("accept = %v, want nil or ErrNotFound", accepted)
			}
			wholePairs(t, s)
			noTurnsOfTheDeleted(t, s)
		}
		t.Log(seen.n)
	})
}

func noTurnsOfTheDeleted(t testing.TB, s *modelstest.Store) {
	t.Helper()
	equal(t, "turns of the deleted", s.Count(t, "SELECT COUNT(*) FROM relation_turns r JOIN users u ON u.id = r.user_id WHERE u.status = 'deleted'"), 0)
}

func TestRequestAgainstDelete(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		again := s.Again(t)
		for range races {
			a, b := s.AddUser(t).ID, s.AddUser(t).ID
			asked, err := outcomes(s, again, func(s *models.Store) error { _, err := s.RequestFriend(ctx, a, b, "", from); return err },
				func(s *models.Store) error { return s.DeleteUser(ctx, b, "admin:a", from) })
			want(t, "DeleteUser", err, nil)
			if asked != nil && !errors.Is(asked, models.ErrNotFound) {
				t.Fatalf("request = %v, want nil or ErrNotFound", asked)
			}
		}
		wholePairs(t, s)
		noTurnsOfTheDeleted(t, s)
	})
}

// TestRequestsBothWaysAtOnce meet: the later one is the answer.
func TestRequestsBothWaysAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		again := s.Again(t)
		for range races {
			a, b := s.AddUser(t).ID, s.AddUser(t).ID
			one, two := outcomes(s, again, func(s *models.Store) error { _, err := s.RequestFriend(ctx, a, b, "", from); return err },
				func(s *models.Store) error { _, err := s.RequestFriend(ctx, b, a, "", from); return err })
			want(t, "both requests", errors.Join(one, two), nil)
			if ids := friendIDs(t, s.Store, a); !slices.Equal(ids, []string{b}) {
				t.Fatalf("friends after requests both ways = %v, want the other", ids)
			}
		}
		wholePairs(t, s)
	})
}

// TestOneRequestForManyRepeats: twenty at once are one request.
func TestOneRequestForManyRepeats(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		a, b := s.AddUser(t).ID, s.AddUser(t).ID
		seen := tally{}
		together(20, func(i int) {
			out, err := stores[i%2].RequestFriend(ctx, a, b, "", from)
			seen.err(err)
			seen.add(fmt.Sprint("made ", out.Made))
		})
		if seen.n["ok"] != 20 || seen.n["made true"] != 1 {
			t.Errorf("outcomes = %v, want 20 of which one was made", seen.n)
		}
		equal(t, "requests", s.Count(t, "SELECT COUNT(*) FROM friend_requests"), 1)
	})
}

// TestFriendLimitIsExact: forty accept at once where there is room for ten.
func TestFriendLimitIsExact(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		again := s.Again(t)
		stores := []*modelstest.Store{s, again}
		a := s.AddUser(t).ID
		fill(t, s, "friends (owner_id, friend_id, created_at)", a, models.MaxFriends-10)
		ids := make([]string, 40)
		for i := range ids {
			ids[i] = ask(t, s.Store, s.AddUser(t).ID, a)
		}
		seen := tally{}
		together(len(ids), func(i int) { seen.err(stores[i%2].AcceptRequest(ctx, a, ids[i], from), models.ErrFriendsFull) })
		if seen.n["ok"] != 10 || seen.n[models.ErrFriendsFull.Error()] != 30 {
			t.Errorf("outcomes = %v, want 10 ok and 30 without room", seen.n)
		}
		equal(t, "friends", s.Count(t, "SELECT COUNT(*) FROM friends WHERE owner_id = ?", a), models.MaxFriends)
	})
}

// fill gives a person n friends or blocks of ids that nobody has.
func fill(t testing.TB, s *modelstest.Store, into, owner string, n int) {
	t.Helper()
	db := s.SQL(t)
	for from := 0; from < n; from += 500 {
		var values []string
		var args []any
		for i := from; i < min(n, from+500); i++ {
			values, args = append(values, "(?, ?, 1)"), append(args, owner, fmt.Sprintf("00%024d", i))
		}
		if _, err := db.Exec("INSERT INTO "+into+" VALUES "+strings.Join(values, ", "), args...); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAPageIsReadAlongItsIndex: of 3,000 friends a page of 50 reads as much as of
// 100, whatever page it is, in one command.
func TestAPageIsReadAlongItsIndex(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		ids := s.BulkTokens(t, 3001, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Clock.Now()} })
		owner, others := ids[0], ids[1:]
		db := s.SQL(t)
		for _, into := range []string{"friends (owner_id, friend_id, created_at)", "blocks (owner_id, blocked_id, created_at)"} {
			for part := range slices.Chunk(others, 500) {
				var args []any
				for _, id := range part {
					args = append(args, owner, id)
				}
				if _, err := db.Exec("INSERT INTO "+into+" VALUES (?, ?, 1)"+strings.Repeat(", (?, ?, 1)", len(part)-1), args...); err != nil {
					t.Fatal(err)
				}
			}
		}
		slices.Sort(others)
		if got := friendIDs(t, s.Store, owner); !slices.Equal(got, others) {
			t.Errorf("pages hold %d friends, want each of the 3000 once", len(got))
		}
		onePagePerQuery(t, s, owner, others)
		for name, query := range map[string]string{"friends": s.FriendsQuery(), "blocks": s.BlocksQuery()} {
			for _, after := range []string{"", others[2900]} {
				query := query
				for _, value := range []string{"'" + owner + "'", "'" + after + "'", "'deleted'", "51"} {
					query = strings.Replace(query, "?", value, 1)
				}
				plan := planOf(t, s, query)
				for _, bad := range []string{"filesort", "temporary", "TEMP B-TREE", "type=ALL", "type=index ", "SCAN"} {
					if strings.Contains(plan, bad) {
						t.Errorf("%s after %q are read by %s, want no %s", name, after, plan, bad)
					}
				}
			}
		}
	})
}

// onePagePerQuery counts what goes over the wire for pages at the beginning, in the
// middle and at the end. SQLite has no wire.
func onePagePerQuery(t *testing.T, s *modelstest.Store, owner string, others []string) {
	t.Helper()
	if s.Engine == "sqlite" {
		return
	}
	wire := modelstest.NewWire(t)
	again := s.Again(t, wire.Through)
	pages := func(after string) {
		friends, err := again.Friends(ctx, owner, after, 50)
		want(t, "Friends", err, nil)
		blocks, err := again.Blocks(ctx, owner, after, 50)
		want(t, "Blocks", err, nil)
		equal(t, "people on two pages", len(friends)+len(blocks), 100)
	}
	pages("") // opens the connection
	for _, after := range []string{"", others[1500], others[2900]} {
		before := wire.All()
		pages(after)
		equal(t, "commands for a page of friends and one of blocks", wire.All()-before, 2)
	}
}

// planOf is the whole plan of a query in the engine's own words.
func planOf(t testing.TB, s *modelstest.Store, query string) string {
	t.Helper()
	explain := "EXPLAIN "
	if s.Engine == "sqlite" {
		explain = "EXPLAIN QUERY PLAN "
	} else {
		s.Exec(t, "ANALYZE TABLE friends, blocks, users")
		if s.Engine == "mysql" {
			explain = "EXPLAIN FORMAT=TRADITIONAL "
		}
	}
	rows, err := s.SQL(t).Query(explain + query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		cells := make([]any, len(names))
		for i := range cells {
			cells[i] = new([]byte)
		}
		if err := rows.Scan(cells...); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			fmt.Fprintf(&plan, "%s=%s ", name, *cells[i].(*[]byte))
		}
		plan.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

func TestRequestListsAreNewestFirst(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		me, blocked := s.AddUser(t).ID, s.AddUser(t).ID
		var all, incoming []string
		for i := range 9 {
			s.Clock.Advance(2 * time.Millisecond)
			other := s.AddUser(t).ID
			if i%3 == 0 {
				all = append(all, ask(t, s.Store, me, other))
				continue
			}
			id := ask(t, s.Store, other, me)
			all, incoming = append(all, id), append(incoming, id)
		}
		want(t, "BlockUser", s.BlockUser(ctx, me, blocked, from), nil)
		ask(t, s.Store, blocked, me)
		for direction, ids := range map[string][]string{"": all, models.IncomingRequests: incoming} {
			wanted := slices.Clone(ids)
			slices.Reverse(wanted)
			var got []string
			for before := ""; ; {
				list, err := s.FriendRequests(ctx, me, direction, before, 2)
				want(t, "FriendRequests", err, nil)
				for _, r := range list {
					got, before = append(got, r.ID), r.ID
				}
				if len(list) < 2 {
					break
				}
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("requests %q = %v, want %v", direction, got, wanted)
			}
		}
	})
}

// TestAnsweredRequestsAreSwept after thirty days, and none before.
func TestAnsweredRequestsAreSwept(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a, b, c := s.AddUser(t).ID, s.AddUser(t).ID, s.AddUser(t).ID
		befriend(t, s.Store, a, b)
		pending := ask(t, s.Store, a, c)
		s.Clock.Advance(30*24*time.Hour - time.Second)
		want(t, "Sweep", s.Sweep(ctx), nil)
		equal(t, "requests after 30 days", s.Count(t, "SELECT COUNT(*) FROM friend_requests"), 2)
		s.Clock.Advance(2 * time.Second)
		want(t, "Sweep", s.Sweep(ctx), nil)
		equal(t, "requests afterwards", s.Count(t, "SELECT COUNT(*) FROM friend_requests WHERE id = ?", pending), 1)
		equal(t, "all requests afterwards", s.Count(t, "SELECT COUNT(*) FROM friend_requests"), 1)
	})
}
