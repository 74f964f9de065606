package calls

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/tokens/im"
)

// arrivals is a cloud that notes when calls reach it, some time after they
// were sent, and answers some time after that.
type arrivals struct {
	delay func() time.Duration

	mu sync.Mutex
	at []time.Time
}

func (a *arrivals) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(a.delay())
	a.mu.Lock()
	a.at = append(a.at, time.Now())
	a.mu.Unlock()
	time.Sleep(a.delay())
	return reply(200, goodToken), nil
}

// peak is the most arrivals in any second, both its ends included.
func (a *arrivals) peak() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.at, time.Time.Compare)
	most, from := 0, 0
	for to := range a.at {
		for a.at[to].Sub(a.at[from]) > time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

func burst(t *testing.T, c *toy, ctx context.Context, n int) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = mint(ctx, c) })
	}
	all.Wait()
	return errs
}

func TestQuotaHoldsInEveryWindowAtTheCloudsEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		percent int
		delay   func() time.Duration
		most    int           // in a second; documented: 200
		within  time.Duration // 2000 calls
	}{
		{"at once", 90, func() time.Duration { return 0 }, 180, 13 * time.Second},
		{"a steady network", 90, func() time.Duration { return 20 * time.Millisecond }, 180, 14 * time.Second},
		{"a network that bunches", 90, func() time.Duration { return time.Duration(rand.Int64N(int64(400 * time.Millisecond))) }, 180, 20 * time.Second},
		{"all of it is still below", 100, func() time.Duration { return 0 }, 199, 12 * time.Second},
		{"a small share", 1, func() time.Duration { return 0 }, 2, 2100 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &arrivals{delay: c.delay}
				client := newToy(t, cloud, func(cfg *toy) { cfg.percent = c.percent })
				start := time.Now()
				if err := errors.Join(burst(t, client, t.Context(), 2000)...); err != nil {
					t.Fatalf("2000 calls: %v, want all served", err)
				}
				if got := cloud.peak(); got > c.most {
					t.Errorf("%d calls arrived within a second, want at most %d", got, c.most)
				}
				if took := time.Since(start); took > c.within {
					t.Errorf("2000 calls took %v, want at most %v", took, c.within)
				}
				if len(cloud.at) != 2000 {
					t.Errorf("%d calls arrived, want 2000", len(cloud.at))
				}
			})
		})
	}
}

func TestQuotaOfOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(10, 10)
		start := time.Now()
		for range 5 {
			release, err := q.acquire(t.Context(), func() error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			release()
		}
		if took := time.Since(start); took <= 4*time.Second || took > 6*time.Second {
			t.Errorf("5 calls at 1 a second took %v, want more than 4s, at most 6s", took)
		}
	})
}

// A caller whose turn would come after its deadline hears so at once, and how
// long it really takes.
func TestACallThatWouldBeTooLateIsThrottledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &arrivals{delay: func() time.Duration { return 0 }}
		c := newToy(t, cloud)
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
		defer stop()
		var mu sync.Mutex
		served, late := 0, 0
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				start := time.Now()
				err := mint(ctx, c)
				took := time.Since(start)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					served++
					return
				}
				late++
				e := wantKind(t, err, im.Throttled)
				if took != 0 {
					t.Errorf("told after %v, want at once", took)
				}
				if e.RetryAfter < 2*time.Second-leastAttempt || e.RetryAfter > 3*time.Second {
					t.Errorf("RetryAfter = %v, want a bit more than the deadline", e.RetryAfter)
				}
			})
		}
		all.Wait()
		if served < 300 || late < 500 {
			t.Errorf("%d served and %d told to come later, want about 340 and 660", served, late)
		}
		// Whoever comes when told is served. The refused left no gap behind.
		time.Sleep(100 * time.Millisecond)
		soon, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer stop()
		if err := mint(soon, c); err != nil {
			t.Errorf("a call after the queue was served = %v, want no error", err)
		}
	})
}

func TestALeavingCallerLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &arrivals{delay: func() time.Duration { return 0 }}
		c := newToy(t, cloud)
		ctx, stop := context.WithCancel(t.Context())
		var errs []error
		done := make(chan struct{})
		go func() { errs = burst(t, c, ctx, 1000); close(done) }()
		time.Sleep(time.Second)
		stop()
		start := time.Now()
		<-done
		if took := time.Since(start); took != 0 {
			t.Errorf("callers left after %v, want at once", took)
		}
		left := 0
		for _, err := range errs {
			if err != nil {
				left++
				if e := wantKind(t, err, im.Unavailable); !errors.Is(e, context.Canceled) {
					t.Errorf("error = %v, want Canceled in its chain", err)
				}
			}
		}
		if left+len(cloud.at) != 1000 || len(cloud.at) > 190 {
			t.Errorf("%d left and %d were served in a second, want 1000 together and at most 190 served", left, len(cloud.at))
		}
		// Their turns are not kept for them.
		start = time.Now()
		if err := mint(t.Context(), c); err != nil || time.Since(start) > 100*time.Millisecond {
			t.Errorf("the next caller waited %v and got %v, want next to no wait", time.Since(start), err)
		}
	})
}

// The cloud says that it is too busy: nobody of the class is sent until then,
// other classes are.
func TestThrottledPausesItsClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sent := map[string]int{}
		throttle := true
		c := newToy(t, cloudFunc(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			sent[r.URL.Path]++
			if throttle {
				rep := reply(429, `{"code":8,"errorMessage":"too many"}`)
				rep.Header.Set("Retry-After", "7")
				return rep, nil
			}
			return reply(200, goodToken), nil
		}))
		if e := wantKind(t, mint(t.Context(), c), im.Throttled); e.RetryAfter != 7*time.Second || e.Code != 8 {
			t.Errorf("error = %+v, want code 8 and 7s", e)
		}
		throttle = false
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if e := wantKind(t, mint(short, c), im.Throttled); e.RetryAfter != 7*time.Second {
			t.Errorf("a caller with 1 s to spare is told %v, want 7s", e.RetryAfter)
		}
		if sent[opToken.Path] != 1 {
			t.Errorf("%d calls were sent, want 1 and then silence", sent[opToken.Path])
		}
		if err := c.call(t.Context(), opProfile); err != nil {
			t.Errorf("another call meanwhile = %v, want no error: its limit is another", err)
		}
		start := time.Now()
		if err := mint(t.Context(), c); err != nil {
			t.Errorf("a patient caller = %v, want no error", err)
		}
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("a patient caller waited %v, want 7s", took)
		}
	})
}

func TestAHostileRetryAfterStopsNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		c := newToy(t, cloudFunc(func(*http.Request) (*http.Response, error) {
			if first {
				first = false
				rep := reply(429, `{"code":8}`)
				rep.Header.Set("Retry-After", "86400")
				return rep, nil
			}
			return reply(200, goodToken), nil
		}))
		wantKind(t, mint(t.Context(), c), im.Throttled)
		start := time.Now()
		if err := mint(t.Context(), c); err != nil || time.Since(start) > longestPause {
			t.Errorf("the next call took %v and gave %v, want at most %v and no error", time.Since(start), err, longestPause)
		}
	})
}
