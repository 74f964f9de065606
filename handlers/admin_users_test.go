package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"imbridge/models"
)

// asAdmin sends a request of the admin API.
func (r *rig) asAdmin(token, method, path string, body any, ifMatch ...string) answer {
	r.t.Helper()
	q := request{method: method, path: "/v1/admin/" + path, token: token, body: body, header: map[string]string{}}
	if len(ifMatch) > 0 {
		q.header["If-Match"] = ifMatch[0]
	}
	return r.do(q)
}

func because(reason string) map[string]any { return map[string]any{"reason": reason} }

// kinds are those of the queue's rows in an answer.
func kinds(a answer, path ...string) string {
	var list []string
	rows, _ := a.get(path...).([]any)
	for _, row := range rows {
		list = append(list, row.(map[string]any)["kind"].(string))
	}
	return strings.Join(list, " ")
}

func TestAdminUser(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	show := func() answer {
		t.Helper()
		return r.asAdmin(admin, "GET", "users/"+ann.id, nil).want(t, "user", http.StatusOK, "")
	}
	a := show()
	if got, want := a.text("token", "fingerprint"), models.Fingerprint(ann.connect)[:16]; got != want {
		t.Errorf("fingerprint = %q, want %q", got, want)
	}
	if strings.Contains(string(a.raw), ann.connect) {
		t.Error("the answer shows the token")
	}
	sessions := a.get("sessions").([]any)
	if len(sessions) != 1 || sessions[0].(map[string]any)["id"] != ann.session {
		t.Errorf("sessions = %v, want %s alone", sessions, ann.session)
	}
	if a.text("status") != "active" || a.text("im_state") != "ready" || a.text("username") != "ann" || a.get("ban_reason") != nil || a.get("deleted_at") != nil {
		t.Errorf("user = %s, want ann, active and ready", a.raw)
	}

	// Banned: out at once, with the token gone, and the cloud to be told.
	r.asAdmin(admin, "POST", "users/"+ann.id+"/ban", because(" sends spam ")).want(t, "ban", http.StatusNoContent, "")
	r.token(ann).want(t, "token of the banned", http.StatusForbidden, "banned")
	r.login("ann", password).want(t, "login of the banned", http.StatusForbidden, "banned")
	if a := show(); a.text("status") != "banned" || a.text("ban_reason") != "sends spam" || a.get("token") != nil || !strings.Contains(kinds(a, "queue"), "ban") {
		t.Errorf("user after the ban = %s, want banned for sending spam, no token, a row in the queue", a.raw)
	}
	r.asAdmin(admin, "POST", "users/"+ann.id+"/unban", because("a mistake")).want(t, "unban", http.StatusNoContent, "")
	r.token(ann).want(t, "token after the ban", http.StatusOK, "")
	if a := show(); a.text("status") != "active" || a.get("ban_reason") != nil {
		t.Errorf("user after the unban = %s, want active", a.raw)
	}

	// Logged out everywhere, and let in again.
	r.asAdmin(admin, "POST", "users/"+ann.id+"/end-sessions", nil).want(t, "end sessions", http.StatusNoContent, "")
	r.do(request{method: "GET", path: "/v1/me", token: ann.access}).want(t, "me after the end", http.StatusUnauthorized, "session_ended")
	if got := len(show().get("sessions").([]any)); got != 0 {
		t.Errorf("sessions after the end = %d, want none", got)
	}
	r.login("ann", password).want(t, "login after the end", http.StatusOK, "")

	// Deleted: shown until the cloud has removed them, and nothing else works.
	r.asAdmin(admin, "DELETE", "users/"+ann.id, nil).want(t, "delete", http.StatusNoContent, "")
	if a := show(); a.text("status") != "deleted" || a.get("deleted_at") == nil || !strings.Contains(kinds(a, "queue"), "remove") {
		t.Errorf("user after the deletion = %s, want deleted, and a row in the queue", a.raw)
	}
	r.login("ann", password).want(t, "login of the deleted", http.StatusUnauthorized, "bad_credentials")
	for path, body := range map[string]any{"/ban": because("x"), "/unban": because("x"), "/end-sessions": nil} {
		r.asAdmin(admin, "POST", "users/"+ann.id+path, body).want(t, path+" of the deleted", http.StatusNotFound, "not_found")
	}
	r.asAdmin(admin, "DELETE", "users/"+ann.id, nil).want(t, "delete again", http.StatusNotFound, "not_found")

	// All of it is in the audit, with who and why.
	a = r.asAdmin(admin, "GET", "audit?subject=user:"+ann.id, nil).want(t, "audit", http.StatusOK, "")
	seen := map[string]string{}
	for _, e := range a.get("entries").([]any) {
		e := e.(map[string]any)
		reason, _ := e["detail"].(map[string]any)["reason"].(string)
		seen[e["action"].(string)] = strings.SplitN(e["actor"].(string), ":", 2)[0] + " " + reason
	}
	for action, want := range map[string]string{"user.ban": "admin sends spam", "user.unban": "admin a mistake", "user.delete": "admin "} {
		if seen[action] != want {
			t.Errorf("audit of %s = %q, want %q (all: %v)", action, seen[action], want, seen)
		}
	}
}

// TestAdminUserIfMatch has two admins look at one person: the second one's change
// is refused, whatever it is.
func TestAdminUserIfMatch(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/ban", because("spam")},
		{"POST", "/unban", because("a mistake")},
		{"DELETE", "", nil},
	} {
		bob := r.register("bob" + strings.ToLower(c.method) + c.path[min(len(c.path), 1):])
		path := "users/" + bob.id
		etag := r.asAdmin(admin, "GET", path, nil).header.Get("ETag")
		r.asAdmin(admin, "POST", path+"/ban", because("first"), etag).want(t, "first change", http.StatusNoContent, "")
		r.asAdmin(admin, c.method, path+c.path, c.body, etag).want(t, c.method+c.path+" with the old ETag", http.StatusPreconditionFailed, "precondition_failed")
		r.asAdmin(admin, c.method, path+c.path, c.body, `"r1"`).want(t, "the ETag of the lifetimes", http.StatusPreconditionFailed, "precondition_failed")
		r.asAdmin(admin, c.method, path+c.path, c.body, `garbage`).want(t, "garbage", http.StatusPreconditionFailed, "precondition_failed")
		r.asAdmin(admin, c.method, path+c.path, c.body, ` `).want(t, "an empty If-Match", http.StatusPreconditionRequired, "precondition_required")
		a := r.asAdmin(admin, "GET", path, nil)
		if a.text("ban_reason") != "first" {
			t.Errorf("after refused changes = %s, want it banned as the first admin did", a.raw)
		}
		r.asAdmin(admin, c.method, path+c.path, c.body, etag+", "+a.header.Get("ETag")).want(t, "the new ETag among two", http.StatusNoContent, "")
	}
	carl := r.register("carl")
	r.asAdmin(admin, "DELETE", "users/"+carl.id, nil, "*").want(t, "If-Match: *", http.StatusNoContent, "")
	r.asAdmin(admin, "DELETE", "users/"+carl.id, nil, `"1"`).want(t, "a version of the deleted", http.StatusNotFound, "not_found")
}

func TestAdminUserRefusals(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	nobody := "01h00000000000000000000000"
	for _, c := range []struct {
		method, path string
		body         any
	}{{"GET", "", nil}, {"DELETE", "", nil}, {"POST", "/ban", because("x")}, {"POST", "/unban", because("x")}, {"POST", "/end-sessions", nil}} {
		r.asAdmin(admin, c.method, "users/"+nobody+c.path, c.body).want(t, c.method+c.path+" of nobody", http.StatusNotFound, "not_found")
		r.asAdmin(admin, c.method, "users/x"+c.path, c.body).want(t, c.method+c.path+" of no id", http.StatusNotFound, "not_found")
		r.asAdmin(ann.access, c.method, "users/"+ann.id+c.path, c.body).want(t, c.method+c.path+" by a user", http.StatusForbidden, "forbidden")
	}
	for _, path := range []string{"/ban", "/unban"} {
		for _, reason := range []string{"", "   ", strings.Repeat("x", 301)} {
			a := r.asAdmin(admin, "POST", "users/"+ann.id+path, because(reason)).want(t, path+" without a reason", http.StatusUnprocessableEntity, "invalid_field")
			if a.text("field") != "reason" {
				t.Errorf("field = %q, want reason", a.text("field"))
			}
		}
		// As long as it may be, in characters that JSON writes long.
		for _, c := range []string{"<", `"`, "界", "\u2028"} {
			r.asAdmin(admin, "POST", "users/"+ann.id+path, because("a"+strings.Repeat(c, 298)+"z")).want(t, path+" for 298 of "+c, http.StatusNoContent, "")
		}
	}
}

func TestAuditFilters(t *testing.T) {
	r := newRig(t)
	start := r.store.Clock.Now()
	r.store.Clock.Advance(time.Minute)
	ann := r.register("ann")
	r.store.Clock.Advance(time.Minute)
	admin := r.admin()
	r.setLifetime(admin, "default", "7d", "*")
	count := func(query string) int {
		t.Helper()
		return len(r.asAdmin(admin, "GET", "audit?"+query, nil).want(t, query, http.StatusOK, "").get("entries").([]any))
	}
	at := func(d time.Duration) string { return start.Add(d).UTC().Format(time.RFC3339Nano) }
	for query, want := range map[string]int{
		"action=lifetime.set": 1, "action=lifetime": 0, "actor=user:" + ann.id: 1, "subject=user:" + ann.id: 1, "subject=user:" + ann.id + "&action=lifetime.set": 0,
		"since=" + at(time.Minute) + "&until=" + at(time.Minute+time.Second): 1, "action=user.register&until=" + at(time.Minute): 0,
		"since=" + at(61*time.Second) + "&action=user.register": 0, "since=2000-01-01T08:00:00%2B08:00&action=user.register": 1,
	} {
		if got := count(query); got != want {
			t.Errorf("audit?%s has %d entries, want %d", query, got, want)
		}
	}
	first := r.asAdmin(admin, "GET", "audit?actor=system&limit=1", nil).want(t, "first page", http.StatusOK, "")
	for range 3 {
		r.do(request{method: "POST", path: "/v1/admin/login", body: map[string]any{"name": "root", "password": "wrong"}})
		r.store.Clock.Advance(time.Minute)
	}
	if first.get("next_cursor") == nil {
		first = r.asAdmin(admin, "GET", "audit?actor=system&limit=1", nil).want(t, "first page", http.StatusOK, "")
	}
	second := r.asAdmin(admin, "GET", "audit?actor=system&limit=1&cursor="+first.text("next_cursor"), nil).want(t, "second page", http.StatusOK, "")
	if e := second.get("entries").([]any); len(e) != 1 || e[0].(map[string]any)["actor"] != "system" {
		t.Errorf("second page of a filter = %s, want one row of system", second.raw)
	}
	for query, field := range map[string]string{"action=%00": "action", "action=a%20b": "action", "actor=" + strings.Repeat("x", 49): "actor", "subject=%ff": "subject", "subject=%E7%95%8C": "subject",
		"since=yesterday": "since", "until=2026-01-31": "until", "since=2026-01-31T12:00:00": "since"} {
		a := r.asAdmin(admin, "GET", "audit?"+query, nil).want(t, query, http.StatusBadRequest, "bad_query")
		if a.text("field") != field {
			t.Errorf("field of %s = %q, want %q", query, a.text("field"), field)
		}
	}
}
