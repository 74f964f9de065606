package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A worker keeps its connection, sends its access token, and takes nothing for an
// answer but 200 with a token.
func TestClient(t *testing.T) {
	answer, status := `{"cloud":"rongcloud","token":"abc@nav","issued_at":"x"}`, http.StatusOK
	var connections atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != fetchPath || r.Header.Get("Authorization") != "Bearer jwt" {
			t.Errorf("asked for %s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()

	c := &client{addr: srv.Listener.Addr().String()}
	defer c.close()
	f := newFetch(account(7), fetchPath, "jwt")
	for range 3 {
		if got, err := c.do(f); err != nil || string(got) != "abc@nav" {
			t.Fatalf("do = %q, %v; want the token", got, err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("three requests took %d connections, want 1", n)
	}
	answer = `{"token":""}`
	if got, err := c.do(f); err == nil {
		t.Errorf("do with an empty token = %q, want an error", got)
	}
	answer, status = `{"code":"im_unavailable","token":"x"}`, http.StatusServiceUnavailable
	if _, err := c.do(f); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("do with status 503 = %v, want an error that says so", err)
	}
}

// What fails is counted and not timed.
func TestTurnCountsFailures(t *testing.T) {
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = w.Write([]byte(`{"token":"abc"}`))
	}))
	defer srv.Close()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s := &side{name: "test", addr: srv.Listener.Addr().String(), cmd: &exec.Cmd{Process: self}}
	got := turn(t.Context(), s, []fetch{newFetch(1, fetchPath, "jwt")}, 2, 50*time.Millisecond, 1)
	if got.errors == 0 || len(got.latency) == 0 || int64(got.errors+len(got.latency)) != n.Load() || got.first == nil {
		t.Errorf("turn counted %d good and %d bad of %d, first %v", len(got.latency), got.errors, n.Load(), got.first)
	}
}
