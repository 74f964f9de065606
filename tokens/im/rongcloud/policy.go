package rongcloud

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

// outcome is what one attempt brought.
type outcome struct {
	answer answer
	err    *im.Error
	// again: the failure is one that another attempt, at another host, may
	// not meet: no connection, no answer, 5xx, codes 1000 and 1050.
	again bool
}

// label is the outcome's name in metrics.
func (o outcome) label() string {
	if o.err != nil {
		return string(o.err.Kind)
	}
	return "ok"
}

// policy decides whether, when, where and how often a call is sent: retry
// around (quota, then breaker) around one attempt. Callers' deadlines are on
// the machine's clock, so all of it is, and Client.Now has no part in it.
type policy struct {
	hosts   *hosts
	quotas  map[class]*quota
	retry   retrypolicy.RetryPolicy[outcome]
	breaker circuitbreaker.CircuitBreaker[outcome]
	now     func() time.Time
}

func newPolicy(list []string, percent int) *policy {
	p := &policy{
		hosts:  &hosts{list: list, now: time.Now},
		quotas: make(map[class]*quota),
		now:    time.Now,
		retry: retrypolicy.NewBuilder[outcome]().
			HandleIf(func(o outcome, _ error) bool { return o.again }).
			WithMaxAttempts(2).
			WithRandomDelay(retryAfterLeast, retryAfterMost).
			ReturnLastFailure().
			Build(),
	}
	p.breaker = circuitbreaker.NewBuilder[outcome]().
		HandleIf(func(o outcome, _ error) bool { return p.troubled(o) }).
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
func (p *policy) troubled(o outcome) bool {
	if o.err == nil || o.err.Kind != im.Unavailable && o.err.Kind != im.Unknown {
		return false
	}
	return !errors.Is(o.err.Err, context.Canceled) || !p.breaker.IsClosed()
}

// run makes at most two attempts with send and never outlives ctx.
func (p *policy) run(ctx context.Context, o op, send func(ctx context.Context, base string) outcome, observe func(op, outcome string, took time.Duration)) outcome {
	var last outcome
	base := ""
	unsure := false // an earlier attempt may have happened
	attempt := func() (outcome, error) {
		retrying := base != ""
		if retrying {
			base = p.hosts.other(base)
		} else {
			base = p.hosts.pick()
		}
		got, refused := p.attempt(ctx, o, base, func(ctx context.Context, base string) outcome {
			start := p.now()
			got := send(ctx, base)
			observe(o.path, got.label(), p.now().Sub(start))
			return got
		})
		if refused {
			observe(o.path, got.label(), 0)
		}
		if refused && retrying {
			// What the cloud did says more than what we then did not send.
			last.again = false
			return last, nil
		}
		if got.err != nil && unsure && (got.err.Kind == im.Unavailable || got.err.Kind == im.Throttled) {
			got.err.Kind = im.Unknown
		}
		unsure = got.err != nil && got.err.Kind == im.Unknown
		got.again = got.again && fits(ctx, retryAfterMost)
		last = got
		return got, nil
	}
	// The executor's own result is not needed: it differs from last only
	// where ctx ended, and last says how.
	_, _ = failsafe.With(p.retry).WithContext(ctx).Get(attempt)
	return last
}

// attempt sends once if quota and breaker let it; refused if they do not.
func (p *policy) attempt(ctx context.Context, o op, base string, send func(ctx context.Context, base string) outcome) (got outcome, refused bool) {
	q := p.quotas[o.class]
	release, err := q.acquire(ctx, p.shut)
	if err != nil {
		return outcome{err: p.unsent(o, err)}, true
	}
	defer release()
	got, err = failsafe.With(p.breaker).Get(func() (outcome, error) { return send(ctx, base), nil })
	if err != nil {
		return outcome{err: p.unsent(o, err)}, true
	}
	if got.err != nil && got.err.Kind == im.Throttled {
		q.pause(got.err.RetryAfter)
	}
	if got.again || got.err != nil && errors.Is(got.err.Err, context.DeadlineExceeded) {
		p.hosts.failed(base)
	}
	return got, false
}

// shut is circuitbreaker.ErrOpen while the breaker lets nothing through.
func (p *policy) shut() error {
	if p.breaker.IsOpen() && p.breaker.RemainingDelay() > 0 {
		return circuitbreaker.ErrOpen
	}
	return nil
}

// unsent is the answer to a caller whose attempt was not made.
func (p *policy) unsent(o op, err error) *im.Error {
	e := &im.Error{Cloud: name, Op: o.path, Kind: im.Unavailable, Message: "not sent: " + err.Error()}
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
