package models

import (
	"context"
	"encoding/json"
	"time"

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
}

func (auditRow) TableName() string { return "audit" }

// audit writes a row in the transaction of the change that it tells of. Detail
// holds ids and settings, never a secret.
func (s *Store) audit(tx *gorm.DB, o Origin, actor, action, subject string, detail map[string]any) error {
	text := []byte("{}")
	if len(detail) > 0 {
		var err error
		if text, err = json.Marshal(detail); err != nil {
			return err
		}
	}
	return tx.Create(&auditRow{
		ID: s.newID(), At: s.nowMicros(), Actor: actor, Action: action, Subject: subject,
		Detail: string(text), RequestID: cutASCII(o.RequestID, 64), IP: cutASCII(o.IP, 45),
	}).Error
}

// Audit lists what was done, newest first, up to limit rows before the row with
// id before ("" for the newest).
func (s *Store) Audit(ctx context.Context, before string, limit int) ([]AuditRow, error) {
	q := s.db.WithContext(ctx).Order("id DESC").Limit(limit)
	if before != "" {
		q = q.Where("id < ?", before)
	}
	var rows []auditRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, s.translate(err)
	}
	list := make([]AuditRow, len(rows))
	for i, r := range rows {
		list[i] = AuditRow{ID: r.ID, At: fromMicros(r.At), Actor: r.Actor, Action: r.Action, Subject: r.Subject,
			Detail: map[string]any{}, RequestID: r.RequestID, IP: r.IP}
		_ = json.Unmarshal([]byte(r.Detail), &list[i].Detail)
	}
	return list, nil
}
