package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// presence reads the next report and holds it against "reason status device".
func (e *ear) presence(t *testing.T, want string) {
	t.Helper()
	body := e.next(t)
	user, _ := body["user"].(string)
	device, ok := strings.CutPrefix(user, "acme#chat_ann@easemob.com/")
	if got := fmt.Sprint(body["reason"], " ", body["status"], " ", device); got != want || !ok || body["ip"] == "" {
		t.Errorf("report = %s of %q at %q, want %s", got, user, body["ip"], want)
	}
}

func TestEasemobPresenceWebhooks(t *testing.T) {
	r, e := newEaseRig(t), newEar(t)
	token := r.mint("ann")
	r.listens(e, "")
	one := r.online("ann", token, "webim_1")
	e.presence(t, "login online webim_1")
	one.msync(4, nil)
	e.presence(t, "logout offline webim_1")

	r.online("ann", token, "webim_2")
	e.presence(t, "login online webim_2")
	r.app(`{"one_device": true}`)
	three := r.online("ann", token, "webim_3")
	e.presence(t, "replaced offline webim_2")
	e.presence(t, "login online webim_3")
	_ = three.ws.CloseNow()
	e.presence(t, "logout offline webim_3")

	r.online("ann", token, "webim_4")
	e.presence(t, "login online webim_4")
	r.want(200, "GET", "/users/ann/disconnect", "")
	e.presence(t, "logout offline webim_4")

	r.wantRefused("with a wrong token", "ann", "garbage", "1 Sorry, token or password does not match login info")
	r.online("ann", token, "webim_5")
	e.presence(t, "login online webim_5") // and nothing about who was refused
}

func TestEasemobMessageWebhooks(t *testing.T) {
	r, e := newEaseRig(t), newEar(t)
	verdict := ""
	e.say = func(w http.ResponseWriter, _ int) { _, _ = w.Write([]byte(verdict)) }
	ann, bob := r.join("ann"), r.join("bob")
	r.set("/control/app", `{"easemob":{"webhooks":{"url":"`+e.URL+`","presend_url":"`+e.URL+`","secret":"`+hookSecret+`","presend_wait_ms":5000,"events":["presend","postsend"]}}}`)
	send := func(answer, words string) (int64, string) {
		t.Helper()
		verdict = answer
		return ann.post("bob", "easemob.com", chatBody(1, "ann", "bob", words))
	}

	id, status := send(`{"valid":true}`, "hello")
	if status != "0" {
		t.Fatalf("message that its judge lets go = %q, want 0", status)
	}
	before, after := e.next(t), e.next(t)
	for what, body := range map[string]map[string]any{"pre-send": before, "post-send": after} {
		got := fmt.Sprint(body["chat_type"], " ", body["from"], " ", body["to"], " ", body["msg_id"])
		if want := fmt.Sprint("chat ann bob ", id); got != want {
			t.Errorf("%s = %s, want %s", what, got, want)
		}
	}
	if got := fmt.Sprint(before["payload"]); got != "map[msg:hello type:txt]" {
		t.Errorf("payload before sending = %s, want the text", got)
	}
	if after["eventType"] != "chat" || !strings.Contains(fmt.Sprint(after["payload"]), "msg:hello") {
		t.Errorf("report after sending = %v, want the text", after)
	}
	bob.wantNotice("ann", "easemob.com")
	bob.fetch("ann", "easemob.com")

	if _, status := send(`{"valid":false,"code":"no such words"}`, "bad"); status != "19 no such words" {
		t.Errorf("message that is refused = %q, want status 19 and the reason", status)
	}
	e.next(t)
	if _, status := send(`{"valid":false}`, "bad"); status != "19 custom logic denied" {
		t.Errorf("message that is refused without a reason = %q, want status 19", status)
	}
	e.next(t)

	send(`{"valid":true,"payload":{"msg":"***"}}`, "bad")
	e.next(t)
	if body := e.next(t); !strings.Contains(fmt.Sprint(body["payload"]), "msg:***") {
		t.Errorf("report after sending = %v, want the new text", body["payload"])
	}
	bob.wantNotice("ann", "easemob.com")
	if got, want := fmt.Sprint(bob.fetch("ann", "easemob.com")), "[1 ann bob ***]"; got != want {
		t.Errorf("fetched %s, want %s", got, want)
	}

	// What the SDK says by itself is nobody's business.
	if _, status := bob.post("ann", "easemob.com", pb(1, 4, 4, string(pb(1, 0)), 6, id)); status != "0" {
		t.Errorf("receipt = %q, want 0", status)
	}
	select {
	case body := <-e.heard:
		t.Errorf("report about a receipt: %v, want none", body)
	default:
	}
}

// A message that waits for its judge is overtaken, and is not lost by that.
func TestEasemobJudgedMessageIsOvertaken(t *testing.T) {
	r, e := newEaseRig(t), newEar(t)
	release := make(chan bool)
	e.say = func(w http.ResponseWriter, n int) {
		if n == 1 {
			<-release
		}
		_, _ = w.Write([]byte(`{"valid":true}`))
	}
	token := r.mint("ann")
	slow, fast := r.online("ann", token, "webim_1"), r.online("ann", token, "webim_2")
	bob := r.join("bob")
	r.set("/control/app", `{"easemob":{"webhooks":{"presend_url":"`+e.URL+`","secret":"`+hookSecret+`","presend_wait_ms":9000}}}`)
	meta := pb(1, 1, 3, easeJIDBytes("bob", "easemob.com", ""), 5, 1, 6, string(chatBody(1, "ann", "bob", "slow")))
	slow.msync(0, pb(1, string(meta)))
	e.next(t)
	fastID := fast.say("bob", "fast")
	slow.wantNotice("bob", "easemob.com")
	bob.wantNotice("ann", "easemob.com")
	page := bob.pull("ann", "easemob.com", 0)
	if page := bob.pull("ann", "easemob.com", page.next); !page.last {
		t.Fatalf("pulled %+v, want the end", page)
	}
	close(release)
	n, _ := slow.down(0)
	if n[3] >= fastID {
		t.Fatalf("ids %d and %d: want the slow one's to be lower, or this proves nothing", n[3], fastID)
	}
	bob.wantNotice("ann", "easemob.com")
	if got, want := fmt.Sprint(bob.fetch("ann", "easemob.com")), "[1 ann bob slow]"; got != want {
		t.Errorf("fetched %s, want %s", got, want)
	}
}
