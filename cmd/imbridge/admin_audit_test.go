package main

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestTheHeadsNoticeEnds: it is open from when the audit can no longer be sealed
// until it is sealed again.
func TestTheHeadsNoticeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := modelstest.OpenOn(t, "sqlite", func(o *models.Options) { o.Now = time.Now })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- sealAudit(ctx, s.Store, slog.New(slog.DiscardHandler)) }()
		note := func() {
			t.Helper()
			if err := s.RecordDataKey(ctx, "data_key.rotate", operator, models.Origin{}); err != nil {
				t.Fatal(err)
			}
		}
		wantOpen := func(want int64, when string) {
			t.Helper()
			if got := s.Count(t, "SELECT COUNT(*) FROM notices WHERE kind = 'audit_head' AND resolved_at IS NULL"); got != want {
				t.Errorf("%s: %d open notices, want %d", when, got, want)
			}
		}
		for range 2 { // it may happen again
			note()
			time.Sleep(20 * time.Second)
			wantOpen(0, "while rows are sealed")
			s.Exec(t, "UPDATE bridge_state SET name = 'kept' WHERE name = 'audit_head'")
			time.Sleep(5 * time.Minute)
			wantOpen(0, "without rows to seal")
			note()
			time.Sleep(20 * time.Second)
			wantOpen(1, "without a head")
			time.Sleep(5 * time.Minute)
			wantOpen(1, "without a head for long")
			s.Exec(t, "UPDATE bridge_state SET name = 'audit_head' WHERE name = 'kept'")
			time.Sleep(2*sealPatience + 20*time.Second)
			wantOpen(0, "with the head put back")
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("sealAudit = %v, want nil", err)
		}
	})
}
