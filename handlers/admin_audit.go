package handlers

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

type auditResponse struct {
	Entries    []auditEntry `json:"entries"`
	NextCursor *string      `json:"next_cursor"`
}

type auditEntry struct {
	ID        string         `json:"id"`
	At        time.Time      `json:"at"`
	Actor     string         `json:"actor"`
	Action    string         `json:"action"`
	Subject   string         `json:"subject"`
	Detail    map[string]any `json:"detail"`
	RequestID string         `json:"request_id"`
	IP        string         `json:"ip"`
}

func (h *api) audit(c echo.Context) error {
	p, err := bindPage(c)
	if err != nil {
		return err
	}
	f, err := bindAuditFilter(c)
	if err != nil {
		return err
	}
	rows, err := h.Store.FindAudit(c.Request().Context(), f, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(rows))
	out := auditResponse{Entries: make([]auditEntry, n), NextCursor: nextCursor(more, func() string { return rows[n-1].ID })}
	for i, r := range rows[:n] {
		out.Entries[i] = auditEntry{ID: r.ID, At: r.At.UTC(), Actor: r.Actor, Action: r.Action, Subject: r.Subject,
			Detail: r.Detail, RequestID: r.RequestID, IP: r.IP}
	}
	return c.JSON(http.StatusOK, out)
}

// maxAuditText bounds the texts that the audit is filtered by, in bytes: none
// that is stored is longer.
const maxAuditText = 48

func bindAuditFilter(c echo.Context) (models.AuditFilter, error) {
	var (
		f     models.AuditFilter
		wrong []fieldProblem
	)
	for _, q := range []struct {
		name string
		text *string
	}{{"action", &f.Action}, {"actor", &f.Actor}, {"subject", &f.Subject}} {
		*q.text = c.QueryParam(q.name)
		if len(*q.text) > maxAuditText || strings.ContainsFunc(*q.text, func(r rune) bool { return r < '!' || r > '~' }) {
			wrong = append(wrong, fieldProblem{q.name, "must be at most 48 visible ASCII characters"})
		}
	}
	for _, q := range []struct {
		name string
		at   *time.Time
	}{{"since", &f.Since}, {"until", &f.Until}} {
		raw := c.QueryParam(q.name)
		if raw == "" {
			continue
		}
		var err error
		if *q.at, err = time.Parse(time.RFC3339, raw); err != nil {
			wrong = append(wrong, fieldProblem{q.name, "must be a time like 2026-01-31T12:00:00Z"})
		}
	}
	if len(wrong) > 0 {
		return f, &problem{code: "bad_query", fields: wrong}
	}
	return f, nil
}
