package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStateShowsWhatTheCloudHolds(t *testing.T) {
	r := newRig(t, func(c *Config) { c.TokenLifetime = 20 * time.Second })
	token := r.mint("a")
	r.mint("b")
	r.set("/control/clock", `{"advance":"10s"}`)
	r.mint("b")
	r.ok("/user/block.json", "userId", "b", "minute", "1")
	r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "b")
	r.ok("/user/whitelist/add.json", "userId", "b", "whiteUserId", "a")
	r.set("/control/clock", `{"advance":"10s"}`)
	out := r.see("/control/state")
	for path, want := range map[string]string{
		"clock": "map[ahead:20s now:2026-03-01T12:00:20Z]",
		"app": "map[app_key:testkey blacklist:true development:true lifetime_applies:new navigator:http://127.0.0.1:8090 open_anti:false pre_send_status:0 pre_send_url: rate_limits:true rates:map[] " +
			"strict:false token_lifetime:20s user_cap:0 whitelist:true whitelist_for_all:false]",
		"counts":     "map[bans:1 connections:0 deactivated:0 faults:0 messages:0 tokens:map[banned:1 deactivated:0 expired:2 valid:0] users:2]",
		"bans":       "[map[until:2026-03-01T12:01:10Z user_id:b]]",
		"blacklists": "map[a:[b]]",
		"whitelists": "map[b:[a]]",
		"truncated":  "false",
	} {
		if got := fmt.Sprint(out[path]); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	first := out["tokens"].([]any)[0].(map[string]any)
	key, _, _ := strings.Cut(token, "@")
	for field, want := range map[string]any{
		"fingerprint": fingerprint(key), "user_id": "a", "state": "expired",
		"issued_at": "2026-03-01T12:00:00Z", "expires_at": "2026-03-01T12:00:20Z", "revoked": false,
	} {
		if first[field] != want {
			t.Errorf("first token's %s = %v, want %v", field, first[field], want)
		}
	}
	out = r.see("/control/state?user_id=b&limit=1")
	if got := len(out["users"].([]any)) + len(out["tokens"].([]any)) + len(out["blacklists"].(map[string]any)); got != 2 || out["truncated"] != true {
		t.Errorf("rows of b at limit 1 = %d, truncated %v, want 2, true", got, out["truncated"])
	}
	for _, query := range []string{"limit=x", "limit=-1", "user=a"} {
		if status, _ := r.turn(http.MethodGet, "/control/state?"+query, ""); status != http.StatusBadRequest {
			t.Errorf("state?%s = http %d, want 400", query, status)
		}
	}
}

func TestTokenKnobTellsIssueAndExpiry(t *testing.T) {
	r := newRig(t)
	ask := func(token, more string) string {
		return fmt.Sprint(r.set("/control/token", `{"token":"`+token+`"`+more+`}`))
	}
	forever := r.mint("a")
	if got, want := ask(forever, ""), "map[cloud:rongcloud expires_at:<nil> issued_at:2026-03-01T12:00:00Z sdk_code:0 state:valid user_id:a]"; got != want {
		t.Errorf("permanent token = %s, want %s", got, want)
	}
	r.set("/control/app", `{"token_lifetime":"1d"}`)
	if got, want := ask(r.mint("a"), ""), "map[cloud:rongcloud expires_at:2026-03-02T12:00:00Z issued_at:2026-03-01T12:00:00Z sdk_code:0 state:valid user_id:a]"; got != want {
		t.Errorf("token of a day = %s, want %s", got, want)
	}
	if got, want := ask(forever, `,"app_key":"another"`), "map[cloud:rongcloud expires_at:<nil> issued_at:<nil> sdk_code:31004 state:other_app]"; got != want {
		t.Errorf("token at another app = %s, want %s", got, want)
	}
	if status, out := r.turn(http.MethodPost, "/control/token", `{}`); status != http.StatusBadRequest || out["field"] != "token" {
		t.Errorf("no token = http %d %v, want 400 about token", status, out)
	}
}

func TestCallsAndPeaks(t *testing.T) {
	r := newRig(t)
	hit := func(n int) {
		for range n {
			r.call("/user/checkOnline.json", "userId", "a")
		}
	}
	hit(3)
	r.set("/control/clock", `{"advance":"600ms"}`)
	hit(4)
	r.set("/control/clock", `{"advance":"400ms"}`) // the first three are a whole second ago
	hit(2)
	r.call("/nowhere.json")
	if got, want := fmt.Sprint(r.see("/control/calls")), "map[/nowhere.json:1 /user/checkOnline.json:9]"; got != want {
		t.Errorf("calls = %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(r.see("/control/peaks")), "map[/nowhere.json:1 /user/checkOnline.json:7]"; got != want {
		t.Errorf("peaks = %s, want %s", got, want)
	}
	r.set("/control/reset", "")
	for _, path := range []string{"/control/calls", "/control/peaks"} {
		if got := fmt.Sprint(r.see(path)); got != "map[]" {
			t.Errorf("%s after reset = %s, want none", path, got)
		}
	}
}

func TestUnknownPathsDoNotFillTheMemory(t *testing.T) {
	r := newRig(t)
	for i := range 3 * maxUnknownPaths {
		r.call(fmt.Sprintf("/scan/%d", i))
	}
	r.mint("a")
	calls := r.see("/control/calls")
	if len(calls) != maxUnknownPaths+2 || calls[otherPaths] != float64(2*maxUnknownPaths) || calls[tokenPath] != 1.0 {
		t.Errorf("%d paths, other %v, getToken %v, want %d, %d, 1", len(calls), calls[otherPaths], calls[tokenPath], maxUnknownPaths+2, 2*maxUnknownPaths)
	}
}

func TestResetKeepsWhatItDoesNotName(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	r.set("/control/app", `{"token_lifetime":"24h","user_cap":5}`)
	r.set("/control/clock", `{"advance":7}`)
	r.set("/control/faults", `{"path":"/user/info.json","mode":"empty"}`)
	r.set("/control/reset", `{}`)
	r.wantState(token, StateValid)
	r.ok("/user/info.json", "userId", "a")
	r.set("/control/reset", `{"all":true}`)
	r.wantState(token, StateUnknown)
	out := r.see("/control/state")
	if got := out["counts"].(map[string]any)["users"]; got != 0.0 {
		t.Errorf("users after all = %v, want 0", got)
	}
	app := out["app"].(map[string]any)
	if app["token_lifetime"] != "24h0m0s" || app["user_cap"] != 5.0 || out["clock"].(map[string]any)["ahead"] != "7s" {
		t.Errorf("settings and clock after all = %v %v, want them kept", app, out["clock"])
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	r := newRig(t)
	for _, tc := range []struct{ path, body, field string }{
		{"/control/app", `{}`, ""},
		{"/control/app", `{"token_lifetime":"soon"}`, "token_lifetime"},
		{"/control/app", `{"token_lifetime":"999ms"}`, "token_lifetime"},
		{"/control/app", `{"token_lifetime":"-1h"}`, "token_lifetime"},
		{"/control/app", `{"token_lifetime":"3651d"}`, "token_lifetime"},
		{"/control/app", `{"token_lifetime":20}`, "token_lifetime"},
		{"/control/app", `{"lifetime_applies":"some"}`, "lifetime_applies"},
		{"/control/app", `{"user_cap":-1}`, "user_cap"},
		{"/control/app", `{"rotate_secret":""}`, "rotate_secret"},
		{"/control/app", `{"rotate_secret":"with space"}`, "rotate_secret"},
		{"/control/app", `{"rotate_secret":7}`, "rotate_secret"},
		{"/control/app", `{"rates":{"/nowhere":5}}`, "rates"},
		{"/control/app", `{"rates":{"/user/getToken.json":-5}}`, "rates"},
		{"/control/app", `{"rate_limits":"no"}`, "rate_limits"},
		{"/control/app", `{"app_secret":"x"}`, "app_secret"},
		{"/control/clock", `{}`, "advance"},
		{"/control/clock", `{"advance":"-1h"}`, "advance"},
		{"/control/clock", `{"advance":-1}`, "advance"},
		{"/control/clock", `{"advance":"tomorrow"}`, "advance"},
		{"/control/clock", `{"advance":"3651d"}`, "advance"},
		{"/control/clock", `{"advance":1e300}`, "advance"},
		{"/control/clock", `{"advance":true}`, "advance"},
		{"/control/reset", `{"everything":true}`, "everything"},
		{"/control/reset", `{"all":"yes"}`, "all"},
		{"/control/token", `{"token":5}`, "token"},
	} {
		status, out := r.turn(http.MethodPost, tc.path, tc.body)
		field, _ := out["field"].(string)
		if status != http.StatusBadRequest || out["error"] == "" || field != tc.field {
			t.Errorf("%s %s = http %d %v, want 400 about %q", tc.path, tc.body, status, out, tc.field)
		}
	}
	// One bad setting changes none.
	r.turn(http.MethodPost, "/control/app", `{"user_cap":3,"rotate_secret":true,"token_lifetime":"soon"}`)
	if got := r.see("/control/state")["app"].(map[string]any)["user_cap"]; got != 0.0 {
		t.Errorf("user_cap after a refused change = %v, want 0", got)
	}
	if r.s.AppSecret() != testSecret {
		t.Errorf("the secret was rotated by a refused change")
	}
	for range 10 {
		r.set("/control/clock", `{"advance":"3650d"}`)
	}
	if status, _ := r.turn(http.MethodPost, "/control/clock", `{"advance":1}`); status != http.StatusBadRequest {
		t.Errorf("clock beyond its end = http %d, want 400", status)
	}
}

func TestControlListsItsKnobsAndKnowsNoOther(t *testing.T) {
	r := newRig(t)
	listed := fmt.Sprint(r.see("/"))
	manual, err := os.ReadFile("../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range r.s.knobs() {
		if !strings.Contains(listed, k.Path) {
			t.Errorf("GET / does not list %s", k.Path)
		}
		if want := fmt.Sprintf("%-4s %s", k.Method, k.Path); !strings.Contains(string(source), want) {
			t.Errorf("doc.go does not list %q", want)
		}
		if want := fmt.Sprintf("`%s %s`", k.Method, k.Path); !strings.Contains(string(manual), want) {
			t.Errorf("docs/sandbox.md does not have %s", want)
		}
	}
	for path, l := range r.s.dialects[0].limits() {
		if !strings.Contains(string(manual), "`"+path+"`") || l.count == 0 {
			t.Errorf("docs/sandbox.md does not have %s with a limit", path)
		}
	}
	for _, word := range append(append([]string{}, modes...), garbages...) {
		if !strings.Contains(string(manual), "`"+word+"`") {
			t.Errorf("docs/sandbox.md does not have the fault %s", word)
		}
	}
	for _, s := range states {
		if !strings.Contains(string(manual), "`"+string(s)+"`") {
			t.Errorf("docs/sandbox.md does not have the state %s", s)
		}
	}
	if status, _ := r.turn(http.MethodGet, "/control/nothing", ""); status != http.StatusNotFound {
		t.Errorf("unknown knob = http %d, want 404", status)
	}
	if status, _ := r.turn(http.MethodDelete, "/control/faults", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE of a knob = http %d, want 405", status)
	}
}

func TestPagesOfOtherOriginsAreRefused(t *testing.T) {
	s := New(Config{})
	req := httptest.NewRequest(http.MethodPost, "/control/reset", strings.NewReader(`{"all":true}`))
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	s.Control().ServeHTTP(w, req)
	if w.Code != http.StatusForbidden || !json.Valid(w.Body.Bytes()) {
		t.Errorf("cross-site reset = http %d %q, want 403 in JSON", w.Code, w.Body)
	}
}

// TestSecretsStayInside turns every knob and calls every endpoint, and looks
// for the planted secret and for tokens in what comes back.
func TestSecretsStayInside(t *testing.T) {
	var log lockedBuffer
	r := newRig(t, func(c *Config) { c.Log = log.logger() })
	token := r.mint("a")
	key, _, _ := strings.Cut(token, "@")
	var seen []string
	for path := range r.s.dialects[0].limits() {
		for _, body := range []string{form("userId", "a"), form("userId", "a", "blackUserId", "b", "minute", "1", "time", "1"), "%", ""} {
			a := r.do(r.request(path, body))
			if path == tokenPath {
				continue // this one answers with a token by right
			}
			seen = append(seen, fmt.Sprint(path, a.fields, a.header))
		}
	}
	for _, k := range append(r.s.knobs(), knob{Method: "GET", Path: "/"}) {
		for _, body := range []string{"", `{"mode":"empty","path":"/x"}`, `{"user_cap":5}`, `{"token":"` + token + `"}`, `{"advance":1}`, `{"rotate_secret":7}`} {
			_, out := r.turn(k.Method, k.Path, body)
			seen = append(seen, fmt.Sprint(k.Path, out))
		}
	}
	seen = append(seen, log.String())
	for _, text := range seen {
		if strings.Contains(text, testSecret) || strings.Contains(text, key) {
			t.Errorf("a secret shows in %.300s", text)
		}
	}
	if !strings.Contains(log.String(), tokenPath) {
		t.Errorf("the log has no line for a call: %.200q", log.String())
	}
	if out := fmt.Sprint(r.set("/control/app", `{"rotate_secret":"another-planted"}`)); !strings.Contains(out, "another-planted") {
		t.Errorf("the answer to rotate_secret lacks the new secret: %s", out)
	}
	if out := fmt.Sprint(r.see("/control/state"), r.see("/")); strings.Contains(out, "another-planted") {
		t.Errorf("the rotated secret shows later")
	}
}

func TestConcurrentUse(t *testing.T) {
	r := newRig(t, func(c *Config) { c.NoRateLimits = true })
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 25 {
				id := fmt.Sprintf("u%d", i)
				r.s.TokenState(r.mint(id))
				switch worker {
				case 0:
					r.see("/control/state")
				case 1:
					r.set("/control/clock", `{"advance":"1ms"}`)
				case 2:
					r.set("/control/faults", `{"path":"/user/info.json","mode":"delay","delay_ms":1,"times":1}`)
				case 3:
					r.s.SetNavigator("http://127.0.0.1:" + fmt.Sprint(i))
				case 4:
					r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", id)
				case 5:
					r.ok("/user/block.json", "userId", id, "minute", "1")
				case 6:
					r.set("/control/app", `{"token_lifetime":"24h"}`)
				case 7:
					r.ok("/user/info.json", "userId", id)
				}
			}
		})
	}
	wg.Wait()
	out := r.see("/control/state")["counts"].(map[string]any)
	if got := r.see("/control/calls")[tokenPath]; got != 200.0 || out["users"] != 25.0 {
		t.Errorf("getToken calls = %v, users = %v, want 200, 25", got, out["users"])
	}
}

func TestEmptyConfigWorks(t *testing.T) {
	s := New(Config{})
	if s.AppKey() != DefaultAppKey || len(s.AppSecret()) < 16 || s.AppSecret() == New(Config{}).AppSecret() {
		t.Errorf("app key %q, secret of %d bytes, want the default and a secret of its own", s.AppKey(), len(s.AppSecret()))
	}
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	r := &rig{T: t, s: s, cloud: srv, secret: s.AppSecret()}
	req := r.request(tokenPath, form("userId", "a", "name", "n"))
	sign(req.Header, "", DefaultAppKey, s.AppSecret(), "1", "1")
	if got := s.TokenState(r.do(req).fields["token"].(string)); got != StateValid {
		t.Errorf("token = %s, want valid", got)
	}
}
