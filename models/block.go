package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// A Block is somebody whom a person blocks.
type Block struct {
	User      User
	CreatedAt time.Time
}

type blockRow struct {
	OwnerID   string `gorm:"primaryKey"`
	BlockedID string `gorm:"primaryKey"`
	CreatedAt int64  `gorm:"autoCreateTime:false"`
}

func (blockRow) TableName() string { return "blocks" }

func (s *Store) blocksQuery() string {
	return `SELECT u.id, u.im_id, u.username, u.nickname, u.avatar_url, b.created_at AS listed_at
		FROM blocks b ` + s.inOrder() + ` users u ON u.id = b.blocked_id
		WHERE b.owner_id = ? AND b.blocked_id > ? AND u.status <> ? ORDER BY b.blocked_id LIMIT ?`
}

// Blocks lists whom a person blocks in the order of their ids, up to limit after
// the id after ("" for the first).
func (s *Store) Blocks(ctx context.Context, ownerID, after string, limit int) ([]Block, error) {
	var rows []listedRow
	if err := s.db.WithContext(ctx).Raw(s.blocksQuery(), ownerID, after, StatusDeleted, limit).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("blocks of %s: %w", ownerID, s.translate(err))
	}
	list := make([]Block, len(rows))
	for i, r := range rows {
		list[i] = Block{User: r.user(), CreatedAt: fromMicros(r.ListedAt)}
	}
	return list, nil
}

// BlockUser keeps somebody from writing to the person and from asking to be
// their friend. A friendship stays, requests between the two end. It is safe to
// repeat. Errors: ErrSelf, ErrNotFound, ErrBlocksFull.
func (s *Store) BlockUser(ctx context.Context, ownerID, blockedID string, o Origin) error {
	outcomes, err := s.BlockUsers(ctx, ownerID, []string{blockedID}, o)
	if err != nil {
		return err
	}
	return outcomes[blockedID]
}

// BlockUsers is BlockUser for several in one transaction. It tells for each id
// what came of it; who is refused does not keep the others from being blocked.
func (s *Store) BlockUsers(ctx context.Context, ownerID string, ids []string, o Origin) (map[string]error, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	// Those who are there; nobody takes turns with an id that somebody made up.
	var known []string
	if err := s.db.WithContext(ctx).Raw("SELECT id FROM users WHERE id IN ? AND status <> ? AND id <> ?", ids, StatusDeleted, ownerID).Scan(&known).Error; err != nil {
		return nil, fmt.Errorf("block: %w", s.translate(err))
	}
	outcomes := make(map[string]error, len(ids))
	refuse := func() {
		for _, id := range ids {
			outcomes[id] = nil
			if id == ownerID {
				outcomes[id] = ErrSelf
			} else if !slices.Contains(known, id) {
				outcomes[id] = ErrNotFound
			}
		}
	}
	refuse()
	if len(known) == 0 {
		return outcomes, nil
	}
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		refuse()
		if err := s.takeTurn(tx, append([]string{ownerID}, known...)...); err != nil {
			return err
		}
		if err := s.present(tx, ownerID); err != nil {
			return err
		}
		var here, already []string
		if err := tx.Raw("SELECT id FROM users WHERE id IN ? AND status <> ?", known, StatusDeleted).Scan(&here).Error; err != nil {
			return err
		}
		if err := tx.Raw("SELECT blocked_id FROM blocks WHERE owner_id = ?", ownerID).Scan(&already).Error; err != nil {
			return err
		}
		n := len(already)
		for _, id := range known {
			switch {
			case slices.Contains(already, id):
			case !slices.Contains(here, id):
				outcomes[id] = ErrNotFound
			case n >= MaxBlocks:
				outcomes[id] = ErrBlocksFull
			default:
				n++
				if err := s.block(tx, ownerID, id, o); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("block: %w", err)
	}
	s.wakeOutbox()
	return outcomes, nil
}

// block is for one whom the person does not block, in the turn of both.
func (s *Store) block(tx *gorm.DB, ownerID, id string, o Origin) error {
	now := s.nowMicros()
	if err := tx.Create(&blockRow{OwnerID: ownerID, BlockedID: id, CreatedAt: now}).Error; err != nil {
		return err
	}
	err := tx.Exec("UPDATE friend_requests SET status = CASE WHEN from_id = ? THEN ? ELSE ? END, pair_key = NULL, answered_at = ? WHERE pair_key = ?",
		ownerID, requestWithdrawn, requestDeclined, now, pair(ownerID, id)).Error
	if err != nil {
		return err
	}
	if err := s.enqueue(tx, KindBlock, ownerID+":"+id, s.Now()); err != nil {
		return err
	}
	return s.audit(tx, o, "user:"+ownerID, "block.add", "user:"+id, nil)
}

// UnblockUser lets somebody write to the person again; a friendship that stayed
// counts again. It is safe to repeat.
func (s *Store) UnblockUser(ctx context.Context, ownerID, blockedID string, o Origin) error {
	changed := false
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("DELETE FROM blocks WHERE owner_id = ? AND blocked_id = ?", ownerID, blockedID)
		if changed = res.RowsAffected > 0; res.Error != nil || !changed {
			return res.Error
		}
		if err := s.enqueue(tx, KindBlock, ownerID+":"+blockedID, s.Now()); err != nil {
			return err
		}
		return s.audit(tx, o, "user:"+ownerID, "block.remove", "user:"+blockedID, nil)
	})
	if err != nil {
		return fmt.Errorf("unblock: %w", err)
	}
	if changed {
		s.wakeOutbox()
	}
	return nil
}

// A Blocking is what is true now of one person blocking another.
type Blocking struct {
	Owner, Other User
	Blocked      bool
}

// BlockingOf reads the truth for an outbox row of KindBlock. ErrNotFound for a
// subject that is no pair of people.
func (s *Store) BlockingOf(ctx context.Context, subject string) (Blocking, error) {
	owner, other, err := s.two(ctx, subject)
	if err != nil {
		return Blocking{}, err
	}
	blocked, err := s.blocking(s.db.WithContext(ctx), owner.ID, other.ID)
	if err != nil {
		return Blocking{}, fmt.Errorf("blocking %s: %w", subject, s.translate(err))
	}
	return Blocking{Owner: owner, Other: other, Blocked: blocked}, nil
}

func (s *Store) blocking(tx *gorm.DB, ownerID, otherID string) (bool, error) {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM blocks WHERE owner_id = ? AND blocked_id = ?", ownerID, otherID).Scan(&n).Error
	return n > 0, err
}
