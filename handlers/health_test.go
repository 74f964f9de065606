package handlers_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"imbridge/handlers"
)

func TestReadiness(t *testing.T) {
	var breaker atomic.Value
	breaker.Store("closed")
	r := newRig(t, withDeps(func(d *handlers.Deps) { d.CloudState = func() string { return breaker.Load().(string) } }))
	ready := func(status int, want string) answer {
		t.Helper()
		a := r.do(request{method: "GET", path: "/readyz"})
		if a.status != status || a.text("status") != want {
			t.Errorf("readyz = %d %s, want %d %s", a.status, a.raw, status, want)
		}
		return a
	}
	ready(http.StatusOK, "ready")
	breaker.Store("open")
	if got := ready(http.StatusOK, "degraded").text("checks", "cloud", "state"); got != "open" {
		t.Errorf("cloud.state = %q, want open", got)
	}
	breaker.Store("half-open")
	ready(http.StatusOK, "ready")

	// One look at the database serves everybody for a second.
	r.store.Exec(t, "ALTER TABLE bridge_state RENAME TO bridge_state_gone")
	ready(http.StatusOK, "ready")
	r.store.Clock.Advance(time.Second)
	ready(http.StatusServiceUnavailable, "unready")
	r.store.Exec(t, "ALTER TABLE bridge_state_gone RENAME TO bridge_state")
	ready(http.StatusServiceUnavailable, "unready")
	r.store.Clock.Advance(time.Second)
	ready(http.StatusOK, "ready")

	r.deps.Health.SetDraining()
	if a := ready(http.StatusServiceUnavailable, "unready"); a.get("draining") != true {
		t.Errorf("readyz while draining = %s, want draining", a.raw)
	}
	r.do(request{method: "GET", path: "/livez"}).want(t, "livez while draining", http.StatusOK, "")
	r.register("ann") // is still served
}

// TestPages follows the links of the pages, and of problems into them.
func TestPages(t *testing.T) {
	r := newRig(t)
	get := func(path string) string {
		return string(r.do(request{method: "GET", path: path}).want(t, path, http.StatusOK, "").raw)
	}
	reference, errors, yaml := get("/docs"), get("/docs/errors"), get("/openapi.yaml")
	for _, code := range handlers.ProblemCodes() {
		if !strings.Contains(errors, `id="`+code+`"`) {
			t.Errorf("/docs/errors has no entry for %s", code)
		}
	}
	for path, item := range contractDoc(t).Paths.Map() {
		for method := range item.Operations() {
			if !strings.Contains(reference, path) || !strings.Contains(reference, method) {
				t.Errorf("/docs does not show %s %s", method, path)
			}
		}
	}
	if !strings.HasPrefix(yaml, "# The contract") {
		t.Error("/openapi.yaml is not the contract")
	}
	get("/docs/static/style.css")
	for name, page := range map[string]string{"/docs": reference, "/docs/errors": errors} {
		for _, bad := range []string{"<script", "style=", "onclick", "https://", "http://cdn", "%!"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
		if !strings.Contains(page, "/docs/static/style.css") {
			t.Errorf("%s has no style sheet", name)
		}
	}
}
