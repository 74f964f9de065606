package models

import (
	"context"
	"fmt"
	"time"
)

// Accounts are how many people there are, by status.
type Accounts struct {
	Active, Banned, Deleted int64
	// Sessions that live.
	Sessions int64
}

// CountAccounts counts them.
func (s *Store) CountAccounts(ctx context.Context) (Accounts, error) {
	var rows []struct {
		Status string
		N      int64
	}
	if err := s.db.WithContext(ctx).Raw("SELECT status, COUNT(*) AS n FROM users GROUP BY status").Scan(&rows).Error; err != nil {
		return Accounts{}, fmt.Errorf("count accounts: %w", s.translate(err))
	}
	var a Accounts
	for _, r := range rows {
		switch r.Status {
		case StatusActive:
			a.Active = r.N
		case StatusBanned:
			a.Banned = r.N
		case StatusDeleted:
			a.Deleted = r.N
		}
	}
	err := s.db.WithContext(ctx).Raw("SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL AND expires_at > ?", s.nowMicros()).Scan(&a.Sessions).Error
	if err != nil {
		return Accounts{}, fmt.Errorf("count sessions: %w", s.translate(err))
	}
	return a, nil
}

// TokenCounts are the stored connect tokens by state; each is in one.
type TokenCounts struct {
	// Good ones are handed out as they are for a day at least, Ending run out
	// within a day, Ended have run out: the next request renews them.
	Good, Ending, Ended int64
	// Void ones are of the banned, revoked, or of an older app secret.
	Void int64
}

// CountTokens counts those of an app.
func (s *Store) CountTokens(ctx context.Context, app string, secretVersion int64) (TokenCounts, error) {
	now := s.nowMicros()
	const never = int64(1) << 62
	// The lower of the cloud's end and ours.
	const end = `CASE WHEN COALESCE(lu.seconds, ld.seconds, 0) = 0 OR t.issued_at + COALESCE(lu.seconds, ld.seconds, 0) * 1000000 > COALESCE(t.cloud_expires_at, ?)
		THEN COALESCE(t.cloud_expires_at, ?) ELSE t.issued_at + COALESCE(lu.seconds, ld.seconds, 0) * 1000000 END`
	var row struct{ Total, Usable, Lasting, Running int64 }
	err := s.db.WithContext(ctx).Raw(`SELECT COUNT(*) AS total, COALESCE(SUM(usable), 0) AS usable,
		COALESCE(SUM(CASE WHEN usable = 1 AND ends > ? THEN 1 ELSE 0 END), 0) AS running,
		COALESCE(SUM(CASE WHEN usable = 1 AND ends > ? THEN 1 ELSE 0 END), 0) AS lasting FROM (
			SELECT CASE WHEN u.status = 'active' AND u.token_epoch = t.epoch AND t.secret_version >= ? THEN 1 ELSE 0 END AS usable, `+end+` AS ends
			FROM im_tokens t JOIN users u ON u.id = t.user_id
			LEFT JOIN lifetimes lu ON lu.scope = t.user_id
			LEFT JOIN lifetimes ld ON ld.scope = 'default'
			WHERE t.cloud_app = ? AND t.token_sealed IS NOT NULL) AS tokens`,
		now, now+(24*time.Hour).Microseconds(), secretVersion, never, never, app).Take(&row).Error
	if err != nil {
		return TokenCounts{}, fmt.Errorf("count tokens: %w", s.translate(err))
	}
	return TokenCounts{Good: row.Lasting, Ending: row.Running - row.Lasting, Ended: row.Usable - row.Running, Void: row.Total - row.Usable}, nil
}
