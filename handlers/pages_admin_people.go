package handlers

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
	"imbridge/web"
)

// peopleView is the list of people, or what a search found.
type peopleView struct {
	Query string
	Rows  []personRow
	More  string // address of the next part
	// Later: this is not the first part.
	Later bool
}

type personRow struct {
	models.User
	Token tokenShown
}

// tokenShown is a connect token as the console shows it.
type tokenShown struct {
	// State is "none", "good" or "ended".
	State       string
	Fingerprint string
	IssuedAt    time.Time
	ExpiresAt   time.Time // zero: never
	Lifetime    string
}

func (h *api) tokenShown(states map[string]models.TokenState, userID string) tokenShown {
	t, stored := states[userID]
	if !stored {
		return tokenShown{State: "none"}
	}
	out := tokenShown{State: "good", Fingerprint: t.Fingerprint[:shownFingerprint], IssuedAt: t.IssuedAt.UTC(), ExpiresAt: tokens.Expiry(t),
		Lifetime: lifetimeName(t.Lifetime)}
	if !out.ExpiresAt.IsZero() && !h.Now().Before(out.ExpiresAt) {
		out.State = "ended"
	}
	return out
}

func (h *api) peoplePage(c echo.Context) error {
	data := peopleView{Query: cutRunes(c.QueryParam("query"), maxQuery), Later: c.QueryParam("cursor") != ""}
	problem := h.findPeople(c, &data)
	v := h.adminView(c, "admin.people", "/admin/people", data)
	if problem != nil {
		return h.again(c, problem, "admin_people", v)
	}
	return h.show(c, http.StatusOK, "admin_people", v)
}

func (h *api) findPeople(c echo.Context, data *peopleView) error {
	list, states, next, err := h.findUsers(c)
	if err != nil {
		return err
	}
	for _, u := range list {
		data.Rows = append(data.Rows, personRow{u, h.tokenShown(states, u.ID)})
	}
	data.More = moreLink(c, next)
	return nil
}

var personNotices = map[string]string{"reissue": "admin.person.reissued", "ban": "admin.person.banned", "unban": "admin.person.unbanned",
	"end": "admin.person.ended", "delete": "admin.person.deleted"}

// personView is one person, as far as an admin may see.
type personView struct {
	models.User
	Token    tokenShown
	Sessions []sessionView
	Queue    []models.OutboxRow
	// Own tells whether they have a lifetime of their own.
	Gone bool
	// Section is which form the problem belongs to, and Reason what was typed there.
	Section, Reason string
}

func (h *api) personView(c echo.Context, id string) (web.View, personView, error) {
	ctx := c.Request().Context()
	u, err := h.Store.UserEver(ctx, id)
	if err != nil {
		return web.View{}, personView{}, err
	}
	states, err := h.Store.TokenStates(ctx, h.Issuer.App(), []string{id})
	if err != nil {
		return web.View{}, personView{}, err
	}
	sessions, err := h.Store.Sessions(ctx, id)
	if err != nil {
		return web.View{}, personView{}, err
	}
	data := personView{User: u, Token: h.tokenShown(states, id), Gone: u.Status == models.StatusDeleted}
	for _, s := range sessions {
		data.Sessions = append(data.Sessions, sessionView{Session: s, Client: web.Client(s.UserAgent)})
	}
	if data.Queue, err = h.Store.Outbox(ctx, models.OutboxFilter{Subject: id}, "", userQueue); err != nil {
		return web.View{}, personView{}, err
	}
	v := h.adminView(c, "admin.person", "/admin/people/"+id, data)
	v.Notice = told(c, personNotices)
	return v, data, nil
}

func (h *api) personPage(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	v, _, err := h.personView(c, id)
	if err != nil {
		return err
	}
	return h.show(c, http.StatusOK, "admin_person", v)
}

type personPost struct {
	Do      string `json:"do" validate:"required,oneof=reissue ban unban end delete"`
	Version string `json:"version" validate:"required,max=20"`
	Reason  string `json:"reason" validate:"max=300"`
	Typed   string `json:"typed" validate:"max=255"`
}

func (h *api) personForm(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	in, err := bindForm[personPost](c)
	if err == nil {
		err = h.changePerson(c, id, in)
	}
	if err == nil {
		h.Overview.forget()
		return done(c, "/admin/people/"+id+"?why="+in.Do)
	}
	v, data, viewErr := h.personView(c, id)
	if viewErr != nil {
		return viewErr
	}
	data.Section, data.Reason = in.Do, in.Reason
	v.Data = data
	return h.again(c, err, "admin_person", v)
}

// changePerson does what a form asks for, to the person as the form showed them.
func (h *api) changePerson(c echo.Context, id string, in personPost) error {
	version, err := formVersion(in.Version)
	if err != nil {
		return err
	}
	ctx, actor := c.Request().Context(), adminActor(c)
	switch in.Do {
	case "ban", "unban":
		reason, err := givenReason(in.Reason)
		if err != nil {
			return err
		}
		change := h.Store.BanUserAt
		if in.Do == "unban" {
			change = h.Store.UnbanUserAt
		}
		return staleAsSeen(change(ctx, id, version, reason, actor, origin(c)))
	case "end":
		return h.Store.EndSessionsByAdmin(ctx, id, actor, origin(c))
	case "delete":
		u, err := h.Store.User(ctx, id)
		if err != nil {
			return err
		}
		if in.Typed != u.Username {
			return wrongField("invalid_field", "typed", "is not allowed")
		}
		return staleAsSeen(h.Store.DeleteUserAt(ctx, id, version, actor, origin(c)))
	}
	ctx, cancel := context.WithTimeout(ctx, h.Settings.TokenBudget)
	defer cancel()
	if err := h.Store.RecordReissue(ctx, callerOf(c).ID, id, origin(c)); err != nil {
		return err
	}
	_, err = h.Issuer.Reissue(ctx, id)
	return err
}

// staleAsSeen tells a lost race as what it is to whoever looks at a page.
func staleAsSeen(err error) error {
	if errors.Is(err, models.ErrStale) {
		return staleForm()
	}
	return err
}

// VersionText is for the page's forms.
func (p personView) VersionText() string { return strconv.FormatInt(p.Version, 10) }
