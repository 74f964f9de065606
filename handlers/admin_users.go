package handlers

import (
	"context"
	"net/http"
	"strconv"
	"strings"
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
	list, states, next, err := h.findUsers(c)
	if err != nil {
		return err
	}
	out := usersResponse{Users: make([]adminUserJSON, len(list)), NextCursor: next}
	for i, u := range list {
		out.Users[i] = adminUserOf(u, states)
	}
	return c.JSON(http.StatusOK, out)
}

// findUsers is one page of the people whom a request asks for, with the states of
// their tokens, for the API and the console alike.
func (h *api) findUsers(c echo.Context) (list []models.User, states map[string]models.TokenState, next *string, err error) {
	query, err := bindQuery(c)
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := bindPage(c)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx := c.Request().Context()
	if list, err = h.Store.Users(ctx, query, p.after, p.limit+1); err != nil {
		return nil, nil, nil, err
	}
	n, more := p.cut(len(list))
	list = list[:n]
	ids := make([]string, n)
	for i, u := range list {
		ids[i] = u.ID
	}
	if states, err = h.Store.TokenStates(ctx, h.Issuer.App(), ids); err != nil {
		return nil, nil, nil, err
	}
	return list, states, nextCursor(more, func() string { return list[n-1].ID }), nil
}

func adminUserOf(u models.User, states map[string]models.TokenState) adminUserJSON {
	out := adminUserJSON{userJSON: userOf(u), Status: u.Status}
	if t, stored := states[u.ID]; stored {
		out.Token = &tokenStateJSON{t.Fingerprint[:shownFingerprint], t.IssuedAt, timeOrNull(tokens.Expiry(t))}
	}
	return out
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

// adminUserDetailJSON is all that an admin may see of one person.
type adminUserDetailJSON struct {
	adminUserJSON
	BanReason *string    `json:"ban_reason"`
	DeletedAt *time.Time `json:"deleted_at"`
	// Version is what If-Match compares with.
	Version  int64              `json:"version"`
	Sessions []adminSessionJSON `json:"sessions"`
	// Queue is what the cloud must still be told of them.
	Queue []queueRowJSON `json:"queue"`
}

type adminSessionJSON struct {
	ID         string    `json:"id"`
	Device     string    `json:"device"`
	IP         string    `json:"ip"`
	UserAgent  string    `json:"user_agent"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// userQueue is how many rows of the queue are shown with a person: more than
// there are kinds.
const userQueue = 50

// user shows the deleted too: the queue may still hold rows of theirs.
func (h *api) user(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	u, err := h.Store.UserEver(ctx, id)
	if err != nil {
		return err
	}
	states, err := h.Store.TokenStates(ctx, h.Issuer.App(), []string{id})
	if err != nil {
		return err
	}
	sessions, err := h.Store.Sessions(ctx, id)
	if err != nil {
		return err
	}
	queue, err := h.Store.Outbox(ctx, models.OutboxFilter{Subject: id}, "", userQueue)
	if err != nil {
		return err
	}
	out := adminUserDetailJSON{adminUserJSON: adminUserOf(u, states), BanReason: orNull(u.BanReason), DeletedAt: timeOrNull(u.DeletedAt),
		Version: u.Version, Sessions: make([]adminSessionJSON, len(sessions)), Queue: queueRowsOf(queue)}
	for i, s := range sessions {
		out.Sessions[i] = adminSessionJSON{ID: s.ID, Device: s.Device, IP: s.IP, UserAgent: s.UserAgent,
			CreatedAt: s.CreatedAt.UTC(), LastUsedAt: s.LastUsedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC()}
	}
	c.Response().Header().Set("ETag", `"`+strconv.FormatInt(u.Version, 10)+`"`)
	return c.JSON(http.StatusOK, out)
}

type reasonRequest struct {
	Reason string `json:"reason" validate:"required,max=300"`
}

// bindReason reads why an admin does something; it is kept in the audit.
func bindReason(c echo.Context) (string, error) {
	in, err := bind[reasonRequest](c)
	if err != nil {
		return "", err
	}
	return givenReason(in.Reason)
}

func givenReason(raw string) (string, error) {
	reason := strings.TrimSpace(raw)
	if reason == "" {
		return "", wrongField("invalid_field", "reason", "is required")
	}
	return reason, nil
}

func (h *api) banUser(c echo.Context) error {
	return h.changeStatus(c, h.Store.BanUser, h.Store.BanUserAt)
}

func (h *api) unbanUser(c echo.Context) error {
	return h.changeStatus(c, h.Store.UnbanUser, h.Store.UnbanUserAt)
}

func (h *api) changeStatus(c echo.Context,
	anyVersion func(ctx context.Context, userID, reason, actor string, o models.Origin) error,
	at func(ctx context.Context, userID string, version int64, reason, actor string, o models.Origin) error) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	reason, err := bindReason(c)
	if err != nil {
		return err
	}
	ctx, actor := c.Request().Context(), adminActor(c)
	err = ifUserMatches(c,
		func() error { return anyVersion(ctx, id, reason, actor, origin(c)) },
		func(version int64) error { return at(ctx, id, version, reason, actor, origin(c)) })
	if err != nil {
		return err
	}
	return noContent(c)
}

func (h *api) endUserSessions(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.Store.EndSessionsByAdmin(c.Request().Context(), id, adminActor(c), origin(c)); err != nil {
		return err
	}
	return noContent(c)
}

func (h *api) deleteUser(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, actor := c.Request().Context(), adminActor(c)
	err = ifUserMatches(c,
		func() error { return h.Store.DeleteUser(ctx, id, actor, origin(c)) },
		func(version int64) error { return h.Store.DeleteUserAt(ctx, id, version, actor, origin(c)) })
	if err != nil {
		return err
	}
	return noContent(c)
}

// ifUserMatches makes a change of a person, at the version that If-Match names
// where it names one.
func ifUserMatches(c echo.Context, anyVersion func() error, at func(version int64) error) error {
	if len(c.Request().Header.Values("If-Match")) == 0 {
		return anyVersion()
	}
	matches, err := ifMatch(c)
	if err != nil {
		return err
	}
	_, err = firstMatch(matches, func(m models.Match) error {
		switch {
		case m.Version != nil:
			return at(*m.Version)
		case m.Revision != nil:
			return models.ErrStale // that of the lifetimes
		}
		return anyVersion()
	})
	return err
}

// adminActor is who the audit names.
func adminActor(c echo.Context) string { return "admin:" + callerOf(c).ID }
