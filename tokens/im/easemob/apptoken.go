package easemob

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

// How long nobody asks for an app token again after that failed: who asks too
// often is blocked, says the documentation. A wrong secret does not heal by itself.
const (
	appTokenRefused = 10 * time.Second
	appTokenFailed  = time.Second
	// longestAppToken bounds the use of one that the cloud calls permanent.
	longestAppToken = 24 * time.Hour
)

// appTokens keeps the token that every call carries. It is renewed after half of
// its life, as in the official Java SDK, by one caller for all; until that works,
// the old one serves to its end.
type appTokens struct {
	fetch   func(ctx context.Context) (token string, life time.Duration, err error)
	now     func() time.Time
	flights singleflight.Group

	mu        sync.Mutex
	value     string
	half, end time.Time
	replaced  time.Time // when one was given up because the cloud refused it
	failed    *im.Error
	again     time.Time // no fetch before it
}

// get is a token that the cloud should take. The error is an *im.Error; our call
// has not been sent then.
func (t *appTokens) get(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", gone(err)
	}
	t.mu.Lock()
	value, now := t.value, t.now()
	usable, young := value != "" && now.Before(t.end), now.Before(t.half)
	held := t.failed != nil && now.Before(t.again)
	failed, wait := t.failed, t.again.Sub(now)
	t.mu.Unlock()
	switch {
	case usable && (young || held):
		return value, nil
	case held:
		e := *failed
		e.RetryAfter = max(e.RetryAfter, wait)
		return "", &e
	}
	renewed, err := t.renewed(ctx)
	if err != nil && usable && !refusedForGood(err) {
		return value, nil
	}
	return renewed, err
}

// instead is a token in place of one that the cloud refused: somebody else's, or a
// new one. It is empty where the last one was replaced a moment ago: a cloud that
// refuses what it has just given will refuse the next one too.
func (t *appTokens) instead(ctx context.Context, refused string) (string, error) {
	t.mu.Lock()
	if t.value == refused {
		now := t.now()
		if !t.replaced.IsZero() && now.Before(t.replaced.Add(appTokenRefused)) {
			t.mu.Unlock()
			return "", nil
		}
		t.value, t.replaced = "", now
	}
	t.mu.Unlock()
	return t.get(ctx)
}

// renewed fetches, once for everybody who waits. The fetch goes on when a caller
// leaves.
func (t *appTokens) renewed(ctx context.Context) (string, error) {
	done := t.flights.DoChan("", func() (any, error) {
		start := t.now()
		token, life, err := t.fetch(context.WithoutCancel(ctx))
		t.mu.Lock()
		defer t.mu.Unlock()
		var e *im.Error
		if errors.As(err, &e) {
			pause := appTokenFailed
			if refusedForGood(e) {
				pause = appTokenRefused
			}
			t.failed, t.again = e, t.now().Add(max(pause, e.RetryAfter))
			return "", e
		}
		if life <= 0 || life > longestAppToken {
			life = longestAppToken
		}
		t.value, t.half, t.end, t.failed = token, start.Add(life/2), start.Add(life), nil
		return token, nil
	})
	select {
	case r := <-done:
		return r.Val.(string), r.Err
	case <-ctx.Done():
		return "", gone(ctx.Err())
	}
}

func refusedForGood(err error) bool {
	switch im.KindOf(err) {
	case im.Unauthorized, im.Invalid, im.Quota:
		return true
	}
	return false
}

// gone is for a caller who left before their call was sent.
func gone(err error) error {
	return &im.Error{Cloud: name, Op: opAppToken.Path, Kind: im.Unavailable, Message: "not sent: " + err.Error(), Err: err}
}

// fetchAppToken asks for a new one, whatever is kept.
func (c *Client) fetchAppToken(ctx context.Context) (token string, life time.Duration, err error) {
	a, err := c.attempt(ctx, opAppToken, request{method: http.MethodPost, path: "/token", json: c.credentials()}, "")
	if err != nil {
		return "", 0, err
	}
	expires, told := calls.JSONNumber(a["expires_in"])
	if token = a.text("access_token"); token == "" || len(token) > longestToken || !calls.Visible(token) || !told || expires < 0 {
		return "", 0, odd(opAppToken, "the answer has no app token")
	}
	return token, c.unit(expires), nil
}

// unit is a time as the cluster counts it.
func (c *Client) unit(n int64) time.Duration {
	if c.milliseconds {
		return time.Duration(min(n, int64(1<<63-1)/int64(time.Millisecond))) * time.Millisecond
	}
	return time.Duration(min(n, int64(1<<63-1)/int64(time.Second))) * time.Second
}

// counted is a lifetime as the cluster counts it: at least one, because none is for
// ever.
func (c *Client) counted(d time.Duration) json.Number {
	unit := time.Second
	if c.milliseconds {
		unit = time.Millisecond
	}
	if d > 0 {
		d = max(d, unit)
	}
	return json.Number(decimal(int64(d / unit)))
}
