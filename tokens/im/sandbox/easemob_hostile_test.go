package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestEasemobHostileFramesEndTheirSocketOnly(t *testing.T) {
	r := newEaseRig(t)
	token := r.mint("ann")
	other := r.join("bob")
	nested := func(b []byte) []byte { return pb(8, 0, 9, string(pb(1, string(b)))) }
	for _, c := range []struct {
		name string
		kind websocket.MessageType
		data []byte
		want websocket.StatusCode
	}{
		{"text", websocket.MessageText, []byte("hello"), websocket.StatusUnsupportedData},
		{"empty", websocket.MessageBinary, nil, websocket.StatusProtocolError},
		{"cut", websocket.MessageBinary, pb(8, 0, 9, "payload")[:5], websocket.StatusProtocolError},
		{"no protobuf", websocket.MessageBinary, []byte{0xff, 0xff}, websocket.StatusProtocolError},
		{"of a sender that is no JID", websocket.MessageBinary, pb(2, "\xff", 8, 1), websocket.StatusProtocolError},
		{"of an unknown command", websocket.MessageBinary, pb(8, 42), websocket.StatusProtocolError},
		{"of the server", websocket.MessageBinary, pb(8, 2), websocket.StatusProtocolError},
		{"a sync of nothing", websocket.MessageBinary, pb(8, 0, 9, "\xff"), websocket.StatusProtocolError},
		{"a meta that is none", websocket.MessageBinary, nested([]byte{0xff}), websocket.StatusProtocolError},
		{"a meta to no JID", websocket.MessageBinary, nested(pb(3, "\xff", 5, 1)), websocket.StatusProtocolError},
		{"a queue that is no JID", websocket.MessageBinary, pb(8, 0, 9, string(pb(3, "\xff"))), websocket.StatusProtocolError},
		{"a second login", websocket.MessageBinary, pb(8, 3), websocket.StatusPolicyViolation},
		{"oversized", websocket.MessageBinary, make([]byte, easeMaxFrame+1), websocket.StatusMessageTooBig},
	} {
		p := r.online("ann", token, "webim_ann")
		p.write(c.kind, c.data)
		if got := p.wantEnd(); got != c.want {
			t.Errorf("end after a frame that is %s = %d, want %d", c.name, got, c.want)
		}
	}
	for name, frame := range map[string][]byte{"heartbeat": pb(8, 1), "message": nested(pb(1, 1)), "logout": pb(8, 4), "login that is none": pb(8, 3, 9, "\xff")} {
		p := r.dialSocket()
		p.send(frame)
		if got := p.wantEnd(); got != websocket.StatusPolicyViolation && got != websocket.StatusProtocolError {
			t.Errorf("end after a %s before the login = %d, want a refusal", name, got)
		}
	}
	if got := other.unreads(); got != "" {
		t.Errorf("unread of a bystander = %q, want an answer with none", got)
	}
	r.wantLines("ann", 0)
}

// What is sound and of no use has an answer, or none, and harms nothing.
func TestEasemobIdleFrames(t *testing.T) {
	r := newEaseRig(t)
	p := r.join("ann")
	p.msync(0, pb(1, string(pb(1, 5, 5, 0, 6, string(pb(1, 0)))))) // the SDK's statistics
	p.msync(0, nil)                                                // neither meta nor queue
	p.msync(0, pb(1, string(pb(1, 6, 5, 2, 6, "x"))))
	n, s := p.down(0)
	if got := p.status(s[1]); n[2] != 6 || got != "9 this sandbox does not take such metas" {
		t.Errorf("a meta of groups = %d %q, want 6 and status 9", n[2], got)
	}
	p.pull("", "", -1)
	if got := p.unreads(); got != "" {
		t.Errorf("unread = %q, want none", got)
	}
}

func TestEasemobThousandSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand sockets")
	}
	leaks := goleak.IgnoreCurrent()
	t.Run("at once", func(t *testing.T) {
		r := newEaseRig(t, func(c *Config) { c.NoRateLimits = true })
		const all = 1000
		phones := make([]*easePhone, all)
		var wg sync.WaitGroup
		for w := range 20 {
			wg.Go(func() {
				for i := w; i < all; i += 20 {
					phones[i] = r.join(fmt.Sprint("u", i))
				}
			})
		}
		wg.Wait()
		for i, p := range phones {
			p.say(fmt.Sprint("u", (i+1)%all), "round")
			phones[(i+1)%all].wantNotice(fmt.Sprint("u", i), "easemob.com")
		}
		r.s.Close()
		for _, p := range phones {
			p.wantEnd()
		}
	})
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, leaks)
}

func TestEasemobCloseLeavesNoGoroutine(t *testing.T) {
	e := newEar(t) // which keeps connections open for the next webhook
	leaks := goleak.IgnoreCurrent()
	t.Run("in every state", func(t *testing.T) {
		r := newEaseRig(t)
		r.dialSocket() // says nothing
		r.join("ann").send(pb(8, 1))
		r.dialSocket().provision(easeTestKey, "ann", "refused", "webim_1") // never reads why
		r.join("bob").write(websocket.MessageText, nil)
		r.listens(e, "")
		r.register("cyd")
		r.want(200, "POST", "/users/ann/contacts/users/cyd", "")
		e.next(t)
		for delivered := 0; delivered == 0; { // its answer has been read
			r.s.mu.Lock()
			delivered = r.s.ease.hooks.delivered
			r.s.mu.Unlock()
		}
		began := time.Now()
		r.s.Close()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("Close took %v, want no waiting for handshakes", took)
		}
	})
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, leaks)
}

// easeBubble runs f with a socket and the sandbox behind it, on a clock of its own.
func easeBubble(t *testing.T, f func(t *testing.T, s *Sandbox, ws *websocket.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{EasemobAppKey: easeTestKey})
		pipes := pipeNet{make(chan net.Conn)}
		srv := &http.Server{Handler: s.Handler()}
		served := make(chan error)
		go func() { served <- srv.Serve(pipes) }()
		client := &http.Client{Transport: &http.Transport{DialContext: pipes.dial}}
		ws, _, err := websocket.Dial(t.Context(), "ws://sandbox/ws", &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		f(t, s, ws)
		_ = ws.CloseNow()
		s.Close()
		_ = srv.Close()
		<-served
		client.CloseIdleConnections()
	})
}

func TestEasemobSilentSocketIsClosed(t *testing.T) {
	end := func(t *testing.T, ws *websocket.Conn, what string, want time.Duration) {
		t.Helper()
		began := time.Now()
		_, b, err := ws.Read(t.Context())
		if took := time.Since(began); err == nil || took != want {
			t.Errorf("%s ended after %v with %x, %v, want the end of the socket after %v", what, took, b, err, want)
		}
	}
	easeBubble(t, func(t *testing.T, _ *Sandbox, ws *websocket.Conn) {
		end(t, ws, "a socket without a login", easeGreeting)
	})
	easeBubble(t, func(t *testing.T, s *Sandbox, ws *websocket.Conn) {
		s.mu.Lock()
		token := s.easeIssue(s.easeAdd("ann", "", "", s.now()), 0, s.now())
		s.mu.Unlock()
		say := func(frame []byte) {
			t.Helper()
			if err := ws.Write(t.Context(), websocket.MessageBinary, frame); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ws.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		say(pb(2, string(pb(1, easeTestKey, 2, "ann")), 3, token, 8, 3))
		for range 20 { // as long as it asks, it lives
			time.Sleep(60 * time.Second)
			say(pb(8, 1))
		}
		end(t, ws, "silence", easeSilence)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if got := len(s.ease.socket.connections()); got != 0 {
			t.Errorf("%d devices are online, want none", got)
		}
	})
}

// The socket itself would hide this: it takes little more once it is closing.
func TestEasemobNothingCountsAfterFarewell(t *testing.T) {
	s := New(Config{EasemobAppKey: easeTestKey})
	es := s.ease.socket.(*easeLines)
	ann, bob := s.easeAdd("ann", "", "", start), s.easeAdd("bob", "", "", start)
	l := &easeLine{user: ann, jid: es.jidOf("ann"), seen: map[easeQueueKey]int64{}}
	l.out, l.raw = make(chan outgoing, maxUnsent), noConn{}
	es.live["ann"] = []*easeLine{l}
	s.mu.Lock()
	es.kick(ann, easeKickByServer)
	s.mu.Unlock()
	for _, f := range []easeFrame{
		{command: easeSync, payload: pb(1, string(pb(1, 1, 3, easeJIDBytes("bob", "easemob.com", ""), 5, 1, 6, string(chatBody(1, "ann", "bob", "x")))))},
		{command: easeSync, payload: pb(1, string(pb(1, 1, 5, 3, 6, string(pb(1, 2, 4, string(pb(2, "bob")))))))},
		{command: easeSync, payload: pb(3, easeJIDBytes("bob", "easemob.com", ""))},
		{command: easeUnread},
	} {
		if why, _ := es.frame(context.Background(), l, f); why != 0 {
			t.Errorf("frame after the farewell ends the socket with %d, want nothing", why)
		}
	}
	if got := len(l.out); got != 1 {
		t.Errorf("%d frames for the client, want the farewell alone", got)
	}
	if n := es.box(bob).count; n != 0 {
		t.Errorf("bob got %d metas from a kicked client, want none", n)
	}
}

// FuzzEasemobFrame: whatever a client sends, before its login and after, the
// sandbox stays up and what it says is an MSync.
func FuzzEasemobFrame(f *testing.F) {
	s := New(Config{EasemobAppKey: easeTestKey, Now: func() time.Time { return start }})
	es := s.ease.socket.(*easeLines)
	token := s.easeIssue(s.easeAdd("ann", "", "", start), 0, start)
	s.easeAdd("bob", "", "", start)
	f.Add(pb(2, string(pb(1, easeTestKey, 2, "ann")), 3, "$t$"+token, 8, 3, 9, string(pb(13, "r"))))
	f.Add(pb(8, 1))
	f.Add(pb(8, 4))
	f.Add(pb(8, 0, 9, string(pb(2, 7, 3, easeJIDBytes("bob", "easemob.com", "")))))
	f.Add(pb(8, 0, 9, string(pb(1, string(pb(1, 1, 3, easeJIDBytes("bob", "easemob.com", ""), 5, 1, 6, string(chatBody(1, "ann", "bob", "x"))))))))
	f.Add(pb(8, 0, 9, string(pb(1, string(pb(1, 1, 5, 3, 6, string(pb(1, 2, 4, string(pb(2, "bob"))))))))))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, loggedIn := range []bool{false, true} {
			l := &easeLine{jid: es.jidOf("ann"), seen: map[easeQueueKey]int64{}}
			l.out, l.raw = make(chan outgoing, maxUnsent), &cutConn{}
			if loggedIn {
				l.user = s.easeUser("ann")
			}
			in, err := parseEaseFrame(data)
			if err != nil {
				return
			}
			es.frame(t.Context(), l, in)
			for len(l.out) > 0 {
				if _, ok := parseFields((<-l.out).frame); !ok {
					t.Errorf("frame %x is answered with what is no protobuf", data)
				}
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		es.reset()
	})
}
