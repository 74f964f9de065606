package outbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// TestAnotherCloudHearsOfWhatIsFromBefore: friends and blocks of people who have
// tokens of one app come to another one with the first tokens there.
func TestAnotherCloudHearsOfWhatIsFromBefore(t *testing.T) {
	s, c := modelstest.Open(t), newCrowd()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	app := im.App(c)
	var ids [4]string
	for i := range ids {
		u := s.AddUser(t)
		s.AddToken(t, u, models.NewToken{}) // of another app
		ids[i] = u.ID
	}
	slices.Sort(ids[:])
	befriend(t, s.Store, ids[0], ids[1])
	befriend(t, s.Store, ids[1], ids[2])
	if err := s.SetRemark(t.Context(), ids[1], ids[2], "Sea", models.Origin{}); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][2]string{{ids[1], ids[3]}, {ids[3], ids[1]}} {
		if err := s.BlockUser(t.Context(), b[0], b[1], models.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		first string
		calls []string
	}{
		{ids[1], nil},
		{ids[0], []string{"befriend"}},
		{ids[2], []string{"befriend", "remark"}},
		{ids[3], []string{"block", "block"}},
	} {
		swap(t, s, app, claim(t, s, app, step.first))
		deliverAll(t, s, d)
		calls := c.made()
		slices.Sort(calls)
		if !slices.Equal(calls, step.calls) {
			t.Errorf("calls with the first token of %s = %v, want %v", step.first, calls, step.calls)
		}
	}
	got := fmt.Sprintln(len(c.friends), c.friends[[2]string{ids[0], ids[1]}], c.remarks[[2]string{ids[1], ids[2]}], c.blocks[[2]string{ids[1], ids[3]}], c.blocks[[2]string{ids[3], ids[1]}])
	if want := "4 true Sea true true\n"; got != want {
		t.Errorf("the cloud at last = %s, want %s", got, want)
	}
	// Another token is not a first one.
	if n := rows(t, s); n != 0 {
		t.Errorf("rows left = %d, want none", n)
	}
	v := claim(t, s, app, ids[0])
	swap(t, s, app, v)
	if n := rows(t, s); n != 0 {
		t.Errorf("rows after a second token = %d, want none", n)
	}
}

// TestAFirstTokenWithThousandsOfFriends writes one row, and each delivery of it no
// more than a page.
func TestAFirstTokenWithThousandsOfFriends(t *testing.T) {
	s, c := modelstest.Open(t), newCrowd()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1_000_000, Now: s.Now}
	app := im.App(c)
	people := s.BulkTokens(t, models.MaxFriends+models.MaxBlocks, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: s.Now()} })
	s.Exec(t, "UPDATE im_tokens SET cloud_app = ?", app)
	u := s.AddUser(t).ID
	s.Exec(t, "DELETE FROM outbox")
	db := s.SQL(t)
	for i, id := range people {
		var err error
		switch {
		case i < models.MaxFriends:
			_, err = db.Exec("INSERT INTO friends (owner_id, friend_id, created_at) VALUES (?, ?, 1), (?, ?, 1)", u, id, id, u)
		case i%2 == 0:
			_, err = db.Exec("INSERT INTO blocks (owner_id, blocked_id, created_at) VALUES (?, ?, 1)", u, id)
		default:
			_, err = db.Exec("INSERT INTO blocks (owner_id, blocked_id, created_at) VALUES (?, ?, 1)", id, u)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	swap(t, s, app, claim(t, s, app, u))
	if n := rows(t, s); n != 1 {
		t.Errorf("rows that the swap of a first token wrote = %d, want 1", n)
	}
	const page = 50
	for deliveries := 0; ; deliveries++ {
		list, err := s.Outbox(t.Context(), models.OutboxFilter{Kind: models.KindRelations}, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		if len(list) > 1 || deliveries > len(people)/page {
			t.Fatalf("%d rows after %d deliveries: %+v; want one, and an end", len(list), deliveries, list[0])
		}
		if p := list[0].People(); p[0] != u || len(p) > 2 {
			t.Errorf("people of %q = %v, want the person, and whom their page begins behind", list[0].Subject, p)
		}
		before := rows(t, s)
		s.Exec(t, "DELETE FROM outbox WHERE id = ?", list[0].ID)
		for range 2 { // it may come twice
			if err := d.Kinds()[models.KindRelations](t.Context(), list[0].Subject); err != nil {
				t.Fatal(err)
			}
		}
		if n := rows(t, s) - before; n > page {
			t.Errorf("rows of one delivery = %d more, want at most %d", n, page)
		}
	}
	for kind, want := range map[string]int64{models.KindFriend: models.MaxFriends, models.KindBlock: models.MaxBlocks} {
		if n := s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = ?", kind); n != want {
			t.Errorf("rows of kind %s at last = %d, want %d", kind, n, want)
		}
	}
}

// TestAFriendWhileAFirstTokenIsStored is not lost: the friendship is delivered
// before the token's commit, when the cloud seems not to know the person, and is
// begun when the commit has nothing more to read.
func TestAFriendWhileAFirstTokenIsStored(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		if s.Engine != "mysql" {
			return // one writer at a time, or locks that let nobody come between
		}
		other, c := s.Again(t), newCrowd()
		d := &outbox.Delivery{Store: other.Store, Cloud: c, Rate: 100, Now: s.Now}
		app := im.App(c)
		a, b := known(t, s).ID, s.AddUser(t).ID
		// As after every registration. Where it is missing, deleting it locks those
		// out who would come between.
		later := s.Now().Add(time.Hour).UnixMicro()
		s.Exec(t, "INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at) VALUES (?, ?, ?, ?, ?, ?)", b, models.KindProvision, b, later, later, later)
		v := claim(t, s, app, b)
		s.Step = func(point string) {
			if point == "before commit" {
				s.Step = nil
				befriend(t, other.Store, a, b)
				if err := other.BlockUser(t.Context(), a, b, models.Origin{}); err != nil {
					t.Error(err)
				}
				deliverAll(t, other, d)
				if calls := c.made(); len(calls) != 0 {
					t.Errorf("calls before the commit = %v, want none", calls)
				}
			}
		}
		swap(t, s, app, v)
		if s.Step != nil {
			t.Fatal("the token was stored without a commit")
		}
		deliverAll(t, s, d)
		if !c.friends[[2]string{a, b}] || !c.blocks[[2]string{a, b}] {
			t.Errorf("after the commit: friends %v, blocks %v; want both told", c.friends, c.blocks)
		}
	})
}

// TestABuriedFriendshipComesBackWithTheFirstToken: somebody was lost at the cloud,
// and it was found out by a refusal that was buried.
func TestABuriedFriendshipComesBackWithTheFirstToken(t *testing.T) {
	s, c := modelstest.Open(t), newCrowd()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	app := im.App(c)
	a, b := known(t, s).ID, known(t, s).ID
	befriend(t, s.Store, a, b)
	s.Exec(t, "DELETE FROM outbox WHERE kind <> 'friend'")
	claimed, err := s.ClaimOutbox(t.Context(), []string{models.KindFriend}, "test", s.Now(), 1)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claim = %v, %v; want one", claimed, err)
	}
	if err := s.BuryOutbox(t.Context(), claimed[0], "unknown user"); err != nil {
		t.Fatal(err)
	}
	// What a comparison with the cloud does to whom it has lost.
	s.Exec(t, "UPDATE im_tokens SET issued_at = 0, generation = generation + 1 WHERE user_id = ?", b)
	swap(t, s, app, claim(t, s, app, b))
	deliverAll(t, s, d)
	if !c.friends[[2]string{a, b}] || rows(t, s) != 0 {
		t.Errorf("friends = %v, rows left %d; want the friendship told", c.friends, rows(t, s))
	}
}

// TestRelationsOfNobody: subjects that make no sense, and the deleted.
func TestRelationsOfNobody(t *testing.T) {
	s, c := modelstest.Open(t), newCrowd()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	gone, other := known(t, s).ID, known(t, s).ID
	befriend(t, s.Store, gone, other)
	if err := s.DeleteUser(t.Context(), gone, "admin:a", models.Origin{}); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "DELETE FROM outbox")
	for _, subject := range []string{"", ":", gone, gone + ":" + other, strings.Repeat("0", 26), other + ":", other + ":~"} {
		if err := d.Kinds()[models.KindRelations](t.Context(), subject); err != nil {
			t.Errorf("relations of %q = %v, want nil", subject, err)
		}
	}
	if n := rows(t, s); n != 0 {
		t.Errorf("rows = %d, want none", n)
	}
}
