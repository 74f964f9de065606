package main

import (
	"testing"
	"time"
)

// Ids must fit their columns, and no two accounts may share anything.
func TestAccounts(t *testing.T) {
	seen := map[string]account{}
	for _, a := range []account{0, 1, 999, 1000, 9_999_999} {
		for _, s := range []string{a.userID(), a.sessionID(), a.token()} {
			if other, ok := seen[s]; ok {
				t.Errorf("accounts %d and %d share %q", other, a, s)
			}
			seen[s] = a
		}
		if n, m := len(a.userID()), len(a.sessionID()); n != 26 || m != 26 {
			t.Errorf("account %d has ids of %d and %d characters, want 26", a, n, m)
		}
		if n := len(a.token()); n > 256 {
			t.Errorf("account %d has a token of %d characters, want 256 at most", a, n)
		}
		now := time.Unix(2e9, 0)
		if age := now.Sub(a.issued(now)); age < 0 || age > lifetime/2 {
			t.Errorf("account %d has a token %s old, want one in the first half of its life", a, age)
		}
	}
}

func TestRows(t *testing.T) {
	r := newRows("t", "a, b")
	r.add(1, 2)
	r.add(3, 4)
	if got, want := r.query(), "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)"; got != want {
		t.Errorf("query = %q, want %q", got, want)
	}
}
