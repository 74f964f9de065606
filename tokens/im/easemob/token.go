package easemob

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"net/http"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

const (
	// longestToken in bytes, the contract's limit. Those that the cloud issues
	// have about 150, those signed here about 300.
	longestToken = 512
	// createTries: two calls that make the same user within a second fail once.
	createTries = 5
	// longestSigned is the life of a token that shall be permanent, where it is
	// signed here: those always end.
	longestSigned = 365 * 24 * time.Hour
)

// Mint calls POST /token with grant_type inherit, which needs no password and
// registers who is missing, and then puts name and avatar, unless this client has
// put the same ones for them before. Where tokens are signed here, it registers
// who is missing and signs; then a permanent one ends after a year.
func (c *Client) Mint(ctx context.Context, u im.User, lifetime time.Duration) (im.Token, error) {
	if err := checkID(opToken, u.ID); err != nil {
		return im.Token{}, err
	}
	ask := c.issued
	if c.sign != nil {
		ask = c.signed
	}
	t, err := ask(ctx, u.ID, lifetime)
	if err != nil {
		return im.Token{}, err
	}
	t.Unprofiled = c.putOnce(ctx, u) != nil
	return t, nil
}

// issued is a token by the cloud. Its end counts from before the call, to be on
// the safe side.
func (c *Client) issued(ctx context.Context, id string, lifetime time.Duration) (im.Token, error) {
	start := c.Now()
	a, err := c.inherit(ctx, id, lifetime)
	if err != nil {
		return im.Token{}, err
	}
	t := im.Token{Value: a.text("access_token")}
	expires, told := calls.JSONNumber(a["expires_in"])
	switch who := a.object("user").text("username"); {
	case t.Value == "":
		return im.Token{}, odd(opToken, "the answer has no token")
	case len(t.Value) > longestToken || !calls.Visible(t.Value):
		return im.Token{}, odd(opToken, "the answer's token is not one")
	case !told || expires < 0:
		return im.Token{}, odd(opToken, "the answer does not tell when the token ends")
	case who != "" && who != id:
		// A mixed-up proxy or cache: this token would make one user another.
		return im.Token{}, odd(opToken, "the answer is about somebody else")
	}
	if expires > 0 {
		t.ExpiresAt = start.Add(c.unit(expires))
	}
	c.met(id, a.object("user").text("uuid"))
	return t, nil
}

func (c *Client) inherit(ctx context.Context, id string, lifetime time.Duration) (answer, error) {
	body := map[string]any{"grant_type": "inherit", "username": id, "autoCreateUser": true, "ttl": c.counted(lifetime)}
	for try := 1; ; try++ {
		a, err := c.do(ctx, opToken, request{method: http.MethodPost, path: "/token", json: body})
		if !refusedAs(err, nameConcurrent) {
			return a, err
		}
		if try == createTries || !rest(ctx, 100*time.Millisecond<<min(try, 2)) {
			var e *im.Error
			if errors.As(err, &e) {
				later := *e
				later.Kind, later.RetryAfter = im.Unavailable, time.Second
				return nil, &later
			}
			return nil, err
		}
	}
}

// rest waits for d and up to as much again; false when the caller has no time for
// that.
func rest(ctx context.Context, d time.Duration) bool {
	more, err := rand.Int(rand.Reader, big.NewInt(int64(d)))
	if err != nil {
		return false
	}
	d += time.Duration(more.Int64())
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Revocable is a Client whose tokens end when the password changes: those that the
// cloud issued, and not those signed here.
type Revocable struct{ *Client }

// RevokeBefore changes the user's password to one that nobody knows, which is the
// only thing that ends tokens: all of them, until the call came back, whatever t
// is. It also closes the user's connections.
func (r Revocable) RevokeBefore(ctx context.Context, userID string, t time.Time) (ended time.Time, err error) {
	err = r.setPassword(ctx, userID, rand.Text()+rand.Text())
	if im.KindOf(err) == im.UnknownUser {
		return t, nil // nobody has no tokens
	}
	if err != nil {
		return time.Time{}, err
	}
	// The cloud may round the time of issue to milliseconds.
	if now := r.Now().Add(time.Millisecond); now.After(t) {
		return now, nil
	}
	return t, nil
}
