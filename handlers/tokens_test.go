package handlers_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"imbridge/handlers"
	"imbridge/tokens/outbox"
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
			t.Parallel()
			r := newRig(t, withDeps(func(d *handlers.Deps) {
				d.Settings.RegisterBudget, d.Settings.TokenBudget = 300*time.Millisecond, 2*time.Second
				d.Issuer.MintTimeout = time.Second
			}))
			bob := r.register("bob")
			bob.connect = r.token(bob).want(t, "bob's first token", http.StatusOK, "").text("token")
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

// TestCloudHearsOfRevocations watches the cloud while people end what they had:
// it is told.
func TestCloudHearsOfRevocations(t *testing.T) {
	for name, end := range map[string]func(r *rig, ann, other person) answer{
		"logout of others": func(r *rig, ann, _ person) answer {
			return r.do(request{method: "POST", path: "/v1/logout", token: ann.access, body: map[string]any{"scope": "others"}})
		},
		"logout of all": func(r *rig, ann, _ person) answer {
			return r.do(request{method: "POST", path: "/v1/logout", token: ann.access, body: map[string]any{"scope": "all"}})
		},
		"end of a session": func(r *rig, ann, other person) answer {
			return r.do(request{method: "DELETE", path: "/v1/sessions/" + other.session, token: ann.access})
		},
		"new password": func(r *rig, ann, _ person) answer {
			return r.do(request{method: "PUT", path: "/v1/me/password", token: ann.access, body: map[string]any{"current_password": password, "new_password": password + " 2"}})
		},
		"deletion": func(r *rig, ann, _ person) answer {
			return r.do(request{method: "DELETE", path: "/v1/me", token: ann.access})
		},
		"replay": func(r *rig, ann, _ person) answer {
			refresh := request{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": ann.refresh}}
			r.do(refresh).want(r.t, "refresh", http.StatusOK, "")
			r.store.Clock.Advance(time.Minute)
			r.do(refresh).want(r.t, "replay", http.StatusUnauthorized, "refresh_replayed")
			return answer{status: http.StatusNoContent}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			ann := r.register("ann")
			other := personOf(r.login("ann", password))
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			delivery := &outbox.Delivery{Store: r.store.Store, Cloud: r.deps.Issuer.Cloud, Issuer: r.deps.Issuer, Rate: 100, Now: r.deps.Now}
			runner := &outbox.Runner{Store: r.store.Store, Kinds: delivery.Kinds(), Process: "test", Now: r.deps.Now, Log: r.deps.Log}
			go func() { done <- runner.Run(ctx) }()
			defer func() { cancel(); <-done }()
			r.store.Clock.Advance(time.Second)
			end(r, ann, other).want(t, name, http.StatusNoContent, "")
			late := time.NewTimer(8 * time.Second)
			defer late.Stop()
			for {
				select {
				case op := <-r.calls:
					if op != "/user/token/expire.json" {
						continue
					}
					if got := r.box.TokenState(ann.connect); got == "valid" {
						t.Errorf("the cloud finds the token %q after %s, want it ended", got, name)
					}
					return
				case <-late.C:
					t.Fatalf("the cloud was not told of %s within 8 s", name)
				}
			}
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
