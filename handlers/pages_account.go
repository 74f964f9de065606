package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/web"
)

// accountNotices are what the page says after a form of it was taken.
var accountNotices = map[string]string{"profile": "account.done.profile", "session": "account.done.session", "others": "account.done.others", "password": "account.done.password"}

// accountView is what the page of one's account shows.
type accountView struct {
	User    models.User
	Profile profileForm
	// Sessions with the reader's own first.
	Sessions []sessionView
	// Section is which form the problem belongs to.
	Section string
}

type sessionView struct {
	models.Session
	Current bool
	// Client is the browser and the system, as far as they can be told.
	Client string
}

type profileForm struct {
	Nickname  string `json:"nickname" validate:"max=255"`
	Email     string `json:"email" validate:"max=255"`
	Phone     string `json:"phone" validate:"max=64"`
	AvatarURL string `json:"avatar_url" validate:"max=2048"`
}

func (h *api) accountPage(c echo.Context) error {
	u := callerOf(c).User
	v, err := h.accountView(c, profileForm{u.Nickname, u.Email, u.Phone, u.AvatarURL})
	if err != nil {
		return err
	}
	v.Notice = told(c, accountNotices)
	return h.show(c, http.StatusOK, "account", v)
}

func (h *api) accountView(c echo.Context, profile profileForm) (web.View, error) {
	who := callerOf(c)
	list, err := h.Store.Sessions(c.Request().Context(), who.ID)
	if err != nil {
		return web.View{}, err
	}
	data := accountView{User: who.User, Profile: profile}
	for _, s := range list {
		view := sessionView{Session: s, Current: s.ID == who.SessionID, Client: web.Client(s.UserAgent)}
		if view.Current {
			data.Sessions = append([]sessionView{view}, data.Sessions...)
			continue
		}
		data.Sessions = append(data.Sessions, view)
	}
	v := h.view(c, "account.title")
	v.Path, v.Script, v.Data = "/account", "account.js", data
	return v, nil
}

// accountAgain shows the page with what was wrong with one of its forms.
func (h *api) accountAgain(c echo.Context, problem error, section string, profile profileForm) error {
	v, err := h.accountView(c, profile)
	if err != nil {
		return err
	}
	data := v.Data.(accountView)
	data.Section = section
	v.Data = data
	return h.again(c, problem, "account", v)
}

func (h *api) ownProfile(c echo.Context) profileForm {
	u := callerOf(c).User
	return profileForm{u.Nickname, u.Email, u.Phone, u.AvatarURL}
}

func (h *api) profileForm(c echo.Context) error {
	in, err := bindForm[profileForm](c)
	change := models.ProfileChange{Nickname: &in.Nickname, Email: &in.Email, Phone: &in.Phone, AvatarURL: &in.AvatarURL}
	if err = allWrong(err, models.CheckProfile(change)); err == nil {
		_, err = h.Store.ChangeProfile(c.Request().Context(), callerOf(c).ID, change, origin(c))
	}
	if err != nil {
		return h.accountAgain(c, err, "profile", in)
	}
	return done(c, "/account?why=profile")
}

func (h *api) passwordForm(c echo.Context) error {
	in, err := bindForm[changePasswordRequest](c)
	who := callerOf(c)
	if err = allWrong(err, models.CheckNewPassword(who.User, in.NewPassword)); err == nil {
		err = h.Store.ChangePassword(c.Request().Context(), who.ID, who.SessionID, in.CurrentPassword, in.NewPassword, origin(c))
		if err != nil && problemOf(err).code == "bad_credentials" {
			err = wrongField("bad_credentials", "current_password", "is another password")
		}
	}
	if err != nil {
		return h.accountAgain(c, err, "password", h.ownProfile(c))
	}
	return done(c, "/account?why=password")
}

// endSessionForm ends one session; one's own is logging out.
func (h *api) endSessionForm(c echo.Context) error {
	who := callerOf(c)
	id, err := pathID(c)
	if err != nil {
		return err
	}
	own := id == who.SessionID
	if err := h.Store.EndSession(c.Request().Context(), who.ID, id, own, origin(c)); err != nil && problemOf(err).code != "not_found" {
		return err
	}
	if own {
		h.dropCookie(c, personCookie)
		return done(c, "/login?why=out")
	}
	return done(c, "/account?why=session")
}

type endSessionsForm struct {
	Scope string `json:"scope" validate:"required,oneof=others all"`
}

func (h *api) endSessionsForm(c echo.Context) error {
	in, err := bindForm[endSessionsForm](c)
	if err != nil {
		return err
	}
	who, keep := callerOf(c), ""
	if in.Scope == "others" {
		keep = who.SessionID
	}
	if err := h.Store.EndSessions(c.Request().Context(), who.ID, keep, origin(c)); err != nil {
		return err
	}
	if keep != "" {
		return done(c, "/account?why=others")
	}
	h.dropCookie(c, personCookie)
	return done(c, "/login?why=out")
}

type deleteForm struct {
	Confirm string `json:"confirm" validate:"required,max=255"`
}

// deleteForm deletes the account of whoever typed their username once more.
func (h *api) deleteAccountForm(c echo.Context) error {
	who := callerOf(c)
	in, err := bindForm[deleteForm](c)
	if err == nil && in.Confirm != who.User.Username {
		err = wrongField("invalid_field", "confirm", "must be the username")
	}
	if err != nil {
		return h.accountAgain(c, err, "delete", h.ownProfile(c))
	}
	if err := h.Store.DeleteUser(c.Request().Context(), who.ID, "user:"+who.ID, origin(c)); err != nil {
		return err
	}
	h.dropCookie(c, personCookie)
	return done(c, "/login?why=deleted")
}
