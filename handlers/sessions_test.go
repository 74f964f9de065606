package handlers_test

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestLogin(t *testing.T) {
	r := newRig(t)
	r.do(request{method: "POST", path: "/v1/register", body: map[string]any{"username": "ann", "password": password, "email": "ann@example.com", "phone": "+8613800138000"}}).
		want(t, "register", http.StatusCreated, "")
	for _, login := range []string{"ann", "ANN", "ann@example.com", "Ann@Example.com", "+8613800138000", "+86 138-0013-8000"} {
		a := r.login(login, password).want(t, "login as "+login, http.StatusOK, "")
		if a.text("im", "token") == "" || a.text("user", "username") != "ann" {
			t.Errorf("login as %s = %s, want ann with a connect token", login, a.raw)
		}
	}
	if got := r.store.Hasher.Waiting(); got != 0 {
		t.Errorf("hashes waiting = %d, want 0", got)
	}
}

// TestNobodyIsTold compares the answers to an unknown login and to a wrong
// password, byte by byte but for the request's id.
func TestNobodyIsTold(t *testing.T) {
	r := newRig(t)
	r.register("ann")
	r.admin()
	for path, name := range map[string]string{"/v1/login": "login", "/v1/admin/login": "name"} {
		known := "ann"
		if name == "name" {
			known = "root"
		}
		var bodies []string
		var headers []http.Header
		for _, who := range []string{known, "nobody", "nobody@example.com", "+8613800138999", "no such name !"} {
			a := r.do(request{method: "POST", path: path, header: map[string]string{"X-Request-ID": "same"}, body: map[string]any{name: who, "password": password + "x"}})
			a.want(t, path+" as "+who, http.StatusUnauthorized, "bad_credentials")
			bodies, headers = append(bodies, string(a.raw)), append(headers, a.header)
		}
		for i := range bodies {
			if bodies[i] != bodies[0] {
				t.Errorf("%s: an unknown login is answered %s, a wrong password %s; want the same", path, bodies[i], bodies[0])
			}
			if !slices.Equal(sortedKeys(headers[i]), sortedKeys(headers[0])) {
				t.Errorf("%s: headers %v and %v, want the same", path, headers[i], headers[0])
			}
		}
	}
}

func sortedKeys(h http.Header) []string {
	keys := map[string]bool{}
	for k := range h {
		keys[k] = true
	}
	return sorted(keys)
}

func TestThrottle(t *testing.T) {
	r := newRig(t)
	r.register("ann")
	for range 6 {
		r.login("ann", password+"x").want(t, "wrong password", http.StatusUnauthorized, "bad_credentials")
	}
	a := r.login("ann", password).want(t, "right password too early", http.StatusTooManyRequests, "throttled")
	if got := a.header.Get("Retry-After"); got != "1" && got != "2" {
		t.Errorf("Retry-After = %q, want about a second", got)
	}
	if got := a.get("retry_after"); got == nil {
		t.Error("retry_after is missing in the body")
	}
	r.store.Clock.Advance(5 * time.Minute)
	r.login("ann", password).want(t, "right password later", http.StatusOK, "")
}

func TestRefresh(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	refresh := func(token string) answer {
		return r.do(request{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": token}})
	}
	second := refresh(ann.refresh).want(t, "refresh", http.StatusOK, "")
	if second.text("session", "refresh_token") == ann.refresh || second.text("session", "id") != ann.session {
		t.Errorf("refresh = %s, want the same session with another token", second.raw)
	}
	again := refresh(ann.refresh).want(t, "refresh from another tab", http.StatusOK, "")
	if got, want := again.text("session", "refresh_token"), second.text("session", "refresh_token"); got != want {
		t.Errorf("the other tab got %q, want %q", got, want)
	}
	r.do(request{method: "GET", path: "/v1/me", token: again.text("session", "access_token")}).want(t, "me", http.StatusOK, "")

	r.store.Clock.Advance(time.Minute)
	refresh(ann.refresh).want(t, "replay", http.StatusUnauthorized, "refresh_replayed")
	refresh(second.text("session", "refresh_token")).want(t, "refresh after a replay", http.StatusUnauthorized, "session_ended")
	r.do(request{method: "GET", path: "/v1/me", token: ann.access}).want(t, "me after a replay", http.StatusUnauthorized, "session_ended")
	for _, bad := range []string{"x", "imr1_", "imr1_AAAA", ann.refresh + "A", ann.access} {
		refresh(bad).want(t, "refresh "+bad, http.StatusUnauthorized, "refresh_invalid")
	}
}

func TestSessions(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	r.store.Clock.Advance(time.Second)
	phone := personOf(r.do(request{method: "POST", path: "/v1/login", header: map[string]string{"X-Device-Name": "phone", "User-Agent": "app/1"}, peer: "192.0.2.7:1234",
		body: map[string]any{"login": "ann", "password": password}}).want(t, "login", http.StatusOK, ""))
	list := r.do(request{method: "GET", path: "/v1/sessions", token: ann.access}).want(t, "sessions", http.StatusOK, "").get("sessions").([]any)
	if len(list) != 2 {
		t.Fatalf("sessions = %v, want 2", list)
	}
	newest := list[0].(map[string]any)
	for field, want := range map[string]any{"id": phone.session, "device": "phone", "ip": "192.0.2.7", "user_agent": "app/1", "current": false} {
		if newest[field] != want {
			t.Errorf("newest session's %s = %v, want %v", field, newest[field], want)
		}
	}
	if list[1].(map[string]any)["current"] != true {
		t.Errorf("the caller's own session = %v, want current", list[1])
	}

	bob := r.register("bob")
	end := func(who person, id string) answer {
		return r.do(request{method: "DELETE", path: "/v1/sessions/" + id, token: who.access})
	}
	end(bob, phone.session).want(t, "end somebody else's session", http.StatusNotFound, "not_found")
	end(ann, "nonsense").want(t, "end nonsense", http.StatusNotFound, "not_found")
	end(ann, phone.session).want(t, "end the phone", http.StatusNoContent, "")
	end(ann, phone.session).want(t, "end the phone again", http.StatusNotFound, "not_found")
	r.do(request{method: "GET", path: "/v1/me", token: phone.access}).want(t, "the phone", http.StatusUnauthorized, "session_ended")
	r.do(request{method: "GET", path: "/v1/im/token", token: phone.access}).want(t, "the phone's token", http.StatusUnauthorized, "session_ended")
}

func TestLogout(t *testing.T) {
	for scope, want := range map[string][3]int{"this": {401, 200, 200}, "others": {200, 401, 401}, "all": {401, 401, 401}} {
		t.Run(scope, func(t *testing.T) {
			r := newRig(t)
			r.register("ann")
			var sessions [3]person
			for i := range sessions {
				sessions[i] = personOf(r.login("ann", password).want(t, "login", http.StatusOK, ""))
			}
			r.do(request{method: "POST", path: "/v1/logout", token: sessions[0].access, body: map[string]any{"scope": scope}}).want(t, "logout", http.StatusNoContent, "")
			for i, s := range sessions {
				if got := r.do(request{method: "GET", path: "/v1/me", token: s.access}); got.status != want[i] {
					t.Errorf("session %d after logout of %s = %d, want %d", i, scope, got.status, want[i])
				}
				refreshed := r.do(request{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": s.refresh}})
				if refreshed.status != want[i] {
					t.Errorf("refresh of session %d after logout of %s = %d, want %d", i, scope, refreshed.status, want[i])
				}
			}
		})
	}
}
