package models_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// slow is a Throttle whose steps a test can count.
func slow(o *models.Options) {
	o.Throttle = models.Throttle{AccountFree: 3, AddressFree: 6, Delay: time.Second, MaxDelay: 10 * time.Second, Window: time.Hour}
}

// wrong tries a wrong password and returns how long it must wait for the next
// try to be looked at; zero when this one was.
func wrong(t *testing.T, s *modelstest.Store, login, ip string) time.Duration {
	t.Helper()
	_, err := s.Authenticate(ctx, login, "wrong password", models.Origin{IP: ip})
	var slowed *models.ThrottledError
	if errors.As(err, &slowed) {
		return slowed.RetryAfter
	}
	want(t, "Authenticate", err, models.ErrBadCredentials)
	return 0
}

func TestThrottleDelayDoublesUpToItsCapAndNeverLocks(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for i := range 4 {
			equal(t, fmt.Sprint("delay before try ", i+1), wrong(t, s, "ann", fmt.Sprint("192.0.2.", i)), 0)
		}
		for i, delay := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
			delay *= time.Second
			ip := fmt.Sprint("198.51.100.", i)
			equal(t, fmt.Sprint("delay before try ", i+5), wrong(t, s, "ann", ip), delay)
			s.Clock.Advance(delay - time.Microsecond)
			equal(t, "delay a microsecond before its end", wrong(t, s, "ann", ip), time.Microsecond)
			s.Clock.Advance(time.Microsecond)
			equal(t, "delay at its end", wrong(t, s, "ann", ip), 0)
		}
		s.Exec(t, "UPDATE login_throttle SET attempts = 4000000000 WHERE attempts > 3")
		s.Clock.Advance(10 * time.Second)
		equal(t, "delay before a try after four billion", wrong(t, s, "ann", "203.0.113.1"), 0)
		equal(t, "delay after it", wrong(t, s, "ann", "203.0.113.1"), 10*time.Second)
		s.Clock.Advance(time.Hour + time.Second)
		for i := range 4 {
			equal(t, fmt.Sprint("delay before try ", i+1, " after the window"), wrong(t, s, "ann", "203.0.113.2"), 0)
		}
		equal(t, "delay before the fifth after the window", wrong(t, s, "ann", "203.0.113.2"), time.Second)
	}, slow)
}

func TestABurstGetsNoMoreThroughThanOneByOne(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		var c tally
		together(100, func(i int) {
			_, err := stores[i%2].Authenticate(ctx, "ann", "wrong password", models.Origin{IP: fmt.Sprint("192.0.2.", i)})
			var slowed *models.ThrottledError
			if errors.As(err, &slowed) {
				err = nil
			}
			c.err(err, models.ErrBadCredentials)
		})
		if hashed := c.n[models.ErrBadCredentials.Error()]; hashed != 4 || c.n["ok"] != 96 {
			t.Errorf("of 100 tries at once: %v; want 4 that reach the hash (three free and one more) and 96 put off", c.n)
		}

		c = tally{}
		together(60, func(i int) {
			_, err := stores[i%2].Authenticate(ctx, fmt.Sprint("person", i), "wrong password", models.Origin{IP: "203.0.113.7"})
			var slowed *models.ThrottledError
			if errors.As(err, &slowed) {
				err = nil
			}
			c.err(err, models.ErrBadCredentials)
		})
		if hashed := c.n[models.ErrBadCredentials.Error()]; hashed != 7 || c.n["ok"] != 53 {
			t.Errorf("of 60 tries at once from one address: %v; want 7 that reach the hash and 53 put off", c.n)
		}
	}, slow)
}

func TestThrottleGroupsAddresses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for _, c := range []struct {
			name, used, asked string
			same              bool
		}{
			{"one /64", "2001:db8:1:1::%d", "2001:db8:1:1:ffff::1", true},
			{"another /64", "2001:db8:2:1::%d", "2001:db8:2:2::1", false},
			{"IPv4", "192.0.2.1", "192.0.2.2", false},
			{"IPv4 inside IPv6", "::ffff:198.51.100.1", "198.51.100.1", true},
			{"IPv4 neighbours inside IPv6", "::ffff:203.0.113.1", "::ffff:203.0.113.2", false},
			{"no address", "nonsense", "other nonsense", true},
		} {
			for i := range 3 {
				ip := c.used
				if c.name == "one /64" || c.name == "another /64" {
					ip = fmt.Sprintf(c.used, i+1)
				}
				equal(t, c.name+": delay", wrong(t, s, fmt.Sprint(c.name, i), ip), 0)
			}
			if delay := wrong(t, s, c.name+" last", c.asked); delay > 0 != c.same {
				t.Errorf("%s: delay from %s after three tries from %s = %s; want one: %v", c.name, c.asked, c.used, delay, c.same)
			}
		}
	}, func(o *models.Options) {
		o.Throttle = models.Throttle{AccountFree: 3, AddressFree: 2, Delay: time.Second, MaxDelay: 10 * time.Second, Window: time.Hour}
	})
}

func TestSuccessClearsTheAccountAndGivesTheAddressOneBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, ip := s.AddUser(t), "192.0.2.1"
		login := func() error {
			_, err := s.Authenticate(ctx, u.Username, modelstest.Password, models.Origin{IP: ip})
			return err
		}
		for range 3 {
			equal(t, "delay", wrong(t, s, u.Username, ip), 0)
		}
		want(t, "the right password", login(), nil)
		equal(t, "attempts counted for the account", s.Count(t, "SELECT COUNT(*) FROM login_throttle WHERE bucket LIKE 'user:%'"), 0)
		equal(t, "attempts counted for the address", s.Count(t, "SELECT attempts FROM login_throttle WHERE bucket LIKE 'ip:%'"), 3)
		for range 20 {
			want(t, "one login of many", login(), nil)
		}
		for range 4 {
			equal(t, "delay of a wrong one after the right ones", wrong(t, s, u.Username, "198.51.100.1"), 0)
		}
		// The account is put off now; the address does not pay for being told so.
		for range 20 {
			equal(t, "delay of the account", wrong(t, s, u.Username, ip), time.Second)
		}
		equal(t, "attempts counted for the address", s.Count(t, "SELECT attempts FROM login_throttle WHERE bucket = 'ip:192.0.2.1'"), 3)
		equal(t, "delay of another account from there", wrong(t, s, "somebody else", ip), 0)
		equal(t, "rows that show a login", s.Count(t, "SELECT COUNT(*) FROM login_throttle WHERE bucket LIKE '%somebody%' OR bucket LIKE '%user0%'"), 0)
	}, slow)
}

// Whoever holds an account could log in to it between guesses.
func TestOwnLoginsBuyNoGuesses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		own, ip, guessed := s.AddUser(t), "192.0.2.1", 0
		for i := range 40 {
			if wrong(t, s, fmt.Sprint("victim", i), ip) == 0 {
				guessed++
			}
			_, _ = s.Authenticate(ctx, own.Username, modelstest.Password, models.Origin{IP: ip})
		}
		if guessed > 7 {
			t.Errorf("%d guesses at one instant with own logins in between, want at most 7", guessed)
		}
	}, slow)
}

func TestSpacesAtTheEndAreNoOtherAccount(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		in := newUser("ann")
		in.Email = "ann@example.com"
		_, err := s.CreateUser(ctx, in, "", from)
		want(t, "CreateUser", err, nil)
		for _, login := range []string{"ann@example.com ", "ann@example.com   ", "ann "} {
			_, err := s.Authenticate(ctx, login, modelstest.Password, models.Origin{IP: "192.0.2.9"})
			want(t, fmt.Sprintf("Authenticate(%q)", login), err, models.ErrBadCredentials)
		}
	})
}

func TestGuessesAtOneLoginCountForAllOfThePersonsLogins(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		_, err := s.CreateUser(ctx, models.NewUser{Username: "ann", Password: "correct horse battery", Email: "ann@example.com", Phone: "+8613800138000"}, "", models.Origin{})
		want(t, "CreateUser", err, nil)
		for i, login := range []string{"ann", "ann@example.com", "+86 138 0013 8000", "ANN"} {
			equal(t, fmt.Sprint("delay before guess ", i+1), wrong(t, s, login, fmt.Sprint("192.0.2.", i)), 0)
		}
		equal(t, "delay before the fifth guess, at another login", wrong(t, s, "ann@example.com", "192.0.2.9"), time.Second)
	}, slow)
}

func TestALoginThatWasNeverLookedAtIsNotCounted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		s.Store.Hasher = &models.Hasher{Parallel: 1, Queue: 1}
		stop := make(chan struct{})
		var crowd sync.WaitGroup
		for range 4 {
			crowd.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = s.Store.Hasher.Hash(ctx, "somebody else's")
					}
				}
			})
		}
		busy, checked := 0, int64(0)
		for try := 0; busy < 10 && try < 2000; try++ {
			_, err := s.Authenticate(ctx, u.Username, "wrong password", models.Origin{IP: "192.0.2.1"})
			var slowed *models.ThrottledError
			switch {
			case errors.Is(err, models.ErrHashBusy):
				busy++
			case errors.As(err, &slowed):
				s.Clock.Advance(slowed.RetryAfter) // earned by guesses that were looked at
			default:
				want(t, "Authenticate", err, models.ErrBadCredentials)
				checked++
			}
		}
		close(stop)
		crowd.Wait()
		equal(t, "logins turned away", busy, 10)
		equal(t, "attempts counted for the account", int64(s.Count(t, "SELECT COALESCE(SUM(attempts), 0) FROM login_throttle WHERE bucket LIKE 'user:%'")), checked)
	}, slow)
}
