package tokens

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestFetchIsOneQuery counts what goes over the wire to the server: one prepared
// statement run, and nothing else. SQLite has no wire; there the test holds that
// the file does not change.
func TestFetchIsOneQuery(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := modelstest.OpenOn(t, engine)
			if engine == "sqlite" {
				fetchWritesNothing(t, s)
				return
			}
			wire := listenBetween(t, s.Options.DSN)
			r := newRig(t, s.Again(t, func(o *models.Options) { o.DSN, o.MaxOpen = wire.dsn, 1 }))
			r.setLifetime(t, "", 24*time.Hour)
			p := r.person(t)
			r.fetch(t, p)
			r.fetch(t, p) // by now the statement is prepared
			wire.take()
			const fetches = 20
			for range fetches {
				r.fetch(t, p)
			}
			const execute = 0x17 // COM_STMT_EXECUTE
			if got := wire.take(); len(got) != 1 || got[execute] != fetches {
				t.Errorf("%d fetches sent commands %v, want %d of %#x alone", fetches, got, fetches, execute)
			}
		})
	}
}

func fetchWritesNothing(t *testing.T, s *modelstest.Store) {
	r := newRig(t, s)
	p := r.person(t)
	r.fetch(t, p)
	db := s.SQL(t)
	db.SetMaxOpenConns(1) // data_version tells one connection of the others' commits
	version := func() (n int64) {
		t.Helper()
		if err := db.QueryRow("PRAGMA data_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := version()
	for range 20 {
		r.fetch(t, p)
	}
	if got := version(); got != before {
		t.Errorf("data_version after 20 fetches = %d, want %d: nothing written", got, before)
	}
	r.refuse(t, p, r.fetch(t, p).Value)
	if got := version(); got == before {
		t.Error("data_version after a mint is the same: this tests nothing")
	}
}

// A wire lies between a store and its MySQL server and counts commands.
type wire struct {
	dsn  string
	mu   sync.Mutex
	seen map[byte]int
}

func (w *wire) take() map[byte]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = make(map[byte]int)
	return seen
}

func listenBetween(t *testing.T, dsn string) *wire {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal("the store's DSN is none")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	server := cfg.Addr
	cfg.Addr = l.Addr().String()
	w := &wire{dsn: cfg.FormatDSN(), seen: make(map[byte]int)}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				up, err := net.Dial("tcp", server)
				if err != nil {
					return
				}
				defer up.Close()
				go func() { _, _ = io.Copy(client, up); _ = client.Close() }()
				_ = w.forward(client, up)
			}()
		}
	}()
	return w
}

// forward copies packets: three bytes of length, one that counts the packets of
// one command, and the body, whose first byte names the command.
func (w *wire) forward(client io.Reader, server io.Writer) error {
	var head [4]byte
	for {
		if _, err := io.ReadFull(client, head[:]); err != nil {
			return err
		}
		size := binary.LittleEndian.Uint32(append(head[:3:3], 0))
		body := make([]byte, size)
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		if head[3] == 0 && size > 0 {
			w.mu.Lock()
			w.seen[body[0]]++
			w.mu.Unlock()
		}
		if _, err := server.Write(append(head[:], body...)); err != nil {
			return fmt.Errorf("server: %w", err)
		}
	}
}
