package models

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch bounds what one statement deletes, so that no lock is held long.
const sweepBatch = 1000

// sessionKept is how long an ended session stays, for those who look into an
// incident.
const sessionKept = 30 * 24 * time.Hour

// Sweep deletes what has served its time: idempotency keys, throttle counts,
// sessions long ended. Several processes may do it at once.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.nowMicros()
	for _, q := range []struct {
		table, where string
		before       int64
	}{
		{"idempotency_keys", "expires_at", now},
		{"login_throttle", "last_at", now - s.Throttle.Window.Microseconds()},
		{"sessions", "expires_at", now - sessionKept.Microseconds()},
	} {
		key := map[string]string{"login_throttle": "bucket"}[q.table]
		if key == "" {
			key = "id"
		}
		for {
			// MySQL cannot delete from a table that a sub-query reads with LIMIT;
			// a derived table is read first.
			n, err := s.write(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s IN (SELECT k FROM (SELECT %s AS k FROM %s WHERE %s < ? LIMIT %d) AS due)",
				q.table, key, key, q.table, q.where, sweepBatch), q.before)
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
