package imtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"imbridge/tokens/im"
)

func wantProfile(t *testing.T, p im.Profiler, want im.User) {
	t.Helper()
	got, err := p.Profile(within(t, limit), want.ID)
	must(t, "Profile", err)
	if got != want {
		t.Errorf("Profile(%q) = %+v, want %+v", want.ID, got, want)
	}
}

var profileCases = []testCase{
	{name: "PutProfile/is read back, and safe to repeat", run: func(t *testing.T, h Harness) {
		p, ok := role[im.Profiler](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		u.Name, u.AvatarURL = "新名字 & co", "https://example.com/?a=b&c=d"
		for range 2 {
			must(t, "PutProfile", p.PutProfile(within(t, limit), u))
			wantProfile(t, p, u)
		}
		u.AvatarURL = ""
		must(t, "PutProfile without an avatar", p.PutProfile(within(t, limit), u))
		wantProfile(t, p, u)
	}},
	{name: "PutProfile/shortens a long name", run: func(t *testing.T, h Harness) {
		p, ok := role[im.Profiler](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		u.Name = strings.Repeat("字", 500)
		must(t, "PutProfile", p.PutProfile(within(t, limit), u))
		got, err := p.Profile(within(t, limit), u.ID)
		must(t, "Profile", err)
		if n := utf8.RuneCountInString(got.Name); n < 1 || n > 64 {
			t.Errorf("a name of 500 characters became one of %d, want 1 to 64", n)
		}
	}},
	{name: "Shape/is what Profile reads back", run: func(t *testing.T, h Harness) {
		p, ok := role[im.Profiler](t, h)
		s, able := h.Client.(im.Shaper)
		if !ok || !able {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		for _, name := range []string{"plain", " spaces ", "a\tb\x00c", strings.Repeat("字", 500), strings.Repeat("😀", 63), "bad \xff bytes", "   ", "\u3000", ""} {
			for _, avatar := range []string{"https://example.com/a.png", "", "https://example.com/b.png", "https://example.com/" + strings.Repeat("a", 2000),
				"https://example.com/c.png", "https://example.com/a b.png"} {
				u.Name, u.AvatarURL = name, avatar
				must(t, "PutProfile", p.PutProfile(within(t, limit), u))
				wantProfile(t, p, s.Shape(u))
			}
		}
	}},
	{name: "PutProfile/of a missing user is UnknownUser", run: func(t *testing.T, h Harness) {
		if p, ok := role[im.Profiler](t, h); ok {
			refused(t, h, "PutProfile of nobody", p.PutProfile(within(t, limit), newUser()), im.UnknownUser)
		}
	}},
	{name: "Profile/of a missing user is UnknownUser", run: func(t *testing.T, h Harness) {
		p, ok := role[im.Profiler](t, h)
		if !ok {
			return
		}
		_, err := p.Profile(within(t, limit), newUser().ID)
		refused(t, h, "Profile of nobody", err, im.UnknownUser)
	}},
}

// wantBlocked compares without order.
func wantBlocked(t *testing.T, b im.Blocker, owner string, want ...string) {
	t.Helper()
	got, err := b.Blocked(within(t, limit), owner)
	must(t, "Blocked", err)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("Blocked(%q) has %d ids, want %d: %.100q, want %.100q", owner, len(got), len(want), got, want)
	}
}

// people are some to block, whom the cloud knows where it must.
func people(t *testing.T, h Harness, n int) []string {
	t.Helper()
	if h.KnownOnly {
		return known(t, h, n)
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("blocked%05d", i)
	}
	return ids
}

var blockCases = []testCase{
	{name: "Block/is read back, and safe to repeat", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Blocker](t, h)
		if !ok {
			return
		}
		u, other := newUser(), newUser()
		mint(t, h, u, 0)
		mint(t, h, other, 0)
		two := people(t, h, 2)
		for range 2 {
			must(t, "Block", b.Block(within(t, limit), u.ID, two...))
			wantBlocked(t, b, u.ID, two...)
		}
		wantBlocked(t, b, other.ID)
		for range 2 {
			must(t, "Unblock", b.Unblock(within(t, limit), u.ID, two[0]))
			wantBlocked(t, b, u.ID, two[1])
		}
	}},
	{name: "Block/nobody changes nothing", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Blocker](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		must(t, "Block of nobody", b.Block(within(t, limit), u.ID))
		must(t, "Unblock of nobody", b.Unblock(within(t, limit), u.ID))
		wantBlocked(t, b, u.ID)
	}},
	{name: "Block/takes more than one call's worth", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Blocker](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		all := people(t, h, 45)
		must(t, "Block of 45", b.Block(within(t, limit), u.ID, all...))
		wantBlocked(t, b, u.ID, all...)
		must(t, "Unblock of 41", b.Unblock(within(t, limit), u.ID, all[:41]...))
		wantBlocked(t, b, u.ID, all[41:]...)
	}},
	{name: "Blocked/lists more than one page", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Blocker](t, h)
		if !ok || h.Pages == 0 {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		all := people(t, h, h.Pages+1)
		must(t, "Block", b.Block(within(t, limit), u.ID, all...))
		wantBlocked(t, b, u.ID, all...)
	}},
}
