package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
)

// adminUserJSON is a person as admins see them.
type adminUserJSON struct {
	userJSON
	Status string `json:"status"`
	// Token is null where none is stored.
	Token *tokenStateJSON `json:"token"`
}

// tokenStateJSON tells which connect token there is without showing it.
type tokenStateJSON struct {
	// Fingerprint is the beginning of the token's SHA-256.
	Fingerprint string     `json:"fingerprint"`
	IssuedAt    time.Time  `json:"issued_at"`
	ExpiresAt   *time.Time `json:"expires_at"`
}

// shownFingerprint is how many hex digits tell tokens apart.
const shownFingerprint = 16

type usersResponse struct {
	Users      []adminUserJSON `json:"users"`
	NextCursor *string         `json:"next_cursor"`
}

func (h *api) users(c echo.Context) error {
	query, err := bindQuery(c)
	if err != nil {
		return err
	}
	p, err := bindPage(c)
	if err != nil {
		return err
	}
	list, err := h.Store.Users(c.Request().Context(), query, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(list))
	ids := make([]string, n)
	for i, u := range list[:n] {
		ids[i] = u.ID
	}
	states, err := h.Store.TokenStates(c.Request().Context(), h.Issuer.App(), ids)
	if err != nil {
		return err
	}
	out := usersResponse{Users: make([]adminUserJSON, n), NextCursor: nextCursor(more, func() string { return list[n-1].ID })}
	for i, u := range list[:n] {
		out.Users[i] = adminUserJSON{userJSON: userOf(u), Status: u.Status}
		if t, stored := states[u.ID]; stored {
			out.Users[i].Token = &tokenStateJSON{t.Fingerprint[:shownFingerprint], t.IssuedAt, timeOrNull(tokens.Expiry(t))}
		}
	}
	return c.JSON(http.StatusOK, out)
}

type reissueResponse struct {
	UserID string `json:"user_id"`
	tokenStateJSON
}

func (h *api) reissue(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), h.Settings.TokenBudget)
	defer cancel()
	if err := h.Store.RecordReissue(ctx, callerOf(c).ID, id, origin(c)); err != nil {
		return err
	}
	token, err := h.Issuer.Reissue(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, reissueResponse{id,
		tokenStateJSON{models.Fingerprint(token.Value)[:shownFingerprint], token.IssuedAt.UTC(), timeOrNull(token.ExpiresAt)}})
}
