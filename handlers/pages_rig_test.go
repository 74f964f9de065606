package handlers_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"imbridge/handlers"
	"imbridge/models"
)

// A browser keeps cookies between its requests to the pages, as one on loopback.
type browser struct {
	*rig
	host    string
	cookies map[string]*http.Cookie
	header  map[string]string // of every request
}

func (r *rig) browser() *browser {
	return &browser{rig: r, host: "127.0.0.1:8080", cookies: map[string]*http.Cookie{}, header: map[string]string{}}
}

// send makes one request as the browser would, with form as its body if not nil.
func (b *browser) send(method, path string, form url.Values, header map[string]string) *httptest.ResponseRecorder {
	b.t.Helper()
	var req *http.Request
	if form != nil {
		req = httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		req = httptest.NewRequest(method, path, nil)
	}
	req.Host = b.host
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	for _, more := range []map[string]string{b.header, header} {
		for k, v := range more {
			if v == "" {
				req.Header.Del(k)
				continue
			}
			req.Header.Set(k, v)
		}
	}
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, req)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c
		if strings.HasSuffix(c.Name, "imbridge") || strings.HasSuffix(c.Name, "imbridge-admin") {
			b.mu.Lock()
			b.secrets = append(b.secrets, c.Value)
			b.mu.Unlock()
		}
	}
	if strings.Contains(w.Body.String(), planted) {
		b.t.Errorf("%s %s shows a secret", method, path)
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(http.MethodGet, path, nil, nil)
}

func (b *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send(http.MethodPost, path, form, nil)
}

// leads fails the test where an answer is not a redirect to a path.
func leads(t *testing.T, what string, w *httptest.ResponseRecorder, to string) {
	t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != to {
		t.Fatalf("%s = %d to %q, want 303 to %q:\n%s", what, w.Code, got, to, w.Body)
	}
}

// shows fails the test where a page is not of a status or lacks a text.
func shows(t *testing.T, what string, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("%s = %d, want %d:\n%s", what, w.Code, status, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) && !strings.Contains(html.UnescapeString(w.Body.String()), text) {
			t.Errorf("%s lacks %q:\n%s", what, text, w.Body)
		}
	}
}

// joined is a browser whose person has just registered.
func (r *rig) joined(name string) *browser {
	r.t.Helper()
	b := r.browser()
	leads(r.t, "register "+name, b.post("/register", "username", name, "password", password), "/chat")
	return b
}

// pageSources name where the pages of a rig may connect to.
func pageSources(d *handlers.Deps) {
	d.Settings.ConnectSources = []string{"http://127.0.0.1:1", "ws://127.0.0.1:1"}
}

// addPerson is somebody who has registered, without the detour of a cloud.
func (r *rig) addPerson(name string) models.User {
	r.t.Helper()
	reg, err := r.store.CreateUser(r.t.Context(), models.NewUser{Username: name, Password: password}, "", models.Origin{})
	if err != nil {
		r.t.Fatal(err)
	}
	return reg.User
}
