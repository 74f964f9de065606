package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxLifetime bounds token lifetimes and clock moves: far enough for every
// test, and far below where durations overflow.
const maxLifetime = 3650 * 24 * time.Hour

// An app is what the cloud's console would set.
type app struct {
	secret    string
	navigator string
	lifetime  time.Duration // 0 is permanent
	// lifetimeForAll judges every token by the lifetime in force now. Off, a
	// token keeps the lifetime it was issued with. Which of the two RongCloud
	// does is not documented.
	lifetimeForAll bool
	userCap        int // 0 is none
	rateLimits     bool
	rates          map[string]int // label → calls, where not the documented ones
	blacklist      bool
	whitelist      bool
	// whitelistForAll switches every user's whitelist on.
	whitelistForAll bool
	// preSendURL is asked before a client's message is delivered; empty: nobody is.
	preSendURL string
	// preSendStatus is what the sender of a dropped message is told; 0 is success.
	preSendStatus int
	// development: what only apps in the development environment may call answers.
	development bool
	// openAnti makes clients speak protocol 4 on the socket instead of 3.
	openAnti bool
	ease     easeApp
}

// permanent is how a lifetime without end is spelled.
const permanent = "permanent"

// parseLifetime reads "permanent", a Go duration or whole days ("7d").
func parseLifetime(text string) (time.Duration, error) {
	if text == permanent {
		return 0, nil
	}
	d, err := parseDuration(text)
	if err != nil || d < time.Second || d > maxLifetime {
		return 0, fmt.Errorf("%q: want %q, or 1s to 3650d such as \"20s\", \"24h\", \"7d\"", text, permanent)
	}
	return d, nil
}

func parseDuration(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	return time.Duration(n) * 24 * time.Hour, err
}

func lifetimeText(d time.Duration) string {
	if d == 0 {
		return permanent
	}
	return d.String()
}
