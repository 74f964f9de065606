package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Enqueue is enqueue in a transaction of its own.
func (s *Store) Enqueue(kind, subject string, at time.Time) error {
	return s.inTx(context.Background(), func(tx *gorm.DB) error { return s.enqueue(tx, kind, subject, at) })
}

// MigrateTo takes the schema up or down to one version.
func (s *Store) MigrateTo(version int64) error {
	ctx := context.Background()
	p, err := s.provider()
	if err != nil {
		return err
	}
	now, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if now < version {
		_, err = p.UpTo(ctx, version)
	} else {
		_, err = p.DownTo(ctx, version)
	}
	return err
}
