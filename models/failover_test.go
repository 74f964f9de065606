package models_test

import (
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// What the server did not do is done on another connection, and nobody hears of
// it: each of these on the way of a change of several statements, and of one.
func TestPassingFailuresAreTriedAgain(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(w *modelstest.Wire, text string)
	}{
		{"deadlock 1213", func(w *modelstest.Wire, text string) { w.Refuse(text, 2, 1213, "40001", "Deadlock found") }},
		{"lock wait 1205", func(w *modelstest.Wire, text string) { w.Refuse(text, 2, 1205, "HY000", "Lock wait timeout exceeded") }},
		{"changed 1020", func(w *modelstest.Wire, text string) { w.Refuse(text, 2, 1020, "HY000", "Record has changed") }},
		{"certification 3101", func(w *modelstest.Wire, text string) {
			w.Refuse(text, 2, 3101, "40000", "Plugin instructed the server to rollback")
		}},
		{"victim at commit 1180", func(w *modelstest.Wire, text string) {
			w.Refuse(text, 2, 1180, "HY000", "Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT")
		}},
		{"WSREP 1047", func(w *modelstest.Wire, text string) {
			w.Refuse(text, 2, 1047, "08S01", "WSREP has not yet prepared node for application use")
		}},
		{"hook 3100", func(w *modelstest.Wire, text string) {
			w.Refuse(text, 2, 3100, "HY000", "Error on observer while running replication hook")
		}},
		{"secondary 1290", func(w *modelstest.Wire, text string) {
			w.Refuse(text, 1, 1290, "HY000", "The MySQL server is running with the --super-read-only option")
		}},
		{"read-only 1792", func(w *modelstest.Wire, text string) {
			w.Refuse(text, 1, 1792, "25006", "Cannot execute statement in a READ ONLY transaction")
		}},
		{"read-only mode 1836", func(w *modelstest.Wire, text string) { w.Refuse(text, 1, 1836, "HY000", "Running in read-only mode") }},
		{"gone 2006", func(w *modelstest.Wire, text string) { w.Refuse(text, 1, 2006, "HY000", "MySQL server has gone away") }},
		{"lost 2013", func(w *modelstest.Wire, text string) {
			w.Refuse(text, 1, 2013, "HY000", "Lost connection to MySQL server during query")
		}},
		{"connection broken", func(w *modelstest.Wire, text string) { w.Break(text, 2, false) }},
	}
	onServers(t, func(t *testing.T, engine string) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				wire := modelstest.NewWire(t)
				s := modelstest.OpenOn(t, engine, wire.Through)
				u := s.AddUser(t)
				s.AddSession(t, u)
				c.spoil(wire, "UPDATE sessions SET revoked_at")
				want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
				equal(t, "sessions left", s.Count(t, "SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL"), 0)
				equal(t, "audit rows", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'session.end_all'"), 1)
			})
		}
	})
}

// A connection that breaks while it commits leaves open what became of it. That
// is told to the caller, not tried again: it would be done twice.
func TestAmbiguousCommitsAreTold(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		for _, after := range []bool{false, true} {
			wire := modelstest.NewWire(t)
			s := modelstest.OpenOn(t, engine, wire.Through)
			u := s.AddUser(t)
			wire.Break("COMMIT", 1, after)
			want(t, "EndSessions whose commit is cut", s.EndSessions(ctx, u.ID, "", from), models.ErrUnavailable)
			if n := s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'session.end_all'"); n > 1 {
				t.Errorf("a commit that was cut (after: %t) left %d audit rows, want one at most", after, n)
			}
			wire.Refuse("COMMIT", 1, 1180, "HY000", "Got error 1 - 'Operation not permitted' during COMMIT")
			want(t, "EndSessions whose commit failed for an unknown reason", s.EndSessions(ctx, u.ID, "", from), models.ErrUnavailable)
		}
	})
}

// One statement commits by itself: lost on the way, it may have been done.
func TestSingleWritesAreNotRepeatedBlindly(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		wire := modelstest.NewWire(t)
		s := modelstest.OpenOn(t, engine, wire.Through)
		u := s.AddUser(t)
		seen := view(t, s, u)
		wire.Break("INSERT INTO im_tokens", 1, true)
		want(t, "ClaimToken whose answer is lost", s.ClaimToken(ctx, app, seen, "me", s.Clock.Now()), models.ErrUnavailable)
		wire.Refuse("INSERT INTO im_tokens", 1, 1047, "08S01", "WSREP has not yet prepared node for application use")
		other := s.AddUser(t)
		want(t, "ClaimToken that was refused", s.ClaimToken(ctx, app, view(t, s, other), "me", s.Clock.Now()), nil)
	})
}
