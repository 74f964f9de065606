package handlers

import (
	"net"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
)

// Names of cookies. Where they are secure, "__Host-" stands in front: no other
// host and no page without encryption can plant one then.
const (
	personCookie = "imbridge"
	adminCookie  = "imbridge-admin"
	hostPrefix   = "__Host-"
)

// crossOrigin refuses what another site's page sends.
var crossOrigin = http.NewCrossOriginProtection()

// sameOrigin tells whether a request of any method comes from our own pages, or
// from no page at all. CrossOriginProtection lets every GET pass; an answer to a
// cookie must not.
func sameOrigin(r *http.Request) bool {
	asPost := *r
	asPost.Method = http.MethodPost
	return crossOrigin.Check(&asPost) == nil
}

// encrypted tells whether the browser's own connection is. Whoever lies to us
// about that gets cookies that their browser does not keep, and nothing else.
func encrypted(r *http.Request) bool {
	// Each proxy adds what it was asked by; the browser asked the first.
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(first), "https")
}

// onLoopback tells whether a request came without encryption, and to this
// machine: browsers keep no secure cookie there. A proxy may name this machine,
// too, where the browser named another.
func onLoopback(r *http.Request) bool {
	if encrypted(r) {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// insecure tells whether a browser will keep none of our cookies.
func insecure(r *http.Request) bool {
	return !encrypted(r) && !onLoopback(r)
}

func cookieName(r *http.Request, name string) string {
	if onLoopback(r) {
		return name
	}
	return hostPrefix + name
}

// setCookie makes one that scripts cannot read and other sites' forms cannot use.
func (h *api) setCookie(c echo.Context, name, value string, maxAge int) {
	r := c.Request()
	//nolint:gosec // G124: Secure is off on loopback alone, where browsers would not keep it
	c.SetCookie(&http.Cookie{Name: cookieName(r, name), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		Secure: !onLoopback(r), SameSite: http.SameSiteLaxMode})
}

func (h *api) dropCookie(c echo.Context, name string) { h.setCookie(c, name, "", -1) }

// keepSession gives a browser the cookie of a new session. The session itself
// says when it ends.
func (h *api) keepSession(c echo.Context, s models.Session) {
	h.setCookie(c, personCookie, h.Store.SessionCookie(s), int(h.Store.Rules.Max.Seconds()))
}

// keepAdmin gives a browser the cookie of an admin who has logged in.
func (h *api) keepAdmin(c echo.Context, adminID string) error {
	token, _, err := h.Access.SignAdmin(adminID)
	if err != nil {
		return err
	}
	h.setCookie(c, adminCookie, token, int(h.Access.AdminLifetime.Seconds()))
	return nil
}

// cookieValue reads a cookie, of our own pages' requests only.
func cookieValue(c echo.Context, name string) (string, error) {
	cookie, err := c.Cookie(cookieName(c.Request(), name))
	if err != nil || cookie.Value == "" {
		return "", &problem{code: "token_missing"}
	}
	return cookie.Value, nil
}

func (h *api) sessionCookie(c echo.Context) (sessionID, userID string, err error) {
	value, err := cookieValue(c, personCookie)
	if err != nil {
		return "", "", err
	}
	return h.Store.OpenSessionCookie(value)
}

// renewAdminWithin is how old an admin's cookie gets before a use renews it.
const renewAdminWithin = 6 // a sixth of its life

// cookieAdmin is the admin whom a cookie names, if they still are one.
func (h *api) cookieAdmin(c echo.Context) (*caller, error) {
	value, err := cookieValue(c, adminCookie)
	if err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	who, err := h.Access.Verify(ctx, value, tokens.AudienceAdmin)
	if err != nil {
		return nil, err
	}
	admin, err := h.admin(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	if h.Access.AdminLifetime-who.ExpiresAt.Sub(h.Now()) > h.Access.AdminLifetime/renewAdminWithin {
		if err := h.keepAdmin(c, who.ID); err != nil {
			return nil, err
		}
	}
	return &caller{ID: who.ID, User: models.User{Username: admin.Name}}, nil
}

// cookieCaller is who the cookie of an API call names, for our own pages' scripts.
func (h *api) cookieCaller(c echo.Context, audience string) (tokens.Caller, error) {
	name := personCookie
	if audience == tokens.AudienceAdmin {
		name = adminCookie
	}
	value, err := cookieValue(c, name)
	if err != nil {
		return tokens.Caller{}, err
	}
	if !sameOrigin(c.Request()) {
		return tokens.Caller{}, &problem{code: "cross_origin"}
	}
	if audience == tokens.AudienceAdmin {
		who, err := h.cookieAdmin(c)
		if err != nil {
			return tokens.Caller{}, err
		}
		return tokens.Caller{ID: who.ID}, nil
	}
	sessionID, userID, err := h.Store.OpenSessionCookie(value)
	return tokens.Caller{ID: userID, SessionID: sessionID}, err
}
