package rongcloud

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

// serve starts a cloud behind a real network.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestEveryRequestIsSigned(t *testing.T) {
	at0 := time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)
	var mu sync.Mutex
	nonces := map[string]bool{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		nonce, timestamp := h.Get("Nonce"), h.Get("Timestamp")
		sum := sha1.Sum([]byte(secret + nonce + timestamp))
		if got, want := h.Get("Signature"), hex.EncodeToString(sum[:]); got != want {
			t.Errorf("Signature = %q, want %q", got, want)
		}
		if n := len(nonce); n < 12 || n > 18 {
			t.Errorf("a nonce of %d characters, want 12 to 18", n)
		}
		if want := strconv.FormatInt(at0.Unix(), 10); timestamp != want {
			t.Errorf("Timestamp = %q, want %q", timestamp, want)
		}
		if r.Method != http.MethodPost || h.Get("App-Key") != "app1" || h.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s with App-Key %q and Content-Type %q, want a POST form of app1", r.Method, h.Get("App-Key"), h.Get("Content-Type"))
		}
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body)+r.URL.String()+fmt.Sprint(h), secret) {
			t.Error("the secret itself was sent")
		}
		mu.Lock()
		nonces[nonce] = true
		mu.Unlock()
		io.WriteString(w, goodToken)
	})
	c := newTestClient(t, nil, at(s.URL+"/"))
	c.Now = func() time.Time { return at0 }
	for range 50 {
		if err := mint(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if len(nonces) != 50 {
		t.Errorf("%d different nonces in 50 calls, want 50", len(nonces))
	}
}

// A hostile or broken answer is an error of a kind that fits, and no token.
func TestHostileAnswers(t *testing.T) {
	packed := func(s string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, s)
		z.Close()
		return b.Bytes()
	}
	huge := `{"code":200,"token":"` + strings.Repeat("A", 10<<20) + `"}`
	for name, answer := range map[string]func(w http.ResponseWriter){
		"html":          func(w http.ResponseWriter) { io.WriteString(w, "<html>sign in</html>") },
		"empty":         func(http.ResponseWriter) {},
		"10 MB":         func(w http.ResponseWriter) { io.WriteString(w, huge) },
		"10 MB, packed": func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "gzip"); w.Write(packed(huge)) },
		"not gzip":      func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "gzip"); io.WriteString(w, goodToken) },
		"cut gzip": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed(goodToken)[:20])
		},
		"too short":       func(w http.ResponseWriter) { w.Header().Set("Content-Length", "999"); io.WriteString(w, goodToken) },
		"truncated":       func(w http.ResponseWriter) { io.WriteString(w, goodToken[:len(goodToken)/2]) },
		"no token":        func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"userId":"u1"}`) },
		"empty token":     func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"token":""}`) },
		"token of null":   func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"token":null}`) },
		"token of 17":     func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"token":17}`) },
		"token of a list": func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"token":["a"]}`) },
		"token too long":  func(w http.ResponseWriter) { fmt.Fprintf(w, `{"code":200,"token":"%s"}`, strings.Repeat("A", 513)) },
		"control sign":    func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"token":"AA\nAA"}`) },
		"a space":         func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"token":"AA AA"}`) },
		"not ASCII":       func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"token":"AAéA"}`) },
		"somebody else's": func(w http.ResponseWriter) { io.WriteString(w, `{"code":200,"userId":"u2","token":"AAAA"}`) },
		"status 500":      func(w http.ResponseWriter) { w.WriteHeader(500); io.WriteString(w, goodToken) },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w) })
			tok, err := newTestClient(t, nil, at(s.URL)).Mint(t.Context(), im.User{ID: "u1"}, 0)
			e := wantKind(t, err, im.Unknown)
			if tok != (im.Token{}) {
				t.Error("a token beside the error")
			}
			if strings.Contains(e.Error(), "AAAA") {
				t.Errorf("the error shows the answer's token: %v", e)
			}
		})
	}
}

func TestOddButSoundAnswersAreRead(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"content type html": func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); io.WriteString(w, goodToken) },
		"packed unasked": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, goodToken)
			z.Close()
		},
		"older answer": func(w http.ResponseWriter) {
			io.WriteString(w, `{"errorMessage":"","code":"200","token":"AAAA@nav","reqBody":"x"}`)
		},
		"status 201":   func(w http.ResponseWriter) { w.WriteHeader(201); io.WriteString(w, goodToken) },
		"token of 512": func(w http.ResponseWriter) { fmt.Fprintf(w, `{"code":200,"token":"%s"}`, strings.Repeat("A", 512)) },
		"in small pieces": func(w http.ResponseWriter) {
			for _, b := range []byte(goodToken) {
				w.Write([]byte{b})
				w.(http.Flusher).Flush()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w) })
			for _, ask := range []bool{true, false} {
				c := newTestClient(t, nil, at(s.URL))
				// A transport that does not ask for gzip does not unpack it.
				c.HTTP.Transport.(*http.Transport).DisableCompression = !ask
				if tok, err := c.Mint(t.Context(), im.User{ID: "u1"}, 0); err != nil || !strings.HasPrefix(tok.Value, "AAAA") {
					t.Errorf("Mint = %q, %v, want the token", tok.Value, err)
				}
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) { elsewhere.Add(1); io.WriteString(w, goodToken) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	wantKind(t, mint(t.Context(), newTestClient(t, nil, at(s.URL))), im.Unknown)
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d signed requests went to the redirect's target, want 0", n)
	}
}

func TestASlowBodyEndsWithTheCallersDeadline(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, goodToken[:5])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	e := wantKind(t, mint(ctx, newTestClient(t, nil, at(s.URL))), im.Unknown)
	if !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("error = %v, want DeadlineExceeded in its chain", e)
	}
	<-gone
}

// The documentation asks for less than 80 requests on one connection.
func TestConnectionsAreGivenUpInTime(t *testing.T) {
	var mu sync.Mutex
	uses := map[net.Conn]int{}
	type key struct{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		uses[r.Context().Value(key{}).(net.Conn)]++
		mu.Unlock()
		io.WriteString(w, goodToken)
	}))
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, key{}, c) }
	s.Start()
	defer s.Close()
	c := newTestClient(t, nil, at(s.URL))
	for range 120 {
		if err := mint(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	most := 0
	for _, n := range uses {
		most = max(most, n)
	}
	if most > reuses || len(uses) > 4 {
		t.Errorf("120 calls used %d connections, one of them %d times, want 3 with at most %d", len(uses), most, reuses)
	}
}

func TestCheckComparesClocks(t *testing.T) {
	theirs := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		off  time.Duration
		body string
		want im.Kind // empty for no error
		says string
	}{
		{0, `{"code":400}`, "", ""},
		{4 * time.Minute, `{"code":400}`, "", ""},
		{-4 * time.Minute, `{"code":200,"userName":"x"}`, "", ""},
		{0, `{"code":1002}`, "", ""},
		{12 * time.Minute, `{"code":400}`, im.Invalid, "clock is 12m0s off"},
		{-12 * time.Minute, `{"code":400}`, im.Invalid, "clock is -12m0s off"},
		{0, `{"code":1004,"errorMessage":"bad signature"}`, im.Unauthorized, "bad signature"},
		{time.Hour, `{"code":1004,"errorMessage":"bad signature"}`, im.Unauthorized, "clock is 1h0m0s off the cloud's; bad signature"},
		{0, `{"code":1001}`, im.Unauthorized, ""},
		{0, `{"code":1006}`, im.Unauthorized, ""},
		{0, `{"code":1007}`, im.Unauthorized, ""},
		{0, `<html>`, im.Unknown, ""},
		{0, `{"code":404}`, im.Invalid, ""},
	} {
		client := newTestClient(t, cloudFunc(func(*http.Request) (*http.Response, error) {
			r := reply(200, c.body)
			r.Header.Set("Date", theirs.Format(http.TimeFormat))
			return r, nil
		}))
		client.Now = func() time.Time { return theirs.Add(c.off) }
		err := client.Check(t.Context())
		if c.want == "" {
			if err != nil {
				t.Errorf("Check of %s with a clock %v off = %v, want nil", c.body, c.off, err)
			}
			continue
		}
		if e := wantKind(t, err, c.want); !strings.Contains(e.Message, c.says) {
			t.Errorf("Check of %s with a clock %v off says %q, want %q", c.body, c.off, e.Message, c.says)
		}
	}
}

func TestObserveHearsOfEachAttempt(t *testing.T) {
	var mu sync.Mutex
	var heard []string
	answers := []string{goodToken, `{"code":1000}`, goodToken, `{"code":1004}`}
	i := 0
	c := newTestClient(t, cloudFunc(func(*http.Request) (*http.Response, error) {
		i++
		return reply(200, answers[i-1]), nil
	}))
	c.Observe = func(op, outcome string, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, op+" "+outcome)
	}
	for range 3 {
		_ = mint(t.Context(), c)
	}
	want := "/user/getToken.json ok,/user/getToken.json unavailable,/user/getToken.json ok,/user/getToken.json unauthorized"
	if got := strings.Join(heard, ","); got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
}

// endless is a body without an end, until somebody has read far too much.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 64<<20 {
		return 0, io.EOF
	}
	clear(p)
	return len(p), nil
}

func (e *endless) Close() error { return nil }

func TestNoMoreIsReadThanTheLongestAnswer(t *testing.T) {
	body := &endless{}
	c := newTestClient(t, cloudFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
	}))
	wantKind(t, mint(t.Context(), c), im.Unknown)
	if body.read > 2*calls.LongestAnswer {
		t.Errorf("%d bytes were read, want about %d", body.read, calls.LongestAnswer)
	}
}
