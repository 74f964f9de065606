package easemob

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"imbridge/tokens/im/calls"
)

const (
	// blockChunk ids fit in the 5 KB that the cloud takes in one body, however
	// long they are.
	blockChunk = 50
	blockPage  = "50"
)

// Block calls POST /users/{id}/blocks/users, for 50 at a time. If one of the calls
// fails the earlier ones stand, and the whole may be repeated. Friends who are
// blocked stay friends. The block list must be switched on in the console.
func (c *Client) Block(ctx context.Context, owner string, blocked ...string) error {
	if err := checkIDs(opBlock, owner, blocked); err != nil {
		return err
	}
	for chunk := range slices.Chunk(blocked, blockChunk) {
		_, err := c.do(ctx, opBlock, request{method: http.MethodPost, path: "/users/" + owner + "/blocks/users", json: map[string]any{"usernames": chunk}})
		if err != nil {
			return err
		}
	}
	return nil
}

// Unblock calls DELETE /users/{id}/blocks/users/{id} for each.
func (c *Client) Unblock(ctx context.Context, owner string, blocked ...string) error {
	if err := checkIDs(opUnblock, owner, blocked); err != nil {
		return err
	}
	for _, id := range blocked {
		_, err := c.do(ctx, opUnblock, request{method: http.MethodDelete, path: "/users/" + owner + "/blocks/users/" + id})
		if err != nil {
			return err
		}
	}
	return nil
}

// Blocked calls GET /users/{id}/blocks/users for each page of 50.
func (c *Client) Blocked(ctx context.Context, owner string) ([]string, error) {
	if err := checkID(opBlocked, owner); err != nil {
		return nil, err
	}
	var ids []string
	query := url.Values{"pageSize": {blockPage}}
	for range mostPages {
		a, err := c.do(ctx, opBlocked, request{method: http.MethodGet, path: "/users/" + owner + "/blocks/users", query: query})
		if err != nil {
			return nil, err
		}
		page, err := a.names("data")
		if err != nil {
			return nil, odd(opBlocked, err.Error())
		}
		ids = append(ids, page...)
		cursor := a.text("cursor")
		if cursor == "" || len(page) == 0 {
			return ids, nil
		}
		if cursor == query.Get("cursor") {
			break
		}
		query.Set("cursor", cursor)
	}
	return nil, odd(opBlocked, "the list's pages do not end")
}

func checkIDs(o calls.Op, owner string, others []string) error {
	for _, id := range append([]string{owner}, others...) {
		if err := checkID(o, id); err != nil {
			return err
		}
	}
	return nil
}
