package sandbox

import (
	"fmt"
	"testing"
)

func TestFaultsOfFrames(t *testing.T) {
	for _, c := range []struct {
		mode string
		ends bool
		done bool
	}{
		{"reset_before", true, false},
		{"reset_after", true, true},
		{"empty", false, true},
	} {
		t.Run(c.mode, func(t *testing.T) {
			r := newRig(t)
			ann, ben := r.connect(r.mint("ann")), r.connect(r.mint("ben"))
			r.set("/control/faults", fmt.Sprintf(`{"path": "/websocket/ppMsgP", "mode": %q, "user": "ann", "times": 1}`, c.mode))
			ben.text("ann", "somebody else's")
			ann.wantNote()

			ann.packet(0x32, "ppMsgP", "ben", pb(1, 3, 2, "RC:TxtMsg", 3, `{"content":"lost?"}`))
			if c.ends {
				ann.wantEnd()
				r.wantOnline("ann", 0)
				ann = r.connect(r.mint("ann"))
			} else {
				ann.sendHex("c0")
				ann.want("what comes next after a lost receipt", "d0")
			}
			want := 0
			if c.done {
				ben.wantNote()
				want = 1
			}
			if got := len(ben.pull(1, 1).list); got != 1+want {
				t.Errorf("ben has %d messages, want 1 of his own and %d of ann's", got, want)
			}
			if got := ann.text("ben", "again"); got.status != 0 {
				t.Errorf("status of the next message = %d, want 0: the fault fired once", got.status)
			}
		})
	}
}

// TestFaultsOfTheGreeting: a socket that opens and never greets, and one that breaks
// instead of greeting. One fault hits one opening.
func TestFaultsOfTheGreeting(t *testing.T) {
	for _, mode := range []string{"empty", "reset_before", "reset_after"} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t)
			r.set("/control/faults", fmt.Sprintf(`{"path": "/websocket/connack", "mode": %q, "user": "ann", "times": 1}`, mode))
			ben := r.connect(r.mint("ben"))
			ann := r.dial(r.mint("ann"), 4)
			bens := 0
			if mode == "empty" {
				bens = 1
				ann.sendHex("c0")
				ann.packet(0x32, "ppMsgP", "ben", pb(1, 3, 2, "RC:TxtMsg", 3, `{"content":"x"}`))
				r.wantOnline("ann", 1)
				ben.text("ann", "to who hears nothing")
				r.set("/control/connections", `{"user_id": "ann", "action": "drop"}`)
			}
			ann.wantEnd()
			r.wantOnline("ann", 0)
			if got := len(ben.pull(1, 1).list); got != bens {
				t.Errorf("ben has %d messages, want %d, his own: ann was never greeted", got, bens)
			}
			r.connect(r.mint("ann"))
			r.wantOnline("ann", 1)
		})
	}
}

func TestALostAnswerToAPullLosesNoMessage(t *testing.T) {
	r := newRig(t)
	ann, ben := r.connect(r.mint("ann")), r.connect(r.mint("ben"))
	for _, mode := range []string{"empty", "reset_after", "reset_before"} {
		r.set("/control/faults", fmt.Sprintf(`{"path": "/websocket/pullMsg", "mode": %q, "times": 1}`, mode))
		before := ann.text("ben", mode).at - 1
		ben.wantNote()
		ben.packet(0x50, "pullMsg", "me", pb(1, before, 6, before))
		if mode != "empty" {
			ben.wantEnd()
			ben = r.connect(r.mint("ben"))
		}
		if got := ben.pull(before, before).list; len(got) != 1 || got[0].content != fmt.Sprintf(`{"content":"%s"}`, mode) {
			t.Errorf("pulled after %s: %+v, want the message that the first answer had", mode, got)
		}
	}
}

func TestFaultsOfEveryPathDoNotHitFrames(t *testing.T) {
	r := newRig(t)
	p := r.connect(r.mint("u1"))
	r.set("/control/faults", `{"mode": "empty"}`)
	if status, _, _ := p.ask("pullMsg", pb(1, 1)); status != 0 {
		t.Errorf("status of pullMsg = %d, want 0", status)
	}
	for _, mode := range []string{`"delay", "delay_ms": 10`, `"status", "status": 500`, `"garbage"`} {
		code, answer := r.turn("POST", "/control/faults", `{"path": "/websocket/pullMsg", "mode": `+mode+`}`)
		if code != 400 || answer["field"] != "mode" {
			t.Errorf("a fault %s of frames = %d %v, want 400 and the field mode", mode, code, answer)
		}
	}
}

func TestFaultsOfEasemobsFrames(t *testing.T) {
	for _, c := range []struct {
		mode string
		ends bool
		done bool
	}{
		{"reset_before", true, false},
		{"reset_after", true, true},
		{"empty", false, true},
	} {
		t.Run(c.mode, func(t *testing.T) {
			r := newEaseRig(t)
			r.register("ann", "ben")
			ann, ben := r.join("ann"), r.join("ben")
			r.set("/control/faults", fmt.Sprintf(`{"path": "/ws/message", "mode": %q, "user": "ann", "times": 1}`, c.mode))
			ben.say("ann", "somebody else's")
			ann.wantNotice("ben", "easemob.com")

			meta := pb(1, 77, 3, easeJIDBytes("ben", "easemob.com", ""), 5, 1, 6, string(chatBody(1, "ann", "ben", "lost?")), 7, 0)
			ann.msync(0, pb(1, string(meta)))
			if c.ends {
				ann.wantEnd()
				ann = r.join("ann")
			} else if got := ann.unreads(); got != "ben 1" {
				t.Errorf("unread after a lost answer = %q, want ben 1: the connection lives", got)
			}
			want := "[]"
			if c.done {
				ben.wantNotice("ann", "easemob.com")
				want = "[1 ann ben lost?]"
			}
			if got := fmt.Sprint(ben.fetch("ann", "easemob.com")); got != want {
				t.Errorf("ben has %s of ann, want %s", got, want)
			}
			ann.say("ben", "again: the fault fired once")
		})
	}
}

// TestEveryFrameOfEasemobCanFail: a lost login leaves nobody online, a lost answer to
// a pull loses no message, and each kind of frame has a fault of its own.
func TestEveryFrameOfEasemobCanFail(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "ben")
	fault := func(frame, mode string) {
		t.Helper()
		r.set("/control/faults", fmt.Sprintf(`{"path": "/ws/%s", "mode": %q, "times": 1}`, frame, mode))
	}
	for _, mode := range []string{"reset_before", "reset_after"} {
		fault("provision", mode)
		ann := r.dialSocket()
		ann.provision(easeTestKey, "ann", r.mint("ann"), "webim_ann")
		ann.wantEnd()
		r.wantLines("ann", 0)
	}
	r.join("ben").say("ann", "still here")
	for _, mode := range []string{"reset_before", "reset_after"} {
		ann := r.join("ann")
		fault("pull", mode)
		ann.msync(0, pb(3, easeJIDBytes("ben", "easemob.com", "")))
		ann.wantEnd()
	}
	ann := r.join("ann")
	fault("unread", "empty")
	ann.send(pb(1, 0, 8, 1, 20, 7))
	if got := fmt.Sprint(ann.fetch("ben", "easemob.com")); got != "[1 ben ann still here]" {
		t.Errorf("ann pulls %s after lost answers, want the message", got)
	}
	fault("roster", "reset_before")
	ann.msync(0, pb(1, string(pb(1, 88, 5, 3, 6, string(pb(1, easeRosterAdd, 4, string(pb(2, "ben"))))))))
	ann.wantEnd()

	code, answer := r.turn("POST", "/control/faults", `{"path": "/ws/pulls", "mode": "empty"}`)
	if code != 400 || answer["field"] != "path" {
		t.Errorf("a fault of a frame that does not exist = %d %v, want 400 and the field path", code, answer)
	}
}
