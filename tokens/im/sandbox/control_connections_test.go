package sandbox

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// live is who GET /control/connections shows, as "user protocol state".
func (r *rig) live(query string) string {
	r.Helper()
	out := []string{}
	for _, c := range r.see("/control/connections" + query)["connections"].([]any) {
		f := c.(map[string]any)
		out = append(out, fmt.Sprint(f["user_id"], " ", f["protocol"], " ", f["token_state"]))
	}
	return fmt.Sprint(out)
}

// wantOnline waits until so many sockets of a user are counted: a socket that
// ended is noticed a moment later.
func (r *rig) wantOnline(userID string, want int) {
	r.Helper()
	deadline := time.After(patience)
	for {
		r.s.mu.Lock()
		got := len(r.s.sockets.live[userID])
		r.s.mu.Unlock()
		if got == want {
			return
		}
		select {
		case <-deadline:
			r.Fatalf("%d sockets of %s are live, want %d", got, userID, want)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestControlShowsWhoIsConnected(t *testing.T) {
	r := newRig(t)
	token := r.mint("u1")
	if got := r.ok("/user/checkOnline.json", "userId", "u1").fields["status"]; got != "0" {
		t.Errorf("status before the socket = %v, want 0", got)
	}
	one := r.connect(token)
	r.dial(token, 4).read()
	r.connect(r.mint("u2"))
	if got, want := r.live(""), "[u1 3 valid u1 4 valid u2 3 valid]"; got != want {
		t.Errorf("connections = %s, want %s", got, want)
	}
	if got, want := r.live("?user_id=u2"), "[u2 3 valid]"; got != want {
		t.Errorf("connections of u2 = %s, want %s", got, want)
	}
	state := r.see("/control/state?user_id=u1")
	if got := state["users"].([]any)[0].(map[string]any)["connections"]; got != 2.0 {
		t.Errorf("connections of u1 in the state = %v, want 2", got)
	}
	if got := state["counts"].(map[string]any)["connections"]; got != 3.0 {
		t.Errorf("connections in the counts = %v, want 3", got)
	}
	if got := r.ok("/user/checkOnline.json", "userId", "u1").fields["status"]; got != "1" {
		t.Errorf("status with sockets = %v, want 1", got)
	}
	one.sendHex("e0 00 04") // the SDK's logout
	if got := one.wantEnd(); got != websocket.StatusNormalClosure {
		t.Errorf("end after a logout = %v, want a normal closure", got)
	}
	r.wantOnline("u1", 1)
}

func TestControlEndsConnections(t *testing.T) {
	r := newRig(t)
	token := r.mint("u1")

	p, other := r.connect(token), r.connect(r.mint("u2"))
	if got := r.set("/control/connections", `{"user_id": "u1", "action": "drop"}`)["ended"]; got != 1.0 {
		t.Errorf("ended = %v, want 1", got)
	}
	if got := r.live("?user_id=u1"); got != "[]" {
		t.Errorf("connections after a drop = %s, want none at once", got)
	}
	if got := p.wantEnd(); got != -1 {
		t.Errorf("end of a dropped socket = %v, want none: no close frame", got)
	}
	r.wantState(token, StateValid)

	p = r.connect(token)
	r.set("/control/connections", `{"user_id": "u1", "action": "kick"}`)
	p.want("kick", "e0 00 01")
	p.wantEnd()
	r.wantState(token, StateValid)

	p = r.connect(token)
	r.set("/control/connections", `{"user_id": "u1", "action": "expire"}`)
	p.want("expire", "e0 00 07")
	p.wantEnd()
	r.wantState(token, StateExpired)
	again := r.dial(token, 3)
	again.want("CONNACK after expire", "20 00 0a")
	r.wantState(r.mint("u1"), StateValid)

	other.sendHex("c0")
	other.want("another user's ping", "d0")
	r.set("/control/connections", `{"user_id": "*", "action": "drop"}`)
	other.wantEnd()

	for body, field := range map[string]string{
		`{}`:                                    "user_id",
		`{"user_id": "u1"}`:                     "action",
		`{"user_id": "u1", "action": "x"}`:      "action",
		`{"user_id": "", "action": "drop"}`:     "user_id",
		`{"user": "u1", "action": "drop"}`:      "user",
		`{"user_id": ["u1"], "action": "drop"}`: "user_id",
	} {
		status, out := r.turn(http.MethodPost, "/control/connections", body)
		if status != http.StatusBadRequest || out["field"] != field {
			t.Errorf("%s = http %d %v, want 400 about %s", body, status, out, field)
		}
	}
}

// The documented way: a live connection survives what happens to its token,
// and the next connect is refused.
func TestTokenStatesWhileOnline(t *testing.T) {
	alive := func(p *phone, what string) {
		t.Helper()
		p.sendHex("c0")
		p.want("ping of a live connection after "+what, "d0")
	}
	t.Run("lifetime passes", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.TokenLifetime = 20 * time.Second })
		token := r.mint("u1")
		p := r.connect(token)
		r.set("/control/clock", `{"advance": "20s"}`)
		alive(p, "expiry")
		if got, want := r.live(""), "[u1 3 expired]"; got != want {
			t.Errorf("connections = %s, want %s", got, want)
		}
		r.set("/control/connections", `{"user_id": "u1", "action": "drop"}`)
		p.wantEnd()
		r.dial(token, 3).want("CONNACK on reconnect", "20 00 0a")
		r.connect(r.mint("u1"))
	})
	t.Run("token/expire", func(t *testing.T) {
		r := newRig(t)
		token := r.mint("u1")
		p := r.connect(token)
		r.ok("/user/token/expire.json", "userId", "u1", "time", fmt.Sprint(start.UnixMilli()+1))
		alive(p, "token/expire")
		r.dial(token, 3).want("CONNACK on reconnect", "20 00 0a")
	})
	t.Run("rotated secret", func(t *testing.T) {
		r := newRig(t)
		token := r.mint("u1")
		p := r.connect(token)
		r.set("/control/app", `{"rotate_secret": true}`)
		alive(p, "a rotated secret")
		if got, want := r.live(""), "[u1 3 unknown]"; got != want {
			t.Errorf("connections = %s, want %s", got, want)
		}
		r.dial(token, 3).want("CONNACK on reconnect", "20 00 04")
	})
	t.Run("ban", func(t *testing.T) {
		r := newRig(t)
		token := r.mint("u1")
		p := r.connect(token)
		r.ok("/user/block.json", "userId", "u1", "minute", "1")
		if got := r.live(""); got != "[]" {
			t.Errorf("connections after a ban = %s, want none at once", got)
		}
		p.want("ban", "e0 00 02")
		p.wantEnd()
		r.dial(token, 3).want("CONNACK while banned", "20 00 09")
		r.set("/control/clock", `{"advance": "60s"}`)
		r.connect(token)
	})
	t.Run("deactivation", func(t *testing.T) {
		r := newRig(t)
		token := r.mint("u1")
		p := r.connect(token)
		r.ok("/user/deactivate.json", "userId", "u1")
		p.want("deactivation", "e0 00 09")
		p.wantEnd()
		r.dial(token, 3).want("CONNACK while deactivated", "20 00 13")
	})
	t.Run("deletion", func(t *testing.T) {
		r := newRig(t)
		token := r.mint("u1")
		p := r.connect(token)
		r.ok("/user/delusers.json", "userId", "u1")
		p.want("deletion", "e0 00 02")
		p.wantEnd()
		r.dial(token, 3).want("CONNACK after the deletion", "20 00 04")
	})
}

// The socket itself would hide this: it takes little more once it is closing.
func TestNothingCountsAfterFarewell(t *testing.T) {
	s := New(Config{})
	c := &connection{userID: "u1", out: make(chan outgoing, maxUnsent), raw: noConn{}}
	s.online(c)
	s.dismiss("u1", rongFarewell(rongBlocked))
	body := pb(1, 3, 2, "RC:TxtMsg", 3, "{}")
	s.dialects[0].(*rongcloud).frame(c, rongFrame{kind: rongPublish, qos: 1, topic: "ppMsgP", target: "u2", id: 1, body: body})
	if got := len(c.out); got != 1 {
		t.Errorf("%d frames for the client, want the farewell alone", got)
	}
	if box := s.store.mailboxes["u2"]; box != nil {
		t.Errorf("u2 got %d messages from a dismissed client, want none", len(box.messages))
	}
}
