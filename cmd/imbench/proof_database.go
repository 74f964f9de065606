package main

import (
	"context"
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
	people, least := 300, 20
	if s.p.long {
		people, least = 200_000, 2000
	}
	net, err := s.network(s.server.addr)
	if err != nil {
		return err
	}
	var dice sync.Mutex
	cut, err := newCutter(net.addr, func() bool {
		dice.Lock()
		defer dice.Unlock()
		return s.dice.Float64() < 0.12
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
	server, err := s.serve(ctx, map[string]string{"IMBRIDGE_SERVER_REGISTER_BUDGET": "300ms"})
	if err != nil {
		return err
	}

	breaking, stop := context.WithCancel(ctx)
	var breaker sync.WaitGroup
	breaker.Go(func() { spoil(breaking, net, rand.New(rand.NewPCG(s.p.seed, 1))) })
	l := &ledger{}
	var begun, failures, made atomic.Int64
	var workers sync.WaitGroup
	s.progress.begin(f.Row, "registrations", people)
	for range 16 {
		workers.Go(func() {
			for begun.Add(1) <= int64(people) && ctx.Err() == nil {
				p := l.add()
				s.register(ctx, func() string { return server.url["api"] }, p, f, 30*time.Second)
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
	s.atRest(ctx, f, rest)
	return s.compare(ctx, l, f)
}

// spoil breaks the network again and again until ctx ends.
func spoil(ctx context.Context, n *badNetwork, dice *rand.Rand) {
	for ctx.Err() == nil {
		t := spoiled[dice.IntN(len(spoiled))]
		if n.spoil(t.kind, t.stream, t.attributes) != nil {
			return
		}
		pauseFor(ctx, time.Duration(100+dice.IntN(250))*time.Millisecond)
		if n.mend(ctx) != nil {
			return
		}
		pauseFor(ctx, time.Duration(100+dice.IntN(200))*time.Millisecond)
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
