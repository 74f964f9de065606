package handlers

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

// loginNotices are why somebody sees the page to log in.
var loginNotices = map[string]string{"ended": "login.ended", "banned": "login.banned", "out": "login.out", "deleted": "login.deleted"}

// loginView is what the form shows; a password never comes back.
type loginView struct {
	Login    string
	Insecure bool
	// Next is the page that was asked for, empty for the usual one.
	Next string
}

// nextPage is the page to lead on to, empty where that is the usual one.
func nextPage(next string) string {
	if next = localPath(next); next == "/" {
		return ""
	}
	return next
}

func (h *api) loginPage(c echo.Context) error {
	next := nextPage(c.QueryParam("next"))
	if _, err := h.cookiePerson(c); err == nil {
		return done(c, cmp.Or(next, "/chat"))
	}
	v := h.view(c, "login.title")
	v.Script, v.Notice, v.Data = "login.js", told(c, loginNotices), loginView{Insecure: insecure(c.Request()), Next: next}
	return h.show(c, http.StatusOK, "login", v)
}

// loginPost is what the page sends. An address to come back to that is none of
// ours is no reason to keep anybody out.
type loginPost struct {
	Login    string `json:"login" validate:"required,max=255"`
	Password string `json:"password" validate:"required,max=1024"`
	Next     string `json:"next"`
}

func (h *api) loginForm(c echo.Context) error {
	in, err := bindForm[loginPost](c)
	next := nextPage(in.Next)
	if err == nil {
		var session models.Session
		login := loginRequest{in.Login, in.Password}
		_, session, _, err = h.logIn(c, login)
		if errors.Is(err, models.ErrStale) {
			_, session, _, err = h.logIn(c, login)
		}
		h.Metrics.login("user", err)
		if err == nil {
			h.leaveOld(c)
			h.keepSession(c, session)
			return done(c, cmp.Or(next, "/chat"))
		}
	}
	v := h.view(c, "login.title")
	v.Data = loginView{Login: in.Login, Insecure: insecure(c.Request()), Next: next}
	return h.again(c, err, "login", v)
}

// leaveOld ends the session that the browser had before: its cookie is about to
// be replaced, and nobody could end it from here any more.
func (h *api) leaveOld(c echo.Context) {
	sessionID, userID, err := h.sessionCookie(c)
	if err == nil {
		err = h.Store.EndSession(c.Request().Context(), userID, sessionID, true, origin(c))
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			h.Log.WarnContext(c.Request().Context(), "session before not ended", "request_id", requestID(c), "err", err)
		}
	}
}

// logoutForm ends this browser's session. It succeeds for whoever has none.
func (h *api) logoutForm(c echo.Context) error {
	if sessionID, userID, err := h.sessionCookie(c); err == nil {
		err = h.Store.EndSession(c.Request().Context(), userID, sessionID, true, origin(c))
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
	}
	h.dropCookie(c, personCookie)
	return done(c, "/login?why=out")
}

// registerForm is what the page sends. Attempt makes a form that is sent twice
// one registration.
type registerPost struct {
	Username  string `json:"username" validate:"required,max=255"`
	Password  string `json:"password" validate:"required,max=1024"`
	Nickname  string `json:"nickname" validate:"max=255"`
	Email     string `json:"email" validate:"max=255"`
	Phone     string `json:"phone" validate:"max=64"`
	AvatarURL string `json:"avatar_url" validate:"max=2048"`
	Attempt   string `json:"attempt" validate:"max=64"`
}

type registerView struct {
	Username, Nickname, Email, Phone string
	Attempt                          string
	Insecure                         bool
}

func (h *api) registerPage(c echo.Context) error {
	if _, err := h.cookiePerson(c); err == nil {
		return done(c, "/chat")
	}
	v := h.view(c, "register.title")
	v.Data = registerView{Attempt: rand.Text(), Insecure: insecure(c.Request())}
	return h.show(c, http.StatusOK, "register", v)
}

func (h *api) registerForm(c echo.Context) error {
	start := h.Now()
	in, err := bindForm[registerPost](c)
	wanted := registerRequest{in.Username, in.Password, in.Nickname, in.Email, in.Phone, in.AvatarURL}
	err = allWrong(err, models.CheckNewUser(wanted.newUser()))
	if err == nil {
		key := ""
		if in.Attempt != "" && harmlessID(in.Attempt) {
			key = "form-" + in.Attempt
		}
		var reg models.Registration
		reg, err = h.registered(c, start, wanted, key)
		if err == nil {
			h.leaveOld(c)
			h.keepSession(c, reg.Session)
			return done(c, "/chat")
		}
	}
	v := h.view(c, "register.title")
	// A new attempt: what was sent will not be sent again as it was.
	v.Data = registerView{Username: in.Username, Nickname: in.Nickname, Email: in.Email, Phone: in.Phone, Attempt: rand.Text(), Insecure: insecure(c.Request())}
	return h.again(c, err, "register", v)
}
