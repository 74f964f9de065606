package models_test

import (
	"errors"
	"strings"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestSessionCookie(t *testing.T) {
	s := modelstest.Open(t)
	u := s.AddUser(t)
	session, _ := s.AddSession(t, u)
	other, _ := s.AddSession(t, u)
	value := s.SessionCookie(session)
	if id, user, err := s.OpenSessionCookie(value); id != session.ID || user != u.ID || err != nil {
		t.Fatalf("OpenSessionCookie = %q, %q, %v, want the session and its person", id, user, err)
	}
	if again := s.Again(t); again.SessionCookie(session) != value {
		t.Error("another process makes another value, want the same")
	}
	mac := value[strings.LastIndex(value, "."):]
	flipped := []byte(value)
	flipped[len(flipped)-4] ^= 1
	for what, bad := range map[string]string{
		"nothing": "", "the id alone": session.ID, "no MAC": session.ID + "." + u.ID + ".", "another session's MAC": other.ID + "." + u.ID + mac,
		"another person": session.ID + "." + other.ID + mac, "parts moved": session.ID + u.ID[:1] + "." + u.ID[1:] + mac, "one bit": string(flipped),
		"padding": value + "=", "more": value + ".x", "a space": value + " ", "the MAC of another store": modelstest.Open(t).SessionCookie(session),
	} {
		if _, _, err := s.OpenSessionCookie(bad); !errors.Is(err, models.ErrSessionEnded) {
			t.Errorf("OpenSessionCookie(%s) = %v, want ErrSessionEnded", what, err)
		}
	}
}
