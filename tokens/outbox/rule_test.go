package outbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// draws is how often a delay that chance decides is asked for.
const draws = 400

func TestRuleOfEachKindOfFailure(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		attempt int64
		bury    bool
		least   time.Duration // of the delay
		most    time.Duration
		says    string // in the reason
	}{
		{"unauthorized", &im.Error{Kind: im.Unauthorized}, 1, false, 30 * time.Second, 90 * time.Second, "correct the settings"},
		{"unauthorized for long", &im.Error{Kind: im.Unauthorized}, 500, false, 30 * time.Second, 90 * time.Second, "correct the settings"},
		{"unknown user", &im.Error{Kind: im.UnknownUser}, 1, false, 0, 2 * time.Second, "tried again"},
		{"unknown user, second", &im.Error{Kind: im.UnknownUser}, 2, false, 0, 4 * time.Second, "tried again"},
		{"unknown user, third in a row", &im.Error{Kind: im.UnknownUser}, 3, true, 0, 0, "reconcile"},
		{"conflict", &im.Error{Kind: im.Conflict}, 2, false, 0, 4 * time.Second, "tried again"},
		{"conflict, third in a row", &im.Error{Kind: im.Conflict, Message: "busy"}, 3, true, 0, 0, "busy"},
		{"invalid", &im.Error{Kind: im.Invalid, Op: "/x", Code: 1002, HTTPStatus: 400, Message: "bad name"}, 1, true, 0, 0, "bad name"},
		{"quota", &im.Error{Kind: im.Quota, Code: 2007}, 1, true, 0, 0, "raise it"},
		{"throttled", &im.Error{Kind: im.Throttled}, 3, false, 0, 8 * time.Second, "tried again"},
		{"throttled with a delay", &im.Error{Kind: im.Throttled, RetryAfter: 10 * time.Second}, 1, false, 10 * time.Second, 15 * time.Second, "tried again"},
		{"throttled with a short delay late", &im.Error{Kind: im.Throttled, RetryAfter: time.Second}, 9, false, time.Second, 5 * time.Minute, "tried again"},
		{"unavailable", &im.Error{Kind: im.Unavailable}, 3, false, 0, 8 * time.Second, "tried again"},
		{"unavailable for long", &im.Error{Kind: im.Unavailable}, 500, false, 0, 16 * time.Second, "tried again"},
		{"unavailable with a delay", &im.Error{Kind: im.Unavailable, RetryAfter: time.Hour}, 8, false, time.Hour, 90 * time.Minute, "tried again"},
		{"unknown", &im.Error{Kind: im.Unknown}, 9, false, 0, 5 * time.Minute, "tried again"},
		{"unknown for ever", &im.Error{Kind: im.Unknown}, 1 << 40, false, 0, 5 * time.Minute, "tried again"},
		{"wrapped", fmt.Errorf("deliver: %w", &im.Error{Kind: im.Quota}), 1, true, 0, 0, "raise it"},
		{"none of the cloud's", errors.New("database unavailable"), 2, false, 0, 4 * time.Second, "database unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lowest, highest := time.Duration(1<<62), time.Duration(0)
			for range draws {
				before := ""
				if strings.HasSuffix(c.name, "in a row") {
					before = outbox.Rule(c.err, c.attempt-1, "").Reason
				}
				got := outbox.Rule(c.err, c.attempt, before)
				if got.Bury != c.bury || !strings.Contains(got.Reason, c.says) {
					t.Fatalf("Rule = %+v, want bury %t and a reason with %q", got, c.bury, c.says)
				}
				lowest, highest = min(lowest, got.After), max(highest, got.After)
			}
			if c.bury {
				return
			}
			if lowest < c.least || highest > c.most {
				t.Errorf("delays %s to %s, want %s to %s", lowest, highest, c.least, c.most)
			}
			// Spread over all of it, so that rows which failed together do not come together.
			if spread := c.most - c.least; highest-lowest < spread*8/10 {
				t.Errorf("delays %s to %s, want them spread over %s to %s", lowest, highest, c.least, c.most)
			}
		})
	}
}

// An outage says nothing about the cloud's state: the first refusal after it is
// looked at again, however many attempts there were.
func TestARefusalAfterAnOutageIsTriedAgain(t *testing.T) {
	before := ""
	for attempt, c := range []struct {
		kind im.Kind
		bury bool
	}{
		{im.Unavailable, false}, {im.Unavailable, false}, {im.Throttled, false}, {im.UnknownUser, false}, {im.Unavailable, false}, {im.Conflict, false}, {im.UnknownUser, true},
	} {
		got := outbox.Rule(&im.Error{Kind: c.kind, Op: "x"}, int64(attempt+1), before)
		if got.Bury != c.bury {
			t.Errorf("attempt %d, %s after %q: bury %t, want %t", attempt+1, c.kind, before, got.Bury, c.bury)
		}
		before = got.Reason
	}
}
