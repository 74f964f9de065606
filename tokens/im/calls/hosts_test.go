package calls

import (
	"testing"
	"time"
)

func TestALateFailureOfTheOldHostMovesNothing(t *testing.T) {
	now := time.Unix(1e9, 0)
	h := &hosts{list: []string{"https://one.example.com", "https://two.example.com"}, now: func() time.Time { return now }}
	first := h.pick()
	h.failed(first)
	second := h.pick()
	if second == first {
		t.Fatalf("still at %s after it failed", first)
	}
	now = now.Add(2 * flipEvery)
	h.failed(first)
	if got := h.pick(); got != second {
		t.Errorf("at %s after a late failure of %s, want %s", got, first, second)
	}
}
