package outbox_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// poll is the longest that a runner takes to see what nobody woke it for.
const poll = 2500*time.Millisecond + 50*time.Millisecond

// pass takes as long as d says, or as the attempt may.
func pass(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestRunnerDeliversEveryKindEverShipped(t *testing.T) {
	f, err := os.Open("testdata/kinds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	kinds := (&outbox.Delivery{Rate: 1}).Kinds()
	listed := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		kind := lines.Text()
		if strings.HasPrefix(kind, "#") {
			continue
		}
		listed[kind] = true
		if kinds[kind] == nil {
			t.Errorf("nobody delivers %q, which databases may hold", kind)
		}
	}
	for kind := range kinds {
		if !listed[kind] {
			t.Errorf("testdata/kinds.txt does not list %q: add it, for ever", kind)
		}
	}
}

func TestRunnerLeavesUnknownKindsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		queue(t, s, "moonwalk", "u1", time.Minute)
		run(t, j.runner(s.Store, "p1", nothing))
		time.Sleep(time.Minute)
		if n := s.Count(t, "SELECT COUNT(*) FROM outbox WHERE attempts = 0 AND lease_owner = ''"); n != 1 || len(j.of("")) != 0 {
			t.Errorf("untouched rows of an unknown kind = %d, deliveries %v; want 1 and none", n, j.of(""))
		}
	})
}

func TestRunnerSeesItsOwnRowsAtOnceAndOthersAtTheNextPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		run(t, j.runner(s.Store, "p1", nothing))
		time.Sleep(100 * time.Millisecond)
		u := s.AddUser(t)
		begun := time.Since(j.start)
		if err := s.BanUser(t.Context(), u.ID, "spam", "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if calls := j.of(u.ID); len(calls) != 1 || calls[0].at-begun > 10*time.Millisecond {
			t.Errorf("deliveries of a row of its own = %v, want one at %s", calls, begun)
		}
		begun = time.Since(j.start)
		queue(t, s, models.KindProfile, "u2", 0)
		time.Sleep(poll)
		if calls := j.of("u2"); len(calls) != 1 || calls[0].at-begun > poll {
			t.Errorf("deliveries of another's row = %v, want one within %s of %s", calls, poll, begun)
		}
		if n := rows(t, s); n != 0 {
			t.Errorf("rows left = %d, want none", n)
		}
	})
}

// A delivery that takes longer than its lease keeps it by its heartbeat.
func TestHeartbeatKeepsTheLeaseOfALongDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		queue(t, s, models.KindProfile, "u1", 0)
		for _, name := range []string{"p1", "p2"} {
			r := j.runner(s.Store, name, func(ctx context.Context, _, _ string) error { return pass(ctx, 14*time.Second) })
			r.Lease = 2 * time.Second
			run(t, r)
		}
		time.Sleep(20 * time.Second)
		if calls := j.of("u1"); len(calls) != 1 || j.count("profile done") != 1 || j.count("profile fenced") != 0 {
			t.Errorf("deliveries = %v, outcomes %v; want one, done", calls, j.seen)
		}
		if n := rows(t, s); n != 0 {
			t.Errorf("rows left = %d, want none", n)
		}
	})
}

func TestRowsOfADeadProcessAreTakenUpWithinTwoLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		for i := range 20 {
			queue(t, s, models.KindRevoke, fmt.Sprint("u", i), 0)
		}
		claimed, err := s.ClaimOutbox(t.Context(), []string{models.KindRevoke}, "dead/1", time.Now().Add(outbox.DefaultLease), 20)
		if err != nil || len(claimed) != 20 {
			t.Fatalf("claimed %d, %v; want 20", len(claimed), err)
		}
		run(t, j.runner(s.Store, "p2", nothing))
		time.Sleep(outbox.DefaultLease - 10*time.Millisecond)
		if n := len(j.of("")); n != 0 {
			t.Errorf("deliveries while the dead one's leases last = %d, want none", n)
		}
		time.Sleep(outbox.DefaultLease)
		if n := rows(t, s); n != 0 {
			t.Errorf("rows left two leases after a death = %d, want none", n)
		}
		if n := len(j.of("")); n != 20 {
			t.Errorf("deliveries = %d, want 20", n)
		}
	})
}

// A process that was stopped past its lease writes no result; because its call
// may have arrived last, the row is delivered anew.
func TestALateResultIsFencedAndItsRowDeliveredAnew(t *testing.T) {
	for _, late := range []error{nil, &im.Error{Kind: im.Unavailable}, &im.Error{Kind: im.Invalid}, &outbox.ComeBackError{At: time.Now().Add(1e6 * time.Hour)}} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, j := open(t), newJournal()
				queue(t, s, models.KindBan, "u1", 0)
				first := true
				stopped := j.runner(s.Store, "stopped", func(ctx context.Context, _, _ string) error {
					if !first {
						return nil
					}
					first = false
					s.Exec(t, "UPDATE outbox SET lease_owner = '', lease_until = 0") // as if it had run out
					<-ctx.Done()                                                     // the heartbeat has seen that it is lost
					time.Sleep(time.Second)
					return late
				})
				run(t, stopped)
				time.Sleep(time.Second)
				run(t, j.runner(s.Store, "heir", nothing))
				time.Sleep(outbox.DefaultLease/3 + 2*poll)
				calls := j.of("u1")
				if len(calls) != 3 || j.count("ban fenced") != 1 || j.count("ban done") != 2 {
					t.Fatalf("deliveries = %v, outcomes %v; want the stopped one's fenced, the heir's, and one more", calls, j.seen)
				}
				if d := calls[2].at - calls[0].at; d > outbox.DefaultLease/3+time.Second+poll {
					t.Errorf("delivered anew after %s, want it as soon as the late one is known", d)
				}
				if n := rows(t, s); n != 0 {
					t.Errorf("rows left = %d, want none", n)
				}
			})
		})
	}
}

// Retries come within the delays that Rule's comment promises.
func TestRetriesKeepTheirDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		const attempts = 14
		for i := range 5 {
			queue(t, s, models.KindProfile, fmt.Sprint("u", i), 0)
		}
		run(t, j.runner(s.Store, "p1", func(context.Context, string, string) error { return &im.Error{Kind: im.Unknown, Op: "/x"} }))
		time.Sleep(time.Hour)
		for i := range 5 {
			calls := j.of(fmt.Sprint("u", i))
			if len(calls) < attempts {
				t.Fatalf("attempts in an hour = %d, want at least %d", len(calls), attempts)
			}
			for n := 1; n < len(calls); n++ {
				most := min(time.Second<<min(n, 20), 5*time.Minute)
				if gap := calls[n].at - calls[n-1].at; gap > most+poll {
					t.Errorf("wait after failure %d = %s, want at most %s and a poll", n, gap, most)
				}
			}
		}
		if n := s.Count(t, "SELECT COUNT(*) FROM outbox WHERE buried_at IS NULL AND attempts >= ? AND last_error LIKE '%tried again%'", attempts); n != 5 {
			t.Errorf("rows still tried after an hour = %d, want 5", n)
		}
	})
}

func TestTheCloudsDelayIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		queue(t, s, models.KindRevoke, "u1", 0)
		var n atomic.Int64
		run(t, j.runner(s.Store, "p1", func(context.Context, string, string) error {
			if n.Add(1) == 1 {
				return fmt.Errorf("wrapped: %w", &im.Error{Kind: im.Throttled, RetryAfter: 40 * time.Second})
			}
			return nil
		}))
		time.Sleep(2 * time.Minute)
		calls := j.of("u1")
		if len(calls) != 2 {
			t.Fatalf("attempts = %d, want 2", len(calls))
		}
		if gap := calls[1].at - calls[0].at; gap < 40*time.Second || gap > time.Minute+poll {
			t.Errorf("wait after \"in 40 s\" = %s, want 40 s to a minute", gap)
		}
	})
}

func TestARefusalForGoodIsBuriedUntilARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		queue(t, s, models.KindProfile, "u1", 0)
		var good atomic.Bool
		run(t, j.runner(s.Store, "p1", func(context.Context, string, string) error {
			if good.Load() {
				return nil
			}
			return &im.Error{Kind: im.Invalid, Op: "/user/refresh.json", Code: 1002, HTTPStatus: 400, Message: "name is too long"}
		}))
		time.Sleep(time.Hour)
		if n := len(j.of("u1")); n != 1 || j.count("profile buried") != 1 {
			t.Errorf("attempts = %d, outcomes %v; want one, buried", n, j.seen)
		}
		buried := true
		list, err := s.Outbox(t.Context(), models.OutboxFilter{Buried: &buried}, "", 10)
		if err != nil || len(list) != 1 || !strings.Contains(list[0].LastError, "/user/refresh.json") || !strings.Contains(list[0].LastError, "name is too long") {
			t.Fatalf("buried rows = %+v, %v; want one with the call and the cloud's words", list, err)
		}
		good.Store(true)
		if _, err := s.RetryOutbox(t.Context(), []string{list[0].ID}, "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := rows(t, s); n != 0 {
			t.Errorf("rows left after a retry = %d, want none", n)
		}
	})
}

// backlog is n rows of profile that have been due for long.
func backlog(t testing.TB, s *modelstest.Store, n int) {
	t.Helper()
	for i := range n {
		queue(t, s, models.KindProfile, fmt.Sprint("old", i), time.Hour)
	}
}

func TestUrgentKindsOvertakeABacklog(t *testing.T) {
	for _, kind := range []string{models.KindRevoke, models.KindBan, models.KindRemove} {
		for _, slow := range []time.Duration{time.Second, time.Hour} { // an hour is as long as an attempt may
			t.Run(fmt.Sprint(kind, " while names take ", slow), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, j := open(t), newJournal()
					backlog(t, s, 200)
					run(t, j.runner(s.Store, "p1", func(ctx context.Context, k, _ string) error {
						if k == models.KindProfile {
							return pass(ctx, slow)
						}
						return nil
					}))
					time.Sleep(2500 * time.Millisecond)
					begun := time.Since(j.start)
					queue(t, s, kind, "bad", 0)
					time.Sleep(poll)
					if calls := j.of("bad"); len(calls) != 1 || calls[0].at-begun > poll {
						t.Errorf("deliveries of %s behind a backlog = %v, want one within %s of %s", kind, calls, poll, begun)
					}
					if n := rows(t, s); n < 150 {
						t.Errorf("rows left = %d, want most of the backlog: it was not overtaken", n)
					}
				})
			})
		}
	}
}

// The backlog is worked off by all workers but those kept for the urgent, who do
// not wait for the next poll.
func TestABacklogIsWorkedOffWithoutPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		backlog(t, s, 120)
		run(t, j.runner(s.Store, "p1", func(ctx context.Context, _, _ string) error { return pass(ctx, 100*time.Millisecond) }))
		time.Sleep(2200 * time.Millisecond) // 120 rows by six at 100 ms each take 2 s
		if n := rows(t, s); n != 0 {
			t.Errorf("rows left after 2.2 s = %d, want none", n)
		}
	})
}

func TestStopFinishesWhatIsUnderWayAndBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		backlog(t, s, 20)
		stop := run(t, j.runner(s.Store, "p1", func(ctx context.Context, _, _ string) error { return pass(ctx, 3*time.Second) }))
		time.Sleep(time.Second)
		begun, under := time.Now(), len(j.of(""))
		stop()
		if took := time.Since(begun); took < time.Second || took > 3*time.Second {
			t.Errorf("Run returned after %s, want when the deliveries under way have ended", took)
		}
		if n := len(j.of("")); n != under || j.count("profile done") != under {
			t.Errorf("deliveries = %d, outcomes %v; want %d, all done", n, j.seen, under)
		}
		if n, leased := rows(t, s), s.Count(t, "SELECT COUNT(*) FROM outbox WHERE lease_owner <> ''"); n != int64(20-under) || leased != 0 {
			t.Errorf("rows left = %d, of them leased %d; want %d and none", n, leased, 20-under)
		}
	})
}

// A database that fails for a while is nothing that a runner ends for.
func TestRunnerOutlivesADatabaseThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		run(t, j.runner(s.Store, "p1", nothing))
		time.Sleep(time.Second)
		s.Exec(t, "ALTER TABLE outbox RENAME TO away")
		time.Sleep(time.Minute)
		s.Exec(t, "ALTER TABLE away RENAME TO outbox")
		queue(t, s, models.KindBan, "u1", 0)
		time.Sleep(poll)
		if n := len(j.of("u1")); n != 1 {
			t.Errorf("deliveries after the database is back = %d, want 1", n)
		}
	})
}

// A result that cannot be written is not lost: the lease runs out and the row is
// delivered once more.
func TestAResultThatIsNotWrittenIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		queue(t, s, models.KindBan, "u1", 0)
		first := true
		run(t, j.runner(s.Store, "p1", func(context.Context, string, string) error {
			if first {
				first = false
				s.Exec(t, "ALTER TABLE outbox RENAME TO away")
			}
			return nil
		}))
		time.Sleep(5 * time.Second)
		s.Exec(t, "ALTER TABLE away RENAME TO outbox")
		time.Sleep(outbox.DefaultLease)
		if n := len(j.of("u1")); n != 2 || rows(t, s) != 0 {
			t.Errorf("deliveries = %d, rows left %d; want 2 and none", n, rows(t, s))
		}
	})
}

// A row that makes a client panic is tried again later and keeps nobody from
// theirs; what the panic says may be a secret and is told nowhere.
func TestAPanicIsOneRowsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j := open(t), newJournal()
		var log bytes.Buffer
		queue(t, s, models.KindProfile, "u1", 0)
		queue(t, s, models.KindProfile, "u2", 0)
		r := j.runner(s.Store, "p1", func(_ context.Context, _, subject string) error {
			if subject == "u1" {
				panic("hunter2")
			}
			return nil
		})
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		stop := run(t, r)
		time.Sleep(time.Minute)
		stop()
		if len(j.of("u1")) < 3 || len(j.of("u2")) != 1 || j.count("profile done") != 1 {
			t.Errorf("deliveries of the one that panics %d, of the other %v; want at least 3, and one", len(j.of("u1")), j.of("u2"))
		}
		list, err := s.Outbox(t.Context(), models.OutboxFilter{}, "", 10)
		if err != nil || len(list) != 1 || !strings.Contains(list[0].LastError, "not delivered: a mistake in imbridge") {
			t.Errorf("rows left = %+v, %v; want the one, with its reason", list, err)
		}
		if got := log.String(); !strings.Contains(got, "panic in a delivery") || !strings.Contains(got, "outbox_test.go") || strings.Contains(got, "hunter2") {
			t.Errorf("log = %s\nwant the panic with its stack, and not its words", got)
		}
	})
}

func TestDeliverByHand(t *testing.T) {
	j := newJournal()
	broken := errors.New("broken")
	r := j.runner(nil, "p1", func(context.Context, string, string) error { return broken })
	if err := r.Deliver(t.Context(), models.KindBan, "u1"); !errors.Is(err, broken) {
		t.Errorf("Deliver = %v, want the deliverer's %v", err, broken)
	}
	if err := r.Deliver(t.Context(), "moonwalk", "u1"); err == nil || !strings.Contains(err.Error(), "moonwalk") {
		t.Errorf("Deliver of an unknown kind = %v, want an error that names it", err)
	}
}

func TestNoGoroutineOutlivesRun(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := modelstest.OpenOn(t, "sqlite", func(o *models.Options) { o.Now = time.Now })
	j := newJournal()
	for i := range 30 {
		queue(t, s, models.KindBan, fmt.Sprint("u", i), 0)
	}
	done := make(chan struct{}, 30)
	stop := run(t, j.runner(s.Store, "p1", func(context.Context, string, string) error {
		done <- struct{}{}
		return nil
	}))
	for range 30 {
		<-done
	}
	stop()
	if err := goleak.Find(before, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"), goleak.IgnoreTopFunction("database/sql.(*DB).connectionCleaner"),
		goleak.IgnoreAnyFunction("database/sql.(*DB).startCleanerLocked")); err != nil {
		t.Errorf("after Run: %v", err)
	}
}
