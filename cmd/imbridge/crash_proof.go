//go:build proof

package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"imbridge/models"
)

// This build is for the proof harness alone (docs/proof.md): its process can be
// told at which step to die, and what time it is. The variables are none of the
// settings, which have names of their own:
//
//	PROOF_CRASH_AT    a file. While it is there and holds a number n above
//	                  zero, the n-th step from its appearance on is the
//	                  process's last: it kills itself, as a power cut would.
//	                  Each step's name is added to the file's name + ".steps".
//	PROOF_CLOCK       a file with a duration, by which this process's clock
//	                  is ahead. It may change at any time.
//	PROOF_CHEAP_HASH  not empty: passwords are hashed at next to no cost.

// clockRead is how often the file with the clock's offset is looked at.
const clockRead = 20 * time.Millisecond

// A movedClock is ahead by what its file says.
type movedClock struct {
	path  string
	mu    sync.Mutex
	read  time.Time
	ahead time.Duration
}

var proofClock = movedClock{path: os.Getenv("PROOF_CLOCK")}

// clock is what everything in the process reads the time from.
func clock() func() time.Time {
	if proofClock.path == "" {
		return time.Now
	}
	return proofClock.now
}

func (c *movedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.read) >= clockRead {
		c.read = now
		if raw, err := os.ReadFile(c.path); err == nil {
			if d, err := time.ParseDuration(strings.TrimSpace(string(raw))); err == nil {
				c.ahead = d
			}
		}
	}
	// Without the monotonic reading, which would go on as if nothing had moved.
	return now.Round(0).Add(c.ahead)
}

// A crash counts steps once its file is there.
type crash struct {
	path string
	mu   sync.Mutex
	at   int64 // zero: not armed yet
	done atomic.Int64
}

var proofCrash = crash{path: os.Getenv("PROOF_CRASH_AT")}

// step is one point at which the process may have to die.
func (c *crash) step(point string) {
	if c.path == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := os.ReadFile(c.path)
	if err != nil {
		c.at = 0
		c.done.Store(0)
		return
	}
	if c.at == 0 {
		c.at, _ = strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	}
	n := c.done.Add(1)
	if f, err := os.OpenFile(c.path+".steps", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		_, _ = fmt.Fprintln(f, point)
		_ = f.Close()
	}
	if c.at > 0 && n == c.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way; nothing may happen in between
	}
}

// stepsOf hands the store's commits to the harness. Nothing has been hashed yet.
func stepsOf(s *models.Store) {
	if os.Getenv("PROOF_CHEAP_HASH") != "" {
		models.CheapenHashes()
	}
	if proofCrash.path != "" {
		s.Step = proofCrash.step
	}
}

// stepsOfCalls hands the cloud's calls to the harness.
func stepsOfCalls(c *http.Client) {
	if proofCrash.path != "" {
		c.Transport = steppedCalls{c.Transport}
	}
}

type steppedCalls struct{ http.RoundTripper }

func (t steppedCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	proofCrash.step("before " + r.URL.Path)
	res, err := t.RoundTripper.RoundTrip(r)
	proofCrash.step("after " + r.URL.Path)
	return res, err
}
