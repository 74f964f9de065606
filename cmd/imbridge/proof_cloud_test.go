package main

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// The ways in which a cloud fails, as faults of the sandbox.
var hostilities = []struct {
	name  string
	fault object
}{
	{"status 500", object{"mode": "status", "status": 500}},
	{"status 502", object{"mode": "status", "status": 502}},
	{"status 403", object{"mode": "status", "status": 403}},
	{"code 1000", object{"mode": "code", "code": 1000}},
	{"code 1004", object{"mode": "code", "code": 1004}},
	{"code 1008", object{"mode": "code", "code": 1008}},
	{"delay", object{"mode": "delay", "delay_ms": 600_000}},
	{"reset before", object{"mode": "reset_before"}},
	{"reset after", object{"mode": "reset_after"}},
	{"html", object{"mode": "garbage", "garbage": "html"}},
	{"truncated", object{"mode": "garbage", "garbage": "truncated"}},
	{"wrong type", object{"mode": "garbage", "garbage": "wrong_type"}},
	{"binary", object{"mode": "garbage", "garbage": "binary"}},
	{"huge", object{"mode": "garbage", "garbage": "huge"}},
	{"slow", object{"mode": "garbage", "garbage": "slow", "delay_ms": 600_000}},
	{"empty", object{"mode": "empty"}},
}

// Whatever the cloud answers: people register, stored tokens are served, who has
// none is told when to come again, nothing is a 500, and no bad token is stored.
func TestProofAHostileCloudHarmsNobody(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		t.Parallel() // with the other engines: nearly all of it is waiting
		p := r.serve(t, "IMBRIDGE_SERVER_REGISTER_BUDGET=300ms", "IMBRIDGE_SERVER_TOKEN_BUDGET=700ms", "IMBRIDGE_IM_RONGCLOUD_TIMEOUT=500ms")
		admin := r.admin(t, p, proofAdmin, adminPassword)
		settled := p.register(t)
		stored := tokenIn(t)(p.do(t, http.StatusOK, "GET", "/v1/im/token", settled.Session.Access, nil))

		var people []loggedIn
		for _, h := range hostilities {
			// Those of earlier faults are tried behind the requests, and would open the
			// breaker before this one has met a call.
			r.store.Exec(t, "DELETE FROM outbox")
			r.heal(t)
			p.healed(t)
			fault := maps.Clone(h.fault) // parallel engines share the list
			fault["path"] = getToken
			r.fault(t, fault)

			who := p.register(t)
			people = append(people, who)
			said := []answer{
				p.try(t, "GET", "/v1/im/token", who.Session.Access, nil),
				p.try(t, "GET", "/v1/im/token", who.Session.Access, nil),
				p.try(t, "POST", "/v1/admin/users/"+who.User.ID+"/reissue", admin, nil),
				p.try(t, "POST", "/v1/login", "", object{"login": who.User.Username, "password": userPassword}),
				p.try(t, "GET", "/readyz", "", nil),
			}
			for i, a := range said {
				putOff := a.status == http.StatusServiceUnavailable && a.code() == "im_unavailable" && a.header.Get("Retry-After") != ""
				if a.status != http.StatusOK && (!putOff || i >= 3) {
					t.Errorf("%s: answer %d = %s with Retry-After %q, want 200, or for a token 503 im_unavailable with one\n%s", h.name, i, a, a.header.Get("Retry-After"), a.body)
				}
			}
			if got := tokenIn(t)(p.do(t, http.StatusOK, "GET", "/v1/im/token", settled.Session.Access, nil)); got != stored {
				t.Errorf("%s: the stored token is not served", h.name)
			}
			fired := r.fired(t)
			t.Logf("%-12s fired %d times: register 201 (%s), then %s; stored token served", h.name, fired, who.User.IMState, tally(said[:4], answer.String))
			if fired == 0 {
				t.Errorf("%s: the fault met no call", h.name)
			}
		}

		r.heal(t)
		p.healed(t)
		good := 0
		for _, who := range append(people, settled) {
			var token string
			eventually(t, "a token after the cloud is well again", func() (bool, string) {
				a := p.try(t, "GET", "/v1/im/token", who.Session.Access, nil)
				if a.status == http.StatusOK {
					token = tokenIn(t)(a)
				}
				return a.status == http.StatusOK, a.String()
			})
			v, err := r.store.TokenView(context.Background(), "rongcloud/"+appKey, who.User.ID, "")
			if err != nil || v.Value != token {
				t.Errorf("stored token of %s is not the one served (%v)", who.User.ID, err)
			}
			if !r.accepted(t, token) || !strings.Contains(token, "@") {
				t.Errorf("the cloud does not accept the token of %s", who.User.ID)
				continue
			}
			good++
		}
		t.Logf("cloud well again: %d of %d people hold a token that it accepts", good, len(people)+1)
	})
}

// healed registers people until one gets a token, so that the breaker has seen a
// cloud that is well.
func (p *process) healed(t testing.TB) {
	t.Helper()
	who := p.register(t)
	eventually(t, "the breaker closes", func() (bool, string) {
		fetch := p.try(t, "GET", "/v1/im/token", who.Session.Access, nil)
		state := read[readiness](t, p.try(t, "GET", "/readyz", "", nil)).Checks.Cloud.State
		if fetch.status == http.StatusOK && state != "closed" {
			who = p.register(t)
		}
		return fetch.status == http.StatusOK && state == "closed", fetch.String() + ", " + state
	})
}

// A cloud that is out is no reason to take the process out of service.
func TestProofAnOutageIsDegradedNotUnready(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		t.Parallel()
		p := r.serve(t, "IMBRIDGE_SERVER_REGISTER_BUDGET=0s")
		who, settled := p.register(t), p.register(t)
		stored := tokenIn(t)(p.do(t, http.StatusOK, "GET", "/v1/im/token", settled.Session.Access, nil))
		r.fault(t, object{"mode": "status", "status": 503})

		var fetches []answer
		eventually(t, "the breaker opens", func() (bool, string) {
			fetches = append(fetches, p.try(t, "GET", "/v1/im/token", who.Session.Access, nil))
			a := p.try(t, "GET", "/readyz", "", nil)
			if a.status != http.StatusOK {
				t.Fatalf("readyz in an outage = %s, want 200\n%s", a, a.body)
			}
			now := read[readiness](t, a)
			return now.Status == "degraded" && now.Checks.Cloud.State == "open", string(a.body)
		})
		calls := r.calls(t, getToken)
		if a := p.do(t, http.StatusOK, "GET", "/v1/im/token", settled.Session.Access, nil); tokenIn(t)(a) != stored {
			t.Error("the stored token is not served in an outage")
		}
		if got := tally(fetches, answer.String); !strings.HasPrefix(got, "503 im_unavailable ×") || strings.Contains(got, ",") {
			t.Errorf("fetches in an outage = %s, want all 503 im_unavailable", got)
		}
		t.Logf("outage: %s by %d calls; readyz 200 degraded, breaker open, stored token served", tally(fetches, answer.String), calls)

		r.heal(t)
		p.healed(t)
		p.do(t, http.StatusOK, "GET", "/v1/im/token", who.Session.Access, nil)
		if now := read[readiness](t, p.do(t, http.StatusOK, "GET", "/readyz", "", nil)); now.Status != "ready" {
			t.Errorf("readyz after the outage = %s, want ready", now.Status)
		}
		t.Log("healed: readyz 200 ready, token 200, no restart")
	})
}
