package handlers

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/web"
)

// pageKey marks a request whose problems are told on a page.
const pageKey = "page"

// mountPages are the routes for people with a browser. Everything there that
// changes something is a POST of a form, and works without script.
func (h *api) mountPages(e *echo.Echo) {
	var (
		open   = []echo.MiddlewareFunc{h.deadline, h.asPage}
		person = []echo.MiddlewareFunc{h.deadline, h.asPage, h.pagePerson}
	)
	e.GET("/", h.startPage, open...)
	e.POST("/preferences", h.setPreferences, open...)
	e.GET("/register", h.registerPage, open...)
	e.POST("/register", h.registerForm, open...)
	e.GET("/login", h.loginPage, open...)
	e.POST("/login", h.loginForm, open...)
	e.POST("/logout", h.logoutForm, open...)
	e.GET("/static/*", h.static)

	e.GET("/chat", h.chatPage, person...)
	e.GET("/account", h.accountPage, person...)
	e.POST("/account/profile", h.profileForm, person...)
	e.POST("/account/password", h.passwordForm, person...)
	e.POST("/account/sessions/end", h.endSessionsForm, person...)
	e.POST("/account/sessions/:id/end", h.endSessionForm, person...)
	e.POST("/account/delete", h.deleteAccountForm, person...)

	// A form that was not taken leaves its own address in the browser, which may be
	// opened once more.
	for form, page := range map[string]string{"/preferences": "/", "/logout": "/", "/account/profile": "/account", "/account/password": "/account",
		"/account/sessions/end": "/account", "/account/sessions/:id/end": "/account", "/account/delete": "/account",
		"/admin/logout": "/admin", "/admin/lifetimes/undo": "/admin/lifetimes"} {
		e.GET(form, func(c echo.Context) error { return done(c, page) }, open...)
	}
}

// asPage makes a route a page: what goes wrong is told in words, requests from
// other sites that would change something are refused, and nothing is cached.
func (h *api) asPage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Set(pageKey, true)
		header := c.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Add(echo.HeaderVary, "Cookie, Accept-Language")
		if err := crossOrigin.Check(c.Request()); err != nil {
			return &problem{code: "cross_origin"}
		}
		return next(c)
	}
}

// pagePerson lets in whoever has a session that lives, and sends others to log in.
func (h *api) pagePerson(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := h.cookiePerson(c)
		if code := problemOf(err).code; err != nil && slices.Contains(outCodes, code) {
			h.dropCookie(c, personCookie)
			why := "ended"
			switch code {
			case "banned":
				why = "banned"
			case "token_missing":
				why = ""
			}
			return c.Redirect(http.StatusSeeOther, loginAddress(c, "/login", "/chat", why))
		}
		if err != nil {
			return err
		}
		c.Set(callerKey, who)
		return next(c)
	}
}

// loginAddress is where to log in and come back from. The page start comes next
// by itself.
func loginAddress(c echo.Context, login, start, why string) string {
	q := url.Values{}
	if why != "" {
		q.Set("why", why)
	}
	// A form is not sent once more by coming back to it.
	if r := c.Request(); r.Method == http.MethodGet && localPath(r.URL.RequestURI()) != "/" && r.URL.RequestURI() != start {
		q.Set("next", r.URL.RequestURI())
	}
	if len(q) == 0 {
		return login
	}
	return login + "?" + q.Encode()
}

// outCodes are the problems that logging in again cures.
var outCodes = []string{"token_missing", "token_invalid", "token_expired", "session_ended", "banned", "forbidden"}

// pageAdmin is pagePerson for admins.
func (h *api) pageAdmin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := h.cookieAdmin(c)
		if err != nil && slices.Contains(outCodes, problemOf(err).code) {
			h.dropCookie(c, adminCookie)
			return c.Redirect(http.StatusSeeOther, loginAddress(c, "/admin/login", "/admin", ""))
		}
		if err != nil {
			return err
		}
		c.Set(callerKey, who)
		return next(c)
	}
}

// cookiePerson is who the cookie of a page names, if their session lives.
func (h *api) cookiePerson(c echo.Context) (*caller, error) {
	sessionID, userID, err := h.sessionCookie(c)
	if err != nil {
		return nil, err
	}
	user, session, err := h.Store.SessionUser(c.Request().Context(), sessionID, userID)
	if err != nil {
		return nil, err
	}
	h.touch(c, session)
	return &caller{ID: userID, SessionID: sessionID, User: user, Session: session}, nil
}

// touch keeps a session alive that has no refresh token to do it. That it could
// not be noted is no reason to refuse anybody.
func (h *api) touch(c echo.Context, session models.Session) {
	if err := h.Store.TouchSession(c.Request().Context(), session, origin(c)); err != nil {
		h.Log.WarnContext(c.Request().Context(), "use of a session not noted", "request_id", requestID(c), "err", err)
	}
}

// view is the start of every page's View: language, colours, who is logged in.
func (h *api) view(c echo.Context, title string) web.View {
	v := web.View{Lang: language(c), Theme: theme(c), Path: c.Request().URL.Path, Title: title}
	if who, ok := c.Get(callerKey).(*caller); ok && who != nil {
		if who.SessionID != "" {
			v.Person = who.User.DisplayName()
		} else {
			v.Admin = who.User.Username
		}
	}
	return v
}

// show answers with a page.
func (h *api) show(c echo.Context, status int, name string, v web.View) error {
	v.Nonce, v.Back = rand.Text(), v.Path
	// What a reader searched for stays when they choose another language.
	if u := c.Request().URL; u.RawQuery != "" && u.Path == v.Path && localPath(u.RequestURI()) != "/" {
		v.Back = u.RequestURI()
	}
	html, err := web.Page(name, v)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", h.policy(v.Nonce))
	return c.Blob(status, echo.MIMETextHTMLCharsetUTF8, html)
}

// policy is the Content-Security-Policy of a page: its own files, its own
// scripts by nonce and what those load, and the sockets of the IM cloud.
func (h *api) policy(nonce string) string {
	connect := "'self'"
	for _, source := range h.Settings.ConnectSources {
		connect += " " + source
	}
	return strings.Join([]string{"default-src 'none'", "script-src 'nonce-" + nonce + "' 'strict-dynamic'", "style-src 'self'",
		"img-src 'self' data:", "connect-src " + connect, "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"}, "; ")
}

// problemView is what the page of a problem shows besides its words.
type problemView struct {
	Status int
	// Again is where to try the same once more, empty where that helps nobody.
	Again string
}

// showProblem answers a page's request that failed, in words.
func (h *api) showProblem(c echo.Context, body problemBody) error {
	v := h.view(c, "problem.title")
	data := problemView{Status: body.Status}
	switch {
	case body.Status == http.StatusNotFound || body.Status == http.StatusMethodNotAllowed:
		v.Title = "problem.missing"
	case body.Status == http.StatusForbidden:
		v.Title = "problem.refused"
	case body.RetryAfter > 0:
		v.Title = "problem.later"
	}
	// A form is not sent twice by a link.
	if r := c.Request(); r.Method == http.MethodGet && (body.RetryAfter > 0 || body.Status >= http.StatusInternalServerError) {
		data.Again = localPath(r.URL.RequestURI())
	}
	v.Data = data
	// The way back from a form's own address leads nowhere.
	v.Path = "/"
	v.Form = &web.FormProblem{Code: body.Code, RequestID: body.RequestID, RetryAfter: body.RetryAfter}
	return h.show(c, body.Status, "problem", v)
}

// wantsPage tells whether a problem is told on a page: one of a page's route, or
// of an address that somebody typed.
func wantsPage(c echo.Context) bool {
	if is, _ := c.Get(pageKey).(bool); is {
		return true
	}
	r := c.Request()
	return r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.URL.Path, "/static/") &&
		!strings.HasPrefix(r.URL.Path, "/docs/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// startPage leads to where somebody who opens the address wants to be.
func (h *api) startPage(c echo.Context) error {
	if _, err := h.cookiePerson(c); err == nil {
		return c.Redirect(http.StatusSeeOther, "/chat")
	}
	return c.Redirect(http.StatusSeeOther, "/login")
}

// static serves the files of the pages. Browsers keep them, and ask each time
// whether they are still the same: an update is never half seen.
func (h *api) static(c echo.Context) error {
	name, err := url.PathUnescape(c.Param("*"))
	if err != nil {
		return &problem{code: "not_found"}
	}
	asset, ok := web.StaticAsset(name)
	if !ok {
		return &problem{code: "not_found"}
	}
	header := c.Response().Header()
	header.Set("ETag", asset.ETag)
	header.Set("Cache-Control", "no-cache")
	if c.Request().Header.Get("If-None-Match") == asset.ETag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, asset.Type, asset.Content)
}

// formProblem is an error as a form shows it, or nil where a page of its own has
// to: the form would be shown as if it could be sent again.
func (h *api) formProblem(c echo.Context, err error) (*web.FormProblem, int) {
	p := problemOf(err)
	kind := problemKinds[p.code]
	if kind.Status >= http.StatusInternalServerError && p.code != "busy" && p.code != "im_unavailable" || errors.Is(err, http.ErrAbortHandler) {
		return nil, 0
	}
	form := &web.FormProblem{Code: p.code, RequestID: requestID(c), Wrong: map[string]string{}}
	if kind.Retry {
		form.RetryAfter = seconds(p.retryAfter)
	}
	for _, f := range p.fields {
		if _, before := form.Wrong[f.Field]; !before {
			form.Wrong[f.Field] = f.Wrong
		}
	}
	h.Metrics.problems.WithLabelValues(p.code).Inc()
	return form, kind.Status
}
