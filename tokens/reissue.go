package tokens

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"imbridge/models"
	"imbridge/tokens/im"
)

const (
	// behindWorkers renew at the same time behind requests.
	behindWorkers = 8
	// roundEvery is how often tokens about to run out are looked for.
	roundEvery = time.Minute
	// roundSeen is how lately somebody must have fetched a token for a round to
	// renew it ahead of time.
	roundSeen = 24 * time.Hour
	// roundBatch is how many a round reads at once.
	roundBatch = 500
	// seenEvery is how often fetches are noted, and seenAfter how old a note
	// must be to be made anew.
	seenEvery = 15 * time.Second
	seenAfter = time.Hour
	// secretEvery is how often each process looks whether the app secret's version
	// has moved: that long after a rotation stale tokens may still be handed out.
	secretEvery = 10 * time.Second
)

// Run does what happens behind the requests until ctx ends: renews tokens that
// were handed out in their renewal window, renews in rounds those of people
// seen lately, and notes who fetched.
func (i *Issuer) Run(ctx context.Context) error {
	i.init()
	g, ctx := errgroup.WithContext(ctx)
	for range behindWorkers {
		g.Go(func() error { return i.runBehind(ctx) })
	}
	g.Go(func() error { return i.every(ctx, roundEvery, i.round) })
	g.Go(func() error { return i.every(ctx, seenEvery, i.flushSeen) })
	g.Go(func() error { return i.every(ctx, secretEvery, i.reloadSecretVersion) })
	err := g.Wait()
	// Mints go on when those who asked for them leave. Whoever called Run closes
	// the store next, so that their tokens must be in it.
	land, cancel := context.WithTimeout(context.WithoutCancel(ctx), i.MintTimeout+leaseMargin)
	defer cancel()
	if i.air.Acquire(land, wholeAir) == nil {
		i.air.Release(wholeAir)
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseMargin)
	defer cancel()
	i.flushSeen(flush)
	return err
}

// every calls do about every d until ctx ends.
func (i *Issuer) every(ctx context.Context, d time.Duration, do func(context.Context)) error {
	for {
		// Spread, so that processes started together do not work together.
		t := time.NewTimer(d*3/4 + rand.N(d/2))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
		do(ctx)
	}
}

func (i *Issuer) reloadSecretVersion(ctx context.Context) {
	if err := i.LoadSecretVersion(ctx); err != nil && ctx.Err() == nil {
		i.Log.WarnContext(ctx, "version of the app secret not read", "err", err)
	}
}

// renewBehind asks for a renewal that nobody waits for. When many are waiting it
// is left to the next fetch, or to a round.
func (i *Issuer) renewBehind(userID string) {
	select {
	case i.behind <- userID:
	default:
	}
}

func (i *Issuer) runBehind(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-i.behind:
			if err := i.await(ctx, id, "", i.due); err != nil && ctx.Err() == nil {
				// The next fetch, or a round, tries again. An outage of the cloud
				// is told by rounds, not once for every fetch.
				level := slog.LevelWarn
				if im.Temporary(err) {
					level = slog.LevelDebug
				}
				i.Log.Log(ctx, level, "token not renewed ahead of its end", "user_id", id, "err", err)
			}
		}
	}
}

// due tells whether a token has reached its time to be renewed.
func (i *Issuer) due(v models.TokenView) bool {
	end, usable := i.end(v)
	if !usable {
		return v.Value != "" // somebody who was logged out is not brought back
	}
	at := renewAfter(v.UserID, v.Generation, v.IssuedAt, end, i.WindowPercent)
	return !at.IsZero() && !i.Now().Before(at)
}

// round renews the tokens of people seen lately whose time has come. When the
// cloud or the database is in trouble the rest waits for the next round, which
// begins behind the person with whom the trouble was: somebody whom the cloud
// never serves keeps nobody else waiting.
func (i *Issuer) round(ctx context.Context) {
	limit := rate.NewLimiter(rate.Limit(i.RoundRate), 1)
	from := i.roundFrom
	i.roundFrom = ""
	trouble, err := i.stretch(ctx, limit, from, "")
	if err == nil && from != "" {
		trouble, err = i.stretch(ctx, limit, "", from)
	}
	if err == nil {
		return
	}
	i.roundFrom = trouble
	if ctx.Err() == nil {
		i.Log.WarnContext(ctx, "round of renewals put off", "user_id", trouble, "err", err)
	}
}

// stretch is a part of a round: the people behind one up to another, "" for the
// first and the last there are. Trouble that may not be one person's alone ends
// it; with whom it was is "" where it was with nobody.
func (i *Issuer) stretch(ctx context.Context, limit *rate.Limiter, from, to string) (trouble string, err error) {
	for after := from; ctx.Err() == nil; {
		ids, err := i.Store.DueTokens(ctx, i.App(), i.SecretVersion(), 100-i.WindowPercent, i.Now().Add(-roundSeen), after, roundBatch)
		if err != nil {
			return from, err
		}
		for _, id := range ids {
			if to != "" && id > to {
				return "", nil
			}
			err := i.renew(ctx, limit, id)
			switch {
			case ctx.Err() != nil:
				return id, ctx.Err()
			case im.Temporary(err) || errors.Is(err, models.ErrUnavailable):
				return id, err
			case err != nil:
				i.Log.WarnContext(ctx, "token not renewed ahead of its end", "user_id", id, "err", err)
			}
		}
		if len(ids) < roundBatch {
			return "", nil
		}
		after = ids[len(ids)-1]
	}
	return "", ctx.Err()
}

// renew mints for somebody whose token is in its window, if its own point in the
// window has come. Only a mint counts against limit.
func (i *Issuer) renew(ctx context.Context, limit *rate.Limiter, userID string) error {
	v, err := i.Store.TokenView(ctx, i.App(), userID, "")
	if errors.Is(err, models.ErrNotFound) || errors.Is(err, models.ErrBanned) {
		return nil // since a moment ago
	}
	if err != nil || !i.due(v) {
		return err
	}
	if err := limit.Wait(ctx); err != nil {
		return err
	}
	return i.await(ctx, userID, "", i.due)
}

// noteSeen remembers that somebody fetched, at most once in seenAfter, so that
// the request itself writes nothing.
func (i *Issuer) noteSeen(v models.TokenView) {
	if i.Now().Sub(v.LastFetchedAt) < seenAfter {
		return
	}
	i.seenMu.Lock()
	defer i.seenMu.Unlock()
	i.seen[v.UserID] = struct{}{}
}

func (i *Issuer) flushSeen(ctx context.Context) {
	i.seenMu.Lock()
	ids := slices.Sorted(maps.Keys(i.seen))
	i.seen = make(map[string]struct{})
	i.seenMu.Unlock()
	if len(ids) == 0 {
		return
	}
	if err := i.Store.NoteFetched(ctx, i.App(), ids, i.Now()); err != nil && ctx.Err() == nil {
		// A note that is lost is made at the next fetch.
		i.Log.WarnContext(ctx, "fetches not noted", "count", len(ids), "err", err)
	}
}
