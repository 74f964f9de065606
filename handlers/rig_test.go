package handlers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/handlers"
	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens"
	"imbridge/tokens/im/rongcloud"
	"imbridge/tokens/im/sandbox"
)

// planted stands in every secret that tests make up. It must never come out
// where it was not asked for.
const planted = "Pl4nted"

const (
	password      = planted + " battery staple"
	adminPassword = planted + " admin password"
	appSecret     = planted + "Secret17"
)

// seen collects the codes of all problems of the run.
var seen struct {
	sync.Mutex
	codes map[string]bool
}

func TestMain(m *testing.M) {
	seen.codes = make(map[string]bool)
	code := m.Run()
	// Only a run of everything can have seen everything.
	if run := flag.Lookup("test.run").Value.String(); code == 0 && run == "" && flag.Lookup("test.fuzz").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		for _, want := range problemCodes() {
			if !seen.codes[want] {
				fmt.Printf("no test was ever answered %q: a code that cannot come is no code\n", want)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// A rig is the API in front of a fresh database and the sandbox as cloud.
type rig struct {
	t       *testing.T
	store   *modelstest.Store
	box     *sandbox.Sandbox
	deps    handlers.Deps
	api     *echo.Echo
	ops     *echo.Echo
	log     *logBuffer
	calls   chan string // operations that the cloud was asked for
	secrets []string    // that answers have shown
	mu      sync.Mutex
}

type rigOption func(*rigConfig)

type rigConfig struct {
	store []modelstest.Option
	deps  func(*handlers.Deps)
}

func withDeps(f func(*handlers.Deps)) rigOption { return func(c *rigConfig) { c.deps = f } }

func withStore(o modelstest.Option) rigOption {
	return func(c *rigConfig) { c.store = append(c.store, o) }
}

func newRig(t *testing.T, opts ...rigOption) *rig {
	t.Helper()
	var cfg rigConfig
	for _, o := range opts {
		o(&cfg)
	}
	r := &rig{t: t, store: modelstest.Open(t, cfg.store...), log: &logBuffer{}, calls: make(chan string, 1024)}
	now := r.store.Clock.Now
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.box = sandbox.New(sandbox.Config{AppSecret: appSecret, Navigator: "http://127.0.0.1:1", NoRateLimits: true, Now: now})
	cloud := httptest.NewServer(r.box.Handler())
	t.Cleanup(cloud.Close)
	client, err := rongcloud.New(rongcloud.Config{AppKey: sandbox.DefaultAppKey, AppSecret: appSecret, BaseURL: cloud.URL, Navigators: []string{"http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	client.Now = now
	metrics := handlers.NewMetrics()
	metrics.WatchHasher(r.store.Hasher.Waiting)
	metrics.WatchPool(r.store.Connections)
	client.Observe = func(op, outcome string, took time.Duration) {
		metrics.CloudCall(op, outcome, took)
		select {
		case r.calls <- op:
		default:
		}
	}
	keys := &tokens.Keys{Store: r.store.Store, AccessLifetime: 10 * time.Minute, Rotation: 30 * 24 * time.Hour, Now: now, Log: log}
	if err := keys.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	app := client.Name() + "/" + client.AppKey()
	if _, err := r.store.SecretVersion(t.Context(), app, appSecret); err != nil {
		t.Fatal(err)
	}
	readSecretVersion := func(ctx context.Context) (int64, error) { return r.store.SecretVersionNow(ctx, app, appSecret) }
	r.deps = handlers.Deps{
		Store: r.store.Store,
		Issuer: &tokens.Issuer{Store: r.store.Store, Cloud: client, ReadSecretVersion: readSecretVersion, WindowPercent: 20,
			MintTimeout: 5 * time.Second, RoundRate: 100, Process: "test", Now: now, Log: log, Observe: metrics.Token},
		Access:     &tokens.Access{Keys: keys, Issuer: "http://imbridge.test", Lifetime: 10 * time.Minute, AdminLifetime: time.Hour, Now: now},
		Settings:   handlers.Settings{Version: "test", Bundled: true, RegisterBudget: 10 * time.Second, TokenBudget: 10 * time.Second, Lifetimes: tokens.Choices(tokens.Lifetime(20 * time.Second))},
		Metrics:    metrics,
		Log:        log,
		Now:        now,
		CloudState: client.Breaker,
		RotateCloudSecret: func(ctx context.Context, actor string, o models.Origin) error {
			return r.store.RotateSecret(ctx, app, appSecret, actor, o)
		},
		Health: &handlers.Health{},
	}
	if err := r.deps.Issuer.LoadSecretVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
	if cfg.deps != nil {
		cfg.deps(&r.deps)
	}
	r.api, r.ops = handlers.New(r.deps), handlers.Ops(r.deps)
	t.Cleanup(r.checkSilence)
	return r
}

// checkSilence finds secrets where none may be.
func (r *rig) checkSilence() {
	places := map[string]string{"log": r.log.String()}
	w := httptest.NewRecorder()
	r.ops.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	places["metrics"] = w.Body.String()
	for place, text := range places {
		for _, secret := range append([]string{planted}, r.secrets...) {
			if i := strings.Index(text, secret); i >= 0 {
				r.t.Errorf("the %s holds a secret: …%s…", place, text[max(0, i-80):min(len(text), i+80)])
				break
			}
		}
	}
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A request is one call of the API.
type request struct {
	method, path string
	token        string // bearer
	body         any    // marshalled, unless it is a string or []byte
	header       map[string]string
	peer         string // address of the sender
	ctx          context.Context
	chunked      bool // do not tell the length of the body
}

// An answer is what came back, and fits the contract.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

// do sends one request through the real router. The answer must fit the
// contract, and so must the request if it was served.
func (r *rig) do(q request) answer {
	r.t.Helper()
	var body []byte
	switch b := q.body.(type) {
	case nil:
	case string:
		body = []byte(b)
	case []byte:
		body = b
	default:
		var err error
		if body, err = json.Marshal(b); err != nil {
			r.t.Fatal(err)
		}
	}
	var reader io.Reader
	if q.body != nil {
		reader = bytes.NewReader(body)
	}
	req := httptest.NewRequest(q.method, q.path, reader)
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
	}
	if q.peer != "" {
		req.RemoteAddr = q.peer
	}
	if q.chunked {
		req.ContentLength = -1
	}
	if q.ctx != nil {
		req = req.WithContext(q.ctx)
	}
	w := httptest.NewRecorder()
	r.api.ServeHTTP(w, req)
	a := answer{status: w.Code, header: w.Header(), raw: w.Body.Bytes()}
	_ = json.Unmarshal(a.raw, &a.body)
	r.remember(a)
	fits(r.t, req, body, a)
	return a
}

// remember notes the code and the secrets of an answer.
func (r *rig) remember(a answer) {
	if code, ok := a.body["code"].(string); ok && a.status >= 400 {
		seen.Lock()
		seen.codes[code] = true
		seen.Unlock()
		if bytes.Contains(a.raw, []byte(planted)) {
			r.t.Errorf("a problem repeats a secret: %s", a.raw)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, path := range [][]string{{"session", "access_token"}, {"session", "refresh_token"}, {"im", "token"}, {"token"}, {"access_token"}} {
		if s, ok := a.get(path...).(string); ok {
			r.secrets = append(r.secrets, s)
		}
	}
}

// get walks into an answer.
func (a answer) get(path ...string) any {
	var v any = a.body
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

func (a answer) text(path ...string) string {
	s, _ := a.get(path...).(string)
	return s
}

// want checks status and, for a problem, code.
func (a answer) want(t *testing.T, what string, status int, code string) answer {
	t.Helper()
	if a.status != status || (code != "" && a.text("code") != code) {
		t.Fatalf("%s = %d %s, want %d %s", what, a.status, a.raw, status, code)
	}
	return a
}

// A person is somebody who registered.
type person struct {
	id, session, access, refresh, connect string
}

func personOf(a answer) person {
	return person{a.text("user", "id"), a.text("session", "id"), a.text("session", "access_token"), a.text("session", "refresh_token"), a.text("im", "token")}
}

func (r *rig) register(name string) person {
	r.t.Helper()
	a := r.do(request{method: "POST", path: "/v1/register", body: map[string]any{"username": name, "password": password}})
	return personOf(a.want(r.t, "register "+name, http.StatusCreated, ""))
}

func (r *rig) login(login, pass string) answer {
	r.t.Helper()
	return r.do(request{method: "POST", path: "/v1/login", body: map[string]any{"login": login, "password": pass}})
}

// admin makes an admin and returns their access token.
func (r *rig) admin() string {
	r.t.Helper()
	if _, err := r.store.CreateAdmin(context.Background(), "root", adminPassword, models.Origin{}); err != nil {
		r.t.Fatal(err)
	}
	return r.do(request{method: "POST", path: "/v1/admin/login", body: map[string]any{"name": "root", "password": adminPassword}}).
		want(r.t, "admin login", http.StatusOK, "").text("access_token")
}

// fault makes the cloud fail from now on; nil heals it.
func (r *rig) fault(f map[string]any) {
	r.t.Helper()
	path := "/control/faults"
	if f == nil {
		path, f = "/control/reset", map[string]any{}
	}
	b, _ := json.Marshal(f)
	w := httptest.NewRecorder()
	r.box.Control().ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(b)))
	if w.Code != http.StatusOK {
		r.t.Fatalf("POST %s %s = %d %s, want 200", path, b, w.Code, w.Body)
	}
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func sorted(m map[string]bool) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
