package imtest

import (
	"testing"
	"time"

	"imbridge/tokens/im"
)

// revoke is RevokeBefore that must work and tell no end before t.
func revoke(t *testing.T, h Harness, r im.Revoker, id string, before time.Time) (ended time.Time) {
	t.Helper()
	ended, err := r.RevokeBefore(within(t, limit), id, before)
	must(t, "RevokeBefore", err)
	if ended.Before(before) {
		t.Errorf("RevokeBefore(%v) tells %v, want nothing before what it was asked for", before, ended)
	}
	return ended
}

var revokeCases = []testCase{
	{name: "RevokeBefore/ends earlier tokens and no later one", run: func(t *testing.T, h Harness) {
		r, ok := role[im.Revoker](t, h)
		if !ok {
			return
		}
		u, other := newUser(), newUser()
		old, older, theirs := mint(t, h, u, 0), mint(t, h, u, 0), mint(t, h, other, 0)
		h.Advance(10 * time.Millisecond)
		at := h.Now()
		h.Advance(10 * time.Millisecond)
		asked := h.Now()
		between := mint(t, h, u, 0)
		h.Advance(10 * time.Millisecond)
		ended := revoke(t, h, r, u.ID, at)
		if latest := h.Now().Add(5 * time.Millisecond); ended.After(latest) {
			t.Errorf("RevokeBefore tells %v, want nothing that is still to come", ended)
		}
		h.Advance(10 * time.Millisecond)
		after := mint(t, h, u, 0)
		accepted(t, h, false, "minted before", old, older)
		accepted(t, h, !asked.Before(ended), "minted after the time, before the call", between)
		accepted(t, h, true, "minted after the call", after)
		accepted(t, h, true, "of somebody else", theirs)
	}},
	{name: "RevokeBefore/is safe to repeat, and an older time brings nothing back", run: func(t *testing.T, h Harness) {
		r, ok := role[im.Revoker](t, h)
		if !ok {
			return
		}
		u := newUser()
		old := mint(t, h, u, 0)
		h.Advance(time.Second)
		at := h.Now()
		for _, before := range []time.Time{at, at, at.Add(-time.Hour)} {
			revoke(t, h, r, u.ID, before)
			accepted(t, h, false, "after each RevokeBefore", old)
		}
	}},
	{name: "RevokeBefore/a user without tokens is no error", run: func(t *testing.T, h Harness) {
		r, ok := role[im.Revoker](t, h)
		if !ok {
			return
		}
		revoke(t, h, r, newUser().ID, h.Now())
	}},
}

var passwordCases = []testCase{
	{name: "SetPassword/ends every token, and is safe to repeat", run: func(t *testing.T, h Harness) {
		p, ok := role[im.PasswordSetter](t, h)
		if !ok {
			return
		}
		u, other := newUser(), newUser()
		old, theirs := mint(t, h, u, 0), mint(t, h, other, 0)
		h.Advance(10 * time.Millisecond)
		for range 2 {
			must(t, "SetPassword", p.SetPassword(within(t, limit), u.ID, "Pass-word1"))
			accepted(t, h, false, "after SetPassword", old)
		}
		h.Advance(10 * time.Millisecond)
		accepted(t, h, true, "minted after SetPassword", mint(t, h, u, 0))
		accepted(t, h, true, "of somebody else", theirs)
		if h.LogsIn == nil {
			return
		}
		for password, want := range map[string]bool{"Pass-word1": true, "Pass-word2": false} {
			if got := h.LogsIn(u.ID, password); got != want {
				t.Errorf("log in with %q = %v, want %v", password, got, want)
			}
		}
	}},
	{name: "SetPassword/of a missing user is UnknownUser", run: func(t *testing.T, h Harness) {
		if p, ok := role[im.PasswordSetter](t, h); ok {
			refused(t, h, "SetPassword of nobody", p.SetPassword(within(t, limit), newUser().ID, "Pass-word1"), im.UnknownUser)
		}
	}},
	{name: "SetPassword/one that the cloud would refuse is Invalid", run: func(t *testing.T, h Harness) {
		p, ok := role[im.PasswordSetter](t, h)
		if !ok {
			return
		}
		u := newUser()
		mint(t, h, u, 0)
		for _, password := range []string{"", "pässword", "new\nline", string(make([]byte, 1000))} {
			refused(t, h, "SetPassword", p.SetPassword(within(t, limit), u.ID, password), im.Invalid)
		}
	}},
}
