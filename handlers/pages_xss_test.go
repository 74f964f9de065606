package handlers_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// markup is what somebody may try to be more than text with. None is longer than
// a nickname may be.
var markup = []string{
	`<script>alert(1)</script>`,
	`<ScRiPt>alert(1)</sCrIpT>`,
	`<script src=//evil.example></script>`,
	`<script/x>alert(1)</script>`,
	`<<script>alert(1)//<</script>`,
	`</title><script>alert(1)</script>`,
	`</textarea><script>alert(1)</script>`,
	`</style><script>alert(1)</script>`,
	`--><script>alert(1)</script>`,
	`]]><script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`,
	`<img/src=x/onerror=alert(1)>`,
	`<IMG """><SCRIPT>alert(1)</SCRIPT>">`,
	`<svg onload=alert(1)>`,
	`<svg/onload=alert(1)//`,
	`<svg><animate onbegin=alert(1) attributeName=x>`,
	`<svg><script>alert&#40;1)</script>`,
	`<math><mi xlink:href="javascript:alert(1)">x`,
	`<body onload=alert(1)>`,
	`<iframe src=javascript:alert(1)>`,
	`<iframe srcdoc="<script>alert(1)</script>">`,
	`<object data=javascript:alert(1)>`,
	`<embed src=javascript:alert(1)>`,
	`<a href=javascript:alert(1)>x</a>`,
	`<a href="jav&#x09;ascript:alert(1)">x</a>`,
	`<form action=javascript:alert(1)><button>x`,
	`<button formaction=javascript:alert(1)>x`,
	`<input autofocus onfocus=alert(1)>`,
	`<select autofocus onfocus=alert(1)>`,
	`<video><source onerror=alert(1)>`,
	`<details open ontoggle=alert(1)>`,
	`<marquee onstart=alert(1)>`,
	`<link rel=stylesheet href=//evil.example>`,
	`<meta http-equiv=refresh content="0;url=//evil.example">`,
	`<base href=//evil.example>`,
	`<style>*{background:url(//evil.example)}</style>`,
	`<template><script>alert(1)</script></template>`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	`" onmouseover="alert(1)`,
	`' onmouseover='alert(1)`,
	`"><script>alert(1)</script>`,
	`'><script>alert(1)</script>`,
	`" autofocus onfocus=alert(1) x="`,
	"`onmouseover=alert(1)`",
	`x" style="background:red`,
	`javascript:alert(1)//`,
	`data:text/html,<script>alert(1)</script>`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`,
	`&#60;script&#62;alert(1)`,
	`{{.}}{{template "top"}}`,
	`${alert(1)}`,
	`%3Cscript%3Ealert(1)%3C/script%3E`,
	`\u003cscript\u003ealert(1)`,
	`＜script＞alert(1)＜/script＞`,
}

var (
	anyTag    = regexp.MustCompile(`<[^>]*>`)
	attribute = regexp.MustCompile(`="[^"]*"`)
)

// bones are the tags of a page with the names of their attributes.
func bones(page string) string {
	return strings.Join(anyTag.FindAllString(attribute.ReplaceAllString(page, "="), -1), "\n")
}

// TestMarkupIsText: the page is the same whatever a field holds, but for that text.
func TestMarkupIsText(t *testing.T) {
	if len(markup) < 40 {
		t.Fatalf("%d tries, want at least 40", len(markup))
	}
	r := newRig(t)
	b := r.joined("ann")
	places := map[string]func(value string) string{
		"nickname": func(value string) string {
			leads(t, "nickname "+value, b.post("/account/profile", "nickname", value), "/account?why=profile")
			return b.get("/account").Body.String()
		},
		"nickname in the chat": func(value string) string {
			leads(t, "nickname "+value, b.post("/account/profile", "nickname", value), "/account?why=profile")
			return b.get("/chat").Body.String()
		},
		"nickname that is refused": func(value string) string {
			return b.post("/account/profile", "nickname", value, "email", "x").Body.String()
		},
		"avatar": func(value string) string { return b.post("/account/profile", "avatar_url", "//"+value).Body.String() },
		"username": func(value string) string {
			return r.browser().post("/register", "username", "@"+value, "password", password).Body.String()
		},
		"login": func(value string) string {
			return r.browser().post("/login", "login", "@ "+value, "password", "").Body.String()
		},
		"name to delete": func(value string) string { return b.post("/account/delete", "confirm", value).Body.String() },
	}
	for place, show := range places {
		want := bones(show("plain"))
		for _, value := range markup {
			page := show(value)
			if got := bones(page); got != want {
				t.Errorf("%s %q changes the page to\n%s\nwant\n%s", place, value, got, want)
			}
			if place != "name to delete" && !strings.Contains(html.UnescapeString(page), value) {
				t.Errorf("%s %q is not shown as it is", place, value)
			}
			if !utf8.ValidString(page) {
				t.Errorf("%s %q breaks the page", place, value)
			}
		}
	}
}

// TestMarkupInAddresses: what an address asks for is a notice of ours or none, and
// an address to come back to is one value of one field.
func TestMarkupInAddresses(t *testing.T) {
	r := newRig(t)
	get := func(address string) *httptest.ResponseRecorder { return r.browser().get(address) }
	plain := map[string]string{}
	for _, address := range []string{"/login?why=", "/login?next=/", "/login?next=", "/admin/login?next=/", "/admin/login?next="} {
		plain[address] = bones(get(address + "plain").Body.String())
	}
	if plain["/login?next=/"] == plain["/login?next="] {
		t.Fatal("a page to come back to makes no difference")
	}
	for _, value := range markup {
		for address, want := range plain {
			page := get(address + url.QueryEscape(value))
			asked, kept := field(page, "next")
			if !kept && address == "/login?next=/" || !kept && address == "/admin/login?next=/" {
				want = plain[strings.TrimSuffix(address, "/")]
			}
			if got := bones(page.Body.String()); got != want || page.Code != http.StatusOK {
				t.Errorf("%s%s = %d and changes the page to\n%s\nwant\n%s", address, value, page.Code, got, want)
			}
			if kept && asked != "/"+value {
				t.Errorf("%s%s is come back to as %q", address, value, asked)
			}
			back, _ := field(page, "back")
			if want := address + url.QueryEscape(value); back != want {
				t.Errorf("another language of %s leads to %q", want, back)
			}
		}
		// As a form may send it, and as part of an address that is ours.
		page := "/account?x=" + url.QueryEscape(value)
		wrong := r.browser().post("/login", "login", "ann", "password", "", "next", page)
		if got, _ := field(wrong, "next"); got != page {
			t.Errorf("%q is come back to as %q", page, got)
		}
	}
}

// TestMarkupInSessions: what a client calls itself is text, too, for its person and
// for admins.
func TestMarkupInSessions(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	boss := r.steering()
	ann, err := r.store.UserByUsername(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, value := range append([]string{"plain"}, markup...) {
		other := r.browser()
		other.header["X-Device-Name"], other.header["User-Agent"] = value, value
		leads(t, "log in", other.post("/login", "login", "ann", "password", password), "/chat")
		for path, who := range map[string]*browser{"/account": b, "/admin/people/" + ann.ID: boss} {
			page := who.get(path).Body.String()
			if want[path] == "" {
				want[path] = bones(page)
			}
			if got := bones(page); got != want[path] {
				t.Fatalf("device %q changes %s to\n%s\nwant\n%s", value, path, got, want[path])
			}
			if !strings.Contains(html.UnescapeString(page), value) {
				t.Errorf("device %q is not shown on %s as it is", value, path)
			}
		}
		leads(t, "log out", other.post("/logout"), "/login?why=out")
	}
}

// TestMarkupInSearch: an answer of the API is never a page.
func TestMarkupInSearch(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	for i, value := range markup {
		if i%25 == 0 {
			r.store.Clock.Advance(60e9)
		}
		a := r.do(request{method: "GET", path: "/v1/people", token: ann.access, header: map[string]string{"Accept": "text/html"}})
		a.want(t, "no query", http.StatusBadRequest, "bad_query")
		req := r.find(ann, "query="+strings.NewReplacer("%", "%25", "&", "%26", "#", "%23", " ", "%20", `"`, "%22", "+", "%2b", ";", "%3b").Replace(value))
		if kind := req.header.Get("Content-Type"); req.status != http.StatusOK || !strings.HasPrefix(kind, "application/json") || req.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("search for %q = %d as %s", value, req.status, kind)
		}
	}
}
