package easemob

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"unicode/utf8"

	"imbridge/tokens/im"
)

const (
	longestRemark = 100 // characters
	friendPage    = "50"
	mostImported  = 10
)

// Befriend calls POST /users/{id}/contacts/users/{id}, which makes both friends of
// each other.
func (c *Client) Befriend(ctx context.Context, a, b string) error {
	if err := checkIDs(opAddFriend, a, []string{b}); err != nil {
		return err
	}
	if a == b {
		return invalid(opAddFriend, "nobody is their own friend")
	}
	_, err := c.do(ctx, opAddFriend, request{method: http.MethodPost, path: "/users/" + a + "/contacts/users/" + b})
	return err
}

// Unfriend calls DELETE /users/{id}/contacts/users/{id}.
func (c *Client) Unfriend(ctx context.Context, a, b string) error {
	if err := checkIDs(opRemoveFriend, a, []string{b}); err != nil {
		return err
	}
	_, err := c.do(ctx, opRemoveFriend, request{method: http.MethodDelete, path: "/users/" + a + "/contacts/users/" + b})
	return err
}

// Friends calls GET /user/{id}/contacts for 50 at a time.
func (c *Client) Friends(ctx context.Context, owner, page string) (im.FriendPage, error) {
	if err := checkID(opFriends, owner); err != nil {
		return im.FriendPage{}, err
	}
	if !goodCursor(page) {
		return im.FriendPage{}, invalid(opFriends, "the page is none of ours")
	}
	query := url.Values{"limit": {friendPage}, "needReturnRemark": {"true"}}
	if page != "" {
		query.Set("cursor", page)
	}
	a, err := c.do(ctx, opFriends, request{method: http.MethodGet, path: "/user/" + owner + "/contacts", query: query})
	if err != nil {
		return im.FriendPage{}, err
	}
	var contacts []answer
	if raw, ok := a.object("data")["contacts"]; !ok || json.Unmarshal(raw, &contacts) != nil {
		return im.FriendPage{}, odd(opFriends, "contacts is not a list")
	}
	out := im.FriendPage{Friends: make([]im.Friend, len(contacts))}
	for i, f := range contacts {
		out.Friends[i] = im.Friend{UserID: f.text("username"), Remark: f.text("remark")}
		if out.Friends[i].UserID == "" {
			return im.FriendPage{}, odd(opFriends, "a contact has no username")
		}
	}
	if out.Next = a.text("cursor"); out.Next == page || len(contacts) == 0 {
		out.Next = ""
	}
	return out, nil
}

// AllFriends calls GET /users/{id}/contacts/users, which lists everybody at once,
// without remarks and in no promised order.
func (c *Client) AllFriends(ctx context.Context, owner string) ([]string, error) {
	if err := checkID(opAllFriends, owner); err != nil {
		return nil, err
	}
	a, err := c.do(ctx, opAllFriends, request{method: http.MethodGet, path: "/users/" + owner + "/contacts/users"})
	if err != nil {
		return nil, err
	}
	ids, err := a.names("data")
	if err != nil {
		return nil, odd(opAllFriends, err.Error())
	}
	return ids, nil
}

// Remark calls PUT /user/{id}/contacts/users/{id}.
func (c *Client) Remark(ctx context.Context, owner, friend, remark string) error {
	if err := checkIDs(opRemark, owner, []string{friend}); err != nil {
		return err
	}
	if !utf8.ValidString(remark) || utf8.RuneCountInString(remark) > longestRemark {
		return invalid(opRemark, "a remark has at most 100 characters")
	}
	_, err := c.do(ctx, opRemark, request{method: http.MethodPut, path: "/user/" + owner + "/contacts/users/" + friend, json: map[string]string{"remark": remark}})
	return err
}

// A FriendImport is what became of each of some people who should become friends.
type FriendImport struct {
	Added []string
	// Unknown are no users of the cloud, for Full there was no more room in one of
	// the two lists, and what hindered Failed the cloud does not tell.
	Unknown, Full, Failed []string
}

// ImportFriends calls POST /users/{id}/contacts/import with at most ten people, of
// whom some may become friends and others not. Nobody is notified. It is safe to
// repeat.
func (c *Client) ImportFriends(ctx context.Context, owner string, friends ...string) (FriendImport, error) {
	if err := checkIDs(opImportFriends, owner, friends); err != nil {
		return FriendImport{}, err
	}
	if len(friends) > mostImported {
		return FriendImport{}, invalid(opImportFriends, "at most ten friends at a time")
	}
	if len(friends) == 0 {
		return FriendImport{}, nil
	}
	a, err := c.do(ctx, opImportFriends, request{method: http.MethodPost, path: "/users/" + owner + "/contacts/import",
		query: url.Values{"isSendNotice": {"false"}}, json: map[string]any{"usernames": friends}})
	if err != nil {
		return FriendImport{}, err
	}
	data, out := a.object("data"), FriendImport{}
	// The spelling is the cloud's.
	for bucket, ids := range map[string]*[]string{"success": &out.Added, "NotExistFailed": &out.Unknown, "maxLimitFailed": &out.Full, "UnKnowFailed": &out.Failed} {
		if data[bucket] == nil {
			continue
		}
		if *ids, err = data.names(bucket); err != nil {
			return FriendImport{}, odd(opImportFriends, err.Error())
		}
	}
	if len(out.Added)+len(out.Unknown)+len(out.Full)+len(out.Failed) == 0 {
		return FriendImport{}, odd(opImportFriends, "the answer tells of nobody")
	}
	return out, nil
}
