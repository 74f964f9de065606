package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// An Admin steers: lifetimes, users, audit.
type Admin struct {
	ID        string
	Name      string
	CreatedAt time.Time
}

type adminRow struct {
	ID           string `gorm:"primaryKey"`
	Name         string
	NameKey      string
	PasswordHash string
	CreatedAt    int64 `gorm:"autoCreateTime:false"`
	UpdatedAt    int64 `gorm:"autoUpdateTime:false"`
}

func (adminRow) TableName() string { return "admins" }

// CreateAdmin makes an admin. Errors: FieldError, TakenError.
func (s *Store) CreateAdmin(ctx context.Context, name, password string, o Origin) (Admin, error) {
	display, key, err := normalUsername(name)
	if err != nil {
		var f *FieldError
		if errors.As(err, &f) {
			err = &FieldError{Field: "name", Wrong: f.Wrong}
		}
		return Admin{}, err
	}
	if err := checkPassword("password", password, name); err != nil {
		return Admin{}, err
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return Admin{}, err
	}
	now := s.nowMicros()
	row := adminRow{ID: s.newID(), Name: display, NameKey: key, PasswordHash: hash, CreatedAt: now, UpdatedAt: now}
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.audit(tx, o, "system", "admin.create", "admin:"+row.ID, map[string]any{"name": display})
	})
	if err != nil {
		return Admin{}, fmt.Errorf("create admin: %w", taken(err, map[string]string{"admins_name_key": "name"}))
	}
	return Admin{ID: row.ID, Name: row.Name, CreatedAt: fromMicros(now)}, nil
}

// Admin finds one by id. ErrNotFound.
func (s *Store) Admin(ctx context.Context, id string) (Admin, error) {
	var row adminRow
	if err := s.db.WithContext(ctx).Where("id = ?", id).Take(&row).Error; err != nil {
		return Admin{}, s.translate(err)
	}
	return Admin{ID: row.ID, Name: row.Name, CreatedAt: fromMicros(row.CreatedAt)}, nil
}

// AdminNames are the names of admins by id.
func (s *Store) AdminNames(ctx context.Context, ids []string) (map[string]string, error) {
	var rows []adminRow
	if len(ids) > 0 {
		if err := s.db.WithContext(ctx).Select("id", "name").Where("id IN ?", ids).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("names of admins: %w", s.translate(err))
		}
	}
	names := make(map[string]string, len(rows))
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, nil
}

// Admins counts them.
func (s *Store) Admins(ctx context.Context) (int64, error) {
	var n int64
	err := s.db.WithContext(ctx).Model(&adminRow{}).Count(&n).Error
	return n, s.translate(err)
}

// AuthenticateAdmin is Authenticate for admins; each try leaves an audit row.
func (s *Store) AuthenticateAdmin(ctx context.Context, name, password string, o Origin) (Admin, error) {
	_, key, err := normalUsername(name)
	if err != nil {
		key = " " + cut(name, 100)
	}
	attempt, err := s.attemptLogin(ctx, "admin", key, o.IP)
	if err != nil {
		return Admin{}, err
	}
	var row adminRow
	err = s.translate(s.db.WithContext(ctx).Where("name_key = ?", key).Take(&row).Error)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Admin{}, fmt.Errorf("authenticate admin: %w", err)
	}
	ok, stale, err := s.Hasher.Verify(ctx, row.PasswordHash, password)
	if err != nil {
		attempt.unmade(ctx)
		return Admin{}, err
	}
	actor, action, subject := "system", "admin.login_failed", ""
	if row.ID != "" {
		subject = "admin:" + row.ID
	}
	if ok {
		attempt.succeeded(ctx)
		actor, action = subject, "admin.login"
		if stale {
			s.rehash(ctx, "admins", row.ID, row.PasswordHash, password)
		}
	}
	if err := s.inTx(ctx, func(tx *gorm.DB) error { return s.audit(tx, o, actor, action, subject, nil) }); err != nil {
		return Admin{}, fmt.Errorf("authenticate admin: %w", err)
	}
	if !ok {
		return Admin{}, ErrBadCredentials
	}
	return Admin{ID: row.ID, Name: row.Name, CreatedAt: fromMicros(row.CreatedAt)}, nil
}

// RecordReissue notes that an admin has a person's connect token made anew. It
// is written before the cloud is asked: what was tried is worth knowing too.
// ErrNotFound for an unknown person.
func (s *Store) RecordReissue(ctx context.Context, adminID, userID string, o Origin) error {
	if _, err := s.User(ctx, userID); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *gorm.DB) error {
		return s.audit(tx, o, "admin:"+adminID, "token.reissue", "user:"+userID, nil)
	})
}
