package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The whole of it, small: every request and every change has to go through, and it
// has to be good enough once in three runs, as others may be at work on this machine.
func TestSmallRunOfFriends(t *testing.T) {
	var status int
	var out, errs string
	for range 3 {
		if status, out, errs = runWith(t, "friends", "--engine", "sqlite", "--length", "1s", "--rate", "5"); status != 1 {
			break
		}
		t.Logf("not good enough:\n%s", out)
	}
	for _, want := range []string{
		`(?m)^ +start of 3000( +\S+s){2} +\d+\.\d{2} +- +- *$`,
		`(?m)^ +middle( +\S+s){2} +\d+\.\d{2}`,
		`(?m)^ +end( +\S+s){2} +\d+\.\d{2}`,
		`(?m)^ +list of 50( +\S+s){2} +1\.00`,
		`(?m)^ratio to the list of 50, at most 2\.0 wanted: good enough$`,
		`(?m)^5 changes in `,
		`until the cloud has it: p50 \S+, p99 [\d.]+(ms|µs), longest`, // below a second
		`POST /users/{u}/contacts/users/{f}: [1-5] of 100`,
		`calls refused for being too many: 0`,
		`(?m)^good enough$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("the report lacks %s:\n%s%s", want, out, errs)
		}
	}
	if status != 0 || strings.Contains(out, "failed") {
		t.Errorf("status %d, want 0 and every change to go through:\n%s%s", status, out, errs)
	}
}

func TestFriendsNotUnderstood(t *testing.T) {
	for _, args := range [][]string{{"--engine", "oracle"}, {"--rate", "0"}, {"--rate", "81"}, {"--length", "1h"}} {
		if status, _, errs := runWith(t, append([]string{"friends"}, args...)...); status != 2 || !strings.Contains(errs, "--rate 1 to 80") {
			t.Errorf("friends %v = %d, %s; want 2 and what is allowed", args, status, errs)
		}
	}
}

func TestReportOfPages(t *testing.T) {
	page := func(took time.Duration) *friendsPage {
		return &friendsPage{name: "x", took: []time.Duration{took}, selects: 2, reads: 150.04}
	}
	for _, c := range []struct {
		long time.Duration
		bad  bool
	}{{2 * time.Millisecond, false}, {2100 * time.Microsecond, true}} {
		var out bytes.Buffer
		err := reportPages(&out, []*friendsPage{page(c.long), page(time.Millisecond)})
		if errors.Is(err, errBelow) != c.bad || !strings.Contains(out.String(), "150.0") {
			t.Errorf("a page of %s against one of 1ms = %v, want bad %t, and the counts\n%s", c.long, err, c.bad, out.String())
		}
	}
}

func TestReportOfChanges(t *testing.T) {
	const add = "POST /users/{u}/contacts/users/{f}"
	good := func() *friendChanges {
		return &friendChanges{effects: []time.Duration{time.Millisecond, 999 * time.Millisecond}, elapsed: time.Second, peaks: map[string]int{add: relationCap}}
	}
	for name, c := range map[string]struct {
		spoil func(*friendChanges)
		bad   bool
	}{
		"good":     {func(*friendChanges) {}, false},
		"slow":     {func(c *friendChanges) { c.effects[1] = time.Second }, true},
		"too many": {func(c *friendChanges) { c.peaks[add]++ }, true},
		"refused":  {func(c *friendChanges) { c.refused = 1 }, true},
		"failed":   {func(c *friendChanges) { c.failed = errors.New("no") }, true},
		"nothing":  {func(c *friendChanges) { c.effects = nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			changes := good()
			c.spoil(changes)
			var out bytes.Buffer
			if err := reportChanges(&out, changes); errors.Is(err, errBelow) != c.bad {
				t.Errorf("report = %v, want bad %t\n%s", err, c.bad, out.String())
			}
		})
	}
}
