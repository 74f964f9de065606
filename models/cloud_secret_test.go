package models_test

import (
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestSecretVersions(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		start := func(on *modelstest.Store, secret string, wanted int64) {
			t.Helper()
			version, err := on.SecretVersion(ctx, app, secret)
			want(t, "SecretVersion", err, nil)
			equal(t, "SecretVersion of "+secret, version, wanted)
		}
		now := func(secret string, wanted int64) {
			t.Helper()
			version, err := s.SecretVersionNow(ctx, app, secret)
			want(t, "SecretVersionNow", err, nil)
			equal(t, "SecretVersionNow of "+secret, version, wanted)
		}
		_, err := s.SecretVersionNow(ctx, app, "first")
		want(t, "SecretVersionNow of an unknown one", err, models.ErrNotFound)
		start(s, "first", 1)
		start(s.Again(t), "first", 1) // a restart, or another process
		start(s, "second", 2)
		// The old release goes on beside the new one: looking moves nothing.
		for range 3 {
			now("first", 1)
			now("second", 2)
		}
		start(s, "second", 2)
		start(s, "first", 3) // it was rolled back
		now("first", 3)
		now("second", 2)

		want(t, "RotateSecret", s.RotateSecret(ctx, app, "first", "admin:x", from), nil)
		now("first", 4)
		start(s, "first", 4)
		want(t, "RotateSecret to another", s.RotateSecret(ctx, app, "third", "system", models.Origin{}), nil)
		start(s, "third", 5)
		version, err := s.SecretVersion(ctx, "other-app", "first")
		want(t, "SecretVersion elsewhere", err, nil)
		equal(t, "SecretVersion at another app", version, 1)

		rows, err := s.Audit(ctx, "", 10)
		want(t, "Audit", err, nil)
		rotations := 0
		for _, r := range rows {
			if r.Action == "cloud_secret.rotate" {
				rotations++
				equal(t, "audited subject", r.Subject, "cloud:"+app)
			}
		}
		equal(t, "audited rotations", rotations, 2)
		equal(t, "rows that show a secret", s.Count(t, "SELECT COUNT(*) FROM cloud_secrets WHERE fingerprint IN ('first', 'second', 'third')"), 0)
	})
}

// TestSecretsOfManyProcesses: those that start at once with one secret agree on
// its number, and of rotations at once none is lost.
// While servers are moved to another secret, one that still has the old one must not
// end the tokens of those that have the new one.
func TestARotationFromBehindIsRefused(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for _, secret := range []string{"old", "new"} {
			_, err := s.SecretVersion(ctx, "app", secret)
			want(t, "SecretVersion", err, nil)
		}
		want(t, "RotateSecret with the old one", s.RotateSecret(ctx, "app", "old", "admin:a", from), models.ErrSecretReplaced)
		version, err := s.SecretVersionNow(ctx, "app", "new")
		if version != 2 || err != nil {
			t.Errorf("version of the new one = %d, %v; want 2 still", version, err)
		}
		want(t, "RotateSecret with the new one", s.RotateSecret(ctx, "app", "new", "admin:a", from), nil)
		_, err = s.SecretVersion(ctx, "app", "old") // whoever goes back starts with it
		want(t, "SecretVersion", err, nil)
		want(t, "RotateSecret with the old one, started anew", s.RotateSecret(ctx, "app", "old", "admin:a", from), nil)
	})
}

func TestSecretsOfManyProcesses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		var c tally
		together(6, func(i int) {
			version, err := stores[i%2].SecretVersion(ctx, app, "secret")
			c.err(err)
			if version != 1 {
				t.Errorf("SecretVersion = %d, want 1", version)
			}
		})
		together(4, func(i int) { c.err(stores[i%2].RotateSecret(ctx, app, "secret", "system", models.Origin{})) })
		equal(t, "calls that succeeded", c.n["ok"], 10)
		version, err := s.SecretVersionNow(ctx, app, "secret")
		want(t, "SecretVersionNow", err, nil)
		equal(t, "version after four rotations at once", version, 5)
	})
}

func TestStaleTokens(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		old, young, gone := s.AddUser(t), s.AddUser(t), s.AddUser(t)
		s.AddToken(t, old, models.NewToken{SecretVersion: 1})
		s.AddToken(t, young, models.NewToken{SecretVersion: 2})
		s.AddToken(t, gone, models.NewToken{SecretVersion: 1})
		want(t, "EndSessions", s.EndSessions(ctx, gone.ID, "", from), nil)
		n, err := s.StaleTokens(ctx, app, 2)
		want(t, "StaleTokens", err, nil)
		equal(t, "StaleTokens of version 2", n, 1)
		preview, err := s.PreviewLifetime(ctx, app, 1, "", 0)
		want(t, "PreviewLifetime", err, nil)
		equal(t, "tokens that version 1 takes", preview.Tokens, 2)
	})
}
