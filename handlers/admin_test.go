package handlers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"imbridge/models"
)

func (r *rig) setLifetime(token, who, lifetime, ifMatch string) answer {
	r.t.Helper()
	q := request{method: "PUT", path: "/v1/admin/lifetimes/" + who, token: token, body: map[string]any{"lifetime": lifetime}, header: map[string]string{}}
	if ifMatch != "" {
		q.header["If-Match"] = ifMatch
	}
	return r.do(q)
}

func TestLifetimes(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	list := func() answer {
		return r.do(request{method: "GET", path: "/v1/admin/lifetimes", token: admin}).want(t, "lifetimes", http.StatusOK, "")
	}
	first := list()
	if got := fmt.Sprint(first.get("choices")); got != "[permanent 30d 7d 1d 20s]" {
		t.Errorf("choices = %s, want [permanent 30d 7d 1d 20s]", got)
	}
	etag := first.header.Get("ETag")
	a := r.setLifetime(admin, "default", "7d", etag).want(t, "set default", http.StatusOK, "")
	if got := a.text("lifetime"); got != "7d" {
		t.Errorf("lifetime = %q, want 7d", got)
	}
	now := list()
	if a.header.Get("ETag") != now.header.Get("ETag") || a.header.Get("ETag") == etag {
		t.Errorf("ETag after the change = %q, want the list's %q and not %q", a.header.Get("ETag"), now.header.Get("ETag"), etag)
	}
	r.setLifetime(admin, "default", "1d", etag).want(t, "lost race", http.StatusPreconditionFailed, "precondition_failed")
	r.setLifetime(admin, "default", "1d", "").want(t, "no If-Match", http.StatusPreconditionRequired, "precondition_required")
	if got := list().text("default", "lifetime"); got != "7d" {
		t.Errorf("default after refused changes = %q, want 7d", got)
	}

	users := "users/" + ann.id
	r.setLifetime(admin, users, "1d", now.header.Get("ETag")).want(t, "set for ann", http.StatusOK, "")
	row := list().get("users").([]any)
	if len(row) != 1 || row[0].(map[string]any)["user_id"] != ann.id || row[0].(map[string]any)["lifetime"] != "1d" {
		t.Errorf("users = %v, want ann with 1d", row)
	}
	version := fmt.Sprint(row[0].(map[string]any)["version"])
	if v := r.token(ann).get("expires_at"); v == nil {
		t.Error("expires_at = null, want a day from now")
	}
	r.setLifetime(admin, users, "30d", version).want(t, "bare version", http.StatusOK, "")
	r.setLifetime(admin, users, "30d", `"`+version+`"`).want(t, "old version", http.StatusPreconditionFailed, "precondition_failed")

	remove := func(ifMatch string) answer {
		return r.do(request{method: "DELETE", path: "/v1/admin/lifetimes/" + users, token: admin, header: map[string]string{"If-Match": ifMatch}})
	}
	r.do(request{method: "DELETE", path: "/v1/admin/lifetimes/" + users, token: admin}).want(t, "delete without If-Match", http.StatusPreconditionRequired, "precondition_required")
	remove(etag).want(t, "delete with an old ETag", http.StatusPreconditionFailed, "precondition_failed")
	a = remove(list().header.Get("ETag")).want(t, "delete", http.StatusNoContent, "")
	if got := a.header.Get("ETag"); got != list().header.Get("ETag") {
		t.Errorf("ETag after delete = %q, want the list's", got)
	}
	remove("*").want(t, "delete again", http.StatusNotFound, "not_found")
	r.setLifetime(admin, users, "1d", `"0"`).want(t, "version 0 where there is none", http.StatusOK, "")
	r.setLifetime(admin, "users/01h00000000000000000000000", "1d", "*").want(t, "somebody unknown", http.StatusNotFound, "not_found")
	for _, bad := range []string{"2d", "forever", "0s", "-1d", "30D", "permanent "} {
		a := r.setLifetime(admin, "default", bad, "*").want(t, "lifetime "+bad, http.StatusUnprocessableEntity, "invalid_field")
		if a.text("field") != "lifetime" {
			t.Errorf("field = %q, want lifetime", a.text("field"))
		}
	}
}

func TestIfMatch(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	get := func() (etag, version string) {
		a := r.do(request{method: "GET", path: "/v1/admin/lifetimes", token: admin})
		return a.header.Get("ETag"), fmt.Sprint(a.get("default", "version"))
	}
	for _, c := range []struct {
		header string
		want   int
	}{
		{"ETAG", 200}, {"VERSION", 200}, {`"VERSION"`, 200}, {"*", 200}, {`"x", ETAG`, 200}, {`"r999", "999", ETAG`, 200},
		{`W/ETAG`, 412}, {`"r0"`, 412}, {"garbage", 412}, {`"`, 412}, {`""`, 412}, {",", 412}, {`"r-1"`, 412}, {`"r01"`, 412}, {"9999999999999999999999", 412},
		{`'r1'`, 412}, {`"r1`, 412}, {"  ", 428},
	} {
		etag, version := get()
		header := strings.NewReplacer("ETAG", etag, "VERSION", version).Replace(c.header)
		if a := r.setLifetime(admin, "default", "7d", header); a.status != c.want {
			t.Errorf("If-Match: %s = %d %s, want %d", header, a.status, a.raw, c.want)
		}
	}
}

func TestPreview(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	r.admin()
	r.register("bob")
	r.store.Clock.Advance(25 * time.Second)
	admin := r.do(request{method: "POST", path: "/v1/admin/login", body: map[string]any{"name": "root", "password": adminPassword}}).text("access_token")
	preview := func(who, lifetime string) string {
		a := r.do(request{method: "POST", path: "/v1/admin/lifetimes/" + who + "/preview", token: admin, body: map[string]any{"lifetime": lifetime}}).want(t, "preview", http.StatusOK, "")
		return string(a.raw)
	}
	for _, c := range []struct{ who, lifetime, want string }{
		{"default", "permanent", `{"tokens":2,"due_now":0,"due_1h":0,"due_24h":0}`},
		{"default", "1d", `{"tokens":2,"due_now":0,"due_1h":0,"due_24h":2}`},
		{"default", "20s", `{"tokens":2,"due_now":2,"due_1h":2,"due_24h":2}`},
		{"users/" + ann.id, "20s", `{"tokens":1,"due_now":1,"due_1h":1,"due_24h":1}`},
	} {
		if got := preview(c.who, c.lifetime); strings.TrimSpace(got) != c.want {
			t.Errorf("preview of %s for %s = %s, want %s", c.lifetime, c.who, got, c.want)
		}
	}
	r.do(request{method: "POST", path: "/v1/admin/lifetimes/users/01h00000000000000000000000/preview", token: admin, body: map[string]any{"lifetime": "1d"}}).
		want(t, "preview for somebody unknown", http.StatusNotFound, "not_found")
}

func TestAdminUsers(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	var ids []string
	for i := range 5 {
		ids = append(ids, r.register(fmt.Sprintf("ann%d", i)).id)
		r.store.Clock.Advance(time.Millisecond)
	}
	r.register("bob")
	var got []string
	path := "/v1/admin/users?query=ANN&limit=2"
	for pages := 0; ; pages++ {
		a := r.do(request{method: "GET", path: path, token: admin}).want(t, "users", http.StatusOK, "")
		for _, u := range a.get("users").([]any) {
			got = append(got, u.(map[string]any)["id"].(string))
		}
		cursor := a.text("next_cursor")
		if cursor == "" || pages > 5 {
			break
		}
		path = "/v1/admin/users?query=ANN&limit=2&cursor=" + cursor
	}
	if fmt.Sprint(got) != fmt.Sprint(ids) {
		t.Errorf("pages of users = %v, want %v", got, ids)
	}
	for query, code := range map[string]string{"limit=0": "bad_query", "limit=101": "bad_query", "limit=x": "bad_query", "limit=1e1": "bad_query", "query=%00": "bad_query",
		"query=%ff": "bad_query", "query=" + strings.Repeat("x", 300): "bad_query", "cursor=x": "bad_cursor", "cursor=" + strings.Repeat("A", 36): "bad_cursor"} {
		r.do(request{method: "GET", path: "/v1/admin/users?" + query, token: admin}).want(t, query, http.StatusBadRequest, code)
	}
}

func TestReissue(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	a := r.do(request{method: "POST", path: "/v1/admin/users/" + ann.id + "/reissue", token: admin}).want(t, "reissue", http.StatusOK, "")
	next := r.token(ann).want(t, "token", http.StatusOK, "").text("token")
	if next == ann.connect {
		t.Error("the old token is still handed out after a reissue")
	}
	if got, want := a.text("fingerprint"), models.Fingerprint(next)[:16]; got != want {
		t.Errorf("fingerprint = %q, want %q", got, want)
	}
	if strings.Contains(string(a.raw), next) {
		t.Error("the answer shows the token")
	}
	for _, id := range []string{"01h00000000000000000000000", "x", "..%2f..", strings.ToUpper(ann.id)} {
		r.do(request{method: "POST", path: "/v1/admin/users/" + id + "/reissue", token: admin}).want(t, "reissue for "+id, http.StatusNotFound, "not_found")
	}
	r.fault(map[string]any{"mode": "status", "status": 500})
	r.do(request{method: "POST", path: "/v1/admin/users/" + ann.id + "/reissue", token: admin}).want(t, "reissue without a cloud", http.StatusServiceUnavailable, "im_unavailable")
}

func TestAudit(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	r.setLifetime(admin, "default", "7d", "*")
	r.do(request{method: "POST", path: "/v1/admin/users/" + ann.id + "/reissue", token: admin}).want(t, "reissue", http.StatusOK, "")
	actions := map[string]bool{}
	path := "/v1/admin/audit?limit=1"
	for range 20 {
		a := r.do(request{method: "GET", path: path, token: admin}).want(t, "audit", http.StatusOK, "")
		for _, e := range a.get("entries").([]any) {
			actions[e.(map[string]any)["action"].(string)] = true
		}
		if a.text("next_cursor") == "" {
			break
		}
		path = "/v1/admin/audit?limit=1&cursor=" + a.text("next_cursor")
	}
	for _, want := range []string{"user.register", "admin.login", "lifetime.set", "token.reissue"} {
		if !actions[want] {
			t.Errorf("audit shows %v, want %s among them", sorted(actions), want)
		}
	}
	r.do(request{method: "GET", path: "/v1/admin/audit", token: ann.access}).want(t, "audit for a user", http.StatusForbidden, "forbidden")
}

// TestAdminGone takes an admin away while their token is still valid.
func TestAdminGone(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	r.do(request{method: "GET", path: "/v1/me", token: admin}).want(t, "an admin's token at a user's route", http.StatusForbidden, "forbidden")
	r.do(request{method: "GET", path: "/v1/im/token", token: admin}).want(t, "an admin's token at a user's route", http.StatusForbidden, "forbidden")
	r.do(request{method: "GET", path: "/v1/admin/users", token: ann.access}).want(t, "a user's token at an admin's route", http.StatusForbidden, "forbidden")
	r.store.Exec(t, "DELETE FROM admins")
	if n, err := r.store.Admins(context.Background()); n != 0 || err != nil {
		t.Fatalf("admins = %d, %v; want none", n, err)
	}
	r.do(request{method: "GET", path: "/v1/admin/users", token: admin}).want(t, "a token of nobody", http.StatusUnauthorized, "token_invalid")
}
