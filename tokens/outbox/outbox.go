package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"imbridge/models"
	"imbridge/tokens/im"
)

const (
	// DefaultLease is how long a claim lasts without a heartbeat. The rows of a
	// process that died are taken up by others after one lease and one poll.
	DefaultLease = 20 * time.Second
	// defaultWorkers deliver at the same time in one process: so many that half of
	// them, which changes between people may take, make 50 calls a second to a cloud
	// that takes 200 ms for each.
	defaultWorkers = 24
	// pollEvery is how often rows that are due are looked for without being
	// woken: those of other processes, and those that were put off.
	pollEvery = 2 * time.Second
	// attemptTime bounds one delivery.
	attemptTime = 15 * time.Second
	// pauseLeast and pauseMost bound how long nothing but one row at a time is
	// tried after the cloud was away.
	pauseLeast = time.Second
	pauseMost  = 10 * time.Second
	// landTime bounds the writing of a result.
	landTime = 5 * time.Second
)

// What the Runner tells Observe.
const (
	OutcomeDone   = "done"
	OutcomeAgain  = "again"  // failed, will be tried again
	OutcomeBuried = "buried" // failed for good
	OutcomeFenced = "fenced" // the lease was lost: the result was not written, and the row is due again
)

// A Runner delivers rows. Set its fields once; Run does the work.
type Runner struct {
	Store *models.Store
	// Kinds has the deliverer of each kind; rows of others are left alone.
	Kinds map[string]Deliverer
	// Lease of a claim; zero is DefaultLease.
	Lease time.Duration
	// Workers deliver at the same time; zero is twenty-four.
	Workers int
	// Process names this process in leases.
	Process string
	Now     func() time.Time
	Log     *slog.Logger
	// Observe, if set, is told how each delivery ended; see the Outcome constants.
	Observe func(kind, outcome string)

	claims  atomic.Int64
	pauseTo atomic.Int64 // microseconds; see paused
}

var errPanic = errors.New("a mistake in imbridge, which its log tells of")

// A Deliverer makes the cloud match today's truth about a subject. A nil error
// says that it does; see Rule for the others, and ComeBackError.
type Deliverer func(ctx context.Context, subject string) error

// A ComeBackError is a success that must be repeated at At.
type ComeBackError struct{ At time.Time }

func (e *ComeBackError) Error() string { return "come back at " + e.At.Format(time.RFC3339) }

// Run delivers until ctx ends, and then finishes what is under way.
func (r *Runner) Run(ctx context.Context) error {
	workers := r.Workers
	if workers == 0 {
		workers = defaultWorkers
	}
	o := r.road(workers)
	free := make(chan struct{}, workers)
	for range workers {
		free <- struct{}{}
	}
	var g errgroup.Group
	for round := 0; ctx.Err() == nil; round++ {
		// A lease runs from its claim: no more are claimed than can be begun now.
		room := 1
		select {
		case <-free:
		case <-ctx.Done():
			return g.Wait()
		}
		for more := true; more; {
			select {
			case <-free:
				room++
			default:
				more = false
			}
		}
		limit, paused := room, r.paused()
		if paused {
			limit = 1
		}
		rows, held, err := r.next(ctx, o, round, limit)
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "outbox not read", "err", err)
		}
		for _, row := range rows {
			g.Go(func() error {
				r.deliver(ctx, row)
				o.land(row.Kind)
				free <- struct{}{}
				return nil
			})
		}
		for range room - len(rows) {
			free <- struct{}{}
		}
		switch {
		case paused:
			r.rest(ctx)
		case len(rows) == room:
		case held:
			r.wait(ctx, o.landed)
		default:
			r.wait(ctx, nil)
		}
	}
	return g.Wait()
}

// paused tells that the cloud was away a moment ago: until it answers, one row at
// a time finds out, and the others are left as they are.
func (r *Runner) paused() bool { return r.Now().UnixMicro() < r.pauseTo.Load() }

// pause begins or goes on after a delivery that failed for the cloud's absence,
// and ends with one that did not.
func (r *Runner) pause(err error) {
	var e *im.Error
	if !errors.As(err, &e) || e.Kind != im.Unavailable {
		if err == nil {
			r.pauseTo.Store(0)
		}
		return
	}
	r.pauseTo.Store(r.Now().Add(min(max(e.RetryAfter, pauseLeast), pauseMost)).UnixMicro())
}

// rest is the time between two rows of a pause.
func (r *Runner) rest(ctx context.Context) {
	t := time.NewTimer(pauseLeast/2 + rand.N(pauseLeast/2))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// wait is over when this process writes a row, when landed tells, or at the next
// poll.
func (r *Runner) wait(ctx context.Context, landed <-chan struct{}) {
	t := time.NewTimer(pollEvery*3/4 + rand.N(pollEvery/2))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-r.Store.OutboxWritten():
	case <-landed:
	case <-t.C:
	}
}

func (r *Runner) lease() time.Duration {
	if r.Lease == 0 {
		return DefaultLease
	}
	return r.Lease
}

// claim gives each claim an owner of its own, so that two of one process are
// fenced from each other too, and begins with another kind each round: where there
// is room for one row only, each kind has its turn.
func (r *Runner) claim(ctx context.Context, kinds []string, round, limit int) ([]models.OutboxRow, error) {
	owner := r.Process + "/" + strconv.FormatInt(r.claims.Add(1), 36)
	if turn := round % max(1, len(kinds)); turn > 0 {
		kinds = append(slices.Clone(kinds[turn:]), kinds[:turn]...)
	}
	return r.Store.ClaimOutbox(ctx, kinds, owner, r.Now().Add(r.lease()), limit)
}

// deliver makes one attempt under the lease and writes its result under the
// lease. It goes on when Run's context ends: what was begun is worth knowing.
func (r *Runner) deliver(ctx context.Context, row models.OutboxRow) {
	ctx = context.WithoutCancel(ctx)
	attempt, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	beat, stop := context.WithCancel(attempt)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.heartbeat(beat, row, cancel)
	}()
	err := r.attempt(attempt, row)
	stop()
	<-ended
	r.pause(err)

	land, cancelLand := context.WithTimeout(ctx, landTime)
	defer cancelLand()
	outcome := OutcomeDone
	var back *ComeBackError
	var written error
	switch {
	case err == nil && r.overtaken(row):
		written = r.Store.PutOffOutbox(land, row, r.Now().Add(arriveTime), toldOnce)
	case err == nil:
		written = r.Store.FinishOutbox(land, row)
	case errors.As(err, &back):
		written = r.Store.ComeBackOutbox(land, row, back.At)
	default:
		ruling := Rule(err, row.Attempts, row.LastError)
		if ruling.Bury {
			outcome = OutcomeBuried
			written = r.Store.BuryOutbox(land, row, ruling.Reason)
		} else {
			outcome = OutcomeAgain
			written = r.Store.PutOffOutbox(land, row, r.Now().Add(ruling.After), ruling.Reason)
		}
		r.Log.WarnContext(land, "outbox row not delivered", "kind", row.Kind, "subject", row.Subject, "attempt", row.Attempts, "buried", ruling.Bury, "after", ruling.After, "err", err)
	}
	switch {
	case errors.Is(written, models.ErrStale):
		outcome = OutcomeFenced
		if err := r.Store.RepeatOutbox(land, row); err != nil {
			r.Log.WarnContext(land, "outbox row not repeated", "kind", row.Kind, "subject", row.Subject, "err", err)
		}
	case written != nil:
		// The lease runs out, and the row is delivered once more.
		r.Log.WarnContext(land, "outbox result not written", "kind", row.Kind, "subject", row.Subject, "err", written)
	}
	if r.Observe != nil {
		r.Observe(row.Kind, outcome)
	}
}

// overtaken tells that an earlier call may arrive after the one that was answered
// now, and say what was true then. Where the truth goes back and forth, it is told
// once more when that one must have arrived; what is told sooner, because the truth
// has changed again, does not count.
func (r *Runner) overtaken(row models.OutboxRow) bool {
	if !slices.Contains(flips, row.Kind) || !strings.HasPrefix(row.LastError, mayArrive) {
		return false
	}
	return row.LastError != toldOnce || r.Now().Sub(row.AttemptedAt) < arriveTime
}

// attempt delivers. A panic is this row's failure alone: without that, the row would
// come back and end one process after the other. What was said in panic may hold
// anything, and is not told.
func (r *Runner) attempt(ctx context.Context, row models.OutboxRow) (err error) {
	defer func() {
		if recover() != nil {
			r.Log.ErrorContext(ctx, "panic in a delivery", "kind", row.Kind, "subject", row.Subject, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return r.Kinds[row.Kind](ctx, row.Subject)
}

// heartbeat extends the lease until ctx ends, and calls lost when the lease is
// somebody else's.
func (r *Runner) heartbeat(ctx context.Context, row models.OutboxRow, lost func()) {
	t := time.NewTicker(r.lease() / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			err := r.Store.ExtendOutbox(ctx, row, r.Now().Add(r.lease()))
			if errors.Is(err, models.ErrStale) {
				lost()
				return
			}
		}
	}
}

// Deliver is one attempt for one row outside of the queue, for tests and tools.
func (r *Runner) Deliver(ctx context.Context, kind, subject string) error {
	d, ok := r.Kinds[kind]
	if !ok {
		return fmt.Errorf("no deliverer of kind %q", kind)
	}
	return d(ctx, subject)
}
