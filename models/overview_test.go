package models_test

import (
	"errors"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestLastLifetimeChange tells what to set back.
func TestLastLifetimeChange(t *testing.T) {
	s := modelstest.Open(t)
	ctx := t.Context()
	if err := s.InitLifetime(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.LastLifetimeChange(ctx); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("last change of nothing = %v, want ErrNotFound", err)
	}
	set := func(userID string, d time.Duration) {
		t.Helper()
		s.Clock.Advance(time.Millisecond)
		if err := s.SetLifetime(ctx, userID, d, models.Match{}, "admin:ann", models.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what, userID string, from, to *time.Duration) {
		t.Helper()
		c, err := s.LastLifetimeChange(ctx)
		if err != nil {
			t.Fatal(err)
		}
		same := func(a, b *time.Duration) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
		all, _ := s.Lifetimes(ctx)
		if c.UserID != userID || !same(c.From, from) || !same(c.To, to) || c.Revision != all.Revision || c.Actor != "admin:ann" {
			t.Errorf("%s = %+v, want of %q from %v to %v at revision %d", what, c, userID, from, to, all.Revision)
		}
	}
	zero, hour, day := time.Duration(0), time.Hour, 24*time.Hour
	set("", hour)
	want("first", "", &zero, &hour)
	set("", day)
	want("second", "", &hour, &day)
	reg, err := s.CreateUser(ctx, models.NewUser{Username: "bob", Password: "correct horse battery"}, "", models.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	set(reg.User.ID, hour)
	want("bob's first", reg.User.ID, nil, &hour)
	set(reg.User.ID, day)
	want("bob's second", reg.User.ID, &hour, &day)
	s.Clock.Advance(time.Millisecond)
	if err := s.DeleteLifetime(ctx, reg.User.ID, models.Match{}, "admin:ann", models.Origin{}); err != nil {
		t.Fatal(err)
	}
	want("bob's removal", reg.User.ID, &day, nil)
}

func TestCountsAreOfEachState(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		now := s.Clock.Now()
		token := func(n models.NewToken) models.User {
			u := s.AddUser(t)
			s.AddToken(t, u, n)
			return u
		}
		token(models.NewToken{})
		token(models.NewToken{CloudExpiresAt: now.Add(48 * time.Hour)})
		token(models.NewToken{CloudExpiresAt: now.Add(time.Hour)})
		token(models.NewToken{CloudExpiresAt: now.Add(-time.Hour)})
		own := token(models.NewToken{IssuedAt: now.Add(-2 * time.Hour)})
		want(t, "SetLifetime", s.SetLifetime(ctx, own.ID, time.Hour, models.Match{}, "admin:x", from), nil)
		banned := token(models.NewToken{})
		s.Exec(t, "UPDATE users SET status = 'banned' WHERE id = ?", banned.ID)
		_, _ = s.AddSession(t, own)

		counts, err := s.CountTokens(ctx, app, 1)
		want(t, "CountTokens", err, nil)
		equal(t, "tokens", counts, models.TokenCounts{Good: 2, Ending: 1, Ended: 2, Void: 1})
		accounts, err := s.CountAccounts(ctx)
		want(t, "CountAccounts", err, nil)
		equal(t, "accounts", accounts, models.Accounts{Active: 5, Banned: 1, Sessions: 1})
	})
}
