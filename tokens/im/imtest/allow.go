package imtest

import (
	"slices"
	"testing"

	"imbridge/tokens/im"
)

// wantAllowed compares owner's allow list, whatever its order.
func wantAllowed(t *testing.T, a im.Allower, owner string, want ...string) {
	t.Helper()
	got, err := a.Allowed(within(t, limit), owner)
	must(t, "Allowed", err)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("Allowed(%q) has %d people %.200q, want %d: %.200q", owner, len(got), got, len(want), want)
	}
}

var allowCases = []testCase{
	{name: "Allow/is read back, and safe to repeat", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok {
			return
		}
		u, other := newUser(), newUser()
		mint(t, h, u, 0)
		mint(t, h, other, 0)
		ids := people(t, h, 2)
		for range 2 {
			must(t, "Allow", a.Allow(within(t, limit), u.ID, ids...))
			wantAllowed(t, a, u.ID, ids...)
		}
		wantAllowed(t, a, other.ID)
		for range 2 {
			must(t, "Disallow", a.Disallow(within(t, limit), u.ID, ids[0]))
			wantAllowed(t, a, u.ID, ids[1])
		}
	}},
	{name: "Restrict/only those on the list may write, until it ends", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok || h.MayWrite == nil {
			return
		}
		u, friend, stranger := newUser(), newUser(), newUser()
		for _, who := range []im.User{u, friend, stranger} {
			mint(t, h, who, 0)
		}
		wantWrite := func(what string, byFriend, byStranger bool) {
			t.Helper()
			if f, s := h.MayWrite(friend.ID, u.ID), h.MayWrite(stranger.ID, u.ID); f != byFriend || s != byStranger {
				t.Errorf("%s: the cloud delivers what a friend writes = %v, and a stranger = %v; want %v, %v", what, f, s, byFriend, byStranger)
			}
		}
		must(t, "Allow", a.Allow(within(t, limit), u.ID, friend.ID))
		wantWrite("a list that is not looked at", true, true)
		for range 2 {
			must(t, "Restrict", a.Restrict(within(t, limit), u.ID, true))
			wantWrite("a list that is looked at", true, false)
		}
		must(t, "Disallow", a.Disallow(within(t, limit), u.ID, friend.ID))
		wantWrite("an empty list", false, false)
		must(t, "Allow", a.Allow(within(t, limit), u.ID, friend.ID))
		wantWrite("a list with somebody again", true, false)
		for range 2 {
			must(t, "Restrict, off", a.Restrict(within(t, limit), u.ID, false))
			wantWrite("a list that is looked at no more", true, true)
		}
		wantAllowed(t, a, u.ID, friend.ID)
		must(t, "Restrict of who has no list", a.Restrict(within(t, limit), stranger.ID, true))
		if h.MayWrite(friend.ID, stranger.ID) {
			t.Error("who never had a list, restricted: the cloud delivers, want nobody to be allowed")
		}
	}},
	{name: "Allow/nobody is no change", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		must(t, "Allow", a.Allow(within(t, limit), u.ID, "a1"))
		must(t, "Allow of nobody", a.Allow(within(t, limit), u.ID))
		must(t, "Disallow of nobody", a.Disallow(within(t, limit), u.ID))
		wantAllowed(t, a, u.ID, "a1")
	}},
	{name: "Allow/takes more than one call's worth", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		all := people(t, h, 45)
		must(t, "Allow of 45", a.Allow(within(t, limit), u.ID, all...))
		wantAllowed(t, a, u.ID, all...)
		must(t, "Disallow of 41", a.Disallow(within(t, limit), u.ID, all[:41]...))
		wantAllowed(t, a, u.ID, all[41:]...)
	}},
	{name: "Allowed/lists more than one page", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok || h.Pages == 0 {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		all := people(t, h, h.Pages+1)
		must(t, "Allow", a.Allow(within(t, limit), u.ID, all...))
		wantAllowed(t, a, u.ID, all...)
	}},
	{name: "Allow/a service that is off is a Quota", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok || h.DisableAllowLists == nil {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		h.DisableAllowLists()
		refused(t, h, "Allow", a.Allow(within(t, limit), u.ID, "a1"), im.Quota)
		refused(t, h, "Disallow", a.Disallow(within(t, limit), u.ID, "a1"), im.Quota)
		refused(t, h, "Restrict", a.Restrict(within(t, limit), u.ID, true), im.Quota)
		refused(t, h, "Restrict, off", a.Restrict(within(t, limit), u.ID, false), im.Quota)
		_, err := a.Allowed(within(t, limit), u.ID)
		refused(t, h, "Allowed", err, im.Quota)
	}},
}
