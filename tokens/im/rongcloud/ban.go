package rongcloud

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"imbridge/tokens/im"
)

// longestBan is what the cloud takes: 43200 minutes.
const longestBan = 30 * 24 * time.Hour

// Ban calls /user/block.json with whole minutes, rounded up: 1 to 43200.
func (c *Client) Ban(ctx context.Context, userID string, d time.Duration) error {
	if err := checkID(opBan, userID); err != nil {
		return err
	}
	d = min(max(d, time.Minute), longestBan)
	minutes := int64((d + time.Minute - 1) / time.Minute)
	_, err := c.do(ctx, opBan, url.Values{
		"userId": {userID},
		"minute": {strconv.FormatInt(minutes, 10)},
	})
	return err
}

// Unban calls /user/unblock.json.
func (c *Client) Unban(ctx context.Context, userID string) error {
	if err := checkID(opUnban, userID); err != nil {
		return err
	}
	_, err := c.do(ctx, opUnban, url.Values{"userId": {userID}})
	return unlessGone(err)
}

// Banned calls /user/block/query.json. Until is exact to the second, and zero
// where the cloud's time cannot be read.
func (c *Client) Banned(ctx context.Context) ([]im.Ban, error) {
	a, err := c.do(ctx, opBanned, url.Values{})
	if err != nil {
		return nil, err
	}
	bans := make([]im.Ban, len(a.users))
	for i, u := range a.users {
		bans[i] = im.Ban{UserID: u.id, Until: when(u.blockEnd)}
	}
	return bans, nil
}
