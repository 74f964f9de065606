package tokens

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/im/rongcloud"
	"imbridge/tokens/im/sandbox"
	"imbridge/tokens/outbox"
)

const (
	testAppKey    = "app1"
	testAppSecret = "Planted+Secret/17"
	getToken      = "/user/getToken.json"
	expireTokens  = "/user/token/expire.json"
)

// A rig is an Issuer with the real client before it and the sandbox behind that.
type rig struct {
	*Issuer
	store  *modelstest.Store
	cloud  *testCloud
	events events
	secret atomic.Int64 // version of the app secret
}

// A testCloud is the sandbox behind a door where tests can wait.
type testCloud struct {
	box *sandbox.Sandbox
	// before and after run around each call that the sandbox answers.
	before, after atomic.Pointer[func(path string)]
	console       time.Duration
	made          atomic.Int64     // tokens
	server        *httptest.Server // nil in a bubble
}

// A rigOption changes the sandbox of a rig.
type rigOption func(*sandbox.Config)

func consoleLifetime(d time.Duration) rigOption {
	return func(c *sandbox.Config) { c.TokenLifetime = d }
}

func withRateLimits(c *sandbox.Config) { c.NoRateLimits = false }

// cloudAhead makes the cloud's clock differ from ours.
func cloudAhead(d time.Duration) rigOption {
	return func(c *sandbox.Config) {
		now := c.Now
		c.Now = func() time.Time { return now().Add(d) }
	}
}

// newRig speaks to the sandbox over loopback.
func newRig(t *testing.T, s *modelstest.Store, opts ...rigOption) *rig {
	t.Helper()
	c := newTestCloud(s, opts)
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	return c.rig(t, s, "p1")
}

// newBubbleRig calls the sandbox without a network, as a synctest bubble needs it.
// The bubble's clock is everybody's.
func newBubbleRig(t *testing.T, opts ...rigOption) *rig {
	t.Helper()
	s := modelstest.OpenOn(t, "sqlite", func(o *models.Options) { o.Now = time.Now })
	return newTestCloud(s, opts).rig(t, s, "p1")
}

func newTestCloud(s *modelstest.Store, opts []rigOption) *testCloud {
	cfg := sandbox.Config{AppKey: testAppKey, AppSecret: testAppSecret, Navigator: "http://127.0.0.1:1", NoRateLimits: true, Now: s.Now}
	for _, o := range opts {
		o(&cfg)
	}
	return &testCloud{box: sandbox.New(cfg), console: cfg.TokenLifetime}
}

// rig is one process in front of the cloud.
func (c *testCloud) rig(t *testing.T, s *modelstest.Store, process string) *rig {
	t.Helper()
	cfg := rongcloud.Config{AppKey: testAppKey, AppSecret: testAppSecret, BaseURL: "http://127.0.0.1:1", ConsoleLifetime: c.console,
		Navigators: []string{"http://127.0.0.1:1"}}
	if c.server != nil {
		cfg.BaseURL = c.server.URL
	}
	client, err := rongcloud.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	client.Now = s.Now
	if c.server == nil {
		client.HTTP = &http.Client{Transport: c}
	}
	r := &rig{store: s, cloud: c, events: events{seen: make(map[string]int), news: make(chan string, 1<<16)}}
	r.Issuer = &Issuer{Store: s.Store, Cloud: client, WindowPercent: 20, MintTimeout: 10 * time.Second, RoundRate: 20,
		Process: process, Now: s.Now, Log: slog.New(slog.DiscardHandler), Observe: r.events.add}
	r.secret.Store(1)
	r.ReadSecretVersion = func(context.Context) (int64, error) { return r.secret.Load(), nil }
	if err := r.LoadSecretVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// outbox is a runner of this process.
func (r *rig) outbox() *outbox.Runner {
	d := &outbox.Delivery{Store: r.store.Store, Cloud: r.Cloud, Issuer: r.Issuer, Rate: 20, Now: r.Now}
	return &outbox.Runner{Store: r.store.Store, Kinds: d.Kinds(), Process: r.Process, Now: r.Now, Log: r.Log}
}

// again is another process on the same database and cloud.
func (r *rig) again(t *testing.T) *rig {
	t.Helper()
	return r.cloud.rig(t, r.store.Again(t), "p2")
}

func (c *testCloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := c.before.Load(); f != nil {
		(*f)(r.URL.Path)
	}
	rec := httptest.NewRecorder()
	c.box.Handler().ServeHTTP(rec, r)
	if f := c.after.Load(); f != nil {
		(*f)(r.URL.Path)
	}
	if r.URL.Path == getToken && rec.Code == http.StatusOK {
		c.made.Add(1)
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// RoundTrip is a network without one.
func (c *testCloud) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			resp, err = nil, cmp.Or(r.Context().Err(), io.ErrUnexpectedEOF)
		} else if v != nil {
			panic(v)
		}
	}()
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

// mints is how many tokens the cloud has made.
func (c *testCloud) mints() int { return int(c.made.Load()) }

// turn moves a knob of the sandbox.
func (c *testCloud) turn(t testing.TB, path string, body map[string]any) {
	t.Helper()
	b, _ := json.Marshal(body)
	rec := httptest.NewRecorder()
	c.box.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(b)))
	if rec.Code != http.StatusOK {
		t.Fatalf("POST %s %s = %d %s, want 200", path, b, rec.Code, rec.Body)
	}
}

func (c *testCloud) down(t testing.TB) {
	c.turn(t, "/control/faults", map[string]any{"path": "*", "mode": "status", "status": 503})
}

// count reads "calls" or "peaks" of one path.
func (c *testCloud) count(t testing.TB, what, path string) int {
	t.Helper()
	rec := httptest.NewRecorder()
	c.box.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/control/"+what, nil))
	var counts map[string]int
	if err := json.Unmarshal(rec.Body.Bytes(), &counts); err != nil {
		t.Fatal(err)
	}
	return counts[path]
}

func (c *testCloud) wantCalls(t testing.TB, path string, want int) {
	t.Helper()
	if got := c.count(t, "calls", path); got != want {
		t.Errorf("calls of %s = %d, want %d", path, got, want)
	}
}

func (c *testCloud) wantState(t testing.TB, token string, want sandbox.State) {
	t.Helper()
	if got := c.box.TokenState(token); got != want {
		t.Errorf("the cloud calls the token %s (%d), want %s (%d)", got, got.Code(), want, want.Code())
	}
}

// events counts what an Issuer observes.
type events struct {
	mu   sync.Mutex
	seen map[string]int
	news chan string
}

func (e *events) add(event string) {
	e.mu.Lock()
	e.seen[event]++
	e.mu.Unlock()
	select {
	case e.news <- event:
	default:
	}
}

func (e *events) count(event string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen[event]
}

// A person is somebody logged in.
type person struct{ id, session string }

func (r *rig) person(t testing.TB) person {
	t.Helper()
	u := r.store.AddUser(t)
	s, _ := r.store.AddSession(t, u)
	return person{u.ID, s.ID}
}

// fetch is Token for somebody to whom nothing may go wrong.
func (r *rig) fetch(t testing.TB, p person) ConnectToken {
	t.Helper()
	c, err := r.Token(t.Context(), p.id, p.session)
	if err != nil {
		t.Fatalf("Token(%s) = %v, want a token", p.id, err)
	}
	return c
}

// setLifetime is what an admin does; user "" is the default.
func (r *rig) setLifetime(t testing.TB, user string, d time.Duration) {
	t.Helper()
	if err := r.store.SetLifetime(t.Context(), user, d, models.Match{}, "admin:a", models.Origin{}); err != nil {
		t.Fatalf("SetLifetime(%q, %s) = %v", user, d, err)
	}
}

// logOutOthers revokes the person's tokens and keeps their session.
func (r *rig) logOutOthers(t testing.TB, p person) {
	t.Helper()
	if err := r.store.EndSessions(context.WithoutCancel(t.Context()), p.id, p.session, models.Origin{}); err != nil {
		t.Fatalf("EndSessions(%s) = %v", p.id, err)
	}
}

// wantCloudError returns the error as what handlers need of it.
func wantCloudError(t testing.TB, err error, want im.Kind) *im.Error {
	t.Helper()
	var e *im.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("error = %v, want an *im.Error of kind %q", err, want)
	}
	if im.Temporary(err) && e.RetryAfter <= 0 {
		t.Errorf("RetryAfter of %q = %s, want when to come back", err, e.RetryAfter)
	}
	return e
}

// stored is the person's row, for tests that it does not change.
func (r *rig) stored(t testing.TB, userID string) string {
	t.Helper()
	var generation, issued, fetched, lease int64
	var fingerprint, owner string
	err := r.store.SQL(t).QueryRow("SELECT generation, issued_at, last_fetched_at, lease_until, fingerprint, lease_owner FROM im_tokens WHERE user_id = ?", userID).
		Scan(&generation, &issued, &fetched, &lease, &fingerprint, &owner)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(generation, issued, fetched, lease, fingerprint, owner)
}
