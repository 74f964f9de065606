package models

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"gorm.io/gorm"
)

// An Origin is where a request came from.
type Origin struct {
	IP        string
	UserAgent string
	// Device is what the client calls itself, "Ann's phone". May be empty.
	Device    string
	RequestID string
}

// An AuditRow is one thing that was done.
type AuditRow struct {
	ID string
	At time.Time
	// Actor is "user:ID", "admin:ID" or "system".
	Actor string
	// Action is a constant like "lifetime.set".
	Action string
	// Subject is "user:ID", "session:ID", "lifetime:default" …; may be empty.
	Subject   string
	Detail    map[string]any
	RequestID string
	IP        string
}

type auditRow struct {
	ID        string `gorm:"primaryKey"`
	At        int64
	Actor     string
	Action    string
	Subject   string
	Detail    string
	RequestID string
	IP        string
	// Mac is made with the row; the rest when it is sealed, see audit_chain.go.
	Mac      []byte
	Seq      *int64
	PrevHash []byte
	Hash     []byte
}

func (auditRow) TableName() string { return "audit" }

// audit writes a row in the transaction of the change that it tells of. Detail
// holds ids and settings, never a secret.
func (s *Store) audit(tx *gorm.DB, o Origin, actor, action, subject string, detail map[string]any) error {
	var text strings.Builder
	text.WriteString("{}")
	if len(detail) > 0 {
		text.Reset()
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false) // six characters for one could outgrow the column
		if err := e.Encode(detail); err != nil {
			return err
		}
	}
	row := auditRow{
		ID: s.newID(), At: s.nowMicros(), Actor: actor, Action: action, Subject: subject,
		Detail: strings.TrimSpace(text.String()), RequestID: cutASCII(o.RequestID, 64), IP: cutASCII(o.IP, 45),
	}
	row.Mac = s.auditMAC(row)
	return tx.Create(&row).Error
}

// An AuditFilter chooses rows; what is empty or zero chooses all. Each text is
// compared as a whole.
type AuditFilter struct {
	Action, Actor, Subject string
	// Since is the earliest time, Until the first one that is too late.
	Since, Until time.Time
}

// Audit lists what was done, newest first, up to limit rows before the row with
// id before ("" for the newest).
func (s *Store) Audit(ctx context.Context, before string, limit int) ([]AuditRow, error) {
	return s.FindAudit(ctx, AuditFilter{}, before, limit)
}

// FindAudit is Audit of the rows that fit the filter.
func (s *Store) FindAudit(ctx context.Context, f AuditFilter, before string, limit int) ([]AuditRow, error) {
	q := s.db.WithContext(ctx).Order("id DESC").Limit(limit)
	if before != "" {
		q = q.Where("id < ?", before)
	}
	for column, value := range map[string]string{"action": f.Action, "actor": f.Actor, "subject": f.Subject} {
		if value != "" {
			q = q.Where(column+" = ?", value)
		}
	}
	// The ids are in the order of time, nearly: they bound the part of the index
	// that is read, and the time itself decides.
	if !f.Since.IsZero() {
		q = q.Where("id >= ? AND at >= ?", idAt(f.Since.Add(-time.Second)), f.Since.UnixMicro())
	}
	if !f.Until.IsZero() {
		q = q.Where("id < ? AND at < ?", idAt(f.Until.Add(time.Second)), f.Until.UnixMicro())
	}
	var rows []auditRow
	if err := s.translate(q.Find(&rows).Error); err != nil {
		return nil, err
	}
	list := make([]AuditRow, len(rows))
	for i, r := range rows {
		list[i] = AuditRow{ID: r.ID, At: fromMicros(r.At), Actor: r.Actor, Action: r.Action, Subject: r.Subject,
			Detail: map[string]any{}, RequestID: r.RequestID, IP: r.IP}
		_ = json.Unmarshal([]byte(r.Detail), &list[i].Detail)
	}
	return list, nil
}

// idAt is below every id that is made at t or later, and above those made a
// millisecond earlier. Times that no id can hold give the nearest one.
func idAt(t time.Time) string {
	ms := uint64(min(max(t.UnixMilli(), 0), int64(ulid.MaxTime()))) //nolint:gosec // clamped
	var id ulid.ULID
	_ = id.SetTime(ms)
	return strings.ToLower(id.String())
}
