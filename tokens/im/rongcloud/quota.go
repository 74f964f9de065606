package rongcloud

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// window is the span that the cloud's limits count in.
const window = time.Second

// longestPause is how long the cloud can stop a class by one answer. A longer
// Retry-After is still told to the caller.
const longestPause = 30 * time.Second

// quota keeps one class of calls below its limit in any window, not only on
// average. Pace spreads calls evenly and knows how long the queue is. Slots
// make the limit hold at the cloud's end too: each call keeps its slot from
// before it is sent until one window after it ended, so two calls that used
// the same slot arrive more than a window apart, however the network or a
// busy machine bunches them. The price: a slow cloud is called less often.
type quota struct {
	pace  *rate.Limiter
	slots *semaphore.Weighted
	now   func() time.Time

	mu    sync.Mutex
	until time.Time // the cloud asked for silence until then
}

// newQuota allows percent of limit calls in a window, and less than limit.
func newQuota(limit, percent int) *quota {
	n := max(1, min(limit*percent/100, limit-1))
	burst := max(1, n/20)
	pace := rate.Limit(n - burst)
	if n == 1 {
		pace = 0.9 // burst and pace within a window make one call
	}
	return &quota{
		pace:  rate.NewLimiter(pace, burst),
		slots: semaphore.NewWeighted(int64(n)),
		now:   time.Now,
	}
}

// tooLate says that the caller's deadline ends before its turn comes.
type tooLate struct{ wait time.Duration }

func (e *tooLate) Error() string {
	return fmt.Sprintf("our share of the cloud's limit is used up for %s", e.wait.Round(time.Millisecond))
}

// acquire waits for a turn. Release must be called when the call has ended.
// The error is a *tooLate, at once, if the turn comes too late for the
// deadline of ctx, or what ctx says when it ends while waiting.
func (q *quota) acquire(ctx context.Context) (release func(), err error) {
	turn := q.pace.Reserve()
	wait := max(turn.Delay(), q.paused())
	for first := true; first || wait > 0; first = false {
		if !fits(ctx, wait) {
			turn.Cancel()
			return nil, &tooLate{wait}
		}
		if err := sleep(ctx, wait); err != nil {
			turn.Cancel()
			return nil, err
		}
		wait = q.paused() // somebody may have been told so meanwhile
	}
	if err := q.takeSlot(ctx); err != nil {
		return nil, err
	}
	return func() {
		time.AfterFunc(window, func() { q.slots.Release(1) })
	}, nil
}

func (q *quota) takeSlot(ctx context.Context) error {
	if q.slots.TryAcquire(1) {
		return nil
	}
	waiting := ctx
	if end, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		waiting, stop = context.WithDeadline(ctx, end.Add(-leastAttempt))
		defer stop()
	}
	if err := q.slots.Acquire(waiting, 1); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return &tooLate{window}
		}
		return err
	}
	return nil
}

// pause stops the class because the cloud said that it is too busy.
func (q *quota) pause(d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until := q.now().Add(min(d, longestPause)); until.After(q.until) {
		q.until = until
	}
}

func (q *quota) paused() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, q.until.Sub(q.now()))
}

// fits is true if an attempt that starts after d has a chance to end before
// the caller's deadline.
func fits(ctx context.Context, d time.Duration) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) >= d+leastAttempt
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
