package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"imbridge/web"
)

// Cookies of what a reader chose. They hold no secret and open nothing.
const (
	langCookie  = "imbridge-lang"
	themeCookie = "imbridge-theme"
	// preferenceAge is how long they are kept, in seconds: a year.
	preferenceAge = 365 * 24 * 60 * 60
)

// language is the reader's: by their choice, or by what their browser asks for.
func language(c echo.Context) string {
	if cookie, err := c.Cookie(langCookie); err == nil && slices.Contains(web.Languages, cookie.Value) {
		return cookie.Value
	}
	return web.Language(c.Request().Header.Get("Accept-Language"))
}

// theme is the reader's choice of colours, empty for none.
func theme(c echo.Context) string {
	if cookie, err := c.Cookie(themeCookie); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		return cookie.Value
	}
	return ""
}

type preferencesForm struct {
	Lang  string `json:"lang" validate:"max=8"`
	Theme string `json:"theme" validate:"max=8"`
	Back  string `json:"back" validate:"max=4096"`
}

func (h *api) setPreferences(c echo.Context) error {
	in, err := bindForm[preferencesForm](c)
	if err != nil {
		return err
	}
	keep := func(name, value string, age int) {
		//nolint:gosec // G124: Secure is off on loopback alone, where browsers would not keep it
		c.SetCookie(&http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true,
			Secure: !onLoopback(c.Request()), SameSite: http.SameSiteLaxMode})
	}
	if slices.Contains(web.Languages, in.Lang) {
		keep(langCookie, in.Lang, preferenceAge)
	}
	switch in.Theme {
	case "light", "dark":
		keep(themeCookie, in.Theme, preferenceAge)
	case "auto":
		keep(themeCookie, "", -1)
	}
	return done(c, localPath(in.Back))
}

// maxBack is how long an address to come back to may be.
const maxBack = 4096

// localPath is an address of our own, "/" for anything else: a redirect must not
// lead to another site.
func localPath(to string) string {
	// Browsers read a backslash as a slash, and over what cannot be seen.
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || len(to) > maxBack ||
		strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '#' }) {
		return "/"
	}
	if u, err := url.Parse(to); err != nil || u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return to
}
