package outbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"imbridge/tokens/im"
)

const (
	// firstDelay and maxDelay bound the waits between attempts; see Rule.
	firstDelay = time.Second
	maxDelay   = 5 * time.Minute
	// awayDelay bounds them while the cloud is away: the Runner then tries one row
	// at a time, and when the cloud is back nobody should wait for long.
	awayDelay = 16 * time.Second
	// credentialsDelay is how often a row is tried while our key or secret is
	// refused, which is nothing that the row could help.
	credentialsDelay = time.Minute
	// conflictTries is how often a refusal that may be about a moment's state is
	// tried before it counts as final.
	conflictTries = 3
	// inTheWay begins the reasons of such refusals.
	inTheWay = "the cloud's state is in the way ("
	// mayArrive begins the reasons of failures after which a call of this row may
	// still be on its way to the cloud.
	mayArrive = "a call without an answer may still arrive; "
	// toldOnce is beside a row that was told after one.
	toldOnce = mayArrive + "this was told since, and is told once more when that has arrived"
	// arriveTime is for how long one may: the cloud has what waits in a queue of
	// its own that long after nobody listens any more, or it is lost.
	arriveTime = 30 * time.Second
)

// A Ruling is what becomes of a row whose delivery failed.
type Ruling struct {
	// Bury gives up until an admin acts.
	Bury bool
	// After is when to try again otherwise.
	After time.Duration
	// Reason is for an admin, with what they can do. It holds no secret.
	Reason string
}

// Rule judges the failure of the attempt with number attempt, from 1. What may
// pass by itself is tried again for ever: after the n-th failure at a time drawn
// evenly between nothing and 2^n s, at most 5 min (so at most 2, 4, 8, 16, 32,
// 64, 128, 256 s, and 5 min from then on), but never sooner than the cloud asks
// for, and then spread over as much again by half. While the cloud is away the
// longest wait is 16 s in place of 5 min. A refused key or secret is
// tried each minute, give or take half. What will not pass is buried, and so is,
// from the third attempt on, what may be about a moment's state and was refused for
// that the last time, too: before is the Reason of the failure before this one,
// "" where there was none.
func Rule(err error, attempt int64, before string) Ruling {
	earlier, flying := strings.CutPrefix(before, mayArrive)
	r := rule(err, attempt, earlier)
	if !r.Bury && (flying || im.KindOf(err) == im.Unknown) {
		r.Reason = mayArrive + r.Reason
	}
	return r
}

func rule(err error, attempt int64, before string) Ruling {
	var e *im.Error
	if !errors.As(err, &e) {
		// The database, or a mistake of ours.
		return Ruling{After: backoff(attempt, maxDelay), Reason: "not delivered: " + err.Error()}
	}
	what := fmt.Sprintf("%s: code %d, HTTP %d", e.Op, e.Code, e.HTTPStatus)
	switch e.Kind {
	case im.Unauthorized:
		return Ruling{After: credentialsDelay/2 + rand.N(credentialsDelay), Reason: "the cloud refuses our app key or secret (" + what + "): correct the settings; it is tried each minute"}
	case im.Quota:
		return Ruling{Bury: true, Reason: "a limit of the cloud's plan is reached (" + what + "): raise it there, then retry"}
	case im.Invalid:
		return Ruling{Bury: true, Reason: "the cloud refuses this as it is (" + what + "): " + e.Message + "; mend what it names, then retry"}
	case im.UnknownUser, im.Conflict:
		// Attempts that met an outage say nothing about the state.
		if attempt >= conflictTries && strings.HasPrefix(before, inTheWay) {
			return Ruling{Bury: true, Reason: "the cloud's state is in the way (" + what + "): " + e.Message + "; reconcile, then retry"}
		}
		return Ruling{After: backoff(attempt, maxDelay), Reason: "the cloud's state is in the way (" + what + "): " + e.Message + "; it is tried again"}
	}
	most := maxDelay
	if e.Kind == im.Unavailable {
		most = awayDelay
	}
	after := backoff(attempt, most)
	if e.RetryAfter > 0 {
		after = max(after, e.RetryAfter+rand.N(e.RetryAfter/2+1))
	}
	return Ruling{After: after, Reason: "the cloud did not take it (" + what + ", " + string(e.Kind) + "); it is tried again"}
}

// backoff is full jitter below 2^attempt seconds and most.
func backoff(attempt int64, most time.Duration) time.Duration {
	return rand.N(min(firstDelay<<min(attempt, 20), most))
}
