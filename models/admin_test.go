package models_test

import (
	"errors"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestAdminsLogIn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		n, err := s.Admins(ctx)
		if err != nil || n != 0 {
			t.Errorf("Admins = %d, %v; want none", n, err)
		}
		a, err := s.CreateAdmin(ctx, "Root", modelstest.Password, from)
		want(t, "CreateAdmin", err, nil)
		_, err = s.CreateAdmin(ctx, "ROOT", modelstest.Password, from)
		var taken *models.TakenError
		if !errors.As(err, &taken) || taken.Field != "name" {
			t.Errorf("CreateAdmin with a taken name = %v, want a TakenError for name", err)
		}
		for field, in := range map[string][2]string{"name": {"a b", modelstest.Password}, "password": {"other", "short"}} {
			_, err := s.CreateAdmin(ctx, in[0], in[1], from)
			var bad *models.FieldError
			if !errors.As(err, &bad) || bad.Field != field {
				t.Errorf("CreateAdmin with a bad %s = %v, want a FieldError for it", field, err)
			}
		}
		read, err := s.Admin(ctx, a.ID)
		want(t, "Admin", err, nil)
		equal(t, "the admin as read", read, a)
		got, err := s.AuthenticateAdmin(ctx, "rOOT", modelstest.Password, from)
		want(t, "AuthenticateAdmin", err, nil)
		equal(t, "the admin who logged in", got, a)
		for _, name := range []string{"root", "nobody", "ü@", ""} {
			_, err = s.AuthenticateAdmin(ctx, name, "wrong password", from)
			want(t, "AuthenticateAdmin of "+name, err, models.ErrBadCredentials)
		}
		// A person of the same name and password is no admin.
		_, err = s.CreateUser(ctx, newUser("user-only"), "", from)
		want(t, "CreateUser", err, nil)
		_, err = s.AuthenticateAdmin(ctx, "user-only", modelstest.Password, from)
		want(t, "AuthenticateAdmin of a user", err, models.ErrBadCredentials)
		equal(t, "audit rows of failed logins", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'admin.login_failed'"), 5)
		equal(t, "those that name the admin", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'admin.login_failed' AND subject = ?", "admin:"+a.ID), 1)
		var slowed *models.ThrottledError
		for range 10 {
			_, err = s.AuthenticateAdmin(ctx, "root", "wrong password", from)
		}
		if !errors.As(err, &slowed) {
			t.Errorf("AuthenticateAdmin after many wrong ones = %v, want a ThrottledError", err)
		}
	})
}
