package models

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"gorm.io/gorm"
)

// defaultScope is the lifetime of everybody who has none of their own. Its row
// also counts every change to the table, so that one number names a state of
// all lifetimes.
const defaultScope = "default"

// A LifetimeRow is one lifetime that an admin set.
type LifetimeRow struct {
	UserID string // empty for the default
	// Lifetime of connect tokens; zero is permanent.
	Lifetime time.Duration
	// Version changes with every change of this row, and never comes back.
	Version   int64
	UpdatedBy string
	UpdatedAt time.Time
}

// Lifetimes are all of them.
type Lifetimes struct {
	Default LifetimeRow
	Users   []LifetimeRow
	// Revision changes with every change of any of them.
	Revision int64
}

// A Match is what the caller saw before a change: a revision of all lifetimes or
// the version of the one row. Nil does not count; with both nil the change is
// made whatever is there.
type Match struct{ Revision, Version *int64 }

type lifetimeRow struct {
	Scope     string `gorm:"primaryKey"`
	Seconds   int64
	Version   int64
	Revision  int64
	UpdatedBy string
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
}

func (lifetimeRow) TableName() string { return "lifetimes" }

func (r lifetimeRow) row() LifetimeRow {
	l := LifetimeRow{UserID: r.Scope, Lifetime: time.Duration(r.Seconds) * time.Second, Version: r.Version, UpdatedBy: r.UpdatedBy, UpdatedAt: fromMicros(r.UpdatedAt)}
	if r.Scope == defaultScope {
		l.UserID = ""
	}
	return l
}

// InitLifetime sets the default lifetime of a new installation. Where one is
// set already it stays: from then on it is the admins' to change.
func (s *Store) InitLifetime(ctx context.Context, d time.Duration) error {
	var n int64
	if err := s.db.WithContext(ctx).Model(&lifetimeRow{}).Where("scope = ?", defaultScope).Count(&n).Error; err != nil || n > 0 {
		return s.translate(err)
	}
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		return tx.Create(&lifetimeRow{Scope: defaultScope, Seconds: int64(d / time.Second), Version: 1, Revision: 1, UpdatedBy: "system", UpdatedAt: s.nowMicros()}).Error
	})
	if isDuplicate(err) {
		return nil
	}
	return err
}

// MaxLifetimeUsers bounds how many people Lifetimes lists.
const MaxLifetimeUsers = 1000

// Lifetimes reads the default and the first MaxLifetimeUsers exceptions.
func (s *Store) Lifetimes(ctx context.Context) (Lifetimes, error) {
	var rows []lifetimeRow
	err := s.db.WithContext(ctx).Order("CASE WHEN scope = 'default' THEN 0 ELSE 1 END, scope").Limit(MaxLifetimeUsers + 1).Find(&rows).Error
	if err != nil {
		return Lifetimes{}, fmt.Errorf("lifetimes: %w", s.translate(err))
	}
	l := Lifetimes{Users: []LifetimeRow{}}
	for _, r := range rows {
		if r.Scope == defaultScope {
			l.Default, l.Revision = r.row(), r.Revision
			continue
		}
		l.Users = append(l.Users, r.row())
	}
	return l, nil
}

// SetLifetime changes the default (userID empty) or one person's lifetime. It
// writes one row, for a person two, however many tokens it acts on. Errors:
// ErrStale when match does not fit any more, ErrNotFound for an unknown person.
func (s *Store) SetLifetime(ctx context.Context, userID string, d time.Duration, match Match, actor string, o Origin) error {
	return s.changeLifetime(ctx, userID, match, actor, "lifetime.set", map[string]any{"seconds": int64(d / time.Second)}, o, func(tx *gorm.DB, version int64) error {
		if userID == "" {
			return nil
		}
		var n int64
		if err := tx.Model(&userRow{}).Where("id = ? AND status <> ?", userID, StatusDeleted).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		row := lifetimeRow{Scope: userID, Seconds: int64(d / time.Second), Version: version, UpdatedBy: actor, UpdatedAt: s.nowMicros()}
		res := tx.Exec("UPDATE lifetimes SET seconds = ?, version = ?, updated_by = ?, updated_at = ? WHERE scope = ?", row.Seconds, row.Version, row.UpdatedBy, row.UpdatedAt, userID)
		if res.Error != nil || res.RowsAffected > 0 {
			return res.Error
		}
		return tx.Create(&row).Error
	}, &d)
}

// DeleteLifetime takes a person's own lifetime away; the default counts again.
// Errors as of SetLifetime; ErrNotFound when they have none.
func (s *Store) DeleteLifetime(ctx context.Context, userID string, match Match, actor string, o Origin) error {
	return s.changeLifetime(ctx, userID, match, actor, "lifetime.delete", nil, o, func(tx *gorm.DB, _ int64) error {
		res := tx.Exec("DELETE FROM lifetimes WHERE scope = ?", userID)
		if res.Error == nil && res.RowsAffected == 0 {
			return ErrNotFound
		}
		return res.Error
	}, nil)
}

// dropLifetime takes away the lifetime of a person who is being deleted.
func (s *Store) dropLifetime(tx *gorm.DB, userID string) error {
	res := tx.Exec("DELETE FROM lifetimes WHERE scope = ?", userID)
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	return tx.Exec("UPDATE lifetimes SET revision = revision + 1 WHERE scope = ?", defaultScope).Error
}

// changeLifetime moves the revision by compare-and-set, which makes all changes
// of lifetimes one after the other, and lets change do the rest.
func (s *Store) changeLifetime(ctx context.Context, userID string, match Match, actor, action string, detail map[string]any, o Origin,
	change func(tx *gorm.DB, version int64) error, d *time.Duration) error {
	for try := 0; ; try++ {
		err := s.inTx(ctx, func(tx *gorm.DB) error {
			var def lifetimeRow
			if err := tx.Where("scope = ?", defaultScope).Take(&def).Error; err != nil {
				return err
			}
			if match.Revision != nil && *match.Revision != def.Revision {
				return ErrStale
			}
			if match.Version != nil {
				version := def.Version
				if userID != "" {
					var rows []lifetimeRow
					if err := tx.Where("scope = ?", userID).Find(&rows).Error; err != nil {
						return err
					}
					version = 0
					if len(rows) == 1 {
						version = rows[0].Version
					}
				}
				if *match.Version != version {
					return ErrStale
				}
			}
			told, err := s.beforeChange(tx, userID, def)
			if err != nil {
				return err
			}
			maps.Copy(told, detail)
			next, args := def.Revision+1, []any{}
			told["revision"] = next
			set := "revision = ?"
			args = append(args, next)
			if userID == "" {
				set += ", seconds = ?, version = ?, updated_by = ?, updated_at = ?"
				args = append(args, int64(*d/time.Second), next, actor, s.nowMicros())
			}
			args = append(args, defaultScope, def.Revision)
			res := tx.Exec("UPDATE lifetimes SET "+set+" WHERE scope = ? AND revision = ?", args...)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				return errRevisionMoved
			}
			if err := change(tx, next); err != nil {
				return err
			}
			subject := "lifetime:default"
			if userID != "" {
				subject = "user:" + userID
			}
			return s.audit(tx, o, actor, action, subject, told)
		})
		switch {
		case errors.Is(err, errRevisionMoved) && match.Revision == nil && try < maxTries:
			continue
		case errors.Is(err, errRevisionMoved):
			return ErrStale
		}
		return err
	}
}

// beforeChange tells what a change of a lifetime is about to replace, so that it
// can be taken back: nothing for a person who had none of their own.
func (s *Store) beforeChange(tx *gorm.DB, userID string, def lifetimeRow) (map[string]any, error) {
	if userID == "" {
		return map[string]any{"was_seconds": def.Seconds}, nil
	}
	var rows []lifetimeRow
	if err := tx.Where("scope = ?", userID).Find(&rows).Error; err != nil || len(rows) == 0 {
		return map[string]any{}, err
	}
	return map[string]any{"was_seconds": rows[0].Seconds}, nil
}

// A LifetimeChange is what was done to a lifetime, and what it replaced.
type LifetimeChange struct {
	UserID string // empty for the default
	Actor  string
	At     time.Time
	// To is what it was set to, From what it was before; nil: none of their own.
	To, From *time.Duration
	// Revision of all lifetimes that the change made.
	Revision int64
}

// LastLifetimeChange is the newest change that anybody made. ErrNotFound where
// there was none that can be told.
func (s *Store) LastLifetimeChange(ctx context.Context) (LifetimeChange, error) {
	var newest *AuditRow
	for _, action := range []string{"lifetime.set", "lifetime.delete"} {
		rows, err := s.FindAudit(ctx, AuditFilter{Action: action}, "", 1)
		if err != nil {
			return LifetimeChange{}, err
		}
		if len(rows) == 1 && (newest == nil || rows[0].ID > newest.ID) {
			newest = &rows[0]
		}
	}
	if newest == nil {
		return LifetimeChange{}, ErrNotFound
	}
	revision, ok := newest.Detail["revision"].(float64)
	if !ok {
		return LifetimeChange{}, ErrNotFound
	}
	c := LifetimeChange{Actor: newest.Actor, At: newest.At, Revision: int64(revision)}
	if id, ok := strings.CutPrefix(newest.Subject, "user:"); ok {
		c.UserID = id
	}
	for name, to := range map[string]**time.Duration{"seconds": &c.To, "was_seconds": &c.From} {
		if n, ok := newest.Detail[name].(float64); ok {
			d := time.Duration(n) * time.Second
			*to = &d
		}
	}
	return c, nil
}

var errRevisionMoved = errors.New("revision moved")

// A LifetimePreview says what a lifetime would do to the tokens stored now.
type LifetimePreview struct {
	// Tokens that it would rule.
	Tokens int64
	// DueNow of them have run out under it already, Due1h within an hour and Due24h
	// within 24 hours, each with those before. They are as many people: nobody has
	// two tokens.
	DueNow, Due1h, Due24h int64
}

// PreviewLifetime counts without changing anything. The default (userID empty)
// rules everybody without a lifetime of their own.
func (s *Store) PreviewLifetime(ctx context.Context, app string, secretVersion int64, userID string, d time.Duration) (LifetimePreview, error) {
	now := s.nowMicros()
	where, args := "l.scope IS NULL", []any{}
	if userID != "" {
		where, args = "t.user_id = ?", append(args, userID)
	}
	// An end is the lower of the cloud's and ours; none is far away.
	const never = int64(1) << 62
	policy := "?"
	policyArgs := []any{never}
	if d > 0 {
		policy, policyArgs = "(t.issued_at + ?)", []any{d.Microseconds()}
	}
	due := "SUM(CASE WHEN " + policy + " <= ? OR COALESCE(t.cloud_expires_at, ?) <= ? THEN 1 ELSE 0 END)"
	all := []any{}
	for _, at := range []int64{now, now + time.Hour.Microseconds(), now + (24 * time.Hour).Microseconds()} {
		all = append(append(all, policyArgs...), at, never, at)
	}
	all = append(append(all, app, secretVersion), args...)
	var p struct {
		Tokens                  int64
		DueNow, DueHour, DueDay *int64
	}
	err := s.db.WithContext(ctx).Raw("SELECT COUNT(*) AS tokens, "+due+" AS due_now, "+due+" AS due_hour, "+due+` AS due_day
		FROM im_tokens t JOIN users u ON u.id = t.user_id AND u.token_epoch = t.epoch AND u.status = 'active'
		LEFT JOIN lifetimes l ON l.scope = t.user_id
		WHERE t.cloud_app = ? AND t.secret_version >= ? AND t.token_sealed IS NOT NULL AND `+where, all...).Take(&p).Error
	if err != nil {
		return LifetimePreview{}, fmt.Errorf("preview lifetime: %w", s.translate(err))
	}
	out := LifetimePreview{Tokens: p.Tokens}
	if p.DueNow != nil {
		out.DueNow, out.Due1h, out.Due24h = *p.DueNow, *p.DueHour, *p.DueDay
	}
	return out, nil
}
