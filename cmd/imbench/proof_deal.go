package main

import (
	"context"
	"slices"
	"sync"
)

// A hand is the rows that are played on one engine.
type hand struct {
	engine string
	rows   []proofRow // the longest first

	mu       sync.Mutex
	next     int
	findings []*finding // of rows
}

// deal gives the rows to the engines. In the long form each engine plays all; in
// the short form each row goes to one, so that all engines take the same time.
// Which engine gets what turns with the seed.
func (p *proof) deal(rows []proofRow) []*hand {
	longest := slices.SortedStableFunc(slices.Values(rows), func(a, b proofRow) int { return b.about - a.about })
	hands := make([]*hand, len(p.engines))
	first := int(p.seed % uint64(len(hands)))
	for i := range hands {
		hands[i] = &hand{engine: p.engines[(first+i)%len(hands)]}
		if p.long {
			hands[i].rows = rows
		}
	}
	if p.long {
		return hands
	}
	about := make([]int, len(hands))
	for _, r := range longest {
		to := -1
		for i, h := range hands {
			if r.plays(h.engine) && (to < 0 || about[i] < about[to]) {
				to = i
			}
		}
		to = max(to, 0) // one that nobody plays is to be seen as skipped
		hands[to].rows = append(hands[to].rows, r)
		about[to] += r.about
	}
	return slices.DeleteFunc(hands, func(h *hand) bool { return len(h.rows) == 0 })
}

// play plays rows of the hand, on a server of its own, until none is left.
func (h *hand) play(ctx context.Context, p *proof, alone bool) error {
	server, err := openServer(ctx, p, h.engine)
	if err != nil {
		return err
	}
	defer server.close()
	for {
		h.mu.Lock()
		n := h.next
		h.next++
		h.mu.Unlock()
		if n >= len(h.rows) {
			return nil
		}
		f := p.play(ctx, server, h.rows[n], alone)
		h.mu.Lock()
		h.findings = append(h.findings, f)
		h.mu.Unlock()
		p.progress.note("%s on %s: %s in %.1fs  %s", f.Row, f.Engine, f.verdict(), f.Seconds, f.line())
	}
}

// inOrder are the findings of all hands as the table shows them.
func inOrder(hands []*hand) []*finding {
	var list []*finding
	for _, r := range proofRows {
		for _, h := range hands {
			for _, f := range h.findings {
				if f.Row == r.name {
					list = append(list, f)
				}
			}
		}
	}
	return list
}
