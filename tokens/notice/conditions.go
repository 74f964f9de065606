package notice

import (
	"context"
	"fmt"
	"time"

	"imbridge/models"
	"imbridge/tokens/im"
)

// Kinds of notices. They stand in databases and in receivers' code, for ever.
const (
	KindBuried       = "buried"
	KindOutboxStuck  = "outbox_stuck"
	KindBreakerOpen  = "breaker_open"
	KindRefusedSpike = "refused_spike"
	KindCredentials  = "credentials"
	KindRegistration = models.NoticeRegistration
)

// Title of a kind in a few words.
func Title(kind string) string {
	switch kind {
	case KindBuried:
		return "Changes were given up on and did not reach the IM cloud"
	case KindOutboxStuck:
		return "Changes wait too long for the IM cloud"
	case KindBreakerOpen:
		return "The IM cloud fails, and calls to it are held back"
	case KindRefusedSpike:
		return "The IM cloud refuses the tokens of many people"
	case KindCredentials:
		return "The IM cloud does not accept our app key and secret"
	case KindRegistration: // raised by handlers
		return "Registrations are taken back, for the IM cloud gives no tokens"
	case "drift": // raised by tokens/reconcile
		return "People differ between imbridge and the IM cloud"
	case "audit_head": // raised where the audit is sealed
		return "The audit can no longer be sealed"
	case "test":
		return "A test notice"
	}
	return "Something needs an admin"
}

// outboxSubject is what notices about the outbox are about.
const outboxSubject = "outbox"

// An OutboxState is how the outbox stands.
type OutboxState struct {
	// Waiting rows are still to be delivered, Buried ones were given up.
	Waiting, Buried int64
	// Oldest is for how long the oldest waiting row has been due; zero: none is.
	Oldest time.Duration
}

// A finding is what one look at one condition found.
type finding struct {
	kind, subject string
	// bad: it is so; otherwise it is not. What nobody can tell is no finding.
	bad           bool
	message, cure string
}

func (w *Watcher) lookAtOutbox(ctx context.Context) ([]finding, error) {
	if w.Outbox == nil {
		return nil, nil
	}
	state, err := w.Outbox(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the outbox: %w", err)
	}
	return []finding{
		{kind: KindBuried, subject: outboxSubject, bad: state.Buried > 0,
			message: fmt.Sprintf("%s buried: imbridge has stopped trying to tell the IM cloud of them, and the cloud still has it otherwise.", rows(state.Buried)),
			cure:    "Read the reasons: imbridge admin queue list --state buried. Mend what they name, then retry the rows; drop those that no longer matter."},
		{kind: KindOutboxStuck, subject: outboxSubject, bad: state.Oldest > w.OutboxAge,
			message: fmt.Sprintf("The oldest of %s waiting for the IM cloud has been due for %s; more than %s is too long.",
				rows(state.Waiting), state.Oldest.Truncate(time.Second), w.OutboxAge),
			cure: "Look at imbridge_cloud_calls_total by outcome. Unavailable: wait for the cloud. Throttled: more is changed than its limits let through. " +
				"Unauthorized: run imbridge doctor. All well there: see whether any imbridge process still runs."},
	}, nil
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func (w *Watcher) lookAtBreaker() []finding {
	if w.Breaker == nil {
		return nil
	}
	state := w.Breaker()
	if state == "half-open" {
		return nil // it is trying; the next look knows
	}
	return []finding{{kind: KindBreakerOpen, subject: w.Cloud, bad: state == "open",
		message: "Half of the calls to the IM cloud failed within seconds, so that imbridge holds them back and tries a few now and then. Stored tokens are still handed out.",
		cure:    "See the cloud's status page and the network between it and this machine (imbridge doctor). Calls go through again by themselves when the cloud answers."}}
}

const (
	// refusedWindow is how far back refused tokens are counted.
	refusedWindow = 5 * time.Minute
	// defaultRefusedMost is how many of them are no cause for worry: tokens
	// revoked on purpose are refused, too.
	defaultRefusedMost = 50
)

// A count is what a counter stood at.
type count struct {
	at time.Time
	n  int64
}

func (w *Watcher) lookAtRefused() []finding {
	if w.Refused == nil {
		return nil
	}
	now := w.Now()
	w.refused = append(w.refused, count{now, w.Refused()})
	for len(w.refused) > 1 && !w.refused[1].at.After(now.Add(-refusedWindow)) {
		w.refused = w.refused[1:]
	}
	first, last := w.refused[0], w.refused[len(w.refused)-1]
	most := w.RefusedMost
	if most <= 0 {
		most = defaultRefusedMost
	}
	return []finding{{kind: KindRefusedSpike, subject: w.Cloud, bad: last.n-first.n > most,
		message: fmt.Sprintf("%d new tokens were minted in the last %s in one process because clients report that the IM cloud refuses the ones they have; up to %d is usual.",
			last.n-first.n, max(last.at.Sub(first.at), time.Second).Round(time.Second), most),
		cure: "Most often the token lifetime in the cloud's console is shorter than the one set here: compare it with im.rongcloud.console_lifetime and with the lifetimes that admins set (imbridge doctor does). " +
			"Otherwise the clients connect with another app key than imbridge's, or the app secret was changed at the cloud."}}
}

// lookAtCredentials asks the cloud itself, but only after a call was refused for
// its credentials, and until they are accepted again.
func (w *Watcher) lookAtCredentials(ctx context.Context) []finding {
	if w.Unauthorized == nil || w.Checker == nil {
		return nil
	}
	if n := w.Unauthorized(); n != w.unauthorized {
		w.unauthorized, w.suspect = n, true
	}
	f := finding{kind: KindCredentials, subject: w.Cloud}
	if !w.suspect {
		return []finding{f}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := w.Checker.Check(ctx)
	switch {
	case err == nil:
		w.suspect = false
		return []finding{f}
	case im.KindOf(err) != im.Unauthorized:
		return nil
	}
	f.bad = true
	f.message = "The IM cloud refuses imbridge's own calls: nobody gets a new token, and no change arrives there. Stored tokens are still handed out."
	f.cure = "Compare app key and app secret with the cloud's console (they are two), the data centre, and the list of allowed addresses there; see whether the app is suspended. imbridge doctor tries them."
	return []finding{f}
}

// checkTimeout bounds one check of the credentials.
const checkTimeout = 10 * time.Second

func (f finding) notice(quiet time.Duration) models.NewNotice {
	return models.NewNotice{Kind: f.kind, Subject: f.subject, Message: f.message, Cure: f.cure, Quiet: quiet}
}
