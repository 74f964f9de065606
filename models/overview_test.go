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
