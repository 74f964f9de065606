package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// A badNetwork stands between imbridge and what it calls, and spoils the
// connection in the ways that toxiproxy knows.
type badNetwork struct {
	target string
	toxic  atomic.Int64 // how many there were

	mu    sync.Mutex
	proxy *toxiproxy.Proxy
}

// stuck is after how long a proxy counts as one that has locked itself up:
// toxiproxy can, when a connection ends while a toxic is being removed from it.
const stuck = 2 * time.Second

// network puts a bad network in front of an address.
func (s *stage) network(target string) (*badNetwork, error) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // some toxics ignore the log that they are given
	n := &badNetwork{target: target}
	if err := n.renew(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proxies = append(s.proxies, n)
	return n, nil
}

// renew begins with a new proxy. The one before, if any, is left to itself: what
// still hangs on it is half open, and none of ours waits for that for ever.
func (n *badNetwork) renew() error {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	fresh := toxiproxy.NewProxy(server, "proof", "127.0.0.1:0", n.target)
	if err := fresh.Start(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proxy = fresh
	return nil
}

func (n *badNetwork) now() *toxiproxy.Proxy {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proxy
}

// addr is where the network begins. It changes where a proxy had to be renewed.
func (n *badNetwork) addr() string { return n.now().Listen }

func (n *badNetwork) close() { ends(n.now().Stop) }

// ends runs do, and tells whether it came back.
func ends(do func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
		return true
	case <-time.After(stuck):
		return false
	}
}

// spoil sets a toxic: its kind, direction ("upstream": towards the target) and
// attributes.
func (n *badNetwork) spoil(kind, direction string, attributes object) error {
	raw, err := json.Marshal(object{"type": kind, "stream": direction, "toxicity": 1.0, "attributes": attributes})
	if err != nil {
		return err
	}
	n.toxic.Add(1)
	proxy, failed := n.now(), make(chan error, 1)
	if !ends(func() {
		_, err := proxy.Toxics.AddToxicJson(bytes.NewReader(raw))
		failed <- err
	}) {
		return n.renew()
	}
	return <-failed
}

// mend removes all toxics.
func (n *badNetwork) mend(ctx context.Context) error {
	proxy := n.now()
	if !ends(func() { proxy.Toxics.ResetToxics(zerolog.Nop().WithContext(context.WithoutCancel(ctx))) }) {
		return n.renew()
	}
	return nil
}

// refuse closes the listener and every connection, and accept opens it again.
func (n *badNetwork) refuse() { ends(n.now().Stop) }

func (n *badNetwork) accept() error { return n.now().Start() }

// A cutter passes MySQL's protocol on and keeps the answers of some commits to
// itself: it waits until the server has said that the commit is done, and then
// breaks the connection. So each of them is an ambiguous commit, and counted.
type cutter struct {
	listener net.Listener
	target   func() string
	// pick decides of each commit of a registration whether its answer is cut.
	pick func() bool
	cuts atomic.Int64

	mu   sync.Mutex
	open map[net.Conn]bool
}

func newCutter(target func() string, pick func() bool) (*cutter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cutter{listener: l, target: target, pick: pick, open: map[net.Conn]bool{}}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go c.carry(near)
		}
	}()
	return c, nil
}

func (c *cutter) addr() string { return c.listener.Addr().String() }

func (c *cutter) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}

func (c *cutter) keep(conn net.Conn) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = true
	return func() {
		_ = conn.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, conn)
	}
}

const comQuery = 0x03

// carry passes packets on: three bytes of length, a number within the exchange,
// and in the first one of an exchange the command.
func (c *cutter) carry(near net.Conn) {
	defer c.keep(near)()
	far, err := net.Dial("tcp", c.target())
	if err != nil {
		return
	}
	defer c.keep(far)()
	var cutting atomic.Bool // the next answer stays here
	go func() {
		defer func() { _ = near.Close() }()
		b := make([]byte, 32<<10)
		for {
			n, err := far.Read(b)
			if n > 0 && cutting.Load() {
				// The first packet of the answer to COMMIT: 0 is OK, 255 an error.
				if n > 4 && b[4] == 0 {
					c.cuts.Add(1)
				}
				if tcp, ok := near.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
				}
				return
			}
			if _, werr := near.Write(b[:n]); err != nil || werr != nil {
				return
			}
		}
	}()
	registering := false
	head := make([]byte, 4)
	for {
		if _, err := io.ReadFull(near, head); err != nil {
			return
		}
		packet := make([]byte, 4+int(head[0])+int(head[1])<<8+int(head[2])<<16)
		copy(packet, head)
		if _, err := io.ReadFull(near, packet[4:]); err != nil {
			return
		}
		if head[3] == 0 && len(packet) > 5 && packet[4] == comQuery {
			switch q := packet[5:]; {
			case bytes.HasPrefix(q, []byte("INSERT INTO `users`")):
				registering = true
			case bytes.Equal(q, []byte("COMMIT")):
				if registering && c.pick() {
					cutting.Store(true)
				}
				registering = false
			case bytes.Equal(q, []byte("ROLLBACK")), bytes.Equal(q, []byte("START TRANSACTION")):
				registering = false
			}
		}
		if _, err := far.Write(packet); err != nil {
			return
		}
	}
}
