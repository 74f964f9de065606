package calls

import (
	"sync"
	"time"
)

// flipEvery is how long the choice of host stands at least, as in RongCloud's
// official SDKs: it keeps a brief trouble on both from tossing all the
// traffic to and fro.
const flipEvery = 30 * time.Second

// hosts picks where calls go: to one of the list until it fails.
type hosts struct {
	list []string // one, or primary and backup
	now  func() time.Time

	mu      sync.Mutex
	current int
	flipped time.Time
}

// pick is where the next call starts.
func (h *hosts) pick() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list[h.current]
}

// other is where a call goes that failed at base: base itself if it is alone.
func (h *hosts) other(base string) string {
	for _, o := range h.list {
		if o != base {
			return o
		}
	}
	return base
}

// failed moves later calls away from base.
func (h *hosts) failed(base string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.list) < 2 || h.list[h.current] != base {
		return
	}
	now := h.now()
	if !h.flipped.IsZero() && now.Sub(h.flipped) < flipEvery {
		return
	}
	h.current, h.flipped = 1-h.current, now
}
