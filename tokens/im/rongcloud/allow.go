package rongcloud

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"imbridge/tokens/im"
)

var _ im.Allower = (*Client)(nil)

// Allow calls /user/whitelist/add.json for 20 at a time and then
// /user/whitesetting/set.json, without which the list is not looked at unless the
// console says that every list is. In this order nobody on the list is kept out
// in between. With nobody to allow it makes an empty list.
//
// Quota, code 1010, while the service is not enabled. For an owner with a list
// the cloud no longer looks at their block list.
func (c *Client) Allow(ctx context.Context, owner string, allowed ...string) error {
	for _, id := range append([]string{owner}, allowed...) {
		if err := checkID(opAllowListAdd, id); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(allowed, blockChunk) {
		if _, err := c.do(ctx, opAllowListAdd, url.Values{"userId": {owner}, "whiteUserId": chunk}); err != nil {
			return err
		}
	}
	_, err := c.do(ctx, opAllowListOn, url.Values{"userId": {owner}, "whiteSetting": {"1"}})
	return err
}

// Disallow calls /user/whitelist/remove.json like Allow does add. The list stays
// when it is empty.
func (c *Client) Disallow(ctx context.Context, owner string, allowed ...string) error {
	for _, id := range append([]string{owner}, allowed...) {
		if err := checkID(opAllowListRemove, id); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(allowed, blockChunk) {
		_, err := c.do(ctx, opAllowListRemove, url.Values{"userId": {owner}, "whiteUserId": chunk})
		if err := unlessGone(err); err != nil {
			return err
		}
	}
	return nil
}

// Allowed calls /user/whitelist/query.json for each page of 1000.
func (c *Client) Allowed(ctx context.Context, owner string) ([]string, error) {
	if err := checkID(opAllowList, owner); err != nil {
		return nil, err
	}
	var ids []string
	form := url.Values{"userId": {owner}, "size": {strconv.Itoa(blockPage)}}
	for range mostPages {
		a, err := c.do(ctx, opAllowList, form)
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
	return nil, &im.Error{Cloud: name, Op: opAllowList.Path, Kind: im.Unknown, Message: "the list's pages do not end"}
}
