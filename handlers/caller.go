package handlers

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
)

// Keys of what middleware leaves in the context.
const (
	callerKey    = "caller"
	requestIDKey = "request_id"
)

// A caller is who is calling. User and Session are set where requireUser let
// them in.
type caller struct {
	// ID of the user or the admin.
	ID        string
	SessionID string
	User      models.User
	Session   models.Session
}

// callerOf is who was let in. Routes without one of the require functions have
// nobody.
func callerOf(c echo.Context) *caller { return c.Get(callerKey).(*caller) }

// bearer reads the Authorization header (RFC 6750).
func bearer(c echo.Context) (string, error) {
	header := c.Request().Header.Get(echo.HeaderAuthorization)
	if header == "" {
		return "", &problem{code: "token_missing"}
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", &problem{code: "token_missing"}
	}
	return token, nil
}

// verify proves the access token, or the cookie of our own pages where there is
// no Authorization. A genuine token of the other kind is told from a false one:
// its holder is known and has no business here.
func (h *api) verify(c echo.Context, audience, other string) (tokens.Caller, error) {
	if len(c.Request().Header.Values(echo.HeaderAuthorization)) == 0 {
		return h.cookieCaller(c, audience)
	}
	token, err := bearer(c)
	if err != nil {
		return tokens.Caller{}, err
	}
	ctx := c.Request().Context()
	who, err := h.Access.Verify(ctx, token, audience)
	if errors.Is(err, tokens.ErrAccessInvalid) {
		if _, otherErr := h.Access.Verify(ctx, token, other); otherErr == nil {
			return tokens.Caller{}, &problem{code: "forbidden"}
		}
	}
	return who, err
}

// requireToken lets in whoever shows a valid access token. Whether the session
// still lives is left to the handler.
func (h *api) requireToken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := h.verify(c, tokens.AudienceUser, tokens.AudienceAdmin)
		if err != nil {
			return err
		}
		c.Set(callerKey, &caller{ID: who.ID, SessionID: who.SessionID})
		return next(c)
	}
}

// requireUser lets in the person of a session that lives now.
func (h *api) requireUser(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := h.verify(c, tokens.AudienceUser, tokens.AudienceAdmin)
		if err != nil {
			return err
		}
		user, session, err := h.Store.SessionUser(c.Request().Context(), who.SessionID, who.ID)
		if err != nil {
			return err
		}
		if who.ExpiresAt.IsZero() { // a cookie's: nobody refreshes its session
			h.touch(c, session)
		}
		c.Set(callerKey, &caller{ID: who.ID, SessionID: who.SessionID, User: user, Session: session})
		return next(c)
	}
}

// requireAdmin lets in an admin who still is one.
func (h *api) requireAdmin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := h.verify(c, tokens.AudienceAdmin, tokens.AudienceUser)
		if err != nil {
			return err
		}
		if _, err := h.admin(c.Request().Context(), who.ID); err != nil {
			return err
		}
		c.Set(callerKey, &caller{ID: who.ID})
		return next(c)
	}
}

// admin finds an admin who still is one.
func (h *api) admin(ctx context.Context, id string) (models.Admin, error) {
	admin, err := h.Store.Admin(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return models.Admin{}, tokens.ErrAccessInvalid
	}
	return admin, err
}

// deadline bounds the time of a request.
func (h *api) deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), requestTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// maxDevice is how many characters a client may call itself by.
const maxDevice = 128

// origin is where the request came from.
func origin(c echo.Context) models.Origin {
	r := c.Request()
	device := r.Header.Get("X-Device-Name")
	if !utf8.ValidString(device) || utf8.RuneCountInString(device) > maxDevice || strings.ContainsFunc(device, unicode.IsControl) {
		device = ""
	}
	return models.Origin{IP: c.RealIP(), UserAgent: r.UserAgent(), Device: device, RequestID: requestID(c)}
}

func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}
