package sandbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Modes of a fault.
const (
	modeStatus      = "status"       // an HTTP status and a page, as a proxy gives
	modeCode        = "code"         // an error code in the cloud's own form
	modeDelay       = "delay"        // the call waits, then goes on
	modeResetBefore = "reset_before" // the connection breaks and nothing was done
	modeResetAfter  = "reset_after"  // the work is done and the connection breaks
	modeGarbage     = "garbage"      // an answer that is none
	modeEmpty       = "empty"        // a status and no body
	modeShortLived  = "short_lived"  // the token lives shorter than the console says
	modeSkew        = "skew"         // the answer's Date is of a clock that is wrong
)

var modes = []string{modeStatus, modeCode, modeDelay, modeResetBefore, modeResetAfter, modeGarbage, modeEmpty, modeShortLived, modeSkew}

// Kinds of garbage.
const (
	garbageHTML      = "html"       // a login page, as a captive portal gives
	garbageTruncated = "truncated"  // the first half of the real answer
	garbageWrongType = "wrong_type" // JSON whose fields have other types
	garbageBinary    = "binary"     // bytes that are no text
	garbageHuge      = "huge"       // 10 MB of sound JSON
	garbageSlow      = "slow"       // the real answer in two halves, delay_ms between them
	garbageDrip      = "drip"       // the real answer byte by byte, delay_ms between them
	garbageStale     = "stale"      // the answer that the path gave before, whoever asked
)

var garbages = []string{garbageHTML, garbageTruncated, garbageWrongType, garbageBinary, garbageHuge, garbageSlow, garbageDrip, garbageStale}

const (
	maxFaults   = 100
	maxDelayMS  = 600_000
	hugeBytes   = 10 << 20
	everyPath   = "*"
	slowDefault = 1000 // ms
	dripDefault = 20   // ms
	maxSkewS    = 366 * 24 * 60 * 60
	maxRetryS   = 24 * 60 * 60
)

var (
	// labelForm is a path, of Easemob's with the method before it.
	labelForm = regexp.MustCompile(`^([A-Z]{3,7} )?/`)
	errorForm = regexp.MustCompile(`^[A-Za-z_]{1,64}$`)
)

// A faultSpec is the body of POST /control/faults.
type faultSpec struct {
	Path    string  `json:"path"`
	Mode    string  `json:"mode"`
	Status  int     `json:"status,omitempty"`
	Code    int     `json:"code,omitempty"`
	Error   string  `json:"error,omitempty"`
	DelayMS int     `json:"delay_ms,omitempty"`
	Times   int     `json:"times,omitempty"`
	Percent float64 `json:"percent,omitempty"`
	Seed    uint64  `json:"seed,omitempty"`
	Effect  *bool   `json:"effect,omitempty"`
	Garbage string  `json:"garbage,omitempty"`
	// User makes it hit only calls about one person: a user id, or a name.
	User string `json:"user,omitempty"`
	// RetryAfter is the header's seconds.
	RetryAfter int `json:"retry_after,omitempty"`
	// LifetimeMS is a short-lived token's, and SkewS by how much a clock is off.
	LifetimeMS int `json:"lifetime_ms,omitempty"`
	SkewS      int `json:"skew_s,omitempty"`
}

// check returns a complaint about the first field that is wrong. Given tells
// which fields the request had, so that an explicit 0 is refused and not taken
// for an absent field.
func (f *faultSpec) check(given map[string]bool) *complaint {
	if f.Path != "" && f.Path != everyPath && !labelForm.MatchString(f.Path) {
		return &complaint{"path", `want a path such as "/user/getToken.json" or "POST /users/{u}/password", or "*" for every path`}
	}
	if strangeFrame(f.Path) {
		return &complaint{"path", "want, after " + easePath + "/, one of " + strings.Join(easeFrames, ", ")}
	}
	if !slices.Contains(modes, f.Mode) {
		return &complaint{"mode", "want one of " + strings.Join(modes, ", ")}
	}
	if frameFault(f.Path) && !slices.Contains(frameModes, f.Mode) {
		return &complaint{"mode", "want, for frames of the socket, one of " + strings.Join(frameModes, ", ")}
	}
	uses := map[string][]string{
		"status":   {modeStatus, modeCode, modeGarbage, modeEmpty},
		"code":     {modeCode},
		"error":    {modeCode},
		"delay_ms": {modeDelay, modeGarbage},
		"effect":   {modeStatus, modeCode, modeDelay, modeGarbage, modeEmpty},
		"garbage":  {modeGarbage},

		"retry_after": {modeStatus, modeCode},
		"lifetime_ms": {modeShortLived},
		"skew_s":      {modeSkew},
	}
	for _, field := range []string{"status", "code", "error", "delay_ms", "effect", "garbage", "retry_after", "lifetime_ms", "skew_s"} {
		if given[field] && !slices.Contains(uses[field], f.Mode) {
			return &complaint{field, fmt.Sprintf("mode %q has no use for it", f.Mode)}
		}
	}
	switch {
	case (given["status"] || f.Mode == modeStatus) && (f.Status < 200 || f.Status > 599):
		return &complaint{"status", "want an HTTP status, 200 to 599"}
	case given["error"] && !errorForm.MatchString(f.Error):
		return &complaint{"error", "want the name of one of Easemob's errors, such as \"reach_limit\""}
	case f.Mode == modeCode && (!given["error"] || given["code"]) && (f.Code < 1 || f.Code > 999_999):
		return &complaint{"code", "want one of the cloud's error codes, such as 1008"}
	case (given["delay_ms"] || f.Mode == modeDelay) && (f.DelayMS < 1 || f.DelayMS > maxDelayMS):
		return &complaint{"delay_ms", fmt.Sprintf("want milliseconds, 1 to %d", maxDelayMS)}
	case given["times"] && (f.Times < 1 || f.Times > 1_000_000_000):
		return &complaint{"times", "want how often the fault fires, from 1; leave it out for \"until the reset\""}
	case given["percent"] && !(f.Percent > 0 && f.Percent <= 100):
		return &complaint{"percent", "want above 0, at most 100"}
	case given["garbage"] && !slices.Contains(garbages, f.Garbage):
		return &complaint{"garbage", "want one of " + strings.Join(garbages, ", ")}
	case given["delay_ms"] && f.Mode == modeGarbage && f.Garbage != garbageSlow && f.Garbage != garbageDrip:
		return &complaint{"delay_ms", `garbage has no use for it unless it is "slow" or "drip"`}
	case given["retry_after"] && (f.RetryAfter < 1 || f.RetryAfter > maxRetryS):
		return &complaint{"retry_after", fmt.Sprintf("want seconds, 1 to %d", maxRetryS)}
	case f.Mode == modeShortLived && (f.LifetimeMS < 1 || f.LifetimeMS > maxDelayMS):
		return &complaint{"lifetime_ms", fmt.Sprintf("want milliseconds, 1 to %d", maxDelayMS)}
	case f.Mode == modeSkew && (f.SkewS == 0 || f.SkewS < -maxSkewS || f.SkewS > maxSkewS):
		return &complaint{"skew_s", fmt.Sprintf("want seconds, -%d to %d and not 0; below 0 the cloud's clock is behind", maxSkewS, maxSkewS)}
	}
	return nil
}

// A fault is one in force.
type fault struct {
	faultSpec
	id    int
	fired int
	dice  *rand.Rand
}

// after tells whether the call takes effect before the fault hits.
func (f *fault) after() bool {
	switch {
	case f.Mode == modeResetAfter:
		return true
	case f.Mode == modeShortLived, f.Mode == modeSkew:
		return true // they are made of the real answer
	case f.Mode == modeGarbage && (f.Garbage == garbageTruncated || f.Garbage == garbageSlow || f.Garbage == garbageDrip):
		return true
	}
	return f.Effect != nil && *f.Effect
}

// fires tells whether the fault hits now, and counts it.
func (f *fault) fires() bool {
	if f.Times > 0 && f.fired >= f.Times {
		return false
	}
	if f.Percent > 0 && f.dice.Float64()*100 >= f.Percent {
		return false
	}
	f.fired++
	return true
}

// A faultTable is the faults in force, in the order in which they were set.
type faultTable struct {
	list   []*fault
	lastID int
}

func (t *faultTable) add(spec faultSpec, seed uint64) *fault {
	if spec.Seed != 0 {
		seed = spec.Seed
	}
	t.lastID++
	f := &fault{faultSpec: spec, id: t.lastID, dice: rand.New(rand.NewPCG(seed, seed))}
	t.list = append(t.list, f)
	return f
}

// pick returns what happens to a call: any number of delays and at the end at
// most one fault of another mode. Only faults that are returned have fired.
func (t *faultTable) pick(label string, about func(person string) bool) []*fault {
	var plan []*fault
	for _, f := range t.list {
		if f.Path != "" && f.Path != everyPath && f.Path != label {
			continue
		}
		if f.User != "" && !about(f.User) {
			continue
		}
		if !f.fires() {
			continue
		}
		plan = append(plan, f)
		if f.Mode != modeDelay {
			break
		}
	}
	return plan
}

// perform answers a call while faults hit it. A fault with effect lets the
// work be done first; a delay without it that outlives its caller leaves the
// work undone.
func (s *Sandbox) perform(w http.ResponseWriter, r *http.Request, plan []*fault, d dialect, c *call) {
	var done *answer
	work := func() answer {
		if done == nil {
			a := d.serve(c)
			done = &a
			s.remember(c.label, a)
		}
		return *done
	}
	for _, f := range plan {
		if f.after() {
			work()
		}
		switch f.Mode {
		case modeDelay:
			if !wait(r.Context(), time.Duration(f.DelayMS)*time.Millisecond) {
				cut(w)
				return
			}
		case modeResetBefore, modeResetAfter:
			cut(w)
			return
		default:
			s.instead(f, c, d, work).write(w, r)
			return
		}
	}
	if d.ownsSocket(c.path) {
		d.connect(w, r)
		return
	}
	work().write(w, r)
}

// wait passes real time, not the sandbox's: a delay is for the caller's
// deadlines. It ends early, and returns false, when ctx does.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// cut breaks the connection without an answer. Where there is none to break
// (HTTP/2, a recorder) it panics with http.ErrAbortHandler, which net/http
// understands.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not a polite end
	}
	_ = conn.Close()
}
