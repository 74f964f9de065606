package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestResealProgress: a bar with rate and remaining time on a terminal, plain
// lines elsewhere, and neither too often.
func TestResealProgress(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out bytes.Buffer
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		p := newResealProgress(&out, 1000)
		p.terminal, p.now, p.start, p.shown = terminal, func() time.Time { return now }, now, now
		for rows := int64(10); rows <= 1000; rows += 10 {
			now = now.Add(100 * time.Millisecond) // 100 rows a second
			p.at(rows)
		}
		p.end()
		got := out.String()
		want := "500 of 1000 rows, 100 a second, 5s left"
		if !strings.Contains(got, want) {
			t.Errorf("terminal %v: progress = %q, want %q in it", terminal, got, want)
		}
		if lines, shown := strings.Count(got, "\n"), strings.Count(got, " left"); terminal && (lines != 0 || shown != 50 || !strings.Contains(got, "[###############...............] 500")) {
			t.Errorf("on a terminal: %d lines and %d bars, want none and 50, half full at 500: %q", lines, shown, got)
		} else if !terminal && (lines != 2 || strings.ContainsAny(got, "\r\x1b#")) {
			t.Errorf("elsewhere: %q, want 2 plain lines", got)
		}
	}
}

func TestAKeyFileSettles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.key")
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]string{
		-time.Second: "wait for another 2m1s", 0: "less than a minute ago", 500 * time.Millisecond: "wait for another 2m0s",
		90 * time.Second: "was replaced a minute ago, and servers may not have read it since: wait for another 30s", 2*time.Minute - 1: "another 1s", 2 * time.Minute: "",
	} {
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		err := settled(path, now)
		if want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s after it was replaced: %v, want %q", age, err, want)
		}
	}
}
