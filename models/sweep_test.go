package models_test

import (
	"fmt"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestSweepDeletesWhatHasServedItsTime(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		reg, err := s.CreateUser(ctx, newUser("ann"), "key", from)
		want(t, "CreateUser", err, nil)
		_, err = s.Authenticate(ctx, "ann", "wrong password", from)
		want(t, "Authenticate", err, models.ErrBadCredentials)
		now := s.Clock.Now().UnixMicro()
		for i := range 25 { // more than one batch
			s.Exec(t, "INSERT INTO login_throttle (bucket, attempts, next_at, last_at) VALUES "+values(100, func(j int) string {
				return fmt.Sprintf("('old:%d', 1, 0, %d)", i*100+j, now-25*3600_000_000)
			}))
		}
		rows := func() string {
			return fmt.Sprint(s.Count(t, "SELECT COUNT(*) FROM idempotency_keys"), s.Count(t, "SELECT COUNT(*) FROM login_throttle"), s.Count(t, "SELECT COUNT(*) FROM sessions"))
		}
		equal(t, "keys, attempts, sessions before", rows(), "1 2502 1")
		other := s.Again(t)
		together(2, func(i int) {
			if err := []*modelstest.Store{s, other}[i].Sweep(ctx); err != nil {
				t.Errorf("Sweep: %v", err)
			}
		})
		equal(t, "after the first sweep", rows(), "1 2 1")
		s.Clock.Advance(24*time.Hour + time.Microsecond)
		want(t, "Sweep", s.Sweep(ctx), nil)
		equal(t, "a day later", rows(), "0 0 1")
		s.Clock.Advance(59 * day)
		want(t, "Sweep", s.Sweep(ctx), nil)
		equal(t, "when the session has ended for 30 days", rows(), "0 0 0")
		_, err = s.User(ctx, reg.User.ID)
		want(t, "User", err, nil)
	})
}

func values(n int, row func(int) string) (list string) {
	for i := range n {
		if i > 0 {
			list += ", "
		}
		list += row(i)
	}
	return list
}
