package imtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"imbridge/tokens/im"
)

// faultCases: whatever the cloud does, a call ends as an *im.Error of a kind
// that fits, never with a token, and works again afterwards.
func faultCases() []testCase {
	broken := []im.Kind{im.Unknown, im.Unavailable}
	var cases []testCase
	for _, f := range []struct {
		fault Fault
		kinds []im.Kind
	}{
		{ResetBefore, broken},
		{ResetAfter, broken},
		{Status500, broken},
		{Status503, []im.Kind{im.Unavailable}},
		{HTML, []im.Kind{im.Unknown}},
		{Empty, []im.Kind{im.Unknown}},
		{Truncated, []im.Kind{im.Unknown}},
		{WrongType, []im.Kind{im.Unknown}},
		{Binary, []im.Kind{im.Unknown}},
		{Huge, []im.Kind{im.Unknown}},
		{Throttled, []im.Kind{im.Throttled}},
	} {
		cases = append(cases,
			testCase{name: "Fault/" + string(f.fault) + "/no token, and one afterwards", run: func(t *testing.T, h Harness) {
				u := newUser()
				if !h.Break(f.fault) {
					t.Log("the emulator cannot do this: left out")
					return
				}
				tok, err := minter(t, h).Mint(within(t, limit), u, 0)
				e := refused(t, h, "Mint", err, f.kinds...)
				if tok != (im.Token{}) {
					t.Error("Mint returned a token beside its error")
				}
				if f.fault == Throttled && e.RetryAfter <= 0 {
					t.Errorf("RetryAfter = %v, want more than 0", e.RetryAfter)
				}
				if !im.Temporary(err) {
					t.Errorf("Temporary(%v) = false, want true", err)
				}
				h.Heal()
				accepted(t, h, true, "after the fault", mint(t, h, u, 0))
			}},
			testCase{name: "Fault/" + string(f.fault) + "/no call of any role seems to work", run: func(t *testing.T, h Harness) {
				u := newUser()
				mint(t, h, u, 0)
				for _, c := range everyCall(h, u) {
					if !h.Break(f.fault) {
						t.Log("the emulator cannot do this: left out")
						return
					}
					refused(t, h, c.name, c.call(within(t, limit)), f.kinds...)
					h.Heal()
					for range 3 { // failures alone would open the breaker
						mint(t, h, newUser(), 0)
					}
				}
			}},
		)
	}
	return append(cases, testCase{name: "Fault/slow/the caller's deadline wins", run: func(t *testing.T, h Harness) {
		u := newUser()
		if !h.Break(Slow) {
			t.Log("the emulator cannot do this: left out")
			return
		}
		start := time.Now()
		tok, err := minter(t, h).Mint(within(t, 200*time.Millisecond), u, 0)
		refused(t, h, "Mint", err, broken...)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Mint = %v, want context.DeadlineExceeded in its chain", err)
		}
		if tok != (im.Token{}) {
			t.Error("Mint returned a token beside its error")
		}
		// The fault lasts 5 s: returning well before shows that it was not waited for.
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("Mint with a deadline of 200 ms took %v", took)
		}
		h.Heal()
		accepted(t, h, true, "after the fault", mint(t, h, u, 0))
	}})
}

type namedCall struct {
	name string
	call func(ctx context.Context) error
}

// everyCall is one call of each method of each role that the client has.
func everyCall(h Harness, u im.User) []namedCall {
	var all []namedCall
	add := func(name string, call func(ctx context.Context) error) { all = append(all, namedCall{name, call}) }
	if r, ok := h.Client.(im.Revoker); ok {
		add("RevokeBefore", func(ctx context.Context) error { _, err := r.RevokeBefore(ctx, u.ID, h.Now()); return err })
	}
	if r, ok := h.Client.(im.Kicker); ok {
		add("Kick", func(ctx context.Context) error { return r.Kick(ctx, u.ID) })
	}
	if r, ok := h.Client.(im.Banner); ok {
		add("Ban", func(ctx context.Context) error { return r.Ban(ctx, u.ID, time.Hour) })
		add("Unban", func(ctx context.Context) error { return r.Unban(ctx, u.ID) })
		add("Banned", func(ctx context.Context) error { _, err := r.Banned(ctx); return err })
	}
	if r, ok := h.Client.(im.Profiler); ok {
		add("PutProfile", func(ctx context.Context) error { return r.PutProfile(ctx, u) })
		add("Profile", func(ctx context.Context) error { _, err := r.Profile(ctx, u.ID); return err })
	}
	if r, ok := h.Client.(im.Lister); ok {
		add("Users", func(ctx context.Context) error { _, err := r.Users(ctx, ""); return err })
	}
	if r, ok := h.Client.(im.Blocker); ok {
		add("Block", func(ctx context.Context) error { return r.Block(ctx, u.ID, "a1") })
		add("Unblock", func(ctx context.Context) error { return r.Unblock(ctx, u.ID, "a1") })
		add("Blocked", func(ctx context.Context) error { _, err := r.Blocked(ctx, u.ID); return err })
	}
	if r, ok := h.Client.(im.Friender); ok {
		add("Befriend", func(ctx context.Context) error { return r.Befriend(ctx, u.ID, "a1") })
		add("Unfriend", func(ctx context.Context) error { return r.Unfriend(ctx, u.ID, "a1") })
		add("Friends", func(ctx context.Context) error { _, err := r.Friends(ctx, u.ID, ""); return err })
	}
	if r, ok := h.Client.(im.Remarker); ok {
		add("Remark", func(ctx context.Context) error { return r.Remark(ctx, u.ID, "a1", "r") })
	}
	if r, ok := h.Client.(im.Allower); ok {
		add("Allow", func(ctx context.Context) error { return r.Allow(ctx, u.ID, "a1") })
		add("Disallow", func(ctx context.Context) error { return r.Disallow(ctx, u.ID, "a1") })
		add("Restrict", func(ctx context.Context) error { return r.Restrict(ctx, u.ID, true) })
		add("Allowed", func(ctx context.Context) error { _, err := r.Allowed(ctx, u.ID); return err })
	}
	if r, ok := h.Client.(im.PasswordSetter); ok {
		add("SetPassword", func(ctx context.Context) error { return r.SetPassword(ctx, u.ID, "Pass-word1") })
	}
	if r, ok := h.Client.(im.Remover); ok {
		add("Remove", func(ctx context.Context) error { return r.Remove(ctx, u.ID) })
	}
	if r, ok := h.Client.(im.Watcher); ok {
		add("Online", func(ctx context.Context) error { _, err := r.Online(ctx, u.ID); return err })
	}
	if r, ok := h.Client.(im.Checker); ok {
		add("Check", r.Check)
	}
	return all
}
