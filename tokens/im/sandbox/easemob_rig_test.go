package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	easeTestKey    = "acme#chat"
	easeTestID     = "planted-client-id"
	easeTestSecret = "planted-client-secret"
)

// An easeRig calls the Easemob dialect with an app token.
type easeRig struct {
	*rig
	token string
}

func newEaseRig(t *testing.T, change ...func(*Config)) *easeRig {
	t.Helper()
	change = append([]func(*Config){func(c *Config) {
		c.EasemobAppKey, c.EasemobClientID, c.EasemobClientSecret = easeTestKey, easeTestID, easeTestSecret
	}}, change...)
	r := &easeRig{rig: newRig(t, change...)}
	r.token = r.appToken()
	return r
}

func (r *easeRig) appToken() string {
	r.Helper()
	a := r.as("").want(200, "POST", "/token", `{"grant_type":"client_credentials","client_id":"`+easeTestID+`","client_secret":"`+easeTestSecret+`"}`)
	return a.fields["access_token"].(string)
}

// as is the rig with another token, or with none.
func (r *easeRig) as(token string) *easeRig { return &easeRig{rig: r.rig, token: token} }

type easeAnswer struct {
	status int
	err    string
	why    string
	fields map[string]any
	header http.Header
}

// ask calls a path below the app. The body is JSON, or none.
func (r *easeRig) ask(method, path, body string) easeAnswer {
	r.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(r.Context(), method, r.cloud.URL+"/acme/chat"+path, in)
	if err != nil {
		r.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.send(req)
}

func (r *easeRig) send(req *http.Request) easeAnswer {
	r.Helper()
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	a := easeAnswer{status: res.StatusCode, header: res.Header}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&a.fields); err != nil {
		r.Fatalf("%s %s: http %d, answer is no JSON object: %.200q", req.Method, req.URL.Path, res.StatusCode, raw)
	}
	a.err, _ = a.fields["error"].(string)
	a.why, _ = a.fields["error_description"].(string)
	return a
}

func (r *easeRig) want(status int, method, path, body string) easeAnswer {
	r.Helper()
	a := r.ask(method, path, body)
	if a.status != status {
		r.Fatalf("%s %s %.200s = http %d %v, want %d", method, path, body, a.status, a.fields, status)
	}
	return a
}

// refuses wants an error of this name.
func (r *easeRig) refuses(status int, name, method, path, body string) {
	r.Helper()
	if a := r.ask(method, path, body); a.status != status || a.err != name {
		r.Errorf("%s %s %.200s = http %d %s %q, want %d %s", method, path, body, a.status, a.err, a.why, status, name)
	}
}

func (r *easeRig) register(names ...string) {
	r.Helper()
	for _, name := range names {
		r.want(200, "POST", "/users", fmt.Sprintf(`{"username":%q,"password":"pw-%s"}`, name, name))
	}
}

// mint is a user's token by inherit.
func (r *easeRig) mint(name string) string {
	r.Helper()
	return r.want(200, "POST", "/token", fmt.Sprintf(`{"grant_type":"inherit","username":%q,"autoCreateUser":true}`, name)).fields["access_token"].(string)
}
