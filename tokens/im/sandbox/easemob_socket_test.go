package sandbox

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func (r *easeRig) app(settings string) { r.Helper(); r.set("/control/app", `{"easemob":`+settings+`}`) }

// mintFor is a token with a lifetime in seconds; 0 is permanent.
func (r *easeRig) mintFor(name string, ttl int) string {
	r.Helper()
	return r.want(200, "POST", "/token", fmt.Sprintf(`{"grant_type":"inherit","username":%q,"autoCreateUser":true,"ttl":%d}`, name, ttl)).fields["access_token"].(string)
}

func TestEasemobLoginBytes(t *testing.T) {
	r := newEaseRig(t)
	frame := func(provision []byte) string { return hex.EncodeToString(pb(8, 3, 9, string(provision))) }

	p := r.dialSocket()
	p.provision(easeTestKey, "ann", r.mintFor("ann", 0), "webim_1")
	p.want("answer to a permanent token", frame(pb(8, string(pb(1, 0)), 13, "webim_1")))

	p = r.dialSocket()
	p.provision(easeTestKey, "ann", r.mintFor("ann", 60), "webim_2")
	p.want("answer to a token for a minute", frame(pb(8, string(pb(1, 0)), 13, "webim_2", 18, fmt.Sprintf(`{"expires_in":%d}`, start.Add(time.Minute).UnixMilli()))))

	p = r.dialSocket()
	p.provision(easeTestKey, "ann", "garbage", "webim_3")
	p.want("refusal", frame(pb(8, string(pb(1, 1, 2, "Sorry, token or password does not match login info")), 13, "webim_3")))
	if got := p.wantEnd(); got != websocket.StatusNormalClosure {
		t.Errorf("end after a refusal = %v, want a normal closure", got)
	}
}

func TestEasemobTokenIsReadFromEitherPlace(t *testing.T) {
	r := newEaseRig(t)
	token := r.mint("ann")
	for name, frame := range map[string][]byte{
		"MSync.auth":          pb(2, string(pb(1, easeTestKey, 2, "ann")), 3, "$t$"+token, 8, 3, 9, string(pb(13, "a"))),
		"Provision.authToken": pb(2, string(pb(1, easeTestKey, 2, "ann")), 8, 3, 9, string(pb(13, "b", 18, `{"token":"`+token+`"}`))),
		"a name in capitals":  pb(2, string(pb(1, easeTestKey, 2, "ANN")), 3, token, 8, 3, 9, string(pb(13, "c", 18, "no JSON"))),
		"no resource":         pb(2, string(pb(1, easeTestKey, 2, "ann")), 3, token, 8, 3),
	} {
		p := r.dialSocket()
		p.send(frame)
		_, s := p.down(3)
		if got := p.status(s[8]); got != "0" || s[13][0] == "" {
			t.Errorf("login with %s = %s, resource %q, want 0 and some resource", name, got, s[13])
		}
	}
	r.wantLines("ann", 4)
}

// wantLines waits until so many devices of a user are online: a socket that ended
// is noticed a moment later.
func (r *easeRig) wantLines(name string, want int) {
	r.Helper()
	deadline := time.After(patience)
	for {
		got := len(r.ask("GET", "/users/"+name+"/resources", "").fields["data"].([]any))
		if got == want {
			return
		}
		select {
		case <-deadline:
			r.Fatalf("%d devices of %s are online, want %d", got, name, want)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestEasemobLoginIsRefused(t *testing.T) {
	const mismatch = "1 Sorry, token or password does not match login info"
	r := newEaseRig(t)
	r.register("bob")
	good := r.mint("ann")
	r.wantRefused("with a token of another", "bob", good, mismatch)
	r.wantRefused("with an app token", "bob", r.token, mismatch)
	r.wantRefused("without a token", "ann", "", mismatch)
	r.wantRefused("of nobody", "ghost", good, "1 Sorry, user not found")
	r.wantRefused("without a name", "", good, "1 Sorry, user not found")

	p := r.dialSocket()
	p.provision("acme#other", "ann", good, "webim_x")
	_, s := p.down(3)
	if got := p.status(s[8]); got != mismatch {
		t.Errorf("login at another app = %q, want %q", got, mismatch)
	}

	short := r.mintFor("ann", 20)
	r.set("/control/clock", `{"advance": "20s"}`)
	r.wantRefused("with a token that expired", "ann", short, "1 Sorry, token expired")

	r.want(200, "PUT", "/users/ann/password", `{"newpassword":"another"}`)
	r.wantRefused("with a token from before the password", "ann", good, mismatch)

	banned := r.mint("bob")
	r.want(200, "POST", "/users/bob/deactivate", "")
	r.wantRefused("of a banned user", "bob", banned, "2 Sorry, user not activated")
	r.app(`{"banned_forbidden": true}`)
	r.wantRefused("of a banned user, by the other guess", "bob", banned, "12 Sorry, user not activated")
	r.want(200, "POST", "/users/bob/activate", "")
	r.online("bob", banned, "webim_again")

	r.app(`{"service_off": true}`)
	r.wantRefused("while the service is off", "bob", banned, "12 Sorry, the app is disabled")
}

func TestEasemobLoginsAreCounted(t *testing.T) {
	r := newEaseRig(t)
	ann, bob := r.mint("ann"), r.mint("bob")
	r.app(`{"max_devices": 2}`)
	r.online("ann", ann, "webim_1")
	r.online("ann", ann, "webim_2")
	r.wantRefused("of a third device", "ann", ann, "13 Sorry, too many devices")
	r.online("ann", ann, "webim_2") // the same device again takes its own place
	r.app(`{"max_devices": 0, "max_online": 1}`)
	r.wantRefused("of a second user", "bob", bob, "7 Sorry, the app online count limit")
	r.online("ann", ann, "webim_3")
}

func TestEasemobKicks(t *testing.T) {
	r := newEaseRig(t)
	for _, c := range []struct {
		name      string
		operation int64
		do        func(token string)
	}{
		{"deletion", 1, func(string) { r.want(200, "DELETE", "/users/ann", "") }},
		{"password", 3, func(string) { r.want(200, "PUT", "/users/ann/password", `{"newpassword":"x1"}`) }},
		{"disconnect", 4, func(string) { r.want(200, "GET", "/users/ann/disconnect", "") }},
		{"disconnect of a device", 4, func(string) { r.want(200, "DELETE", "/users/ann/disconnect/webim_ann", "") }},
		{"control", 2, func(string) { r.set("/control/connections", `{"user_id": "ann", "action": "kick"}`) }},
		{"another device", 2, func(token string) {
			r.app(`{"one_device": true}`)
			r.online("ann", token, "webim_other")
			r.app(`{"one_device": false}`)
		}},
		{"ban", 4, func(string) { r.want(200, "POST", "/users/ann/deactivate", "") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := r.mint("ann")
			bystander := r.join("bob")
			p := r.online("ann", token, "webim_ann")
			c.do(token)
			p.wantKick(c.operation)
			if got := bystander.unreads(); got != "" {
				t.Errorf("unread queues of a bystander = %q, want an answer with none", got)
			}
		})
	}
}

func TestEasemobSameDeviceTakesOver(t *testing.T) {
	r := newEaseRig(t)
	token := r.mint("ann")
	p := r.online("ann", token, "webim_1")
	again := r.online("ann", token, "webim_1")
	if got := p.wantEnd(); got != -1 {
		t.Errorf("end of the socket before = %v, want none: the device knows", got)
	}
	if got := again.unreads(); got != "" {
		t.Errorf("unread = %q, want none", got)
	}
	r.wantLines("ann", 1)
}

func TestEasemobLogout(t *testing.T) {
	r := newEaseRig(t)
	p := r.join("ann")
	if got := r.ask("GET", "/users/ann/status", "").fields["data"].(map[string]any)["ann"]; got != "online" {
		t.Errorf("status with a socket = %v, want online", got)
	}
	p.msync(4, pb(1, "s1"))
	_, s := p.down(4)
	if got := p.status(s[3]); got != "0" {
		t.Errorf("logout = %s, want 0", got)
	}
	p.wantEnd()
	if got := r.ask("GET", "/users/ann/status", "").fields["data"].(map[string]any)["ann"]; got != "offline" {
		t.Errorf("status after the logout = %v, want offline", got)
	}
}

func (r *easeRig) shown(query string) string {
	r.Helper()
	out := []string{}
	for _, c := range r.see("/control/connections" + query)["connections"].([]any) {
		f := c.(map[string]any)
		out = append(out, fmt.Sprint(f["user_id"], " ", f["device_id"], " ", f["token_state"]))
	}
	return strings.Join(out, ", ")
}

func TestControlShowsAndEndsBothDialects(t *testing.T) {
	r := newEaseRig(t)
	rong := r.rig.connect(r.rig.mint("u1"))
	token := r.mint("ann")
	p := r.online("ann", token, "webim_1")
	if got, want := r.shown(""), "u1 device valid, ann webim_1 valid"; got != want {
		t.Errorf("connections = %q, want %q", got, want)
	}
	if got, want := r.shown("?user_id=ann"), "ann webim_1 valid"; got != want {
		t.Errorf("connections of ann = %q, want %q", got, want)
	}
	state := r.see("/control/state?user_id=ann")["easemob"].(map[string]any)
	if got := state["counts"].(map[string]any)["connections"]; got != 1.0 {
		t.Errorf("connections in Easemob's counts = %v, want 1", got)
	}
	shown := r.see("/control/connections?user_id=ann")["connections"].([]any)[0].(map[string]any)["token_fingerprint"]
	if want := state["tokens"].([]any)[0].(map[string]any)["fingerprint"]; shown != want {
		t.Errorf("fingerprint of the connection = %v, want the token's, %v", shown, want)
	}
	if got := r.set("/control/connections", `{"user_id": "ann", "action": "drop"}`)["ended"]; got != 1.0 {
		t.Errorf("ended = %v, want 1", got)
	}
	if got := p.wantEnd(); got != -1 {
		t.Errorf("end of a dropped socket = %v, want none: no close frame", got)
	}
	p = r.online("ann", token, "webim_1")
	r.set("/control/connections", `{"user_id": "ann", "action": "expire"}`)
	p.wantEnd()
	r.wantRefused("after expire", "ann", token, "1 Sorry, token expired")
	p = r.join("ann")
	if got := r.set("/control/connections", `{"user_id": "*", "action": "drop"}`)["ended"]; got != 2.0 {
		t.Errorf("ended = %v, want everybody, 2", got)
	}
	p.wantEnd()
	rong.wantEnd()
	if got := r.shown(""); got != "" {
		t.Errorf("connections = %q, want none at once", got)
	}
	p = r.join("ann")
	r.set("/control/reset", `{"all": true}`)
	p.wantEnd()
	r.wantRefused("after a reset", "ann", token, "1 Sorry, user not found")
}

// The SDK counts for itself and closes; the cloud leaves the socket alone.
func TestEasemobTokenExpiresWhileOnline(t *testing.T) {
	r := newEaseRig(t)
	old := r.mintFor("ann", 20)
	p := r.online("ann", old, "webim_1")
	r.set("/control/clock", `{"advance": "21s"}`)
	if got := p.unreads(); got != "" {
		t.Errorf("unread after the expiry = %q, want an answer with none", got)
	}
	if got, want := r.shown(""), "ann webim_1 expired"; got != want {
		t.Errorf("connections = %q, want %q", got, want)
	}
	// Renewing asks until when the new one lives, and moves the session to it.
	fresh := r.mintFor("ann", 100)
	got := r.as(fresh).want(200, "GET", "/sdk/users/ann/token/expires", "").fields["expire_timestamp"]
	if want := float64(start.Add(121 * time.Second).UnixMilli()); got != want {
		t.Errorf("expire_timestamp = %v, want %v", got, want)
	}
	if got, want := r.shown(""), "ann webim_1 valid"; got != want {
		t.Errorf("connections after renewing = %q, want %q", got, want)
	}
	permanent := r.mintFor("ann", 0)
	if got := r.as(permanent).want(200, "GET", "/sdk/users/ann/token/expires", "").fields["expire_timestamp"]; got.(float64) < float64(start.AddDate(50, 0, 0).UnixMilli()) {
		t.Errorf("expire_timestamp of a permanent token = %v, want one far away: the SDK closes on 0", got)
	}
	if a := r.as("unknown").ask("GET", "/sdk/users/ann/token/expires", ""); a.status != http.StatusUnauthorized || a.why == "" {
		t.Errorf("renewing with an unknown token = http %d %q, want 401 and why", a.status, a.why)
	}
}
