package models

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
)

// A SigningKey signs access tokens from ActiveAt on, until the next one is
// active.
type SigningKey struct {
	Seq       int64
	KID       string
	Public    []byte
	Private   []byte // the seed; sealed in the database
	CreatedAt time.Time
	ActiveAt  time.Time
}

type signingKeyRow struct {
	Seq           int64  `gorm:"primaryKey;autoIncrement:false"`
	KID           string `gorm:"column:kid"`
	PublicKey     []byte
	PrivateSealed []byte
	CreatedAt     int64 `gorm:"autoCreateTime:false"`
	ActiveAt      int64
}

func (signingKeyRow) TableName() string { return "signing_keys" }

// SigningKeys lists all, oldest first.
func (s *Store) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	var rows []signingKeyRow
	if err := s.db.WithContext(ctx).Order("seq").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("signing keys: %w", s.translate(err))
	}
	keys := make([]SigningKey, len(rows))
	for i, r := range rows {
		private, err := s.dataKey.open(r.PrivateSealed, "signing_keys", "private", r.KID)
		if err != nil {
			return nil, fmt.Errorf("signing keys: %w", err)
		}
		keys[i] = SigningKey{Seq: r.Seq, KID: r.KID, Public: r.PublicKey, Private: private,
			CreatedAt: fromMicros(r.CreatedAt), ActiveAt: fromMicros(r.ActiveAt)}
	}
	return keys, nil
}

// AddSigningKey stores the key with number k.Seq. Of several processes that
// rotate at once one wins, and the others get ErrStale.
func (s *Store) AddSigningKey(ctx context.Context, k SigningKey) error {
	row, err := s.sealSigningKey(k)
	if err != nil {
		return err
	}
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.audit(tx, Origin{}, "system", "signing_key.add", "signing_key:"+strconv.FormatInt(k.Seq, 10), map[string]any{"kid": k.KID})
	})
	if isDuplicate(err) {
		return ErrStale
	}
	return err
}

// RotateSigningKeys stores the key with number k.Seq for somebody who asked for
// it. Alone, it deletes all keys before it in the same moment, so that whatever
// they signed is void. ErrStale as of AddSigningKey.
func (s *Store) RotateSigningKeys(ctx context.Context, k SigningKey, alone bool, actor string, o Origin) error {
	row, err := s.sealSigningKey(k)
	if err != nil {
		return err
	}
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if alone {
			if err := tx.Exec("DELETE FROM signing_keys WHERE seq < ?", k.Seq).Error; err != nil {
				return err
			}
		}
		return s.audit(tx, o, actor, "signing_key.rotate", "signing_key:"+strconv.FormatInt(k.Seq, 10), map[string]any{"kid": k.KID, "emergency": alone})
	})
	if isDuplicate(err) {
		return ErrStale
	}
	return err
}

func (s *Store) sealSigningKey(k SigningKey) (signingKeyRow, error) {
	sealed, err := s.dataKey.seal(k.Private, "signing_keys", "private", k.KID)
	return signingKeyRow{Seq: k.Seq, KID: k.KID, PublicKey: k.Public, PrivateSealed: sealed,
		CreatedAt: s.nowMicros(), ActiveAt: k.ActiveAt.UnixMicro()}, err
}

// DropSigningKeys deletes the keys with a number below seq.
func (s *Store) DropSigningKeys(ctx context.Context, seq int64) error {
	_, err := s.write(ctx, "DELETE FROM signing_keys WHERE seq < ?", seq)
	return err
}
