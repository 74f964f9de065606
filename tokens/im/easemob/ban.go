package easemob

import (
	"context"
	"net/http"
	"time"

	"imbridge/tokens/im"
)

// mostPages ends a list whose pages never end.
const mostPages = 100_000

// Ban calls POST /users/{id}/deactivate, which closes connections. It has no end
// at this cloud, so d is ignored: the user stays out until Unban.
func (c *Client) Ban(ctx context.Context, userID string, _ time.Duration) error {
	if err := checkID(opDeactivate, userID); err != nil {
		return err
	}
	_, err := c.do(ctx, opDeactivate, request{method: http.MethodPost, path: "/users/" + userID + "/deactivate"})
	return err
}

// Unban calls POST /users/{id}/activate.
func (c *Client) Unban(ctx context.Context, userID string) error {
	if err := checkID(opActivate, userID); err != nil {
		return err
	}
	_, err := c.do(ctx, opActivate, request{method: http.MethodPost, path: "/users/" + userID + "/activate"})
	return err
}

// Banned goes through everybody by GET /users, a hundred at a time: the cloud has
// no list of those who are deactivated. Until is zero for all of them.
func (c *Client) Banned(ctx context.Context) ([]im.Ban, error) {
	bans, cursor := []im.Ban{}, ""
	for range mostPages {
		users, next, err := c.userPage(ctx, cursor)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if !u.activated {
				bans = append(bans, im.Ban{UserID: u.username})
			}
		}
		if next == "" {
			return bans, nil
		}
		if next == cursor {
			break
		}
		cursor = next
	}
	return nil, odd(opUsers, "the list's pages do not end")
}

// Kick calls GET /users/{id}/disconnect. It is not documented to end tokens: SDKs
// may come back with the ones that they have.
func (c *Client) Kick(ctx context.Context, userID string) error {
	if err := checkID(opDisconnect, userID); err != nil {
		return err
	}
	_, err := c.do(ctx, opDisconnect, request{method: http.MethodGet, path: "/users/" + userID + "/disconnect"})
	return err
}

// Online calls GET /users/{id}/status.
func (c *Client) Online(ctx context.Context, userID string) (bool, error) {
	if err := checkID(opStatus, userID); err != nil {
		return false, err
	}
	a, err := c.do(ctx, opStatus, request{method: http.MethodGet, path: "/users/" + userID + "/status"})
	if err != nil {
		return false, err
	}
	switch a.object("data").text(userID) {
	case "online":
		return true, nil
	case "offline":
		return false, nil
	}
	return false, odd(opStatus, "the answer's status is neither online nor offline")
}
