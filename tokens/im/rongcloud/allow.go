package rongcloud

import (
	"context"
	"net/url"

	"imbridge/tokens/im"
)

var _ im.Allower = (*Client)(nil)

// Allow calls /user/whitelist/add.json for 20 at a time.
//
// Quota, code 1010, while the service is not enabled. For an owner whose list is
// looked at the cloud no longer looks at their block list.
func (c *Client) Allow(ctx context.Context, owner string, allowed ...string) error {
	return c.changeList(ctx, allowList, allowList.add, owner, allowed)
}

// Disallow calls /user/whitelist/remove.json like Allow does add.
func (c *Client) Disallow(ctx context.Context, owner string, allowed ...string) error {
	return c.changeList(ctx, allowList, allowList.remove, owner, allowed)
}

// Restrict calls /user/whitesetting/set.json, without which a list is not looked
// at unless the console says that every list is.
func (c *Client) Restrict(ctx context.Context, owner string, on bool) error {
	if err := checkID(opAllowListOn, owner); err != nil {
		return err
	}
	setting := "0"
	if on {
		setting = "1"
	}
	_, err := c.do(ctx, opAllowListOn, url.Values{"userId": {owner}, "whiteSetting": {setting}})
	return err
}

// Allowed calls /user/whitelist/query.json for each page of 1000.
func (c *Client) Allowed(ctx context.Context, owner string) ([]string, error) {
	return c.readList(ctx, allowList, owner)
}
