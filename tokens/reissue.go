package tokens

import (
	"context"
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
	// revokeEvery is how often due revocations are looked for without being
	// woken, and revokeAgain after how long one that failed is tried again.
	revokeEvery = 15 * time.Second
	revokeAgain = 30 * time.Second
	revokeBatch = 100
)

// Run does what happens behind the requests until ctx ends: renews tokens that
// were handed out in their renewal window, renews in rounds those of people
// seen lately, notes who fetched, and ends old tokens at the cloud.
func (i *Issuer) Run(ctx context.Context) error {
	i.init()
	g, ctx := errgroup.WithContext(ctx)
	for range behindWorkers {
		g.Go(func() error { return i.runBehind(ctx) })
	}
	g.Go(func() error { return i.every(ctx, roundEvery, nil, i.round) })
	g.Go(func() error { return i.every(ctx, seenEvery, nil, i.flushSeen) })
	g.Go(func() error { return i.every(ctx, revokeEvery, i.revoked, i.revokeDue) })
	err := g.Wait()
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseMargin)
	defer cancel()
	i.flushSeen(flush)
	return err
}

// every calls do about every d, and whenever wake says so, until ctx ends.
func (i *Issuer) every(ctx context.Context, d time.Duration, wake <-chan struct{}, do func(context.Context)) error {
	for {
		// Spread, so that processes started together do not work together.
		t := time.NewTimer(d*3/4 + rand.N(d/2))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-wake:
			t.Stop()
		case <-t.C:
		}
		do(ctx)
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
			i.renew(ctx, id)
		}
	}
}

// renew mints for somebody whose token is in its renewal window.
func (i *Issuer) renew(ctx context.Context, userID string) {
	err := i.await(ctx, userID, "", func(v models.TokenView) bool {
		end, usable := i.end(v)
		if !usable {
			return v.Value != "" // somebody who was logged out is not brought back
		}
		at := renewAfter(v.UserID, v.Generation, v.IssuedAt, end, i.WindowPercent)
		return !at.IsZero() && !i.Now().Before(at)
	})
	if err != nil && ctx.Err() == nil {
		i.Log.WarnContext(ctx, "token not renewed ahead of its end", "user_id", userID, "err", err)
	}
}

// round renews the tokens of people seen lately that are in their window.
func (i *Issuer) round(ctx context.Context) {
	limit := rate.NewLimiter(rate.Limit(i.RoundRate), 1)
	after := ""
	for ctx.Err() == nil {
		ids, err := i.Store.DueTokens(ctx, i.App(), 100-i.WindowPercent, i.Now().Add(-roundSeen), after, roundBatch)
		if err != nil {
			if ctx.Err() == nil {
				i.Log.WarnContext(ctx, "round of renewals put off", "err", err)
			}
			return
		}
		for _, id := range ids {
			if limit.Wait(ctx) != nil {
				return
			}
			i.renew(ctx, id)
		}
		if len(ids) < roundBatch {
			return
		}
		after = ids[len(ids)-1]
	}
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

// WakeRevoker makes Run look for revocations now. Callers use it after a change
// in models that revokes tokens; without it Run finds them a little later.
func (i *Issuer) WakeRevoker() {
	i.init()
	select {
	case i.revoked <- struct{}{}:
	default:
	}
}

// revokeDue ends at the cloud what is due to end. What fails is tried again
// until it succeeds.
func (i *Issuer) revokeDue(ctx context.Context) {
	revoker, ok := i.Cloud.(im.Revoker)
	if !ok {
		return
	}
	for ctx.Err() == nil {
		due, err := i.Store.DueRevocations(ctx, i.App(), revokeBatch)
		if err != nil {
			if ctx.Err() == nil {
				i.Log.WarnContext(ctx, "revocations put off", "err", err)
			}
			return
		}
		for _, r := range due {
			if err := i.revoke(ctx, revoker, r); err != nil && ctx.Err() == nil {
				i.Log.WarnContext(ctx, "revocation put off", "user_id", r.UserID, "err", err)
			}
		}
		if len(due) < revokeBatch {
			return
		}
	}
}

func (i *Issuer) revoke(ctx context.Context, revoker im.Revoker, r models.Revocation) error {
	call, cancel := context.WithTimeout(ctx, i.MintTimeout)
	defer cancel()
	err := revoker.RevokeBefore(call, r.IMID, r.Before)
	if err == nil || im.KindOf(err) == im.UnknownUser {
		return i.Store.FinishRevocation(ctx, i.App(), r)
	}
	if perr := i.Store.PutOffRevocation(ctx, i.App(), r, i.Now().Add(revokeAgain/2+rand.N(revokeAgain))); perr != nil {
		return perr
	}
	return err
}
