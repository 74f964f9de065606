package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"imbridge/handlers"
)

func TestRequestID(t *testing.T) {
	r := newRig(t)
	for sent, kept := range map[string]bool{"abc-1.2_Z": true, strings.Repeat("a", 64): true, "": false, strings.Repeat("a", 65): false,
		"two words": false, "a\tb": false, "ü": false, "a\"b": false, "a;b": false, "<b>": false} {
		a := r.do(request{method: "GET", path: "/v1/nothing", header: map[string]string{"X-Request-ID": sent}})
		got := a.header.Get("X-Request-ID")
		if (got == sent) != kept || got == "" {
			t.Errorf("X-Request-ID %q came back as %q, want it kept: %v", sent, got, kept)
		}
		if got != a.text("request_id") {
			t.Errorf("request_id = %q, want the header's %q", a.text("request_id"), got)
		}
	}
}

func TestHeaders(t *testing.T) {
	r := newRig(t)
	for path, policy := range map[string]string{"/v1/me": "default-src 'none'", "/livez": "default-src 'none'", "/docs": "style-src 'self'", "/docs/errors": "style-src 'self'", "/nothing": "default-src 'none'"} {
		a := r.do(request{method: "GET", path: path})
		if got := a.header.Get("Content-Security-Policy"); !strings.Contains(got, policy) || strings.Contains(got, "unsafe") {
			t.Errorf("Content-Security-Policy of %s = %q, want %s", path, got, policy)
		}
		if got := a.header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("X-Content-Type-Options of %s = %q, want nosniff", path, got)
		}
	}
	if got := r.do(request{method: "GET", path: "/v1/me"}).header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of a problem = %q, want no-store", got)
	}
}

func TestCORS(t *testing.T) {
	const page = "https://app.example.com"
	open := newRig(t, withDeps(func(d *handlers.Deps) { d.Settings.CORSOrigins = []string{page, "http://localhost:3000"} }))
	closed := newRig(t)
	preflight := map[string]string{"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
	for _, c := range []struct {
		name   string
		r      *rig
		origin string
		want   string
	}{
		{"a page on the list", open, page, page},
		{"the other one", open, "http://localhost:3000", "http://localhost:3000"},
		{"another", open, "https://evil.example.com", ""},
		{"a longer name", open, page + ".evil.com", ""},
		{"a sub-domain", open, "https://x.app.example.com", ""},
		{"another scheme", open, "http://app.example.com", ""},
		{"another port", open, page + ":444", ""},
		{"another case", open, "https://APP.example.com", ""},
		{"null", open, "null", ""},
		{"a star", open, "*", ""},
		{"none", open, "", ""},
		{"no list", closed, page, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := map[string]string{"Origin": c.origin}
			a := c.r.do(request{method: "GET", path: "/v1/me", header: header})
			if got := a.header.Get("Access-Control-Allow-Origin"); got != c.want {
				t.Errorf("Access-Control-Allow-Origin = %q, want %q", got, c.want)
			}
			if got := a.header.Get("Access-Control-Allow-Credentials"); got != "" {
				t.Errorf("Access-Control-Allow-Credentials = %q, want none", got)
			}
			if exposed := strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Retry-After"); exposed != (c.want != "") {
				t.Errorf("exposed headers = %q", a.header.Get("Access-Control-Expose-Headers"))
			}
			for k, v := range preflight {
				header[k] = v
			}
			a = c.r.do(request{method: "OPTIONS", path: "/v1/me", header: header})
			if got := a.header.Get("Access-Control-Allow-Origin"); got != c.want {
				t.Errorf("preflight: Access-Control-Allow-Origin = %q, want %q", got, c.want)
			}
			if allowed := strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "If-Match"); allowed != (c.want != "") {
				t.Errorf("preflight: allowed headers = %q", a.header.Get("Access-Control-Allow-Headers"))
			}
			if got := a.header.Get("Vary"); c.r == open && !strings.Contains(got, "Origin") {
				t.Errorf("Vary = %q, want Origin in it", got)
			}
		})
	}
}

// TestPanic lets a handler panic: the client learns a code, the log the stack.
func TestPanic(t *testing.T) {
	r := newRig(t, withDeps(func(d *handlers.Deps) { d.Access = nil }))
	a := r.do(request{method: "GET", path: "/v1/me", token: "x"}).want(t, "a panic", http.StatusInternalServerError, "internal")
	if strings.Contains(string(a.raw), "nil pointer") || strings.Contains(string(a.raw), ".go") {
		t.Errorf("the answer tells of the panic: %s", a.raw)
	}
	if log := r.log.String(); !strings.Contains(log, "caller.go") || !strings.Contains(log, a.text("request_id")) {
		t.Errorf("log = %s, want the stack and the request id", log)
	}
}

// TestDatabaseGone closes the database under the API.
func TestDatabaseGone(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, route := range r.routesServed(ann, admin) {
		a := r.do(route).want(t, route.method+" "+route.path, http.StatusServiceUnavailable, "database_unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s %s has no Retry-After", route.method, route.path)
		}
	}
	if got := r.do(request{method: "GET", path: "/readyz"}).want(t, "readyz", http.StatusServiceUnavailable, "").text("status"); got != "unready" {
		t.Errorf("readyz = %q, want unready", got)
	}
	r.do(request{method: "GET", path: "/livez"}).want(t, "livez", http.StatusOK, "")
}

// routesServed is one request for each route that needs the database.
func (r *rig) routesServed(ann person, admin string) []request {
	lifetime, star := map[string]any{"lifetime": "7d"}, map[string]string{"If-Match": "*"}
	return []request{
		{method: "POST", path: "/v1/register", body: map[string]any{"username": "bob", "password": password}},
		{method: "POST", path: "/v1/login", body: map[string]any{"login": "ann", "password": password}},
		{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": ann.refresh}},
		{method: "GET", path: "/v1/im/token", token: ann.access},
		{method: "POST", path: "/v1/im/token/refused", token: ann.access, body: map[string]any{"token": ann.connect, "code": 31004}},
		{method: "GET", path: "/v1/sessions", token: ann.access},
		{method: "GET", path: "/v1/me", token: ann.access},
		{method: "PATCH", path: "/v1/me", token: ann.access, body: map[string]any{"nickname": "Ann"}},
		{method: "PUT", path: "/v1/me/password", token: ann.access, body: map[string]any{"current_password": password, "new_password": password + " 2"}},
		{method: "POST", path: "/v1/logout", token: ann.access, body: map[string]any{"scope": "others"}},
		{method: "DELETE", path: "/v1/sessions/" + ann.session, token: ann.access},
		{method: "DELETE", path: "/v1/me", token: ann.access},
		{method: "POST", path: "/v1/admin/login", body: map[string]any{"name": "root", "password": adminPassword}},
		{method: "GET", path: "/v1/admin/lifetimes", token: admin},
		{method: "PUT", path: "/v1/admin/lifetimes/default", token: admin, body: lifetime, header: star},
		{method: "POST", path: "/v1/admin/lifetimes/default/preview", token: admin, body: lifetime},
		{method: "PUT", path: "/v1/admin/lifetimes/users/" + ann.id, token: admin, body: lifetime, header: star},
		{method: "DELETE", path: "/v1/admin/lifetimes/users/" + ann.id, token: admin, header: star},
		{method: "POST", path: "/v1/admin/lifetimes/users/" + ann.id + "/preview", token: admin, body: lifetime},
		{method: "GET", path: "/v1/admin/users", token: admin},
		{method: "POST", path: "/v1/admin/users/" + ann.id + "/reissue", token: admin},
		{method: "GET", path: "/v1/admin/audit", token: admin},
	}
}

// TestSecretsStaySecret puts planted secrets where clients put things, and
// reads the log and the metrics; so does every other test when it ends.
func TestSecretsStaySecret(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	const p = planted + "-value"
	for _, path := range []string{"/v1/" + p, "/" + p, "/v1/me?x=" + p, "/v1/sessions/" + p, "/v1/admin/users?query=" + p + "&cursor=" + p, "/docs/static/" + p} {
		for method, body := range map[string]any{"GET": nil, "POST": `{"` + p + `":"` + p + `","password":"` + p + `"`, planted: nil} {
			r.do(request{method: method, path: path, token: ann.access, body: body, header: map[string]string{
				"X-Request-ID": p + "!", "X-Device-Name": p, "User-Agent": p, "X-Forwarded-For": p, "Idempotency-Key": p + " !", "If-Match": p, "Origin": p, "Referer": p, "Cookie": p}})
		}
	}
	for _, field := range []string{"username", "password", "nickname", "email", "phone", "avatar_url"} {
		body := map[string]any{"username": "bob", "password": password, field: p + "\u202e"}
		r.do(request{method: "POST", path: "/v1/register", body: body})
	}
	r.do(request{method: "POST", path: "/v1/im/token/refused", token: ann.access, body: map[string]any{"token": p, "code": 1}})
	r.login(p, p)
	r.do(request{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": p}})
	r.do(request{method: "GET", path: "/v1/me", token: p})
	r.fault(map[string]any{"mode": "code", "code": 1004})
	r.refused(ann, ann.connect)
	if log := r.log.String(); !strings.Contains(log, "route=unmatched") || !strings.Contains(log, "route=/v1/me") {
		t.Errorf("the log does not show the requests of this test: %s", log)
	}
}

func TestMetrics(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	r.login("ann", password+"x")
	r.login("ann", password)
	r.token(ann)
	r.refused(ann, ann.connect)
	r.do(request{method: "GET", path: "/nowhere"})
	w := httptest.NewRecorder()
	r.ops.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		`imbridge_tokens_total{event="issued"} 1`,
		`imbridge_tokens_total{event="reused"} [1-9]`,
		`imbridge_tokens_total{event="refused"} 1`,
		`imbridge_logins_total{kind="user",outcome="ok"} 1`,
		`imbridge_logins_total{kind="user",outcome="bad_credentials"} 1`,
		`imbridge_cloud_calls_total{op="/user/getToken.json",outcome="ok"} 2`,
		`imbridge_cloud_call_duration_seconds_count{op="/user/getToken.json"} 2`,
		`imbridge_problems_total{code="not_found"} 1`,
		`imbridge_password_hash_waiting 0`,
		`imbridge_database_connections_open [1-9]`,
		`imbridge_http_request_duration_seconds_count{method="GET",route="/v1/im/token",status="2xx"} 1`,
		`imbridge_http_request_duration_seconds_count{method="GET",route="unmatched",status="4xx"} 1`,
		`go_goroutines [1-9]`,
	} {
		if !regexp.MustCompile(`(?m)^` + strings.NewReplacer("{", `\{`, "}", `\}`, ".", `\.`).Replace(want)).MatchString(text) {
			t.Errorf("metrics lack %s", want)
		}
	}
	for _, path := range []string{"/livez", "/readyz"} {
		w := httptest.NewRecorder()
		r.ops.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s on the ops listener = %d, want 200", path, w.Code)
		}
	}
}
