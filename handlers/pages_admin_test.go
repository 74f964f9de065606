package handlers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/web"
)

// steering is a browser whose admin has just logged in.
func (r *rig) steering() *browser {
	r.t.Helper()
	if _, err := r.store.CreateAdmin(context.Background(), "root", adminPassword, models.Origin{}); err != nil {
		r.t.Fatal(err)
	}
	return r.steeringAgain()
}

func (r *rig) steeringAgain() *browser {
	r.t.Helper()
	b := r.browser()
	leads(r.t, "admin login", b.post("/admin/login", "name", "root", "password", adminPassword), "/admin")
	return b
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="(version|revision)" value="([^"]*)"`)

// hidden is the value of a page's first hidden field of a name.
func hidden(t *testing.T, w *httptest.ResponseRecorder, name string) string {
	t.Helper()
	for _, m := range hiddenField.FindAllStringSubmatch(w.Body.String(), -1) {
		if m[1] == name {
			return html.UnescapeString(m[2])
		}
	}
	t.Fatalf("the page has no field %s:\n%s", name, w.Body)
	return ""
}

var consolePages = []string{"/admin", "/admin/lifetimes", "/admin/people", "/admin/queue", "/admin/notices", "/admin/notices?state=resolved",
	"/admin/notices?state=all", "/admin/audit", "/admin/clouds"}

// someKey finds keys of texts that no table has: they show as themselves.
var someKey = regexp.MustCompile(`[">]admin\.[a-z_.]+["<]`)

// auditedAs is where the audit shows its actions, some of which look like keys.
var auditedAs = regexp.MustCompile(`<option value="admin\.[a-z_.]+"|<code>admin\.[a-z_.]+</code>`)

// TestConsoleInEveryLanguage renders each page empty and with data.
func TestConsoleInEveryLanguage(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	look := func(what string, pages []string) {
		t.Helper()
		for _, lang := range web.Languages {
			b.header["Accept-Language"] = lang
			for _, path := range pages {
				w := b.get(path)
				shows(t, what+" "+path+" "+lang, w, http.StatusOK, `<html lang="`+map[string]string{"en": "en", "zh": "zh-CN"}[lang]+`"`, "<h1")
				if found := someKey.FindString(auditedAs.ReplaceAllString(w.Body.String(), "")); found != "" {
					t.Errorf("%s %s in %s shows the key %s", what, path, lang, found)
				}
				if strings.Contains(w.Body.String(), "%!") {
					t.Errorf("%s %s in %s has a text with wrong gaps", what, path, lang)
				}
			}
		}
	}
	look("empty", consolePages)
	b.header["Accept-Language"] = "en"
	shows(t, "no people", b.get("/admin/people"), http.StatusOK, "Nobody has registered yet")
	shows(t, "no rows", b.get("/admin/queue"), http.StatusOK, "Nothing waits")
	shows(t, "no notices", b.get("/admin/notices"), http.StatusOK, "No notices here")
	shows(t, "calm", b.get("/admin"), http.StatusOK, "Nothing needs you at the moment.", "Nothing has happened in the last hour.")

	api := r.steeringAPI(b)
	ann := r.register("ann")
	bob := r.register("bob")
	api("POST", "users/"+bob.id+"/ban", because("spam"))
	r.bury("ban", "the app key was refused")
	api("PUT", "lifetimes/users/"+ann.id, map[string]any{"lifetime": "1d"})
	if err := r.store.RaiseNotice(context.Background(), models.NewNotice{Kind: "breaker_open", Subject: "rongcloud", Message: "It is open.", Cure: "Wait."}); err != nil {
		t.Fatal(err)
	}
	r.store.Clock.Advance(time.Minute)
	look("with data", append(consolePages, "/admin/people/"+ann.id, "/admin/people/"+bob.id, "/admin/people?query=ann", "/admin/queue?state=buried",
		"/admin/lifetimes?lifetime=20s", "/admin/lifetimes?lifetime=permanent", "/admin/lifetimes?lifetime=30d&who=bob"))
	b.header["Accept-Language"] = "en"
	shows(t, "overview", b.get("/admin"), http.StatusOK, "1 change was given up on and waits for you", "It is open.", "Connect tokens in the last hour")
	shows(t, "queue", b.get("/admin/queue?state=buried"), http.StatusOK, "the app key was refused", "Given up", bob.id)
	shows(t, "notices", b.get("/admin/notices"), http.StatusOK, "The cloud cannot be reached", "It is open.", "Wait.")
	shows(t, "audit", b.get("/admin/audit?action=user.ban"), http.StatusOK, "spam", "user:"+bob.id)
	shows(t, "a kind of cloud", b.get("/admin/clouds"), http.StatusOK, "RongCloud", "Tell who is connected", "What it cannot")
	shows(t, "unknown person", b.get("/admin/people/01h00000000000000000000000"), http.StatusNotFound)
	shows(t, "no id", b.get("/admin/people/x"), http.StatusNotFound)
	shows(t, "wrong cursor", b.get("/admin/people?cursor=x"), http.StatusBadRequest)
	shows(t, "wrong state", b.get("/admin/queue?state=x"), http.StatusBadRequest)
	shows(t, "wrong filter", b.get("/admin/audit?since=x"), http.StatusBadRequest)
	shows(t, "filter by day", b.get("/admin/audit?since=2020-01-01&until=2020-01-02"), http.StatusOK, "Nothing found")
	shows(t, "broken filter", b.get("/admin/people?query=%ff%00"), http.StatusBadRequest)
}

// steeringAPI calls the JSON API with a console's cookie, as its scripts would.
func (r *rig) steeringAPI(b *browser) func(method, path string, body any) *httptest.ResponseRecorder {
	return func(method, path string, body any) *httptest.ResponseRecorder {
		r.t.Helper()
		raw, _ := json.Marshal(body)
		req := httptest.NewRequest(method, "/v1/admin/"+path, strings.NewReader(string(raw)))
		req.Host = b.host
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("If-Match", "*")
		for _, c := range b.cookies {
			req.AddCookie(c)
		}
		w := httptest.NewRecorder()
		b.api.ServeHTTP(w, req)
		if w.Code >= 300 {
			r.t.Fatalf("%s %s = %d %s", method, path, w.Code, w.Body)
		}
		return w
	}
}

func TestConsoleNeedsAnAdmin(t *testing.T) {
	r := newRig(t)
	steering := r.steering()
	ann := r.register("ann")
	forms := []string{"/admin/lifetimes", "/admin/lifetimes/undo", "/admin/people/" + ann.id, "/admin/queue", "/admin/notices", "/admin/clouds"}
	person := r.joined("bob")
	for who, b := range map[string]*browser{"nobody": r.browser(), "a person": person} {
		for _, path := range append(consolePages, "/admin/people/"+ann.id) {
			to := "/admin/login"
			if path != "/admin" {
				to += "?next=" + url.QueryEscape(path)
			}
			leads(t, who+" at "+path, b.get(path), to)
		}
		for _, path := range forms {
			leads(t, who+" posting to "+path, b.post(path, "do", "delete", "version", "1"), "/admin/login")
		}
		w := b.send(http.MethodGet, "/v1/admin/overview", nil, map[string]string{"Accept": "application/json"})
		if w.Code != http.StatusUnauthorized {
			t.Errorf("overview of the API for %s = %d, want 401", who, w.Code)
		}
	}
	shows(t, "wrong password", r.browser().post("/admin/login", "name", "root", "password", "wrong"), http.StatusUnauthorized, "The name or the password is wrong.", `value="root"`)
	shows(t, "empty form", r.browser().post("/admin/login"), http.StatusUnprocessableEntity, "This is needed.")

	// Another site's page cannot make the admin's browser do anything.
	for _, path := range append(forms, "/admin/login", "/admin/logout") {
		for _, from := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "", "Origin": "https://evil.example"}} {
			w := steering.send(http.MethodPost, path, url.Values{"do": {"delete"}}, from)
			if w.Code != http.StatusForbidden {
				t.Errorf("POST %s with %v = %d, want 403", path, from, w.Code)
			}
		}
	}
	for _, from := range []string{"cross-site", "same-site"} {
		w := steering.send(http.MethodGet, "/v1/admin/overview", nil, map[string]string{"Sec-Fetch-Site": from})
		if w.Code != http.StatusForbidden && w.Code != http.StatusUnauthorized {
			t.Errorf("overview of the API %s = %d, want a refusal", from, w.Code)
		}
	}
	leads(t, "log in again", steering.get("/admin/login"), "/admin")
	leads(t, "log out", steering.post("/admin/logout"), "/admin/login?why=out")
	leads(t, "after it", steering.get("/admin"), "/admin/login")

	// An admin's cookie ends.
	late := r.steeringAgain()
	r.store.Clock.Advance(2 * time.Hour)
	leads(t, "two hours later", late.get("/admin"), "/admin/login")
}

func TestConsoleLifetimes(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	ann := r.register("ann")
	r.register("bob")
	set := func(b *browser, version, lifetime, user string) *httptest.ResponseRecorder {
		t.Helper()
		return b.post("/admin/lifetimes", "do", "set", "version", version, "lifetime", lifetime, "user_id", user)
	}
	r.store.Clock.Advance(21 * time.Second)

	preview := b.get("/admin/lifetimes?lifetime=20s")
	shows(t, "preview", preview, http.StatusOK, "2 tokens become due within a day", "2 people are affected within an hour", "2 of them at once", "tokens of 2 people", "Set to: 20 seconds")
	shows(t, "preview of a month", b.get("/admin/lifetimes?lifetime=30d"), http.StatusOK, "0 tokens become due within a day", "0 people are affected within an hour", "0 of them at once")
	shows(t, "preview of what is", b.get("/admin/lifetimes?lifetime=permanent"), http.StatusOK, "It is so already.")
	shows(t, "preview of none", b.get("/admin/lifetimes?lifetime=2d"), http.StatusUnprocessableEntity)
	if strings.Contains(b.get("/admin/lifetimes").Body.String(), "/admin/lifetimes/undo") {
		t.Error("an undo is offered before any change")
	}

	version := hidden(t, preview, "version")
	leads(t, "set", set(b, version, "20s", ""), "/admin/lifetimes?why=set")
	page := b.get("/admin/lifetimes?why=set")
	shows(t, "after it", page, http.StatusOK, "The lifetime is set.", "For ever → 20 seconds")
	shows(t, "lost race", set(b, version, "1d", ""), http.StatusPreconditionFailed, "Somebody else changed this")
	shows(t, "a version that is none", set(b, "x", "1d", ""), http.StatusPreconditionFailed, "Somebody else changed this")

	// Somebody else's change takes the undo away from who saw the page before.
	undo := hidden(t, page, "revision")
	other := r.steeringAgain()
	leads(t, "for ann", set(other, "0", "1d", ann.id), "/admin/lifetimes?why=set")
	shows(t, "undo too late", b.post("/admin/lifetimes/undo", "revision", undo), http.StatusPreconditionFailed, "Somebody else changed this")
	page = b.get("/admin/lifetimes")
	shows(t, "ann's own", page, http.StatusOK, "Last change, for ann:", "as everybody → 1 day", `href="/admin/people/`+ann.id)

	leads(t, "undo for ann", b.post("/admin/lifetimes/undo", "revision", hidden(t, page, "revision")), "/admin/lifetimes?why=undone")
	all, err := r.store.Lifetimes(t.Context())
	if err != nil || len(all.Users) != 0 || all.Default.Lifetime != 20*time.Second {
		t.Errorf("lifetimes after the undo = %+v, %v; want 20s and nobody's own", all, err)
	}

	// The default, and its undo by the last page.
	leads(t, "set 1d", set(b, fmt.Sprint(all.Default.Version), "1d", ""), "/admin/lifetimes?why=set")
	page = b.get("/admin/lifetimes")
	leads(t, "undo", b.post("/admin/lifetimes/undo", "revision", hidden(t, page, "revision")), "/admin/lifetimes?why=undone")
	if all, err = r.store.Lifetimes(t.Context()); err != nil || all.Default.Lifetime != 20*time.Second {
		t.Errorf("default after the undo = %s, %v; want 20s", all.Default.Lifetime, err)
	}

	// An exception: previewed, set, removed.
	page = b.get("/admin/lifetimes?lifetime=7d&who=ANN")
	shows(t, "preview for ann", page, http.StatusOK, "For ann: 7 days", "0 tokens become due within a day", "0 people are affected within an hour")
	leads(t, "set for ann", set(b, previewVersion(t, page), "7d", ann.id), "/admin/lifetimes?why=set")
	all, _ = r.store.Lifetimes(t.Context())
	if len(all.Users) != 1 || all.Users[0].Lifetime != 7*24*time.Hour {
		t.Fatalf("exceptions = %+v, want ann with 7d", all.Users)
	}
	shows(t, "everybody keeps off", b.get("/admin/lifetimes?lifetime=1d"), http.StatusOK, "the token of 1 person", "1 person keeps their own.")
	leads(t, "remove", b.post("/admin/lifetimes", "do", "remove", "user_id", ann.id, "version", fmt.Sprint(all.Users[0].Version)), "/admin/lifetimes?why=removed")
	if all, _ = r.store.Lifetimes(t.Context()); len(all.Users) != 0 {
		t.Errorf("exceptions after the removal = %+v, want none", all.Users)
	}
}

var previewField = regexp.MustCompile(`name="user_id" value="[^"]*"><input type="hidden" name="version" value="(\d+)"|name="user_id" value="[^"]*">\s*<input type="hidden" name="version" value="(\d+)">\s*<button class="button main"`)

// previewVersion is the version that a preview's form was made from.
func previewVersion(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	m := previewField.FindStringSubmatch(w.Body.String())
	if m == nil {
		t.Fatalf("no form of a preview:\n%s", w.Body)
	}
	return m[1] + m[2]
}

// TestOwnLifetimeFinds whoever is named, however many names begin alike, and
// keeps what was chosen where nobody is.
func TestOwnLifetimeFinds(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	for i := range 101 {
		r.store.Clock.Advance(time.Millisecond)
		r.addPerson(fmt.Sprintf("ann%03d", i))
	}
	ann := r.addPerson("Ann")
	look := func(who, lifetime string) *httptest.ResponseRecorder {
		t.Helper()
		return b.get("/admin/lifetimes?" + url.Values{"who": {who}, "lifetime": {lifetime}}.Encode())
	}
	for _, who := range []string{"Ann", "ann", "ANN", " ann ", "ａｎｎ", ann.ID} {
		shows(t, who, look(who, "7d"), http.StatusOK, "For Ann: 7 days", `name="user_id" value="`+ann.ID+`"`, `value="7d" selected`)
	}
	for lang, words := range map[string][2]string{"en": {"Nobody has this username.", "This is needed."}, "zh": {"没有这样的用户名。", "此项必填。"}} {
		b.header["Accept-Language"] = lang
		for who, want := range map[string]string{"an": words[0], "eve": words[0], "an%": words[0], "a_n": words[0], "ann000\x00": words[0], "\xff": words[0],
			strings.Repeat("a", 255): words[0], "01h00000000000000000000000": words[0], "": words[1], "  ": words[1]} {
			page := look(who, "7d")
			shows(t, strconv.Quote(who)+" in "+lang, page, http.StatusUnprocessableEntity, `id="who-wrong">`+want, `value="7d" selected`, `aria-invalid="true"`)
			if strings.Contains(page.Body.String(), `id="preview"`) {
				t.Errorf("%q in %s has a preview", who, lang)
			}
		}
		// Of the two forms, the one that was sent is complained about.
		wrong := map[string]string{"en": "This is not allowed here.", "zh": "此内容不被允许。"}[lang]
		shows(t, "a lifetime that is none, for ann", look("ann", "2d"), http.StatusUnprocessableEntity, `id="own-lifetime-wrong">`+wrong, `value="ann"`)
		page := b.get("/admin/lifetimes?lifetime=2d")
		shows(t, "a lifetime that is none, for everybody", page, http.StatusUnprocessableEntity, wrong)
		if strings.Contains(page.Body.String(), "own-lifetime-wrong") {
			t.Error("the form for everybody complains about the one for single people")
		}
	}
	if page := b.get("/admin/lifetimes").Body.String(); strings.Contains(page, " selected") {
		t.Error("a lifetime is chosen for nobody")
	}
}
