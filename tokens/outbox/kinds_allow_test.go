package outbox_test

import (
	"context"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/outbox"
)

// TestABlockedFriendIsOnNoAllowList: at the cloud the allow list stands above the
// block list.
func TestABlockedFriendIsOnNoAllowList(t *testing.T) {
	s := modelstest.Open(t)
	a, b := known(t, s).ID, known(t, s).ID
	c := &doorman{lists: map[[2]string]bool{}}
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1, RequireFriendship: true, Now: s.Now}
	want := func(what string, ab, ba bool) {
		t.Helper()
		deliverAll(t, s, d)
		if c.lists[[2]string{a, b}] != ab || c.lists[[2]string{b, a}] != ba {
			t.Errorf("allowed %s = %v, want %v by the one and %v by the other", what, c.lists, ab, ba)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	befriend(t, s.Store, a, b)
	want("as friends", true, true)
	must(s.BlockUser(t.Context(), a, b, models.Origin{}))
	want("when one blocks the other", false, true)
	must(d.Kinds()[models.KindFriend](t.Context(), min(a, b)+":"+max(a, b)))
	want("when their friendship is delivered once more", false, true)
	must(s.UnblockUser(t.Context(), a, b, models.Origin{}))
	want("after the end of the block", true, true)
	must(s.BlockUser(t.Context(), a, b, models.Origin{}))
	must(s.RemoveFriend(t.Context(), a, b, models.Origin{}))
	must(s.UnblockUser(t.Context(), a, b, models.Origin{}))
	want("as strangers", false, false)
}

// A blockedMeanwhile has the friend blocked at the moment in which they are allowed.
type blockedMeanwhile struct {
	doorman
	during func()
}

func (c *blockedMeanwhile) Allow(ctx context.Context, owner string, allowed ...string) error {
	if during := c.during; during != nil {
		c.during = nil
		during()
	}
	return c.doorman.Allow(ctx, owner, allowed...)
}

func TestABlockWhileAFriendIsAllowedWins(t *testing.T) {
	s := modelstest.Open(t)
	a, b := known(t, s).ID, known(t, s).ID
	c := &blockedMeanwhile{doorman: doorman{lists: map[[2]string]bool{}}}
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1, RequireFriendship: true, Now: s.Now}
	befriend(t, s.Store, a, b)
	owner, other := min(a, b), max(a, b)
	c.during = func() {
		if err := s.BlockUser(t.Context(), owner, other, models.Origin{}); err != nil {
			t.Error(err)
		}
		// The block's row is delivered, too, before the friendship's call arrives.
		if err := d.Kinds()[models.KindBlock](t.Context(), owner+":"+other); err != nil {
			t.Error(err)
		}
	}
	if err := d.Kinds()[models.KindFriend](t.Context(), owner+":"+other); err != nil {
		t.Fatal(err)
	}
	if c.lists[[2]string{owner, other}] {
		t.Error("a friend who was blocked meanwhile is on the allow list, want not")
	}
}
