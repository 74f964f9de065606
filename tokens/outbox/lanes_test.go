package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"imbridge/models"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// TestFriendChangesAreQuickBehindAnyBacklog: fifty changes a second reach a cloud
// that takes 80 a second of a kind and 50 ms for each, or 200 ms, as one far away,
// while hundreds of names and first tokens wait for their own turn.
func TestFriendChangesAreQuickBehindAnyBacklog(t *testing.T) {
	for _, of := range []struct {
		slow int
		half time.Duration // of a call
	}{{0, 25 * time.Millisecond}, {300, 25 * time.Millisecond}, {300, 100 * time.Millisecond}} {
		slow, half := of.slow, of.half
		t.Run(fmt.Sprint(slow, " names before them, ", 2*half, " a call"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, j, c := open(t), newJournal(), newCrowd()
				turns := map[string]*rate.Limiter{"befriend": rate.NewLimiter(80, 4), "unfriend": rate.NewLimiter(80, 4), "remark": rate.NewLimiter(80, 4),
					"block": rate.NewLimiter(40, 2), "unblock": rate.NewLimiter(40, 2)}
				c.before = func(ctx context.Context, op string) error {
					if err := turns[op].Wait(ctx); err != nil {
						return &im.Error{Kind: im.Throttled, Op: op, Err: err}
					}
					return pass(ctx, half)
				}
				c.after = func(ctx context.Context, _ string) error { return pass(ctx, half) }
				d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 5, Now: time.Now}
				r := j.runner(s.Store, "p1", nothing)
				r.Kinds = d.Kinds()
				backlog(t, s, slow)
				var mu sync.Mutex
				begun := map[string]time.Time{}
				var took []time.Duration
				for _, kind := range []string{models.KindFriend, models.KindBlock} {
					deliver := r.Kinds[kind]
					r.Kinds[kind] = func(ctx context.Context, subject string) error {
						err := deliver(ctx, subject)
						mu.Lock()
						defer mu.Unlock()
						took = append(took, time.Since(begun[kind+subject]))
						return err
					}
				}
				if slow > 0 {
					// Names that nobody has are nothing to deliver: they must hold a worker.
					names := rate.NewLimiter(5, 5)
					r.Kinds[models.KindProfile] = func(ctx context.Context, _ string) error { return names.Wait(ctx) }
				}
				run(t, r)
				time.Sleep(5 * time.Second)
				people := make([]string, 60)
				for i := range people {
					people[i] = known(t, s).ID
				}
				note := func(kind, subject string) {
					mu.Lock()
					defer mu.Unlock()
					begun[kind+subject] = time.Now()
				}
				pair := func(a, b string) string { return min(a, b) + ":" + max(a, b) }
				const seconds = 5
				for n := range 50 * seconds {
					time.Sleep(20 * time.Millisecond)
					a, b := people[n%60], people[(n+1+n/60)%60]
					if n%5 == 4 {
						note(models.KindBlock, a+":"+b)
						if err := s.BlockUser(t.Context(), a, b, models.Origin{}); err != nil {
							t.Fatal(err)
						}
						continue
					}
					if _, err := s.RequestFriend(t.Context(), a, b, "", models.Origin{}); err != nil {
						t.Fatal(err)
					}
					note(models.KindFriend, pair(a, b))
					if _, err := s.RequestFriend(t.Context(), b, a, "", models.Origin{}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * time.Second)
				mu.Lock()
				defer mu.Unlock()
				slices.Sort(took)
				if len(took) < 50*seconds {
					t.Fatalf("changes delivered = %d, want %d", len(took), 50*seconds)
				}
				p99 := took[len(took)*99/100]
				t.Logf("%d deliveries, median %s, p99 %s, longest %s", len(took), took[len(took)/2], p99, took[len(took)-1])
				if p99 > time.Second {
					t.Errorf("p99 from change to effect = %s, want at most 1 s", p99)
				}
				if slow > 0 && s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = ?", models.KindProfile) < int64(slow)/2 {
					t.Error("the backlog is gone: nothing was overtaken")
				}
			})
		})
	}
}

// TestLanesLeaveRoomForEachOther: whichever lane is flooded by rows that take
// long, one row of each other lane is begun at the next look.
func TestLanesLeaveRoomForEachOther(t *testing.T) {
	kinds := []string{models.KindProvision, models.KindFriend, models.KindAllow, models.KindBan}
	for _, flood := range kinds {
		for _, other := range kinds {
			if other == flood || flood == models.KindBan {
				continue // bans may take everything: nothing matters more
			}
			t.Run(flood+" before "+other, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, j := open(t), newJournal()
					for i := range 100 {
						queue(t, s, flood, fmt.Sprint("old", i), time.Hour)
					}
					r := j.runner(s.Store, "p1", nothing)
					for _, kind := range kinds {
						r.Kinds[kind] = func(ctx context.Context, subject string) error {
							j.note("p1", kind, subject)
							if kind == flood {
								return pass(ctx, 14*time.Second)
							}
							return nil
						}
					}
					run(t, r)
					time.Sleep(time.Second)
					queue(t, s, other, "new", 0)
					begun := time.Since(j.start)
					time.Sleep(poll)
					if calls := j.of("new"); len(calls) != 1 || calls[0].at-begun > poll {
						t.Errorf("deliveries of %s behind %s = %v, want one at the next look", other, flood, calls)
					}
				})
			})
		}
	}
}

// TestATruthThatChangesUnderDeliveryIsDeliveredAtOnce, not at the next look.
func TestATruthThatChangesUnderDeliveryIsDeliveredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		u := s.AddUser(t)
		run(t, j.runner(s.Store, "p1", func(ctx context.Context, _, _ string) error { return pass(ctx, 200*time.Millisecond) }))
		time.Sleep(100 * time.Millisecond)
		begun := time.Since(j.start)
		for range 2 {
			if err := s.BanUser(t.Context(), u.ID, "spam", "admin:a", models.Origin{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond)
		if calls := j.of(u.ID); len(calls) != 2 || calls[1].at-begun > 250*time.Millisecond {
			t.Errorf("deliveries = %v, want the second as the first ends, 200 ms after %s", calls, begun)
		}
	})
}
