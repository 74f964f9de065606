package tokens

import (
	"context"
	"errors"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/im/sandbox"
)

func TestFirstFetchMints(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		r.setLifetime(t, "", 24*time.Hour)
		p := r.person(t)
		c := r.fetch(t, p)
		u, err := r.store.User(t.Context(), p.id)
		if err != nil {
			t.Fatal(err)
		}
		now := r.Now()
		if c.Cloud != "rongcloud" || c.AppKey != testAppKey || c.IMUserID != u.IMID || len(c.Endpoints.Navigators) != 1 {
			t.Errorf("Token = %s %s %s %v, want rongcloud, the app key, the person's id there and where to connect", c.Cloud, c.AppKey, c.IMUserID, c.Endpoints)
		}
		if !c.IssuedAt.Equal(now) || !c.ExpiresAt.Equal(now.Add(24*time.Hour)) {
			t.Errorf("Token lives from %s to %s, want a day from %s", c.IssuedAt, c.ExpiresAt, now)
		}
		if before := c.ExpiresAt.Sub(c.RenewAfter); before < 24*time.Hour/10 || before > 24*time.Hour/5 {
			t.Errorf("RenewAfter is %s before the end, want a tenth to a fifth of a day", before)
		}
		r.cloud.wantState(t, c.Value, sandbox.StateValid)
		r.cloud.wantCalls(t, getToken, 1)
		if u.IMState != models.IMReady {
			t.Errorf("im_state after the first token = %s, want %s", u.IMState, models.IMReady)
		}
		if n := r.events.count(EventIssued); n != 1 {
			t.Errorf("%q was observed %d times, want once", EventIssued, n)
		}
	})
}

// TestFetchReuses: a stored token is handed out without the cloud and without a
// write. That it takes one query is TestFetchIsOneQuery.
func TestFetchReuses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		r.setLifetime(t, "", 24*time.Hour)
		p := r.person(t)
		first, before := r.fetch(t, p), r.stored(t, p.id)
		r.cloud.down(t)
		for range 10 {
			r.store.Clock.Advance(time.Hour)
			if c := r.fetch(t, p); c.Value != first.Value || !c.ExpiresAt.Equal(first.ExpiresAt) || !c.RenewAfter.Equal(first.RenewAfter) {
				t.Fatalf("Token = another one or another end, want the one stored")
			}
		}
		if after := r.stored(t, p.id); after != before {
			t.Errorf("row after ten fetches = %s, want %s as before", after, before)
		}
		r.cloud.wantCalls(t, getToken, 1)
		if n := r.events.count(EventReused); n != 10 {
			t.Errorf("%q was observed %d times, want 10", EventReused, n)
		}
	})
}

// TestTokenEnds at the earlier of the lifetime's end and the cloud's, to the
// microsecond, and gives way to a new one.
func TestTokenEnds(t *testing.T) {
	for _, c := range []struct {
		name                    string
		console, lifetime, want time.Duration
	}{
		{"by our lifetime", 0, 24 * time.Hour, 24 * time.Hour},
		{"by ours, the cloud's is longer", 48 * time.Hour, 24 * time.Hour, 24 * time.Hour},
		{"by the cloud's, ours is longer", time.Hour, 24 * time.Hour, time.Hour},
		{"by the cloud's alone", time.Hour, 0, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, modelstest.Open(t), consoleLifetime(c.console))
			r.setLifetime(t, "", c.lifetime)
			p := r.person(t)
			first := r.fetch(t, p)
			if got := first.ExpiresAt.Sub(first.IssuedAt); got != c.want {
				t.Fatalf("token lives %s, want %s", got, c.want)
			}
			r.store.Clock.Advance(c.want - time.Microsecond)
			if again := r.fetch(t, p); again.Value != first.Value {
				t.Error("a microsecond before its end the token was replaced, want it still")
			}
			r.cloud.wantState(t, first.Value, sandbox.StateValid)
			r.store.Clock.Advance(time.Microsecond)
			next := r.fetch(t, p)
			if next.Value == first.Value {
				t.Error("at its end the token was handed out, want a new one")
			}
			r.cloud.wantState(t, next.Value, sandbox.StateValid)
			if n := r.events.count(EventRenewed); n != 1 {
				t.Errorf("%q was observed %d times, want once", EventRenewed, n)
			}
		})
	}
	t.Run("never", func(t *testing.T) {
		r := newRig(t, modelstest.Open(t))
		p := r.person(t)
		first := r.fetch(t, p)
		r.store.Clock.Advance(29 * 24 * time.Hour)
		if again := r.fetch(t, p); again.Value != first.Value || !again.ExpiresAt.IsZero() || !again.RenewAfter.IsZero() {
			t.Error("a permanent token was replaced or has an end, want neither")
		}
	})
}

// TestLifetimeActsAtOnce on every stored token, and writes none of them.
func TestLifetimeActsAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		var people []person
		first, rows := map[string]string{}, map[string]string{}
		for range 5 {
			p := r.person(t)
			people = append(people, p)
			first[p.id], rows[p.id] = r.fetch(t, p).Value, r.stored(t, p.id)
		}
		issued := r.Now()
		r.store.Clock.Advance(36 * time.Hour)
		ends := func(p person) time.Duration {
			t.Helper()
			c := r.fetch(t, p)
			if c.Value != first[p.id] {
				t.Fatalf("%s has a new token, want the first one", p.id)
			}
			if c.ExpiresAt.IsZero() {
				return 0
			}
			return c.ExpiresAt.Sub(issued)
		}
		own := people[0]
		for _, step := range []struct {
			user            string
			lifetime        time.Duration
			wantOwn, wantTo time.Duration
		}{
			{"", 30 * 24 * time.Hour, 30 * 24 * time.Hour, 30 * 24 * time.Hour},
			{own.id, 7 * 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour},
			{"", 0, 7 * 24 * time.Hour, 0},
			{own.id, 0, 0, 0},
		} {
			r.setLifetime(t, step.user, step.lifetime)
			if got := ends(own); got != step.wantOwn {
				t.Errorf("after %v: the token of the one with a lifetime of their own lives %s, want %s", step, got, step.wantOwn)
			}
			if got := ends(people[1]); got != step.wantTo {
				t.Errorf("after %v: the others' tokens live %s, want %s", step, got, step.wantTo)
			}
		}
		r.setLifetime(t, "", 24*time.Hour)
		for _, p := range people {
			if got := r.stored(t, p.id); got != rows[p.id] {
				t.Errorf("row of %s after five changes = %s, want %s as at first", p.id, got, rows[p.id])
			}
		}
		if c := r.fetch(t, own); c.Value != first[own.id] {
			t.Error("the default ended the token of somebody with a lifetime of their own")
		}
		for _, p := range people[1:] {
			if c := r.fetch(t, p); c.Value == first[p.id] {
				t.Errorf("token of %s, 36 hours old, was handed out under a lifetime of a day", p.id)
			}
		}
		if err := r.store.DeleteLifetime(t.Context(), own.id, models.Match{}, "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		if c := r.fetch(t, own); c.Value == first[own.id] {
			t.Error("without the lifetime of their own the old token was handed out, want a new one")
		}
		r.cloud.wantCalls(t, getToken, 10)
	})
}

func TestNewSecretEndsTokens(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	p := r.person(t)
	first := r.fetch(t, p)
	r.rotateSecret(t)
	second := r.fetch(t, p)
	if second.Value == first.Value {
		t.Error("a token of the old secret was handed out, want a new one")
	}
	if again := r.fetch(t, p); again.Value != second.Value {
		t.Error("the token of the new secret was replaced, want it kept")
	}
	r.cloud.wantCalls(t, getToken, 2)
}

// TestMovedEpochEndsTokens: an epoch alone is enough, even with the token still
// in its row.
func TestMovedEpochEndsTokens(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	p := r.person(t)
	first := r.fetch(t, p)
	r.store.Exec(t, "UPDATE users SET token_epoch = token_epoch + 1 WHERE id = ?", p.id)
	second := r.fetch(t, p)
	if second.Value == first.Value {
		t.Error("a token of an old epoch was handed out, want a new one")
	}
	if again := r.fetch(t, p); again.Value != second.Value {
		t.Error("the token of the new epoch was replaced, want it kept")
	}
}

func TestCloudDown(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	r.setLifetime(t, "", 24*time.Hour)
	has, none := r.person(t), r.person(t)
	first := r.fetch(t, has)
	r.cloud.down(t)
	r.store.Clock.Advance(24*time.Hour - time.Second) // in the window
	if c := r.fetch(t, has); c.Value != first.Value {
		t.Error("with the cloud down the valid token was not served")
	}
	_, err := r.Token(t.Context(), none.id, none.session)
	wantCloudError(t, err, im.Unavailable)
	r.store.Clock.Advance(time.Second)
	_, err = r.Token(t.Context(), has.id, has.session)
	wantCloudError(t, err, im.Unavailable)
	if n := r.events.count(EventFailed); n != 2 {
		t.Errorf("%q was observed %d times, want 2", EventFailed, n)
	}
	r.cloud.turn(t, "/control/reset", map[string]any{})
	for _, p := range []person{has, none} {
		c := r.fetch(t, p) // at once: the failed mint gave its lease back
		r.cloud.wantState(t, c.Value, sandbox.StateValid)
	}
}

// TestWhoGetsNone: the reasons other than the cloud.
func TestWhoGetsNone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		a, b, out, gone, banned := r.person(t), r.person(t), r.person(t), r.person(t), r.person(t)
		for _, p := range []person{a, b, out, gone, banned} {
			r.fetch(t, p)
		}
		ctx := context.Background()
		if err := r.store.EndSession(ctx, out.id, out.session, true, models.Origin{}); err != nil {
			t.Fatal(err)
		}
		if err := r.store.DeleteUser(ctx, gone.id, "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		r.store.Exec(t, "UPDATE users SET status = 'banned' WHERE id = ?", banned.id)
		for _, c := range []struct {
			name string
			p    person
			want error
		}{
			{"logged out", out, models.ErrSessionEnded},
			{"another's session", person{a.id, b.session}, models.ErrSessionEnded},
			{"no such session", person{a.id, "none"}, models.ErrSessionEnded},
			{"deleted", gone, models.ErrSessionEnded},
			{"banned", banned, models.ErrBanned},
			{"nobody", person{"nobody", ""}, models.ErrNotFound},
		} {
			if got, err := r.Token(ctx, c.p.id, c.p.session); !errors.Is(err, c.want) || got.Value != "" {
				t.Errorf("%s: Token = %v, want no token and %v", c.name, err, c.want)
			}
			if got, err := r.Refused(ctx, c.p.id, c.p.session, "x"); !errors.Is(err, c.want) || got.Value != "" {
				t.Errorf("%s: Refused = %v, want no token and %v", c.name, err, c.want)
			}
		}
		r.store.Clock.Advance(31 * 24 * time.Hour)
		if _, err := r.Token(ctx, a.id, a.session); !errors.Is(err, models.ErrSessionEnded) {
			t.Errorf("Token after the session's end = %v, want %v", err, models.ErrSessionEnded)
		}
		r.cloud.wantCalls(t, getToken, 5)
	})
}

// TestReissue is an admin's: a new token whatever is stored.
func TestReissue(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	p := r.person(t)
	first := r.fetch(t, p)
	c, err := r.Reissue(t.Context(), p.id)
	if err != nil || c.Value == first.Value {
		t.Fatalf("Reissue = %v, want a new token", err)
	}
	if again := r.fetch(t, p); again.Value != c.Value {
		t.Error("Token after Reissue gave another token, want the one of Reissue")
	}
	if _, err := r.Reissue(t.Context(), "nobody"); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("Reissue of nobody = %v, want %v", err, models.ErrNotFound)
	}
	r.cloud.down(t)
	_, err = r.Reissue(t.Context(), p.id)
	wantCloudError(t, err, im.Unavailable)
	if again := r.fetch(t, p); again.Value != c.Value {
		t.Error("a failed Reissue cost the stored token")
	}
}
