package sandbox

import "testing"

func TestASenderWhoIsNotAllowedHears407(t *testing.T) {
	r := newRig(t)
	one, two := r.connect(r.mint("u1")), r.connect(r.mint("u2"))
	r.mint("u3")
	want := func(what string, p *phone, to string, status int) {
		t.Helper()
		if got := p.text(to, "hi"); got.status != status {
			t.Errorf("%s: PUBACK = %+v, want status %d", what, got, status)
		}
	}
	r.ok("/user/whitelist/add.json", "userId", "u3", "whiteUserId", "u1")
	want("a list that is not switched on", two, "u3", 0)
	r.ok("/user/whitesetting/set.json", "userId", "u3", "whiteSetting", "1")
	want("who is on the list", one, "u3", 0)
	want("who is not", two, "u3", 407)
	// The whitelist stands above the blacklist.
	r.ok("/user/blacklist/add.json", "userId", "u3", "blackUserId", "u1")
	want("who is on both lists", one, "u3", 0)
	r.ok("/user/whitesetting/set.json", "userId", "u3", "whiteSetting", "0")
	want("who is blocked, with the list off again", one, "u3", 405)
	want("who is not on the list that is off", two, "u3", 0)
	r.set("/control/app", `{"whitelist_for_all":true}`)
	want("everybody's list is on", one, "u2", 407)
	want("to oneself", one, "u1", 0)
	if r.s.Delivers("u1", "u2") || !r.s.Delivers("u1", "u3") {
		t.Error("Delivers tells otherwise than the socket")
	}
	r.set("/control/app", `{"whitelist":false}`)
	want("without the service", one, "u2", 0)
	for _, path := range []string{"/user/whitesetting/set.json", "/user/whitelist/add.json"} {
		if got := r.call(path, "userId", "u3", "whiteSetting", "1", "whiteUserId", "u1"); got.code != 1010 {
			t.Errorf("%s without the service = code %d, want 1010", path, got.code)
		}
	}
}

func TestWhiteSettingIsHeldToItsDocumentation(t *testing.T) {
	r := newRig(t)
	for _, c := range [][]string{{"userId", "u1"}, {"userId", "u1", "whiteSetting", "2"}, {"whiteSetting", "1"}} {
		if got := r.call("/user/whitesetting/set.json", c...); got.code != 1002 {
			t.Errorf("whitesetting with %v = code %d, want 1002", c, got.code)
		}
	}
}
