package calls

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/tokens/im"
)

const (
	primary = "one.example.com"
	backup  = "two.example.com"
)

// script is a cloud that answers by host and notes who was asked.
type script struct {
	answer func(host string, n int) (*http.Response, error) // n counts from 1

	mu    sync.Mutex
	asked []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Host)
	n := len(s.asked)
	s.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return s.answer(r.URL.Host, n)
}

func (s *script) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked %q, want %q", s.asked, want)
	}
	s.asked = nil
}

// hang answers nobody, until the caller goes.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestWhatIsTriedAgainOnTheOtherHost(t *testing.T) {
	for name, c := range map[string]struct {
		first func() (*http.Response, error)
		again bool
	}{
		"no connection":     {func() (*http.Response, error) { return nil, errors.New("refused") }, true},
		"status 500, page":  {func() (*http.Response, error) { return reply(500, "<html>"), nil }, true},
		"status 502, empty": {func() (*http.Response, error) { return reply(502, ""), nil }, true},
		"status 503":        {func() (*http.Response, error) { return reply(503, ""), nil }, true},
		"code 1":            {func() (*http.Response, error) { return reply(500, `{"code":1}`), nil }, true},
		"code 1 as 200":     {func() (*http.Response, error) { return reply(200, `{"code":1}`), nil }, true},
		"code 2":            {func() (*http.Response, error) { return reply(504, `{"code":2}`), nil }, true},
		"code 4":            {func() (*http.Response, error) { return reply(401, `{"code":4}`), nil }, false},
		"code 5":            {func() (*http.Response, error) { return reply(400, `{"code":5}`), nil }, false},
		"code 400":          {func() (*http.Response, error) { return reply(400, `{"code":400}`), nil }, false},
		"code 8":            {func() (*http.Response, error) { return reply(429, `{"code":8}`), nil }, false},
		"code 2007":         {func() (*http.Response, error) { return reply(403, `{"code":2007}`), nil }, false},
		"page with 200":     {func() (*http.Response, error) { return reply(200, "<html>"), nil }, false},
		"empty with 200":    {func() (*http.Response, error) { return reply(200, ""), nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &script{answer: func(_ string, n int) (*http.Response, error) {
					if n == 1 {
						return c.first()
					}
					return reply(200, goodToken), nil
				}}
				start := time.Now()
				err := mint(t.Context(), newToy(t, cloud))
				if !c.again {
					if err == nil {
						t.Error("Mint = nil, want the first answer's error")
					}
					cloud.wantAsked(t, primary)
					return
				}
				if err != nil {
					t.Errorf("Mint = %v, want the second attempt's token", err)
				}
				cloud.wantAsked(t, primary, backup)
				if took := time.Since(start); took < retryAfterLeast || took > retryAfterMost {
					t.Errorf("the second attempt came after %v, want %v to %v", took, retryAfterLeast, retryAfterMost)
				}
			})
		})
	}
}

func TestACallMakesTwoAttemptsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &script{answer: func(string, int) (*http.Response, error) { return reply(503, ""), nil }}
		wantKind(t, mint(t.Context(), newToy(t, cloud)), im.Unavailable)
		cloud.wantAsked(t, primary, backup)
		// A private cloud has no other host; the second attempt goes there too.
		wantKind(t, mint(t.Context(), newToy(t, cloud, at("https://im.example.com"))), im.Unavailable)
		cloud.wantAsked(t, "im.example.com", "im.example.com")
	})
}

func TestTheChoiceOfHostSticksForHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := primary
		cloud := &script{answer: func(host string, _ int) (*http.Response, error) {
			if host == down {
				return nil, errors.New("refused")
			}
			return reply(200, goodToken), nil
		}}
		c := newToy(t, cloud)
		call := func() {
			t.Helper()
			if err := mint(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		call()
		cloud.wantAsked(t, primary, backup)
		call()
		cloud.wantAsked(t, backup)
		down = backup
		call()
		cloud.wantAsked(t, backup, primary)
		call() // too early to move again
		cloud.wantAsked(t, backup, primary)
		time.Sleep(flipEvery)
		call()
		cloud.wantAsked(t, backup, primary)
		call()
		cloud.wantAsked(t, primary)
	})
}

func TestEachAttemptHasItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newToy(t, cloudFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == primary {
				return hang(r)
			}
			return reply(200, goodToken), nil
		}), func(cfg *toy) { cfg.timeout = 2 * time.Second })
		start := time.Now()
		if err := mint(t.Context(), c); err != nil {
			t.Errorf("Mint with a hanging primary = %v, want the backup's token", err)
		}
		if took := time.Since(start); took < 2*time.Second || took > 2*time.Second+retryAfterMost {
			t.Errorf("took %v, want the timeout of 2s and a little", took)
		}
	})
}

func TestTheCallersDeadlineAlwaysWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{leastAttempt, 300 * time.Millisecond, 1500 * time.Millisecond, 7 * time.Second} {
			c := newToy(t, cloudFunc(hang))
			ctx, stop := context.WithTimeout(t.Context(), d)
			start := time.Now()
			e := wantKind(t, mint(ctx, c), im.Unknown)
			stop()
			if !errors.Is(e, context.DeadlineExceeded) {
				t.Errorf("error = %v, want DeadlineExceeded in its chain", e)
			}
			if took := time.Since(start); took > d {
				t.Errorf("with %v to spare took %v", d, took)
			}
		}
	})
}

func TestNoAttemptThatCannotEndInTimeIsBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &script{answer: func(string, int) (*http.Response, error) { return reply(500, ""), nil }}
		c := newToy(t, cloud)
		// Time for one attempt and none for the pause before a second.
		ctx, stop := context.WithTimeout(t.Context(), leastAttempt+retryAfterMost-time.Millisecond)
		defer stop()
		start := time.Now()
		wantKind(t, mint(ctx, c), im.Unknown)
		cloud.wantAsked(t, primary)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v, want no pause before an attempt that is not made", took)
		}
		// No time at all: nothing is sent, and that is certain.
		ctx, stop = context.WithTimeout(t.Context(), leastAttempt-time.Millisecond)
		defer stop()
		if e := wantKind(t, mint(ctx, c), im.Unavailable); !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("error = %v, want DeadlineExceeded in its chain", e)
		}
		cloud.wantAsked(t)
	})
}

// The first attempt may have happened, whatever the second says of itself.
func TestUncertaintyOutlivesTheSecondAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		second string
		status int
		want   im.Kind
	}{
		"not done":       {"", 503, im.Unknown},
		"throttled":      {`{"code":8}`, 429, im.Unknown},
		"unknown again":  {"", 502, im.Unknown},
		"a clear refuse": {`{"code":4}`, 401, im.Unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &script{answer: func(_ string, n int) (*http.Response, error) {
					if n == 1 {
						return nil, errors.New("reset")
					}
					return reply(c.status, c.second), nil
				}}
				wantKind(t, mint(t.Context(), newToy(t, cloud)), c.want)
				cloud.wantAsked(t, primary, backup)
			})
		})
	}
}

func TestTheBreakerOpensInAnOutageAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := false
		cloud := &script{answer: func(string, int) (*http.Response, error) {
			if up {
				return reply(200, goodToken), nil
			}
			return nil, errors.New("reset")
		}}
		c := newToy(t, cloud)
		for i := range breakerCalls / 2 {
			if c.Breaker() != "closed" {
				t.Fatalf("the breaker is %s after %d calls, want closed", c.Breaker(), i)
			}
			wantKind(t, mint(t.Context(), c), im.Unknown)
		}
		if c.Breaker() != "open" {
			t.Fatalf("the breaker is %s after %d failed attempts, want open", c.Breaker(), breakerCalls)
		}
		cloud.asked = nil

		start := time.Now()
		e := wantKind(t, mint(t.Context(), c), im.Unavailable)
		if took := time.Since(start); took != 0 || e.RetryAfter <= 0 || e.RetryAfter > breakerOpen*6/5 {
			t.Errorf("told after %v to come again in %v, want at once and up to %v", took, e.RetryAfter, breakerOpen*6/5)
		}
		cloud.wantAsked(t)

		// A probe that fails opens it again.
		time.Sleep(e.RetryAfter)
		wantKind(t, mint(t.Context(), c), im.Unknown)
		if n := len(cloud.asked); n != 1 {
			t.Errorf("%d attempts while probing, want 1", n)
		}
		if c.Breaker() != "open" {
			t.Errorf("the breaker is %s after a failed probe, want open", c.Breaker())
		}

		// Two that work close it.
		up = true
		time.Sleep(wantKind(t, mint(t.Context(), c), im.Unavailable).RetryAfter)
		for _, want := range []string{"half-open", "closed"} {
			if err := mint(t.Context(), c); err != nil {
				t.Errorf("a probe = %v, want no error", err)
			}
			if c.Breaker() != want {
				t.Errorf("the breaker is %s, want %s", c.Breaker(), want)
			}
		}
	})
}

func TestAnOutageEmptiesTheQueueAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &script{answer: func(string, int) (*http.Response, error) { return reply(503, ""), nil }}
		c := newToy(t, cloud)
		for range breakerCalls {
			_ = mint(t.Context(), c)
		}
		start := time.Now()
		for _, err := range burst(t, c, t.Context(), 1000) {
			wantKind(t, err, im.Unavailable)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("1000 callers waited %v for nothing, want no wait", took)
		}
	})
	// Those who were in the queue before it opened do not stay in it either.
	synctest.Test(t, func(t *testing.T) {
		cloud := &script{answer: func(string, int) (*http.Response, error) { return reply(503, ""), nil }}
		start := time.Now()
		for _, err := range burst(t, newToy(t, cloud), t.Context(), 1000) {
			wantKind(t, err, im.Unavailable)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("1000 callers waited %v for an outage that was known after %d attempts, want less than 1s", took, breakerCalls)
		}
	})
}

func TestRefusalsDoNotOpenTheBreaker(t *testing.T) {
	for _, body := range []string{`{"code":400}`, `{"code":5}`, `{"code":4}`, `{"code":2007}`, `{"code":8}`} {
		synctest.Test(t, func(t *testing.T) {
			c := newToy(t, always(200, body))
			for range 3 * breakerCalls {
				if mint(t.Context(), c) == nil {
					t.Fatal("Mint = nil, want the refusal")
				}
			}
			if c.Breaker() != "closed" {
				t.Errorf("the breaker is %s after many answers %s, want closed", c.Breaker(), body)
			}
		})
	}
}

// Callers who hang up are no outage; and their calls are no proof of health.
func TestLeavingCallersNeitherOpenNorCloseTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := false
		c := newToy(t, cloudFunc(func(r *http.Request) (*http.Response, error) {
			if broken {
				return reply(503, ""), nil
			}
			return hang(r)
		}))
		leave := func() {
			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, stop)
			if err := mint(ctx, c); !errors.Is(err, context.Canceled) {
				t.Fatalf("error = %v, want Canceled in its chain", err)
			}
		}
		for range 3 * breakerCalls {
			leave()
		}
		if c.Breaker() != "closed" {
			t.Fatalf("the breaker is %s after callers left, want closed", c.Breaker())
		}
		broken = true
		for c.Breaker() == "closed" {
			_ = mint(t.Context(), c)
		}
		broken = false
		time.Sleep(2 * breakerOpen)
		up, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		leave()
		if wantKind(t, mint(up, c), im.Unavailable); c.Breaker() == "closed" {
			t.Error("the breaker closed because a probing caller left, want proof")
		}
	})
}

func TestALocalRefusalKeepsWhatTheCloudSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &script{answer: func(string, int) (*http.Response, error) { return nil, errors.New("reset by peer") }}
		c := newToy(t, cloud)
		// The attempt that opens the breaker is the first of its call.
		c.policy.breaker.RecordFailure()
		var last *im.Error
		for c.Breaker() == "closed" {
			last = wantKind(t, mint(t.Context(), c), im.Unknown)
		}
		if !strings.Contains(last.Message, "reset by peer") || len(cloud.asked) != breakerCalls-1 {
			t.Errorf("after %d attempts the error is %v, want the cloud's own after %d", len(cloud.asked), last, breakerCalls-1)
		}
	})
}
