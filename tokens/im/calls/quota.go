package calls

import (
	"context"
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
// average. Callers queue at the door; whoever is first waits for the pace,
// which spreads calls evenly, and for a slot. Slots make the limit hold at the
// cloud's end too: each call keeps its slot from before it is sent until one
// window after it ended, so two calls that used the same slot arrive more than
// a window apart, however the network or a busy machine bunches them. The
// price: a slow cloud is called less often.
//
// The door is there because a place in the limiter's own queue cannot be given
// back whole: callers who leave would use up turns that nobody takes.
type quota struct {
	door  *semaphore.Weighted
	pace  *rate.Limiter
	slots *semaphore.Weighted
	now   func() time.Time

	mu     sync.Mutex
	queued int       // at the door, the first one included
	until  time.Time // the cloud asked for silence until then
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
		door:  semaphore.NewWeighted(1),
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
// deadline of ctx, or what ctx says when it ends while waiting. As soon as
// shut returns an error everybody in the queue gets it: nobody should wait for
// a turn that leads nowhere.
func (q *quota) acquire(ctx context.Context, shut func() error) (release func(), err error) {
	if err := q.join(ctx); err != nil {
		return nil, err
	}
	defer q.leave()
	inTime, stop := ctx, func() {}
	if end, ok := ctx.Deadline(); ok {
		// Half, so that who passed join has some time for an empty queue.
		inTime, stop = context.WithDeadline(ctx, end.Add(-leastAttempt/2))
	}
	defer stop()
	if err := q.turn(inTime, shut); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := shut(); err != nil {
			return nil, err
		}
		// It took longer than it seemed: the cloud answers slowly.
		return nil, &tooLate{max(q.wait(), window)}
	}
	return func() {
		time.AfterFunc(window, func() { q.slots.Release(1) })
	}, nil
}

// join enters the queue, unless the turn would come too late.
func (q *quota) join(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := q.expect(q.queued + 1)
	switch {
	case fits(ctx, wait):
	case wait == 0:
		return context.DeadlineExceeded // not the quota's doing
	default:
		return &tooLate{wait}
	}
	q.queued++
	return nil
}

func (q *quota) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queued--
}

// turn returns when it is the caller's.
func (q *quota) turn(ctx context.Context, shut func() error) error {
	if err := q.door.Acquire(ctx, 1); err != nil {
		return err
	}
	defer q.door.Release(1)
	if err := shut(); err != nil {
		return err
	}
	for d := q.paused(); d > 0; d = q.paused() {
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
	if err := q.pace.Wait(ctx); err != nil {
		return err
	}
	return q.slots.Acquire(ctx, 1)
}

// wait is how long somebody would wait who came now.
func (q *quota) wait() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.expect(q.queued + 1)
}

// expect is how long the nth in the queue waits, for a cloud that answers
// fast. The lock is held.
func (q *quota) expect(n int) time.Duration {
	missing := float64(n) - q.pace.Tokens()
	paced := time.Duration(missing / float64(q.pace.Limit()) * float64(time.Second))
	return max(0, paced, q.until.Sub(q.now()))
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
