package sandbox

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// appServer is what the cloud asks; it notes what it is asked.
type appServer struct {
	*httptest.Server
	answer func(w http.ResponseWriter, form url.Values)
	asked  chan *http.Request
}

func (r *rig) appServer(answer func(w http.ResponseWriter, form url.Values)) *appServer {
	r.Helper()
	a := &appServer{answer: answer, asked: make(chan *http.Request, 100)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_ = req.ParseForm()
		a.asked <- req
		a.answer(w, req.PostForm)
	}))
	r.Cleanup(a.Close)
	r.set("/control/app", fmt.Sprintf(`{"pre_send_url":%q}`, a.URL+"/callback"))
	return a
}

func pass(n int) func(http.ResponseWriter, url.Values) {
	return func(w http.ResponseWriter, _ url.Values) { fmt.Fprintf(w, `{"pass":%d}`, n) }
}

func TestTheAppServerIsAskedBeforeDelivery(t *testing.T) {
	r := newRig(t)
	server := r.appServer(pass(1))
	one, token := r.connect(r.mint("u1")), r.mint("u2")
	sent := one.text("u2", "hello")
	if sent.status != 0 {
		t.Fatalf("PUBACK = %+v, want status 0", sent)
	}
	req := <-server.asked
	q := req.URL.Query()
	sum := sha1.Sum([]byte(testSecret + q.Get("nonce") + q.Get("signTimestamp")))
	if q.Get("signature") != hex.EncodeToString(sum[:]) || len(q.Get("nonce")) > 18 || q.Get("signTimestamp") != fmt.Sprint(start.UnixMilli()) {
		t.Errorf("query = %v, want a nonce of at most 18, the time, and their signature", q)
	}
	want := url.Values{"appKey": {testKey}, "fromUserId": {"u1"}, "targetId": {"u2"}, "msgType": {"RC:TxtMsg"}, "content": {`{"content":"hello"}`},
		"channelType": {"PERSON"}, "msgTimeStamp": {fmt.Sprint(start.UnixMilli())}, "messageId": {sent.uid}, "os": {"Websocket"}}
	if req.PostForm.Encode() != want.Encode() {
		t.Errorf("form = %v, want %v", req.PostForm, want)
	}
	if got := r.connect(token).pull(0, 0); contents(got.list) != "hello" || got.list[0].uid != sent.uid {
		t.Errorf("pulled %+v, want the message %s", got.list, sent.uid)
	}
	// What the server API sends is not asked about.
	r.publish("u1", "u2", "from the server")
	if n := len(server.asked); n != 0 {
		t.Errorf("asked %d times about a message of the server API, want 0", n)
	}
}

func TestADroppedMessageReachesNobody(t *testing.T) {
	r := newRig(t)
	server := r.appServer(pass(0))
	tokenOne, tokenTwo := r.mint("u1"), r.mint("u2")
	one := r.connect(tokenOne)
	if got := one.text("u2", "no"); got.status != 0 || got.uid == "" {
		t.Errorf("PUBACK of a dropped message = %+v, want status 0: RongCloud does not tell the sender", got)
	}
	for who, token := range map[string]string{"u1": tokenOne, "u2": tokenTwo} {
		if got := r.connect(token).pull(0, 0); len(got.list) != 0 {
			t.Errorf("%s pulled %+v, want nothing", who, got.list)
		}
	}
	r.set("/control/app", `{"pre_send_status":21501}`)
	if got := one.text("u2", "no"); got.status != 21501 || got.uid != "" {
		t.Errorf("PUBACK of a dropped message = %+v, want status 21501", got)
	}
	server.answer = pass(1)
	if got := one.text("u2", "yes"); got.status != 0 {
		t.Errorf("PUBACK = %+v, want status 0", got)
	}
	if got := r.connect(tokenTwo).pull(0, 0); contents(got.list) != "yes" {
		t.Errorf("pulled %q, want yes", contents(got.list))
	}
}

func TestAnAppServerThatFailsDelivers(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, url.Values){
		"status 403":  func(w http.ResponseWriter, _ url.Values) { w.WriteHeader(403); fmt.Fprint(w, `{"pass":0}`) },
		"no JSON":     func(w http.ResponseWriter, _ url.Values) { fmt.Fprint(w, `<html>`) },
		"no pass":     func(w http.ResponseWriter, _ url.Values) { fmt.Fprint(w, `{}`) },
		"a redirect":  func(w http.ResponseWriter, _ url.Values) { w.Header().Set("Location", "/"); w.WriteHeader(302) },
		"hanging up":  func(w http.ResponseWriter, _ url.Values) { panic(http.ErrAbortHandler) },
		"pass is yes": func(w http.ResponseWriter, _ url.Values) { fmt.Fprint(w, `{"pass":"yes"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			server := r.appServer(answer)
			one, token := r.connect(r.mint("u1")), r.mint("u2")
			one.text("u2", "hello")
			if got := r.connect(token).pull(0, 0); contents(got.list) != "hello" {
				t.Errorf("pulled %q, want the message: RongCloud delivers when the answer is none", contents(got.list))
			}
			if n := len(server.asked); n != 1 {
				t.Errorf("asked %d times, want once", n)
			}
		})
	}
}

// TestAnAppServerIsWaitedForThreeSeconds uses no network: time is in a bubble.
func TestAnAppServerIsWaitedForThreeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{AppKey: testKey, AppSecret: testSecret})
		defer s.Close()
		rc := s.dialects[0].(*rongcloud)
		s.hooks = &http.Client{Transport: hangs{}}
		begin := time.Now()
		err := rc.allows(t.Context(), "http://127.0.0.1:1/", url.Values{})
		if took := time.Since(begin); err == nil || took != 3*time.Second {
			t.Errorf("allows = %v after %s, want an error after 3s", err, took)
		}
	})
}

type hangs struct{}

func (hangs) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestWhomTheListsRefuseNobodyIsAskedAbout(t *testing.T) {
	r := newRig(t)
	server := r.appServer(pass(1))
	one := r.connect(r.mint("u1"))
	r.mint("u2")
	r.ok("/user/blacklist/add.json", "userId", "u2", "blackUserId", "u1")
	if got := one.text("u2", "no"); got.status != 405 {
		t.Errorf("PUBACK = %+v, want 405", got)
	}
	if n := len(server.asked); n != 0 {
		t.Errorf("asked %d times, want 0", n)
	}
}

func TestThePreSendAddressIsOfThisMachine(t *testing.T) {
	r := newRig(t)
	for _, bad := range []string{"http://192.0.2.1/x", "https://example.com", "ftp://127.0.0.1/", "127.0.0.1:1", "http://u:p@127.0.0.1/"} {
		if status, out := r.turn(http.MethodPost, "/control/app", fmt.Sprintf(`{"pre_send_url":%q}`, bad)); status != http.StatusBadRequest || out["field"] != "pre_send_url" {
			t.Errorf("pre_send_url %q = http %d %v, want 400 about pre_send_url", bad, status, out)
		}
	}
	if status, _ := r.turn(http.MethodPost, "/control/app", `{"pre_send_status":65536}`); status != http.StatusBadRequest {
		t.Errorf("pre_send_status 65536 = http %d, want 400", status)
	}
	// A name may lead elsewhere than it says: dialling decides.
	s := New(Config{})
	defer s.Close()
	rc := s.dialects[0].(*rongcloud)
	if err := rc.allows(t.Context(), "http://192.0.2.1/", url.Values{}); err == nil || !strings.Contains(err.Error(), errRemote.Error()) {
		t.Errorf("asking another machine = %v, want %v", err, errRemote)
	}
}
