package tokens

import (
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestFetchIsOneQuery counts what goes over the wire to the server: one prepared
// statement run, and nothing else. SQLite has no wire; there the test holds that
// the file does not change.
func TestFetchIsOneQuery(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := modelstest.OpenOn(t, engine)
			if engine == "sqlite" {
				fetchWritesNothing(t, s)
				return
			}
			wire := modelstest.NewWire(t)
			r := newRig(t, s.Again(t, wire.Through, func(o *models.Options) { o.MaxOpen = 1 }))
			r.setLifetime(t, "", 24*time.Hour)
			p := r.person(t)
			r.fetch(t, p)
			r.fetch(t, p) // by now the statement is prepared
			all, executed := wire.All(), wire.Count(modelstest.Execute)
			const fetches = 20
			for range fetches {
				r.fetch(t, p)
			}
			all, executed = wire.All()-all, wire.Count(modelstest.Execute)-executed
			if all != fetches || executed != fetches {
				t.Errorf("%d fetches sent %d commands, %d of them to run a prepared statement, want one each", fetches, all, executed)
			}
		})
	}
}

func fetchWritesNothing(t *testing.T, s *modelstest.Store) {
	r := newRig(t, s)
	p := r.person(t)
	r.fetch(t, p)
	db := s.SQL(t)
	db.SetMaxOpenConns(1) // data_version tells one connection of the others' commits
	version := func() (n int64) {
		t.Helper()
		if err := db.QueryRow("PRAGMA data_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := version()
	for range 20 {
		r.fetch(t, p)
	}
	if got := version(); got != before {
		t.Errorf("data_version after 20 fetches = %d, want %d: nothing written", got, before)
	}
	r.refuse(t, p, r.fetch(t, p).Value)
	if got := version(); got == before {
		t.Error("data_version after a mint is the same: this tests nothing")
	}
}
