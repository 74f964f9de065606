package models

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch bounds what one statement deletes, so that no lock is held long.
const sweepBatch = 1000

// sessionKept is how long a session stays after the time that it was to end,
// ended early or not, for those who look into an incident.
const sessionKept = 30 * 24 * time.Hour

// noticeKept is how long a resolved notice can still be read.
const noticeKept = 90 * 24 * time.Hour

// Sweep deletes what has served its time: idempotency keys, throttle counts,
// sessions long ended, notices long resolved, friend requests long answered. Several processes may do it at once.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.nowMicros()
	for _, q := range []struct {
		table, where string
		before       int64
	}{
		{"idempotency_keys", "expires_at", now},
		{"login_throttle", "last_at", now - s.Throttle.Window.Microseconds()},
		{"sessions", "expires_at", now - sessionKept.Microseconds()},
		{"notices", "resolved_at", now - noticeKept.Microseconds()},
		{"callbacks", "expires_at", now},
		{"friend_requests", "answered_at", now - requestKept.Microseconds()},
	} {
		key := map[string]string{"login_throttle": "bucket"}[q.table]
		if key == "" {
			key = "id"
		}
		for {
			// MySQL deletes along the index and locks no more than that. SQLite has no
			// LIMIT there, and one writer anyway.
			query := fmt.Sprintf("DELETE FROM %s WHERE %s < ? ORDER BY %s LIMIT %d", q.table, q.where, q.where, sweepBatch)
			if s.Driver == "sqlite" {
				query = fmt.Sprintf("DELETE FROM %s WHERE %s IN (SELECT %s FROM %s WHERE %s < ? LIMIT %d)", q.table, key, key, q.table, q.where, sweepBatch)
			}
			n, err := s.write(ctx, query, q.before)
			if err != nil {
				return fmt.Errorf("sweep %s: %w", q.table, err)
			}
			if n < sweepBatch {
				break
			}
		}
	}
	return nil
}
