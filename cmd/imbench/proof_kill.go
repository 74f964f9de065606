package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// healed is how soon after the database's return requests must succeed
	// again, and healedShare how many of them.
	healed      = 2 * time.Second
	healedShare = 0.99
	// judged is the time after that in which they are counted.
	judged = 2 * time.Second
)

// proveKill kills the database server under load and starts it again.
func proveKill(ctx context.Context, s *stage, f *finding) error {
	rounds := 1
	if s.p.long {
		rounds = 20
	}
	server, err := s.serve(ctx, map[string]string{"IMBRIDGE_SESSION_ACCESS_LIFETIME": "1h"})
	if err != nil {
		return err
	}
	t := &traffic{s: s, l: &ledger{}, f: f, base: func() string { return server.url["api"] }, pause: 20 * time.Millisecond}
	if err := t.begin(ctx, 12); err != nil {
		return err
	}
	asking, stop := context.WithCancel(ctx)
	var crowd sync.WaitGroup
	crowd.Go(func() { t.run(asking) })
	s.progress.begin(f.Row, "kills", rounds)
	var outages, heals []time.Duration
	worst := 1.0
	for range rounds {
		pauseFor(ctx, 1500*time.Millisecond+time.Duration(s.dice.IntN(500))*time.Millisecond)
		killed := time.Now()
		s.server.kill()
		pauseFor(ctx, 300*time.Millisecond)
		if err := s.server.start(ctx); err != nil {
			stop()
			crowd.Wait()
			return err
		}
		back := time.Now()
		outages = append(outages, back.Sub(killed))
		pauseFor(ctx, healed+judged)
		all, ok := t.between(back.Add(healed), back.Add(healed+judged))
		share := float64(ok) / float64(max(all, 1))
		worst = min(worst, share)
		heals = append(heals, t.healedAfter(back, healed+judged))
		if all < 20 || share < healedShare {
			f.wrong("%d of %d requests succeeded from %s to %s after the database's return, want %.0f %%", ok, all, healed, healed+judged, healedShare*100)
		}
		s.progress.add(1)
	}
	stop()
	crowd.Wait()
	f.figure("kills", rounds)
	f.figure("longest outage", slices.Max(outages).Round(time.Millisecond).String())
	f.figure("last failure after its return", slices.Max(heals).Round(time.Millisecond).String())
	f.figure("worst success after 2 s", fmt.Sprintf("%.1f %%", worst*100))
	f.figure("requests", t.told())
	// A last registration that failed while the traffic stopped is asked once more.
	for _, p := range t.l.people {
		if !p.answered {
			s.register(ctx, t.base, p, f, 10*time.Second)
		}
	}
	t.outlive(ctx)
	s.atRest(ctx, f, rest)
	return s.compare(ctx, t.l, f)
}

// healedAfter is how long after back the last request failed.
func (t *traffic) healedAfter(back time.Time, within time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := time.Duration(0)
	for _, b := range t.beats {
		if d := b.at.Sub(back); !b.ok && d > last && d < within {
			last = d
		}
	}
	return last
}
