package calls

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"imbridge/tokens/im"
)

// The numbers of the policy stack, all in one place.
const (
	// leastAttempt is the time below which an attempt is not begun: it would
	// most likely end as "nobody knows whether it happened".
	leastAttempt = 50 * time.Millisecond

	retryAfterLeast = 50 * time.Millisecond
	retryAfterMost  = 150 * time.Millisecond

	// The breaker opens when half of at least breakerCalls attempts within
	// breakerWindow failed, and lets breakerProbes through after breakerOpen.
	breakerRate   = 0.5
	breakerCalls  = 20
	breakerWindow = 10 * time.Second
	breakerOpen   = 3 * time.Second
	breakerProbes = 2
)

// A Class is a group of calls that share one documented limit. Where the
// documentation leaves open whether neighbours share theirs, they share here.
type Class string

// An Op is one call of a server API. It must be safe to repeat.
type Op struct {
	// Path names it in errors and metrics: never one with a person's id in it.
	Path  string
	Class Class
}

// An Outcome is what one attempt brought.
type Outcome struct {
	// Err is nil when the cloud did what it was asked.
	Err *im.Error
	// Again: the failure is one that another attempt, at another host, may not
	// meet: no connection, no answer, 5xx.
	Again bool
}

// label is the outcome's name in metrics.
func (o Outcome) label() string {
	if o.Err != nil {
		return string(o.Err.Kind)
	}
	return "ok"
}

// An Observer hears of each attempt after it ended: the op's path, "ok" or the
// im.Kind of the failure, and how long it took; zero for one that quota or
// breaker held back.
type Observer func(op, outcome string, took time.Duration)

// A Policy decides whether, when, where and how often a call is sent: retry
// around (quota, then breaker) around one attempt. Callers' deadlines are on
// the machine's clock, so all of it is, and no client's Now has a part in it.
type Policy struct {
	cloud   string
	hosts   *hosts
	quotas  map[Class]*quota
	retry   retrypolicy.RetryPolicy[Outcome]
	breaker circuitbreaker.CircuitBreaker[Outcome]
	now     func() time.Time
}

// NewPolicy is the one of a cloud's client. Hosts are one address, or a primary
// and its backup; perSecond is what the cloud lets one app do in a second, of
// which percent is ours.
func NewPolicy(cloud string, list []string, perSecond map[Class]int, percent int) *Policy {
	p := &Policy{
		cloud:  cloud,
		hosts:  &hosts{list: list, now: time.Now},
		quotas: make(map[Class]*quota),
		now:    time.Now,
		retry: retrypolicy.NewBuilder[Outcome]().
			HandleIf(func(o Outcome, _ error) bool { return o.Again }).
			WithMaxAttempts(2).
			WithRandomDelay(retryAfterLeast, retryAfterMost).
			ReturnLastFailure().
			Build(),
	}
	p.breaker = circuitbreaker.NewBuilder[Outcome]().
		HandleIf(func(o Outcome, _ error) bool { return p.troubled(o) }).
		WithFailureRateThreshold(breakerRate, breakerCalls, breakerWindow).
		WithDelay(breakerOpen).
		WithJitterFactor(0.2).
		WithSuccessThreshold(breakerProbes).
		Build()
	for c, limit := range perSecond {
		p.quotas[c] = newQuota(limit, percent)
	}
	return p
}

// troubled tells failures of the cloud from refusals, which prove that it is
// well. A caller who went away proves nothing: it does not help to open the
// breaker, and does not help to close it.
func (p *Policy) troubled(o Outcome) bool {
	if o.Err == nil || o.Err.Kind != im.Unavailable && o.Err.Kind != im.Unknown {
		return false
	}
	return !errors.Is(o.Err.Err, context.Canceled) || !p.breaker.IsClosed()
}

// Breaker is "closed" while calls go through, "open" while none do, and
// "half-open" while a few try.
func (p *Policy) Breaker() string { return p.breaker.State().String() }

// Run makes at most two attempts with send and never outlives ctx. After a
// success the last of them was the one that succeeded.
func (p *Policy) Run(ctx context.Context, o Op, observe Observer, send func(ctx context.Context, base string) Outcome) *im.Error {
	var last Outcome
	base := ""
	unsure := false // an earlier attempt may have happened
	attempt := func() (Outcome, error) {
		retrying := base != ""
		if retrying {
			base = p.hosts.other(base)
		} else {
			base = p.hosts.pick()
		}
		got, refused := p.attempt(ctx, o, base, func(ctx context.Context, base string) Outcome {
			start := p.now()
			got := send(ctx, base)
			observe(o.Path, got.label(), p.now().Sub(start))
			return got
		})
		if refused {
			observe(o.Path, got.label(), 0)
		}
		if refused && retrying {
			// What the cloud did says more than what we then did not send.
			last.Again = false
			return last, nil
		}
		if got.Err != nil && unsure && (got.Err.Kind == im.Unavailable || got.Err.Kind == im.Throttled) {
			got.Err.Kind = im.Unknown
		}
		unsure = got.Err != nil && got.Err.Kind == im.Unknown
		got.Again = got.Again && fits(ctx, retryAfterMost)
		last = got
		return got, nil
	}
	// The executor's own result is not needed: it differs from last only
	// where ctx ended, and last says how.
	_, _ = failsafe.With(p.retry).WithContext(ctx).Get(attempt)
	return last.Err
}

// attempt sends once if quota and breaker let it; refused if they do not.
func (p *Policy) attempt(ctx context.Context, o Op, base string, send func(ctx context.Context, base string) Outcome) (got Outcome, refused bool) {
	q := p.quotas[o.Class]
	release, err := q.acquire(ctx, p.shut)
	if err != nil {
		return Outcome{Err: p.unsent(o, err)}, true
	}
	defer release()
	got, err = failsafe.With(p.breaker).Get(func() (Outcome, error) { return send(ctx, base), nil })
	if err != nil {
		return Outcome{Err: p.unsent(o, err)}, true
	}
	if got.Err != nil && got.Err.Kind == im.Throttled {
		q.pause(got.Err.RetryAfter)
	}
	if got.Again || got.Err != nil && errors.Is(got.Err.Err, context.DeadlineExceeded) {
		p.hosts.failed(base)
	}
	return got, false
}

// shut is circuitbreaker.ErrOpen while the breaker lets nothing through.
func (p *Policy) shut() error {
	if p.breaker.IsOpen() && p.breaker.RemainingDelay() > 0 {
		return circuitbreaker.ErrOpen
	}
	return nil
}

// unsent is the answer to a caller whose attempt was not made.
func (p *Policy) unsent(o Op, err error) *im.Error {
	e := &im.Error{Cloud: p.cloud, Op: o.Path, Kind: im.Unavailable, Message: "not sent: " + err.Error()}
	var late *tooLate
	switch {
	case errors.Is(err, circuitbreaker.ErrOpen):
		e.Message = "not sent: the cloud failed too often just now"
		// Nothing remains while the probes are under way.
		e.RetryAfter = cmp.Or(p.breaker.RemainingDelay(), time.Second)
	case errors.As(err, &late):
		e.Kind, e.RetryAfter = im.Throttled, late.wait
	default:
		e.Err = err
	}
	return e
}
