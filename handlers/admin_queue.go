package handlers

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

// maxBulk is how many rows of the queue one request may steer.
const maxBulk = 500

type queueResponse struct {
	Rows []queueRowJSON `json:"rows"`
	// Waiting, Buried and OldestAt are of the whole queue.
	Waiting    int64      `json:"waiting"`
	Buried     int64      `json:"buried"`
	OldestAt   *time.Time `json:"oldest_at"`
	NextCursor *string    `json:"next_cursor"`
}

// queueRowJSON is one thing that the cloud must still be told.
type queueRowJSON struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind"`
	Subject     string     `json:"subject"`
	Attempts    int64      `json:"attempts"`
	CreatedAt   time.Time  `json:"created_at"`
	DueAt       time.Time  `json:"due_at"`
	AttemptedAt *time.Time `json:"attempted_at"`
	NextAt      time.Time  `json:"next_at"`
	BuriedAt    *time.Time `json:"buried_at"`
	Reason      *string    `json:"reason"`
}

func queueRowsOf(rows []models.OutboxRow) []queueRowJSON {
	list := make([]queueRowJSON, len(rows))
	for i, r := range rows {
		list[i] = queueRowJSON{ID: r.ID, Kind: r.Kind, Subject: r.Subject, Attempts: r.Attempts, CreatedAt: r.CreatedAt.UTC(), DueAt: r.DueAt.UTC(),
			AttemptedAt: timeOrNull(r.AttemptedAt), NextAt: r.NextAt.UTC(), BuriedAt: timeOrNull(r.BuriedAt), Reason: orNull(r.LastError)}
	}
	return list
}

func (h *api) queue(c echo.Context) error {
	p, err := bindPage(c)
	if err != nil {
		return err
	}
	filter, err := queueFilter("bad_query", c.QueryParam("state"), c.QueryParam("kind"))
	if err != nil {
		return err
	}
	if filter.Subject = c.QueryParam("subject"); filter.Subject != "" && !isULID(filter.Subject) {
		return wrongField("bad_query", "subject", "must be the id of a person")
	}
	ctx := c.Request().Context()
	rows, err := h.Store.Outbox(ctx, filter, p.after, p.limit+1)
	if err != nil {
		return err
	}
	stats, err := h.Store.OutboxStats(ctx)
	if err != nil {
		return err
	}
	n, more := p.cut(len(rows))
	return c.JSON(http.StatusOK, queueResponse{Rows: queueRowsOf(rows[:n]), Waiting: stats.Waiting, Buried: stats.Buried,
		OldestAt: timeOrNull(stats.OldestAt), NextCursor: nextCursor(more, func() string { return rows[n-1].ID })})
}

// queueFilter reads what two requests name the same way.
func queueFilter(code, state, kind string) (models.OutboxFilter, error) {
	var f models.OutboxFilter
	switch state {
	case "":
	case "waiting", "buried":
		buried := state == "buried"
		f.Buried = &buried
	default:
		return f, wrongField(code, "state", "must be one of waiting, buried")
	}
	// A word that is no kind of today is no mistake: rows of other releases stay
	// in reach.
	if f.Kind = kind; !isWord(kind) {
		return f, wrongField(code, "kind", "must be at most 32 lower-case letters")
	}
	return f, nil
}

func isWord(s string) bool {
	for i := range len(s) {
		if (s[i] < 'a' || s[i] > 'z') && s[i] != '_' {
			return false
		}
	}
	return len(s) <= 32
}

type queueRetryRequest struct {
	IDs    []string `json:"ids" validate:"max=500"`
	State  string   `json:"state" validate:"max=255"`
	Kind   string   `json:"kind" validate:"max=255"`
	Cursor string   `json:"cursor" validate:"max=255"`
}

type queueRetryResponse struct {
	Retried int64 `json:"retried"`
	// NextCursor: more rows fit; repeat the request with it.
	NextCursor *string `json:"next_cursor"`
}

// retryQueue takes rows by id, or by state and kind, the first 500 behind the
// cursor.
func (h *api) retryQueue(c echo.Context) error {
	in, err := bind[queueRetryRequest](c)
	if err != nil {
		return err
	}
	filter, err := queueFilter("invalid_field", in.State, in.Kind)
	if err != nil {
		return err
	}
	byFilter := in.State != "" || in.Kind != ""
	switch {
	case byFilter && len(in.IDs) > 0:
		return wrongField("invalid_field", "ids", "must not stand beside state or kind")
	case !byFilter && len(in.IDs) == 0:
		return wrongField("invalid_field", "ids", "is required, or state or kind is")
	}
	ids, err := rowIDs(in.IDs)
	if err != nil {
		return err
	}
	ctx, more := c.Request().Context(), false
	if byFilter {
		after := ""
		if in.Cursor != "" {
			if after, err = parseCursor(in.Cursor); err != nil {
				return wrongField("invalid_field", "cursor", "must be the next_cursor of an earlier answer")
			}
		}
		rows, err := h.Store.Outbox(ctx, filter, after, maxBulk+1)
		if err != nil {
			return err
		}
		if more = len(rows) > maxBulk; more {
			rows = rows[:maxBulk]
		}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
	}
	n, err := h.Store.RetryOutbox(ctx, ids, adminActor(c), origin(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, queueRetryResponse{Retried: n, NextCursor: nextCursor(more, func() string { return ids[len(ids)-1] })})
}

// rowIDs are the ids of rows that a client named, each once.
func rowIDs(ids []string) ([]string, error) {
	for _, id := range ids {
		if !isULID(id) {
			return nil, wrongField("invalid_field", "ids", "must hold ids of rows")
		}
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

type queueDropRequest struct {
	IDs    []string `json:"ids" validate:"required,max=500"`
	Reason string   `json:"reason" validate:"required,max=300"`
}

type queueDropResponse struct {
	Dropped int64 `json:"dropped"`
}

func (h *api) dropQueue(c echo.Context) error {
	in, err := bind[queueDropRequest](c)
	if err != nil && problemOf(err).code != "invalid_field" {
		return err
	}
	reason, reasonErr := givenReason(in.Reason)
	ids, idsErr := rowIDs(in.IDs)
	if err = firstWithAll(err, idsErr, reasonErr); err != nil {
		return err
	}
	n, err := h.Store.DropOutbox(c.Request().Context(), ids, reason, adminActor(c), origin(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, queueDropResponse{Dropped: n})
}
