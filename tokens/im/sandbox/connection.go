package sandbox

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxConnections bounds live sockets; more are refused with 503.
	maxConnections = 5000
	// maxUnsent is how many frames wait for a client that does not read, and
	// maxUnsentBytes how long they are together. With more, it is cut off: it
	// pulls what it missed when it comes again.
	maxUnsent      = 256
	maxUnsentBytes = 8 << 20
	// maxWrite is how long one frame may take to go out.
	maxWrite = 10 * time.Second
)

// A connection is one live web socket. The fields that tell who it is
// do not change once it is among the live ones.
type connection struct {
	id       int64
	userID   string
	token    *token
	tokenKey string
	deviceID string
	version  int
	since    time.Time
	raw      net.Conn
	out      chan outgoing
	unsent   atomic.Int64 // bytes in out
	pulled   pullLog
	ended    bool // farewell was said; what the client still sends counts for nothing
	muted    bool // a fault swallows what is sent
}

// An outgoing is one frame to a client; after the last one the socket is closed.
type outgoing struct {
	frame []byte
	last  bool
}

// send queues a frame. It is called with the sandbox's lock held, so frames go
// out in the order of what happened.
func (c *connection) send(frame []byte) { c.queue(outgoing{frame: frame}) }

// farewell queues the last frame.
func (c *connection) farewell(frame []byte) {
	c.queue(outgoing{frame, true})
	c.ended = true
}

func (c *connection) queue(o outgoing) {
	if c.ended || c.muted {
		return
	}
	if c.unsent.Add(int64(len(o.frame))) > maxUnsentBytes {
		c.drop()
		return
	}
	select {
	case c.out <- o:
	default:
		c.drop()
	}
}

// drop breaks the connection without a word, as a network does.
func (c *connection) drop() { _ = c.raw.Close() }

// write sends what is queued, until the context ends or a last frame is out.
func (c *connection) write(ctx context.Context, ws *websocket.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-c.out:
			limit, done := context.WithTimeout(ctx, maxWrite)
			err := ws.Write(limit, websocket.MessageBinary, o.frame)
			done()
			c.unsent.Add(-int64(len(o.frame)))
			if err != nil {
				c.drop()
				return
			}
			if o.last {
				_ = ws.Close(websocket.StatusNormalClosure, "")
				return
			}
		}
	}
}

// talk accepts a web socket and keeps it until converse returns: how to close one
// that is still there, and 0 for one that is not. What is sent to the connection
// meanwhile goes out.
func (s *Sandbox) talk(w http.ResponseWriter, r *http.Request, c *connection, maxFrame int64, converse func(context.Context, *websocket.Conn) (websocket.StatusCode, string)) {
	if !s.enter() {
		http.Error(w, "no room for another socket", http.StatusServiceUnavailable)
		return
	}
	g := &grip{ResponseWriter: w}
	defer func() { s.leave(g.raw) }()
	// Pages of every origin may connect, as they may to the real clouds: what
	// admits them is the token.
	ws, err := websocket.Accept(g, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = ws.CloseNow() }()
	if !s.hold(g.raw) {
		return
	}
	ws.SetReadLimit(maxFrame)
	c.raw, c.out = g.raw, make(chan outgoing, maxUnsent)
	// The request's context ends when this function does, not with the client.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write(ctx, ws)
	}()
	why, reason := converse(ctx, ws)
	if why != 0 {
		_ = ws.Close(why, reason)
	}
	cancel()
	<-written
}

// sockets is every web socket, those that are still being greeted or already
// said farewell to included.
type sockets struct {
	open   sync.WaitGroup
	count  int
	raw    map[net.Conn]bool
	closed bool
	lastID int64
	live   map[string][]*connection // by user id
}

// enter counts a socket in, if there is room.
func (s *Sandbox) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets.closed || s.sockets.count >= maxConnections {
		return false
	}
	s.sockets.count++
	s.sockets.open.Add(1)
	return true
}

func (s *Sandbox) leave(raw net.Conn) {
	s.mu.Lock()
	s.sockets.count--
	delete(s.sockets.raw, raw)
	s.mu.Unlock()
	s.sockets.open.Done()
}

// hold remembers the network connection below a socket, so that Close can break
// it. It returns false, and breaks it, where the sandbox is closed already.
func (s *Sandbox) hold(raw net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets.closed {
		_ = raw.Close()
		return false
	}
	s.sockets.raw[raw] = true
	return true
}

// Close breaks every web socket, stops webhooks and waits for all their
// goroutines. Sockets that come
// later are refused; everything else goes on. An http.Server does not close
// sockets itself, because they are hijacked connections.
func (s *Sandbox) Close() {
	s.mu.Lock()
	s.sockets.closed = true
	s.ease.hooks.stop()
	for raw := range s.sockets.raw {
		_ = raw.Close()
	}
	s.mu.Unlock()
	s.sockets.open.Wait()
	s.hooks.CloseIdleConnections()
}

// online adds a connection. It is called with the lock held.
func (s *Sandbox) online(c *connection) {
	s.sockets.lastID++
	c.id = s.sockets.lastID
	s.sockets.live[c.userID] = append(s.sockets.live[c.userID], c)
}

// offline forgets a connection, also one that was never among the live ones.
func (s *Sandbox) offline(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(c)
}

func (s *Sandbox) forget(c *connection) {
	rest := slices.DeleteFunc(s.sockets.live[c.userID], func(o *connection) bool { return o == c })
	if len(rest) == 0 {
		delete(s.sockets.live, c.userID)
		return
	}
	s.sockets.live[c.userID] = rest
}

// dismiss says farewell to every connection of a user and is rid of them at
// once, whenever the clients leave.
func (s *Sandbox) dismiss(userID string, frame []byte) {
	for _, c := range s.sockets.live[userID] {
		c.farewell(frame)
	}
	delete(s.sockets.live, userID)
}

// sever breaks every connection of a user without a word.
func (s *Sandbox) sever(userID string) {
	for _, c := range s.sockets.live[userID] {
		c.ended = true
		c.drop()
	}
	delete(s.sockets.live, userID)
}

// A grip is a ResponseWriter that keeps the connection which is hijacked from it.
type grip struct {
	http.ResponseWriter
	raw net.Conn
}

// Hijack takes the connection away from the HTTP server.
func (g *grip) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(g.ResponseWriter).Hijack()
	g.raw = conn
	return conn, rw, err
}

// A pullLog remembers how far the latest answers to pulls reached, by the id of
// the query, until the client confirms them.
type pullLog struct {
	at map[uint16]int64
}

// maxPulls bounds it: a client that confirms nothing is forgotten about.
const maxPulls = 64

func (l *pullLog) note(id uint16, at int64) {
	if l.at == nil || len(l.at) >= maxPulls {
		l.at = map[uint16]int64{}
	}
	l.at[id] = at
}

func (l *pullLog) take(id uint16) (int64, bool) {
	at, ok := l.at[id]
	delete(l.at, id)
	return at, ok
}
