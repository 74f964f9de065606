package handlers

import (
	"cmp"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/web"
)

var queueNotices = map[string]string{"retry": "admin.queue.retried", "part": "admin.queue.part", "drop": "admin.queue.dropped"}

// queueKinds are what the queue's filter offers.
var queueKinds = []string{models.KindProvision, models.KindProfile, models.KindRevoke, models.KindBan, models.KindRemove, models.KindFriend, models.KindBlock, models.KindIMPassword, models.KindRelations, models.KindAllow}

// queueView is what the cloud must still be told.
type queueView struct {
	State, Kind, Subject string
	Kinds                []string
	Rows                 []queueRow
	Stats                models.OutboxStats
	More                 string
	Later                bool
	// Marked are the rows that were chosen in a form that is shown again.
	Marked map[string]bool
	Reason string
	// Back is this list's own address.
	Back string
	// Rest: a retry of all came to a row with more behind it, and goes on there.
	Rest bool
}

type queueRow struct {
	models.OutboxRow
	// Person is whom the row is about, of two the first. Name is theirs, or those of
	// both; empty for who is gone.
	Person, Name string
	// Age is since when the row has been due.
	Age time.Duration
	// Later: it is not due yet.
	Later bool
}

func (h *api) queueView(c echo.Context) (web.View, queueView, error) {
	data := queueView{State: c.QueryParam("state"), Kind: c.QueryParam("kind"), Subject: c.QueryParam("subject"), Kinds: queueKinds,
		Later: c.QueryParam("cursor") != "", Back: c.Request().URL.RequestURI(), Rest: c.QueryParam("rest") != ""}
	err := h.findQueue(c, &data)
	v := h.adminView(c, "admin.queue", "/admin/queue", data)
	v.Notice = told(c, queueNotices)
	return v, data, err
}

func (h *api) findQueue(c echo.Context, data *queueView) error {
	ctx := c.Request().Context()
	var err error
	if data.Stats, err = h.Store.OutboxStats(ctx); err != nil {
		return err
	}
	p, err := bindPage(c)
	if err != nil {
		return err
	}
	filter, err := queueFilter("bad_query", data.State, data.Kind)
	if err != nil {
		return err
	}
	if filter.Subject = data.Subject; filter.Subject != "" && !isULID(filter.Subject) {
		return wrongField("bad_query", "subject", "must be the id of a person")
	}
	rows, err := h.Store.Outbox(ctx, filter, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(rows))
	var ids []string
	for _, r := range rows[:n] {
		ids = append(ids, r.People()...)
	}
	names, err := h.Store.UsernamesOf(ctx, unique(ids))
	if err != nil {
		return err
	}
	for _, r := range rows[:n] {
		people := r.People()
		name := names[people[0]]
		for _, id := range people[1:] {
			name += ", " + cmp.Or(names[id], id)
		}
		data.Rows = append(data.Rows, queueRow{r, people[0], strings.TrimPrefix(name, ", "), max(0, h.Now().Sub(r.DueAt)), r.DueAt.After(h.Now())})
	}
	data.More = moreLink(c, nextCursor(more, func() string { return rows[n-1].ID }))
	return nil
}

func (h *api) queuePage(c echo.Context) error {
	v, _, err := h.queueView(c)
	if err != nil {
		return h.again(c, err, "admin_queue", v)
	}
	return h.show(c, http.StatusOK, "admin_queue", v)
}

// queueForm steers the rows that were marked, or all that the list's filter names.
func (h *api) queueForm(c echo.Context) error {
	do, ids, reason, err := h.steerQueue(c)
	if err == nil {
		h.Overview.forget()
		q := c.QueryParams()
		q.Set("why", do)
		q.Del("cursor")
		q.Del("rest")
		if do == "part" {
			q.Set("rest", ids[0])
		}
		return done(c, "/admin/queue?"+q.Encode())
	}
	v, data, viewErr := h.queueView(c)
	if viewErr != nil {
		return viewErr
	}
	data.Marked, data.Reason = make(map[string]bool, len(ids)), reason
	for _, id := range ids {
		data.Marked[id] = true
	}
	v.Data = data
	return h.again(c, err, "admin_queue", v)
}

// retryRounds is how many times maxBulk rows one form tries again.
const retryRounds = 10

// steerQueue does what a form asks for. Where that is more than one form may do it
// has done "part", up to the row it returns.
func (h *api) steerQueue(c echo.Context) (do string, ids []string, reason string, err error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return "", nil, "", &problem{code: "unsupported_media_type"}
	}
	if err := r.ParseForm(); err != nil {
		if problemOf(err).code == "body_too_large" {
			return "", nil, "", err
		}
		return "", nil, "", &problem{code: "bad_field"}
	}
	do, reason = r.PostForm.Get("do"), strings.ToValidUTF8(cutRunes(r.PostForm.Get("reason"), 301), "")
	ids, err = rowIDs(r.PostForm["id"])
	if err != nil || len(ids) > maxBulk {
		return do, nil, reason, &problem{code: "bad_field"}
	}
	ctx := r.Context()
	switch do {
	case "retry_all":
		filter, err := queueFilter("bad_query", c.QueryParam("state"), c.QueryParam("kind"))
		if err != nil {
			return do, ids, reason, err
		}
		if filter.Subject = c.QueryParam("subject"); filter.Subject != "" && !isULID(filter.Subject) {
			return do, ids, reason, wrongField("bad_query", "subject", "must be the id of a person")
		}
		after := c.QueryParam("rest")
		if after != "" && !isULID(after) {
			return do, ids, reason, &problem{code: "bad_cursor"}
		}
		// More than this at once would outlive the request.
		for more, round := true, 0; more; round++ {
			if round == retryRounds {
				return "part", []string{after}, "", nil
			}
			rows, err := h.Store.Outbox(ctx, filter, after, maxBulk+1)
			if err != nil {
				return do, ids, reason, err
			}
			if more = len(rows) > maxBulk; more {
				rows = rows[:maxBulk]
			}
			all := make([]string, len(rows))
			for i, r := range rows {
				all[i], after = r.ID, r.ID
			}
			if _, err := h.Store.RetryOutbox(ctx, all, adminActor(c), origin(c)); err != nil {
				return do, ids, reason, err
			}
		}
		return "retry", nil, "", nil
	case "retry", "drop":
		var unmarked error
		if len(ids) == 0 {
			unmarked = wrongField("invalid_field", "id", "is required")
		}
		if do == "retry" {
			if unmarked != nil {
				return do, ids, reason, unmarked
			}
			_, err = h.Store.RetryOutbox(ctx, ids, adminActor(c), origin(c))
			return do, ids, reason, err
		}
		given, noReason := givenReason(reason)
		if err := firstWithAll(unmarked, check(reasonRequest{Reason: reason}), noReason); err != nil {
			return do, ids, reason, err
		}
		_, err = h.Store.DropOutbox(ctx, ids, given, adminActor(c), origin(c))
		return do, ids, reason, err
	}
	return do, ids, reason, &problem{code: "bad_field"}
}
