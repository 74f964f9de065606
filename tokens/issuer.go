package tokens

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"imbridge/models"
	"imbridge/tokens/im"
)

const (
	// refusedWindow and refusedMax bound how often reports of refusal make a new
	// token for one person.
	refusedWindow = time.Minute
	refusedMax    = 5
	// leaseMargin is how much longer a lease lasts than the call under it may.
	leaseMargin = 5 * time.Second
	// mintTries bounds how often a caller looks again after a mint whose token
	// did not last until they read it.
	mintTries = 3
	// cloudAgain is when to come back after a failure of the cloud that says
	// nothing about it.
	cloudAgain = 2 * time.Second
	// wholeAir is more than there can be mints under way.
	wholeAir = 1 << 40
)

// A Cloud is what the Issuer needs of a client.
type Cloud interface {
	im.Cloud
	im.Minter
}

// What the Issuer tells Observe.
const (
	EventReused  = "reused"  // a stored token was handed out
	EventIssued  = "issued"  // minted for somebody who had none
	EventRenewed = "renewed" // minted over one that had run out or soon would
	EventRefused = "refused" // minted because a client reported a refusal
	EventFailed  = "failed"  // the cloud gave none
)

// An Issuer hands out connect tokens. Its fields are set once; Run does what
// happens behind the requests.
type Issuer struct {
	Store *models.Store
	Cloud Cloud
	// ReadSecretVersion tells the version of the app secret in use. LoadSecretVersion
	// asks it before anything else is called, and Run again and again.
	ReadSecretVersion func(ctx context.Context) (int64, error)
	// WindowPercent of a token's life, at its end, is the time to renew it.
	WindowPercent int
	// MintTimeout bounds one mint, whatever its callers' deadlines are.
	MintTimeout time.Duration
	// RoundRate is how many tokens a second rounds ahead of expiry may mint, so
	// that they leave the quota to people who wait.
	RoundRate float64
	// Process names this process in leases.
	Process string
	Now     func() time.Time
	Log     *slog.Logger
	// Observe, if set, is told of each token; see the Event constants.
	Observe func(event string)

	secretVersion atomic.Int64

	flights singleflight.Group
	flight  atomic.Int64

	once      sync.Once
	air       *semaphore.Weighted // one of it for each mint under way; Run's end takes it all
	behind    chan string         // people whose tokens are to be renewed behind a request
	roundFrom string              // behind whom the next round begins; of the one goroutine that plays rounds
	seenMu    sync.Mutex
	seen      map[string]struct{} // people who fetched a token; see noteSeen
}

// A ConnectToken is what a client connects with.
type ConnectToken struct {
	Cloud     string
	AppKey    string
	IMUserID  string
	Value     string
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: never
	// RenewAfter is when to fetch again, some time before ExpiresAt.
	RenewAfter time.Time
	Endpoints  im.Endpoints
}

// A TooOftenError says that too many reports of refusal came for one person.
type TooOftenError struct{ RetryAfter time.Duration }

func (e *TooOftenError) Error() string {
	return fmt.Sprintf("refused too often, again in %s", e.RetryAfter.Round(time.Second))
}

func (i *Issuer) init() {
	i.once.Do(func() {
		i.air = semaphore.NewWeighted(wholeAir)
		i.behind = make(chan string, 1024)
		i.seen = make(map[string]struct{})
	})
}

// App names the app at the cloud that tokens are stored for.
func (i *Issuer) App() string { return im.App(i.Cloud) }

// SecretVersion of the app secret in use; a token of an older one is stale. A
// newer one's is not: where two releases with two secrets run side by side, the
// older must not replace what the newer one minted.
func (i *Issuer) SecretVersion() int64 { return i.secretVersion.Load() }

// LoadSecretVersion reads the version of the app secret anew.
func (i *Issuer) LoadSecretVersion(ctx context.Context) error {
	version, err := i.ReadSecretVersion(ctx)
	if err != nil {
		return fmt.Errorf("load secret version: %w", err)
	}
	i.secretVersion.Store(version)
	return nil
}

// end is when the stored token of a view ends, and usable whether it may be
// handed out now.
func (i *Issuer) end(v models.TokenView) (end time.Time, usable bool) {
	if v.Value == "" || v.TokenEpoch != v.Epoch || v.SecretVersion < i.SecretVersion() {
		return time.Time{}, false
	}
	end = expiry(v.IssuedAt, v.CloudExpiresAt, v.Lifetime)
	return end, end.IsZero() || i.Now().Before(end)
}

// Token gives the person's connect token: the stored one by one SELECT while it
// is good, otherwise a new one. Errors: models.ErrSessionEnded,
// models.ErrBanned, models.ErrUnavailable, and *im.Error when the cloud gives
// none and none is stored.
func (i *Issuer) Token(ctx context.Context, userID, sessionID string) (ConnectToken, error) {
	return i.token(ctx, userID, sessionID, "", func(v models.TokenView) bool {
		_, usable := i.end(v)
		return !usable
	})
}

// Refused is for a client whose token the cloud refused. It mints only while the
// stored token is that one, so that a thousand reports mint once. Errors as of
// Token, and TooOftenError past refusedMax mints a minute.
func (i *Issuer) Refused(ctx context.Context, userID, sessionID, token string) (ConnectToken, error) {
	refused := models.Fingerprint(token)
	return i.token(ctx, userID, sessionID, refused, func(v models.TokenView) bool {
		_, usable := i.end(v)
		return !usable || subtle.ConstantTimeCompare([]byte(models.Fingerprint(v.Value)), []byte(refused)) == 1
	})
}

// Reissue mints a new token for the person whatever is stored, for an admin.
func (i *Issuer) Reissue(ctx context.Context, userID string) (ConnectToken, error) {
	before, err := i.Store.TokenView(ctx, i.App(), userID, "")
	if err != nil {
		return ConnectToken{}, fmt.Errorf("reissue token of user %s: %w", userID, err)
	}
	return i.token(ctx, userID, "", "", func(v models.TokenView) bool {
		_, usable := i.end(v)
		return !usable || v.Generation == before.Generation
	})
}

// Provision mints for somebody whom the cloud does not know yet, for the outbox.
// Nobody else gets a token by it, but somebody whose first one was revoked before
// it came does. Errors as of Token; none for the banned and
// the deleted.
func (i *Issuer) Provision(ctx context.Context, userID string) error {
	err := i.await(ctx, userID, "", func(v models.TokenView) bool { return v.IssuedAt.UnixMicro() <= 0 })
	if errors.Is(err, models.ErrBanned) || errors.Is(err, models.ErrNotFound) {
		return nil
	}
	return err
}

// token hands out the stored token unless needed says that it must be replaced.
func (i *Issuer) token(ctx context.Context, userID, sessionID, refused string, needed func(models.TokenView) bool) (ConnectToken, error) {
	i.init()
	for try := 0; ; try++ {
		v, err := i.Store.TokenView(ctx, i.App(), userID, sessionID)
		if err != nil {
			return ConnectToken{}, fmt.Errorf("token of user %s: %w", userID, err)
		}
		if !needed(v) {
			t := i.connect(v)
			if try == 0 {
				i.observe(EventReused)
				if !t.RenewAfter.IsZero() && !i.Now().Before(t.RenewAfter) {
					i.renewBehind(userID)
				}
			}
			i.noteSeen(v)
			return t, nil
		}
		if try == mintTries {
			return ConnectToken{}, i.failure("new tokens run out before they can be used", time.Minute, nil)
		}
		if err := i.await(ctx, userID, refused, needed); err != nil {
			return ConnectToken{}, fmt.Errorf("token of user %s: %w", userID, err)
		}
	}
}

func (i *Issuer) connect(v models.TokenView) ConnectToken {
	end, _ := i.end(v)
	return ConnectToken{Cloud: i.Cloud.Name(), AppKey: i.Cloud.AppKey(), IMUserID: v.IMID, Value: v.Value, IssuedAt: v.IssuedAt, ExpiresAt: end,
		RenewAfter: renewAfter(v.UserID, v.Generation, v.IssuedAt, end, i.WindowPercent), Endpoints: i.Cloud.Endpoints()}
}

func (i *Issuer) failure(message string, retry time.Duration, cause error) error {
	return &im.Error{Cloud: i.Cloud.Name(), Op: "mint", Kind: im.Unavailable, Message: message, RetryAfter: retry, Err: cause}
}

// await mints, together with everybody in this process who waits for the same
// person. The mint goes on when the caller leaves: its token is stored for them
// to come back to.
func (i *Issuer) await(ctx context.Context, userID, refused string, needed func(models.TokenView) bool) error {
	i.init()
	done := i.flights.DoChan(userID+"/"+refused, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), i.MintTimeout)
		defer cancel()
		if err := i.air.Acquire(ctx, 1); err != nil {
			return nil, i.failure("about to stop", time.Second, err)
		}
		defer i.air.Release(1)
		err := i.mint(ctx, userID, refused, needed)
		if err != nil && im.KindOf(err) == "" && ctx.Err() != nil {
			err = i.failure("no token within the time of a mint", time.Second, err)
		}
		if im.KindOf(err) != "" {
			i.observe(EventFailed)
		}
		return nil, err
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return i.failure("no answer within the time of the request", time.Second, ctx.Err())
	}
}

// mint gets a new token and swaps it in, unless another process does so first.
// The lease is committed before the cloud is asked and outlives the call; the
// swap is fenced by it.
func (i *Issuer) mint(ctx context.Context, userID, refused string, needed func(models.TokenView) bool) error {
	owner := i.Process + "/" + strconv.FormatInt(i.flight.Add(1), 36)
	for try := 0; ; try++ {
		v, err := i.Store.TokenView(ctx, i.App(), userID, "")
		if err != nil {
			return err
		}
		if !needed(v) {
			return nil
		}
		window, err := i.refusal(v, refused)
		if err != nil {
			return err
		}
		lease := i.Now().Add(i.MintTimeout + leaseMargin)
		err = models.ErrStale
		if !v.LeaseUntil.After(i.Now()) { // otherwise somebody is at it: do not even write
			err = i.Store.ClaimToken(ctx, i.App(), v, owner, lease)
		}
		if errors.Is(err, models.ErrStale) {
			if err := i.pause(ctx, try); err != nil {
				return i.failure("another process is at it", time.Second, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		n, err := i.ask(ctx, v, owner)
		if i.Now().After(lease) {
			i.tellAgain(ctx, userID)
		}
		if err != nil {
			return err
		}
		n.Refused = window
		err = i.store(ctx, v, owner, n)
		if errors.Is(err, models.ErrStale) {
			continue // revoked meanwhile, or the lease was lost: look again
		}
		if err != nil {
			return err
		}
		i.minted(v, refused)
		return nil
	}
}

// ask makes the cloud mint under the lease of owner, and gives the lease back
// when the cloud gives no token.
func (i *Issuer) ask(ctx context.Context, v models.TokenView, owner string) (models.NewToken, error) {
	// Both before the call: a rotation in its middle makes the token stale.
	asked, version := i.Now(), i.SecretVersion()
	token, err := i.call(ctx, v)
	if err != nil {
		// The lease would run out by itself; the others need not wait for that.
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseMargin)
		defer cancel()
		if rerr := i.Store.ReleaseToken(release, i.App(), v, owner); rerr != nil {
			i.Log.WarnContext(ctx, "lease not given back", "user_id", v.UserID, "err", rerr)
		}
		var e *im.Error
		if im.Temporary(err) && errors.As(err, &e) && e.RetryAfter == 0 {
			told := *e
			told.RetryAfter = cloudAgain
			return models.NewToken{}, &told
		}
		return models.NewToken{}, err
	}
	n := models.NewToken{Value: token.Value, IssuedAt: asked, CloudExpiresAt: token.ExpiresAt, SecretVersion: version, Unprofiled: token.Unprofiled}
	i.endOld(v, &n)
	return n, nil
}

// call tells the cloud who the person is now. It reads that under the lease: who
// deletes or renames them later sees the lease, and waits for what this says.
func (i *Issuer) call(ctx context.Context, v models.TokenView) (im.Token, error) {
	user, err := i.Store.User(ctx, v.UserID)
	if err == nil && user.Status != models.StatusActive {
		err = models.ErrBanned
	}
	if err != nil {
		return im.Token{}, err
	}
	mint := func() (im.Token, error) {
		return i.Cloud.Mint(ctx, im.User{ID: user.IMID, Name: user.DisplayName(), AvatarURL: user.AvatarURL}, v.Lifetime)
	}
	err = i.bringPassword(ctx, user, func() error {
		_, err := mint()
		return err
	})
	if err != nil {
		return im.Token{}, err
	}
	return mint()
}

// tellAgain is for a call that outlived its lease, as where the process was
// stopped in its middle: who waited for it to delete or rename the person has not
// waited that long, and the cloud may have been told something old behind them.
func (i *Issuer) tellAgain(ctx context.Context, userID string) {
	tell, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseMargin)
	defer cancel()
	if err := i.Store.TellAgain(tell, userID); err != nil {
		i.Log.WarnContext(ctx, "a mint that outlived its lease is not followed up", "user_id", userID, "err", err)
	}
}

// store swaps a token in. The cloud may have taken all the time of the mint, and
// a token that it has made is not thrown away for that: the lease lasts longer.
func (i *Issuer) store(ctx context.Context, v models.TokenView, owner string, n models.NewToken) error {
	swap, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseMargin)
	defer cancel()
	return i.Store.SwapToken(swap, i.App(), v, owner, n)
}

func (i *Issuer) minted(v models.TokenView, refused string) {
	switch {
	case refused != "":
		i.observe(EventRefused)
	case v.Value == "":
		i.observe(EventIssued)
	default:
		i.observe(EventRenewed)
	}
}

// refusal finds the window that a mint after a report is counted in.
func (i *Issuer) refusal(v models.TokenView, refused string) (window time.Time, err error) {
	if refused == "" {
		return time.Time{}, nil
	}
	now := i.Now()
	if since := now.Sub(v.RefusedSince); since >= refusedWindow || since < 0 {
		return now, nil
	}
	if v.RefusedCount >= refusedMax {
		return time.Time{}, &TooOftenError{RetryAfter: v.RefusedSince.Add(refusedWindow).Sub(now)}
	}
	return v.RefusedSince, nil
}

// endOld asks that the token being replaced ends at the cloud when its lifetime
// is over, where the cloud would take it for longer. The cloud goes by its own
// clock; half-way between the two mints is as far as can be from a mistake about
// which of them is the old one.
func (i *Issuer) endOld(v models.TokenView, n *models.NewToken) {
	if _, ok := i.Cloud.(im.Revoker); !ok || v.Value == "" || v.Lifetime == 0 {
		return
	}
	end := v.IssuedAt.Add(v.Lifetime)
	if !v.CloudExpiresAt.IsZero() && !v.CloudExpiresAt.After(end) {
		return
	}
	n.RevokeBefore = v.IssuedAt.Add(n.IssuedAt.Sub(v.IssuedAt) / 2).Truncate(time.Microsecond)
	n.RevokeAt = end
	if now := i.Now(); end.Before(now) {
		n.RevokeAt = now
	}
}

// pause waits for another process to finish: 20 ms at first, up to half a
// second, half of it by chance.
func (i *Issuer) pause(ctx context.Context, try int) error {
	d := min(20*time.Millisecond<<min(try, 5), 500*time.Millisecond)
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (i *Issuer) observe(event string) {
	if i.Observe != nil {
		i.Observe(event)
	}
}
