package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"imbridge/models"
	"imbridge/tokens/im"
)

const (
	// listsPage is for how many people a round of allow lists asks at once, and how
	// many of them may wait: enough to go on for seconds, and so few that a queue
	// stays readable.
	listsPage = 200
	// listsStep is the time between two pages.
	listsStep = time.Second
	// listsIdle is how often each process looks whether a round has begun.
	listsIdle = 10 * time.Second
	// listsAgain is how often a cloud that keeps no lists is asked again: the
	// service may have been bought.
	listsAgain = 5 * time.Minute
	// listsPatience bounds the question.
	listsPatience = 5 * time.Second
)

// Lists decides whether friends are to stand on each other's allow lists at a
// cloud that has those and keeps no friends itself, and has everybody's list made
// so when that changes. Set its fields once; Run does the work.
type Lists struct {
	Store *models.Store
	Cloud im.Cloud
	// Wanted: only friends may write to each other.
	Wanted bool
	Now    func() time.Time
	Log    *slog.Logger

	decided bool
	asked   time.Time
}

// HasAllowLists asks a cloud whether it keeps allow lists for the app. It asks for the
// list of somebody who should not exist.
func HasAllowLists(ctx context.Context, c im.Cloud) (bool, error) {
	a, able := allower(c)
	if !able {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, listsPatience)
	defer cancel()
	_, err := a.Allowed(ctx, "imbridgecheck")
	switch im.KindOf(err) {
	case im.Quota:
		return false, nil
	case im.UnknownUser:
		return true, nil
	}
	return err == nil, err
}

// Run decides, once it can, and goes on with the round that is under way, whoever
// began it, until ctx ends.
func (l *Lists) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := l.step(ctx)
		// Spread, so that processes started together do not work together.
		t := time.NewTimer(wait*3/4 + rand.N(wait/2))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

// step returns when the next one is due.
func (l *Lists) step(ctx context.Context) time.Duration {
	if err := l.decide(ctx); err != nil {
		if ctx.Err() == nil && !errors.Is(err, models.ErrStale) {
			l.Log.WarnContext(ctx, "allow lists not decided on", "err", err)
		}
		return listsStep
	}
	state, err := l.Store.AllowLists(ctx)
	if err != nil || state.App != im.App(l.Cloud) || !state.Done.IsZero() {
		return listsIdle
	}
	if err := l.Store.StepAllowLists(ctx, state, listsPage); err != nil && ctx.Err() == nil && !errors.Is(err, models.ErrStale) {
		l.Log.WarnContext(ctx, "round of allow lists put off", "err", err)
	}
	return listsStep
}

// decide writes down what is to hold where it is something else. A process does so
// when it starts: what others decide later, which started later, stands. Only where
// the cloud had no lists is it asked again. Until it answers, what was decided
// before holds.
func (l *Lists) decide(ctx context.Context) error {
	app := im.App(l.Cloud)
	seen, err := l.Store.AllowLists(ctx)
	if err != nil {
		return err
	}
	lost := l.Wanted && seen.App == app && seen.Mode == models.AllowListsNone && l.Now().Sub(l.asked) >= listsAgain
	if l.decided && !lost {
		return nil
	}
	want, err := l.want(ctx, seen, app)
	if err != nil {
		return err
	}
	if want != "" && (want != seen.Mode || seen.App != app) {
		if err := l.Store.SetAllowLists(ctx, seen, app, want); err != nil {
			return err
		}
		l.Log.InfoContext(ctx, "allow lists decided on", "mode", want)
	}
	l.decided = true
	return nil
}

// want is what is to hold; empty where nothing is to be written, because there
// never were lists and are to be none.
func (l *Lists) want(ctx context.Context, seen models.AllowLists, app string) (string, error) {
	if _, able := allower(l.Cloud); !able {
		if seen.Mode == "" {
			return "", nil
		}
		// Back at the other app, all lists are brought into step.
		return models.AllowListsNone, nil
	}
	off := seen.Mode == "" || seen.App == app && seen.Mode == models.AllowListsOff
	if !l.Wanted && off {
		return "", nil
	}
	has, err := HasAllowLists(ctx, l.Cloud)
	if err != nil {
		return "", err
	}
	l.asked = l.Now()
	switch {
	case !has:
		return models.AllowListsNone, nil
	case l.Wanted:
		return models.AllowListsOn, nil
	}
	return models.AllowListsOff, nil
}
