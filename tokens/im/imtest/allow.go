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
	{name: "Allow/nobody makes an empty list", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		must(t, "Allow of nobody", a.Allow(within(t, limit), u.ID))
		must(t, "Disallow of nobody", a.Disallow(within(t, limit), u.ID))
		wantAllowed(t, a, u.ID)
	}},
	{name: "Allow/only those on the list may write", run: func(t *testing.T, h Harness) {
		a, ok := role[im.Allower](t, h)
		if !ok || h.MayWrite == nil {
			return
		}
		u, friend, stranger := newUser(), newUser(), newUser()
		for _, who := range []im.User{u, friend, stranger} {
			mint(t, h, who, 0)
		}
		wantWrite := func(what string, from im.User, want bool) {
			t.Helper()
			if got := h.MayWrite(from.ID, u.ID); got != want {
				t.Errorf("%s: the cloud delivers = %v, want %v", what, got, want)
			}
		}
		wantWrite("anybody, to a user without a list", stranger, true)
		must(t, "Allow", a.Allow(within(t, limit), u.ID, friend.ID))
		wantWrite("who is allowed", friend, true)
		wantWrite("who is not", stranger, false)
		must(t, "Disallow", a.Disallow(within(t, limit), u.ID, friend.ID))
		wantWrite("who is allowed no more", friend, false)
		must(t, "Allow of nobody", a.Allow(within(t, limit), stranger.ID))
		if h.MayWrite(friend.ID, stranger.ID) {
			t.Error("an empty list: the cloud delivers, want nobody to be allowed")
		}
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
		_, err := a.Allowed(within(t, limit), u.ID)
		refused(t, h, "Allowed", err, im.Quota)
	}},
}
