package easemob_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/tokens/im/easemob"
	"imbridge/tokens/im/imtest"
	"imbridge/tokens/im/sandbox"
)

const (
	appKey        = "org-1#app.1"
	clientID      = "YXA6planted"
	plantedSecret = "YXA6Planted+Secret/17"
	agoraAppID    = "0123456789abcdef0123456789abcdef"
	agoraCert     = "fedcba98765432100123456789abcdef"
)

// clock is the one of client and sandbox, moved by the tests.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func TestContract(t *testing.T) {
	imtest.Run(t, imtest.Target{New: func(t *testing.T, _ time.Duration) imtest.Harness {
		return newHarness(t, func(*easemob.Config) {})
	}})
}

// Tokens signed here keep the contract too, but for the roles that they cost.
func TestContractWithDynamicTokens(t *testing.T) {
	if testing.Short() {
		t.Skip("another way of making tokens in the same client")
	}
	imtest.Run(t, imtest.Target{New: func(t *testing.T, _ time.Duration) imtest.Harness {
		return signing(newHarness(t, func(c *easemob.Config) { c.Tokens = easemob.Dynamic }))
	}})
}

func TestContractWithAgoraTokens(t *testing.T) {
	if testing.Short() {
		t.Skip("another way of making tokens in the same client")
	}
	imtest.Run(t, imtest.Target{New: func(t *testing.T, _ time.Duration) imtest.Harness {
		return signing(newHarness(t, func(c *easemob.Config) {
			c.Tokens, c.AgoraAppID, c.AgoraCertificate = easemob.Agora, agoraAppID, agoraCert
		}))
	}})
}

func signing(h imtest.Harness) imtest.Harness {
	h.NeverPermanent = true
	return h
}

// A box is a sandbox with its control API.
type box struct {
	*sandbox.Sandbox
	url string
	t   *testing.T
}

func newBox(t *testing.T, clk *clock) box {
	b := box{t: t, Sandbox: sandbox.New(sandbox.Config{
		EasemobAppKey: appKey, EasemobClientID: clientID, EasemobClientSecret: plantedSecret,
		EasemobAgoraAppID: agoraAppID, EasemobAgoraCertificate: agoraCert, Now: clk.now,
	})}
	server := httptest.NewServer(b.Handler())
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// turn posts to the control API.
func (b box) turn(path string, body map[string]any) {
	b.t.Helper()
	raw, _ := json.Marshal(body)
	rec := httptest.NewRecorder()
	b.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(raw)))
	if rec.Code != http.StatusOK {
		b.t.Fatalf("POST %s %s = %d %s, want 200", path, raw, rec.Code, rec.Body)
	}
}

// ask calls the cloud behind the client's back.
func (b box) ask(method, path, token string, body any) (int, map[string]any) {
	b.t.Helper()
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	req, _ := http.NewRequest(method, b.url+"/"+strings.ReplaceAll(appKey, "#", "/")+path, bytes.NewReader(raw))
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	got := map[string]any{}
	all, _ := io.ReadAll(resp.Body)
	_ = json.Unmarshal(all, &got)
	return resp.StatusCode, got
}

func (b box) client(clk *clock, change func(*easemob.Config)) *easemob.Client {
	b.t.Helper()
	cfg := easemob.Config{AppKey: appKey, ClientID: clientID, ClientSecret: plantedSecret, BaseURL: b.url, QuotaPercent: 99}
	change(&cfg)
	c, err := easemob.New(cfg)
	if err != nil {
		b.t.Fatalf("New = %v, want no complaint", err)
	}
	c.Now = clk.now
	return c
}

func newHarness(t *testing.T, change func(*easemob.Config)) imtest.Harness {
	clk := &clock{}
	b := newBox(t, clk)
	c := b.client(clk, change)
	return imtest.Harness{
		Client:  c.Roles(),
		Accepts: func(token string) bool { return b.EasemobTokenState("", token) == sandbox.StateValid },
		Now:     clk.now,
		Advance: clk.advance,
		Break: func(f imtest.Fault) bool {
			body, ok := faults[f]
			if ok {
				b.turn("/control/faults", body)
			}
			return ok
		},
		Heal: func() {
			b.turn("/control/reset", map[string]any{})
			clk.advance(time.Minute) // an app token is not asked for again at once
		},
		Lose: func() { b.turn("/control/reset", map[string]any{"all": true}) },
		FillFriends: func(id string) {
			b.turn("/control/app", map[string]any{"rate_limits": false})
			friendCrowd(b, id)
			b.turn("/control/app", map[string]any{"easemob": map[string]any{"edition": "free"}})
		},
		ChangeSecret: func() {
			b.turn("/control/app", map[string]any{"easemob": map[string]any{"rotate_client_secret": true}})
		},
		Secrets:        []string{plantedSecret, agoraCert},
		LifetimeByCall: true,
		EndlessBans:    true,
		KnownOnly:      true,
		FriendsPage:    50,
		Pages:          50,
		LogsIn: func(id, password string) bool {
			status, _ := b.ask(http.MethodPost, "/token", "", map[string]string{"grant_type": "password", "username": id, "password": password})
			return status == http.StatusOK
		},
		BanCrowd: func() []string {
			b.turn("/control/app", map[string]any{"rate_limits": false})
			return banCrowd(b)
		},
	}
}

// appToken is one of our own: the client's stays as it is.
func appToken(b box) string {
	_, app := b.ask(http.MethodPost, "/token", "", map[string]string{"grant_type": "client_credentials", "client_id": clientID, "client_secret": plantedSecret})
	return app["access_token"].(string)
}

// friendCrowd gives somebody as many friends as the free edition allows.
func friendCrowd(b box, id string) {
	token := appToken(b)
	for i := range 100 {
		friend := fmt.Sprint("friend", i)
		if status, got := b.ask(http.MethodPost, "/users", token, map[string]string{"username": friend, "password": "p"}); status != http.StatusOK {
			b.t.Fatalf("POST /users = %d %v", status, got)
		}
		if status, got := b.ask(http.MethodPost, "/users/"+id+"/contacts/users/"+friend, token, nil); status != http.StatusOK {
			b.t.Fatalf("POST contacts = %d %v", status, got)
		}
	}
}

// banCrowd has no quota, which the client would wait for.
func banCrowd(b box) []string {
	token := appToken(b)
	var ids []string
	for i := range 250 {
		id := fmt.Sprint("crowd", i)
		if status, got := b.ask(http.MethodPost, "/users", token, map[string]string{"username": id, "password": "p"}); status != http.StatusOK {
			b.t.Fatalf("POST /users = %d %v", status, got)
		}
		if i%2 == 0 {
			continue
		}
		if status, got := b.ask(http.MethodPost, "/users/"+id+"/deactivate", token, nil); status != http.StatusOK {
			b.t.Fatalf("deactivate = %d %v", status, got)
		}
		ids = append(ids, id)
	}
	return ids
}

// faults are imtest's in the sandbox's words.
var faults = map[imtest.Fault]map[string]any{
	imtest.ResetBefore: {"path": "*", "mode": "reset_before"},
	imtest.ResetAfter:  {"path": "*", "mode": "reset_after"},
	imtest.Status500:   {"path": "*", "mode": "status", "status": 500},
	imtest.Status503:   {"path": "*", "mode": "status", "status": 503},
	imtest.HTML:        {"path": "*", "mode": "garbage", "garbage": "html"},
	imtest.Empty:       {"path": "*", "mode": "empty"},
	imtest.Truncated:   {"path": "*", "mode": "garbage", "garbage": "truncated"},
	imtest.WrongType:   {"path": "*", "mode": "garbage", "garbage": "wrong_type"},
	imtest.Binary:      {"path": "*", "mode": "garbage", "garbage": "binary"},
	imtest.Huge:        {"path": "*", "mode": "garbage", "garbage": "huge"},
	imtest.Slow:        {"path": "*", "mode": "delay", "delay_ms": 5000},
	imtest.Throttled:   {"path": "*", "mode": "code", "code": 429},
}
