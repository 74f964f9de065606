package sandbox

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

// noConn is a network connection of which only the end matters.
type noConn struct{ net.Conn }

func (noConn) Close() error { return nil }

func TestUnknownQueriesAndTopicsHaveAnAnswer(t *testing.T) {
	r := newRig(t)
	p := r.connect(r.mint("u1"))
	for _, topic := range []string{"pullUnheardOf", "setSeAtt", "recallMsg", "", "chrmPull", strings.Repeat("x", 300)} {
		if status, body, _ := p.ask(topic, nil); status == 0 || len(body) != 0 {
			t.Errorf("query %.20q = status %d, body %x, want a refusal: an empty success makes the SDK throw", topic, status, body)
		}
	}
	// The fields that the SDK's protobuf calls required, and version fields.
	for topic, fields := range map[string][]int{
		"pullMsg": {2, 3}, "qryPMsg": {2, 3}, "qryRelationR": {2, 3}, "pullEventChange": {2, 3},
		"pullUS": {2}, "pullSeAtts": {1}, "pullModifyMsg": {2, 3}, "qAppBot": nil, "reportsdk": nil,
	} {
		status, body, _ := p.ask(topic, nil)
		n, _ := p.unpb(body)
		if status != 0 {
			t.Errorf("query %s with an empty body = status %d, want 0", topic, status)
		}
		for _, f := range fields {
			if _, ok := n[f]; !ok {
				t.Errorf("answer to %s has fields %v, want %d among them", topic, n, f)
			}
		}
	}
	if status, _, _ := p.ask("pullMsg", []byte{0xff, 0xff}); status == 0 {
		t.Error("pullMsg whose body is no protobuf was taken, want a refusal")
	}
	for topic, want := range map[string]int{"pgMsgP": 22406, "nonsense": 404} {
		if got := p.receipt(p.packet(0x32, topic, "g1", pb(1, 3, 2, "RC:TxtMsg", 3, "{}"))); got.status != want {
			t.Errorf("PUBLISH %s = status %d, want %d", topic, got.status, want)
		}
	}
	for name, body := range map[string][]byte{"no protobuf": {0x0a, 0x7f}, "no class": pb(1, 3)} {
		if got := p.receipt(p.packet(0x32, "ppMsgP", "u2", body)); got.status == 0 {
			t.Errorf("message with %s was taken, want a refusal", name)
		}
	}
	p.packet(0x30, "ppMsgS", "u2", pb(1, 3, 2, "RC:TypSts", 3, "{}"))
	p.sendHex("c0")
	p.want("answer after a message of qos 0, which has none", "d0")
}

func TestHostileFramesEndTheirSocketOnly(t *testing.T) {
	r := newRig(t)
	token := r.mint("u1")
	other := r.connect(r.mint("u2"))
	for _, c := range []struct {
		name string
		kind websocket.MessageType
		data []byte
		want websocket.StatusCode
	}{
		{"text", websocket.MessageText, []byte("hello"), websocket.StatusUnsupportedData},
		{"empty", websocket.MessageBinary, nil, websocket.StatusProtocolError},
		{"of an unknown type", websocket.MessageBinary, []byte{0xf0}, websocket.StatusProtocolError},
		{"of the server", websocket.MessageBinary, []byte{0x20, 0, 0}, websocket.StatusProtocolError},
		{"cut", websocket.MessageBinary, []byte{0x32, 0, 9, 'p'}, websocket.StatusProtocolError},
		{"oversized", websocket.MessageBinary, make([]byte, rongMaxFrame+1), websocket.StatusMessageTooBig},
	} {
		p := r.connect(token)
		p.write(c.kind, c.data)
		if got := p.wantEnd(); got != c.want {
			t.Errorf("end after a frame that is %s = %d, want %d", c.name, got, c.want)
		}
	}
	other.sendHex("c0")
	other.want("ping of a bystander", "d0")
	r.wantOnline("u1", 0)
}

func TestLongestFrameIsTaken(t *testing.T) {
	r := newRig(t)
	r.mint("u2")
	p := r.connect(r.mint("u1"))
	if got := p.text("u2", strings.Repeat("x", rongMaxFrame-100)); got.status != 0 {
		t.Errorf("PUBACK of a long message = %+v, want 0", got)
	}
}

func TestThousandSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand sockets")
	}
	leaks := goleak.IgnoreCurrent()
	t.Run("at once", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.NoRateLimits = true })
		const all = 1000
		tokens := make([]string, all)
		for i := range tokens {
			tokens[i] = r.mint(fmt.Sprint("u", i))
		}
		phones := make([]*phone, all)
		var wg sync.WaitGroup
		for w := range 20 {
			wg.Go(func() {
				for i := w; i < all; i += 20 {
					phones[i] = r.connect(tokens[i])
				}
			})
		}
		wg.Wait()
		if got := r.see("/control/state?limit=0")["counts"].(map[string]any)["connections"]; got != float64(all) {
			t.Errorf("connections = %v, want %d", got, all)
		}
		for i, p := range phones {
			if got := p.text(fmt.Sprint("u", (i+1)%all), "round"); got.status != 0 {
				t.Fatalf("PUBACK of socket %d = %+v, want 0", i, got)
			}
			phones[(i+1)%all].wantNote()
		}
		r.s.Close()
		for _, p := range phones {
			p.wantEnd()
		}
		if got := r.live(""); got != "[]" {
			t.Errorf("connections after Close = %s, want none", got)
		}
		r.wantNoRoom("after Close")
		r.ok("/user/info.json", "userId", "u1") // the rest goes on
	})
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, leaks)
}

func (r *rig) wantNoRoom(when string) {
	r.Helper()
	res, err := http.Get(r.cloud.URL + "/websocket")
	if err != nil {
		r.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		r.Errorf("socket %s = http %d, want 503", when, res.StatusCode)
	}
}

func TestSocketsAreBounded(t *testing.T) {
	r := newRig(t)
	token := r.mint("u1")
	fill := func(n int) {
		r.s.mu.Lock()
		defer r.s.mu.Unlock()
		r.s.sockets.count += n
	}
	fill(maxConnections - 1)
	r.connect(token)
	r.wantNoRoom("beyond the limit")
	fill(-maxConnections + 1)
	r.connect(token)
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	t.Run("in every state", func(t *testing.T) {
		r := newRig(t)
		token := r.mint("u1")
		r.connect(token).sendHex("c0") // its answer is never read
		r.dial(token, 3)               // nor is its greeting
		r.dial("refused", 3)           // in the middle of a closing handshake
		r.connect(token).write(websocket.MessageText, nil)
		r.wantOnline("u1", 2) // though nobody answers the closing handshake
		began := time.Now()
		r.s.Close()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("Close took %v, want no waiting for handshakes", took)
		}
		r.s.mu.Lock()
		left := r.s.sockets.count
		r.s.mu.Unlock()
		if left != 0 {
			t.Errorf("%d sockets left when Close returns, want it to wait for all", left)
		}
		r.wantNoRoom("after Close")
	})
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, leaks)
}

// A pipeNet is a listener and a dialer without a network, so that a test may
// run on the clock of a bubble.
type pipeNet struct{ conns chan net.Conn }

func (n pipeNet) Accept() (net.Conn, error) {
	conn, ok := <-n.conns
	if !ok {
		return nil, io.EOF
	}
	return conn, nil
}
func (n pipeNet) Close() error   { close(n.conns); return nil }
func (n pipeNet) Addr() net.Addr { return &net.TCPAddr{} }

func (n pipeNet) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	n.conns <- theirs
	return ours, nil
}

// inBubble runs f with a socket of u1 and the sandbox behind it.
func inBubble(t *testing.T, f func(t *testing.T, s *Sandbox, ws *websocket.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{AppKey: testKey, AppSecret: testSecret})
		s.mu.Lock()
		s.store.users["u1"] = &user{id: "u1"}
		token := s.issue("u1", s.now())
		s.mu.Unlock()
		pipes := pipeNet{make(chan net.Conn)}
		srv := &http.Server{Handler: s.Handler()}
		served := make(chan error)
		go func() { served <- srv.Serve(pipes) }()
		client := &http.Client{Transport: &http.Transport{DialContext: pipes.dial}}
		ws, _, err := websocket.Dial(t.Context(), "ws://sandbox/websocket?appId="+testKey+"&protocolVer=3&token="+
			strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D", "@", "%40").Replace(token), &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		if _, b, err := ws.Read(t.Context()); err != nil || b[0] != 0x20 || b[2] != 0 {
			t.Fatalf("greeting = %x, %v, want CONNACK with status 0", b, err)
		}
		f(t, s, ws)
		_ = ws.CloseNow()
		s.Close()
		_ = srv.Close()
		<-served
		client.CloseIdleConnections()
	})
}

func (s *Sandbox) liveCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets.live)
}

func TestHalfOpenSocketIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Sandbox, ws *websocket.Conn) {
		began := time.Now()
		// As long as it pings, it lives.
		for range 20 {
			time.Sleep(15 * time.Second)
			if err := ws.Write(t.Context(), websocket.MessageBinary, []byte{0xc0}); err != nil {
				t.Fatalf("ping after %v: %v", time.Since(began), err)
			}
			if _, b, err := ws.Read(t.Context()); err != nil || b[0] != 0xd0 {
				t.Fatalf("answer to a ping after %v = %x, %v, want d0", time.Since(began), b, err)
			}
		}
		began = time.Now()
		_, b, err := ws.Read(t.Context())
		if took := time.Since(began); err == nil || took != rongSilence {
			t.Errorf("silence ended after %v with %x, %v, want the end of the socket after %v", took, b, err, rongSilence)
		}
		synctest.Wait()
		if got := s.liveCount(); got != 0 {
			t.Errorf("%d users live, want none", got)
		}
	})
}

func TestClientThatDoesNotReadIsCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Sandbox, ws *websocket.Conn) {
		if err := ws.Write(t.Context(), websocket.MessageBinary, []byte{0xc0}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(maxWrite - time.Millisecond)
		if got := s.liveCount(); got != 1 {
			t.Errorf("%d users live before a frame's time is up, want 1", got)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := s.liveCount(); got != 0 {
			t.Errorf("%d users live after it, want none", got)
		}
	})
}

func TestUnsentFramesAreBounded(t *testing.T) {
	for name, frame := range map[string]int{"many": 1, "long": maxUnsentBytes / 2} {
		t.Run(name, func(t *testing.T) {
			cutOff := &cutConn{}
			c := &connection{out: make(chan outgoing, maxUnsent), raw: cutOff}
			b := make([]byte, frame)
			for range maxUnsent + 1 {
				c.send(b)
			}
			if !cutOff.closed {
				t.Errorf("a client with %d unread frames of %d bytes is still connected, want it cut off", maxUnsent+1, frame)
			}
		})
	}
}

type cutConn struct {
	net.Conn
	closed bool
}

func (c *cutConn) Close() error { c.closed = true; return nil }
