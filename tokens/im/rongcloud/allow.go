package rongcloud

import (
	"context"
	"net/url"

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
	if err := c.changeList(ctx, allowList, allowList.add, owner, allowed); err != nil {
		return err
	}
	_, err := c.do(ctx, opAllowListOn, url.Values{"userId": {owner}, "whiteSetting": {"1"}})
	return err
}

// Disallow calls /user/whitelist/remove.json like Allow does add. The list stays
// when it is empty.
func (c *Client) Disallow(ctx context.Context, owner string, allowed ...string) error {
	return c.changeList(ctx, allowList, allowList.remove, owner, allowed)
}

// Allowed calls /user/whitelist/query.json for each page of 1000.
func (c *Client) Allowed(ctx context.Context, owner string) ([]string, error) {
	return c.readList(ctx, allowList, owner)
}
