package sandbox

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const hookSecret = "planted-hook-secret"

// An ear is a receiver of webhooks that answers as it is told.
type ear struct {
	*httptest.Server
	heard chan map[string]any
	mu    sync.Mutex
	n     int // calls so far
	say   func(w http.ResponseWriter, n int)
}

// says is how it answers from now on.
func (e *ear) says(f func(w http.ResponseWriter, n int)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say = f
}

func newEar(t *testing.T) *ear {
	e := &ear{heard: make(chan map[string]any, 100)}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var body map[string]any
		_ = json.Unmarshal(raw, &body)
		e.heard <- body
		e.mu.Lock()
		e.n++
		n, say := e.n, e.say
		e.mu.Unlock()
		if say != nil {
			say(w, n)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *ear) next(t *testing.T) map[string]any {
	t.Helper()
	select {
	case body := <-e.heard:
		id, _ := body["callId"].(string)
		at, _ := body["timestamp"].(float64)
		sum := md5.Sum([]byte(id + hookSecret + fmt.Sprint(int64(at))))
		if got := body["security"]; got != hex.EncodeToString(sum[:]) || !strings.HasPrefix(id, easeTestKey+"_") {
			t.Errorf("signature of %v = %v, want %x", id, got, sum)
		}
		return body
	case <-time.After(time.Minute):
		t.Fatal("no webhook came")
		return nil
	}
}

func (r *easeRig) listens(e *ear, more string) {
	r.Helper()
	r.set("/control/app", `{"easemob":{"webhooks":{"url":"`+e.URL+`","secret":"`+hookSecret+`"`+more+`}}}`)
}

func TestEasemobRosterWebhooks(t *testing.T) {
	r, e := newRelations(t), newEar(t)
	r.listens(e, "")
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	r.want(200, "POST", "/users/user1/contacts/users/user2", "") // changes nothing
	r.want(200, "POST", "/users/user1/blocks/users", `{"usernames":["user3"]}`)
	r.want(200, "DELETE", "/users/user1/blocks/users/user3", "")
	r.want(200, "DELETE", "/users/user2/contacts/users/user1", "")
	var got []string
	for range 4 {
		body := e.next(t)
		got = append(got, fmt.Sprint(body["payload"].(map[string]any)["operation"], " ", body["from"], " ", body["to"], " ", body["chat_type"]))
	}
	want := []string{
		"add acme#chat_user1@easemob.com user2 roster", "ban acme#chat_user1@easemob.com user3 roster",
		"allow acme#chat_user1@easemob.com user3 roster", "remove acme#chat_user2@easemob.com user1 roster",
	}
	if !slices.Equal(got, want) {
		t.Errorf("webhooks = %q, want %q", got, want)
	}
}

// What people agree on between themselves is told of both.
func TestEasemobConsentWebhooks(t *testing.T) {
	r, e := newEaseRig(t), newEar(t)
	r.register("ann", "bob")
	asAnn, asBob := r.as(r.mint("ann")), r.as(r.mint("bob"))
	r.listens(e, `,"events":["roster"]`)
	operations := func(n int) string {
		var list []string
		for range n {
			body := e.next(t)
			from, _, _ := strings.Cut(strings.TrimPrefix(body["from"].(string), easeTestKey+"_"), "@")
			list = append(list, fmt.Sprint(body["payload"].(map[string]any)["operation"], " ", from, " ", body["to"]))
		}
		return strings.Join(list, ", ")
	}
	for _, c := range []struct{ answer, want string }{
		{"decline", "add ann bob, decline bob ann, remote_decline bob ann"},
		{"accept", "add ann bob, accept bob ann, remote_accept bob ann"},
	} {
		asAnn.want(200, "POST", "/users/ann/contacts/apply", `{"usernames":["bob"]}`)
		asBob.want(200, "POST", "/users/bob/contacts/"+c.answer+"/users/ann", "")
		if got := operations(3); got != c.want {
			t.Errorf("webhooks of a request and its answer %s = %s, want %s", c.answer, got, c.want)
		}
	}
}

func TestEasemobPostsendWebhooks(t *testing.T) {
	r, e := newRelations(t), newEar(t)
	e.says(func(w http.ResponseWriter, n int) {
		if n == 1 || n >= 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	r.listens(e, `,"events":["postsend"]`)
	r.want(200, "POST", "/users/user1/contacts/users/user2", "") // switched off
	a := r.want(200, "POST", "/messages/users", `{"from":"user1","to":["user2"],"type":"txt","body":{"msg":"hi"},"ext":{"k":1}}`)
	first, again := e.next(t), e.next(t)
	if first["callId"] != again["callId"] {
		t.Errorf("second try = %v, want the first event again", again)
	}
	if got, want := fmt.Sprint(first["payload"]), "map[bodies:[map[msg:hi type:txt]] ext:map[k:1] from:user1 to:user2 type:chat]"; got != want || first["msg_id"] != a.fields["data"].(map[string]any)["user2"] {
		t.Errorf("webhook = %v, want payload %s", first, want)
	}
	offline := e.next(t)
	if first["eventType"] != "chat" || offline["eventType"] != "chat_offline" {
		t.Errorf("events = %v and %v, want chat and chat_offline", first["eventType"], offline["eventType"])
	}
	e.next(t) // its second try
	r.s.Close()
	hooks := r.see("/control/state")["easemob"].(map[string]any)["app"].(map[string]any)["webhooks"].(map[string]any)
	if hooks["delivered"] != 1.0 || hooks["waiting"] != 0.0 || len(e.heard) != 0 {
		t.Errorf("webhooks = %v and %d more, want one delivered and no third try", hooks, len(e.heard))
	}
}

func TestEasemobPresend(t *testing.T) {
	r, e := newRelations(t), newEar(t)
	m := &easeMessage{id: 17, chat: easeChat, from: "user1", to: "user2", kind: "txt", body: map[string]any{"msg": "hi"}}
	ask := func() string {
		ruling := r.s.ease.hooks.judge(t.Context(), m)
		if ruling.text != nil {
			return "says " + *ruling.text
		}
		return ruling.refused
	}
	if got := ask(); got != "" {
		t.Errorf("without a webhook = %q, want it to pass", got)
	}
	r.set("/control/app", `{"easemob":{"webhooks":{"presend_url":"`+e.URL+`","secret":"`+hookSecret+`","presend_wait_ms":60000}}}`)
	for _, tc := range []struct{ said, def, want string }{
		{`{"valid":true}`, "block", ""},
		{`{"valid":false}`, "pass", "custom logic denied"},
		{`{"valid":false,"code":"HX:10001"}`, "pass", "HX:10001"},
		{`{"valid":true,"payload":{"msg":"**"}}`, "block", "says **"},
		{`{}`, "pass", ""},
		{`{}`, "block", "custom internal error"},
		{`no`, "block", "custom internal error"},
		{`{"valid":true,"x":"` + strings.Repeat("x", 1000) + `"}`, "block", "custom internal error"},
	} {
		e.says(func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, tc.said) })
		r.set("/control/app", `{"easemob":{"webhooks":{"presend_default":"`+tc.def+`"}}}`)
		if got := ask(); got != tc.want {
			t.Errorf("judge who says %.60s, by default %s = %q, want %q", tc.said, tc.def, got, tc.want)
		}
		if body := e.next(t); fmt.Sprint(body["payload"]) != "map[msg:hi type:txt]" || body["msg_id"] != "17" || body["from"] != "user1" {
			t.Errorf("webhook = %v, want the message", body)
		}
	}
	// One that does not answer in time.
	held := make(chan struct{})
	e.says(func(http.ResponseWriter, int) { <-held })
	r.set("/control/app", `{"easemob":{"webhooks":{"presend_wait_ms":20}}}`)
	if got := ask(); got != "custom internal error" {
		t.Errorf("judge who is late = %q, want custom internal error", got)
	}
	close(held)
}

func TestEasemobWebhooksStayHere(t *testing.T) {
	r := newEaseRig(t)
	for _, url := range []string{"http://example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "127.0.0.1:80", "http://u:p@127.0.0.1/", "http://"} {
		for _, field := range []string{"url", "presend_url"} {
			status, out := r.turn("POST", "/control/app", `{"easemob":{"webhooks":{"`+field+`":"`+url+`"}}}`)
			if status != 400 || out["field"] != "easemob.webhooks."+field {
				t.Errorf("%s %s = http %d %v, want 400", field, url, status, out)
			}
		}
	}
	if err := onlyLoopback(t.Context(), "tcp", "192.0.2.1:80", nil); err == nil {
		t.Errorf("dialling another machine = nil, want a refusal, whatever the name was")
	}
	if err := onlyLoopback(t.Context(), "tcp6", "[::1]:80", nil); err != nil {
		t.Errorf("dialling loopback = %v, want nil", err)
	}
	far := newEaseRig(t, func(c *Config) { c.RemoteWebhooks = true })
	far.set("/control/app", `{"easemob":{"webhooks":{"url":"http://example.com/hooks"}}}`)
}
