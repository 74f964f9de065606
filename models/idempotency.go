package models

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// idempotencyTTL is how long a key is remembered.
const idempotencyTTL = 24 * time.Hour

// An idempotencyRow ties a client's key to what its request made. It is written
// in the transaction that makes it. Key and request are keyed fingerprints: the
// request holds a password.
type idempotencyRow struct {
	ID          string `gorm:"primaryKey"`
	Fingerprint string
	UserID      string
	SessionID   string
	CreatedAt   int64 `gorm:"autoCreateTime:false"`
	ExpiresAt   int64
}

func (idempotencyRow) TableName() string { return "idempotency_keys" }

func (s *Store) newIdempotency(route, key string, request ...string) *idempotencyRow {
	if key == "" {
		return nil
	}
	now := s.nowMicros()
	return &idempotencyRow{ID: s.macHex("idempotency-key", route, key), Fingerprint: s.macHex("idempotency-request", request...),
		CreatedAt: now, ExpiresAt: now + idempotencyTTL.Microseconds()}
}

// replay returns what the key made before. ErrNotFound when it made nothing yet,
// ErrKeyReused when it came with another request, ErrKeySpent when the session
// or the person has ended since.
func (s *Store) replay(ctx context.Context, want *idempotencyRow) (Registration, error) {
	if want == nil {
		return Registration{}, ErrNotFound
	}
	var row idempotencyRow
	if err := s.db.WithContext(ctx).Where("id = ?", want.ID).Take(&row).Error; err != nil {
		return Registration{}, s.translate(err)
	}
	if row.ExpiresAt <= s.nowMicros() {
		if _, err := s.write(ctx, "DELETE FROM idempotency_keys WHERE id = ? AND expires_at <= ?", row.ID, s.nowMicros()); err != nil {
			return Registration{}, err
		}
		return Registration{}, ErrNotFound
	}
	if row.Fingerprint != want.Fingerprint {
		return Registration{}, ErrKeyReused
	}
	session, status, err := s.sessionRow(ctx, row.SessionID)
	if errors.Is(err, ErrNotFound) {
		return Registration{}, ErrKeySpent
	}
	if err != nil {
		return Registration{}, fmt.Errorf("replay registration: %w", err)
	}
	if !session.live(s.nowMicros()) || status != StatusActive {
		return Registration{}, ErrKeySpent
	}
	user, err := s.User(ctx, row.UserID)
	if err != nil {
		return Registration{}, fmt.Errorf("replay registration: %w", err)
	}
	key, err := s.dataKey.open(session.KeySealed, "sessions", "key", session.ID)
	if err != nil {
		return Registration{}, fmt.Errorf("replay registration: %w", err)
	}
	return Registration{User: user, Session: session.session(),
		RefreshToken: encodeRefreshToken(key, session.ID, session.Counter), Replayed: true}, nil
}
