package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// noticed is how soon a process that cannot serve must say so.
	noticed = 2 * time.Second
	// recovered is how soon it must serve again once it could.
	recovered = 15 * time.Second
)

// A trouble is something that makes it impossible to serve, for a while.
type trouble struct {
	name       string
	begin, end func(ctx context.Context) error
}

// proveTrouble sees that a process that cannot serve says so, acknowledges
// nothing, and heals alone.
func proveTrouble(ctx context.Context, s *stage, f *finding) error {
	rounds := 1
	if s.p.long {
		rounds = 10
	}
	server, err := s.serve(ctx, map[string]string{"IMBRIDGE_DATABASE_MAX_OPEN": "4"})
	if err != nil {
		return err
	}
	l := &ledger{}
	if _, err := s.newcomer(ctx, l, server.url["api"]); err != nil {
		return err
	}
	for range rounds {
		for _, t := range []trouble{s.readOnly(), s.exhausted(server)} {
			if err := s.endure(ctx, f, l, server, t); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		if err := s.proveStop(ctx, f, l); err != nil {
			return fmt.Errorf("stop: %w", err)
		}
	}
	s.atRest(ctx, f, rest)
	if err := s.compare(ctx, l, f); err != nil {
		return err
	}
	return s.proveFull(ctx, f, rounds)
}

// readOnly is a server that became a replica.
func (s *stage) readOnly() trouble {
	set := func(on int) func(context.Context) error {
		query := fmt.Sprintf("SET GLOBAL read_only = %d", on)
		if s.server.engine == "mysql" {
			query = fmt.Sprintf("SET GLOBAL super_read_only = %d", on)
		}
		return func(ctx context.Context) error {
			_, err := s.server.db.ExecContext(ctx, query)
			if err == nil && on == 0 && s.server.engine == "mysql" {
				_, err = s.server.db.ExecContext(ctx, "SET GLOBAL read_only = 0")
			}
			return err
		}
	}
	return trouble{"read-only database", set(1), set(0)}
}

// exhausted takes every connection of the process by requests that do not end: a
// lock from outside holds them.
func (s *stage) exhausted(server *proofProcess) trouble {
	release := func() {}
	return trouble{"pool exhausted", func(ctx context.Context) error {
		conn, err := s.db.db.Conn(ctx)
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "LOCK TABLES users WRITE"); err != nil {
			_ = conn.Close()
			return err
		}
		asking, stop := context.WithCancel(ctx)
		var crowd sync.WaitGroup
		for range 8 {
			crowd.Go(func() {
				for asking.Err() == nil {
					_, _ = s.ask(asking, http.MethodPost, server.url["api"]+"/v1/login", "", object{"login": "nobody" + randomHex()[:8], "password": proofPassword})
				}
			})
		}
		release = func() {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "UNLOCK TABLES")
			_ = conn.Close()
			stop()
			crowd.Wait()
		}
		// It begins when the pool is taken.
		_, err = until(ctx, 10*time.Second, func() (bool, error) {
			n, err := s.poolInUse(ctx, server)
			return n >= 4, err
		})
		return err
	}, func(context.Context) error { release(); return nil }}
}

// poolInUse reads the process's metric.
func (s *stage) poolInUse(ctx context.Context, server *proofProcess) (int, error) {
	a, err := s.ask(ctx, http.MethodGet, server.url["metrics"]+"/metrics", "", nil)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(a.body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.Contains(name, "in_use") && !strings.HasPrefix(name, "#") {
			var n int
			_, err := fmt.Sscan(value, &n)
			return n, err
		}
	}
	return 0, fmt.Errorf("no metric of connections in use")
}

// endure goes through one trouble: ready turns 503 in time, live stays 200, what
// is answered with success is there, and all is well again by itself.
func (s *stage) endure(ctx context.Context, f *finding, l *ledger, server *proofProcess, t trouble) error {
	base := server.url["api"]
	if _, ok := s.ready(ctx, server, http.StatusOK, recovered); !ok {
		f.wrong("%s: not ready before it", t.name)
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	took, ok := s.ready(ctx, server, http.StatusServiceUnavailable, noticed+3*time.Second)
	if !ok || took > noticed {
		f.wrong("%s: ready turned 503 after %s (%t), want %s", t.name, took.Round(time.Millisecond), ok, noticed)
	}
	if a, err := s.ask(ctx, http.MethodGet, base+"/livez", "", nil); err != nil || a.status != http.StatusOK {
		f.wrong("%s: livez = %s, %v, want 200", t.name, a, err)
	}
	var crowd []*person
	var asking sync.WaitGroup
	for range 4 {
		p := l.add()
		crowd = append(crowd, p)
		asking.Go(func() {
			short, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			a, err := s.registerOnce(short, base, p)
			if err == nil && a.status < 500 && a.status != http.StatusCreated {
				f.wrong("%s: register = %s, want a reason to come again", t.name, a)
			}
			if err == nil && a.status == http.StatusCreated {
				f.wrong("%s: register = 201 while nothing can be written", t.name)
			}
		})
	}
	asking.Wait()
	if err := t.end(ctx); err != nil {
		return err
	}
	back, ok := s.ready(ctx, server, http.StatusOK, recovered)
	if !ok {
		f.wrong("%s: not ready again within %s", t.name, recovered)
	}
	for _, p := range crowd {
		s.register(ctx, func() string { return base }, p, f, recovered)
	}
	f.figure(t.name+": 503 after", took.Round(time.Millisecond).String())
	f.figure("ready again after", back.Round(time.Millisecond).String())
	return nil
}

// proveStop ends a process under load: it says that it is not ready, stays
// alive, and loses nothing.
func (s *stage) proveStop(ctx context.Context, f *finding, l *ledger) error {
	server, err := s.serve(ctx, map[string]string{"IMBRIDGE_SERVER_DRAIN_DELAY": "1500ms"})
	if err != nil {
		return err
	}
	base := server.url["api"]
	var crowd sync.WaitGroup
	for range 4 {
		crowd.Go(func() {
			for range 200 {
				if a, err := s.registerOnce(ctx, base, l.add()); err != nil || a.status != http.StatusCreated {
					return // it has stopped; what was answered is in the ledger
				}
			}
		})
	}
	pauseFor(ctx, 300*time.Millisecond)
	server.signal(syscall.SIGTERM)
	took, ok := s.ready(ctx, server, http.StatusServiceUnavailable, noticed)
	if !ok {
		f.wrong("SIGTERM: ready did not turn 503 within %s", noticed)
	}
	if a, err := s.ask(ctx, http.MethodGet, base+"/livez", "", nil); err != nil || a.status != http.StatusOK {
		f.wrong("SIGTERM: livez = %s, %v, want 200", a, err)
	}
	crowd.Wait()
	select {
	case <-server.ended:
		if !server.cmd.ProcessState.Success() {
			f.wrong("SIGTERM: exit status %d, want 0", server.cmd.ProcessState.ExitCode())
		}
	case <-time.After(30 * time.Second):
		f.wrong("SIGTERM: the process does not end")
	}
	f.figure("SIGTERM: 503 after", took.Round(time.Millisecond).String())
	return nil
}

// proveFull fills the disk under SQLite: no file may grow beyond what it is.
func (s *stage) proveFull(ctx context.Context, f *finding, rounds int) error {
	disk, err := s.p.stage(ctx, nil, "trouble-disk", "sqlite", s.p.seed)
	if err != nil {
		return err
	}
	defer disk.close(ctx, f)
	server, err := disk.serve(ctx, nil)
	if err != nil {
		return err
	}
	l := &ledger{}
	if _, err := disk.newcomer(ctx, l, server.url["api"]); err != nil {
		return err
	}
	pid := server.cmd.Process.Pid
	if err := limitFiles(pid, 0); err != nil {
		f.unplayed("disk full", err)
		return nil
	}
	for range rounds {
		err := disk.endure(ctx, f, l, server, trouble{"disk full", func(context.Context) error { return limitFiles(pid, 4096) },
			func(context.Context) error { return limitFiles(pid, 0) }})
		if err != nil {
			return fmt.Errorf("disk full: %w", err)
		}
	}
	if info, err := os.Stat(filepath.Join(disk.dir, "proof.db")); err != nil || info.Size() == 0 {
		f.wrong("disk full: the database file is gone (%v)", err)
	}
	disk.atRest(ctx, f, rest)
	return disk.compare(ctx, l, f)
}
