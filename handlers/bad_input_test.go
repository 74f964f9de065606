package handlers_test

import (
	"net/http"
	"strings"
	"testing"
)

// A bodyRoute is a route with a body that would be served, of which one text
// field is broken in all ways.
type bodyRoute struct {
	method, path string
	token        string
	body         string // FIELD stands for what the broken field holds, in quotes
	field        string
	header       map[string]string
}

func (r *rig) bodyRoutes() []bodyRoute {
	ann, admin := r.register("ann"), r.admin()
	star := map[string]string{"If-Match": "*"}
	return []bodyRoute{
		{"POST", "/v1/register", "", `{"username":FIELD,"password":"Pl4nted battery"}`, "username", nil},
		{"POST", "/v1/register", "", `{"username":"carol","password":FIELD}`, "password", nil},
		{"POST", "/v1/register", "", `{"username":"carol","password":"Pl4nted battery","nickname":FIELD}`, "nickname", nil},
		{"POST", "/v1/register", "", `{"username":"carol","password":"Pl4nted battery","email":FIELD}`, "email", nil},
		{"POST", "/v1/register", "", `{"username":"carol","password":"Pl4nted battery","phone":FIELD}`, "phone", nil},
		{"POST", "/v1/register", "", `{"username":"carol","password":"Pl4nted battery","avatar_url":FIELD}`, "avatar_url", nil},
		{"POST", "/v1/login", "", `{"login":FIELD,"password":"Pl4nted battery"}`, "login", nil},
		{"POST", "/v1/login", "", `{"login":"ann","password":FIELD}`, "password", nil},
		{"POST", "/v1/session/refresh", "", `{"refresh_token":FIELD}`, "refresh_token", nil},
		{"POST", "/v1/logout", ann.access, `{"scope":FIELD}`, "scope", nil},
		{"PATCH", "/v1/me", ann.access, `{"nickname":FIELD}`, "nickname", nil},
		{"PUT", "/v1/me/password", ann.access, `{"current_password":FIELD,"new_password":"Pl4nted battery 2"}`, "current_password", nil},
		{"PUT", "/v1/me/password", ann.access, `{"current_password":"Pl4nted","new_password":FIELD}`, "new_password", nil},
		{"POST", "/v1/im/token/refused", ann.access, `{"token":FIELD,"code":31004}`, "token", nil},
		{"POST", "/v1/friends/requests", ann.access, `{"user_id":FIELD}`, "user_id", nil},
		{"POST", "/v1/friends/requests", ann.access, `{"user_id":"01h00000000000000000000000","message":FIELD}`, "message", nil},
		{"PUT", "/v1/friends/01h00000000000000000000000/remark", ann.access, `{"remark":FIELD}`, "remark", nil},
		{"POST", "/v1/blocks", ann.access, `{"user_ids":[FIELD]}`, "user_ids", nil},
		{"POST", "/v1/admin/login", "", `{"name":FIELD,"password":"Pl4nted"}`, "name", nil},
		{"PUT", "/v1/admin/lifetimes/default", admin, `{"lifetime":FIELD}`, "lifetime", star},
		{"POST", "/v1/admin/lifetimes/default/preview", admin, `{"lifetime":FIELD}`, "lifetime", nil},
		{"PUT", "/v1/admin/lifetimes/users/" + ann.id, admin, `{"lifetime":FIELD}`, "lifetime", star},
		{"POST", "/v1/admin/lifetimes/users/" + ann.id + "/preview", admin, `{"lifetime":FIELD}`, "lifetime", nil},
		{"POST", "/v1/admin/users/" + ann.id + "/ban", admin, `{"reason":FIELD}`, "reason", nil},
		{"POST", "/v1/admin/users/" + ann.id + "/unban", admin, `{"reason":FIELD}`, "reason", nil},
		{"POST", "/v1/admin/queue/drop", admin, `{"ids":["01h00000000000000000000000"],"reason":FIELD}`, "reason", nil},
		{"POST", "/v1/admin/queue/retry", admin, `{"kind":"ban","state":FIELD}`, "state", nil},
	}
}

// TestBadFields breaks every text field of every request.
func TestBadFields(t *testing.T) {
	r := newRig(t)
	for _, route := range r.bodyRoutes() {
		for name, c := range map[string]struct{ value, code string }{
			"invalid UTF-8":         {"\"a\xff\xfe\"", "bad_field"},
			"an overlong form":      {"\"\xc0\xaf\"", "bad_field"},
			"a lone surrogate":      {`"\ud800"`, "bad_field"},
			"NUL":                   {`"a\u0000b"`, "bad_field"},
			"a raw NUL":             {"\"a\x00b\"", "bad_json"},
			"a new line":            {`"a\nb"`, "bad_field"},
			"an escape":             {`"\u001b[31m"`, "bad_field"},
			"DEL":                   {`"\u007f"`, "bad_field"},
			"a C1 control":          {`"\u0085"`, "bad_field"},
			"a number":              {`17`, "bad_field"},
			"a boolean":             {`true`, "bad_field"},
			"an object":             {`{"a":"b"}`, "bad_field"},
			"a list":                {`["a"]`, "bad_field"},
			"far too long a text":   {`"` + strings.Repeat("a", 5000) + `"`, "invalid_field"},
			"deep nesting":          {strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "bad_field"},
			"deep nesting, no ends": {strings.Repeat(`{"a":`, 10000), "bad_field"},
		} {
			body := strings.Replace(route.body, "FIELD", c.value, 1)
			a := r.do(request{method: route.method, path: route.path, token: route.token, body: body, header: route.header})
			if a.status/100 != 4 || a.text("code") != c.code {
				t.Errorf("%s %s with %s as %s = %d %s, want %s", route.method, route.path, name, route.field, a.status, a.raw, c.code)
			}
			if c.code != "bad_json" && a.text("field") != route.field {
				t.Errorf("%s %s with %s as %s names field %q", route.method, route.path, name, route.field, a.text("field"))
			}
		}
	}
}

// TestBadBodies breaks the body of every request as a whole.
func TestBadBodies(t *testing.T) {
	r := newRig(t)
	for _, route := range r.bodyRoutes() {
		good := strings.Replace(route.body, "FIELD", `"aaaa"`, 1)
		for name, c := range map[string]struct {
			body, kind string
			status     int
			code       string
		}{
			"empty":           {"", "application/json", 400, "bad_json"},
			"spaces":          {"  \n", "application/json", 400, "bad_json"},
			"a list":          {"[" + good + "]", "application/json", 400, "bad_json"},
			"null":            {"null", "application/json", 400, "bad_json"},
			"a text":          {`"a"`, "application/json", 400, "bad_json"},
			"cut short":       {good[:len(good)-1], "application/json", 400, "bad_json"},
			"trailing data":   {good + "{}", "application/json", 400, "bad_json"},
			"trailing text":   {good + " x", "application/json", 400, "bad_json"},
			"a comment":       {"/* */" + good, "application/json", 400, "bad_json"},
			"a mark":          {"\ufeff" + good, "application/json", 400, "bad_json"},
			"single quotes":   {strings.ReplaceAll(good, `"`, "'"), "application/json", 400, "bad_json"},
			"an extra comma":  {good[:len(good)-1] + ",}", "application/json", 400, "bad_json"},
			"unknown field":   {`{"zzz":1,` + good[1:], "application/json", 400, "unknown_field"},
			"another case":    {strings.Replace(good, `"`+route.field, `"`+strings.ToUpper(route.field), 1), "application/json", 400, "unknown_field"},
			"an odd name":     {`{"\u0000":1,` + good[1:], "application/json", 400, "unknown_field"},
			"a planted name":  {`{"__proto__":{},` + good[1:], "application/json", 400, "unknown_field"},
			"a field twice":   {good[:len(good)-1] + `,"` + route.field + `":"bbbb"}`, "application/json", 400, "bad_field"},
			"64 KiB and one":  {good + strings.Repeat(" ", 64<<10+1-len(good)), "application/json", 413, "body_too_large"},
			"a megabyte":      {good + strings.Repeat(" ", 1<<20), "application/json", 413, "body_too_large"},
			"a form":          {"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
			"text/plain":      {good, "text/plain", 415, "unsupported_media_type"},
			"another charset": {good, "application/json; charset=utf-16", 415, "unsupported_media_type"},
			"no type":         {good, "", 415, "unsupported_media_type"},
			"XML":             {"<a/>", "application/xml", 415, "unsupported_media_type"},
		} {
			header := map[string]string{"Content-Type": c.kind}
			for k, v := range route.header {
				header[k] = v
			}
			a := r.do(request{method: route.method, path: route.path, token: route.token, body: c.body, header: header})
			if a.status != c.status || a.text("code") != c.code {
				t.Errorf("%s %s with %s = %d %s, want %d %s", route.method, route.path, name, a.status, a.raw, c.status, c.code)
			}
		}
		untold := request{method: route.method, path: route.path, token: route.token, body: good + strings.Repeat(" ", 1<<20), header: route.header, chunked: true}
		if a := r.do(untold); a.status != http.StatusRequestEntityTooLarge || a.text("code") != "body_too_large" {
			t.Errorf("%s %s with a megabyte in chunks = %d %s, want 413", route.method, route.path, a.status, a.raw)
		}
		spaced := good + strings.Repeat(" ", 64<<10-len(good))
		if a := r.do(request{method: route.method, path: route.path, token: route.token, body: spaced, header: route.header}); a.text("code") == "body_too_large" {
			t.Errorf("%s %s with exactly 64 KiB is too large", route.method, route.path)
		}
	}
}

func TestMissingFields(t *testing.T) {
	r := newRig(t)
	for _, route := range r.bodyRoutes() {
		if route.method == "PATCH" {
			continue // a change may leave out anything
		}
		a := r.do(request{method: route.method, path: route.path, token: route.token, body: `{}`, header: route.header})
		if a.status != http.StatusUnprocessableEntity || a.text("code") != "invalid_field" || a.text("field") == "" {
			t.Errorf("%s %s with nothing = %d %s, want 422 invalid_field that names one", route.method, route.path, a.status, a.raw)
		}
	}
	ann := personOf(r.login("ann", password))
	for _, code := range []string{`"31004"`, `1.5`, `-1`, `1e9`, `99999999999999999999`, `null`, `true`} {
		a := r.do(request{method: "POST", path: "/v1/im/token/refused", token: ann.access, body: `{"token":"x","code":` + code + `}`})
		if a.status/100 != 4 || a.text("field") != "code" {
			t.Errorf("code %s = %d %s, want a problem with code", code, a.status, a.raw)
		}
	}
}

// TestNowhere asks for what is not there.
func TestNowhere(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/v1", "/v1/", "/v1/nothing", "/v1/register/", "/V1/register", "/metrics", "/.git/config", "/docs/static/x.css", "/docs/static/..%2fweb.go", "/v1/%00", "/v1/%ff"} {
		a := r.do(request{method: "GET", path: path}).want(t, path, http.StatusNotFound, "not_found")
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("Content-Type of %s = %q, want application/problem+json", path, got)
		}
	}
	a := r.do(request{method: "GET", path: "/v1/register"}).want(t, "GET register", http.StatusMethodNotAllowed, "method_not_allowed")
	if got := a.header.Get("Allow"); !strings.Contains(got, "POST") {
		t.Errorf("Allow = %q, want POST in it", got)
	}
	r.do(request{method: "BREW", path: "/v1/me"}).want(t, "BREW", http.StatusMethodNotAllowed, "method_not_allowed")
}
