package modelstest

import (
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
		if _, err := server.Write(packet); err != nil {
			return
		}
	}
}
