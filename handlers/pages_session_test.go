package handlers_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"imbridge/models"
)

// TestAdminCookie opens the console and its API, renews itself by use, and ends
// by itself without.
func TestAdminCookie(t *testing.T) {
	r := newRig(t)
	if _, err := r.store.CreateAdmin(t.Context(), "root", adminPassword, models.Origin{}); err != nil {
		t.Fatal(err)
	}
	b := r.browser()
	leads(t, "console without an admin", b.get("/admin"), "/admin/login")
	leads(t, "log in", b.post("/admin/login", "name", "root", "password", adminPassword), "/admin")
	cookie := b.cookies["imbridge-admin"]
	if cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.MaxAge != int(r.deps.Access.AdminLifetime.Seconds()) {
		t.Fatalf("cookie = %+v, want HttpOnly, Lax, path /, as long as the admin's token", cookie)
	}
	call := func(site string) answer {
		return r.do(request{method: "GET", path: "http://127.0.0.1/v1/admin/users", header: map[string]string{"Cookie": "imbridge-admin=" + b.cookies["imbridge-admin"].Value, "Sec-Fetch-Site": site}})
	}
	call("same-origin").want(t, "the API by the console", http.StatusOK, "")
	call("cross-site").want(t, "the API by another site", http.StatusForbidden, "cross_origin")

	// The rig's admins stay an hour: what is used every half of it goes on.
	for range 4 {
		before := b.cookies["imbridge-admin"].Value
		r.store.Clock.Advance(r.deps.Access.AdminLifetime / 2)
		shows(t, "console", b.get("/admin"), http.StatusOK)
		if b.cookies["imbridge-admin"].Value == before {
			t.Fatal("the cookie was not renewed by use")
		}
	}
	value := b.cookies["imbridge-admin"].Value
	r.store.Clock.Advance(time.Minute)
	b.get("/admin")
	if b.cookies["imbridge-admin"].Value != value {
		t.Error("the cookie was renewed after a minute, want the same for a while")
	}
	r.store.Clock.Advance(r.deps.Access.AdminLifetime + time.Minute)
	leads(t, "console after its time", b.get("/admin"), "/admin/login")

	// A person's session opens no console, nor an admin's a chat.
	leads(t, "console by a person", r.joined("ann").get("/admin"), "/admin/login")
	leads(t, "log in", b.post("/admin/login", "name", "root", "password", adminPassword), "/admin")
	leads(t, "chat by an admin", b.get("/chat"), "/login")
}

var attempt = regexp.MustCompile(`name="attempt" value="([^"]+)"`)

// TestRegisterTwice: a form that is sent twice makes one account, and both answers
// lead into it.
func TestRegisterTwice(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	m := attempt.FindStringSubmatch(b.get("/register").Body.String())
	if m == nil {
		t.Fatal("the form has no attempt")
	}
	form := []string{"username", "ann", "password", password, "attempt", m[1]}
	again := r.browser()
	leads(t, "register", b.post("/register", form...), "/chat")
	leads(t, "register again", again.post("/register", form...), "/chat")
	if got := r.store.Count(t, "SELECT COUNT(*) FROM users"); got != 1 {
		t.Errorf("%d accounts, want one", got)
	}
	if b.cookies["imbridge"].Value != again.cookies["imbridge"].Value {
		t.Error("the second answer has another session, want the first's")
	}
	shows(t, "the name without the attempt", r.browser().post("/register", "username", "ann", "password", password), http.StatusConflict, "Somebody else has this already.")
}

// TestUnencrypted: where a browser would keep no cookie, the form says so.
func TestUnencrypted(t *testing.T) {
	r := newRig(t)
	const warning = "This address is not encrypted"
	for host, want := range map[string]bool{"192.168.1.9:8080": true, "chat.example.com": true, "127.0.0.1:8080": false, "localhost": false} {
		b := r.browser()
		b.host = host
		for _, path := range []string{"/login", "/register"} {
			if got := regexp.MustCompile(warning).MatchString(b.get(path).Body.String()); got != want {
				t.Errorf("%s at %s warns %v, want %v", path, host, got, want)
			}
		}
		b.header["X-Forwarded-Proto"] = "https"
		if regexp.MustCompile(warning).MatchString(b.get("/login").Body.String()) {
			t.Errorf("the form warns behind a proxy that encrypts")
		}
	}
}
