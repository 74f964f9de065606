package main

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// spoiled are the ways in which the network to the database breaks, each for a
// moment at a time.
var spoiled = []struct {
	kind, stream string
	attributes   object
}{
	{"reset_peer", "downstream", object{"timeout": 20}},
	{"reset_peer", "upstream", object{"timeout": 5}},
	{"latency", "downstream", object{"latency": 40, "jitter": 40}},
	{"timeout", "downstream", object{"timeout": 0}}, // half open: sent, taken, and no answer comes
	{"timeout", "upstream", object{"timeout": 0}},
	{"limit_data", "downstream", object{"bytes": 2000}},
	{"limit_data", "upstream", object{"bytes": 3000}},
	{"slicer", "downstream", object{"average_size": 8, "size_variation": 4, "delay": 200}},
	{"bandwidth", "downstream", object{"rate": 20}},
}

// proveDatabase registers people through a network to the database that breaks
// all the time, and cuts the answers of commits.
func proveDatabase(ctx context.Context, s *stage, f *finding) error {
	people, least, clients, servers, still := 300, 20, 16, 1, rest
	cutShare, calm := 0.12, 300*time.Millisecond // of commits; at most, between two toxics
	program, settings := s.p.program, map[string]string{"IMBRIDGE_SERVER_REGISTER_BUDGET": "300ms"}
	if s.p.long {
		people, least, clients, servers, still = 200_000, 2000, 64, 2, 10*rest
		cutShare, calm = 0.04, 900*time.Millisecond
		// The row is about the database: neither hashes nor what the cloud mints in a
		// second are to decide how long it takes.
		program = s.p.crashing
		maps.Copy(settings, map[string]string{"PROOF_CHEAP_HASH": "1", "IMBRIDGE_SERVER_REGISTER_BUDGET": "3s",
			"IMBRIDGE_IM_RONGCLOUD_QUOTA_PERCENT": "100", "IMBRIDGE_DATABASE_MAX_OPEN": "24"})
		if err := s.control(ctx, "/control/app", object{"rate_limits": false}, nil); err != nil {
			return err
		}
	}
	net, err := s.network(s.server.addr)
	if err != nil {
		return err
	}
	var dice sync.Mutex
	cut, err := newCutter(net.addr, func() bool {
		dice.Lock()
		defer dice.Unlock()
		return s.dice.Float64() < cutShare
	})
	if err != nil {
		return err
	}
	defer cut.close()
	// The schema is made before anything breaks.
	first, err := s.serve(ctx, nil)
	if err != nil {
		return err
	}
	first.terminate(10 * time.Second)
	s.dsn = s.db.through(cut.addr())
	var bases []string
	for range servers {
		server, err := s.serveBy(ctx, program, settings)
		if err != nil {
			return err
		}
		bases = append(bases, server.url["api"])
	}
	// Each attempt goes to the next process, as a balancer would have it.
	var attempts atomic.Int64
	base := func() string { return bases[int(attempts.Add(1))%len(bases)] }

	breaking, stop := context.WithCancel(ctx)
	var breaker sync.WaitGroup
	breaker.Go(func() { spoil(breaking, net, rand.New(rand.NewPCG(s.p.seed, 1)), calm) })
	l := &ledger{}
	var begun, failures, made atomic.Int64
	var workers sync.WaitGroup
	s.progress.begin(f.Row, "registrations", people)
	for range clients {
		workers.Go(func() {
			for begun.Add(1) <= int64(people) && ctx.Err() == nil {
				p := l.add()
				s.register(ctx, base, p, f, 30*time.Second)
				failures.Add(int64(p.failures))
				if p.made {
					made.Add(1)
				}
				s.progress.add(1)
			}
		})
	}
	workers.Wait()
	stop()
	breaker.Wait()
	if err := net.mend(ctx); err != nil {
		return err
	}
	f.figure("registrations", len(l.people))
	f.figure("failed answers", failures.Load())
	f.figure("commits made and cut", cut.cuts.Load())
	f.figure("registered behind a failed answer", made.Load())
	f.figure("toxics", net.toxic.Load())
	if n := cut.cuts.Load(); n < int64(least) && people <= len(l.people) {
		f.wrong("%d ambiguous commits, want at least %d: nothing was proven", n, least)
	}
	f.figure("at rest after", s.atRest(ctx, f, still).Round(100*time.Millisecond).String())
	return s.compare(ctx, l, f)
}

// spoil breaks the network again and again until ctx ends, with at most calm in
// between.
func spoil(ctx context.Context, n *badNetwork, dice *rand.Rand, calm time.Duration) {
	for ctx.Err() == nil {
		t := spoiled[dice.IntN(len(spoiled))]
		if n.spoil(t.kind, t.stream, t.attributes) != nil {
			return
		}
		pauseFor(ctx, time.Duration(100+dice.IntN(250))*time.Millisecond)
		if n.mend(ctx) != nil {
			return
		}
		pauseFor(ctx, calm/3+time.Duration(dice.Int64N(int64(calm*2/3))))
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
