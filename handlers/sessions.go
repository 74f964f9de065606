package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
	"imbridge/tokens/im"
)

type loginRequest struct {
	Login    string `json:"login" validate:"required,max=255"`
	Password string `json:"password" validate:"required,max=1024"`
}

// loginResponse answers register and login alike.
type loginResponse struct {
	User    userJSON          `json:"user"`
	Session sessionJSON       `json:"session"`
	IM      *connectTokenJSON `json:"im"`
}

// sessionJSON holds the secrets of a session; it is shown to its owner alone.
type sessionJSON struct {
	ID               string    `json:"id"`
	AccessToken      string    `json:"access_token"`
	TokenType        string    `json:"token_type"`
	ExpiresIn        int64     `json:"expires_in"`
	RefreshToken     string    `json:"refresh_token"`
	RefreshExpiresAt time.Time `json:"refresh_expires_at"`
}

func (h *api) sessionOf(s models.Session, refresh string) (sessionJSON, error) {
	access, expires, err := h.Access.Sign(s)
	if err != nil {
		return sessionJSON{}, err
	}
	return sessionJSON{ID: s.ID, AccessToken: access, TokenType: "Bearer", ExpiresIn: h.secondsUntil(expires),
		RefreshToken: refresh, RefreshExpiresAt: s.ExpiresAt.UTC()}, nil
}

// secondsUntil rounds up, so that ten minutes read as ten minutes. Verify's
// leeway is longer than the difference.
func (h *api) secondsUntil(t time.Time) int64 {
	return max(0, int64((t.Sub(h.Now())+time.Second-1)/time.Second))
}

func (h *api) login(c echo.Context) error {
	start := h.Now()
	in, err := bind[loginRequest](c)
	if err != nil {
		return err
	}
	user, session, refresh, err := h.logIn(c, in)
	if errors.Is(err, models.ErrStale) {
		// Their password or their sessions changed in between: what was true of the
		// login a moment ago has to be true now.
		user, session, refresh, err = h.logIn(c, in)
	}
	h.Metrics.login("user", err)
	if err != nil {
		return err
	}
	return h.answerLogin(c, http.StatusOK, start, user, session, refresh)
}

func (h *api) logIn(c echo.Context, in loginRequest) (models.User, models.Session, string, error) {
	ctx := c.Request().Context()
	user, err := h.Store.Authenticate(ctx, in.Login, in.Password, origin(c))
	if err != nil {
		return models.User{}, models.Session{}, "", err
	}
	session, refresh, err := h.Store.CreateSession(ctx, user, origin(c))
	return user, session, refresh, err
}

// answerLogin adds the connect token, if the cloud gives one in what is left of
// the budget. The client fetches it later otherwise.
func (h *api) answerLogin(c echo.Context, status int, start time.Time, u models.User, s models.Session, refresh string) error {
	session, err := h.sessionOf(s, refresh)
	if err != nil {
		return err
	}
	out := loginResponse{Session: session}
	if left := h.Settings.RegisterBudget - h.Now().Sub(start); left > 0 {
		ctx := c.Request().Context()
		token, err := h.tokenWithin(ctx, left, u.ID, s.ID)
		if err == nil {
			out.IM, u.IMState = h.connectTokenOf(token), models.IMReady
		} else {
			h.Log.InfoContext(ctx, "answered without a connect token", "request_id", requestID(c), "user_id", u.ID, "err", err)
		}
	}
	out.User = userOf(u)
	return c.JSON(status, out)
}

const (
	// tokenTries is how often a token is asked for within one budget. Easemob's
	// guide for registrations wants two repeats.
	tokenTries = 3
	// tokenPause is the shortest wait between two tries.
	tokenPause = 100 * time.Millisecond
)

// tokenWithin gets a token, and repeats what may pass by itself while the budget
// lasts.
func (h *api) tokenWithin(ctx context.Context, budget time.Duration, userID, sessionID string) (token tokens.ConnectToken, err error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	end := h.Now().Add(budget)
	for range tokenTries {
		if token, err = h.Issuer.Token(ctx, userID, sessionID); err == nil || !im.Temporary(err) {
			return token, err
		}
		pause := tokenPause
		var e *im.Error
		if errors.As(err, &e) {
			pause = max(pause, e.RetryAfter)
		}
		if end.Sub(h.Now()) <= pause {
			return token, err
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return token, err
		case <-t.C:
		}
	}
	return token, err
}

type refreshRequest struct {
	RefreshToken string `json:"refresh_token" validate:"required,max=512"`
}

type refreshResponse struct {
	Session sessionJSON `json:"session"`
}

func (h *api) refreshSession(c echo.Context) error {
	in, err := bind[refreshRequest](c)
	if err != nil {
		return err
	}
	s, refresh, err := h.Store.RefreshSession(c.Request().Context(), in.RefreshToken, origin(c))
	if err != nil {
		return err
	}
	session, err := h.sessionOf(s, refresh)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, refreshResponse{session})
}

type logoutRequest struct {
	Scope string `json:"scope" validate:"required,oneof=this others all"`
}

func (h *api) logout(c echo.Context) error {
	who := callerOf(c)
	in, err := bind[logoutRequest](c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	switch in.Scope {
	case "this":
		err = h.Store.EndSession(ctx, who.ID, who.SessionID, true, origin(c))
		if errors.Is(err, models.ErrNotFound) {
			err = nil // another request ended it a moment ago
		}
	case "others":
		err = h.Store.EndSessions(ctx, who.ID, who.SessionID, origin(c))
	case "all":
		err = h.Store.EndSessions(ctx, who.ID, "", origin(c))
	}
	if err != nil {
		return err
	}
	return noContent(c)
}

type sessionsResponse struct {
	Sessions []sessionItem `json:"sessions"`
}

type sessionItem struct {
	ID         string    `json:"id"`
	Device     string    `json:"device"`
	IP         string    `json:"ip"`
	UserAgent  string    `json:"user_agent"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	Current    bool      `json:"current"`
}

func (h *api) sessions(c echo.Context) error {
	who := callerOf(c)
	list, err := h.Store.Sessions(c.Request().Context(), who.ID)
	if err != nil {
		return err
	}
	out := sessionsResponse{Sessions: make([]sessionItem, len(list))}
	for i, s := range list {
		out.Sessions[i] = sessionItem{ID: s.ID, Device: s.Device, IP: s.IP, UserAgent: s.UserAgent, CreatedAt: s.CreatedAt.UTC(),
			LastUsedAt: s.LastUsedAt.UTC(), Current: s.ID == who.SessionID}
	}
	return c.JSON(http.StatusOK, out)
}

func (h *api) endSession(c echo.Context) error {
	who := callerOf(c)
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.Store.EndSession(c.Request().Context(), who.ID, id, id == who.SessionID, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}
