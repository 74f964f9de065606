package handlers_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"imbridge/models"
)

// field is the value of a page's field of a name, and whether there is one.
func field(w *httptest.ResponseRecorder, name string) (string, bool) {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(w.Body.String())
	if m == nil {
		return "", false
	}
	return html.UnescapeString(m[1]), true
}

// elsewhere are addresses that a browser would leave us by, or that no page of ours
// writes.
var elsewhere = []string{
	"//evil.example", "///evil.example", "https://evil.example", "http:/evil.example", "https:evil.example", "javascript:alert(1)", "data:text/html,x",
	"/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example",
	"/account\r\nSet-Cookie: x=y", "/\x00/evil.example", "evil", "evil.example/account", "?x", "#x", "/account#x", "/账号", "/%zz", "/" + strings.Repeat("a", 4096), "",
}

// TestLoginLeadsBack to the page that was asked for, and to no other site.
func TestLoginLeadsBack(t *testing.T) {
	r := newRig(t)
	r.steering()
	ann := r.register("ann")
	r.register("bob")
	cases := []struct {
		login, start string
		form         []string
		pages        []string
	}{
		{"/login", "/chat", []string{"login", "ann", "password", password}, []string{"/account", "/account?x=1&y=%E4%BD%A0"}},
		{"/admin/login", "/admin", []string{"name", "root", "password", adminPassword},
			[]string{"/admin/queue", "/admin/people?query=a%26b&limit=5", "/admin/lifetimes?lifetime=1d&who=bob", "/admin/people/" + ann.id, "/admin/audit?subject=user:" + ann.id}},
	}
	for _, c := range cases {
		b := r.browser()
		leads(t, "the start", b.get(c.start), c.login)
		leads(t, "log in", b.post(c.login, c.form...), c.start)
		for _, page := range c.pages {
			b := r.browser()
			to := c.login + "?next=" + url.QueryEscape(page)
			leads(t, page, b.get(page), to)
			form := b.get(to)
			if got, ok := field(form, "next"); got != page || !ok {
				t.Errorf("%s keeps the page to come back to as %q, want %q", to, got, page)
			}
			if got, _ := field(form, "back"); got != to {
				t.Errorf("%s leads from another language to %q, want %q", to, got, to)
			}
			wrong := b.post(c.login, c.form[0], c.form[1], "password", "wrong", "next", page)
			shows(t, "wrong password", wrong, http.StatusUnauthorized)
			if got, _ := field(wrong, "next"); got != page {
				t.Errorf("after a wrong password the page to come back to is %q, want %q", got, page)
			}
			leads(t, "log in for "+page, b.post(c.login, append(c.form, "next", page)...), page)
			leads(t, to+" of somebody who is in", b.get(to), page)
			shows(t, page+" after it", b.get(page), http.StatusOK)
		}
		for _, away := range elsewhere {
			b := r.browser()
			form := b.get(c.login + "?next=" + url.QueryEscape(away))
			shows(t, "a form for "+away, form, http.StatusOK)
			if got, ok := field(form, "next"); ok {
				t.Errorf("%s keeps %q to come back to, as %q", c.login, away, got)
			}
			// What a form cannot hold is refused; the rest leads to the usual page.
			if w := b.post(c.login, append(c.form, "next", away)...); w.Code != http.StatusUnprocessableEntity {
				leads(t, c.login+" for "+away, w, c.start)
			} else if !strings.ContainsAny(away, "\x00\t\r\n") || w.Header().Get("Location") != "" {
				t.Errorf("%s for %q = 422 to %q, want the usual page", c.login, away, w.Header().Get("Location"))
			}
			b = r.browser()
			leads(t, "log in", b.post(c.login, c.form...), c.start)
			leads(t, c.login+" of somebody who is in, for "+away, b.get(c.login+"?next="+url.QueryEscape(away)), c.start)
		}
	}

	// A form is not come back to: it would not be sent.
	leads(t, "a form of nobody", r.browser().post("/account/delete", "confirm", "ann"), "/login")
	leads(t, "a form of no admin", r.browser().post("/admin/queue?state=buried", "do", "retry_all"), "/admin/login")
	ended := r.joined("eve")
	leads(t, "log out everywhere", ended.post("/account/sessions/end", "scope", "others"), "/account?why=others")
	eve, err := r.store.UserByUsername(t.Context(), "eve")
	if err == nil {
		err = r.store.EndSessions(t.Context(), eve.ID, "", models.Origin{})
	}
	if err != nil {
		t.Fatal(err)
	}
	leads(t, "after the session's end", ended.get("/account?x=1"), "/login?next=%2Faccount%3Fx%3D1&why=ended")
}

// TestSwitchesKeepTheSearch: another language or other colours lead back to what
// the reader looked at, filters and all, and to no other site.
func TestSwitchesKeepTheSearch(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	r.register("ann")
	switched := func(what string, page *httptest.ResponseRecorder, want string) {
		t.Helper()
		back, _ := field(page, "back")
		if back != want {
			t.Errorf("%s leads back to %q, want %q", what, back, want)
		}
		for _, choice := range []string{"lang", "theme"} {
			leads(t, what, b.post("/preferences", choice, map[string]string{"lang": "en", "theme": "dark"}[choice], "back", back), want)
		}
	}
	for _, address := range []string{
		"/admin", "/admin/people?query=a%26b%20%E4%BD%A0", "/admin/people?limit=1&query=ann", "/admin/queue?state=buried&kind=ban", "/admin/notices?state=all",
		"/admin/audit?action=user.ban&actor=admin%3Ax&subject=&since=2026-01-01&until=", "/admin/audit?since=x", "/admin/people?cursor=x",
		"/admin/lifetimes?lifetime=1d", "/admin/lifetimes?who=ann&lifetime=1d", "/admin/lifetimes?who=nobody&lifetime=1d", "/admin/clouds?why=rotated",
	} {
		switched(address, b.get(address), address)
	}
	switched("a queue's form that comes back", b.post("/admin/queue?kind=ban&state=buried", "do", "retry"), "/admin/queue?kind=ban&state=buried")
	switched("an undo that comes back", b.post("/admin/lifetimes/undo?x=1", "revision", "x"), "/admin/lifetimes")
	person := r.joined("bob")
	switched("a profile that comes back", person.post("/account/profile", "email", "x"), "/account")
	switched("a page of nothing", b.get("/nothing?x=1"), "/")
	switched("a search without end", b.get("/admin/notices?x="+strings.Repeat("x", 5000)), "/admin/notices")
	for _, back := range elsewhere {
		if w := b.post("/preferences", "lang", "en", "back", back); w.Code != http.StatusUnprocessableEntity {
			leads(t, "back to "+back, w, "/")
		}
	}
}

// TestFormAddresses may be opened: each leads to the page that the form is on.
func TestFormAddresses(t *testing.T) {
	r := newRig(t)
	ann := r.joined("ann")
	boss := r.steering()
	for address, page := range map[string]string{
		"/account/profile": "/account", "/account/password": "/account", "/account/delete": "/account", "/account/sessions/end": "/account",
		"/account/sessions/01h00000000000000000000000/end": "/account", "/logout": "/", "/preferences": "/", "/admin/logout": "/admin", "/admin/lifetimes/undo": "/admin/lifetimes",
	} {
		for who, b := range map[string]*browser{"ann": ann, "root": boss, "nobody": r.browser()} {
			leads(t, who+" at "+address, b.get(address), page)
		}
	}
	shows(t, "ann is still in", ann.get("/account"), http.StatusOK)
	shows(t, "root is still in", boss.get("/admin"), http.StatusOK)
	for _, route := range r.api.Routes() {
		if route.Method != http.MethodPost || strings.HasPrefix(route.Path, "/v1/") || strings.HasPrefix(route.Path, "/callbacks/") {
			continue
		}
		path := strings.ReplaceAll(route.Path, ":id", "01h00000000000000000000000")
		if w := boss.get(path); w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusNotFound && !strings.Contains(route.Path, "people") {
			t.Errorf("opening %s = %d, want a page", route.Path, w.Code)
		}
	}
}
