package main

import (
	"bytes"
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
