package sandbox

import "time"

// maxUnknownPaths bounds how many paths that no cloud has are counted by name,
// so that a scanner cannot fill the memory. The rest is counted as otherPaths.
const (
	maxUnknownPaths = 100
	maxPathBytes    = 200
	otherPaths      = "(other)"
)

// A callLog counts calls by path, on arrival: refused, failed and cut ones too.
type callLog struct {
	counts  map[string]int
	recent  map[string]*window
	peaks   map[string]int
	unknown int
}

// record counts one call and returns the label that it was counted under.
func (l *callLog) record(label string, known bool, now time.Time) string {
	if l.counts == nil {
		*l = callLog{counts: map[string]int{}, recent: map[string]*window{}, peaks: map[string]int{}}
	}
	if _, seen := l.counts[label]; !known && !seen {
		if l.unknown >= maxUnknownPaths || len(label) > maxPathBytes {
			label = otherPaths
		} else {
			l.unknown++
		}
	}
	l.counts[label]++
	l.peak(label, now)
	return label
}

// peak notes a call for the peaks alone.
func (l *callLog) peak(label string, now time.Time) {
	w := l.recent[label]
	if w == nil {
		w = &window{span: time.Second}
		l.recent[label] = w
	}
	w.add(now, 1)
	l.peaks[label] = max(l.peaks[label], w.sum)
}

// A window adds up what happened in the span that ends now. It slides, and is
// exact: two calls exactly one span apart are not in the same window.
type window struct {
	span  time.Duration
	marks []mark
	sum   int
}

type mark struct {
	at time.Time
	n  int
}

func (w *window) add(now time.Time, n int) {
	w.forget(now)
	w.marks = append(w.marks, mark{now, n})
	w.sum += n
}

// take adds n if the sum stays within limit.
func (w *window) take(now time.Time, n, limit int) bool {
	w.forget(now)
	if w.sum+n > limit {
		return false
	}
	w.add(now, n)
	return true
}

func (w *window) forget(now time.Time) {
	gone := 0
	for gone < len(w.marks) && now.Sub(w.marks[gone].at) >= w.span {
		w.sum -= w.marks[gone].n
		gone++
	}
	w.marks = w.marks[gone:]
}

// A limit is how much an endpoint takes in a span.
type limit struct {
	count int
	span  time.Duration
}

// admit takes n from an endpoint's limit and tells whether there was enough.
func (s *Sandbox) admit(label string, l limit, n int, now time.Time) bool {
	if !s.app.rateLimits || l.count == 0 {
		return true
	}
	if c := s.app.rates[label]; c > 0 {
		l.count = c
	}
	w := s.store.rates[label]
	if w == nil {
		w = &window{span: l.span}
		s.store.rates[label] = w
	}
	return w.take(now, n, l.count)
}
