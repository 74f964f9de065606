package handlers_test

import (
	"fmt"
	"net/http"
	"testing"
)

func TestCloudsAndTheirRotation(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	look := func() map[string]any {
		t.Helper()
		a := r.do(request{method: "GET", path: "/v1/admin/clouds", token: admin}).want(t, "clouds", http.StatusOK, "")
		list := a.get("clouds").([]any)
		if len(list) != 1 {
			t.Fatalf("clouds = %v, want one", list)
		}
		return list[0].(map[string]any)
	}
	first := look()
	for field, want := range map[string]string{"name": "rongcloud", "breaker": "closed", "secret_version": "1", "stale_tokens": "0",
		"console_lifetime": "permanent", "abilities": "[allow ban block check list profile remove revoke watch]"} {
		if got := fmt.Sprint(first[field]); got != want {
			t.Errorf("%s = %s, want %s", field, got, want)
		}
	}
	if again := r.token(ann).text("token"); again != ann.connect {
		t.Fatal("the token before the rotation is another one, want the first")
	}
	r.do(request{method: "POST", path: "/v1/admin/clouds/current/rotate", token: ann.access}).want(t, "rotate by a user", http.StatusForbidden, "forbidden")
	r.do(request{method: "POST", path: "/v1/admin/clouds/current/rotate", token: admin}).want(t, "rotate", http.StatusNoContent, "")
	if got := look(); fmt.Sprint(got["secret_version"], got["stale_tokens"]) != "2 1" {
		t.Errorf("version and stale tokens after the rotation = %v %v, want 2 1", got["secret_version"], got["stale_tokens"])
	}
	if fresh := r.token(ann).text("token"); fresh == ann.connect {
		t.Error("the token after the rotation is the stale one, want a new one")
	}
	if got := look(); fmt.Sprint(got["stale_tokens"]) != "0" {
		t.Errorf("stale tokens after ann came = %v, want 0", got["stale_tokens"])
	}
	// Another server is started with a new secret; this one has the older one.
	if _, err := r.store.SecretVersion(t.Context(), "rongcloud/"+first["app_key"].(string), "another"); err != nil {
		t.Fatal(err)
	}
	r.do(request{method: "POST", path: "/v1/admin/clouds/current/rotate", token: admin}).want(t, "rotate by a server that was not restarted", http.StatusConflict, "secret_replaced")
	a := r.do(request{method: "GET", path: "/v1/admin/audit", token: admin}).want(t, "audit", http.StatusOK, "")
	if got := fmt.Sprint(a.get("entries").([]any)[0].(map[string]any)["action"]); got != "cloud_secret.rotate" {
		t.Errorf("newest audit row = %s, want cloud_secret.rotate", got)
	}
}
