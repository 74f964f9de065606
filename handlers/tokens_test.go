package handlers_test

import (
	"net/http"
	"testing"
	"time"

	"imbridge/handlers"
)

func (r *rig) token(p person) answer {
	r.t.Helper()
	return r.do(request{method: "GET", path: "/v1/im/token", token: p.access})
}

func (r *rig) refused(p person, token string) answer {
	r.t.Helper()
	return r.do(request{method: "POST", path: "/v1/im/token/refused", token: p.access, body: map[string]any{"token": token, "code": 31004}})
}

func TestConnectToken(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	a := r.token(ann).want(t, "token", http.StatusOK, "")
	for field, want := range map[string]any{"cloud": "rongcloud", "app_key": "imbridgesandbox", "im_user_id": ann.id, "token": ann.connect, "expires_at": nil, "renew_after": nil} {
		if got := a.get(field); got != want {
			t.Errorf("%s = %v, want %v", field, got, want)
		}
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
	admin := r.admin()
	r.do(request{method: "PUT", path: "/v1/admin/lifetimes/default", token: admin, header: map[string]string{"If-Match": "*"}, body: map[string]any{"lifetime": "20s"}}).
		want(t, "shorten the lifetime", http.StatusOK, "")
	a = r.token(ann).want(t, "token", http.StatusOK, "")
	if a.get("expires_at") == nil || a.get("renew_after") == nil || a.text("renew_after") >= a.text("expires_at") {
		t.Errorf("with a lifetime of 20s: expires_at %v, renew_after %v; want both, in order", a.get("expires_at"), a.get("renew_after"))
	}
	r.store.Clock.Advance(21 * time.Second)
	next := r.token(ann).want(t, "token after its end", http.StatusOK, "")
	if next.text("token") == ann.connect {
		t.Error("a token that had run out was handed out")
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	if got := r.refused(ann, "another token").want(t, "report another token", http.StatusOK, "").text("token"); got != ann.connect {
		t.Error("a report about another token replaced the stored one")
	}
	current := ann.connect
	for i := range 5 {
		next := r.refused(ann, current).want(t, "report", http.StatusOK, "").text("token")
		if next == current {
			t.Fatalf("report %d gave the refused token back", i)
		}
		current = next
	}
	a := r.refused(ann, current).want(t, "sixth report", http.StatusTooManyRequests, "refused_too_often")
	if got := a.header.Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After = %q, want 60", got)
	}
	r.store.Clock.Advance(time.Minute)
	r.refused(ann, current).want(t, "a minute later", http.StatusOK, "")
}

// TestCloudFaults makes the cloud fail in each way: nobody is kept from
// registering or logging in, a stored token is served, and who has none is told
// when to come back.
func TestCloudFaults(t *testing.T) {
	for name, fault := range map[string]map[string]any{
		"500":          {"mode": "status", "status": 500},
		"html 200":     {"mode": "status", "status": 200},
		"garbage":      {"mode": "garbage"},
		"empty":        {"mode": "empty"},
		"reset before": {"mode": "reset_before"},
		"reset after":  {"mode": "reset_after"},
		"slow":         {"mode": "delay", "delay_ms": 60000},
		"wrong key":    {"mode": "code", "code": 1002},
		"bad secret":   {"mode": "code", "code": 1004},
		"quota":        {"mode": "code", "code": 2007},
		"throttled":    {"mode": "code", "code": 1008},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, withDeps(func(d *handlers.Deps) {
				d.Settings.RegisterBudget, d.Settings.TokenBudget = 300*time.Millisecond, 300*time.Millisecond
			}))
			bob := r.register("bob")
			r.fault(fault)
			a := r.do(request{method: "POST", path: "/v1/register", body: map[string]any{"username": "ann", "password": password}}).want(t, "register", http.StatusCreated, "")
			if a.get("im") != nil || a.text("user", "im_state") != "pending" {
				t.Errorf("im = %v, im_state %q; want null and pending", a.get("im"), a.text("user", "im_state"))
			}
			ann := personOf(a)
			if got := r.login("ann", password).want(t, "login", http.StatusOK, "").get("im"); got != nil {
				t.Errorf("im = %v, want null", got)
			}
			none := r.token(ann).want(t, "token", http.StatusServiceUnavailable, "im_unavailable")
			if none.header.Get("Retry-After") == "" {
				t.Error("Retry-After is missing")
			}
			if got := r.token(bob).want(t, "bob's stored token", http.StatusOK, "").text("token"); got != bob.connect {
				t.Errorf("bob's token = %q, want the stored one", got)
			}
			r.do(request{method: "GET", path: "/v1/me", token: ann.access}).want(t, "me", http.StatusOK, "")
		})
	}
}

func TestJWKS(t *testing.T) {
	r := newRig(t)
	a := r.do(request{method: "GET", path: "/.well-known/jwks.json"}).want(t, "jwks", http.StatusOK, "")
	if got := len(a.get("keys").([]any)); got != 1 {
		t.Errorf("keys = %d, want 1", got)
	}
}
