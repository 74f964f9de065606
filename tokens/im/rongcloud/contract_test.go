package rongcloud_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/imtest"
	"imbridge/tokens/im/rongcloud"
	"imbridge/tokens/im/sandbox"
)

const plantedSecret = "Planted+Secret/17"

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
	imtest.Run(t, imtest.Target{New: newHarness})
}

func newHarness(t *testing.T, lifetime time.Duration) imtest.Harness {
	clk := &clock{}
	box := sandbox.New(sandbox.Config{
		AppKey: "app1", AppSecret: plantedSecret, Navigator: "http://127.0.0.1:1",
		TokenLifetime: lifetime, Now: clk.now,
	})
	cloud := httptest.NewServer(box.Handler())
	t.Cleanup(cloud.Close)
	c, err := rongcloud.New(rongcloud.Config{
		AppKey: "app1", AppSecret: plantedSecret, BaseURL: cloud.URL,
		ConsoleLifetime: lifetime, Navigators: []string{"http://127.0.0.1:1"},
	})
	if err != nil {
		t.Fatalf("New = %v, want no complaint", err)
	}
	c.Now = clk.now
	control := box.Control()
	turn := func(path string, body map[string]any) {
		b, _ := json.Marshal(body)
		rec := httptest.NewRecorder()
		control.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(b)))
		if rec.Code != http.StatusOK {
			t.Fatalf("POST %s %s = %d %s, want 200", path, b, rec.Code, rec.Body)
		}
	}
	return imtest.Harness{
		Client:  c,
		Accepts: func(token string) bool { return box.TokenState(token) == sandbox.StateValid },
		Now:     clk.now,
		Advance: clk.advance,
		Break: func(f imtest.Fault) bool {
			body, ok := faults[f]
			if ok {
				turn("/control/faults", body)
			}
			return ok
		},
		Lose:              func() { turn("/control/reset", map[string]any{"all": true}) },
		Heal:              func() { turn("/control/reset", map[string]any{}) },
		MayWrite:          box.Delivers,
		DisableAllowLists: func() { turn("/control/app", map[string]any{"whitelist": false}) },
		Unlist:            func() { turn("/control/app", map[string]any{"development": false}) },
		ChangeSecret:      func() { turn("/control/app", map[string]any{"rotate_secret": true}) },
		Secrets:           []string{plantedSecret},
		Pages:             1000,
		BanCrowd: func() []string {
			turn("/control/app", map[string]any{"rate_limits": false})
			return banCrowd(t, box, clk.now())
		},
	}
}

// banCrowd has no quota, which the client would wait for.
func banCrowd(t *testing.T, box *sandbox.Sandbox, now time.Time) []string {
	call := func(path string, form url.Values) {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		sum := sha1.Sum([]byte(plantedSecret + "1" + stamp))
		for k, v := range map[string]string{"Content-Type": "application/x-www-form-urlencoded", "App-Key": "app1", "Nonce": "1", "Timestamp": stamp, "Signature": hex.EncodeToString(sum[:])} {
			req.Header.Set(k, v)
		}
		rec := httptest.NewRecorder()
		box.Handler().ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			t.Fatalf("%s %v = %d %s", path, form, rec.Code, rec.Body)
		}
	}
	ids := make([]string, 2001)
	for i := range ids {
		ids[i] = "crowd" + strconv.Itoa(i)
		call("/user/getToken.json", url.Values{"userId": {ids[i]}, "name": {"n"}})
	}
	for few := range slices.Chunk(ids, 20) {
		call("/user/block.json", url.Values{"userId": few, "minute": {"60"}})
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
	imtest.Throttled:   {"path": "*", "mode": "code", "code": 1008},
}

// TestStrictSandbox holds the client to what the documentation demands and
// the cloud is known to let pass: a short nonce and a timestamp near now.
func TestStrictSandbox(t *testing.T) {
	box := sandbox.New(sandbox.Config{AppKey: "app1", AppSecret: plantedSecret, Strict: true})
	cloud := httptest.NewServer(box.Handler())
	defer cloud.Close()
	c, err := rongcloud.New(rongcloud.Config{AppKey: "app1", AppSecret: plantedSecret, BaseURL: cloud.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("Check against a strict cloud = %v, want nil", err)
	}
}

// TestQuotaAgainstTheSandbox is the quota's promise over a real network, as
// the cloud counts it: never 1008, and never more than our share in a second.
func TestQuotaAgainstTheSandbox(t *testing.T) {
	box := sandbox.New(sandbox.Config{AppKey: "app1", AppSecret: plantedSecret})
	cloud := httptest.NewServer(box.Handler())
	defer cloud.Close()
	c, err := rongcloud.New(rongcloud.Config{AppKey: "app1", AppSecret: plantedSecret, BaseURL: cloud.URL})
	if err != nil {
		t.Fatal(err)
	}
	const calls, share = 500, 180
	errs := make([]error, calls)
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() { _, errs[i] = c.Mint(t.Context(), im.User{ID: "u1", Name: "n"}, 0) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("Mint = %v, want %d tokens", err, calls)
	}
	rec := httptest.NewRecorder()
	box.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/control/peaks", nil))
	var peaks map[string]int
	if err := json.Unmarshal(rec.Body.Bytes(), &peaks); err != nil {
		t.Fatal(err)
	}
	if got := peaks["/user/getToken.json"]; got < 1 || got > share {
		t.Errorf("the cloud saw %d calls within a second, want 1 to %d", got, share)
	}
}
