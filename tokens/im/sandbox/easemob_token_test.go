package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestEasemobAppToken(t *testing.T) {
	r := newEaseRig(t)
	ask := func(id, secret string) easeAnswer {
		return r.as("").ask("POST", "/token", fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q,"ttl":60}`, id, secret))
	}
	a := ask(easeTestID, easeTestSecret)
	wantShape(t, "answer", a.fields, map[string]string{
		"access_token": isText, "expires_in": isNumber, "application": isText, "timestamp": isNumber, "duration": isNumber,
	})
	if a.fields["expires_in"] != 60.0 {
		t.Errorf("expires_in = %v, want 60", a.fields["expires_in"])
	}
	if a := ask("x", easeTestSecret); a.status != 400 || a.err != "invalid_grant" || a.why != "client_id does not match" {
		t.Errorf("wrong id = http %d %s %q", a.status, a.err, a.why)
	}
	if a := ask(easeTestID, "x"); a.status != 400 || a.err != "invalid_grant" || a.why != "client_secret does not match" {
		t.Errorf("wrong secret = http %d %s %q", a.status, a.err, a.why)
	}
	short := r.as(a.fields["access_token"].(string))
	short.want(200, "GET", "/users", "")
	r.set("/control/clock", `{"advance":"60s"}`)
	if a := short.ask("GET", "/users", ""); a.status != 401 || a.err != "unauthorized" || a.why != "Unable to authenticate due to expired access token" {
		t.Errorf("expired = http %d %s %q, want 401 about expiry", a.status, a.err, a.why)
	}
	r.as("YWMtx").refuses(401, "unauthorized", "GET", "/users", "")
	r.as(r.mint("ann")).refuses(401, "auth_bad_access_token", "GET", "/users", "")
	out := r.set("/control/app", `{"easemob":{"rotate_client_secret":"another-planted"}}`)
	if out["client_secret"] != "another-planted" || r.s.EasemobClientSecret() != "another-planted" {
		t.Errorf("answer = %v, want the new secret", out)
	}
	r.refuses(401, "unauthorized", "GET", "/users", "") // tokens of the old secret are void
	if a := ask(easeTestID, easeTestSecret); a.status != 400 {
		t.Errorf("old secret = http %d, want 400", a.status)
	}
}

func TestEasemobLifetimes(t *testing.T) {
	r := newEaseRig(t)
	mint := func(ttl string) easeAnswer {
		return r.ask("POST", "/token", `{"grant_type":"inherit","username":"ann","autoCreateUser":true`+ttl+`}`)
	}
	for _, tc := range []struct {
		ttl  string
		want any
	}{
		{``, 60 * 24 * 3600.0}, {`,"ttl":""`, 60 * 24 * 3600.0}, {`,"ttl":null`, 60 * 24 * 3600.0},
		{`,"ttl":20`, 20.0}, {`,"ttl":"20"`, 20.0}, {`,"ttl":0`, 0.0}, {`,"ttl":"0"`, 0.0},
		{`,"ttl":-1`, nil}, {`,"ttl":1.5`, nil}, {`,"ttl":"soon"`, nil}, {`,"ttl":[]`, nil}, {`,"ttl":1e30`, nil}, {`,"ttl":true`, nil},
	} {
		a := mint(tc.ttl)
		if tc.want == nil && (a.status != 400 || a.err != "illegal_argument") || a.fields["expires_in"] != tc.want {
			t.Errorf("ttl %s = http %d, expires_in %v, want %v", tc.ttl, a.status, a.fields["expires_in"], tc.want)
		}
	}
	forever := mint(`,"ttl":0`).fields["access_token"].(string)
	r.set("/control/app", `{"easemob":{"vip5":true,"token_ttl":"7d"}}`)
	milli := mint(`,"ttl":20000`)
	if milli.fields["expires_in"] != 20000.0 || mint("").fields["expires_in"] != 7*24*3600*1000.0 {
		t.Errorf("expires_in on VIP 5 = %v, want milliseconds", milli.fields["expires_in"])
	}
	r.set("/control/clock", `{"advance":"20s"}`)
	r.wantJudged("ann", milli.fields["access_token"].(string), StateExpired)
	r.set("/control/clock", `{"advance":"3650d"}`)
	r.wantJudged("ann", forever, StateValid)
}

func TestEasemobInherit(t *testing.T) {
	r := newEaseRig(t)
	r.refuses(404, "entity_not_found", "POST", "/token", `{"grant_type":"inherit","username":"ann","autoCreateUser":false}`)
	r.refuses(400, "illegal_argument", "POST", "/token", `{"grant_type":"inherit","username":"a b","autoCreateUser":true}`)
	r.as("").refuses(401, "unauthorized", "POST", "/token", `{"grant_type":"inherit","username":"ann","autoCreateUser":true}`)
	r.refuses(400, "invalid_grant", "POST", "/token", `{"grant_type":"wish"}`)
	a := r.want(200, "POST", "/token", `{"grant_type":"inherit","username":"Ann","autoCreateUser":true}`)
	if u := a.fields["user"].(map[string]any); u["username"] != "ann" || u["uuid"] == "" {
		t.Errorf("user = %v, want ann with a uuid", u)
	}
	first := a.fields["access_token"].(string)
	r.mint("ann")
	r.wantJudged("ann", first, StateValid) // a second token leaves the first alone
	r.set("/control/app", `{"easemob":{"autocreate_conflict":true}}`)
	r.mint("bob")
	r.refuses(409, "concurrent_operation_error", "POST", "/token", `{"grant_type":"inherit","username":"bob","autoCreateUser":true}`)
	r.mint("bob") // once
}

// TestEasemobRealClients: what the web SDK and the official server SDKs send.
func TestEasemobRealClients(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann")
	// Chunked, without a length.
	req, _ := http.NewRequestWithContext(t.Context(), "POST", r.cloud.URL+"/acme/chat/token",
		io.MultiReader(strings.NewReader(`{"grant_type":"password","username":"ann",`), strings.NewReader(`"password":"pw-ann","ttl":"","timestamp":1772366400000}`)))
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	req.Header.Set("Origin", "http://127.0.0.1:3000")
	a := r.as("").send(req)
	if req.ContentLength != 0 || a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("chunked login = http %d %v, want 200 that a page may read", a.status, a.fields)
	}
	token := a.fields["access_token"].(string)
	// The SDK asks about a token to renew with.
	b := r.as(token).want(200, "GET", "/sdk/users/ann/token/expires", "")
	if want := start.Add(60 * 24 * time.Hour).UnixMilli(); b.fields["expire_timestamp"] != float64(want) {
		t.Errorf("expire_timestamp = %v, want %d", b.fields["expire_timestamp"], want)
	}
	r.register("bob")
	r.as(token).refuses(403, "forbidden_op", "GET", "/sdk/users/bob/token/expires", "")
	if a := r.as("YWMtx").ask("GET", "/sdk/users/ann/token/expires", ""); a.status != 401 || a.why == "" {
		t.Errorf("unknown token = http %d %q, want 401 with a reason", a.status, a.why)
	}
	// And browsers ask before it.
	for _, path := range []string{"/token", "/sdk/users/ann/token/expires"} {
		req, _ = http.NewRequestWithContext(t.Context(), "OPTIONS", r.cloud.URL+"/acme/chat"+path, nil)
		req.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Headers") != "authorization,content-type" || !strings.Contains(res.Header.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("preflight of %s = http %d %v", path, res.StatusCode, res.Header)
		}
	}
	if calls := r.see("/control/calls"); calls["OPTIONS /token"] != nil || calls["POST /token"] != 2.0 {
		t.Errorf("calls = %v, want two of POST /token and no preflight", calls)
	}
}

func TestEasemobPathsAndApps(t *testing.T) {
	r := newEaseRig(t)
	get := func(path string) easeAnswer {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", r.cloud.URL+path, nil)
		return r.send(req)
	}
	if a := get("/acme/other/users"); a.status != 404 || a.err != "organization_application_not_found" || a.why != "Could not find application for acme/other from URI: acme/other/users" {
		t.Errorf("another app = http %d %s %q", a.status, a.err, a.why)
	}
	if a := get("/acme/chat/usersss"); a.status != 500 || a.err != "web_application" {
		t.Errorf("unknown path = http %d %s, want 500 web_application", a.status, a.err)
	}
	if a := get("/ACME/Chat/users"); a.status != 200 {
		t.Errorf("app key in capitals = http %d, want 200", a.status)
	}
	if a := get("/user/getToken.json"); a.fields["code"] != 405.0 {
		t.Errorf("RongCloud's path = %v, want it still served", a.fields)
	}
}

func TestEasemobRateLimits(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann")
	r.set("/control/clock", `{"advance":"1s"}`)
	for i := range 100 { // shared by all calls about users
		path := "/users/ann"
		if i%2 == 0 {
			path = "/users?limit=1"
		}
		r.want(200, "GET", path, "")
	}
	if a := r.ask("GET", "/users/ann/status", ""); a.status != 429 || a.err != "reach_limit" || a.why != "This request has reached api limit" {
		t.Errorf("call 101 = http %d %s %q, want 429 reach_limit", a.status, a.err, a.why)
	}
	r.want(200, "GET", "/users/ann/contacts/users", "") // has its own
	for range 50 {
		r.want(200, "GET", "/users/ann/blocks/users", "")
	}
	r.refuses(429, "reach_limit", "GET", "/users/ann/blocks/users", "")
	r.as("YWMtx").refuses(401, "unauthorized", "GET", "/users/ann/blocks/users", "") // a stranger learns nothing
	if got := r.see("/control/peaks")["/users/*"]; got != 101.0 {
		t.Errorf("peak of all calls about users = %v, want 101", got)
	}
	r.set("/control/clock", `{"advance":"1s"}`)
	for range 30 { // takes from both, and this is the smaller one
		r.want(200, "DELETE", "/users?limit=1", "")
	}
	r.refuses(429, "reach_limit", "DELETE", "/users?limit=1", "")
	r.register("ann")
	for range 68 {
		r.want(200, "GET", "/users/ann", "")
	}
	r.refuses(429, "reach_limit", "GET", "/users/ann", "")
	r.set("/control/clock", `{"advance":"1s"}`)
	r.set("/control/app", `{"rates":{"/users/*":1,"POST /users/{u}/contacts/users/{f}":2}}`)
	r.want(200, "GET", "/users/ann", "")
	r.refuses(429, "reach_limit", "GET", "/users/ann", "")
	r.set("/control/app", `{"rate_limits":false}`)
	r.want(200, "GET", "/users/ann", "")
}
