package models

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

type bridgeStateRow struct {
	Name      string `gorm:"primaryKey"`
	Value     []byte
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
}

func (bridgeStateRow) TableName() string { return "bridge_state" }

// Unlock proves that the data key is the one this database was made with, or,
// on a new database, ties the two together. It returns ErrWrongDataKey where
// they do not fit. The value that it opens keys the fingerprints of what must
// be compared but not read: idempotency keys, throttled logins, the app secret.
func (s *Store) Unlock(ctx context.Context) error {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	sealed, err := s.dataKey.seal(key, "bridge_state", "value", "mac_key")
	if err != nil {
		return err
	}
	row := bridgeStateRow{Name: "mac_key", Value: sealed, UpdatedAt: s.nowMicros()}
	err = s.inTx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error })
	if err != nil && !isDuplicate(err) {
		return fmt.Errorf("unlock database: %w", err)
	}
	if err := s.db.WithContext(ctx).Where("name = ?", "mac_key").Take(&row).Error; err != nil {
		return fmt.Errorf("unlock database: %w", s.translate(err))
	}
	if s.macKey, err = s.dataKey.open(row.Value, "bridge_state", "value", "mac_key"); err != nil {
		return fmt.Errorf("unlock database: %w", ErrWrongDataKey)
	}
	return nil
}

// mac is a fingerprint of parts under purpose that nobody without the data key
// can compute or test guesses against.
func (s *Store) mac(purpose string, parts ...string) []byte {
	h := hmac.New(sha256.New, s.macKey)
	for _, p := range append([]string{purpose}, parts...) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

func (s *Store) macHex(purpose string, parts ...string) string {
	return hex.EncodeToString(s.mac(purpose, parts...))
}

// Probe writes a row and reads it back: what must work for us to be ready. The
// difference between the database's clock and ours is skew.
func (s *Store) Probe(ctx context.Context) (skew time.Duration, err error) {
	now := s.nowMicros()
	var before, after []byte
	if err := s.sql.QueryRowContext(ctx, "SELECT value FROM bridge_state WHERE name = 'probe'").Scan(&before); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("probe: %w", s.translate(err))
	}
	var token [8]byte
	_, _ = rand.Read(token[:])
	matched, err := s.write(ctx, "UPDATE bridge_state SET value = ?, updated_at = ? WHERE name = 'probe'", token[:], now)
	if err != nil {
		return 0, fmt.Errorf("probe: %w", err)
	}
	if matched == 0 {
		_, err := s.write(ctx, "INSERT INTO bridge_state (name, value, updated_at) VALUES ('probe', ?, ?)", token[:], now)
		if err != nil && !isDuplicate(err) {
			return 0, fmt.Errorf("probe: %w", err)
		}
	}
	// Not through the server's time zone: its clock runs twice through one hour a
	// year.
	query := "SELECT value, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) FROM bridge_state WHERE name = 'probe'"
	if s.Driver == "sqlite" {
		query = "SELECT value, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER) FROM bridge_state WHERE name = 'probe'"
	}
	var db int64
	if err := s.sql.QueryRowContext(ctx, query).Scan(&after, &db); err != nil {
		return 0, fmt.Errorf("probe: %w", s.translate(err))
	}
	// Another process may have written after us; only the old value is a failure.
	if bytes.Equal(before, after) {
		return 0, fmt.Errorf("probe: %w", errors.Join(ErrUnavailable, errors.New("a write did not last")))
	}
	return time.Duration(db-s.nowMicros()) * time.Microsecond, nil
}
