package models_test

import (
	"fmt"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

const day = 24 * time.Hour

func lifetimes(t *testing.T, s *modelstest.Store) models.Lifetimes {
	t.Helper()
	l, err := s.Lifetimes(ctx)
	want(t, "Lifetimes", err, nil)
	return l
}

func TestFirstLifetimeIsSetOnce(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			a := modelstest.OpenEmpty(t, engine)
			_, err := a.Migrate(ctx)
			want(t, "Migrate", err, nil)
			want(t, "Unlock", a.Unlock(ctx), nil)
			b := a.Again(t)
			want(t, "SetLifetime before there is a default", a.SetLifetime(ctx, "", day, models.Match{}, "admin:x", from), models.ErrNotFound)
			together(2, func(i int) {
				if err := []*modelstest.Store{a, b}[i].InitLifetime(ctx, time.Duration(i+1)*day); err != nil {
					t.Errorf("InitLifetime: %v", err)
				}
			})
			first := lifetimes(t, a)
			if first.Revision != 1 || first.Default.Version != 1 || first.Default.Lifetime != day && first.Default.Lifetime != 2*day {
				t.Errorf("after two processes set the first one: %+v, want either, at version 1", first)
			}
			want(t, "SetLifetime", a.SetLifetime(ctx, "", 7*day, models.Match{}, "admin:x", from), nil)
			want(t, "InitLifetime after an admin", b.InitLifetime(ctx, day), nil)
			equal(t, "the default", lifetimes(t, a).Default.Lifetime, 7*day)
		})
	}
}

func TestLifetimeVersionsGoUpAndNeverComeBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, other := s.AddUser(t), s.AddUser(t)
		seen, last := map[int64]bool{}, int64(0)
		own := func() models.LifetimeRow {
			t.Helper()
			l := lifetimes(t, s)
			if l.Revision <= last {
				t.Errorf("revision = %d after %d, want more", l.Revision, last)
			}
			last = l.Revision
			for _, row := range l.Users {
				if row.UserID == u.ID {
					return row
				}
			}
			return models.LifetimeRow{}
		}
		set := func(id string, d time.Duration) {
			t.Helper()
			want(t, "SetLifetime", s.SetLifetime(ctx, id, d, models.Match{}, "admin:ann", from), nil)
		}
		for round := range 3 {
			set(u.ID, time.Duration(round)*day)
			row := own()
			if seen[row.Version] || row.Lifetime != time.Duration(round)*day || row.UpdatedBy != "admin:ann" || !row.UpdatedAt.Equal(s.Clock.Now()) {
				t.Errorf("round %d: own lifetime = %+v, want %d days at a version not in %v", round, row, round, seen)
			}
			seen[row.Version] = true
			set(other.ID, day)
			equal(t, "own version after another person's change", own().Version, row.Version)
			want(t, "DeleteLifetime", s.DeleteLifetime(ctx, u.ID, models.Match{Version: &row.Version}, "admin:ann", from), nil)
			equal(t, "own lifetime after deleting it", own(), models.LifetimeRow{})
			want(t, "DeleteLifetime again", s.DeleteLifetime(ctx, u.ID, models.Match{}, "admin:ann", from), models.ErrNotFound)
		}
		before := lifetimes(t, s)
		set("", 30*day)
		after := lifetimes(t, s)
		if after.Default.Version <= before.Default.Version || after.Default.Lifetime != 30*day || after.Default.UserID != "" {
			t.Errorf("the default = %+v after %+v, want 30 days at a greater version", after.Default, before.Default)
		}
		equal(t, "rows", s.Count(t, "SELECT COUNT(*) FROM lifetimes"), 2)
		equal(t, "audit rows", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action LIKE 'lifetime.%'"), 10)
	})
}

func TestLifetimeChangeNeedsWhatWasSeen(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		match := func(revision, version int64) (m models.Match) {
			if revision >= 0 {
				m.Revision = &revision
			}
			if version >= 0 {
				m.Version = &version
			}
			return m
		}
		want(t, "set the default at its version", s.SetLifetime(ctx, "", day, match(-1, 1), "admin:x", from), nil) // → 2
		want(t, "set it at an old version", s.SetLifetime(ctx, "", 2*day, match(-1, 1), "admin:x", from), models.ErrStale)
		want(t, "set a person's where none is", s.SetLifetime(ctx, u.ID, day, match(-1, 0), "admin:x", from), nil) // → 3
		want(t, "set it again as if none were", s.SetLifetime(ctx, u.ID, day, match(-1, 0), "admin:x", from), models.ErrStale)
		want(t, "set it at the default's version", s.SetLifetime(ctx, u.ID, day, match(-1, 2), "admin:x", from), models.ErrStale)
		want(t, "set it at an old revision", s.SetLifetime(ctx, u.ID, day, match(2, -1), "admin:x", from), models.ErrStale)
		want(t, "set it at the revision", s.SetLifetime(ctx, u.ID, 2*day, match(3, -1), "admin:x", from), nil) // → 4
		want(t, "set the default at its version again", s.SetLifetime(ctx, "", 2*day, match(-1, 2), "admin:x", from), nil)
		want(t, "delete at an old version", s.DeleteLifetime(ctx, u.ID, match(-1, 3), "admin:x", from), models.ErrStale)
		want(t, "delete at the version", s.DeleteLifetime(ctx, u.ID, match(-1, 4), "admin:x", from), nil)
		equal(t, "audit rows, of what was done alone", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action LIKE 'lifetime.%'"), 5)
	})
}

func TestOfTwoAdminsOneIsTold(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		u := s.AddUser(t)
		for round := range rounds {
			l := lifetimes(t, s)
			for name, m := range map[string]models.Match{"version": {Version: &l.Default.Version}, "revision": {Revision: &l.Revision}} {
				if l = lifetimes(t, s); m.Version != nil {
					m.Version = &l.Default.Version
				} else {
					m.Revision = &l.Revision
				}
				var c tally
				together(2, func(i int) {
					c.err(stores[i].SetLifetime(ctx, "", time.Duration(round*2+i)*time.Hour, m, fmt.Sprint("admin:", i), from), models.ErrStale)
				})
				if c.n["ok"] != 1 || c.n[models.ErrStale.Error()] != 1 {
					t.Fatalf("two admins at once, by %s: %v; want one done and one stale", name, c.n)
				}
			}
			// Different rows, by version: nobody is in anybody's way.
			l = lifetimes(t, s)
			version := int64(0)
			if len(l.Users) == 1 {
				version = l.Users[0].Version
			}
			var c tally
			together(2, func(i int) {
				id, v := "", l.Default.Version
				if i == 1 {
					id, v = u.ID, version
				}
				c.err(stores[i].SetLifetime(ctx, id, time.Hour, models.Match{Version: &v}, "admin:x", from))
			})
			if c.n["ok"] != 2 {
				t.Fatalf("two admins on different rows: %v; want both done", c.n)
			}
		}
	})
}

func TestPreviewIsWhatHappens(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		previewIsWhatHappens(t, s, 2000, 0, 30*day, 7*day, day, 20*time.Second)
	})
}

func TestPreviewOf100000TokensIsWhatHappens(t *testing.T) {
	if testing.Short() {
		t.Skip("stores 100,000 tokens")
	}
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) { previewIsWhatHappens(t, s, 100_000, 7*day) })
}

// What the preview says is what a look at every token says after the change;
// and the change writes one row of lifetimes and one of audit, no token.
func previewIsWhatHappens(t *testing.T, s *modelstest.Store, n int, lifetimes ...time.Duration) {
	t.Helper()
	now := s.Clock.Now()
	ids := s.BulkTokens(t, n, func(i int) modelstest.BulkToken {
		b := modelstest.BulkToken{IssuedAt: now.Add(-time.Duration(i) * (40 * day / time.Duration(n)))}
		if i%7 == 0 { // some that the cloud ends, before and after now
			b.CloudExpiresAt = b.IssuedAt.Add(20 * day)
		}
		return b
	})
	want(t, "SetLifetime", s.SetLifetime(ctx, ids[1], 0, models.Match{}, "admin:x", from), nil)
	want(t, "SetLifetime", s.SetLifetime(ctx, ids[n-2], day, models.Match{}, "admin:x", from), nil)
	want(t, "EndSessions", s.EndSessions(ctx, ids[n-3], "", from), nil)
	s.Exec(t, "UPDATE im_tokens SET secret_version = 0 WHERE user_id = ?", ids[n-4])
	s.Exec(t, "UPDATE users SET status = 'banned' WHERE id = ?", ids[n-5])
	const sum = "SELECT SUM((generation + issued_at + last_fetched_at + lease_until + epoch + COALESCE(revoke_before, 0)) % 1000003) FROM im_tokens"
	tokens := s.Count(t, sum)

	for _, d := range lifetimes {
		preview, err := s.PreviewLifetime(ctx, app, 1, "", d)
		want(t, "PreviewLifetime", err, nil)
		audits := s.Count(t, "SELECT COUNT(*) FROM audit")
		want(t, "SetLifetime", s.SetLifetime(ctx, "", d, models.Match{}, "admin:x", from), nil)

		equal(t, "rows of lifetimes written", s.Count(t, "SELECT COUNT(*) FROM lifetimes WHERE revision = (SELECT MAX(revision) FROM lifetimes)"), 1)
		equal(t, "rows of lifetimes", s.Count(t, "SELECT COUNT(*) FROM lifetimes"), 3)
		equal(t, "rows of audit written", s.Count(t, "SELECT COUNT(*) FROM audit")-audits, 1)
		equal(t, "the sum over all tokens", s.Count(t, sum), tokens)

		equal(t, fmt.Sprintf("preview of %s", d), preview, judge(t, s, ids, now))
	}
	own, err := s.PreviewLifetime(ctx, app, 1, ids[n-2], 39*day)
	want(t, "PreviewLifetime of one", err, nil)
	equal(t, "preview for one person", own, models.LifetimePreview{Tokens: 1, DueNow: 1, Due1h: 1, Due24h: 1})
	own, err = s.PreviewLifetime(ctx, app, 1, ids[0], day)
	want(t, "PreviewLifetime of one", err, nil)
	equal(t, "preview for one person", own, models.LifetimePreview{Tokens: 1, Due24h: 1})
	own, err = s.PreviewLifetime(ctx, app, 1, ids[0], time.Hour)
	want(t, "PreviewLifetime of one", err, nil)
	equal(t, "preview for one person", own, models.LifetimePreview{Tokens: 1, Due1h: 1, Due24h: 1})
	none, err := s.PreviewLifetime(ctx, "other-app", 1, "", day)
	want(t, "PreviewLifetime elsewhere", err, nil)
	equal(t, "preview where there is no token", none, models.LifetimePreview{})
}

// judge looks at each token under the lifetime that is in force for its person.
func judge(t *testing.T, s *modelstest.Store, ids []string, now time.Time) (p models.LifetimePreview) {
	t.Helper()
	own := map[string]bool{}
	for _, row := range lifetimes(t, s).Users {
		own[row.UserID] = true
	}
	// A person who is banned, and a token made with another secret.
	banned, old := ids[len(ids)-5], ids[len(ids)-4]
	for len(ids) > 0 {
		some := min(len(ids), 5000)
		states, err := s.TokenStates(ctx, app, ids[:some])
		want(t, "TokenStates", err, nil)
		for _, state := range states {
			if own[state.UserID] || state.UserID == banned || state.UserID == old {
				continue
			}
			p.Tokens++
			end := now.Add(1000 * day)
			if state.Lifetime > 0 {
				end = state.IssuedAt.Add(state.Lifetime)
			}
			if !state.CloudExpiresAt.IsZero() && state.CloudExpiresAt.Before(end) {
				end = state.CloudExpiresAt
			}
			if !end.After(now) {
				p.DueNow++
			}
			if !end.After(now.Add(time.Hour)) {
				p.Due1h++
			}
			if !end.After(now.Add(day)) {
				p.Due24h++
			}
		}
		ids = ids[some:]
	}
	return p
}
