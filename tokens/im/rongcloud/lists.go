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
	listChunk = 20   // ids in one call
	listPage  = 1000 // ids in one answer
	// mostPages ends a list whose pages never end. A blacklist holds 3000.
	mostPages = 100
)

// An idList is one of the lists of people that the cloud keeps for each user.
type idList struct {
	add, remove, query calls.Op
	field              string // of the ids, in forms
}

var (
	blockList = idList{add: opBlacklistAdd, remove: opBlacklistRemove, query: opBlacklist, field: "blackUserId"}
	allowList = idList{add: opAllowListAdd, remove: opAllowListRemove, query: opAllowList, field: "whiteUserId"}
)

// Block calls /user/blacklist/add.json, for 20 at a time. If one of the calls
// fails the earlier ones stand, and the whole may be repeated.
func (c *Client) Block(ctx context.Context, owner string, blocked ...string) error {
	return c.changeList(ctx, blockList, blockList.add, owner, blocked)
}

// Unblock calls /user/blacklist/remove.json like Block does add.
func (c *Client) Unblock(ctx context.Context, owner string, blocked ...string) error {
	return c.changeList(ctx, blockList, blockList.remove, owner, blocked)
}

// Blocked calls /user/blacklist/query.json for each page of 1000.
func (c *Client) Blocked(ctx context.Context, owner string) ([]string, error) {
	return c.readList(ctx, blockList, owner)
}

func (c *Client) changeList(ctx context.Context, l idList, change calls.Op, owner string, ids []string) error {
	for _, id := range append([]string{owner}, ids...) {
		if err := checkID(change, id); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(ids, listChunk) {
		_, err := c.do(ctx, change, url.Values{"userId": {owner}, l.field: chunk})
		if err := unlessGone(err); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) readList(ctx context.Context, l idList, owner string) ([]string, error) {
	if err := checkID(l.query, owner); err != nil {
		return nil, err
	}
	var ids []string
	form := url.Values{"userId": {owner}, "size": {strconv.Itoa(listPage)}}
	for range mostPages {
		a, err := c.do(ctx, l.query, form)
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
	return nil, &im.Error{Cloud: name, Op: l.query.Path, Kind: im.Unknown, Message: "the list's pages do not end"}
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
