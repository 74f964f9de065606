package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imbridge/config"
)

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     {},
		"2026-11-20":           time.Date(2026, 11, 20, 0, 0, 0, 0, time.Local),
		"2026-11-20T08:00:00Z": time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		"36h":                  now.Add(-36 * time.Hour),
		"7d":                   now.Add(-7 * 24 * time.Hour),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("parseSince(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-3h", "0s", "-2d", "d", "99999d", "2026-13-01"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("parseSince(%q) = %v, want an error", text, got)
		}
	}
}

// TestReachSandbox: a command of its own finds the sandbox that a server runs.
func TestReachSandbox(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	cfg.Sandbox.Listen = "0.0.0.0:9001"
	if err := reachSandbox(&cfg); err == nil || !strings.Contains(err.Error(), "it is made when a server starts") {
		t.Errorf("reachSandbox before any server = %v, want a word on why", err)
	}
	if err := os.WriteFile(filepath.Join(cfg.DataDir, "sandbox.secret"), []byte("planted\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := reachSandbox(&cfg); err != nil {
		t.Fatal(err)
	}
	if r := cfg.IM.RongCloud; r.BaseURL != "http://127.0.0.1:9001" || r.AppSecret.Reveal() != "planted" || r.AppKey == "" {
		t.Errorf("reachSandbox = %q, %q, secret set %v; want the listener, a key and the secret of the file", r.BaseURL, r.AppKey, r.AppSecret.IsSet())
	}
	cfg.Sandbox.Listen = "127.0.0.1:0"
	if err := reachSandbox(&cfg); err == nil {
		t.Error("reachSandbox at a port that was picked = nil, want an error")
	}
	cfg = config.Default()
	cfg.IM.Cloud = "rongcloud"
	if err := reachSandbox(&cfg); err != nil || cfg.IM.RongCloud.BaseURL != "" {
		t.Errorf("reachSandbox of a real cloud = %v, base URL %q; want nothing changed", err, cfg.IM.RongCloud.BaseURL)
	}
}
