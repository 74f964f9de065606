package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Authenticate checks a login (username, e-mail or phone) and its password. It
// takes the same work for an unknown login as for a wrong password, and counts
// the attempt before it hashes. Errors: ErrBadCredentials, ErrBanned (only for
// the right password), ThrottledError, ErrHashBusy, ErrUnavailable.
func (s *Store) Authenticate(ctx context.Context, login, password string, o Origin) (User, error) {
	column, key := loginKey(login)
	var row userRow
	err := s.translate(s.db.WithContext(ctx).Where(column+" = ? AND status <> ?", key, StatusDeleted).Take(&row).Error)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, fmt.Errorf("authenticate: %w", err)
	}
	// By account, not by what was typed: a person has three logins, and guesses
	// at one of them count for all.
	account := row.ID
	if account == "" {
		account = key
	}
	attempt, err := s.attemptLogin(ctx, "user", account, o.IP)
	if err != nil {
		return User{}, err
	}
	ok, stale, err := s.Hasher.Verify(ctx, row.PasswordHash, password)
	if err != nil {
		attempt.unmade(ctx)
		return User{}, err
	}
	if !ok {
		return User{}, ErrBadCredentials
	}
	attempt.succeeded(ctx)
	if stale {
		row.PasswordHash = s.rehash(ctx, "users", row.ID, row.PasswordHash, password)
	}
	if row.Status == StatusBanned {
		return User{}, ErrBanned
	}
	s.loginIMPassword(ctx, row.user(), row.PasswordHash, password)
	return row.user(), nil
}

// rehash brings a stored hash up to today's cost, and returns the one that is
// stored then. It may fail: the next login tries again.
func (s *Store) rehash(ctx context.Context, table, id, old, password string) string {
	hash, err := s.Hasher.Hash(ctx, password)
	if err == nil {
		_, err = s.write(ctx, "UPDATE "+table+" SET password_hash = ?, updated_at = ? WHERE id = ? AND password_hash = ?", hash, s.nowMicros(), id, old)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "password not rehashed", "table", table, "id", id, "err", err)
		return old
	}
	return hash
}

// loginKey tells which column a login is looked up in. One that can be nobody's
// is looked up all the same, so that it takes the same time.
func loginKey(login string) (column, key string) {
	if strings.Contains(login, "@") {
		// MySQL ignores spaces at the end when it compares: only the one form that
		// is stored may pass, or each number of spaces were another account to the
		// throttle.
		if _, key, err := normalEmail(login); err == nil {
			return "email_key", key
		}
		return "email_key", " " + cut(login, 100)
	}
	if looksLikePhone(strings.NewReplacer(" ", "", "(", "", ")", "").Replace(login)) {
		if p, err := normalPhone(login); err == nil {
			return "phone", p
		}
		return "phone", "-"
	}
	if _, key, err := normalUsername(login); err == nil {
		return "username_key", key
	}
	return "username_key", " " + cut(login, 100)
}
