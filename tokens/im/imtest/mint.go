package imtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"imbridge/tokens/im"
)

var cloudCases = []testCase{
	{name: "Cloud/names itself and its app", run: func(t *testing.T, h Harness) {
		if h.Client.Name() == "" || h.Client.AppKey() == "" {
			t.Errorf("Name() = %q, AppKey() = %q, want both", h.Client.Name(), h.Client.AppKey())
		}
	}},
	{name: "Cloud/hands out endpoints that nobody else can change", run: func(t *testing.T, h Harness) {
		got := h.Client.Endpoints().Navigators
		if len(got) == 0 {
			t.Log("no navigators: left out")
			return
		}
		want := got[0]
		got[0] = "changed"
		if again := h.Client.Endpoints().Navigators[0]; again != want {
			t.Errorf("the first navigator is %q after a caller wrote to its copy, want %q", again, want)
		}
	}},
}

const aDay = 24 * time.Hour

var mintCases = []testCase{
	{name: "Mint/registers a missing user and returns a token that works", run: func(t *testing.T, h Harness) {
		accepted(t, h, true, "after Mint", mint(t, h, newUser(), 0))
	}},
	{name: "Mint/is safe to repeat: both tokens work", run: func(t *testing.T, h Harness) {
		u := newUser()
		first, second := mint(t, h, u, 0), mint(t, h, u, 0)
		accepted(t, h, true, "after a second Mint", first, second)
	}},
	{name: "Mint/works for many at once", run: func(t *testing.T, h Harness) {
		u := newUser()
		m, ctx := minter(t, h), within(t, limit)
		toks, errs := make([]im.Token, 16), make([]error, 16)
		var all sync.WaitGroup
		for i := range toks {
			all.Go(func() { toks[i], errs[i] = m.Mint(ctx, u, 0) })
		}
		all.Wait()
		must(t, "Mint by 16 at once", errors.Join(errs...))
		accepted(t, h, true, "minted by 16 at once", toks...)
	}},
	{name: "Mint/sets name and avatar, also of a known user", run: func(t *testing.T, h Harness) {
		p, ok := role[im.Profiler](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		wantProfile(t, p, u)
		u.Name, u.AvatarURL = "Another name 名字", "https://example.com/another.png"
		mint(t, h, u, 0)
		wantProfile(t, p, u)
	}},
	{name: "Mint/makes somebody anew whom the cloud has lost", run: func(t *testing.T, h Harness) {
		u := newUser()
		mint(t, h, u, 0)
		h.Lose()
		h.Advance(2 * time.Minute) // for one minute a client may trust what it has seen
		accepted(t, h, true, "of somebody whom the cloud had lost", mint(t, h, u, 0))
		if p, ok := h.Client.(im.Profiler); ok {
			wantProfile(t, p, u)
		}
		if f, ok := h.Client.(im.Friender); ok {
			must(t, "Befriend", f.Befriend(within(t, limit), u.ID, known(t, h, 1)[0]))
		}
	}},
	{name: "Mint/an odd name costs nobody a token", run: func(t *testing.T, h Harness) {
		for _, name := range []string{
			"", " ", strings.Repeat("x", 65), strings.Repeat("名", 200), strings.Repeat("👩‍👩‍👧", 60),
			strings.Repeat("e\u0301", 100), "tab\tand\nnew line", "bad \xff bytes", "\u202eright to left", "a&name=b", strings.Repeat("y", 10_000),
		} {
			u := newUser()
			u.Name = name
			accepted(t, h, true, "with an odd name", mint(t, h, u, 0))
			p, ok := h.Client.(im.Profiler)
			if !ok {
				continue
			}
			got, err := p.Profile(within(t, limit), u.ID)
			must(t, "Profile", err)
			if n := utf8.RuneCountInString(got.Name); n < 1 || n > 64 || !utf8.ValidString(got.Name) {
				t.Errorf("the name %.20q… became %q: %d characters, want 1 to 64 valid ones", name, got.Name, n)
			}
		}
	}},
	{name: "Mint/a long name keeps its beginning", run: func(t *testing.T, h Harness) {
		p, ok := role[im.Profiler](t, h)
		if !ok {
			return
		}
		u := newUser()
		u.Name = strings.Repeat("名字", 100)
		mint(t, h, u, 0)
		u.Name = strings.Repeat("名字", 32)
		wantProfile(t, p, u)
	}},
	{name: "Mint/an avatar that the cloud would refuse is left out", run: func(t *testing.T, h Harness) {
		for _, avatar := range []string{"", "https://example.com/" + strings.Repeat("a", 2000), "https://example.com/\x00\n", "\xff"} {
			u := newUser()
			u.AvatarURL = avatar
			accepted(t, h, true, "with an odd avatar", mint(t, h, u, 0))
		}
	}},
	{name: "Mint/a bad user id is Invalid", run: func(t *testing.T, h Harness) {
		for _, id := range []string{"", strings.Repeat("a", 65), "with space", "non-ascii-é", "new\nline", "a/b?c"} {
			tok, err := minter(t, h).Mint(within(t, limit), im.User{ID: id, Name: "n"}, 0)
			refused(t, h, "Mint of a bad id", err, im.Invalid)
			if tok != (im.Token{}) {
				t.Errorf("Mint(%q) returned a token beside its error", id)
			}
		}
	}},
	{name: "Mint/ids that differ are different people", run: func(t *testing.T, h Harness) {
		u := newUser()
		mint(t, h, u, 0)
		big := u
		big.ID, big.Name = strings.ToUpper(u.ID), "Somebody else"
		_, err := minter(t, h).Mint(within(t, limit), big, 0)
		if err != nil {
			// A cloud that takes the two for one must not be asked.
			refused(t, h, "Mint of an id in capitals", err, im.Invalid)
		}
		if p, ok := h.Client.(im.Profiler); ok {
			wantProfile(t, p, u)
		}
	}},
	{name: "Mint/each call has its own lifetime", run: func(t *testing.T, h Harness) {
		if !h.LifetimeByCall {
			return
		}
		u := newUser()
		short, long, forever := mint(t, h, u, time.Hour), mint(t, h, u, aDay), mint(t, h, u, 0)
		if got := short.ExpiresAt.Sub(h.Now()); got > time.Hour || got < 50*time.Minute {
			t.Errorf("a token of an hour ends in %v, want about an hour", got)
		}
		h.Advance(time.Hour + time.Minute)
		accepted(t, h, false, "of an hour, after it", short)
		accepted(t, h, true, "that lives longer", long, forever)
	}},
	{name: "Mint/a token without an end tells none", run: func(t *testing.T, h Harness) {
		tok := mint(t, h, newUser(), 0)
		if h.NeverPermanent {
			if left := tok.ExpiresAt.Sub(h.Now()); left < 30*aDay {
				t.Errorf("a permanent token ends in %v, want at least 30 days", left)
			}
			return
		}
		if !tok.ExpiresAt.IsZero() {
			t.Errorf("ExpiresAt = %v, want zero for a permanent token", tok.ExpiresAt)
		}
		h.Advance(365 * aDay)
		accepted(t, h, true, "after a year", tok)
	}},
	{name: "Mint/the end that it tells is the end that the cloud keeps", lifetime: 7 * aDay, run: func(t *testing.T, h Harness) {
		before := h.Now()
		tok := mint(t, h, newUser(), 7*aDay)
		latest := h.Now().Add(7 * aDay)
		if tok.ExpiresAt.IsZero() {
			t.Log("the cloud tells no end: left out")
			return
		}
		if earliest := before.Add(7*aDay - time.Minute); tok.ExpiresAt.Before(earliest) || tok.ExpiresAt.After(latest) {
			t.Errorf("ExpiresAt = %v, want %v to %v", tok.ExpiresAt, earliest, latest)
		}
		h.Advance(tok.ExpiresAt.Sub(h.Now()) - time.Minute)
		accepted(t, h, true, "a minute before its end", tok)
		h.Advance(2 * time.Minute)
		accepted(t, h, false, "a minute after its end", tok)
		accepted(t, h, true, "minted after the end", mint(t, h, im.User{ID: "again", Name: "n"}, 7*aDay))
	}},
	{name: "Mint/for a caller who has gone does nothing", run: func(t *testing.T, h Harness) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		tok, err := minter(t, h).Mint(ctx, newUser(), 0)
		refused(t, h, "Mint with an ended context", err, im.Unavailable)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Mint with an ended context = %v, want context.Canceled in its chain", err)
		}
		if tok != (im.Token{}) {
			t.Error("Mint returned a token beside its error")
		}
	}},
}
