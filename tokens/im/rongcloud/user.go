package rongcloud

import (
	"cmp"
	"context"
	"net/url"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

const (
	longestID     = 64   // bytes
	longestName   = 64   // characters
	longestAvatar = 1024 // bytes
)

// checkID refuses what no cloud would take, before it costs a call. Which of
// the other signs an id may have depends on the cloud's version, so the cloud
// decides.
func checkID(o calls.Op, id string) error {
	if id == "" || len(id) > longestID || !calls.Visible(id) {
		return &im.Error{Cloud: name, Op: o.Path, Kind: im.Invalid, Message: "not sent: a user id is 1 to 64 visible ASCII characters"}
	}
	return nil
}

// shape is a user as the cloud takes it, and as it is told by /user/info.json
// then: everything that sends or compares a profile goes through here. The cloud
// has no user without a name; one that nothing is left of becomes fallback. An
// avatar that the cloud would refuse becomes none.
func shape(u im.User, fallback string) im.User {
	u.Name = cmp.Or(calls.Name(u.Name, longestName), fallback)
	if !calls.GoodAvatar(u.AvatarURL, longestAvatar) {
		u.AvatarURL = ""
	}
	return u
}

// profileForm is a user as getToken and refresh take it. An empty avatar is
// sent, as the official SDKs do, and removes one that was there.
func profileForm(u im.User, fallback string) url.Values {
	u = shape(u, fallback)
	return url.Values{"userId": {u.ID}, "name": {u.Name}, "portraitUri": {u.AvatarURL}}
}

// PutProfile calls /user/refresh.json, with the name and avatar of Shape.
func (c *Client) PutProfile(ctx context.Context, u im.User) error {
	if err := checkID(opRefresh, u.ID); err != nil {
		return err
	}
	_, err := c.do(ctx, opRefresh, profileForm(u, u.ID))
	return err
}

// Shape is u with the name cut to what the cloud takes, the id where nothing is
// left of it, and without an avatar that the cloud would refuse.
func (c *Client) Shape(u im.User) im.User { return shape(u, u.ID) }

// Profile calls /user/info.json. Somebody without a name was deactivated, which
// wipes it: nobody registers without one.
func (c *Client) Profile(ctx context.Context, userID string) (im.User, error) {
	if err := checkID(opInfo, userID); err != nil {
		return im.User{}, err
	}
	a, err := c.do(ctx, opInfo, url.Values{"userId": {userID}})
	if err != nil {
		return im.User{}, err
	}
	if a.userName == "" {
		// Older clouds answer 200 with nothing in it for an unknown user, too.
		return im.User{}, &im.Error{Cloud: name, Op: opInfo.Path, Kind: im.UnknownUser, Code: a.code, Message: "the answer names nobody"}
	}
	return im.User{ID: userID, Name: a.userName, AvatarURL: a.portrait}, nil
}

// Remove calls /user/deactivate.json, which wipes profile, messages and lists,
// ends connections, and lets nobody in by this id. The cloud carries it out
// within 15 minutes. Deactivating twice is no error.
func (c *Client) Remove(ctx context.Context, userID string) error {
	if err := checkID(opDeactivate, userID); err != nil {
		return err
	}
	_, err := c.do(ctx, opDeactivate, url.Values{"userId": {userID}})
	return unlessGone(err)
}

// Online calls /user/checkOnline.json.
func (c *Client) Online(ctx context.Context, userID string) (bool, error) {
	if err := checkID(opOnline, userID); err != nil {
		return false, err
	}
	a, err := c.do(ctx, opOnline, url.Values{"userId": {userID}})
	if err != nil {
		return false, err
	}
	switch a.online {
	case "1":
		return true, nil
	case "0":
		return false, nil
	}
	return false, &im.Error{Cloud: name, Op: opOnline.Path, Kind: im.Unknown, Code: a.code, Message: "the answer's status is neither 0 nor 1"}
}
