package models

import (
	"context"
	"errors"
	"fmt"
)

// What an admin does to a person as they saw them: each returns ErrStale, and
// changes nothing, when the person is at another version by now. Every change of
// a person moves their version.

// BanUserAt is BanUser at a version.
func (s *Store) BanUserAt(ctx context.Context, userID string, version int64, reason, actor string, o Origin) error {
	return s.staleOr(ctx, userID, s.setStatus(ctx, userID, StatusBanned, reason, actor, "user.ban", o, atVersion(version)))
}

// UnbanUserAt is UnbanUser at a version.
func (s *Store) UnbanUserAt(ctx context.Context, userID string, version int64, reason, actor string, o Origin) error {
	return s.staleOr(ctx, userID, s.setStatus(ctx, userID, StatusActive, reason, actor, "user.unban", o, atVersion(version)))
}

// DeleteUserAt is DeleteUser at a version.
func (s *Store) DeleteUserAt(ctx context.Context, userID string, version int64, actor string, o Origin) error {
	return s.staleOr(ctx, userID, s.bury(ctx, userID, actor, "user.delete", o, atVersion(version), nil))
}

func atVersion(version int64) string { return fmt.Sprintf(" AND version = %d", version) }

// staleOr tells somebody who is at another version from somebody who is not there.
func (s *Store) staleOr(ctx context.Context, userID string, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if _, missing := s.User(ctx, userID); missing != nil {
		return missing
	}
	return ErrStale
}
