package handlers

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/web"
)

var noticesNotices = map[string]string{"resolved": "admin.notices.done"}

// noticesView is what an admin should know: the open ones first.
type noticesView struct {
	// State is "open", "resolved" or "all".
	State string
	Rows  []models.Notice
	More  string
	Later bool
}

func (h *api) noticesView(c echo.Context) (web.View, error) {
	data := noticesView{State: "open", Later: c.QueryParam("cursor") != ""}
	var filter models.NoticeFilter
	switch state := c.QueryParam("state"); state {
	case "resolved", "all":
		data.State = state
	}
	if data.State != "all" {
		open := data.State == "open"
		filter.Open = &open
	}
	p, err := bindPage(c)
	if err == nil {
		var list []models.Notice
		if list, err = h.Store.Notices(c.Request().Context(), filter, p.after, p.limit+1); err == nil {
			n, more := p.cut(len(list))
			data.Rows, data.More = list[:n], moreLink(c, nextCursor(more, func() string { return list[n-1].ID }))
		}
	}
	v := h.adminView(c, "admin.notices", "/admin/notices", data)
	v.Notice = told(c, noticesNotices)
	return v, err
}

func (h *api) noticesPage(c echo.Context) error {
	v, err := h.noticesView(c)
	if err != nil {
		return h.again(c, err, "admin_notices", v)
	}
	return h.show(c, http.StatusOK, "admin_notices", v)
}

type noticePost struct {
	ID string `json:"id" validate:"required,max=26"`
}

func (h *api) noticesForm(c echo.Context) error {
	in, err := bindForm[noticePost](c)
	if err == nil && !isULID(in.ID) {
		err = &problem{code: "not_found"}
	}
	if err == nil {
		err = h.Store.ResolveNoticeByAdmin(c.Request().Context(), in.ID, callerOf(c).ID, origin(c))
	}
	if err == nil {
		h.Overview.forget()
		return done(c, "/admin/notices?why=resolved")
	}
	v, viewErr := h.noticesView(c)
	if viewErr != nil {
		return viewErr
	}
	return h.again(c, err, "admin_notices", v)
}

// auditView is what was done, newest first.
type auditView struct {
	Action, Actor, Subject, Since, Until string
	Rows                                 []auditShown
	More                                 string
	Later                                bool
	// Actions are offered to whoever types one.
	Actions []string
}

type auditShown struct {
	models.AuditRow
	// Facts are the detail, by name.
	Facts []fact
	// Person is the page of who the row is about, empty where it is nobody's.
	Person string
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

// auditActions are those that an admin looks for.
var auditActions = []string{"admin.login", "admin.login_failed", "cloud_secret.rotate", "lifetime.set", "lifetime.delete", "notice.resolve", "outbox.drop",
	"outbox.retry", "session.end", "session.end_all", "session.replayed", "signing_key.rotate", "token.reissue", "user.ban", "user.delete", "user.register", "user.unban"}

func (h *api) auditPage(c echo.Context) error {
	data := auditView{Action: c.QueryParam("action"), Actor: c.QueryParam("actor"), Subject: c.QueryParam("subject"),
		Since: c.QueryParam("since"), Until: c.QueryParam("until"), Later: c.QueryParam("cursor") != "", Actions: auditActions}
	err := h.findAudit(c, &data)
	v := h.adminView(c, "admin.audit", "/admin/audit", data)
	if err != nil {
		return h.again(c, err, "admin_audit", v)
	}
	return h.show(c, http.StatusOK, "admin_audit", v)
}

// auditQuery lets a date stand for its beginning in UTC: what a page's own field
// for days sends.
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
	for _, row := range rows[:n] {
		shown := auditShown{AuditRow: row}
		for _, name := range slices.Sorted(maps.Keys(row.Detail)) {
			shown.Facts = append(shown.Facts, fact{name, factText(row.Detail[name])})
		}
		if id, ok := strings.CutPrefix(row.Subject, "user:"); ok && isULID(id) {
			shown.Person = "/admin/people/" + url.PathEscape(id)
		}
		data.Rows = append(data.Rows, shown)
	}
	data.More = moreLink(c, nextCursor(more, func() string { return rows[n-1].ID }))
	return nil
}
