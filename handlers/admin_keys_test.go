package handlers_test

import (
	"net/http"
	"testing"
)

func TestRotateSigningKeys(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	rotate := func(token string, body any) answer {
		return r.do(request{method: "POST", path: "/v1/admin/signing-keys/rotate", token: token, body: body})
	}
	published := func() int {
		t.Helper()
		a := r.do(request{method: "GET", path: "/.well-known/jwks.json"}).want(t, "jwks", http.StatusOK, "")
		return len(a.get("keys").([]any))
	}
	rotate(ann.access, map[string]any{"emergency": true}).want(t, "rotate by a user", http.StatusForbidden, "forbidden")
	rotate(admin, map[string]any{}).want(t, "rotate without saying how", http.StatusUnprocessableEntity, "invalid_field")
	rotate(admin, map[string]any{"emergency": "yes"}).want(t, "rotate by a word", http.StatusBadRequest, "bad_field")
	if n := published(); n != 1 {
		t.Fatalf("%d keys are published after refused rotations, want 1", n)
	}

	rotate(admin, map[string]any{"emergency": false}).want(t, "rotate", http.StatusNoContent, "")
	if n := published(); n != 2 {
		t.Errorf("%d keys are published after a rotation, want 2", n)
	}
	r.token(ann)

	rotate(admin, map[string]any{"emergency": true}).want(t, "emergency", http.StatusNoContent, "")
	if n := published(); n != 1 {
		t.Errorf("%d keys are published after an emergency, want 1", n)
	}
	r.do(request{method: "GET", path: "/v1/im/token", token: ann.access}).want(t, "token after it", http.StatusUnauthorized, "token_invalid")
	rotate(admin, map[string]any{"emergency": false}).want(t, "the admin after it", http.StatusUnauthorized, "token_invalid")
	a := r.do(request{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": ann.refresh}}).want(t, "refresh", http.StatusOK, "")
	r.do(request{method: "GET", path: "/v1/me", token: a.text("session", "access_token")}).want(t, "me with the new access token", http.StatusOK, "")
}
