package handlers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"imbridge/models"
)

func TestRegister(t *testing.T) {
	r := newRig(t)
	a := r.do(request{method: "POST", path: "/v1/register", header: map[string]string{"X-Device-Name": "Ann's phone"},
		body: map[string]any{"username": "Ann", "password": password, "nickname": "Änn 安", "email": "Ann@Example.com", "phone": "+86 138 0013 8000", "avatar_url": "https://example.com/a.png"}})
	a.want(t, "register", http.StatusCreated, "")
	for field, want := range map[string]any{"username": "Ann", "nickname": "Änn 安", "email": "Ann@Example.com", "phone": "+8613800138000",
		"avatar_url": "https://example.com/a.png", "im_state": "ready"} {
		if got := a.get("user", field); got != want {
			t.Errorf("user.%s = %v, want %v", field, got, want)
		}
	}
	if got, want := a.text("im", "im_user_id"), a.text("user", "id"); got != want {
		t.Errorf("im.im_user_id = %q, want the user's id %q", got, want)
	}
	if got := r.box.TokenState(a.text("im", "token")); got != "valid" {
		t.Errorf("the cloud finds the token %q, want valid", got)
	}
	if got := a.get("session", "expires_in"); got != 600.0 {
		t.Errorf("session.expires_in = %v, want 600", got)
	}

	bare := r.do(request{method: "POST", path: "/v1/register", body: map[string]any{"username": "bob", "password": password}}).want(t, "register bob", http.StatusCreated, "")
	for field, want := range map[string]any{"nickname": "", "email": nil, "phone": nil, "avatar_url": ""} {
		if got := bare.get("user", field); got != want {
			t.Errorf("user.%s left out = %v, want %v", field, got, want)
		}
	}
	for name, body := range map[string]map[string]any{
		"username_taken": {"username": "ANN", "password": password},
		"email_taken":    {"username": "carol", "password": password, "email": "ann@example.COM"},
		"phone_taken":    {"username": "carol", "password": password, "phone": "+8613800138000"},
	} {
		r.do(request{method: "POST", path: "/v1/register", body: body}).want(t, name, http.StatusConflict, name)
	}
}

// TestRegisterRepeated loses the answer and asks again.
func TestRegisterRepeated(t *testing.T) {
	r := newRig(t)
	q := request{method: "POST", path: "/v1/register", header: map[string]string{"Idempotency-Key": "key-1"}, body: map[string]any{"username": "ann", "password": password}}
	first := r.do(q).want(t, "register", http.StatusCreated, "")
	second := r.do(q).want(t, "register again", http.StatusCreated, "")
	for _, path := range [][]string{{"user", "id"}, {"session", "id"}, {"session", "access_token"}, {"session", "refresh_token"}, {"im", "token"}, {"user", "im_state"}} {
		if got, want := second.text(path...), first.text(path...); got != want || want == "" {
			t.Errorf("%v the second time = %q, want %q", path, got, want)
		}
	}
	other := q
	other.body = map[string]any{"username": "anna", "password": password}
	r.do(other).want(t, "another request with the key", http.StatusUnprocessableEntity, "idempotency_key_reused")
	r.do(request{method: "POST", path: "/v1/logout", token: personOf(first).access, body: map[string]any{"scope": "this"}}).want(t, "logout", http.StatusNoContent, "")
	r.do(q).want(t, "register after logout", http.StatusConflict, "idempotency_key_spent")
	for _, bad := range []string{"", strings.Repeat("x", 256), "two words", "ümlaut", "tab\t"} {
		q.header = map[string]string{"Idempotency-Key": bad}
		r.do(q).want(t, "key "+bad, http.StatusBadRequest, "bad_idempotency_key")
	}
}

// TestRegisterRepeatedAtOnce sends the same request many times together.
func TestRegisterRepeatedAtOnce(t *testing.T) {
	r := newRig(t)
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			a := r.do(request{method: "POST", path: "/v1/register", header: map[string]string{"Idempotency-Key": "key-1"}, body: map[string]any{"username": "ann", "password": password}})
			ids[i] = a.text("user", "id") + a.text("session", "refresh_token") + a.text("code")
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || len(id) < 30 {
			t.Errorf("one of the answers is for %q, want all for %q", id, ids[0])
		}
	}
}

func TestMe(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	me := func(method string, body any) answer {
		return r.do(request{method: method, path: "/v1/me", token: ann.access, body: body})
	}
	if got := me("GET", nil).want(t, "me", http.StatusOK, "").text("user", "id"); got != ann.id {
		t.Errorf("user.id = %q, want %q", got, ann.id)
	}
	a := me("PATCH", map[string]any{"nickname": "Ann", "email": "ann@example.com", "avatar_url": "https://example.com/a"}).want(t, "patch", http.StatusOK, "")
	if got := a.text("user", "email"); got != "ann@example.com" {
		t.Errorf("email = %q, want ann@example.com", got)
	}
	a = me("PATCH", `{"email":null,"avatar_url":""}`).want(t, "patch", http.StatusOK, "")
	if a.get("user", "email") != nil || a.text("user", "avatar_url") != "" || a.text("user", "nickname") != "Ann" {
		t.Errorf("after removing e-mail and avatar = %s, want only those gone", a.raw)
	}
	me("PATCH", `{}`).want(t, "empty patch", http.StatusOK, "")
	me("PATCH", map[string]any{"nickname": strings.Repeat("x", 65)}).want(t, "long nickname", http.StatusUnprocessableEntity, "invalid_field")
	r.do(request{method: "PATCH", path: "/v1/me", token: bob.access, body: map[string]any{"phone": "+8613800138000"}}).want(t, "bob's phone", http.StatusOK, "")
	me("PATCH", map[string]any{"phone": "+8613800138000"}).want(t, "bob's phone", http.StatusConflict, "phone_taken")

	me("DELETE", nil).want(t, "delete", http.StatusNoContent, "")
	me("GET", nil).want(t, "me after delete", http.StatusUnauthorized, "session_ended")
	r.do(request{method: "GET", path: "/v1/im/token", token: ann.access}).want(t, "token after delete", http.StatusUnauthorized, "session_ended")
	r.login("ann", password).want(t, "login after delete", http.StatusUnauthorized, "bad_credentials")
	r.register("ann") // the name is free again
}

// TestMeChangedMeanwhile changes one profile many times at once: each request is
// told that it was done or that another was first.
func TestMeChangedMeanwhile(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	for round := range 50 {
		var wg sync.WaitGroup
		lost := make([]bool, 8)
		for i := range lost {
			wg.Go(func() {
				a := r.do(request{method: "PATCH", path: "/v1/me", token: ann.access, body: map[string]any{"nickname": "Ann"}})
				lost[i] = a.status == http.StatusConflict
				if a.status != http.StatusOK && a.text("code") != "changed_meanwhile" {
					t.Errorf("patch at once = %d %s, want 200 or 409 changed_meanwhile", a.status, a.raw)
				}
			})
		}
		wg.Wait()
		for _, l := range lost {
			if l {
				return
			}
		}
		if round == 49 {
			t.Error("of 400 changes at once none was told changed_meanwhile")
		}
	}
}

func TestChangePassword(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	other := personOf(r.login("ann", password).want(t, "login", http.StatusOK, ""))
	next := planted + " new password"
	change := func(current, next string) answer {
		return r.do(request{method: "PUT", path: "/v1/me/password", token: ann.access, body: map[string]any{"current_password": current, "new_password": next}})
	}
	change(password+"x", next).want(t, "wrong current password", http.StatusUnauthorized, "bad_credentials")
	a := change(password, "short").want(t, "short password", http.StatusUnprocessableEntity, "invalid_field")
	if got := a.text("field"); got != "new_password" {
		t.Errorf("field = %q, want new_password", got)
	}
	change(password, next).want(t, "change", http.StatusNoContent, "")
	r.do(request{method: "GET", path: "/v1/me", token: ann.access}).want(t, "own session", http.StatusOK, "")
	r.do(request{method: "GET", path: "/v1/me", token: other.access}).want(t, "other session", http.StatusUnauthorized, "session_ended")
	r.login("ann", password).want(t, "old password", http.StatusUnauthorized, "bad_credentials")
	r.login("ann", next).want(t, "new password", http.StatusOK, "")
	fresh := r.do(request{method: "GET", path: "/v1/im/token", token: ann.access}).want(t, "token", http.StatusOK, "")
	if fresh.text("token") == ann.connect {
		t.Error("the connect token from before the change is still handed out")
	}
}

func TestBanned(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	r.store.Exec(t, "UPDATE users SET status = ? WHERE id = ?", models.StatusBanned, ann.id)
	for _, q := range []request{{method: "GET", path: "/v1/me", token: ann.access}, {method: "GET", path: "/v1/im/token", token: ann.access},
		{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": ann.refresh}},
		{method: "POST", path: "/v1/login", body: map[string]any{"login": "ann", "password": password}},
		{method: "POST", path: "/v1/admin/users/" + ann.id + "/reissue", token: admin}} {
		r.do(q).want(t, q.method+" "+q.path, http.StatusForbidden, "banned")
	}
	r.login("ann", password+"x").want(t, "wrong password of a banned person", http.StatusUnauthorized, "bad_credentials")
}

// TestBusy fills the queue of password hashes.
func TestBusy(t *testing.T) {
	r := newRig(t, withStore(func(o *models.Options) { o.Hasher = &models.Hasher{Parallel: 1, Queue: 1} }))
	var wg sync.WaitGroup
	codes := make([]string, 32)
	for i := range codes {
		wg.Go(func() { codes[i] = r.login(fmt.Sprintf("nobody%d", i), password).text("code") })
	}
	wg.Wait()
	count := map[string]int{}
	for _, c := range codes {
		count[c]++
	}
	if count["busy"] == 0 || count["bad_credentials"] == 0 || count["busy"]+count["bad_credentials"] != len(codes) {
		t.Errorf("answers = %v, want bad_credentials for some and busy for the others", count)
	}
}

func TestTimeout(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	for _, q := range []request{{method: "GET", path: "/v1/me", token: ann.access}, {method: "GET", path: "/v1/sessions", token: ann.access},
		{method: "GET", path: "/v1/im/token", token: ann.access}} {
		q.ctx = ctx
		a := r.do(q).want(t, q.path+" without time", http.StatusServiceUnavailable, "timeout")
		if got := a.header.Get("Retry-After"); got != "5" {
			t.Errorf("Retry-After = %q, want 5", got)
		}
	}
}
