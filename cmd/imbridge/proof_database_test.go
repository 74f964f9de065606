package main

import (
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// A cable is a TCP connection to the database that can be cut, and held so that
// nothing comes through.
type cable struct {
	l      net.Listener
	target string
	held   sync.RWMutex // locked while the cable is held

	mu   sync.Mutex
	cut  bool
	ends map[net.Conn]bool
}

func newCable(t *testing.T, target string) *cable {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{l: l, target: target, ends: map[net.Conn]bool{}}
	go c.accept()
	t.Cleanup(func() {
		_ = l.Close()
		c.setCut(true)
	})
	return c
}

func (c *cable) accept() {
	for {
		near, err := c.l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.target)
		if err != nil || !c.add(near, far) {
			_ = near.Close()
			if far != nil {
				_ = far.Close()
			}
			continue
		}
		go c.carry(near, far)
		go c.carry(far, near)
	}
}

// add is false while the cable is cut.
func (c *cable) add(ends ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range ends {
		c.ends[e] = true
	}
	if c.cut {
		for _, e := range ends {
			delete(c.ends, e)
		}
	}
	return !c.cut
}

func (c *cable) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		c.held.RLock()
		_, werr := to.Write(b[:n])
		c.held.RUnlock()
		if err != nil || werr != nil {
			return
		}
	}
}

func (c *cable) setCut(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	if cut {
		for e := range c.ends {
			_ = e.Close()
			delete(c.ends, e)
		}
	}
}

// A database that is gone: every route says so by 503 and a code, the process
// lives on and is not ready, and when the database is back all is well without
// a restart. SQLite has no connection to lose.
func TestProofADatabaseThatIsGoneHealsByItself(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		if r.engine == "sqlite" {
			t.Log("SQLite is a file: there is no connection that could be lost")
			return
		}
		cfg, err := mysql.ParseDSN(r.dsn)
		if err != nil {
			t.Fatal(err)
		}
		line := newCable(t, cfg.Addr)
		cfg.Addr = line.l.Addr().String()
		direct := r.dsn
		r.dsn = cfg.FormatDSN()
		p := r.serve(t, "IMBRIDGE_SERVER_TOKEN_BUDGET=1s")
		r.dsn = direct
		admin := r.admin(t, p, proofAdmin, adminPassword)
		who := p.register(t)
		p.do(t, http.StatusOK, "GET", "/v1/im/token", who.Session.Access, nil)

		routes := everyRoute(who, p.register(t), admin)
		line.setCut(true)
		var answers []answer
		for _, route := range routes {
			a := p.ask(t, route)
			answers = append(answers, a)
			if a.status != http.StatusServiceUnavailable || a.code() != "database_unavailable" || a.header.Get("Retry-After") == "" {
				t.Errorf("%s without a database = %s with Retry-After %q, want 503 database_unavailable with one", route, a, a.header.Get("Retry-After"))
			}
		}
		p.do(t, http.StatusOK, "GET", "/livez", "", nil)
		p.do(t, http.StatusOK, "GET", "/.well-known/jwks.json", "", nil)
		// A look at the database is shared for a moment.
		p.awaitReady(t, http.StatusServiceUnavailable)
		t.Logf("cut: %d routes: %s; livez 200, readyz 503", len(routes), tally(answers, answer.String))

		line.setCut(false)
		p.awaitReady(t, http.StatusOK)
		answers = answers[:0]
		for _, route := range routes {
			a := p.ask(t, route)
			answers = append(answers, a)
			if a.status >= 300 {
				t.Errorf("%s after the database came back = %s, want success\n%s", route, a, a.body)
			}
		}
		t.Logf("back: %d routes: %s; no restart", len(routes), tally(answers, answer.String))

		// One that takes connections and says nothing is worse than one that is gone.
		who = p.register(t)
		line.held.Lock()
		fetch := p.try(t, "GET", "/v1/im/token", who.Session.Access, nil)
		if fetch.status != http.StatusServiceUnavailable || fetch.code() == "" {
			t.Errorf("GET /v1/im/token of a silent database = %s, want 503 and a code", fetch)
		}
		p.do(t, http.StatusOK, "GET", "/livez", "", nil)
		p.awaitReady(t, http.StatusServiceUnavailable)
		line.held.Unlock()
		p.awaitReady(t, http.StatusOK)
		p.do(t, http.StatusOK, "GET", "/v1/im/token", who.Session.Access, nil)
		t.Logf("silent: token fetch %s, livez 200, readyz 503; then all well, no restart", fetch)
	})
}

// awaitReady waits until readyz has the status.
func (p *process) awaitReady(t testing.TB, status int) {
	t.Helper()
	eventually(t, "readyz "+http.StatusText(status), func() (bool, string) {
		a := p.try(t, "GET", "/readyz", "", nil)
		return a.status == status, a.String()
	})
}
