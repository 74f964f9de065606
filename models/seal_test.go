package models_test

import (
	"bytes"
	"strings"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestWrongDataKeyIsRefused(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		want(t, "Unlock again", s.Unlock(ctx), nil)
		other, _, err := models.NewDataKey()
		want(t, "NewDataKey", err, nil)
		o := s.Options
		o.DataKey = other
		again, err := models.Open(ctx, o)
		want(t, "Open", err, nil)
		t.Cleanup(func() { _ = again.Close() })
		want(t, "Unlock with another key", again.Unlock(ctx), models.ErrWrongDataKey)
	})
}

func TestUnlockByTwoAtOnceAgrees(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			a := modelstest.OpenEmpty(t, engine)
			_, err := a.Migrate(ctx)
			want(t, "Migrate", err, nil)
			stores := make([]*models.Store, 4)
			for i := range stores {
				s, err := models.Open(ctx, a.Options)
				want(t, "Open", err, nil)
				t.Cleanup(func() { _ = s.Close() })
				stores[i] = s
			}
			together(len(stores), func(i int) {
				if err := stores[i].Unlock(ctx); err != nil {
					t.Errorf("Unlock: %v", err)
				}
			})
			for n, s := range stores {
				version, err := s.SecretVersion(ctx, app, "app secret")
				if err != nil || version != 1 {
					t.Errorf("SecretVersion of store %d = %d, %v; want 1: they share what fingerprints are keyed with", n, version, err)
				}
			}
		})
	}
}

func TestSealedValueDoesNotOpenInAnotherRow(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		ann, bob := s.AddUser(t), s.AddUser(t)
		s.AddToken(t, ann, models.NewToken{Value: "ann's token"})
		s.AddToken(t, bob, models.NewToken{Value: "bob's token"})
		_, annRefresh := s.AddSession(t, ann)
		s.AddSession(t, bob)

		var sealed, key []byte
		db := s.SQL(t)
		want(t, "read", db.QueryRow("SELECT token_sealed FROM im_tokens WHERE user_id = ?", bob.ID).Scan(&sealed), nil)
		want(t, "read", db.QueryRow("SELECT key_sealed FROM sessions WHERE user_id = ?", bob.ID).Scan(&key), nil)
		if bytes.Contains(sealed, []byte("bob's token")) {
			t.Error("the stored token is readable in the row, want it sealed")
		}
		s.Exec(t, "UPDATE im_tokens SET token_sealed = ? WHERE user_id = ?", sealed, ann.ID)
		s.Exec(t, "UPDATE sessions SET key_sealed = ? WHERE user_id = ?", key, ann.ID)

		v, err := s.TokenView(ctx, modelstest.App, ann.ID, "")
		if err == nil || v.Value != "" || !strings.Contains(err.Error(), "im_tokens.token") {
			t.Errorf("TokenView of a token copied from another row = %q, %v; want an error that names im_tokens.token", v.Value, err)
		}
		if _, _, err := s.RefreshSession(ctx, annRefresh, from); err == nil || !strings.Contains(err.Error(), "sessions.key") {
			t.Errorf("RefreshSession with a key copied from another row = %v, want an error that names sessions.key", err)
		}
	})
}

func TestParseDataKeyTakesItsOwnTextAlone(t *testing.T) {
	_, text, err := models.NewDataKey()
	want(t, "NewDataKey", err, nil)
	_, err = models.ParseDataKey(text)
	want(t, "ParseDataKey", err, nil)
	for _, bad := range []string{"", "x", text[:len(text)-8], "AAAA" + text, strings.ToLower(text)} {
		if _, err := models.ParseDataKey(bad); err == nil {
			t.Errorf("ParseDataKey(%d bytes that are no key) = nil, want an error", len(bad))
		} else if len(bad) > 10 && strings.Contains(err.Error(), bad[:10]) {
			t.Error("the error quotes the key")
		}
	}
}
