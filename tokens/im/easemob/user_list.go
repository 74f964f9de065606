package easemob

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

const (
	userPageSize = "100"
	// targets of one look-up of metadata, and of ids so long that more would not
	// fit in the 5 KB of a body.
	mostTargets, mostLongTargets = 100, 60
	longTarget                   = 40 // bytes
)

// goodCursor tells whether something can be the name of a page. What the names
// mean is the cloud's affair.
func goodCursor(page string) bool { return len(page) <= 512 && calls.Visible(page) }

// Users calls GET /users for a hundred, by the time of registration, and POST
// /metadata/user/get for their names and avatars. The cloud does not tell how many
// there are; when it names no page after this one, the list is complete.
func (c *Client) Users(ctx context.Context, page string) (im.UserPage, error) {
	if !goodCursor(page) {
		return im.UserPage{}, invalid(opUsers, "the page is none of ours")
	}
	users, next, err := c.userPage(ctx, page)
	if err != nil {
		return im.UserPage{}, err
	}
	profiles, err := c.severalProfiles(ctx, users)
	if err != nil {
		return im.UserPage{}, err
	}
	out := im.UserPage{Next: next, Complete: next == ""}
	for _, u := range users {
		p := profiles[u.username]
		out.Users = append(out.Users, im.User{ID: u.username, Name: p.text("nickname"), AvatarURL: p.text("avatarurl")})
	}
	return out, nil
}

// userPage is one page of everybody, and the name of the next.
func (c *Client) userPage(ctx context.Context, cursor string) ([]entity, string, error) {
	query := url.Values{"limit": {userPageSize}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	a, err := c.do(ctx, opUsers, request{method: http.MethodGet, path: "/users", query: query})
	if err != nil {
		return nil, "", err
	}
	users, err := a.entities()
	if err != nil {
		return nil, "", odd(opUsers, err.Error())
	}
	next := a.text("cursor")
	if next != "" && next == cursor {
		return nil, "", odd(opUsers, "the list's pages do not end")
	}
	return users, next, nil
}

func (c *Client) severalProfiles(ctx context.Context, users []entity) (map[string]answer, error) {
	all := make(map[string]answer, len(users))
	size := mostTargets
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.username
		if len(u.username) > longTarget {
			size = mostLongTargets
		}
	}
	for chunk := range slices.Chunk(ids, size) {
		a, err := c.do(ctx, opSeveralMetadata, request{method: http.MethodPost, path: "/metadata/user/get",
			json: map[string]any{"targets": chunk, "properties": []string{"nickname", "avatarurl"}}})
		if err != nil {
			return nil, err
		}
		data := map[string]answer{}
		if json.Unmarshal(a["data"], &data) != nil {
			return nil, odd(opSeveralMetadata, "data is not an object of objects")
		}
		for id, profile := range data {
			all[id] = profile
		}
	}
	return all, nil
}
