package sandbox

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testKey    = "testkey"
	testSecret = "planted-app-secret"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A rig is a sandbox behind two real HTTP servers, on a clock that stands still
// until /control/clock moves it.
type rig struct {
	*testing.T
	s              *Sandbox
	cloud, control *httptest.Server
	secret         string
}

func newRig(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	cfg := Config{AppKey: testKey, AppSecret: testSecret, Navigator: "http://127.0.0.1:8090", Now: func() time.Time { return start }}
	for _, c := range change {
		c(&cfg)
	}
	s := New(cfg)
	r := &rig{T: t, s: s, cloud: httptest.NewServer(s.Handler()), control: httptest.NewServer(s.Control()), secret: cfg.AppSecret}
	t.Cleanup(r.cloud.Close)
	t.Cleanup(r.control.Close)
	t.Cleanup(s.Close)
	return r
}

func sign(h http.Header, prefix, key, secret, nonce, stamp string) {
	sum := sha1.Sum([]byte(secret + nonce + stamp))
	h.Set(prefix+"App-Key", key)
	h.Set(prefix+"Nonce", nonce)
	h.Set(prefix+"Timestamp", stamp)
	h.Set(prefix+"Signature", hex.EncodeToString(sum[:]))
}

// request is a correct POST of body.
func (r *rig) request(path, body string) *http.Request {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.cloud.URL+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sign(req.Header, "", testKey, r.secret, "123456", strconv.FormatInt(start.UnixMilli(), 10))
	return req
}

type cloudAnswer struct {
	status int
	code   int
	fields map[string]any
	header http.Header
}

func (r *rig) do(req *http.Request) cloudAnswer {
	r.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	a := cloudAnswer{status: res.StatusCode, header: res.Header}
	if err := json.Unmarshal(body, &a.fields); err != nil {
		r.Fatalf("%s %s: answer is no JSON object: %.200q", req.Method, req.URL.Path, body)
	}
	code, ok := a.fields["code"].(float64)
	if !ok {
		r.Fatalf("%s %s: answer has no code: %.200q", req.Method, req.URL.Path, body)
	}
	a.code = int(code)
	return a
}

// call posts a form; the pairs may repeat a name.
func (r *rig) call(path string, pairs ...string) cloudAnswer {
	r.Helper()
	return r.do(r.request(path, form(pairs...)))
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func (r *rig) ok(path string, pairs ...string) cloudAnswer {
	r.Helper()
	a := r.call(path, pairs...)
	if a.code != 200 || a.status != 200 {
		r.Fatalf("%s %v = code %d, http %d %v, want 200", path, pairs, a.code, a.status, a.fields)
	}
	return a
}

func (r *rig) mint(id string) string {
	r.Helper()
	return r.ok("/user/getToken.json", "userId", id, "name", "n").fields["token"].(string)
}

func (r *rig) turn(method, path, body string) (int, map[string]any) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.control.URL+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	raw, _ := io.ReadAll(res.Body)
	var out map[string]any
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&out); err != nil {
		r.Fatalf("%s %s: answer is no JSON object: %.200q", method, path, raw)
	}
	return res.StatusCode, out
}

// set turns a knob that must turn.
func (r *rig) set(path, body string) map[string]any {
	r.Helper()
	status, out := r.turn(http.MethodPost, path, body)
	if status != http.StatusOK {
		r.Fatalf("POST %s %s = http %d %v, want 200", path, body, status, out)
	}
	return out
}

func (r *rig) see(path string) map[string]any {
	r.Helper()
	status, out := r.turn(http.MethodGet, path, "")
	if status != http.StatusOK {
		r.Fatalf("GET %s = http %d %v, want 200", path, status, out)
	}
	return out
}

func (r *rig) wantState(token string, want State) {
	r.Helper()
	if got := r.s.TokenState(token); got != want {
		r.Errorf("state of token = %s, want %s", got, want)
	}
	body, _ := json.Marshal(map[string]string{"token": token})
	if got := r.set("/control/token", string(body))["state"]; got != string(want) {
		r.Errorf("/control/token state = %v, want %s", got, want)
	}
}

// lockedBuffer collects log lines of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
