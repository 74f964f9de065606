package models_test

import (
	"encoding/base64"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// The unknown and the wrong cost one hash each: 19 MiB are seen by any measure.
func TestAuthenticateDoesTheSameWorkForAnUnknownLogin(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		hashes := func(login, password string) int {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := s.Authenticate(ctx, login, password, from)
			runtime.ReadMemStats(&after)
			if login != u.Username || password != modelstest.Password {
				want(t, "Authenticate", err, models.ErrBadCredentials)
			}
			return int((after.TotalAlloc - before.TotalAlloc) >> 20 / 19)
		}
		for _, login := range []string{u.Username, "nobody", "nobody@example.com", "+8613900139000", "", "\x00", "x y", strings.Repeat("x", 5000)} {
			if n := hashes(login, "wrong password"); n != 1 {
				t.Errorf("login %.20q with a wrong password makes %d hashes, want 1", login, n)
			}
		}
		if n := hashes(u.Username, modelstest.Password); n != 1 {
			t.Errorf("the right password makes %d hashes, want 1", n)
		}
	})
}

func TestAuthenticateByAnyName(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		reg, err := s.CreateUser(ctx, models.NewUser{Username: "Ann", Password: modelstest.Password, Email: "ann@example.com", Phone: "+8613800138000"}, "", from)
		want(t, "CreateUser", err, nil)
		for _, login := range []string{"ann", "ANN", "ANN@example.com", "+86 138-0013-8000"} {
			u, err := s.Authenticate(ctx, login, modelstest.Password, from)
			if err != nil || u.ID != reg.User.ID {
				t.Errorf("Authenticate(%q) = %q, %v; want %q", login, u.ID, err, reg.User.ID)
			}
		}
		_, err = s.Authenticate(ctx, "ann", "Correct horse battery", from)
		want(t, "Authenticate with another case", err, models.ErrBadCredentials)

		s.Exec(t, "UPDATE users SET status = 'banned'")
		_, err = s.Authenticate(ctx, "ann", modelstest.Password, from)
		want(t, "Authenticate of a banned person", err, models.ErrBanned)
		_, err = s.Authenticate(ctx, "ann", "wrong password", from)
		want(t, "Authenticate of a banned person with a wrong password", err, models.ErrBadCredentials)

		want(t, "DeleteUser", s.DeleteUser(ctx, reg.User.ID, "system", from), nil)
		_, err = s.Authenticate(ctx, "ann", modelstest.Password, from)
		want(t, "Authenticate of a deleted person", err, models.ErrBadCredentials)
	})
}

func TestLoginRehashesAStaleHash(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, salt, b := s.AddUser(t), []byte("0123456789abcdef"), base64.RawStdEncoding
		old := "$argon2id$v=19$m=64,t=1,p=1$" + b.EncodeToString(salt) + "$" + b.EncodeToString(argon2.IDKey([]byte(modelstest.Password), salt, 1, 64, 1, 32))
		s.Exec(t, "UPDATE users SET password_hash = ? WHERE id = ?", old, u.ID)
		_, err := s.Authenticate(ctx, u.Username, "wrong password", from)
		want(t, "Authenticate", err, models.ErrBadCredentials)
		equal(t, "rows with the old hash after a wrong password", s.Count(t, "SELECT COUNT(*) FROM users WHERE password_hash = ?", old), 1)
		_, err = s.Authenticate(ctx, u.Username, modelstest.Password, from)
		want(t, "Authenticate", err, nil)
		equal(t, "rows with today's cost after the right one", s.Count(t, "SELECT COUNT(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'"), 1)
		_, err = s.Authenticate(ctx, u.Username, modelstest.Password, from)
		want(t, "Authenticate with the new hash", err, nil)
	})
}
