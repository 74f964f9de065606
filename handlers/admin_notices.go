package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

type noticesResponse struct {
	Notices    []noticeJSON `json:"notices"`
	NextCursor *string      `json:"next_cursor"`
}

type noticeJSON struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Subject    string     `json:"subject"`
	Message    string     `json:"message"`
	Cure       string     `json:"cure"`
	Count      int64      `json:"count"`
	FirstAt    time.Time  `json:"first_at"`
	LastAt     time.Time  `json:"last_at"`
	ResolvedAt *time.Time `json:"resolved_at"`
	ResolvedBy *string    `json:"resolved_by"`
	Delivery   delivery   `json:"delivery"`
}

// delivery is how far the last announcement of a notice has come.
type delivery struct {
	Delivered []string   `json:"delivered"`
	Attempts  int64      `json:"attempts"`
	NextAt    *time.Time `json:"next_at"`
	LastError *string    `json:"last_error"`
}

func (h *api) notices(c echo.Context) error {
	p, err := bindPage(c)
	if err != nil {
		return err
	}
	var filter models.NoticeFilter
	switch raw := c.QueryParam("open"); raw {
	case "":
	case "true", "false":
		open := raw == "true"
		filter.Open = &open
	default:
		return wrongField("bad_query", "open", "must be true or false")
	}
	list, err := h.Store.Notices(c.Request().Context(), filter, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(list))
	out := noticesResponse{Notices: make([]noticeJSON, n), NextCursor: nextCursor(more, func() string { return list[n-1].ID })}
	for i, e := range list[:n] {
		out.Notices[i] = noticeOf(e)
	}
	return c.JSON(http.StatusOK, out)
}

func noticeOf(n models.Notice) noticeJSON {
	delivered := n.Delivered
	if delivered == nil {
		delivered = []string{}
	}
	return noticeJSON{ID: n.ID, Kind: n.Kind, Subject: n.Subject, Message: n.Message, Cure: n.Cure, Count: n.Count,
		FirstAt: n.FirstAt, LastAt: n.LastAt, ResolvedAt: timeOrNull(n.ResolvedAt), ResolvedBy: orNull(n.ResolvedBy),
		Delivery: delivery{Delivered: delivered, Attempts: n.Attempts, NextAt: timeOrNull(n.NextAt), LastError: orNull(n.LastError)}}
}

func (h *api) resolveNotice(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.Store.ResolveNoticeByAdmin(c.Request().Context(), id, callerOf(c).ID, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}
