package models_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestNodesTellsServersApart: a proxy that spreads connections shows, one server
// is one however many connections there are.
func TestNodesTellsServersApart(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		nodes, err := s.Nodes(ctx, 4)
		want(t, "Nodes", err, nil)
		if s.Engine == "sqlite" {
			equal(t, "servers of SQLite", len(nodes), 0)
			return
		}
		equal(t, "servers behind one address", len(nodes), 1)
		host, _, _ := strings.Cut(nodes[0], " ")
		spread := s.Again(t, func(o *models.Options) { spreadNodes(t, o, host) })
		nodes, err = spread.Nodes(ctx, 4)
		want(t, "Nodes", err, nil)
		if len(nodes) != 2 || nodes[0] == nodes[1] {
			t.Errorf("servers behind a proxy that spreads = %q, want two", nodes)
		}
	})
}

// spreadNodes puts a proxy before the server. Every second connection is told of
// another host name.
func spreadNodes(t *testing.T, o *models.Options, host string) {
	cfg, err := mysql.ParseDSN(o.DSN)
	if err != nil {
		t.Fatal(err)
	}
	server := cfg.Addr
	network := cfg.Net
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	cfg.Net, cfg.Addr = "tcp", l.Addr().String()
	o.DSN = cfg.FormatDSN()
	was, other := []byte("\x08hostname"+string(rune(len(host)))+host), []byte("\x08hostname"+string(rune(len(host)))+strings.Repeat("x", len(host)))
	var n atomic.Int64
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial(network, server)
			if err != nil {
				_ = client.Close()
				return
			}
			odd := n.Add(1)%2 == 1
			go func() { _, _ = io.Copy(behind, client); _ = behind.Close() }()
			go func() {
				defer func() { _ = client.Close() }()
				for chunk := make([]byte, 1<<16); ; {
					n, err := behind.Read(chunk)
					if err != nil {
						return
					}
					answer := chunk[:n]
					if odd {
						answer = bytes.ReplaceAll(answer, was, other)
					}
					if _, err := client.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
}
