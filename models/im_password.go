package models

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// imPasswordAfter is how long a derived password that is new has for the next mint
// or revocation to bring it to the cloud, before a delivery of its own does.
const imPasswordAfter = provisionAfter

// An IMPassword is the password that a person may log in to the cloud with. Its
// zero value is none.
type IMPassword struct {
	Value   string
	Version int64
	// Pending: the cloud has another one, or none. As long as that is so no token
	// is stored that the password would end when it comes.
	Pending bool
	// Revokes is the revocation, as Revocation tells it, that the cloud carries out
	// when it takes the password; zero where there is none.
	Revokes time.Time
}

type imPasswordRow struct {
	UserID         string `gorm:"primaryKey"`
	PasswordSealed []byte
	// MadeFrom is the fingerprint of the hash of the password that this was derived
	// from: a login that verified against the same hash need not derive anew.
	MadeFrom string
	Version  int64
	SetApp   string // where the cloud has it; empty: nowhere
	Revokes  *int64
}

func (imPasswordRow) TableName() string { return "im_passwords" }

// A derivedPassword is one on its way into the store; the zero value is none.
type derivedPassword struct{ value, madeFrom string }

// deriveIMPassword takes long on purpose, and a turn of the Hasher. It gives none
// where none is wanted.
func (s *Store) deriveIMPassword(ctx context.Context, password, imID, hash string) (derivedPassword, error) {
	if s.DeriveIMPassword == nil {
		return derivedPassword{}, nil
	}
	if err := s.Hasher.enter(ctx); err != nil {
		return derivedPassword{}, err
	}
	defer s.Hasher.leave()
	value, err := s.DeriveIMPassword(password, imID)
	return derivedPassword{value, Fingerprint(hash)}, err
}

// keepIMPassword stores a derived password in the transaction of what made it. One
// that is new ends every token when the cloud takes it: those that are stored are
// dropped now, and a mint that is under way finds itself stale, so that the next
// one brings the password first.
func (s *Store) keepIMPassword(tx *gorm.DB, userID string, d derivedPassword) (changed bool, err error) {
	if d.value == "" {
		return false, nil
	}
	var row imPasswordRow
	if err := tx.Where("user_id = ?", userID).Limit(1).Find(&row).Error; err != nil {
		return false, err
	}
	if row.UserID != "" {
		// One that cannot be read is replaced.
		old, err := s.dataKey.open(row.PasswordSealed, "im_passwords", "password", userID)
		if err == nil && subtle.ConstantTimeCompare(old, []byte(d.value)) == 1 {
			return false, tx.Exec("UPDATE im_passwords SET made_from = ? WHERE user_id = ?", d.madeFrom, userID).Error
		}
	}
	sealed, err := s.dataKey.seal([]byte(d.value), "im_passwords", "password", userID)
	if err != nil {
		return false, err
	}
	conflict := "ON DUPLICATE KEY UPDATE password_sealed = VALUES(password_sealed), made_from = VALUES(made_from),"
	if s.Driver == "sqlite" {
		conflict = "ON CONFLICT (user_id) DO UPDATE SET password_sealed = excluded.password_sealed, made_from = excluded.made_from,"
	}
	if err := tx.Exec("INSERT INTO im_passwords (user_id, password_sealed, made_from) VALUES (?, ?, ?) "+conflict+" version = version + 1, set_app = '', revokes = NULL",
		userID, sealed, d.madeFrom).Error; err != nil {
		return false, err
	}
	return true, s.imPasswordDue(tx, userID, s.Now().Add(imPasswordAfter))
}

// imPasswordDue drops what the password will end, and asks for its delivery.
func (s *Store) imPasswordDue(tx *gorm.DB, userID string, at time.Time) error {
	err := tx.Exec(`UPDATE im_tokens SET token_sealed = NULL, fingerprint = '', generation = generation + 1, lease_owner = ''
		WHERE user_id = ? AND (token_sealed IS NOT NULL OR lease_until > ?)`, userID, s.nowMicros()).Error
	if err != nil {
		return err
	}
	return s.enqueue(tx, KindIMPassword, userID, at)
}

// changedIMPassword is keepIMPassword for a change of password, after its
// revocation: the cloud carries that out when it takes the new one.
func (s *Store) changedIMPassword(tx *gorm.DB, userID string, d derivedPassword) error {
	changed, err := s.keepIMPassword(tx, userID, d)
	if err != nil || !changed {
		return err
	}
	return tx.Exec("UPDATE im_passwords SET revokes = (SELECT MAX(revoke_before) FROM im_tokens WHERE user_id = ?) WHERE user_id = ?", userID, userID).Error
}

// loginIMPassword sees to the derived password of somebody whose password has just
// been verified against hash: of who registered before passwords were derived, or
// changed theirs while they were not. It may fail: the next login tries again.
func (s *Store) loginIMPassword(ctx context.Context, u User, hash, password string) {
	if s.DeriveIMPassword == nil {
		return
	}
	err := func() error {
		var row imPasswordRow
		err := s.db.WithContext(ctx).Select("made_from", "password_sealed").Where("user_id = ?", u.ID).Limit(1).Find(&row).Error
		if err != nil {
			return s.translate(err)
		}
		if row.MadeFrom == Fingerprint(hash) {
			if _, err := s.dataKey.open(row.PasswordSealed, "im_passwords", "password", u.ID); err == nil {
				return nil
			}
		}
		derived, err := s.deriveIMPassword(ctx, password, u.IMID, hash)
		if err != nil {
			return err
		}
		defer s.wakeOutbox()
		return s.inTx(ctx, func(tx *gorm.DB) error {
			// It locks the row too: a change of password comes before or after.
			res := tx.Exec("UPDATE users SET updated_at = updated_at WHERE id = ? AND password_hash = ? AND status = ?", u.ID, hash, StatusActive)
			if res.Error != nil || res.RowsAffected == 0 {
				return res.Error
			}
			_, err := s.keepIMPassword(tx, u.ID, derived)
			return err
		})
	}()
	if err != nil {
		s.Log.WarnContext(ctx, "password for the cloud not derived", "user_id", u.ID, "err", err)
	}
}

// IMPassword is the derived password of a person for the app named app; none where
// passwords are not derived, or the person has none yet.
func (s *Store) IMPassword(ctx context.Context, app, userID string) (IMPassword, error) {
	if s.DeriveIMPassword == nil {
		return IMPassword{}, nil
	}
	var row imPasswordRow
	err := s.translate(s.db.WithContext(ctx).Where("user_id = ?", userID).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return IMPassword{}, nil
	}
	if err != nil {
		return IMPassword{}, fmt.Errorf("password for the cloud of user %s: %w", userID, err)
	}
	value, err := s.dataKey.open(row.PasswordSealed, "im_passwords", "password", userID)
	if err != nil {
		// It keeps nobody from their tokens, which need none. The next login derives
		// it anew.
		s.Log.WarnContext(ctx, "password for the cloud cannot be opened", "user_id", userID, "err", err)
		return IMPassword{}, nil
	}
	return IMPassword{Value: string(value), Version: row.Version, Pending: row.SetApp != app, Revokes: fromMicrosPtr(row.Revokes)}, nil
}

// FinishIMPassword notes that the cloud has taken the password of that version. A
// later one stays pending. The cloud has then ended the tokens that were asked for
// before ended: they are dropped as by FinishRevocation. Ended is zero for a mint,
// which brings the password while no token is stored.
func (s *Store) FinishIMPassword(ctx context.Context, app, userID string, version int64, ended time.Time) error {
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE im_passwords SET set_app = ? WHERE user_id = ? AND version = ?", app, userID, version)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected > 0 {
			// Whoever is delivering it takes it away themselves.
			err := tx.Exec("DELETE FROM outbox WHERE subject = ? AND kind = ? AND lease_until <= ?", userID, KindIMPassword, s.nowMicros()).Error
			if err != nil {
				return err
			}
		}
		if ended.IsZero() {
			return nil
		}
		return s.dropEnded(tx, app, userID, ended)
	})
	if err != nil {
		return fmt.Errorf("finish password of user %s: %w", userID, err)
	}
	return nil
}

// LoseIMPassword notes that the cloud was given another password, as to end
// tokens, and has the derived one brought back.
func (s *Store) LoseIMPassword(ctx context.Context, userID string) error {
	if s.DeriveIMPassword == nil {
		return nil
	}
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE im_passwords SET set_app = '', version = version + 1, revokes = NULL WHERE user_id = ?", userID)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		return s.imPasswordDue(tx, userID, s.Now())
	})
	if err != nil {
		return fmt.Errorf("lose password of user %s: %w", userID, err)
	}
	s.wakeOutbox()
	return nil
}

// forgetIMPassword is for somebody whom the cloud does not know: whoever registers
// them there brings the password.
func (s *Store) forgetIMPassword(tx *gorm.DB, userID string) error {
	return tx.Exec("UPDATE im_passwords SET set_app = '', version = version + 1, revokes = NULL WHERE user_id = ?", userID).Error
}
