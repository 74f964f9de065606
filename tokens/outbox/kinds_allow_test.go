package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// A doorman is a cloud that keeps allow lists and no friends.
type doorman struct {
	bare
	// during runs before the next call takes effect, beside the lock.
	during func(op string)

	mu    sync.Mutex
	lists map[[2]string]bool
	on    map[string]bool
	none  bool // the service is not there
	away  bool // nobody answers
	full  bool // no list takes more
	calls []string
}

func newDoorman() *doorman { return &doorman{lists: map[[2]string]bool{}, on: map[string]bool{}} }

func (c *doorman) call(op string, do func()) error {
	if during := c.during; during != nil {
		c.during = nil
		during(op)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, op)
	switch {
	case c.away:
		return &im.Error{Kind: im.Unavailable, Op: op, HTTPStatus: 503}
	case c.none, c.full && op == "allow":
		return &im.Error{Kind: im.Quota, Op: op, Code: 1010}
	}
	do()
	return nil
}

func (c *doorman) Allow(_ context.Context, owner string, allowed ...string) error {
	return c.call("allow", func() {
		for _, id := range allowed {
			c.lists[[2]string{owner, id}] = true
		}
	})
}

func (c *doorman) Disallow(_ context.Context, owner string, allowed ...string) error {
	return c.call("disallow", func() {
		for _, id := range allowed {
			delete(c.lists, [2]string{owner, id})
		}
	})
}

func (c *doorman) Restrict(_ context.Context, owner string, on bool) error {
	return c.call(map[bool]string{true: "on", false: "off"}[on], func() {
		c.on[owner] = on
	})
}

func (c *doorman) Allowed(_ context.Context, owner string) (ids []string, err error) {
	return ids, c.call("read", func() {
		for pair := range c.lists {
			if pair[0] == owner {
				ids = append(ids, pair[1])
			}
		}
	})
}

// hears tells whether owner would get what the other writes.
func (c *doorman) hears(owner, other string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.on[owner] || c.lists[[2]string{owner, other}]
}

// made are the calls since the last time.
func (c *doorman) made() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

// decide has allow lists be in a mode, before any round.
func decide(t testing.TB, s *modelstest.Store, mode string) {
	t.Helper()
	seen, err := s.AllowLists(t.Context())
	if err == nil {
		err = s.SetAllowLists(t.Context(), seen, im.App(bare{}), mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rounds takes the round to its end and delivers all of it.
func rounds(t testing.TB, s *modelstest.Store, d *outbox.Delivery) {
	t.Helper()
	for {
		seen, err := s.AllowLists(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.StepAllowLists(t.Context(), seen, 2); err != nil {
			t.Fatal(err)
		}
		deliverAll(t, s, d)
		if !seen.Done.IsZero() {
			return
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAllowListsStandInForFriends at a cloud that keeps none.
func TestAllowListsStandInForFriends(t *testing.T) {
	s, c := modelstest.Open(t), newDoorman()
	a, b := known(t, s).ID, known(t, s).ID
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	decide(t, s, models.AllowListsOn)
	rounds(t, s, d)
	for range 2 {
		befriend(t, s.Store, a, b)
		deliverAll(t, s, d)
		if !c.lists[[2]string{a, b}] || !c.lists[[2]string{b, a}] {
			t.Errorf("allowed = %v, want each by the other", c.lists)
		}
		must(t, s.RemoveFriend(t.Context(), a, b, models.Origin{}))
		deliverAll(t, s, d)
		if len(c.lists) != 0 {
			t.Errorf("allowed after the end = %v, want nobody", c.lists)
		}
	}
}

// TestABlockedFriendIsOnNoAllowList: at the cloud the allow list stands above the
// block list.
func TestABlockedFriendIsOnNoAllowList(t *testing.T) {
	s, c := modelstest.Open(t), newDoorman()
	a, b := known(t, s).ID, known(t, s).ID
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	decide(t, s, models.AllowListsOn)
	want := func(what string, ab, ba bool) {
		t.Helper()
		deliverAll(t, s, d)
		for range 2 {
			if c.lists[[2]string{a, b}] != ab || c.lists[[2]string{b, a}] != ba {
				t.Errorf("allowed %s = %v, want %v by the one and %v by the other", what, c.lists, ab, ba)
			}
			// Whole lists say the same.
			for _, id := range []string{a, b} {
				must(t, d.Kinds()[models.KindAllow](t.Context(), id))
			}
		}
	}
	befriend(t, s.Store, a, b)
	want("as friends", true, true)
	must(t, s.BlockUser(t.Context(), a, b, models.Origin{}))
	want("when one blocks the other", false, true)
	must(t, d.Kinds()[models.KindFriend](t.Context(), min(a, b)+":"+max(a, b)))
	want("when their friendship is delivered once more", false, true)
	must(t, s.UnblockUser(t.Context(), a, b, models.Origin{}))
	want("after the end of the block", true, true)
	must(t, s.BlockUser(t.Context(), a, b, models.Origin{}))
	must(t, s.RemoveFriend(t.Context(), a, b, models.Origin{}))
	must(t, s.UnblockUser(t.Context(), a, b, models.Origin{}))
	want("as strangers", false, false)
}

// TestWhatChangesWhileAListIsWrittenWins: the change's own row is delivered, too,
// before the call of the other row arrives.
func TestWhatChangesWhileAListIsWrittenWins(t *testing.T) {
	for _, kind := range []string{models.KindFriend, models.KindAllow} {
		s, c := modelstest.Open(t), newDoorman()
		a, b := known(t, s).ID, known(t, s).ID
		d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
		decide(t, s, models.AllowListsOn)
		befriend(t, s.Store, a, b)
		owner, other := min(a, b), max(a, b)
		var block func(op string)
		block = func(op string) {
			if op != "allow" {
				c.during = block
				return
			}
			must(t, s.BlockUser(t.Context(), owner, other, models.Origin{}))
			must(t, d.Kinds()[models.KindBlock](t.Context(), owner+":"+other))
		}
		c.during = block
		subject := map[string]string{models.KindFriend: owner + ":" + other, models.KindAllow: owner}[kind]
		must(t, d.Kinds()[kind](t.Context(), subject))
		if c.lists[[2]string{owner, other}] {
			t.Errorf("%s: a friend who was blocked meanwhile is on the allow list, want not", kind)
		}
	}
}

// TestListsThatEndWhileOneIsWritten: the last word counts, not the last call.
func TestListsThatEndWhileOneIsWritten(t *testing.T) {
	s, c := modelstest.Open(t), newDoorman()
	a := known(t, s).ID
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	decide(t, s, models.AllowListsOn)
	c.during = func(string) {
		decide(t, s, models.AllowListsOff)
		must(t, d.Kinds()[models.KindAllow](t.Context(), a))
	}
	must(t, d.Kinds()[models.KindAllow](t.Context(), a))
	if c.on[a] {
		t.Error("the list of somebody is looked at after lists have ended, want not")
	}
}

// TestFriendsOfBeforeStayFriends: whoever gets a list has all friends on it before
// it is looked at, also when a new friend comes first.
func TestFriendsOfBeforeStayFriends(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		c := newDoorman()
		d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1000, Now: s.Now}
		var ids []string
		for range 27 {
			ids = append(ids, known(t, s).ID)
		}
		me, blocked, newcomer, pending, loner := ids[0], ids[23], ids[24], s.AddUser(t).ID, ids[26]
		for _, id := range append(ids[1:24:24], pending) { // more than one call takes
			befriend(t, s.Store, me, id)
		}
		must(t, s.BlockUser(t.Context(), me, blocked, models.Origin{}))
		deliverAll(t, s, d)
		if calls := c.made(); len(calls) != 0 {
			t.Fatalf("calls before there are lists = %v, want none", calls)
		}
		friendsHear := func(when string) {
			t.Helper()
			for _, id := range ids[1:23] {
				if !c.hears(me, id) || !c.hears(id, me) {
					t.Fatalf("%s: friends of before cannot write to each other, want them to", when)
				}
			}
		}

		// Who befriended somebody after the decision, before the round came by, kept
		// nobody but the new friend.
		decide(t, s, models.AllowListsOn)
		befriend(t, s.Store, me, newcomer)
		deliverAll(t, s, d)
		friendsHear("with a new friend, before the round")
		for range 2 {
			var look func(string)
			look = func(string) { friendsHear("while the round writes"); c.during = look }
			c.during = look
			rounds(t, s, d)
			c.during = nil
			friendsHear("after the round")
			if !c.hears(me, newcomer) || !c.hears(newcomer, me) {
				t.Error("the new friend is not heard, want them to be")
			}
			for _, stranger := range []string{blocked, loner, pending} {
				if c.hears(me, stranger) || stranger != pending && c.hears(loner, stranger) {
					t.Errorf("a stranger, or who is blocked, is heard, want not: lists on %v", c.on)
				}
			}
			must(t, d.Kinds()[models.KindAllow](t.Context(), me))
		}

		// Off again: everybody hears everybody. What changes meanwhile is made good
		// when lists come back.
		decide(t, s, models.AllowListsOff)
		rounds(t, s, d)
		if !c.hears(loner, me) || !c.hears(me, loner) {
			t.Error("strangers are not heard after lists have ended, want them to be")
		}
		must(t, s.RemoveFriend(t.Context(), me, newcomer, models.Origin{}))
		befriend(t, s.Store, me, loner)
		deliverAll(t, s, d)
		decide(t, s, models.AllowListsOn)
		rounds(t, s, d)
		friendsHear("after lists have come back")
		if c.hears(me, newcomer) || !c.hears(me, loner) || !c.hears(loner, me) {
			t.Error("lists that came back are those of before, want those of today")
		}
	})
}

// TestAFirstTokenBringsAList, empty or with the friends who are known there.
func TestAFirstTokenBringsAList(t *testing.T) {
	s, c := modelstest.Open(t), newDoorman()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	decide(t, s, models.AllowListsOn)
	rounds(t, s, d)
	friend, stranger, nobody, newcomer := known(t, s).ID, known(t, s).ID, s.AddUser(t).ID, s.AddUser(t).ID
	befriend(t, s.Store, newcomer, friend)
	deliverAll(t, s, d)
	for _, id := range []string{newcomer, nobody} {
		swap(t, s, im.App(c), claim(t, s, im.App(c), id))
	}
	deliverAll(t, s, d)
	if !c.hears(newcomer, friend) || c.hears(newcomer, stranger) || c.hears(nobody, friend) {
		t.Errorf("with the first token the friend is heard = %v, a stranger = %v, anybody by who has no friends = %v; want true, false, false",
			c.hears(newcomer, friend), c.hears(newcomer, stranger), c.hears(nobody, friend))
	}
	// Without lists nothing is called.
	decide(t, s, models.AllowListsOff)
	rounds(t, s, d)
	c.made()
	last := s.AddUser(t).ID
	swap(t, s, im.App(c), claim(t, s, im.App(c), last))
	deliverAll(t, s, d)
	if calls := c.made(); len(calls) != 0 {
		t.Errorf("calls for a first token without lists = %v, want none", calls)
	}
}

// TestListsThatAreGoneBuryNothing: the cloud keeps no lists any more. A block is
// told all the same, everybody knows, and a round comes when lists are back.
func TestListsThatAreGoneBuryNothing(t *testing.T) {
	s, c := modelstest.Open(t), newDoorman()
	a, b, other := known(t, s).ID, known(t, s).ID, known(t, s).ID
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	decide(t, s, models.AllowListsOn)
	rounds(t, s, d)
	befriend(t, s.Store, a, b)
	deliverAll(t, s, d)
	c.none = true
	must(t, s.BlockUser(t.Context(), a, b, models.Origin{}))
	befriend(t, s.Store, a, other)
	must(t, s.AskAllowList(t.Context(), a))
	deliverAll(t, s, d) // fails at a row that would be buried
	if got, err := s.AllowLists(t.Context()); err != nil || got.Mode != models.AllowListsNone {
		t.Errorf("lists that are gone = %+v, %v; want mode none", got, err)
	}
	c.none = false
	decide(t, s, models.AllowListsOn)
	rounds(t, s, d)
	if c.hears(a, b) || !c.hears(a, other) || !c.hears(other, a) {
		t.Errorf("lists that are back = %v, want those of today", c.lists)
	}

	// A list that takes no more is another matter.
	c.full = true
	befriend(t, s.Store, b, other)
	if err := d.Kinds()[models.KindFriend](t.Context(), min(b, other)+":"+max(b, other)); im.KindOf(err) != im.Quota {
		t.Errorf("friend on a full list = %v, want a quota", err)
	}
	if got, _ := s.AllowLists(t.Context()); got.Mode != models.AllowListsOn {
		t.Errorf("mode after a full list = %q, want on", got.Mode)
	}
}

// TestAllowListsOfNobody: late rows of the deleted, of those whom the cloud does
// not know, of another app, and rows that make no sense.
func TestAllowListsOfNobody(t *testing.T) {
	s, c := modelstest.Open(t), newDoorman()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	gone, pending, ready := known(t, s).ID, s.AddUser(t).ID, known(t, s).ID
	must(t, s.DeleteUser(t.Context(), gone, "admin:a", models.Origin{}))
	try := func(what string, ids ...string) {
		t.Helper()
		for _, id := range ids {
			if err := d.Kinds()[models.KindAllow](t.Context(), id); err != nil {
				t.Errorf("%s: allow list of %q = %v, want nil", what, id, err)
			}
		}
		if calls := c.made(); len(calls) != 0 {
			t.Errorf("%s: calls = %v, want none", what, calls)
		}
	}
	try("nothing decided", ready)
	decide(t, s, models.AllowListsOn)
	try("nobody", gone, pending, "", ":", "01never")
	seen, err := s.AllowLists(t.Context())
	must(t, err)
	must(t, s.SetAllowLists(t.Context(), seen, "stub/another", models.AllowListsOn))
	try("another app", ready)
	for _, other := range []im.Cloud{bare{}, newCrowd()} {
		if err := (&outbox.Delivery{Store: s.Store, Cloud: other, Rate: 1, Now: s.Now}).Kinds()[models.KindAllow](t.Context(), ready); err != nil {
			t.Errorf("allow list at %T = %v, want nil", other, err)
		}
	}
}

// TestAListIsWrittenInFewCalls: what is there already is not written again.
func TestAListIsWrittenInFewCalls(t *testing.T) {
	s, c := modelstest.Open(t), newDoorman()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 100, Now: s.Now}
	me := known(t, s).ID
	for range 41 {
		befriend(t, s.Store, me, known(t, s).ID)
	}
	c.lists[[2]string{me, "stranger"}] = true
	decide(t, s, models.AllowListsOn)
	for i, want := range [][]string{{"read", "disallow", "allow", "allow", "allow", "on"}, {"read", "on"}} {
		must(t, d.Kinds()[models.KindAllow](t.Context(), me))
		if calls := c.made(); !slices.Equal(calls, want) {
			t.Errorf("calls the %s time = %v, want %v", fmt.Sprint(i+1, "."), calls, want)
		}
	}
}
