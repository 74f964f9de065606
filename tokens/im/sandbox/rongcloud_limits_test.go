package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestUserCap(t *testing.T) {
	r := newRig(t)
	for i := range 101 {
		r.mint(fmt.Sprintf("u%d", i)) // off by default
	}
	r.set("/control/app", `{"user_cap":101}`)
	if a := r.call("/user/getToken.json", "userId", "new", "name", "n"); a.code != 2007 || a.status != 403 {
		t.Errorf("user above the cap = code %d, http %d, want 2007, 403", a.code, a.status)
	}
	r.mint("u7") // known users are served
	r.set("/control/app", `{"user_cap":0}`)
	r.mint("new")
}

func TestRateLimits(t *testing.T) {
	r := newRig(t)
	online := func() int { return r.call("/user/checkOnline.json", "userId", "a").code }
	for i := range 100 {
		if got := online(); got != 200 {
			t.Fatalf("call %d = code %d, want 200", i+1, got)
		}
	}
	if a := r.call("/user/checkOnline.json", "userId", "a"); a.code != 1008 || a.status != 429 {
		t.Errorf("call 101 = code %d, http %d, want 1008, 429", a.code, a.status)
	}
	r.ok("/user/block/query.json") // each path has its own
	r.set("/control/clock", `{"advance":"999ms"}`)
	if got := online(); got != 1008 {
		t.Errorf("after 999 ms = code %d, want 1008", got)
	}
	r.set("/control/clock", `{"advance":"1ms"}`)
	if got := online(); got != 200 {
		t.Errorf("after a second = code %d, want 200", got)
	}
	for range 199 {
		r.mint("a")
	}
	r.mint("a")
	if a := r.call("/user/getToken.json", "userId", "a", "name", "n"); a.code != 1008 {
		t.Errorf("getToken 201 = code %d, want 1008", a.code)
	}
	// A stranger without the secret cannot use up the limit.
	r.set("/control/clock", `{"advance":1}`)
	good := r.secret
	r.secret = "wrong"
	for range 300 {
		r.call("/user/getToken.json", "userId", "a", "name", "n")
	}
	r.secret = good
	r.mint("a")
}

func TestRateLimitKnobs(t *testing.T) {
	r := newRig(t)
	r.set("/control/app", `{"rates":{"/user/getToken.json":2}}`)
	r.mint("a")
	r.mint("a")
	if a := r.call("/user/getToken.json", "userId", "a", "name", "n"); a.code != 1008 {
		t.Errorf("third call of two = code %d, want 1008", a.code)
	}
	r.set("/control/app", `{"rates":{"/user/getToken.json":0}}`)
	r.mint("a")
	r.set("/control/app", `{"rates":{"/user/getToken.json":1},"rate_limits":false}`)
	for range 300 {
		r.mint("a")
	}
}

func TestLimitsCountedByWeight(t *testing.T) {
	r := newRig(t)
	common := []string{"fromUserId", "a", "objectName", "RC:TxtMsg", "content", "{}"}
	thousand := append(repeat("toUserId", 1000), common...)
	for range 6 {
		r.ok("/message/private/publish.json", thousand...)
	}
	if a := r.call("/message/private/publish.json", append([]string{"toUserId", "b"}, common...)...); a.code != 1008 {
		t.Errorf("recipient 6001 of a minute = code %d, want 1008", a.code)
	}
	r.set("/control/clock", `{"advance":"59s"}`)
	if a := r.call("/message/private/publish.json", append([]string{"toUserId", "b"}, common...)...); a.code != 1008 {
		t.Errorf("after 59 s = code %d, want 1008", a.code)
	}
	r.set("/control/clock", `{"advance":"1s"}`)
	r.ok("/message/private/publish.json", thousand...)

	r.mint("a")
	r.ok("/user/deactivate.json", "userId", strings.TrimSuffix(strings.Repeat("a,", 60), ","))
	if a := r.call("/user/deactivate.json", "userId", strings.TrimSuffix(strings.Repeat("a,", 41), ",")); a.code != 1008 {
		t.Errorf("101 users in a second = code %d, want 1008", a.code)
	}
}
