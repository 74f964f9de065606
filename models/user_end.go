package models

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// BanUser keeps the person out until UnbanUser, here at once and at the cloud
// through the outbox, which also cuts their live connections. Their sessions
// stay, for the end of the ban. Banning the banned changes the reason. ErrNotFound.
func (s *Store) BanUser(ctx context.Context, userID, reason, actor string, o Origin) error {
	return s.setStatus(ctx, userID, StatusBanned, reason, actor, "user.ban", o, "")
}

// UnbanUser lets the person in again. Unbanning somebody who is not banned
// changes nothing but makes sure that the cloud knows. ErrNotFound.
func (s *Store) UnbanUser(ctx context.Context, userID, reason, actor string, o Origin) error {
	return s.setStatus(ctx, userID, StatusActive, reason, actor, "user.unban", o, "")
}

// setStatus is for somebody for whom the condition holds.
func (s *Store) setStatus(ctx context.Context, userID, status, reason, actor, action string, o Origin, condition string) error {
	reason = cut(reason, 500)
	kept := ""
	if status == StatusBanned {
		kept = reason
	}
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE users SET status = ?, ban_reason = ?, version = version + 1, updated_at = ? WHERE id = ? AND status <> ?"+condition,
			status, kept, s.nowMicros(), userID, StatusDeleted)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrNotFound
		}
		if status == StatusBanned {
			if err := s.revokeTokens(tx, userID); err != nil {
				return err
			}
		}
		if err := s.enqueue(tx, KindBan, userID, s.Now()); err != nil {
			return err
		}
		if status == StatusActive && s.DeriveIMPassword != nil {
			// The banned keep one that nobody knows.
			if err := s.enqueue(tx, KindIMPassword, userID, s.Now()); err != nil {
				return err
			}
		}
		if status == StatusActive {
			// Provisioning has passed over them while they were banned.
			var pending int64
			if err := tx.Raw("SELECT COUNT(*) FROM users WHERE id = ? AND im_state = ?", userID, IMPending).Scan(&pending).Error; err != nil {
				return err
			}
			if pending > 0 {
				if err := s.enqueue(tx, KindProvision, userID, s.Now()); err != nil {
					return err
				}
			}
		}
		return s.audit(tx, o, actor, action, "user:"+userID, map[string]any{"reason": reason})
	})
	if err != nil {
		return fmt.Errorf("%s of user %s: %w", action, userID, err)
	}
	s.wakeOutbox()
	return nil
}

// EndSessionsByAdmin logs the person out everywhere and ends their connect
// tokens. ErrNotFound.
func (s *Store) EndSessionsByAdmin(ctx context.Context, userID, actor string, o Origin) error {
	if _, err := s.User(ctx, userID); err != nil {
		return err
	}
	return s.endAllSessions(ctx, userID, "", actor, o)
}

// DeleteUser ends the person: they cannot log in, and their names are free at
// once. Names and contact stay on the row, for admins only, until the cloud has
// removed them too; then ScrubUser clears it. The id is never given to somebody
// else, here or at the cloud. ErrNotFound.
func (s *Store) DeleteUser(ctx context.Context, userID, actor string, o Origin) error {
	return s.bury(ctx, userID, actor, "user.delete", o, "", nil)
}

// RollbackUser takes a registration back that the cloud did not take part in.
// Its idempotency key may be used again. What the cloud may have made all the
// same is removed through the outbox. It is for the request that has just
// registered them: ErrNotFound for somebody to whom anything has happened since,
// a token, a ban, a change, a revocation.
func (s *Store) RollbackUser(ctx context.Context, userID string, o Origin) error {
	return s.bury(ctx, userID, "system", "user.rollback", o, " AND im_state = 'pending' AND status = 'active' AND version = 1 AND token_epoch = 1", func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM idempotency_keys WHERE user_id = ?", userID).Error
	})
}

// bury makes a tombstone of somebody for whom the condition holds.
func (s *Store) bury(ctx context.Context, userID, actor, action string, o Origin, condition string, also func(tx *gorm.DB) error) error {
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		now := s.nowMicros()
		res := tx.Exec(`UPDATE users SET status = ?, username_key = NULL, email_key = NULL, phone = NULL, password_hash = '', ban_reason = '',
			deleted_at = ?, version = version + 1, updated_at = ? WHERE id = ? AND status <> ?`+condition, StatusDeleted, now, now, userID, StatusDeleted)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrNotFound
		}
		if err := s.endRelations(tx, userID); err != nil {
			return err
		}
		if err := s.endSessions(tx, userID, "", "deleted"); err != nil {
			return err
		}
		// A mint that is under way would register the person at the cloud again.
		var lease int64
		if err := tx.Raw("SELECT COALESCE(MAX(lease_until), 0) FROM im_tokens WHERE user_id = ?", userID).Scan(&lease).Error; err != nil {
			return err
		}
		if err := s.revokeTokens(tx, userID); err != nil {
			return err
		}
		if err := s.dropLifetime(tx, userID); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM im_passwords WHERE user_id = ?", userID).Error; err != nil {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if err := s.enqueue(tx, KindRemove, userID, fromMicros(max(now, lease))); err != nil {
			return err
		}
		return s.audit(tx, o, actor, action, "user:"+userID, nil)
	})
	if err != nil {
		return fmt.Errorf("%s of user %s: %w", action, userID, err)
	}
	s.wakeOutbox()
	return nil
}

// ScrubUser clears what a tombstone still tells of a person, once the cloud has
// removed them. Doing it again changes nothing.
func (s *Store) ScrubUser(ctx context.Context, userID string) error {
	now := s.nowMicros()
	_, err := s.write(ctx, `UPDATE users SET username = '', email = NULL, nickname = '', avatar_url = '', scrubbed_at = ?, updated_at = ?
		WHERE id = ? AND status = ? AND scrubbed_at IS NULL`, now, now, userID, StatusDeleted)
	if err != nil {
		return fmt.Errorf("scrub user %s: %w", userID, err)
	}
	return nil
}

// UserEver finds a person by id, also the deleted. ErrNotFound for an id that was
// never given.
func (s *Store) UserEver(ctx context.Context, id string) (User, error) {
	var row userRow
	if err := s.db.WithContext(ctx).Where("id = ?", id).Take(&row).Error; err != nil {
		return User{}, fmt.Errorf("user %s: %w", id, s.translate(err))
	}
	return row.user(), nil
}

// TellAgain has the cloud told anew what the person is called, or that they are
// gone: for a mint that reached the cloud after its lease, when a deletion or
// another name may have been there before it. ErrNotFound for an id that was never
// given.
func (s *Store) TellAgain(ctx context.Context, userID string) error {
	u, err := s.UserEver(ctx, userID)
	if err != nil {
		return err
	}
	kind := KindProfile
	if u.Status == StatusDeleted {
		kind = KindRemove
	}
	if err := s.inTx(ctx, func(tx *gorm.DB) error { return s.enqueue(tx, kind, userID, s.Now()) }); err != nil {
		return fmt.Errorf("tell of user %s again: %w", userID, err)
	}
	s.wakeOutbox()
	return nil
}
