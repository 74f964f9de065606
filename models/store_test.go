package models_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestOpenErrorsNeverShowThePassword(t *testing.T) {
	short, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for name, o := range map[string]models.Options{
		"no DSN":              {Driver: "mysql", DSN: "ann:pa55w0rd"},
		"a broken DSN":        {Driver: "mysql", DSN: "ann:pa55w0rd@tcp(127.0.0.1:1/db"},
		"a broken parameter":  {Driver: "mysql", DSN: "ann:pa55w0rd@tcp(127.0.0.1:1)/db?timeout=pa55w0rd"},
		"an unknown protocol": {Driver: "mysql", DSN: "ann:pa55w0rd@pigeon(pa55w0rd)/db"},
		"no database":         {Driver: "mysql", DSN: "ann:pa55w0rd@tcp(127.0.0.1:1)/"},
		"nobody listens":      {Driver: "mysql", DSN: "ann:pa55w0rd@tcp(127.0.0.1:1)/db"},
		"an unknown TLS":      {Driver: "mysql", DSN: "ann:pa55w0rd@tcp(127.0.0.1:1)/db?tls=none-such"},
		"an unknown driver":   {Driver: "pigeon", DSN: "ann:pa55w0rd"},
	} {
		s, err := models.Open(short, o)
		if err == nil {
			_ = s.Close()
			t.Errorf("Open with %s = nil, want an error", name)
		} else if strings.Contains(err.Error(), "pa55w0rd") || len(err.Error()) < 20 {
			t.Errorf("Open with %s = %q, want an error that says what without the password", name, err)
		}
		if name == "nobody listens" {
			want(t, "Open where nobody listens", err, models.ErrUnavailable)
		}
	}
	onServers(t, func(t *testing.T, engine string) {
		s := modelstest.OpenOn(t, engine)
		o := s.Options
		at := o.DSN[strings.LastIndex(o.DSN, "@"):]
		o.DSN = "nobody-here:pa55w0rd" + at
		_, err := models.Open(short, o)
		want(t, "Open with a wrong password", err, models.ErrUnavailable)
		if strings.Contains(err.Error(), "pa55w0rd") || strings.Contains(err.Error(), "nobody-here") {
			t.Errorf("Open with a wrong password = %q, want no name and no password", err)
		}
	})
}

func TestSQLiteFileIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "a?b #1%41.db")
	s, err := models.Open(ctx, models.Options{Driver: "sqlite", DSN: path})
	want(t, "Open", err, nil)
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(ctx); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	info, err := os.Stat(path)
	want(t, "Stat", err, nil)
	equal(t, "mode of the file", info.Mode().Perm(), 0o600)
	if info.Size() == 0 {
		t.Error("the file is empty: the tables went elsewhere")
	}
	dir, err := os.Stat(filepath.Dir(path))
	want(t, "Stat", err, nil)
	equal(t, "mode of its folder", dir.Mode().Perm(), 0o700)
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		want(t, "Close", s.Close(), nil)
		for name, call := range calls(s, u) {
			want(t, name+" on a closed store", call(), models.ErrUnavailable)
		}
	})
}

func calls(s *modelstest.Store, u models.User) map[string]func() error {
	return map[string]func() error{
		"Probe":        func() error { _, err := s.Probe(ctx); return err },
		"User":         func() error { _, err := s.User(ctx, u.ID); return err },
		"TokenView":    func() error { _, err := s.TokenView(ctx, app, u.ID, ""); return err },
		"CreateUser":   func() error { _, err := s.CreateUser(ctx, newUser("ann"), "", from); return err },
		"Authenticate": func() error { _, err := s.Authenticate(ctx, "ann", "wrong password", from); return err },
		"EndSessions":  func() error { return s.EndSessions(ctx, u.ID, "", from) },
		"Lifetimes":    func() error { _, err := s.Lifetimes(ctx); return err },
		"NoteFetched":  func() error { return s.NoteFetched(ctx, app, []string{u.ID}, s.Clock.Now()) },
	}
}

func TestServerThatIsGoneIsUnavailableAndHealsByItself(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		wire := modelstest.NewWire(t)
		s := modelstest.OpenOn(t, engine, wire.Through)
		u := s.AddUser(t)
		for _, call := range calls(s, u) {
			_ = call() // so that there are connections and prepared statements to lose
		}
		wire.Cut()
		for name, call := range calls(s, u) {
			want(t, name+" without a server", call(), models.ErrUnavailable)
		}
		wire.Mend()
		for name, call := range calls(s, u) {
			if err := call(); errors.Is(err, models.ErrUnavailable) {
				t.Errorf("%s when the server is back = %v, want no ErrUnavailable", name, err)
			}
		}
	})
}

func TestKilledConnectionsHealByThemselves(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		s := modelstest.OpenOn(t, engine)
		u := s.AddUser(t)
		together(10, func(int) { _, _ = s.TokenView(ctx, app, u.ID, "") })
		beside := s.SQL(t)
		rows, err := beside.Query("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
		want(t, "list connections", err, nil)
		defer rows.Close()
		var ids []int64
		for rows.Next() {
			var id int64
			want(t, "scan", rows.Scan(&id), nil)
			ids = append(ids, id)
		}
		want(t, "list connections to the end", rows.Err(), nil)
		killed := 0
		for _, id := range ids {
			if _, err := beside.Exec("KILL CONNECTION ?", id); err == nil {
				killed++
			}
		}
		if killed == 0 {
			t.Fatal("no connection was killed")
		}
		failed := 0
		for range 50 {
			if _, err := s.TokenView(ctx, app, u.ID, ""); err != nil {
				want(t, "TokenView over a killed connection", err, models.ErrUnavailable)
				failed++
			}
		}
		if failed > killed {
			t.Errorf("%d of 50 calls failed after %d connections were killed, want at most one for each", failed, killed)
		}
		_, err = s.Probe(ctx)
		want(t, "Probe", err, nil)
	})
}

// The hot path of the whole product.
func TestTokenViewIsOneQuery(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		wire := modelstest.NewWire(t)
		s := modelstest.OpenOn(t, engine, wire.Through, func(o *models.Options) { o.MaxOpen = 1 })
		u := s.AddUser(t)
		session, _ := s.AddSession(t, u)
		s.AddToken(t, u, models.NewToken{})
		_, err := s.TokenView(ctx, app, u.ID, session.ID)
		want(t, "TokenView", err, nil)
		all, executed := wire.All(), wire.Count(modelstest.Execute)
		for range 10 {
			_, err := s.TokenView(ctx, app, u.ID, session.ID)
			want(t, "TokenView", err, nil)
		}
		equal(t, "commands of ten views", wire.All()-all, 10)
		equal(t, "executed statements among them", wire.Count(modelstest.Execute)-executed, 10)
	})
}

// A transaction that the server picks as a deadlock's victim is run again.
func TestDeadlockIsTriedAgain(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		s := modelstest.OpenOn(t, engine)
		u := s.AddUser(t)
		session, _ := s.AddSession(t, u)
		beside := s.SQL(t)
		tx, err := beside.Begin()
		want(t, "begin", err, nil)
		// The heavier transaction survives.
		for i := range 200 {
			_, err := tx.Exec("INSERT INTO login_throttle (bucket, attempts, next_at, last_at) VALUES (?, 1, 0, 0)", i)
			want(t, "insert", err, nil)
		}
		_, err = tx.Exec("UPDATE users SET updated_at = updated_at + 1 WHERE id = ?", u.ID)
		want(t, "lock the user", err, nil)
		done := make(chan error, 1)
		go func() { done <- s.EndSessions(ctx, u.ID, "", from) }() // locks the session, then waits for the user
		waiting := 0
		for range 25 { // InnoDB renews that view only when nobody has asked for 0.1 s
			_, err := beside.Exec("DO SLEEP(0.15)")
			want(t, "sleep", err, nil)
			want(t, "look for who waits", beside.QueryRow(`SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'
				AND trx_mysql_thread_id IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE())`).Scan(&waiting), nil)
			if waiting > 0 {
				break
			}
		}
		equal(t, "transactions that wait", waiting, 1)
		_, err = tx.Exec("UPDATE sessions SET device = 'x' WHERE id = ?", session.ID) // and the circle is closed
		want(t, "the heavier transaction", err, nil)
		want(t, "commit", tx.Commit(), nil)
		want(t, "EndSessions, the victim", <-done, nil)
		equal(t, "sessions left", s.Count(t, "SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL"), 0)
		equal(t, "audit rows", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'session.end_all'"), 1)
	})
}

func TestCrossingChangesOfOnePersonAllSucceed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		other, u := s.Again(t), s.AddUser(t)
		session, _ := s.AddSession(t, u)
		s.AddToken(t, u, models.NewToken{})
		nick := "nick"
		together(24, func(i int) {
			var err error
			switch i % 3 {
			case 0:
				err = s.EndSessions(ctx, u.ID, session.ID, from)
			case 1:
				if _, _, err = other.CreateSession(ctx, u, from); errors.Is(err, models.ErrStale) {
					err = nil
				}
			case 2:
				if _, err = other.ChangeProfile(ctx, u.ID, models.ProfileChange{Nickname: &nick}, from); errors.Is(err, models.ErrStale) {
					err = nil
				}
			}
			if err != nil {
				t.Errorf("change %d: %v", i, err)
			}
		})
	})
}

func TestProbe(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		real := s.Again(t, func(o *models.Options) { o.Now = time.Now })
		skew, err := real.Probe(ctx)
		want(t, "Probe", err, nil)
		if skew < -2*time.Second || skew > 2*time.Second {
			t.Errorf("skew between two clocks of one machine = %s, want next to none whatever the server's time zone", skew)
		}
		ahead := s.Again(t, func(o *models.Options) { o.Now = func() time.Time { return time.Now().Add(time.Hour) } })
		skew, err = ahead.Probe(ctx)
		want(t, "Probe", err, nil)
		if skew > -time.Hour+2*time.Second || skew < -time.Hour-2*time.Second {
			t.Errorf("skew of a database an hour behind us = %s, want -1h", skew)
		}
		// Several probe at once, each under its own clock.
		together(12, func(i int) {
			if _, err := []*modelstest.Store{s, real, ahead}[i%3].Probe(ctx); err != nil {
				t.Errorf("Probe: %v", err)
			}
		})
		open, inUse := s.Connections()
		if open < 1 || inUse != 0 {
			t.Errorf("Connections = %d open, %d in use; want some, none in use", open, inUse)
		}
	})
}
