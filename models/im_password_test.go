package models_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

const cloudApp = "cloud/app"

// derives has a store derive, and counts how often.
func derives(s *modelstest.Store) (times *int) {
	times = new(int)
	s.DeriveIMPassword = func(password, imID string) (string, error) {
		*times++
		return "derived of " + password + " for " + imID, nil
	}
	return times
}

func imPassword(t testing.TB, s *modelstest.Store, id string) models.IMPassword {
	t.Helper()
	p, err := s.IMPassword(ctx, cloudApp, id)
	want(t, "IMPassword", err, nil)
	return p
}

// TestIMPasswordFollowsThePassword from the registration on, to the end.
func TestIMPasswordFollowsThePassword(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		times := derives(s)
		reg, err := s.CreateUser(ctx, models.NewUser{Username: "ann", Password: "correct horse battery"}, "", from)
		want(t, "CreateUser", err, nil)
		id := reg.User.ID
		first := "derived of correct horse battery for " + reg.User.IMID
		equal(t, "registered", imPassword(t, s, id), models.IMPassword{Value: first, Version: 1, Pending: true})
		equal(t, "rows of the outbox", s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = ? AND subject = ?", models.KindIMPassword, id), 1)
		var sealed []byte
		want(t, "read", s.SQL(t).QueryRow("SELECT password_sealed FROM im_passwords").Scan(&sealed), nil)
		if bytes.Contains(sealed, []byte("correct horse")) {
			t.Error("the stored password can be read in the database, want it sealed")
		}

		want(t, "FinishIMPassword", s.FinishIMPassword(ctx, cloudApp, id, 1, time.Time{}), nil)
		equal(t, "brought", imPassword(t, s, id), models.IMPassword{Value: first, Version: 1})
		equal(t, "rows when it was brought", s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = ?", models.KindIMPassword), 0)

		*times = 0
		_, err = s.Authenticate(ctx, "ann", "correct horse battery", from)
		want(t, "Authenticate", err, nil)
		equal(t, "derivations of a login", *times, 0)

		want(t, "ChangePassword", s.ChangePassword(ctx, id, "", "correct horse battery", "another battery horse", from), nil)
		second := models.IMPassword{Value: "derived of another battery horse for " + reg.User.IMID, Version: 2, Pending: true}
		equal(t, "changed", imPassword(t, s, id), second)
		// Whoever brought the first one meanwhile has not brought this.
		want(t, "FinishIMPassword", s.FinishIMPassword(ctx, cloudApp, id, 1, time.Time{}), nil)
		equal(t, "after a late one", imPassword(t, s, id), second)

		want(t, "DeleteUser", s.DeleteUser(ctx, id, "admin:x", from), nil)
		equal(t, "rows of the deleted", s.Count(t, "SELECT COUNT(*) FROM im_passwords"), 0)
	})
}

// TestIMPasswordAtLogin is derived for who has none, or one of an older password,
// and drops the token that it will end.
func TestIMPasswordAtLogin(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		reg, err := s.CreateUser(ctx, models.NewUser{Username: "ann", Password: "correct horse battery"}, "", from)
		want(t, "CreateUser", err, nil)
		id := reg.User.ID
		equal(t, "rows where nothing is derived", s.Count(t, "SELECT COUNT(*) FROM im_passwords"), 0)
		s.AddToken(t, reg.User, models.NewToken{Value: "t1", IssuedAt: s.Clock.Now()})
		derives(s)
		_, err = s.Authenticate(ctx, "ann", "wrong horse battery", from)
		want(t, "Authenticate with a wrong one", err, models.ErrBadCredentials)
		equal(t, "rows after a wrong password", s.Count(t, "SELECT COUNT(*) FROM im_passwords"), 0)
		s.Clock.Advance(time.Hour)
		_, err = s.Authenticate(ctx, "ann", "correct horse battery", from)
		want(t, "Authenticate", err, nil)
		equal(t, "pending after the login", imPassword(t, s, id).Pending, true)
		equal(t, "tokens that it would end", s.Count(t, "SELECT COUNT(*) FROM im_tokens WHERE token_sealed IS NOT NULL"), 0)

		want(t, "FinishIMPassword", s.FinishIMPassword(ctx, cloudApp, id, 1, time.Time{}), nil)
		s.DeriveIMPassword = nil
		want(t, "ChangePassword", s.ChangePassword(ctx, id, "", "correct horse battery", "another battery horse", from), nil)
		derives(s)
		_, err = s.Authenticate(ctx, "ann", "another battery horse", from)
		want(t, "Authenticate", err, nil)
		equal(t, "after a change while nothing was derived", imPassword(t, s, id),
			models.IMPassword{Value: "derived of another battery horse for " + reg.User.IMID, Version: 2, Pending: true})

		// A login goes on without one.
		s.Exec(t, "DELETE FROM im_passwords")
		s.DeriveIMPassword = func(string, string) (string, error) { return "", errors.New("no") }
		_, err = s.Authenticate(ctx, "ann", "another battery horse", from)
		want(t, "Authenticate while nothing can be derived", err, nil)
	})
}

// TestIMPasswordUnderANewDataKey is sealed anew with the others.
func TestIMPasswordUnderANewDataKey(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		derives(s)
		reg, err := s.CreateUser(ctx, models.NewUser{Username: "ann", Password: "correct horse battery"}, "", from)
		want(t, "CreateUser", err, nil)
		on := s.Again(t, with(t, rotated(t, s.KeyText, models.KeyRotate)))
		_, err = on.Reseal(ctx, 10, nil)
		want(t, "Reseal", err, nil)
		left, err := on.UnderOlderKey(ctx)
		want(t, "UnderOlderKey", err, nil)
		equal(t, "rows under the older key", left, 0)
		derives(on)
		equal(t, "password then", imPassword(t, on, reg.User.ID).Value, "derived of correct horse battery for "+reg.User.IMID)
	})
}

// TestIMPasswordThatCannotBeOpened counts as none, and the next login derives it
// anew.
func TestIMPasswordThatCannotBeOpened(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		times := derives(s)
		reg, err := s.CreateUser(ctx, models.NewUser{Username: "ann", Password: "correct horse battery"}, "", from)
		want(t, "CreateUser", err, nil)
		id := reg.User.ID
		want(t, "FinishIMPassword", s.FinishIMPassword(ctx, cloudApp, id, 1, time.Time{}), nil)
		s.Exec(t, "UPDATE im_passwords SET password_sealed = ?", []byte("spoilt"))
		equal(t, "one that cannot be opened", imPassword(t, s, id), models.IMPassword{})
		*times = 0
		_, err = s.Authenticate(ctx, "ann", "correct horse battery", from)
		want(t, "Authenticate", err, nil)
		equal(t, "derivations of the next login", *times, 1)
		equal(t, "derived anew", imPassword(t, s, id), models.IMPassword{Value: "derived of correct horse battery for " + reg.User.IMID, Version: 2, Pending: true})
		_, err = s.Authenticate(ctx, "ann", "correct horse battery", from)
		want(t, "Authenticate", err, nil)
		equal(t, "derivations of another login", *times, 1)
	})
}

// TestIMPasswordOfTheMissing: whoever registers them at the cloud anew brings it.
func TestIMPasswordOfTheMissing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		derives(s)
		reg, err := s.CreateUser(ctx, models.NewUser{Username: "ann", Password: "correct horse battery"}, "", from)
		want(t, "CreateUser", err, nil)
		id := reg.User.ID
		want(t, "FinishIMPassword", s.FinishIMPassword(ctx, cloudApp, id, 1, time.Time{}), nil)
		run := begin(t, s, models.ReconcileOptions{Repair: true}, "a")
		step := models.ReconcileStep{Repairs: []models.ReconcileRepair{{UserID: id, Kind: models.KindProvision, Class: "missing"}}}
		want(t, "StepReconcile", s.StepReconcile(ctx, run, step, "system", from, s.Clock.Now().Add(time.Minute)), nil)
		equal(t, "pending for the missing", imPassword(t, s, id).Pending, true)
	})
}
