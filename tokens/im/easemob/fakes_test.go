package easemob

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"imbridge/tokens/im"
)

// secret has every sign that a URL would escape.
const secret = "Planted+Secret/17="

// A fake is a cloud in the process, behind no network. It answers by method and
// path below the app, and app tokens by itself unless it is told otherwise.
type fake struct {
	answers map[string]func(n int, r *http.Request) (int, string) // n counts calls to it, from 1

	mu     sync.Mutex
	counts map[string]int
	bodies map[string][]string
	tokens []string // that calls carried, but for calls for app tokens
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}
	key := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/org/app")
	if strings.Contains(body, "client_credentials") {
		key = "app token"
	}
	f.mu.Lock()
	if f.counts == nil {
		f.counts, f.bodies = map[string]int{}, map[string][]string{}
	}
	f.counts[key]++
	n := f.counts[key]
	f.bodies[key] = append(f.bodies[key], body)
	if key != "app token" {
		f.tokens = append(f.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	f.mu.Unlock()
	status, answer := 404, `{"error":"service_resource_not_found","error_description":"Service resource not found"}`
	switch answerer := f.answers[key]; {
	case answerer != nil:
		status, answer = answerer(n, r)
	case key == "app token":
		status, answer = 200, fmt.Sprintf(`{"access_token":"app%d","expires_in":1000,"application":"x"}`, n)
	case key == "PUT /metadata/user/u1":
		status, answer = 200, `{"timestamp":1,"duration":0,"data":{}}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func (f *fake) count(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[key]
}

// body is what was sent last, read as JSON.
func (f *fake) body(t *testing.T, key string) map[string]any {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.bodies[key]
	if len(all) == 0 {
		t.Fatalf("no call of %s", key)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(all[len(all)-1]), &got); err != nil {
		t.Fatalf("the body of %s is %q: %v", key, all[len(all)-1], err)
	}
	return got
}

// always answers every call alike.
func always(status int, body string) func(int, *http.Request) (int, string) {
	return func(int, *http.Request) (int, string) { return status, body }
}

const (
	goodToken = `{"access_token":"YWMtAAAA","expires_in":86400,"user":{"uuid":"id1","type":"user","username":"u1","activated":true}}`
	goodUser  = `{"entities":[{"uuid":"id1","type":"user","username":"u1","activated":true}],"count":1,"timestamp":1}`
	noUser    = `{"error":"service_resource_not_found","error_description":"Service resource not found","timestamp":1}`
)

func newTestClient(t testing.TB, cloud http.RoundTripper, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{AppKey: "org#app", ClientID: "id", ClientSecret: secret}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatalf("New(%v) = %v, want no complaint", cfg, err)
	}
	c.HTTP = &http.Client{Transport: cloud}
	return c
}

// wantKind returns the error as what it must be.
func wantKind(t testing.TB, err error, want im.Kind) *im.Error {
	t.Helper()
	var e *im.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("error = %v, want an *im.Error of kind %q", err, want)
	}
	return e
}

var ann = im.User{ID: "u1", Name: "Ann", AvatarURL: "https://a/b"}
