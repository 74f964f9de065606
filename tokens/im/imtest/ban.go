package imtest

import (
	"slices"
	"testing"
	"time"

	"imbridge/tokens/im"
)

// banned tells whether a user is in the list of bans, and until when.
func banned(t *testing.T, b im.Banner, id string) (until time.Time, listed bool) {
	t.Helper()
	list, err := b.Banned(within(t, limit))
	must(t, "Banned", err)
	if i := slices.IndexFunc(list, func(b im.Ban) bool { return b.UserID == id }); i >= 0 {
		return list[i].Until, true
	}
	return time.Time{}, false
}

// wantUntil allows for clouds that tell whole seconds, and for bans without end.
func wantUntil(t *testing.T, h Harness, b im.Banner, id string, want time.Time) {
	t.Helper()
	got, listed := banned(t, b, id)
	switch {
	case !listed:
		t.Error("not listed as banned, want to be")
	case h.EndlessBans && !got.IsZero():
		t.Errorf("banned until %v, want no end", got)
	case !h.EndlessBans && got.Sub(want).Abs() > 5*time.Second:
		t.Errorf("banned until %v, want %v", got, want)
	}
}

var banCases = []testCase{
	{name: "Ban/keeps the user out until Unban", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Banner](t, h)
		if !ok {
			return
		}
		u, other := newUser(), newUser()
		tok, theirs := mint(t, h, u, 0), mint(t, h, other, 0)
		must(t, "Ban", b.Ban(within(t, limit), u.ID, time.Hour))
		accepted(t, h, false, "of a banned user", tok)
		accepted(t, h, true, "of somebody else", theirs)
		wantUntil(t, h, b, u.ID, h.Now().Add(time.Hour))
		must(t, "Unban", b.Unban(within(t, limit), u.ID))
		accepted(t, h, true, "after Unban", tok)
		if until, listed := banned(t, b, u.ID); listed {
			t.Errorf("listed until %v after Unban, want not listed", until)
		}
	}},
	{name: "Ban/ends by itself, or never", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Banner](t, h)
		if !ok {
			return
		}
		u := newUser()
		tok := mint(t, h, u, 0)
		must(t, "Ban", b.Ban(within(t, limit), u.ID, time.Hour))
		h.Advance(time.Hour + time.Minute)
		accepted(t, h, !h.EndlessBans, "after the time of the ban", tok)
	}},
	{name: "Ban/again moves the end", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Banner](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		for _, d := range []time.Duration{time.Hour, 3 * time.Hour, 2 * time.Hour} {
			must(t, "Ban", b.Ban(within(t, limit), u.ID, d))
			wantUntil(t, h, b, u.ID, h.Now().Add(d))
		}
	}},
	{name: "Ban/is rounded up to minutes and capped", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Banner](t, h)
		if !ok || h.EndlessBans {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		must(t, "Ban for 61 s", b.Ban(within(t, limit), u.ID, 61*time.Second))
		wantUntil(t, h, b, u.ID, h.Now().Add(2*time.Minute))
		must(t, "Ban for 1 ms", b.Ban(within(t, limit), u.ID, time.Millisecond))
		wantUntil(t, h, b, u.ID, h.Now().Add(time.Minute))
		must(t, "Ban for a century", b.Ban(within(t, limit), u.ID, 100*365*aDay))
		if got, _ := banned(t, b, u.ID); got.Before(h.Now().Add(7 * aDay)) {
			t.Errorf("a ban for a century ends %v, want at least %v", got, h.Now().Add(7*aDay))
		}
	}},
	{name: "Ban/of a missing user is UnknownUser", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Banner](t, h)
		if !ok {
			return
		}
		refused(t, h, "Ban of nobody", b.Ban(within(t, limit), newUser().ID, time.Hour), im.UnknownUser)
	}},
	{name: "Banned/lists more than one page", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Banner](t, h)
		if !ok || h.BanCrowd == nil {
			return
		}
		want := h.BanCrowd()
		list, err := b.Banned(within(t, limit))
		must(t, "Banned", err)
		got := make([]string, len(list))
		for i, ban := range list {
			got[i] = ban.UserID
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("Banned has %d people, want %d, each once", len(got), len(want))
		}
	}},
	{name: "Unban/is safe to repeat", run: func(t *testing.T, h Harness) {
		b, ok := role[im.Banner](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		must(t, "Unban of a user who is not banned", b.Unban(within(t, limit), u.ID))
		must(t, "Unban again", b.Unban(within(t, limit), u.ID))
	}},
}

var kickCases = []testCase{
	{name: "Kick/nobody connected is no error, and tokens still work", run: func(t *testing.T, h Harness) {
		k, ok := role[im.Kicker](t, h)
		if !ok {
			return
		}
		u := newUser()
		tok := mint(t, h, u, 0)
		for range 2 {
			must(t, "Kick", k.Kick(within(t, limit), u.ID))
		}
		accepted(t, h, true, "after Kick", tok)
	}},
}

var watchCases = []testCase{
	{name: "Online/is false for a user without a connection", run: func(t *testing.T, h Harness) {
		w, ok := role[im.Watcher](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		on, err := w.Online(within(t, limit), u.ID)
		must(t, "Online", err)
		if on {
			t.Error("Online = true, want false for a user who never connected")
		}
	}},
}

var checkCases = []testCase{
	{name: "Check/accepts good credentials", run: func(t *testing.T, h Harness) {
		if c, ok := role[im.Checker](t, h); ok {
			must(t, "Check", c.Check(within(t, limit)))
		}
	}},
	{name: "Check/a wrong secret is Unauthorized", run: func(t *testing.T, h Harness) {
		c, ok := role[im.Checker](t, h)
		if !ok {
			return
		}
		h.ChangeSecret()
		refused(t, h, "Check with a wrong secret", c.Check(within(t, limit)), im.Unauthorized)
	}},
	{name: "Check/an outage is not Unauthorized", run: func(t *testing.T, h Harness) {
		c, ok := role[im.Checker](t, h)
		if !ok || !h.Break(ResetBefore) {
			return
		}
		refused(t, h, "Check in an outage", c.Check(within(t, limit)), im.Unavailable, im.Unknown)
	}},
}
