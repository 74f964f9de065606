package handlers_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"imbridge/models"
)

// TestCookies holds all cookies to their attributes, on loopback and elsewhere.
func TestCookies(t *testing.T) {
	r := newRig(t)
	if _, err := r.store.CreateAdmin(t.Context(), "root", adminPassword, models.Origin{}); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		host, proto, prefix string
		secure              bool
	}{
		{"127.0.0.1:8080", "", "", false},
		{"[::1]:8080", "", "", false},
		{"localhost:8080", "", "", false},
		{"127.0.0.1:8080", "http", "", false},
		{"127.0.0.1:8080", "http, https", "", false},
		{"chat.example.com", "", "__Host-", true},
		{"192.168.1.9:8080", "", "__Host-", true},
		{"127.0.0.1.example.com", "", "__Host-", true},
		// Proxies that ask for 127.0.0.1, whatever the browser asked for.
		{"127.0.0.1:8080", "https", "__Host-", true},
		{"localhost:8080", "HTTPS", "__Host-", true},
		{"[::1]:8080", "https, http", "__Host-", true},
	}
	for i, c := range cases {
		b := r.browser()
		b.host = c.host
		if c.proto != "" {
			b.header["X-Forwarded-Proto"] = c.proto
		}
		leads(t, "register at "+c.host, b.post("/register", "username", "person"+string(rune('a'+i)), "password", password), "/chat")
		leads(t, "admin login at "+c.host, b.post("/admin/login", "name", "root", "password", adminPassword), "/admin")
		leads(t, "choose at "+c.host, b.post("/preferences", "lang", "en", "theme", "dark"), "/")
		for _, name := range []string{c.prefix + "imbridge", c.prefix + "imbridge-admin", "imbridge-lang", "imbridge-theme"} {
			got := b.cookies[name]
			if got == nil || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || got.Secure != c.secure || got.MaxAge <= 0 {
				t.Errorf("cookie at %s (%s) = %+v, want %s, HttpOnly, Lax, path /, secure %v", c.host, c.proto, got, name, c.secure)
			}
		}
		shows(t, "the chat at "+c.host, b.get("/chat"), http.StatusOK)
		shows(t, "the console at "+c.host, b.get("/admin"), http.StatusOK)
		leads(t, "log out at "+c.host, b.post("/logout"), "/login?why=out")
		if b.cookies[c.prefix+"imbridge"] != nil {
			t.Errorf("the cookie at %s (%s) is still there after logging out", c.host, c.proto)
		}
	}
}

func TestLoginForm(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	first := b.cookies["imbridge"].Value
	leads(t, "log out", b.post("/logout"), "/login?why=out")
	if b.cookies["imbridge"] != nil {
		t.Error("the cookie is still there after logging out")
	}
	shows(t, "login page", b.get("/login?why=out"), http.StatusOK, "You are logged out.", `name="password"`)
	shows(t, "login page", b.get("/login?why=<b>"), http.StatusOK)
	shows(t, "wrong password", b.post("/login", "login", "ann", "password", "wrong"), http.StatusUnauthorized, "The name or the password is wrong.", `value="ann"`)
	leads(t, "log in", b.post("/login", "login", "ann", "password", password), "/chat")
	second := b.cookies["imbridge"].Value
	if first == second {
		t.Error("the cookie of a new login is the old one")
	}
	leads(t, "start", b.get("/"), "/chat")

	// The value of before names a session that has ended.
	b.cookies["imbridge"].Value = first
	leads(t, "start with an ended session", b.get("/"), "/login")

	// Logging in again in the same browser ends the session it had.
	b.cookies["imbridge"].Value = second
	leads(t, "log in again", b.post("/login", "login", "ann", "password", password), "/chat")
	b.cookies["imbridge"].Value = second
	leads(t, "start with the replaced session", b.get("/"), "/login")
}

// TestFormComplaints are beside their fields, in the reader's language.
func TestFormComplaints(t *testing.T) {
	r := newRig(t)
	r.joined("taken")
	b := r.browser()
	cases := []struct {
		form   []string
		status int
		en, zh string
	}{
		{[]string{"username", "ab", "password", password}, 422, "Use 3 to 32 characters.", "请使用 3 到 32 个字符。"},
		{[]string{"username", "abc", "password", "short"}, 422, "Use 8 to 128 characters.", "请使用 8 到 128 个字符。"},
		{[]string{"username", "taken", "password", password}, 409, "Somebody else has this already.", "已被他人使用。"},
		{[]string{"username", "", "password", password}, 422, "This is needed.", "此项必填。"},
		{[]string{"username", "abcd", "password", password, "email", "x"}, 422, "Give an address like ann@example.com.", "请填写类似 ann@example.com 的地址。"},
		{[]string{"username", "abcd", "password", password, "phone", "12"}, 422, "Give the number with its country, like +8613800138000.", "请填写带国家代码的号码，例如 +8613800138000。"},
		{[]string{"username", "abcd", "password", "password1"}, 422, "Too many people use this password.", "使用此密码的人太多"},
		{[]string{"username", "a\x01cd", "password", password}, 422, "characters that nobody can see", "不可见的控制字符"},
		{[]string{"username", "a\xffcd", "password", password}, 422, "bytes that are no text in UTF-8", "UTF-8 无法识别的字符"},
	}
	for _, c := range cases {
		for lang, want := range map[string]string{"en": c.en, "zh-CN,zh;q=0.9": c.zh} {
			b.header["Accept-Language"] = lang
			shows(t, strings.Join(c.form, " "), b.post("/register", c.form...), c.status, `class="complaint" id="`, want, `aria-invalid="true"`)
		}
	}
}

// TestFormsNameAllThatIsWrong: what is missing, what is too long, and what models
// would refuse later, in one answer; the API answers the same.
func TestFormsNameAllThatIsWrong(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.header["Accept-Language"] = "zh"
	shows(t, "register", b.post("/register", "username", "", "password", "short", "nickname", strings.Repeat("n", 65), "email", strings.Repeat("e", 256), "phone", "1\x00"), 422,
		"此项必填。", "请使用 8 到 128 个字符。", "最多 64 个字符。", "请填写类似 ann@example.com 的地址。", "包含不可见的控制字符。")

	fields := func(what string, a answer, want ...string) {
		t.Helper()
		list, _ := a.body["fields"].([]any)
		var got []string
		for _, f := range list {
			got = append(got, f.(map[string]any)["field"].(string)+" "+f.(map[string]any)["wrong"].(string))
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") || a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s = %d %s, want 422 and %q", what, a.status, a.raw, want)
		}
	}
	fields("POST /v1/register", r.do(request{method: "POST", path: "/v1/register", body: `{"username":"` + strings.Repeat("u", 256) + `","password":"short","phone":"12"}`}),
		"username must have 3 to 32 characters", "password must have 8 to 128 characters", "phone must be international, like +8613800138000")
	fields("POST /v1/register", r.do(request{method: "POST", path: "/v1/register", body: `{"nickname":"` + strings.Repeat("n", 65) + `"}`}),
		"username is required", "password is required", "nickname must have at most 64 characters")

	ann := r.joined("ann")
	shows(t, "profile", ann.post("/account/profile", "nickname", strings.Repeat("n", 256), "email", "x", "phone", "12", "avatar_url", "ftp://x"), 422,
		"At most 64 characters.", "Give an address like ann@example.com.", "Give the number with its country", "begins with https://")
	shows(t, "password", ann.post("/account/password", "current_password", "", "new_password", "short"), 422, "This is needed.", "Use 8 to 128 characters.")

	leads(t, "register", r.browser().post("/register", "username", "ben", "password", password, "email", "ben@example.com"), "/chat")
	shows(t, "both taken", r.browser().post("/register", "username", "BEN", "password", password, "email", "Ben@Example.com"), http.StatusConflict,
		`id="username-hint">Somebody else has this already.`, `id="email-hint">Somebody else has this already.`)

	fields("drop", r.do(request{method: "POST", path: "/v1/admin/queue/drop", token: r.admin(), body: `{"ids":["x"],"reason":" "}`}), "ids must hold ids of rows", "reason is required")
	admin := r.steeringAgain()
	shows(t, "drop", admin.post("/admin/queue", "do", "drop"), 422, "This is needed.")
	shows(t, "audit", admin.get("/admin/audit?action="+strings.Repeat("a", 49)+"&since=never"), http.StatusBadRequest, `id="action-wrong"`, `id="since-wrong"`)
}

// TestForeignForms: no other site's page can post here.
func TestForeignForms(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	cases := []map[string]string{
		{"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"},
		{"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
		{"Sec-Fetch-Site": "", "Origin": "null"},
		{"Sec-Fetch-Site": "", "Origin": "http://127.0.0.1:9999"},
	}
	for _, header := range cases {
		for _, path := range []string{"/logout", "/login", "/register", "/preferences"} {
			w := b.send(http.MethodPost, path, map[string][]string{}, header)
			shows(t, path, w, http.StatusForbidden, "This came from another site")
		}
	}
	leads(t, "start after that", b.get("/"), "/chat")
	w := b.send(http.MethodPost, "/logout", map[string][]string{}, map[string]string{"Sec-Fetch-Site": "", "Origin": "http://127.0.0.1:8080"})
	leads(t, "an old browser's own form", w, "/login?why=out")
}

// TestCookieOpensTheAPI only for our own pages.
func TestCookieOpensTheAPI(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	cookie := "imbridge=" + b.cookies["imbridge"].Value
	header := func(pairs ...string) map[string]string {
		h := map[string]string{"Cookie": cookie}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = pairs[i+1]
		}
		return h
	}
	get := func(path string, h map[string]string) answer {
		return r.do(request{method: "GET", path: "http://127.0.0.1" + path, header: h})
	}
	for _, path := range []string{"/v1/me", "/v1/im/token", "/v1/sessions"} {
		get(path, header("Sec-Fetch-Site", "same-origin")).want(t, path+" by the page", http.StatusOK, "")
		get(path, header("Sec-Fetch-Site", "cross-site")).want(t, path+" by another site", http.StatusForbidden, "cross_origin")
		get(path, header("Sec-Fetch-Site", "same-site")).want(t, path+" by a neighbour", http.StatusForbidden, "cross_origin")
		get(path, header("Origin", "https://evil.example")).want(t, path+" by an old browser", http.StatusForbidden, "cross_origin")
		get(path, nil).want(t, path+" without a cookie", http.StatusUnauthorized, "token_missing")
	}
	post := func(h map[string]string) answer {
		return r.do(request{method: "POST", path: "http://127.0.0.1/v1/logout", body: map[string]any{"scope": "others"}, header: h})
	}
	post(header("Sec-Fetch-Site", "cross-site")).want(t, "log out by another site", http.StatusForbidden, "cross_origin")
	post(header("Sec-Fetch-Site", "same-origin")).want(t, "log out others", http.StatusNoContent, "")

	// Neither a changed value nor a bearer beside it opens anything.
	forged := strings.Replace(cookie, ".", "x.", 1)
	get("/v1/me", map[string]string{"Cookie": forged, "Sec-Fetch-Site": "same-origin"}).want(t, "forged", http.StatusUnauthorized, "session_ended")
	get("/v1/me", header("Sec-Fetch-Site", "same-origin", "Authorization", "Bearer x")).want(t, "a bad token beside a good cookie", http.StatusUnauthorized, "token_invalid")
	get("/v1/admin/users", header("Sec-Fetch-Site", "same-origin")).want(t, "a person's cookie at an admin's route", http.StatusUnauthorized, "token_missing")
}

var nonce = regexp.MustCompile(`'nonce-([A-Z2-7]+)'`)

// TestPolicy: what a page may load is exactly what it needs.
func TestPolicy(t *testing.T) {
	r := newRig(t, withDeps(pageSources))
	nobody, ann, boss := r.browser(), r.joined("ann"), r.steering()
	pages := []struct {
		b      *browser
		path   string
		status int
	}{{nobody, "/login", 200}, {nobody, "/register", 200}, {nobody, "/login", 200}, {nobody, "/admin/login", 200}, {nobody, "/nothing", 404},
		{ann, "/chat", 200}, {ann, "/chat", 200}, {ann, "/account", 200}, {boss, "/admin/people?cursor=x", 400}}
	for _, path := range consolePages {
		pages = append(pages, struct {
			b      *browser
			path   string
			status int
		}{boss, path, 200})
	}
	seenNonces := map[string]bool{}
	for _, p := range pages {
		path, w := p.path, p.b.get(p.path)
		shows(t, path, w, p.status)
		policy := w.Header().Get("Content-Security-Policy")
		if got := w.Header().Values("Content-Security-Policy"); len(got) != 1 {
			t.Errorf("%s has %d policies, want one", path, len(got))
		}
		m := nonce.FindStringSubmatch(policy)
		if m == nil || seenNonces[m[1]] {
			t.Fatalf("%s has policy %q, want a nonce of its own", path, policy)
		}
		seenNonces[m[1]] = true
		want := "default-src 'none'; script-src 'nonce-" + m[1] + "' 'strict-dynamic'; style-src 'self'; img-src 'self' data:; " +
			"connect-src 'self' http://127.0.0.1:1 ws://127.0.0.1:1; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
		if policy != want {
			t.Errorf("%s has policy\n%s, want\n%s", path, policy, want)
		}
		// Scripts run by their nonce alone: each has it, and it stands nowhere else.
		page := w.Body.String()
		if scripts, nonces := strings.Count(page, "<script"), strings.Count(page, `nonce="`+m[1]+`"`); scripts != nonces || strings.Count(page, m[1]) != nonces {
			t.Errorf("%s has %d scripts, %d with the nonce, which stands there %d times", path, scripts, nonces, strings.Count(page, m[1]))
		}
	}
}

// TestPreferences are kept, and lead to no other site.
func TestPreferences(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	shows(t, "English", b.get("/login"), http.StatusOK, `<html lang="en">`, "Log in")
	leads(t, "choose Chinese", b.post("/preferences", "lang", "zh", "back", "/register"), "/register")
	shows(t, "Chinese", b.get("/login"), http.StatusOK, `<html lang="zh-CN">`, "登录")
	leads(t, "choose dark", b.post("/preferences", "theme", "dark", "back", "/login"), "/login")
	shows(t, "dark", b.get("/login"), http.StatusOK, `data-theme="dark"`)
	leads(t, "choose the device's", b.post("/preferences", "theme", "auto", "back", "/login"), "/login")
	if w := b.get("/login"); strings.Contains(w.Body.String(), "data-theme") {
		t.Error("the page still has colours of its own")
	}
	for _, back := range []string{"//evil.example", "https://evil.example", "/\\evil.example", "evil", ""} {
		leads(t, "back to "+back, b.post("/preferences", "lang", "en", "back", back), "/")
	}
}

// TestStatic files are kept by browsers, which ask whether they changed.
func TestStatic(t *testing.T) {
	b := newRig(t).browser()
	for path, kind := range map[string]string{"/static/app.css": "text/css; charset=utf-8", "/static/texts.zh.js": "text/javascript; charset=utf-8", "/static/icon.svg": "image/svg+xml"} {
		w := b.get(path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || w.Header().Get("ETag") == "" {
			t.Errorf("GET %s = %d %v, want %s with an ETag", path, w.Code, w.Header(), kind)
		}
		again := b.send(http.MethodGet, path, nil, map[string]string{"If-None-Match": w.Header().Get("ETag")})
		if again.Code != http.StatusNotModified {
			t.Errorf("GET %s again = %d, want 304", path, again.Code)
		}
	}
	for _, path := range []string{"/static/", "/static/../web.go", "/static/%2e%2e/web.go", "/static/nothing.js"} {
		if w := b.get(path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, w.Code)
		}
	}
	shows(t, "an address of nothing", b.get("/nothing"), http.StatusNotFound, "This page does not exist")
}
