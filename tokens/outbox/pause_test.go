package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/tokens/im"
)

// A backlog of what keeps people out does not keep the next ban waiting.
func TestABanOvertakesABacklogOfOtherUrgentKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		for i := range 300 {
			queue(t, s, models.KindRemove, fmt.Sprintf("gone%03d", i), time.Hour)
			queue(t, s, models.KindRevoke, fmt.Sprintf("out%03d", i), time.Hour)
		}
		queue(t, s, models.KindBan, "bad", 0)
		run(t, j.runner(s.Store, "p1", func(ctx context.Context, _, _ string) error { return pass(ctx, time.Second) }))
		time.Sleep(1500 * time.Millisecond)
		if calls := j.of("bad"); len(calls) != 1 {
			t.Errorf("deliveries of a ban behind 600 older rows = %v, want it among the first", calls)
		}
	})
}

// While the cloud is away a backlog is not gone through again and again: a row
// now and then finds out, and the first success lets the others go.
func TestAnAbsentCloudIsAskedByOneRowAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		for i := range 400 {
			queue(t, s, models.KindRevoke, fmt.Sprintf("out%03d", i), time.Hour)
		}
		var away atomic.Bool
		away.Store(true)
		run(t, j.runner(s.Store, "p1", func(context.Context, string, string) error {
			if away.Load() {
				return &im.Error{Cloud: "rongcloud", Op: "x", Kind: im.Unavailable}
			}
			return nil
		}))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(j.of("")); n < 30 || n > 150 {
			t.Errorf("attempts in a minute without the cloud = %d, want 30 to 150 of the 400 rows", n)
		}
		away.Store(false)
		time.Sleep(10 * time.Second)
		if n := rows(t, s); n > 150 {
			t.Errorf("rows left 10 s after the cloud came back = %d, want all but those that were put off", n)
		}
	})
}
