package rongcloud

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"imbridge/tokens/im"
)

const (
	longestBan = 30 * 24 * time.Hour // what the cloud takes: 43200 minutes
	banPage    = 1000                // people in one answer
)

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

// Banned calls /user/block/query.json for each page of 1000, those first whose
// bans end last; see docs.rongcloud.io, user/query-blocked-list. Pages are counted
// anew at each call, so that who is banned or unbanned meanwhile can move somebody
// else from one page to the next: they are listed once, or left out. Until is exact
// to the second, and zero where the cloud's time cannot be read.
func (c *Client) Banned(ctx context.Context) ([]im.Ban, error) {
	var bans []im.Ban
	listed := map[string]bool{}
	for page := 1; page <= mostPages; page++ {
		a, err := c.do(ctx, opBanned, url.Values{"page": {strconv.Itoa(page)}, "size": {strconv.Itoa(banPage)}})
		if err != nil {
			return nil, err
		}
		before := len(bans)
		for _, u := range a.users {
			if !listed[u.id] {
				listed[u.id] = true
				bans = append(bans, im.Ban{UserID: u.id, Until: when(u.blockEnd)})
			}
		}
		if len(a.users) < banPage {
			return bans, nil
		}
		if len(bans) == before {
			break // a cloud that knows no pages gives the first one again
		}
	}
	return nil, &im.Error{Cloud: name, Op: opBanned.Path, Kind: im.Unknown, Message: "the list's pages do not end"}
}
