package handlers

import (
	"net/http"

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
