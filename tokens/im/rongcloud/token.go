package rongcloud

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

// longestToken in bytes, the contract's limit. The cloud promises less than 256.
const longestToken = 512

// Mint calls /user/getToken.json. The cloud takes a token's lifetime from its
// console, so the wanted one is ignored, and ExpiresAt follows from
// Config.ConsoleLifetime, counted from before the call to be on the safe side.
func (c *Client) Mint(ctx context.Context, u im.User, _ time.Duration) (im.Token, error) {
	if err := checkID(opGetToken, u.ID); err != nil {
		return im.Token{}, err
	}
	start := c.Now()
	a, err := c.do(ctx, opGetToken, profileForm(u, u.ID))
	if err != nil {
		return im.Token{}, err
	}
	why := ""
	switch {
	case a.token == "":
		why = "the answer has no token"
	case len(a.token) > longestToken || !calls.Visible(a.token):
		why = "the answer's token is not one"
	case a.userID != "" && a.userID != u.ID:
		// A mixed-up proxy or cache: this token would make one user another.
		why = "the answer is about somebody else"
	}
	if why != "" {
		return im.Token{}, &im.Error{Cloud: name, Op: opGetToken.Path, Kind: im.Unknown, Code: a.code, Message: why}
	}
	t := im.Token{Value: a.token}
	if c.lifetime > 0 {
		t.ExpiresAt = start.Add(c.lifetime)
	}
	return t, nil
}

// RevokeBefore calls /user/token/expire.json. The cloud compares with its own
// clock. Where that is ahead of ours, as the Date of its last answer tells, the
// time is moved with it, by at most five minutes: a token that outlives its
// revocation is never found, one that ends too early is reported and replaced.
// Tokens issued later live on, so that what has ended is what was asked for.
func (c *Client) RevokeBefore(ctx context.Context, userID string, t time.Time) (ended time.Time, err error) {
	ended = t
	if err := checkID(opExpire, userID); err != nil {
		return time.Time{}, err
	}
	if ahead := -time.Duration(c.skew.Load()); ahead > 0 {
		t = t.Add(min(ahead, worstSkew) + time.Second) // Date has whole seconds
	}
	if _, err := c.do(ctx, opExpire, url.Values{
		"userId": {userID},
		"time":   {strconv.FormatInt(t.UnixMilli(), 10)},
	}); err != nil {
		return time.Time{}, err
	}
	return ended, nil
}
