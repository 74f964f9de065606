package models

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

type cloudSecretRow struct {
	CloudApp    string `gorm:"primaryKey"`
	Seq         int64  `gorm:"primaryKey;autoIncrement:false"`
	Fingerprint string
	CreatedAt   int64 `gorm:"autoCreateTime:false"`
}

func (cloudSecretRow) TableName() string { return "cloud_secrets" }

// SecretVersion numbers the app secret that a process starts with. It is for the
// start alone: a secret that is not the newest one used at the app gets a new
// number, above all others, also when it was in use before. Tokens with a lower
// number than that of the process which reads them are stale.
func (s *Store) SecretVersion(ctx context.Context, app, secret string) (int64, error) {
	for range maxTries {
		newest, err := s.newestSecret(ctx, app)
		if err != nil {
			return 0, err
		}
		if newest.Fingerprint == s.secretFingerprint(secret) {
			return newest.Seq, nil
		}
		if err := s.appendSecret(ctx, newest, app, secret, nil); err == nil {
			return newest.Seq + 1, nil
		} else if !errors.Is(err, ErrStale) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("secret version of %s: %w", app, ErrStale)
}

// SecretVersionNow is the number that an app secret has by now, for a process
// that runs. It never makes a secret the newest one: while two releases with two
// secrets run side by side, the older one keeps its number and takes the newer
// one's tokens for good, and they do not replace each other's for ever.
// ErrNotFound for a secret that no process has started with.
func (s *Store) SecretVersionNow(ctx context.Context, app, secret string) (int64, error) {
	var row cloudSecretRow
	err := s.db.WithContext(ctx).Where("cloud_app = ? AND fingerprint = ?", app, s.secretFingerprint(secret)).Order("seq DESC").Limit(1).Take(&row).Error
	if err != nil {
		return 0, fmt.Errorf("secret version of %s: %w", app, s.translate(err))
	}
	return row.Seq, nil
}

// ErrSecretReplaced: a newer app secret is in use than the caller's.
var ErrSecretReplaced = errors.New("a newer app secret is in use: start imbridge with the one that counts")

// RotateSecret marks all tokens that were minted up to now as stale: the secret
// in use gets a new number, whether it is another one or still the same.
// Processes that run with it learn of that by SecretVersionNow. ErrSecretReplaced
// where processes were started with a newer one: a secret on its way out must not
// make the tokens of its successor stale. Who goes back to an older one starts
// imbridge with it, which makes it the newest.
func (s *Store) RotateSecret(ctx context.Context, app, secret, actor string, o Origin) error {
	for range maxTries {
		newest, err := s.newestSecret(ctx, app)
		if err != nil {
			return err
		}
		if newest.Seq > 0 && newest.Fingerprint != s.secretFingerprint(secret) {
			if _, err := s.SecretVersionNow(ctx, app, secret); err == nil {
				return fmt.Errorf("rotate secret of %s: %w", app, ErrSecretReplaced)
			} else if !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		err = s.appendSecret(ctx, newest, app, secret, func(tx *gorm.DB) error {
			return s.audit(tx, o, actor, "cloud_secret.rotate", "cloud:"+app, map[string]any{"version": newest.Seq + 1})
		})
		if !errors.Is(err, ErrStale) {
			return err
		}
	}
	return fmt.Errorf("rotate secret of %s: %w", app, ErrStale)
}

// StaleTokens counts the tokens stored for the app whose secret is older than
// version. It reads all of them.
func (s *Store) StaleTokens(ctx context.Context, app string, version int64) (int64, error) {
	var n int64
	err := s.db.WithContext(ctx).Raw("SELECT COUNT(*) FROM im_tokens WHERE cloud_app = ? AND secret_version < ? AND token_sealed IS NOT NULL", app, version).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("stale tokens: %w", s.translate(err))
	}
	return n, nil
}

func (s *Store) secretFingerprint(secret string) string { return s.macHex("app-secret", secret) }

// newestSecret is the zero row where there is none.
func (s *Store) newestSecret(ctx context.Context, app string) (cloudSecretRow, error) {
	var rows []cloudSecretRow
	if err := s.db.WithContext(ctx).Where("cloud_app = ?", app).Order("seq DESC").Limit(1).Find(&rows).Error; err != nil {
		return cloudSecretRow{}, fmt.Errorf("newest secret of %s: %w", app, s.translate(err))
	}
	if len(rows) == 0 {
		return cloudSecretRow{}, nil
	}
	return rows[0], nil
}

// appendSecret puts a secret after the newest row that the caller saw. ErrStale
// when another process has put one there. A nil also does nothing more.
func (s *Store) appendSecret(ctx context.Context, newest cloudSecretRow, app, secret string, also func(tx *gorm.DB) error) error {
	row := cloudSecretRow{CloudApp: app, Seq: newest.Seq + 1, Fingerprint: s.secretFingerprint(secret), CreatedAt: s.nowMicros()}
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil || also == nil {
			return err
		}
		return also(tx)
	})
	if isDuplicate(err) {
		return ErrStale
	}
	if err != nil {
		return fmt.Errorf("append secret of %s: %w", app, err)
	}
	return nil
}
