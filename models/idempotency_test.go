package models_test

import (
	"fmt"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestRepeatedRegistrationGetsTheSameAnswer(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		in := newUser("Ann")
		first, err := s.CreateUser(ctx, in, "key-1", from)
		want(t, "CreateUser", err, nil)
		equal(t, "Replayed of the first", first.Replayed, false)
		again, err := s.Again(t).CreateUser(ctx, in, "key-1", from)
		want(t, "CreateUser again", err, nil)
		first.Replayed = true
		equal(t, "the repeated answer", again, first)

		other := in
		other.Password += "!"
		_, err = s.CreateUser(ctx, other, "key-1", from)
		want(t, "CreateUser with the key and another password", err, models.ErrKeyReused)
		_, err = s.CreateUser(ctx, in, "key-2", from)
		if _, ok := err.(interface{ Unwrap() error }); !ok || err == nil {
			t.Errorf("CreateUser with another key = %v, want that the name is taken", err)
		}

		_, refresh, err := s.RefreshSession(ctx, first.RefreshToken, from)
		want(t, "RefreshSession", err, nil)
		again, err = s.CreateUser(ctx, in, "key-1", from)
		want(t, "CreateUser after a refresh", err, nil)
		equal(t, "its refresh token", again.RefreshToken, refresh)

		want(t, "EndSession", s.EndSession(ctx, first.User.ID, first.Session.ID, true, from), nil)
		_, err = s.CreateUser(ctx, in, "key-1", from)
		want(t, "CreateUser after logging out", err, models.ErrKeySpent)

		s.Clock.Advance(24 * time.Hour)
		third, err := s.CreateUser(ctx, newUser("Bob"), "key-1", from)
		want(t, "CreateUser with a key that has run out", err, nil)
		if third.Replayed || third.User.ID == first.User.ID {
			t.Errorf("a key that has run out answers with the old user, want a new one")
		}
		equal(t, "rows that show the key", s.Count(t, "SELECT COUNT(*) FROM idempotency_keys WHERE id LIKE '%key-1%' OR fingerprint LIKE '%horse%'"), 0)
	})
}

func TestRegistrationThatFailedDoesNotSpendItsKey(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		_, err := s.CreateUser(ctx, newUser("Ann"), "", from)
		want(t, "CreateUser", err, nil)
		if _, err = s.CreateUser(ctx, newUser("ann"), "key", from); err == nil {
			t.Fatal("CreateUser with a taken name = nil, want an error")
		}
		reg, err := s.CreateUser(ctx, newUser("ann2"), "key", from)
		if err != nil || reg.Replayed {
			t.Errorf("CreateUser with the same key and a free name = %+v, %v; want a new user", reg.User, err)
		}
	})
}

func TestSixteenRegistrationsWithOneKeyMakeOneUser(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		answers := make([]models.Registration, 16)
		together(len(answers), func(i int) {
			var err error
			if answers[i], err = stores[i%2].CreateUser(ctx, newUser("Ann"), "key", from); err != nil {
				t.Errorf("CreateUser number %d: %v", i, err)
			}
		})
		fresh := 0
		for _, a := range answers {
			if !a.Replayed {
				fresh++
			}
			if a.User.ID != answers[0].User.ID || a.Session.ID != answers[0].Session.ID || a.RefreshToken != answers[0].RefreshToken {
				t.Errorf("answers %v and %v differ, want one", a, answers[0])
			}
		}
		equal(t, "answers that are not repeats", fresh, 1)
		for _, table := range []string{"users", "sessions", "idempotency_keys", "audit"} {
			equal(t, "rows in "+table, s.Count(t, "SELECT COUNT(*) FROM "+table), 1)
		}
	})
}

func TestOneNameManyKeysMakeOneUser(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		var c tally
		together(12, func(i int) {
			_, err := s.CreateUser(ctx, newUser("Ann"), fmt.Sprint("key-", i), from)
			c.err(err)
		})
		if c.n["ok"] != 1 || c.n["create user: username is taken"] != 11 {
			t.Errorf("twelve registrations of one name: %v, want one made and eleven that hear it is taken", c.n)
		}
		equal(t, "users", s.Count(t, "SELECT COUNT(*) FROM users"), 1)
		equal(t, "keys", s.Count(t, "SELECT COUNT(*) FROM idempotency_keys"), 1)
	})
}
