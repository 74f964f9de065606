package modelstest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"imbridge/models"
)

// A Wire stands between a store and its MySQL or MariaDB server: it counts what
// the store asks, and can be cut.
type Wire struct {
	server   string
	listener net.Listener

	mu       sync.Mutex
	cut      bool
	open     map[net.Conn]bool
	commands map[byte]int
	refusals []refusal
}

// A refusal answers statements in the server's place.
type refusal struct {
	text    string
	code    uint16
	state   string
	message string
	times   int
	after   bool // the server does it, and only the answer is lost
}

// Commands of MySQL's protocol.
const (
	// Query is a statement as text.
	Query byte = 0x03
	// Prepare and Execute are a prepared one's two halves.
	Prepare byte = 0x16
	Execute byte = 0x17
)

// NewWire listens on loopback until the test ends. Through makes a store use it.
func NewWire(t testing.TB) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{listener: l, open: map[net.Conn]bool{}, commands: map[byte]int{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { w.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.Cut()
		running.Wait()
	})
	return w
}

// Through is an Option: the store reaches its server through w.
func (w *Wire) Through(o *models.Options) {
	cfg, err := mysql.ParseDSN(o.DSN)
	if err != nil || o.Driver != "mysql" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := w.listener.Addr().String(); cfg.Addr != at {
		w.server, cfg.Addr = cfg.Addr, at
	}
	o.DSN = cfg.FormatDSN()
}

// Cut ends all connections and lets no new one through.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for c := range w.open {
		_ = c.Close()
	}
}

// Mend lets new connections through again.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// Refuse answers the next times statements that hold text with an error of the
// server's kind, and does not pass them on.
func (w *Wire) Refuse(text string, times int, code uint16, state, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusals = append(w.refusals, refusal{text: text, code: code, state: state, message: message, times: times})
}

// Break cuts the connection at the next times statements that hold text: before
// the server has read them, or, with after, when it has answered.
func (w *Wire) Break(text string, times int, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusals = append(w.refusals, refusal{text: text, times: times, after: after})
}

// refuse finds what is to be done instead of passing the statement on.
func (w *Wire) refuse(statement []byte) (refusal, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range w.refusals {
		if r.times > 0 && bytes.Contains(statement, []byte(r.text)) {
			w.refusals[i].times--
			return r, true
		}
	}
	return refusal{}, false
}

// packet is the error as the protocol has it, in answer to packet number zero.
func (r refusal) packet() []byte {
	body := append([]byte{0xff, byte(r.code), byte(r.code >> 8), '#'}, r.state+r.message...)
	return append([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), 1}, body...)
}

// Count is how many commands of one kind went through.
func (w *Wire) Count(command byte) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.commands[command]
}

// All is how many commands of any kind went through.
func (w *Wire) All() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, k := range w.commands {
		n += k
	}
	return n
}

// keep remembers c for Cut and tells where the server is; not ok while cut.
func (w *Wire) keep(c net.Conn) (server string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut {
		w.open[c] = true
	}
	return w.server, !w.cut
}

func (w *Wire) drop(c net.Conn) {
	_ = c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
}

func (w *Wire) serve(client net.Conn) {
	defer w.drop(client)
	address, ok := w.keep(client)
	if !ok {
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer w.drop(server)
	if _, ok := w.keep(server); !ok {
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	w.ask(client, server)
	_ = server.Close()
	answers.Wait()
}

// ask passes the client's packets on: three bytes of length, a number within the
// exchange, and, in the first one of an exchange, the command.
func (w *Wire) ask(client, server net.Conn) {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		packet := make([]byte, 4+int(head[0])+int(head[1])<<8+int(head[2])<<16)
		copy(packet, head)
		if _, err := io.ReadFull(client, packet[4:]); err != nil {
			return
		}
		if head[3] == 0 && len(packet) > 4 {
			w.mu.Lock()
			w.commands[packet[4]]++
			w.mu.Unlock()
		}
		if r, ok := w.refuse(packet[4:]); ok && head[3] == 0 {
			switch {
			case r.code != 0:
				if _, err := client.Write(r.packet()); err != nil {
					return
				}
				continue
			case !r.after:
				return
			}
			lostAnswer(client, server, packet)
			return
		}
		if _, err := server.Write(packet); err != nil {
			return
		}
	}
}

// lostAnswer has the server do it, and gives the client nothing.
func lostAnswer(client, server net.Conn, packet []byte) {
	_ = client.Close()
	if _, err := server.Write(packet); err != nil {
		return
	}
	// The answer is read beside; a server that is asked to end says goodbye only
	// after what came before.
	_, _ = server.Write([]byte{1, 0, 0, 0, 1})
	_, _ = io.Copy(io.Discard, server)
}
