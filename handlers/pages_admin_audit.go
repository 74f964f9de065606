package handlers

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/web"
)

// auditView is what was done, newest first.
type auditView struct {
	Action, Actor, Subject, Since, Until string
	Rows                                 []auditShown
	More                                 string
	Later                                bool
	// Actions are those to choose from.
	Actions []string
}

// SinceDay and UntilDay are what the fields for days show.
func (v auditView) SinceDay() string { return dayOf(v.Since) }
func (v auditView) UntilDay() string { return dayOf(v.Until) }

// SinceAt and UntilAt are the moments that a script asked for, which knows when
// the reader's own days begin; empty where it was a day.
func (v auditView) SinceAt() string { return momentOf(v.Since) }
func (v auditView) UntilAt() string { return momentOf(v.Until) }

func dayOf(asked string) string {
	if at, err := time.Parse(time.RFC3339, asked); err == nil {
		return at.UTC().Format(time.DateOnly)
	}
	return asked
}

func momentOf(asked string) string {
	at, err := time.Parse(time.RFC3339, asked)
	if err != nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

type auditShown struct {
	models.AuditRow
	By, About party
	// Facts are the detail, by name.
	Facts []fact
	// Why is the reason that an admin gave, empty where they gave none.
	Why string
}

// A party is who did something, or what it was done to.
type party struct {
	// Kind is what stands before the colon: "user", "admin", "session", "system".
	Kind string
	// Name is a person's or an admin's; empty where there is none any more.
	Name string
	// Page of a person, empty for all else.
	Page string
}

func partyOf(id string, people, admins map[string]string) party {
	kind, key, _ := strings.Cut(id, ":")
	p := party{Kind: kind}
	switch kind {
	case "user":
		p.Name = people[key]
		if isULID(key) {
			p.Page = "/admin/people/" + url.PathEscape(key)
		}
	case "admin":
		p.Name = admins[key]
	}
	return p
}

// auditNames reads the names of all whom rows name by id.
func (h *api) auditNames(ctx context.Context, rows []models.AuditRow) (people, admins map[string]string, err error) {
	var users, bosses []string
	for _, row := range rows {
		for _, id := range []string{row.Actor, row.Subject} {
			switch kind, key, _ := strings.Cut(id, ":"); kind {
			case "user":
				users = append(users, key)
			case "admin":
				bosses = append(bosses, key)
			}
		}
	}
	if people, err = h.Store.UsernamesOf(ctx, unique(users)); err != nil {
		return nil, nil, err
	}
	admins, err = h.Store.AdminNames(ctx, unique(bosses))
	return people, admins, err
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// A fact is one value of an audit row's detail.
type fact struct{ Name, Value string }

// factText shows a text as it is, and anything else as JSON has it.
func factText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// auditActions are those that the page has words for.
var auditActions = func() []string {
	var all []string
	for _, key := range web.TextKeys() {
		if action, ok := strings.CutPrefix(key, "admin.action."); ok {
			all = append(all, action)
		}
	}
	return all
}()

func (h *api) auditPage(c echo.Context) error {
	data := auditView{Action: c.QueryParam("action"), Actor: c.QueryParam("actor"), Subject: c.QueryParam("subject"),
		Since: c.QueryParam("since"), Until: c.QueryParam("until"), Later: c.QueryParam("cursor") != "", Actions: auditActions}
	if data.Action != "" && !slices.Contains(data.Actions, data.Action) {
		data.Actions = append([]string{data.Action}, data.Actions...) // of another release
	}
	err := h.findAudit(c, &data)
	v := h.adminView(c, "admin.audit", "/admin/audit", data)
	if err != nil {
		return h.again(c, err, "admin_audit", v)
	}
	return h.show(c, http.StatusOK, "admin_audit", v)
}

// auditQuery lets a date stand for its beginning in UTC: what a page's own field
// for days sends where no script makes it the reader's.
func auditQuery(c echo.Context) {
	q := c.Request().URL.Query()
	for _, name := range []string{"since", "until"} {
		if day := q.Get(name); len(day) == len("2026-01-31") {
			q.Set(name, day+"T00:00:00Z")
		}
	}
	c.Request().URL.RawQuery = q.Encode()
}

func (h *api) findAudit(c echo.Context, data *auditView) error {
	r := *c.Request()
	address := *r.URL
	r.URL = &address
	asAPI := c.Echo().NewContext(&r, nil)
	auditQuery(asAPI)
	f, err := bindAuditFilter(asAPI)
	if err != nil {
		return err
	}
	p, err := bindPage(c)
	if err != nil {
		return err
	}
	rows, err := h.Store.FindAudit(c.Request().Context(), f, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(rows))
	people, admins, err := h.auditNames(c.Request().Context(), rows[:n])
	if err != nil {
		return err
	}
	for _, row := range rows[:n] {
		shown := auditShown{AuditRow: row, By: partyOf(row.Actor, people, admins), About: partyOf(row.Subject, people, admins)}
		for _, name := range slices.Sorted(maps.Keys(row.Detail)) {
			value := factText(row.Detail[name])
			if name == "reason" {
				shown.Why = value
			}
			shown.Facts = append(shown.Facts, fact{name, value})
		}
		data.Rows = append(data.Rows, shown)
	}
	data.More = moreLink(c, nextCursor(more, func() string { return rows[n-1].ID }))
	return nil
}
