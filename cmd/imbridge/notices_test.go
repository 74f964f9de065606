package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"imbridge/config"
	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens"
	"imbridge/tokens/im"
)

// namedCloud has a name and refuses our credentials.
type namedCloud struct{ tokens.Cloud }

func (namedCloud) Name() string { return "rongcloud" }
func (namedCloud) Check(context.Context) error {
	return &im.Error{Cloud: "rongcloud", Kind: im.Unauthorized}
}

// TestWatcherIsWired lets everything go wrong at once and hears of each over the
// webhook of the settings.
func TestWatcherIsWired(t *testing.T) {
	var mu sync.Mutex
	var kinds []string
	// Outside of the bubble: somebody who waits for a connection keeps its clock still.
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, kind, _ := strings.Cut(string(body), `"kind":"`)
		kind, _, _ = strings.Cut(kind, `"`)
		mu.Lock()
		defer mu.Unlock()
		kinds = append(kinds, kind)
	}))
	defer hook.Close()
	synctest.Test(t, func(t *testing.T) {
		store := modelstest.OpenOn(t, "sqlite", func(o *models.Options) { o.Now = time.Now })
		past := time.Now().Add(-time.Hour).UnixMicro()
		for i, buried := range []any{nil, past} {
			store.Exec(t, "INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at, buried_at) VALUES (?, 'profile', ?, ?, ?, ?, ?)",
				fmt.Sprint("01", i), fmt.Sprint("u", i), past, past, past, buried)
		}
		cfg := config.Default()
		cfg.Notices.Webhook = config.NoticesWebhook{URL: hook.URL, Secret: config.NewSecret("whsec_c2VjcmV0IGtleSBvZiB0aGlydHktdHdvIGJ5dGVzISE="), AllowPrivate: true}
		var seen troubles
		w, err := newWatcher(cfg, store.Store, cloud{Cloud: namedCloud{}, checker: namedCloud{}, breaker: func() string { return "open" }}, &seen, "p1", time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = w.Run(ctx) }()
		time.Sleep(31 * time.Second)
		called := 0
		call, token := seen.calls(func(string, string, time.Duration) { called++ }), seen.tokens(func(string) { called++ })
		call("/user/getToken.json", "ok", 0)
		call("/user/getToken.json", string(im.Unauthorized), 0)
		for range 51 {
			token(tokens.EventRefused)
		}
		token(tokens.EventReused)
		if called != 54 {
			t.Errorf("the metrics were told of %d events, want 54", called)
		}
		time.Sleep(30 * time.Second)
		cancel()
		<-done
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(kinds)
		if got, want := fmt.Sprint(kinds), "[breaker_open buried credentials outbox_stuck refused_spike]"; got != want {
			t.Errorf("the webhook heard of %s, want %s", got, want)
		}
	})
}

// inbox NAME starts a receiver of webhooks and a mail server. It sets $NAME_HOOK
// and $NAME_MAIL_PORT, and keeps what comes in the files NAME.hook and NAME.mail.
func (s *script) inbox(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 1, "inbox NAME"); err != nil {
		return err
	}
	name, file := strings.ToUpper(args[0]), ts.MkAbs(args[0])
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		_ = r.Header.Write(&b)
		_, _ = io.Copy(&b, r.Body)
		_ = os.WriteFile(file+".hook", []byte(b.String()+"\n"), 0o600)
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, hook.Close, func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			takeMail(conn, file+".mail")
		}
	}()
	ts.Setenv(name+"_HOOK", hook.URL)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ts.Setenv(name+"_MAIL_PORT", port)
	return nil
}

// takeMail says yes to everything, and keeps what it is told.
func takeMail(conn net.Conn, file string) {
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "220 here\r\n")
	var all strings.Builder
	answers := map[string]string{"EHLO": "250-here\r\n250 AUTH PLAIN\r\n", "DATA": "354 go\r\n", "AUTH": "235 ok\r\n", "QUIT": "221 bye\r\n"}
	in, data := bufio.NewScanner(conn), false
	for in.Scan() {
		line := in.Text()
		all.WriteString(line + "\n")
		_ = os.WriteFile(filepath.Clean(file), []byte(all.String()), 0o600)
		if data && line != "." {
			continue
		}
		verb, _, _ := strings.Cut(line, " ")
		data = verb == "DATA"
		if answer, ok := answers[verb]; ok {
			fmt.Fprint(conn, answer)
		} else {
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}
