package models

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/argon2"
)

func TestHashIsAPHCStringThatVerifies(t *testing.T) {
	h := &Hasher{}
	phc, err := h.Hash(t.Context(), "correct horse battery")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("Hash = %q, %v; want argon2id with 19 MiB, two passes, one lane", phc, err)
	}
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse batterx": false, "": false} {
		ok, stale, err := h.Verify(t.Context(), phc, password)
		if ok != want || stale || err != nil {
			t.Errorf("Verify(%q) = %v, stale %v, %v; want %v, fresh", password, ok, stale, err, want)
		}
	}
	if again, _ := h.Hash(t.Context(), "correct horse battery"); again == phc {
		t.Error("the same password hashes to the same string twice, want another salt")
	}
	if ok, _, err := h.Verify(t.Context(), "", ""); ok || err != nil {
		t.Errorf("Verify of nobody's hash = %v, %v; want no", ok, err)
	}
}

func TestVerifyTellsAHashOfAnotherCost(t *testing.T) {
	h, salt := &Hasher{}, []byte("0123456789abcdef")
	cheap := encodePHC(salt, argon2.IDKey([]byte("correct horse"), salt, 1, 64, 1, 32), 64, 1, 1)
	if ok, stale, err := h.Verify(t.Context(), cheap, "correct horse"); !ok || !stale || err != nil {
		t.Errorf("Verify of a cheaper hash = %v, stale %v, %v; want it right and stale", ok, stale, err)
	}
}

func TestHashQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hasher{Parallel: 1, Queue: 2}
		if err := h.enter(t.Context()); err != nil {
			t.Fatalf("enter = %v, want the only permit", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() { _, err := h.Hash(ctx, "a"); results <- err }()
		go func() { _, err := h.Hash(t.Context(), "b"); results <- err }()
		synctest.Wait()
		if h.Waiting() != 2 {
			t.Errorf("Waiting = %d, want 2", h.Waiting())
		}
		if _, err := h.Hash(t.Context(), "c"); !errors.Is(err, ErrHashBusy) {
			t.Errorf("Hash with a full queue = %v, want ErrHashBusy", err)
		}
		if _, _, err := h.Verify(t.Context(), "", "c"); !errors.Is(err, ErrHashBusy) {
			t.Errorf("Verify with a full queue = %v, want ErrHashBusy", err)
		}
		cancel()
		synctest.Wait()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("Hash of a caller who left = %v, want context.Canceled", err)
		}
		if h.Waiting() != 1 {
			t.Errorf("Waiting after one left = %d, want 1", h.Waiting())
		}
		h.leave()
		if err := <-results; err != nil {
			t.Errorf("Hash of the one who waited = %v, want none", err)
		}
		if _, err := h.Hash(t.Context(), "d"); err != nil || h.Waiting() != 0 {
			t.Errorf("Hash of an idle hasher = %v with %d waiting, want none", err, h.Waiting())
		}
		if _, err := h.Hash(ctx, "e"); !errors.Is(err, context.Canceled) {
			t.Errorf("Hash for a caller who left before = %v, want context.Canceled", err)
		}
	})
}

func TestCheckPassword(t *testing.T) {
	for _, c := range []struct{ name, password, wrong string }{
		{"good", "a fine long password", ""},
		{"no digits, no capitals", "mahogany-tortoise", ""},
		{"eight characters", "zq!9xv#2", ""},
		{"eight characters of three bytes", "密码要够长才行吧", ""},
		{"128 characters", strings.Repeat("长p", 64), ""},
		{"seven", "zq!9xv#", "must have 8 to 128 characters"},
		{"129", strings.Repeat("p", 129), "must have 8 to 128 characters"},
		{"not UTF-8", "zq!9xv#\xff2", "must be valid UTF-8"},
		{"common", "password1", "most used"},
		{"common in capitals", "PASSWORD1", "most used"},
		{"one character", "xxxxxxxxxxxx", "most used"},
		{"own name", "Anna.Example", "own names"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkPassword("password", c.password, "anna.example", "")
			if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
				t.Errorf("checkPassword = %v, want %q", err, c.wrong)
			}
			var f *FieldError
			if err != nil && (!errors.As(err, &f) || f.Field != "password" || strings.Contains(err.Error(), c.password)) {
				t.Errorf("checkPassword = %#v, want a FieldError for password without the value", err)
			}
		})
	}
	if n := len(commonPasswords()); n < 1500 {
		t.Errorf("the list of common passwords has %d entries, want at least 1500", n)
	}
}
