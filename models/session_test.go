package models_test

import (
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestSessionsAreListedAndEnded(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, bob := s.AddUser(t), s.AddUser(t)
		var all []models.Session
		for range 4 {
			one, _ := s.AddSession(t, u)
			all = append(all, one)
			s.Clock.Advance(time.Second)
		}
		theirs, _ := s.AddSession(t, bob)
		epoch := func() int64 {
			v, err := s.TokenView(ctx, modelstest.App, u.ID, "")
			want(t, "TokenView", err, nil)
			return v.Epoch
		}
		listed := func() (ids []string) {
			t.Helper()
			list, err := s.Sessions(ctx, u.ID)
			want(t, "Sessions", err, nil)
			for _, one := range list {
				ids = append(ids, one.ID)
			}
			return ids
		}
		list, err := s.Sessions(ctx, u.ID)
		want(t, "Sessions", err, nil)
		if len(list) != 4 || list[0] != all[3] || list[3] != all[0] {
			t.Errorf("Sessions = %+v, want four, the newest first: %+v", list, all)
		}
		if one := all[0]; one.Device != "a phone" || one.IP != "192.0.2.1" || one.UserAgent != "test" || !one.ExpiresAt.Equal(modelstest.Start.Add(30*24*time.Hour)) {
			t.Errorf("a session = %+v, want where it came from, and 30 days", one)
		}

		want(t, "EndSession of another's", s.EndSession(ctx, u.ID, theirs.ID, false, from), models.ErrNotFound)
		want(t, "EndSession of my own", s.EndSession(ctx, u.ID, all[0].ID, true, from), nil)
		equal(t, "the epoch after logging out", epoch(), 1)
		want(t, "EndSession again", s.EndSession(ctx, u.ID, all[0].ID, true, from), models.ErrNotFound)
		want(t, "EndSession of a device", s.EndSession(ctx, u.ID, all[1].ID, false, from), nil)
		equal(t, "the epoch after ending a device's", epoch(), 2)
		equal(t, "sessions left", len(listed()), 2)
		_, _, err = s.SessionUser(ctx, all[0].ID, u.ID)
		want(t, "SessionUser of an ended one", err, models.ErrSessionEnded)
		_, _, err = s.SessionUser(ctx, theirs.ID, u.ID)
		want(t, "SessionUser of another's", err, models.ErrSessionEnded)

		want(t, "EndSessions but one", s.EndSessions(ctx, u.ID, all[3].ID, from), nil)
		if ids := listed(); len(ids) != 1 || ids[0] != all[3].ID {
			t.Errorf("sessions after ending the others = %v, want %s", ids, all[3].ID)
		}
		equal(t, "the epoch after ending the others", epoch(), 3)
		want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
		equal(t, "sessions after ending all", len(listed()), 0)
		_, _, err = s.SessionUser(ctx, theirs.ID, bob.ID)
		want(t, "SessionUser of somebody else", err, nil)
	})
}

func TestSessionEndsWhenUnusedAndWhenOld(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		unused, refresh := s.AddSession(t, u)
		s.Clock.Advance(10*time.Hour - time.Microsecond)
		_, _, err := s.SessionUser(ctx, unused.ID, u.ID)
		want(t, "SessionUser just before its end", err, nil)
		s.Clock.Advance(time.Microsecond)
		_, _, err = s.SessionUser(ctx, unused.ID, u.ID)
		want(t, "SessionUser at its end", err, models.ErrSessionEnded)
		_, err = s.TokenView(ctx, modelstest.App, u.ID, unused.ID)
		want(t, "TokenView at its end", err, models.ErrSessionEnded)
		_, _, err = s.RefreshSession(ctx, refresh, from)
		want(t, "RefreshSession at its end", err, models.ErrSessionEnded)
		list, err := s.Sessions(ctx, u.ID)
		if err != nil || len(list) != 0 {
			t.Errorf("Sessions = %v, %v; want none that has run out", list, err)
		}

		used, refresh := s.AddSession(t, u)
		var last models.Session
		for range 3 {
			s.Clock.Advance(9 * time.Hour)
			if last, refresh, err = s.RefreshSession(ctx, refresh, from); err != nil {
				break
			}
		}
		want(t, "RefreshSession", err, models.ErrSessionEnded)
		equal(t, "the last end", last.ID, "")
		equal(t, "sessions counted", s.Count(t, "SELECT COUNT(*) FROM sessions WHERE expires_at > created_at + 24 * 3600000000"), 0)
		_, _, err = s.SessionUser(ctx, used.ID, u.ID)
		want(t, "SessionUser after its greatest age", err, models.ErrSessionEnded)
	}, func(o *models.Options) {
		o.Rules = models.SessionRules{Refresh: 10 * time.Hour, Max: 24 * time.Hour, Grace: 10 * time.Second}
	})
}

func TestBannedPersonHasNoSession(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		session, refresh := s.AddSession(t, u)
		s.Exec(t, "UPDATE users SET status = 'banned' WHERE id = ?", u.ID)
		_, _, err := s.SessionUser(ctx, session.ID, u.ID)
		want(t, "SessionUser", err, models.ErrBanned)
		_, err = s.TokenView(ctx, modelstest.App, u.ID, session.ID)
		want(t, "TokenView", err, models.ErrBanned)
		_, _, err = s.RefreshSession(ctx, refresh, from)
		want(t, "RefreshSession", err, models.ErrBanned)
	})
}
