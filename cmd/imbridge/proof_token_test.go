package main

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func random() string { return strings.ToLower(rand.Text()[:16]) }

// A thousand requests at the same moment, half of them at each of two processes,
// for a person who has no token: the cloud is asked once.
func TestProofAThousandFirstRequestsAreOneCloudCall(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		servers := r.pair(t)
		r.fault(t, object{"path": getToken, "mode": "status", "status": 503})
		who := servers[0].register(t)
		if who.IM != nil {
			t.Fatalf("registered with a token while the cloud is down: %+v", who.IM)
		}
		r.heal(t)
		for _, p := range servers {
			p.awaitCloud(t)
		}
		r.slow(t)

		answers := storm(t, 1000, func(i int) *http.Request {
			return newRequest("GET", servers[i%2].url["api"]+"/v1/im/token", who.Session.Access, nil)
		})
		calls, tokens := r.calls(t, getToken), distinct(answers, tokenIn(t))
		t.Logf("1,000 requests for one user, 2 processes: %s; %d getToken at the cloud; %d different token", tally(answers, answer.String), calls, len(tokens))
		if got := tally(answers, answer.String); got != "200 ×1000" {
			t.Errorf("answers = %s, want all 200", got)
		}
		if calls != 1 {
			t.Errorf("calls of getToken = %d, want 1", calls)
		}
		if len(tokens) != 1 || !r.accepted(t, tokens[0]) {
			t.Errorf("%d different tokens, want one that the cloud accepts", len(tokens))
		}
	})
}

// pair is two servers that are as patient with a storm as their machine needs.
func (r *rig) pair(t *testing.T) []*process {
	t.Helper()
	return []*process{r.serve(t, "IMBRIDGE_SERVER_TOKEN_BUDGET=60s"), r.serve(t, "IMBRIDGE_SERVER_TOKEN_BUDGET=60s")}
}

// slow makes a mint last so long that both processes are asked during it.
func (r *rig) slow(t testing.TB) {
	t.Helper()
	r.fault(t, object{"path": getToken, "mode": "delay", "delay_ms": 400})
}

// awaitCloud waits until the process's breaker is closed.
func (p *process) awaitCloud(t testing.TB) {
	t.Helper()
	eventually(t, "breaker closes", func() (bool, string) {
		a := p.try(t, "GET", "/readyz", "", nil)
		return a.status == http.StatusOK && read[readiness](t, a).Status == "ready", string(a.body)
	})
}

func tokenIn(t testing.TB) func(answer) string {
	return func(a answer) string { return read[connectToken](t, a).Token }
}

// A thousand reports that the cloud refused one token mint one new token. More
// than five new ones a minute there are not.
func TestProofAThousandReportsOfRefusalAreOneCloudCall(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		servers := r.pair(t)
		who := servers[0].register(t)
		if who.IM == nil {
			t.Fatal("registered without a token")
		}
		r.heal(t)
		r.slow(t)
		report := func(i int, token string) *http.Request {
			return newRequest("POST", servers[i%2].url["api"]+"/v1/im/token/refused", who.Session.Access, object{"token": token, "code": 31004})
		}

		answers := storm(t, 1000, func(i int) *http.Request { return report(i, who.IM.Token) })
		calls, tokens := r.calls(t, getToken), distinct(answers, tokenIn(t))
		t.Logf("1,000 reports of one token, 2 processes: %s; %d getToken at the cloud; %d different token", tally(answers, answer.String), calls, len(tokens))
		if got := tally(answers, answer.String); got != "200 ×1000" {
			t.Fatalf("answers = %s, want all 200", got)
		}
		if calls != 1 {
			t.Errorf("calls of getToken = %d, want 1", calls)
		}
		if len(tokens) != 1 || tokens[0] == who.IM.Token || !r.accepted(t, tokens[0]) {
			t.Fatalf("%d different tokens, want a new one that the cloud accepts", len(tokens))
		}

		token, mints := tokens[0], 1
		for ; mints < 10; mints++ {
			a := servers[mints%2].try(t, "POST", "/v1/im/token/refused", who.Session.Access, object{"token": token, "code": 31004})
			if a.status != http.StatusOK {
				retry, _ := strconv.Atoi(a.header.Get("Retry-After"))
				t.Logf("after %d mints: %s, Retry-After %d; %d getToken", mints, a, retry, r.calls(t, getToken))
				if a.status != http.StatusTooManyRequests || retry < 1 || retry > 60 {
					t.Errorf("report %d = %s with Retry-After %q, want 429 with 1 to 60", mints+1, a, a.header.Get("Retry-After"))
				}
				break
			}
			if next := tokenIn(t)(a); next == token {
				t.Fatalf("report %d got the token that it reported", mints+1)
			} else {
				token = next
			}
		}
		if calls := r.calls(t, getToken); mints != 5 || calls != 5 {
			t.Errorf("%d mints and %d calls before 429, want 5 and 5", mints, calls)
		}
		if a := servers[1].do(t, http.StatusOK, "GET", "/v1/im/token", who.Session.Access, nil); tokenIn(t)(a) != token {
			t.Error("the last token is not served after 429")
		}
	})
}
