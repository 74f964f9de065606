package imtest

import (
	"maps"
	"strings"
	"testing"

	"imbridge/tokens/im"
)

// friendsOf reads all pages and fails where somebody is on two of them.
func friendsOf(t *testing.T, f im.Friender, owner string) map[string]string {
	t.Helper()
	remarks := map[string]string{}
	for pages, page := 0, ""; ; pages++ {
		if pages > 1000 {
			t.Fatal("no end after 1000 pages")
		}
		got, err := f.Friends(within(t, limit), owner, page)
		must(t, "Friends", err)
		for _, friend := range got.Friends {
			if _, twice := remarks[friend.UserID]; twice {
				t.Errorf("%q is listed twice", friend.UserID)
			}
			remarks[friend.UserID] = friend.Remark
		}
		if page = got.Next; page == "" {
			return remarks
		}
	}
}

// wantFriends compares friends and what the owner calls them.
func wantFriends(t *testing.T, f im.Friender, owner string, want map[string]string) {
	t.Helper()
	if got := friendsOf(t, f, owner); !maps.Equal(got, want) {
		t.Errorf("Friends(%q) has %d, want %d: %.200q, want %.200q", owner, len(got), len(want), got, want)
	}
}

// known mints some whom the cloud then knows.
func known(t *testing.T, h Harness, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		u := newUser()
		mint(t, h, u, 0)
		ids[i] = u.ID
	}
	return ids
}

var friendCases = []testCase{
	{name: "Befriend/goes both ways, and is safe to repeat", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		if !ok {
			return
		}
		p := known(t, h, 3)
		a, b, other := p[0], p[1], p[2]
		for range 2 {
			must(t, "Befriend", f.Befriend(within(t, limit), a, b))
			wantFriends(t, f, a, map[string]string{b: ""})
			wantFriends(t, f, b, map[string]string{a: ""})
		}
		must(t, "Befriend the other way round", f.Befriend(within(t, limit), b, a))
		wantFriends(t, f, a, map[string]string{b: ""})
		wantFriends(t, f, other, map[string]string{})
	}},
	{name: "Befriend/of a missing user is UnknownUser", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		if !ok {
			return
		}
		a := known(t, h, 1)[0]
		refused(t, h, "Befriend of nobody", f.Befriend(within(t, limit), a, newUser().ID), im.UnknownUser)
		refused(t, h, "Befriend by nobody", f.Befriend(within(t, limit), newUser().ID, a), im.UnknownUser)
		wantFriends(t, f, a, map[string]string{})
	}},
	{name: "Unfriend/ends it for both, and is safe to repeat", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		if !ok {
			return
		}
		p := known(t, h, 3)
		a, b, other := p[0], p[1], p[2]
		must(t, "Befriend", f.Befriend(within(t, limit), a, b))
		must(t, "Befriend", f.Befriend(within(t, limit), a, other))
		for range 2 {
			must(t, "Unfriend", f.Unfriend(within(t, limit), b, a))
			wantFriends(t, f, a, map[string]string{other: ""})
			wantFriends(t, f, b, map[string]string{})
		}
		must(t, "Unfriend of strangers", f.Unfriend(within(t, limit), b, other))
	}},
	{name: "Friends/lists more than one page", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		if !ok || h.FriendsPage == 0 {
			return
		}
		p := known(t, h, h.FriendsPage+2)
		want := map[string]string{}
		for _, b := range p[1:] {
			must(t, "Befriend", f.Befriend(within(t, limit), p[0], b))
			want[b] = ""
		}
		wantFriends(t, f, p[0], want)
	}},
	{name: "Friends/of a missing user is UnknownUser", run: func(t *testing.T, h Harness) {
		if f, ok := role[im.Friender](t, h); ok {
			_, err := f.Friends(within(t, limit), newUser().ID, "")
			refused(t, h, "Friends of nobody", err, im.UnknownUser)
		}
	}},
	{name: "Befriend/past what the plan allows is Quota", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		if !ok || h.FillFriends == nil {
			return
		}
		p := known(t, h, 2)
		h.FillFriends(p[0])
		refused(t, h, "Befriend by somebody without room", f.Befriend(within(t, limit), p[0], p[1]), im.Quota)
		refused(t, h, "Befriend of somebody without room", f.Befriend(within(t, limit), p[1], p[0]), im.Quota)
		wantFriends(t, f, p[1], map[string]string{})
	}},
	{name: "Block/a blocked friend stays a friend", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		b, able := h.Client.(im.Blocker)
		if !ok || !able {
			return
		}
		p := known(t, h, 2)
		must(t, "Befriend", f.Befriend(within(t, limit), p[0], p[1]))
		must(t, "Block", b.Block(within(t, limit), p[0], p[1]))
		wantFriends(t, f, p[0], map[string]string{p[1]: ""})
		wantFriends(t, f, p[1], map[string]string{p[0]: ""})
		must(t, "Befriend again", f.Befriend(within(t, limit), p[0], p[1]))
		if got, err := b.Blocked(within(t, limit), p[0]); err != nil || len(got) != 1 || got[0] != p[1] {
			t.Errorf("Blocked after another Befriend = %q, %v; want the friend: they are blocked as before", got, err)
		}
		must(t, "Unblock", b.Unblock(within(t, limit), p[0], p[1]))
		wantFriends(t, f, p[0], map[string]string{p[1]: ""})
	}},
	{name: "Remark/is the owner's alone, and is safe to repeat", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		r, able := h.Client.(im.Remarker)
		if !ok || !able {
			return
		}
		p := known(t, h, 2)
		a, b := p[0], p[1]
		must(t, "Befriend", f.Befriend(within(t, limit), a, b))
		for _, remark := range []string{"Aunt & co", "Aunt & co", strings.Repeat("名", 100), "another", ""} {
			must(t, "Remark", r.Remark(within(t, limit), a, b, remark))
			wantFriends(t, f, a, map[string]string{b: remark})
		}
		must(t, "Remark", r.Remark(within(t, limit), a, b, "again"))
		wantFriends(t, f, b, map[string]string{a: ""})
		must(t, "Unfriend", f.Unfriend(within(t, limit), a, b))
		must(t, "Befriend", f.Befriend(within(t, limit), a, b))
		wantFriends(t, f, a, map[string]string{b: ""})
	}},
	{name: "Remark/of somebody who is no friend is UnknownUser", run: func(t *testing.T, h Harness) {
		r, ok := role[im.Remarker](t, h)
		if !ok {
			return
		}
		p := known(t, h, 2)
		refused(t, h, "Remark of a stranger", r.Remark(within(t, limit), p[0], p[1], "x"), im.UnknownUser)
		refused(t, h, "Remark of nobody", r.Remark(within(t, limit), p[0], newUser().ID, "x"), im.UnknownUser)
	}},
	{name: "Remark/past 100 characters is Invalid", run: func(t *testing.T, h Harness) {
		f, ok := role[im.Friender](t, h)
		r, able := h.Client.(im.Remarker)
		if !ok || !able {
			return
		}
		p := known(t, h, 2)
		must(t, "Befriend", f.Befriend(within(t, limit), p[0], p[1]))
		refused(t, h, "Remark of 101 characters", r.Remark(within(t, limit), p[0], p[1], strings.Repeat("x", 101)), im.Invalid)
	}},
}

var removeCases = []testCase{
	{name: "Remove/ends every token, and is safe to repeat", run: func(t *testing.T, h Harness) {
		r, ok := role[im.Remover](t, h)
		if !ok {
			return
		}
		u, other := newUser(), newUser()
		tok, theirs := mint(t, h, u, 0), mint(t, h, other, 0)
		must(t, "Remove", r.Remove(within(t, limit), u.ID))
		h.Advance(aDay) // some clouds take their time
		accepted(t, h, false, "of somebody who was removed", tok)
		accepted(t, h, true, "of somebody else", theirs)
		if err := r.Remove(within(t, limit), u.ID); err != nil {
			refused(t, h, "Remove again", err, im.UnknownUser)
		}
	}},
}
