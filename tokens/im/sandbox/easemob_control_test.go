package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEasemobStateShowsWhatTheCloudHolds(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob")
	token := r.want(200, "POST", "/token", `{"grant_type":"inherit","username":"ann","ttl":20}`).fields["access_token"].(string)
	r.want(200, "POST", "/users/ann/contacts/users/bob", "")
	r.want(200, "PUT", "/user/ann/contacts/users/bob", `{"remark":"Bobby"}`)
	r.want(200, "POST", "/users/bob/blocks/users", `{"usernames":["ann"]}`)
	id := r.createGroup(`{"public":true,"owner":"ann","members":["bob"],"groupname":"g"}`)
	out := r.see("/control/state")["easemob"].(map[string]any)
	first := out["users"].([]any)[0].(map[string]any)
	delete(first, "uuid")
	for what, got := range map[string]any{
		"map[app_tokens:1 connections:0 groups:1 messages:0 tokens:map[valid:1] users:2]": out["counts"],
		"map[ann:[bob] bob:[ann]]": out["contacts"],
		"map[bob:[ann]]":           out["blocks"],
		"[map[group_id:" + id + " members:[bob] name:g owner:ann]]": out["groups"],
		"map[activated:true connections:0 has_password:true metadata:map[] nickname: registered_at:2026-03-01T12:00:00Z remarks:map[bob:Bobby] user_id:ann]": first,
		"[map[expires_at:2026-03-01T12:00:20Z fingerprint:" + fingerprint(token) + " issued_at:2026-03-01T12:00:00Z revoked:false state:valid user_id:ann]]": out["tokens"],
	} {
		if fmt.Sprint(got) != what {
			t.Errorf("state = %v, want %s", got, what)
		}
	}
	out = r.see("/control/state?user_id=bob&limit=1")["easemob"].(map[string]any)
	if len(out["users"].([]any)) != 1 || len(out["tokens"].([]any)) != 0 || len(out["contacts"].(map[string]any)) != 1 {
		t.Errorf("state of bob = %v, want bob alone", out)
	}
	r.set("/control/reset", `{"all":true}`)
	r.wantJudged("ann", token, StateNoUser)
	r.refuses(401, "unauthorized", "GET", "/users", "") // app tokens went, too
	if got := fmt.Sprint(r.see("/control/state")["easemob"].(map[string]any)["counts"]); got != "map[app_tokens:0 connections:0 groups:0 messages:0 tokens:map[] users:0]" {
		t.Errorf("counts after all = %s, want none", got)
	}
}

func TestEasemobSettingsThatAreRefused(t *testing.T) {
	r := newEaseRig(t)
	for _, tc := range []struct{ body, field string }{
		{`{"easemob":{"token_ttl":"soon"}}`, "easemob.token_ttl"},
		{`{"easemob":{"edition":"gold"}}`, "easemob.edition"},
		{`{"easemob":{"max_devices":-1}}`, "easemob.max_devices"},
		{`{"easemob":{"rotate_client_secret":"with space"}}`, "easemob.rotate_client_secret"},
		{`{"easemob":{"blocks":7}}`, "easemob.blocks"},
		{`{"easemob":{"friends":true}}`, "friends"},
		{`{"easemob":null}`, "easemob"},
		{`{"easemob":{"webhooks":{"secret":""}}}`, "easemob.webhooks.secret"},
		{`{"easemob":{"webhooks":{"presend_wait_ms":0}}}`, "easemob.webhooks.presend_wait_ms"},
		{`{"easemob":{"webhooks":{"presend_default":"perhaps"}}}`, "easemob.webhooks.presend_default"},
		{`{"easemob":{"webhooks":{"events":["all"]}}}`, "easemob.webhooks.events"},
		{`{"rates":{"GET /nowhere":5}}`, "rates"},
	} {
		status, out := r.turn(http.MethodPost, "/control/app", tc.body)
		if field, _ := out["field"].(string); status != 400 || field != tc.field || out["error"] == "" {
			t.Errorf("%s = http %d %v, want 400 about %q", tc.body, status, out, tc.field)
		}
	}
	// One bad setting changes none, of either cloud.
	r.turn(http.MethodPost, "/control/app", `{"user_cap":3,"easemob":{"edition":"free","webhooks":{"url":"http://example.com"}}}`)
	r.turn(http.MethodPost, "/control/app", `{"user_cap":-1,"easemob":{"edition":"free","rotate_client_secret":true}}`)
	out := r.see("/control/state")
	if out["app"].(map[string]any)["user_cap"] != 0.0 || out["easemob"].(map[string]any)["app"].(map[string]any)["edition"] != "paid" || r.s.EasemobClientSecret() != easeTestSecret {
		t.Errorf("settings after refused changes = %v, want the old ones", out["app"])
	}
}

// TestEasemobFaults: one mechanism for both dialects.
func TestEasemobFaults(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob")
	fault := func(body string) {
		r.set("/control/reset", `{}`)
		r.set("/control/faults", body)
	}
	fault(`{"path":"POST /users/{u}/contacts/users/{f}","mode":"code","error":"reach_limit","retry_after":3,"times":1}`)
	r.want(200, "GET", "/users/ann", "") // another endpoint
	if a := r.ask("POST", "/users/ann/contacts/users/bob", ""); a.status != 429 || a.err != "reach_limit" || a.header.Get("Retry-After") != "3" {
		t.Errorf("fault = http %d %s, Retry-After %q, want 429 reach_limit, 3", a.status, a.err, a.header.Get("Retry-After"))
	}
	if got := r.friends("ann"); got != "[]" {
		t.Errorf("friends after a fault = %s, want none", got)
	}
	for _, tc := range []struct {
		body   string
		status int
		err    string
	}{
		{`"mode":"code","code":401`, 401, "unauthorized"},
		{`"mode":"code","code":503`, 503, "web_application"},
		{`"mode":"code","code":1008`, 500, "web_application"}, // RongCloud's
		{`"mode":"code","error":"concurrent_operation_error"`, 409, "concurrent_operation_error"},
		{`"mode":"code","error":"unauthorized","status":404`, 404, "unauthorized"},
		{`"mode":"code","error":"resource_limited","user":"ANN"`, 429, "resource_limited"},
	} {
		fault(`{"path":"GET /users/{u}",` + tc.body + `}`)
		r.refuses(tc.status, tc.err, "GET", "/users/ann", "")
	}
	r.want(200, "GET", "/users/bob", "") // the last one is about ann, in the path
	fault(`{"mode":"code","error":"resource_limited","user":"ann"}`)
	r.refuses(429, "resource_limited", "POST", "/users/bob/blocks/users", `{"usernames":["bob","ann"]}`) // or in the body

	cut := func(method, path string) error {
		req, _ := http.NewRequestWithContext(t.Context(), method, r.cloud.URL+"/acme/chat"+path, nil)
		req.Header.Set("Authorization", "Bearer "+r.token)
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			return errors.New("an answer")
		}
		return nil
	}
	fault(`{"path":"POST /users/{u}/contacts/users/{f}","mode":"reset_after","times":1}`)
	if err := cut("POST", "/users/ann/contacts/users/bob"); err != nil || r.friends("ann") != "[bob]" {
		t.Errorf("reset_after = %v, friends %s, want a broken connection and the work done", err, r.friends("ann"))
	}
	fault(`{"path":"POST /token","mode":"short_lived","lifetime_ms":1000}`)
	a := r.want(200, "POST", "/token", `{"grant_type":"inherit","username":"ann","ttl":600}`)
	r.set("/control/clock", `{"advance":1}`)
	if a.fields["expires_in"] != 600.0 {
		t.Errorf("expires_in = %v, want what was asked for", a.fields["expires_in"])
	}
	r.wantJudged("ann", a.fields["access_token"].(string), StateExpired)
	r.set("/control/reset", `{}`)
	r.want(200, "GET", "/users/ann", "")
	r.set("/control/faults", `{"path":"GET /users/{u}","mode":"garbage","garbage":"stale"}`)
	if got := r.want(200, "GET", "/users/bob", "").fields["entities"].([]any)[0].(map[string]any)["username"]; got != "ann" {
		t.Errorf("stale answer about bob = %v, want ann's", got)
	}
	for _, body := range []string{`{"path":"post /users","mode":"empty"}`, `{"path":"users","mode":"empty"}`, `{"mode":"empty","error":"x"}`, `{"mode":"code","error":"no name"}`, `{"mode":"code"}`} {
		if status, _ := r.turn("POST", "/control/faults", body); status != 400 {
			t.Errorf("fault %s = http %d, want 400", body, status)
		}
	}
	// A name of Easemob's errors means nothing to RongCloud, which fails its own way.
	fault(`{"mode":"code","error":"reach_limit"}`)
	if a := r.call(tokenPath, "userId", "a", "name", "n"); a.code != 1000 {
		t.Errorf("RongCloud = code %d, want 1000", a.code)
	}
}

func TestEasemobCallsAreCountedByEndpoint(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob")
	r.set("/control/reset", `{}`)
	r.ask("POST", "/users/ann/contacts/users/bob", "")
	r.ask("POST", "/users/bob/contacts/users/ann", "")
	r.ask("POST", "/users/bob/contacts/users/nobody", "")
	r.as("").ask("GET", "/users/ann", "")
	r.ask("GET", "/usersss", "")
	r.ask("PATCH", "/users/ann", "")
	want := "map[GET /acme/chat/usersss:1 GET /users/{u}:1 PATCH /acme/chat/users/ann:1 POST /users/{u}/contacts/users/{f}:3]"
	if got := fmt.Sprint(r.see("/control/calls")); got != want {
		t.Errorf("calls = %s, want %s", got, want)
	}
	for i := range 3 * maxUnknownPaths {
		r.ask("GET", fmt.Sprintf("/scan%d", i), "")
	}
	if got := len(r.see("/control/calls")); got > maxUnknownPaths+5 {
		t.Errorf("paths counted = %d, want them bounded", got)
	}
}

func TestEasemobIsInTheManual(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	e := New(Config{}).ease
	for i := range e.routes {
		if want := "`" + e.routes[i].label() + "`"; !strings.Contains(string(manual), want) {
			t.Errorf("docs/sandbox.md does not have %s", want)
		}
	}
	raw, _ := json.Marshal(easeAppView{})
	var fields map[string]any
	_ = json.Unmarshal(raw, &fields)
	hooks := fields["webhooks"].(map[string]any)
	for _, computed := range []string{"waiting", "delivered", "failed", "dropped"} {
		delete(hooks, computed)
	}
	for _, group := range []map[string]any{fields, hooks} {
		for field := range group {
			if field != "app_key" && field != "client_id" && !strings.Contains(string(manual), "`"+field+"`") {
				t.Errorf("docs/sandbox.md does not have the setting %s", field)
			}
		}
	}
}

// TestEasemobSecretsStayInside calls every endpoint and looks for what was
// planted in what comes back.
func TestEasemobSecretsStayInside(t *testing.T) {
	var log lockedBuffer
	r := newEaseRig(t, func(c *Config) { c.Log = log.logger(); c.NoRateLimits = true })
	r.set("/control/app", `{"easemob":{"webhooks":{"secret":"`+hookSecret+`"}}}`)
	r.want(200, "POST", "/users", `{"username":"ann","password":"planted-password"}`)
	token := r.mint("ann")
	var seen []string
	for i := range r.s.ease.routes {
		route := r.s.ease.routes[i]
		path := strings.NewReplacer("{u}", "ann", "{f}", "ann", "{g}", "17", "{res}", "x", "{msgid}", "1").Replace(route.path)
		for _, body := range []string{"", `{"username":"ann","password":"planted-password","usernames":["ann"],"newpassword":"planted-password"}`, `{"grant_type":"password","username":"ann","password":"planted-password1"}`, "["} {
			seen = append(seen, fmt.Sprint(path, r.ask(route.method, path, body)))
		}
	}
	seen = append(seen, log.String(), fmt.Sprint(r.see("/control/state"), r.see("/"), r.see("/control/calls")))
	agora, certificate := r.s.EasemobAgora()
	for _, text := range seen {
		for _, secret := range []string{easeTestSecret, hookSecret, "planted-password", token, r.token, agora, certificate} {
			if strings.Contains(text, secret) {
				t.Errorf("a secret shows in %.300s", text)
			}
		}
	}
}

func TestEasemobConcurrentUse(t *testing.T) {
	r := newEaseRig(t, func(c *Config) { c.NoRateLimits = true })
	r.register("a", "b")
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			for i := range 20 {
				switch worker {
				case 0:
					r.mint(fmt.Sprintf("u%d", i))
				case 1:
					r.want(200, "POST", "/users/a/contacts/users/b", "")
				case 2:
					r.want(200, "DELETE", "/users/b/contacts/users/a", "")
				case 3:
					r.see("/control/state")
				case 4:
					r.set("/control/app", `{"easemob":{"edition":"paid"}}`)
				case 5:
					r.want(200, "PUT", "/users/a/password", `{"newpassword":"x"}`)
				}
			}
		})
	}
	wg.Wait()
	if a, b := r.friends("a"), r.friends("b"); (a == "[b]") != (b == "[a]") {
		t.Errorf("friends = %s and %s, want both or neither", a, b)
	}
}

// FuzzEasemobAPI: whatever the body, the answer is a JSON object, and a refusal
// has a name, an explanation and a time.
func FuzzEasemobAPI(f *testing.F) {
	s := New(Config{
		EasemobAppKey: easeTestKey, EasemobClientID: easeTestID, EasemobClientSecret: easeTestSecret,
		NoRateLimits: true, UserCap: 50, Now: func() time.Time { return start },
	})
	s.mu.Lock()
	app := s.easeIssue(nil, 0, start)
	for _, name := range []string{"ann", "bob"} {
		s.easeAdd(name, "pw", "", start)
	}
	s.mu.Unlock()
	for i := range s.ease.routes {
		for _, body := range []string{
			`{"grant_type":"inherit","username":"c","autoCreateUser":true,"ttl":"5","newpassword":"x","remark":"r","usernames":["ann","bob"]}`,
			`{"owner":"ann","public":true,"to":["bob"],"type":"txt","body":{"msg":"x"},"from":"ann","nickname":"n","chat":5}`, `[{"username":"d","password":"x"}]`, `nickname=x`, ``,
		} {
			f.Add(i, "bob", "limit=5&pageSize=3&cursor=NQ==", body)
		}
	}
	f.Fuzz(func(t *testing.T, which int, name, query, body string) {
		route := s.ease.routes[(which%len(s.ease.routes)+len(s.ease.routes))%len(s.ease.routes)]
		req := httptest.NewRequest(route.method, "/", strings.NewReader(body))
		req.URL.Path = "/acme/chat" + strings.NewReplacer("{u}", "ann", "{f}", name, "{g}", name, "{res}", name, "{msgid}", name).Replace(route.path)
		req.URL.RawQuery = query
		req.Header.Set("Authorization", "Bearer "+app)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, req)
		var out map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out["timestamp"] == nil {
			t.Fatalf("%s %q = http %d %.200q, want a JSON object with a time", route.label(), body, w.Code, w.Body)
		}
		name, _ = out["error"].(string)
		why, _ := out["error_description"].(string)
		if refused := w.Code != http.StatusOK; refused != (name != "") || refused && why == "" {
			t.Errorf("%s %q = http %d %.200q, want a name and a reason exactly where it is refused", route.label(), body, w.Code, w.Body)
		}
	})
}
