package main

import (
	"strings"
	"testing"
	"time"
)

func TestAPIAddress(t *testing.T) {
	served := "imbridge v1, development\n  api        http://127.0.0.1:40123   contract and try-out lines at /docs\n  metrics    http://127.0.0.1:1/metrics\n"
	for out, want := range map[string]string{
		served: "127.0.0.1:40123",
		"floor\n  api        http://127.0.0.1:7\n":         "127.0.0.1:7",
		"imbridge: the api did not start\napi\napi soon\n": "",
		"": "",
	} {
		if got := apiAddress(strings.NewReader(out)); got != want {
			t.Errorf("apiAddress(%q) = %q, want %q", out, got, want)
		}
	}
}

func TestStatTime(t *testing.T) {
	stat := "17 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0"
	if got, ok := statTime([]byte(stat)); !ok || got != 3*time.Second {
		t.Errorf("statTime = %s, %t; want 3s", got, ok)
	}
	for _, bad := range []string{"", "17 (a) S 1 2", "17 S 1 2 3 4 5 6 7 8 9 10 x y 0 0"} {
		if got, ok := statTime([]byte(bad)); ok {
			t.Errorf("statTime(%q) = %s, want none", bad, got)
		}
	}
}
