package rongcloud

import (
	"testing"
	"time"
)

func TestALateFailureOfTheOldHostMovesNothing(t *testing.T) {
	now := time.Unix(1e9, 0)
	h := &hosts{list: regions["BJ"], now: func() time.Time { return now }}
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

func TestEveryRegionHasTwoHosts(t *testing.T) {
	for name, list := range regions {
		if len(list) != 2 || list[0] == list[1] {
			t.Errorf("region %s has %q, want a primary and a backup", name, list)
		}
		for _, base := range list {
			if why := badURL(base); why != "" {
				t.Errorf("region %s: %s %s", name, base, why)
			}
		}
	}
}
