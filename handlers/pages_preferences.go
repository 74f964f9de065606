package handlers

import (
	"net/http"
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
	Back  string `json:"back" validate:"max=512"`
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

// localPath is a path of our own, "/" for anything else: a redirect must not lead
// to another site.
func localPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\?#") {
		return "/"
	}
	return to
}
