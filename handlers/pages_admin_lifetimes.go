package handlers

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
	"imbridge/web"
)

var lifetimesNotices = map[string]string{"set": "admin.lifetimes.done", "undone": "admin.lifetimes.undone", "removed": "admin.lifetimes.removed"}

// lifetimesView is what the page of lifetimes shows.
type lifetimesView struct {
	Default string
	Choices []string
	// Version of the default, and Revision of all, as of this page.
	Version, Revision int64
	Users             []userLifetimeView
	// MoreUsers: there are others that the list was cut before.
	MoreUsers bool
	Undo      *undoView
	// Preview is what a choice would do, nil before one is made.
	Preview *previewView
	// Who is what was typed to find the person of an exception. For whom a choice
	// was made: for one person where ForOne, or for everybody.
	Who    string
	ForOne bool
	// Chosen is that choice, empty before there is one.
	Chosen string

	all []models.LifetimeRow
}

type userLifetimeView struct {
	ID, Name, Lifetime string
	Version            int64
}

// undoView is the last change, which can be taken back while nothing came after.
type undoView struct {
	UserID, Name string
	// From is what the change replaced, To what it set; empty: none of their own.
	From, To string
	At       time.Time
	Revision int64
}

type previewView struct {
	previewResponse
	Lifetime string
	// UserID and Name of the one it is for; empty for the default.
	UserID, Name string
	// Version of the row that it would replace; 0: there is none.
	Version int64
	// Same: it is so already.
	Same bool
	// Exceptions keep their own lifetime.
	Exceptions int
}

// ExceptionCount is for the page's words.
func (p previewView) ExceptionCount() int64 { return int64(p.Exceptions) }

func durationName(d *time.Duration) string {
	if d == nil {
		return ""
	}
	return lifetimeName(*d)
}

// personName is how the console names somebody who may be gone.
func personName(u models.User) string {
	if u.Username != "" {
		return u.Username
	}
	return u.ID
}

func (h *api) lifetimesView(c echo.Context) (web.View, lifetimesView, error) {
	ctx := c.Request().Context()
	fail := func(err error) (web.View, lifetimesView, error) { return web.View{}, lifetimesView{}, err }
	all, err := h.Store.Lifetimes(ctx)
	if err != nil {
		return fail(err)
	}
	data := lifetimesView{Default: lifetimeName(all.Default.Lifetime), Version: all.Default.Version, Revision: all.Revision, all: all.Users}
	for _, l := range h.Settings.Lifetimes {
		data.Choices = append(data.Choices, l.String())
	}
	const most = 100
	data.MoreUsers = len(all.Users) > most
	for _, r := range all.Users[:min(len(all.Users), most)] {
		u, err := h.Store.UserEver(ctx, r.UserID)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return fail(err)
		}
		u.ID = r.UserID
		data.Users = append(data.Users, userLifetimeView{r.UserID, personName(u), lifetimeName(r.Lifetime), r.Version})
	}
	change, err := h.Store.LastLifetimeChange(ctx)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return fail(err)
	}
	if err == nil && change.Revision == all.Revision {
		undo := undoView{UserID: change.UserID, From: durationName(change.From), To: durationName(change.To), At: change.At.UTC(), Revision: change.Revision}
		if undo.UserID != "" {
			u, err := h.Store.UserEver(ctx, undo.UserID)
			if err != nil {
				return fail(err)
			}
			undo.Name = personName(u)
		}
		if undo.From != undo.To {
			data.Undo = &undo
		}
	}
	v := h.adminView(c, "admin.lifetimes", "/admin/lifetimes", data)
	v.Notice = told(c, lifetimesNotices)
	return v, data, nil
}

// lifetimesPage shows what is, and what a choice in the address would do.
func (h *api) lifetimesPage(c echo.Context) error {
	v, data, err := h.lifetimesView(c)
	if err != nil {
		return err
	}
	if c.QueryParam("lifetime") == "" {
		return h.show(c, http.StatusOK, "admin_lifetimes", v)
	}
	data.Who, data.ForOne, data.Chosen = cutRunes(c.QueryParam("who"), maxQuery), c.QueryParams().Has("who"), c.QueryParam("lifetime")
	data.Preview, err = h.lifetimePreview(c, data)
	if data.Preview != nil {
		data.Chosen = data.Preview.Lifetime // as the choices are written
	}
	v.Data = data
	if err != nil {
		return h.again(c, err, "admin_lifetimes", v)
	}
	return h.show(c, http.StatusOK, "admin_lifetimes", v)
}

func (h *api) lifetimePreview(c echo.Context, data lifetimesView) (*previewView, error) {
	ctx := c.Request().Context()
	lifetime, err := h.chosenLifetime(c.QueryParam("lifetime"))
	if err != nil {
		return nil, err
	}
	p := previewView{Lifetime: lifetimeName(lifetime), Version: data.Version, Same: lifetimeName(lifetime) == data.Default, Exceptions: len(data.all)}
	if data.ForOne {
		u, err := h.findPerson(c, strings.TrimSpace(c.QueryParam("who")))
		if err != nil {
			return nil, err
		}
		p.UserID, p.Name, p.Version, p.Same = u.ID, personName(u), 0, false
		if i := slices.IndexFunc(data.all, func(r models.LifetimeRow) bool { return r.UserID == u.ID }); i >= 0 {
			p.Version, p.Same = data.all[i].Version, data.all[i].Lifetime == lifetime
		}
	}
	told, err := h.Store.PreviewLifetime(ctx, h.Issuer.App(), h.Issuer.SecretVersion(), p.UserID, lifetime)
	if err != nil {
		return nil, err
	}
	p.previewResponse = previewResponse{told.Tokens, told.DueNow, told.Due1h, told.Due24h}
	return &p, nil
}

// findPerson is the one person of an id, or of a name as it was registered.
func (h *api) findPerson(c echo.Context, who string) (models.User, error) {
	ctx := c.Request().Context()
	if isULID(who) {
		u, err := h.Store.User(ctx, who)
		if !errors.Is(err, models.ErrNotFound) {
			return u, err
		}
	}
	if who == "" {
		return models.User{}, wrongField("invalid_field", "who", "is required")
	}
	u, err := h.Store.UserByUsername(ctx, who)
	if errors.Is(err, models.ErrNotFound) {
		return models.User{}, wrongField("invalid_field", "who", "is nobody's name")
	}
	return u, err
}

func (h *api) chosenLifetime(name string) (time.Duration, error) {
	l, err := tokens.ParseLifetime(name)
	if err != nil || !slices.Contains(h.Settings.Lifetimes, l) {
		return 0, wrongField("invalid_field", "lifetime", "is not allowed")
	}
	return time.Duration(l), nil
}

type lifetimePost struct {
	Do       string `json:"do" validate:"required,oneof=set remove"`
	Lifetime string `json:"lifetime" validate:"max=32"`
	UserID   string `json:"user_id" validate:"max=26"`
	Version  string `json:"version" validate:"required,max=20"`
}

func (h *api) lifetimesForm(c echo.Context) error {
	why, err := h.changeLifetime(c)
	if err == nil {
		h.Overview.forget()
		return done(c, "/admin/lifetimes?why="+why)
	}
	return h.lifetimesAgain(c, err)
}

func (h *api) lifetimesAgain(c echo.Context, problem error) error {
	v, _, err := h.lifetimesView(c)
	if err != nil {
		return err
	}
	return h.again(c, problem, "admin_lifetimes", v)
}

func (h *api) changeLifetime(c echo.Context) (why string, err error) {
	in, err := bindForm[lifetimePost](c)
	if err != nil {
		return "", err
	}
	version, err := formVersion(in.Version)
	if err != nil {
		return "", err
	}
	if in.UserID != "" && !isULID(in.UserID) {
		return "", &problem{code: "not_found"}
	}
	ctx, at := c.Request().Context(), []models.Match{{Version: &version}}
	if in.Do == "remove" {
		_, err = firstMatch(at, func(m models.Match) error { return h.Store.DeleteLifetime(ctx, in.UserID, m, adminActor(c), origin(c)) })
		return "removed", err
	}
	lifetime, err := h.chosenLifetime(in.Lifetime)
	if err != nil {
		return "", err
	}
	_, err = firstMatch(at, func(m models.Match) error {
		return h.Store.SetLifetime(ctx, in.UserID, lifetime, m, adminActor(c), origin(c))
	})
	return "set", err
}

type undoPost struct {
	Revision string `json:"revision" validate:"required,max=20"`
}

// lifetimesUndoForm sets back what the change of a revision replaced, if that is
// the last one still.
func (h *api) lifetimesUndoForm(c echo.Context) error {
	err := h.undoLifetime(c)
	if err == nil {
		h.Overview.forget()
		return done(c, "/admin/lifetimes?why=undone")
	}
	return h.lifetimesAgain(c, err)
}

func (h *api) undoLifetime(c echo.Context) error {
	in, err := bindForm[undoPost](c)
	if err != nil {
		return err
	}
	revision, err := formVersion(in.Revision)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	change, err := h.Store.LastLifetimeChange(ctx)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err != nil || change.Revision != revision {
		return staleForm()
	}
	_, err = firstMatch([]models.Match{{Revision: &revision}}, func(m models.Match) error {
		if change.From == nil {
			return h.Store.DeleteLifetime(ctx, change.UserID, m, adminActor(c), origin(c))
		}
		return h.Store.SetLifetime(ctx, change.UserID, *change.From, m, adminActor(c), origin(c))
	})
	return err
}

// cutRunes is the beginning of a text.
func cutRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
