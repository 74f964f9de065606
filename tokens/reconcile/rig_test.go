package reconcile_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens"
	"imbridge/tokens/im"
	"imbridge/tokens/im/rongcloud"
	"imbridge/tokens/im/sandbox"
	"imbridge/tokens/outbox"
	"imbridge/tokens/reconcile"
)

const (
	appKey = "app1"
	secret = "planted-app-secret"
	hour   = time.Hour
)

// several is a client of RongCloud with the quota of many: the real one would
// make each test last as long as the quota wants.
type several struct {
	clients []*rongcloud.Client
	next    atomic.Int64
	calls   atomic.Int64
	// before, if set, decides about each call: an error is what it comes to.
	before func(n int64, op, id string) error
	// after, if set, is told of each answer that lists.
	after func(op string)
	// app, if set, is the app key that it says it has.
	app string
}

func (s *several) answered(op string) {
	if s.after != nil {
		s.after(op)
	}
}

func (s *several) pick(op, id string) (*rongcloud.Client, error) {
	n := s.calls.Add(1)
	if s.before != nil {
		if err := s.before(n, op, id); err != nil {
			return nil, err
		}
	}
	return s.clients[int(s.next.Add(1))%len(s.clients)], nil
}

func (s *several) Name() string            { return s.clients[0].Name() }
func (s *several) AppKey() string          { return cmp.Or(s.app, s.clients[0].AppKey()) }
func (s *several) Endpoints() im.Endpoints { return s.clients[0].Endpoints() }
func (s *several) Shape(u im.User) im.User { return s.clients[0].Shape(u) }

func (s *several) Mint(ctx context.Context, u im.User, life time.Duration) (im.Token, error) {
	c, err := s.pick("mint", u.ID)
	if err != nil {
		return im.Token{}, err
	}
	return c.Mint(ctx, u, life)
}

func (s *several) PutProfile(ctx context.Context, u im.User) error {
	c, err := s.pick("put", u.ID)
	if err != nil {
		return err
	}
	return c.PutProfile(ctx, u)
}

func (s *several) Profile(ctx context.Context, id string) (im.User, error) {
	c, err := s.pick("profile", id)
	if err != nil {
		return im.User{}, err
	}
	return c.Profile(ctx, id)
}

func (s *several) Users(ctx context.Context, page string) (im.UserPage, error) {
	c, err := s.pick("users", page)
	if err != nil {
		return im.UserPage{}, err
	}
	defer s.answered("users")
	return c.Users(ctx, page)
}

func (s *several) Ban(ctx context.Context, id string, d time.Duration) error {
	c, err := s.pick("ban", id)
	if err != nil {
		return err
	}
	return c.Ban(ctx, id, d)
}

func (s *several) Unban(ctx context.Context, id string) error {
	c, err := s.pick("unban", id)
	if err != nil {
		return err
	}
	return c.Unban(ctx, id)
}

func (s *several) Banned(ctx context.Context) ([]im.Ban, error) {
	c, err := s.pick("banned", "")
	if err != nil {
		return nil, err
	}
	defer s.answered("banned")
	return c.Banned(ctx)
}

func (s *several) Remove(ctx context.Context, id string) error {
	c, err := s.pick("remove", id)
	if err != nil {
		return err
	}
	return c.Remove(ctx, id)
}

func (s *several) RevokeBefore(ctx context.Context, id string, t time.Time) (time.Time, error) {
	c, err := s.pick("revoke", id)
	if err != nil {
		return time.Time{}, err
	}
	return c.RevokeBefore(ctx, id, t)
}

// A rig is our side, the cloud's, and what goes between them.
type rig struct {
	*testing.T
	store  *modelstest.Store
	box    *sandbox.Sandbox
	cloud  *several
	issuer *tokens.Issuer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store := modelstest.Open(t)
	box := sandbox.New(sandbox.Config{AppKey: appKey, AppSecret: secret, NoRateLimits: true, Now: store.Clock.Now})
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	cloud := &several{}
	for range 12 {
		c, err := rongcloud.New(rongcloud.Config{AppKey: appKey, AppSecret: secret, BaseURL: server.URL, QuotaPercent: 100})
		if err != nil {
			t.Fatal(err)
		}
		c.Now = store.Clock.Now
		cloud.clients = append(cloud.clients, c)
	}
	return &rig{T: t, store: store, box: box, cloud: cloud, issuer: &tokens.Issuer{Store: store.Store, Cloud: cloud, WindowPercent: 20,
		ReadSecretVersion: func(context.Context) (int64, error) { return 1, nil },
		MintTimeout:       10 * time.Second, RoundRate: 1000, Process: "test", Now: store.Clock.Now, Log: slog.New(slog.DiscardHandler)}}
}

// reconciler is one of a process of its own.
func (r *rig) reconciler(store *models.Store, process string) *reconcile.Reconciler {
	return &reconcile.Reconciler{Store: store, Cloud: r.cloud, Rate: 100_000, Process: process, Now: r.store.Clock.Now, Log: slog.New(slog.DiscardHandler)}
}

func (r *rig) run(o reconcile.Options) models.ReconcileRun {
	r.Helper()
	run, err := r.reconciler(r.store.Store, "p").Run(r.Context(), o)
	if err != nil {
		r.Fatalf("Run(%+v) = %v", o, err)
	}
	return run
}

// call is a call to the cloud behind everybody's back.
func (r *rig) call(path string, form url.Values) {
	r.Helper()
	req := httptest.NewRequestWithContext(r.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	stamp := strconv.FormatInt(r.store.Clock.Now().UnixMilli(), 10)
	sum := sha1.Sum([]byte(secret + "1" + stamp))
	for k, v := range map[string]string{"Content-Type": "application/x-www-form-urlencoded", "App-Key": appKey, "Nonce": "1", "Timestamp": stamp, "Signature": hex.EncodeToString(sum[:])} {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	r.box.Handler().ServeHTTP(rec, req)
	if body, _ := io.ReadAll(rec.Body); rec.Code != http.StatusOK {
		r.Fatalf("%s %v = %d %s", path, form, rec.Code, body)
	}
}

func (r *rig) register(id, name string) {
	r.Helper()
	r.call("/user/getToken.json", url.Values{"userId": {id}, "name": {name}})
}

// forget makes the cloud one that never knew them.
func (r *rig) forget(ids ...string) {
	r.Helper()
	for len(ids) > 0 {
		n := min(100, len(ids))
		r.call("/user/delusers.json", url.Values{"userId": ids[:n]})
		ids = ids[n:]
	}
}

// turn turns a knob of the sandbox.
func (r *rig) turn(path string, body any) {
	r.Helper()
	b, _ := json.Marshal(body)
	rec := httptest.NewRecorder()
	r.box.Control().ServeHTTP(rec, httptest.NewRequestWithContext(r.Context(), http.MethodPost, path, bytes.NewReader(b)))
	if rec.Code != http.StatusOK {
		r.Fatalf("POST %s %s = %d %s", path, b, rec.Code, rec.Body)
	}
}

// counts are the sandbox's own.
func (r *rig) counts() (users, deactivated, bans int) {
	r.Helper()
	rec := httptest.NewRecorder()
	r.box.Control().ServeHTTP(rec, httptest.NewRequestWithContext(r.Context(), http.MethodGet, "/control/state?limit=0", nil))
	var state struct {
		Counts struct{ Users, Deactivated, Bans int }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &state); err != nil {
		r.Fatal(err)
	}
	return state.Counts.Users, state.Counts.Deactivated, state.Counts.Bans
}

// people are n of ours whom the cloud knows by the same name.
func (r *rig) people(n int) []string {
	r.Helper()
	ids := r.store.BulkTokens(r, n, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: r.store.Clock.Now()} })
	for _, id := range ids {
		r.register(id, id)
	}
	return ids
}

// change runs one statement for each of the people.
func (r *rig) change(statement string, ids ...string) {
	r.Helper()
	db := r.store.SQL(r)
	for _, id := range ids {
		if _, err := db.Exec(statement, id); err != nil {
			r.Fatalf("%s: %v", statement, err)
		}
	}
}

// drain delivers what the outbox holds.
func (r *rig) drain() {
	r.Helper()
	kinds := (&outbox.Delivery{Store: r.store.Store, Cloud: r.cloud, Issuer: r.issuer, Rate: 100_000, Now: r.store.Clock.Now}).Kinds()
	var names []string
	for k := range kinds {
		names = append(names, k)
	}
	for {
		rows, err := r.store.ClaimOutbox(r.Context(), names, "drain", r.store.Clock.Now().Add(time.Hour), 200)
		if err != nil {
			r.Fatal(err)
		}
		if len(rows) == 0 {
			return
		}
		var g errgroup.Group
		g.SetLimit(16)
		for _, row := range rows {
			g.Go(func() error {
				err := kinds[row.Kind](r.Context(), row.Subject)
				if back := (*outbox.ComeBackError)(nil); errors.As(err, &back) {
					return r.store.ComeBackOutbox(r.Context(), row, back.At)
				}
				if err != nil {
					return err
				}
				return r.store.FinishOutbox(r.Context(), row)
			})
		}
		if err := g.Wait(); err != nil {
			r.Fatalf("drain: %v", err)
		}
	}
}

// wantDrift compares the counts of classes, those without any left out.
func (r *rig) wantDrift(what string, run models.ReconcileRun, want map[string]int64) {
	r.Helper()
	for _, c := range reconcile.Classes {
		if got := run.Counts.Drift[c.Name].Count; got != want[c.Name] {
			r.Errorf("%s: %d %s, want %d", what, got, c.Name, want[c.Name])
		}
	}
}
