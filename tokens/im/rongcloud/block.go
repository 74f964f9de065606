package rongcloud

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

const (
	blockChunk = 20   // ids in one call
	blockPage  = 1000 // ids in one answer
	// mostPages ends a list whose pages never end. A blacklist holds 3000.
	mostPages = 100
)

// Block calls /user/blacklist/add.json, for 20 at a time. If one of the calls
// fails the earlier ones stand, and the whole may be repeated.
func (c *Client) Block(ctx context.Context, owner string, blocked ...string) error {
	return c.inChunks(ctx, opBlacklistAdd, owner, blocked)
}

// Unblock calls /user/blacklist/remove.json like Block does add.
func (c *Client) Unblock(ctx context.Context, owner string, blocked ...string) error {
	return c.inChunks(ctx, opBlacklistRemove, owner, blocked)
}

func (c *Client) inChunks(ctx context.Context, o calls.Op, owner string, blocked []string) error {
	for _, id := range append([]string{owner}, blocked...) {
		if err := checkID(o, id); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(blocked, blockChunk) {
		_, err := c.do(ctx, o, url.Values{"userId": {owner}, "blackUserId": chunk})
		if err := unlessGone(err); err != nil {
			return err
		}
	}
	return nil
}

// Blocked calls /user/blacklist/query.json for each page of 1000.
func (c *Client) Blocked(ctx context.Context, owner string) ([]string, error) {
	if err := checkID(opBlacklist, owner); err != nil {
		return nil, err
	}
	var ids []string
	form := url.Values{"userId": {owner}, "size": {strconv.Itoa(blockPage)}}
	for range mostPages {
		a, err := c.do(ctx, opBlacklist, form)
		if err != nil {
			return nil, err
		}
		for _, u := range a.users {
			ids = append(ids, u.id)
		}
		if a.next == "" || len(a.users) == 0 {
			return ids, nil
		}
		form.Set("pageToken", a.next)
	}
	return nil, &im.Error{Cloud: name, Op: opBlacklist.Path, Kind: im.Unknown, Message: "the list's pages do not end"}
}

// unlessGone forgives that the thing to delete was not there, which makes
// deleting safe to repeat.
func unlessGone(err error) error {
	var e *im.Error
	if errors.As(err, &e) && e.Code == codeNotThere {
		return nil
	}
	return err
}
