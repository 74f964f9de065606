package modelstest

import (
	"sync"
	"time"
)

// Start is when every test's clock begins.
var Start = time.Date(2030, time.March, 1, 12, 0, 0, 123_456_000, time.UTC)

// A Clock moves only when it is told to. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock stands at Start.
func NewClock() *Clock { return &Clock{now: Start} }

// Now is the time on the clock, in whole microseconds.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock; negative durations move it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d).Truncate(time.Microsecond)
}
