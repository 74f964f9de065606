package main

import (
	"net/http"
	"testing"
)

// A thousand tabs refresh with one token at the same moment: all get the same
// successor and nobody is logged out. The old token, shown once more when its
// grace is over, ends the session.
func TestProofAThousandRefreshesHaveOneSuccessor(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		// The third has a grace that is over in no time, so that the storm has as
		// much as it needs on any machine and nobody waits for its end.
		servers := []*process{r.serve(t, "IMBRIDGE_SESSION_REFRESH_GRACE=60s"), r.serve(t, "IMBRIDGE_SESSION_REFRESH_GRACE=60s")}
		strict := r.serve(t, "IMBRIDGE_SESSION_REFRESH_GRACE=1ms")
		who := servers[0].register(t)
		refresh := func(p *process, token string) *http.Request {
			return newRequest("POST", p.url["api"]+"/v1/session/refresh", "", object{"refresh_token": token})
		}

		answers := storm(t, 1000, func(i int) *http.Request { return refresh(servers[i%2], who.Session.Refresh) })
		successors := distinct(answers, func(a answer) string { return read[refreshed](t, a).Session.Refresh })
		counter := r.store.Count(t, "SELECT counter FROM sessions WHERE id = ?", who.Session.ID)
		ended := r.store.Count(t, "SELECT COUNT(*) FROM sessions WHERE revoked_at IS NOT NULL")
		t.Logf("1,000 refreshes of one token, 2 processes: %s; %d successor, counter %d, %d logged out", tally(answers, answer.String), len(successors), counter, ended)
		if got := tally(answers, answer.String); got != "200 ×1000" {
			t.Fatalf("answers = %s, want all 200", got)
		}
		if len(successors) != 1 || successors[0] == who.Session.Refresh || counter != 2 || ended != 0 {
			t.Fatalf("%d successors, counter %d, %d sessions ended; want 1, 2, 0", len(successors), counter, ended)
		}

		a := servers[1].do(t, http.StatusOK, "POST", "/v1/session/refresh", "", object{"refresh_token": successors[0]})
		second := read[refreshed](t, a).Session
		for _, p := range servers {
			p.do(t, http.StatusOK, "GET", "/v1/me", second.Access, nil)
		}

		eventually(t, "the replaced token is taken for a stolen one", func() (bool, string) {
			a := strict.try(t, "POST", "/v1/session/refresh", "", object{"refresh_token": successors[0]})
			return a.code() == "refresh_replayed", a.String()
		})
		for _, p := range servers {
			for _, path := range []string{"/v1/me", "/v1/im/token"} {
				if a := p.try(t, "GET", path, second.Access, nil); a.code() != "session_ended" {
					t.Errorf("GET %s after the replay = %s, want session_ended", path, a)
				}
			}
			if a := p.try(t, "POST", "/v1/session/refresh", "", object{"refresh_token": second.Refresh}); a.code() != "session_ended" {
				t.Errorf("refresh with the newest token after the replay = %s, want session_ended", a)
			}
		}
		t.Log("replay after the grace: refresh_replayed; access and newest refresh token refused at once by all processes")
	})
}

// Two hundred times the same registration under one key, as clients send that
// never saw the answer: one person, one session, and for everybody the same
// answer.
func TestProofOneKeyRegistersOnce(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		// Most wait long for their hash, and shall have a connect token all the same.
		servers := []*process{r.serve(t, "IMBRIDGE_SERVER_REGISTER_BUDGET=30s"), r.serve(t, "IMBRIDGE_SERVER_REGISTER_BUDGET=30s")}
		body := object{"username": "once" + random(), "password": userPassword, "email": random() + "@example.org", "nickname": "Once"}
		key := random()

		answers := storm(t, 200, func(i int) *http.Request {
			return newRequest("POST", servers[i%2].url["api"]+"/v1/register", "", body, "Idempotency-Key", key)
		})
		if got := tally(answers, answer.String); got != "201 ×200" {
			t.Fatalf("answers = %s, want all 201", got)
		}
		part := func(of func(loggedIn) string) int {
			return len(distinct(answers, func(a answer) string { return of(read[loggedIn](t, a)) }))
		}
		users, sessions := part(func(l loggedIn) string { return l.User.ID }), part(func(l loggedIn) string { return l.Session.ID })
		refreshs := part(func(l loggedIn) string { return l.Session.Refresh })
		tokens := part(func(l loggedIn) string {
			if l.IM == nil {
				return "none"
			}
			return l.IM.Token
		})
		stored, logins := r.store.Count(t, "SELECT COUNT(*) FROM users"), r.store.Count(t, "SELECT COUNT(*) FROM sessions")
		t.Logf("200 registrations under one key, 2 processes: %s; %d user, %d session, %d refresh token, %d connect token; stored: %d user, %d session",
			tally(answers, answer.String), users, sessions, refreshs, tokens, stored, logins)
		if users != 1 || sessions != 1 || refreshs != 1 || tokens != 1 || stored != 1 || logins != 1 {
			t.Error("want one of each")
		}
		if calls := r.calls(t, getToken); calls != 1 {
			t.Errorf("calls of getToken = %d, want 1", calls)
		}
		refresh := read[loggedIn](t, answers[199]).Session.Refresh
		servers[0].do(t, http.StatusOK, "POST", "/v1/session/refresh", "", object{"refresh_token": refresh})
	})
}
