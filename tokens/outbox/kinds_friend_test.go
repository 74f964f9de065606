package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// TestFriendsReachTheCloud walks through the life of a friendship; each delivery
// is made twice, which changes nothing.
func TestFriendsReachTheCloud(t *testing.T) {
	s, c := modelstest.Open(t), newCrowd()
	ctx, o := t.Context(), models.Origin{}
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1, Now: s.Now}
	a, b := known(t, s).ID, known(t, s).ID
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name    string
		change  func()
		calls   []string
		friends bool
		ab, ba  string
		blocked bool
	}{
		{"a new friendship", func() { befriend(t, s.Store, a, b) }, []string{"befriend"}, true, "", "", false},
		{"a remark", func() { must(s.SetRemark(ctx, a, b, "Bee", o)) }, []string{"befriend", "remark"}, true, "Bee", "", false},
		{"the other's", func() { must(s.SetRemark(ctx, b, a, "Ay", o)) }, []string{"befriend", "remark", "remark"}, true, "Bee", "Ay", false},
		{"no remark", func() { must(s.SetRemark(ctx, a, b, "", o)) }, []string{"befriend", "remark", "remark"}, true, "", "Ay", false},
		{"a block", func() { must(s.BlockUser(ctx, b, a, o)) }, []string{"block"}, true, "", "Ay", true},
		{"the end and a new beginning at once", func() {
			must(s.RemoveFriend(ctx, a, b, o))
			must(s.UnblockUser(ctx, b, a, o))
			befriend(t, s.Store, a, b)
		},
			[]string{"befriend", "remark", "remark", "unblock"}, true, "", "", false},
		{"the end", func() { must(s.RemoveFriend(ctx, b, a, o)) }, []string{"unfriend"}, false, "", "", false},
		{"a beginning and the end at once", func() { befriend(t, s.Store, b, a); must(s.RemoveFriend(ctx, b, a, o)) }, []string{"unfriend"}, false, "", "", false},
		{"a new beginning", func() { befriend(t, s.Store, b, a) }, []string{"befriend"}, true, "", "", false},
	} {
		s.Clock.Advance(time.Millisecond)
		step.change()
		deliverAll(t, s, d)
		calls := c.made()
		slices.Sort(calls)
		if want := slices.Sorted(slices.Values(step.calls)); !slices.Equal(calls, want) {
			t.Errorf("calls for %s = %v, want %v", step.name, calls, want)
		}
		kinds := d.Kinds()
		must(kinds[models.KindFriend](ctx, min(a, b)+":"+max(a, b)))
		must(kinds[models.KindBlock](ctx, b+":"+a))
		c.made()
		got := fmt.Sprint(c.friends[[2]string{a, b}], c.friends[[2]string{b, a}], c.remarks[[2]string{a, b}], c.remarks[[2]string{b, a}], c.blocks[[2]string{b, a}])
		want := fmt.Sprint(step.friends, step.friends, step.ab, step.ba, step.blocked)
		if got != want {
			t.Errorf("the cloud after %s = %s, want %s", step.name, got, want)
		}
	}
}

// TestWhatConcernsNobodyAtTheCloudIsNotSent: late rows of the deleted, of those
// whom the cloud does not know yet, and rows that make no sense.
func TestWhatConcernsNobodyAtTheCloudIsNotSent(t *testing.T) {
	s, c := modelstest.Open(t), newCrowd()
	d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1, Now: s.Now}
	ready, pending, gone := known(t, s).ID, s.AddUser(t).ID, known(t, s).ID
	befriend(t, s.Store, ready, pending)
	befriend(t, s.Store, ready, gone)
	if err := s.BlockUser(t.Context(), pending, ready, models.Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteUser(t.Context(), gone, "admin:a", models.Origin{}); err != nil {
		t.Fatal(err)
	}
	kinds := d.Kinds()
	for _, kind := range []string{models.KindFriend, models.KindBlock} {
		for _, subject := range []string{ready + ":" + pending, pending + ":" + ready, ready + ":" + gone, gone + ":" + ready, ready, "", ":", ready + ":", "01never:" + ready} {
			if err := kinds[kind](t.Context(), subject); err != nil {
				t.Errorf("%s of %q = %v, want nil", kind, subject, err)
			}
		}
	}
	if calls := c.made(); len(calls) != 0 {
		t.Errorf("calls = %v, want none", calls)
	}
	// With their first token the cloud knows them, and hears of it all.
	deliver := func() {
		s.Exec(t, "DELETE FROM outbox WHERE kind NOT IN ('friend', 'block', 'relations')")
		deliverAll(t, s, d)
	}
	deliver()
	if calls := c.made(); len(calls) != 0 {
		t.Errorf("calls before the first token = %v, want none", calls)
	}
	swap(t, s, im.App(c), claim(t, s, im.App(c), pending))
	deliver()
	calls := c.made()
	slices.Sort(calls)
	if !slices.Equal(calls, []string{"befriend", "block"}) || !c.friends[[2]string{pending, ready}] || !c.blocks[[2]string{pending, ready}] {
		t.Errorf("calls after the first token = %v, friends %v, blocks %v; want both told", calls, c.friends, c.blocks)
	}
}

// TestCloudsWithoutRoles are told nothing, and rows of theirs do not stay.
func TestCloudsWithoutRoles(t *testing.T) {
	s := modelstest.Open(t)
	a, b := known(t, s).ID, known(t, s).ID
	befriend(t, s.Store, a, b)
	if err := s.BlockUser(t.Context(), a, b, models.Origin{}); err != nil {
		t.Fatal(err)
	}
	keeper := newDoorman()
	for _, c := range []im.Cloud{bare{}, keeper} {
		d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1, Now: s.Now}
		deliverAll(t, s, d)
		if n := rows(t, s); n != 0 {
			t.Errorf("rows left with %T = %d, want none", c, n)
		}
		for range 2 {
			if err := d.Kinds()[models.KindFriend](t.Context(), a+":"+b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(keeper.lists) != 0 || len(keeper.on) != 0 {
		t.Errorf("allowed without the setting = %v, looked at %v; want nobody", keeper.lists, keeper.on)
	}
}

// TestAPlanWithFewerFriends: the cloud's refusal is buried with its reason, and
// the friendship stays ours.
func TestAPlanWithFewerFriends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j, c := open(t), newJournal(), newCrowd()
		a, b := known(t, s).ID, known(t, s).ID
		c.before = func(context.Context, string) error {
			return &im.Error{Kind: im.Quota, Op: "/contacts", HTTPStatus: 403, Message: "user contact number exceed limit"}
		}
		d := &outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1, Now: time.Now}
		r := j.runner(s.Store, "p1", nothing)
		r.Kinds = d.Kinds()
		run(t, r)
		befriend(t, s.Store, a, b)
		synctest.Wait()
		buried := true
		list, err := s.Outbox(t.Context(), models.OutboxFilter{Buried: &buried, Kind: models.KindFriend}, "", 10)
		if err != nil || len(list) != 1 || !strings.Contains(list[0].LastError, "limit of the cloud's plan") {
			t.Errorf("buried = %+v, %v; want one that names the plan's limit", list, err)
		}
		if friends, err := s.Friends(t.Context(), a, "", 10); err != nil || len(friends) != 1 {
			t.Errorf("friends here = %v, %v; want the one", friends, err)
		}
	})
}

// TestACallThatArrivesLateIsOvertaken: the beginning of a friendship arrives after
// its end, of which a refusal in between must not make anybody forget.
func TestACallThatArrivesLateIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, j, c := open(t), newJournal(), newCrowd()
		a, b := known(t, s).ID, known(t, s).ID
		calls := 0
		c.late = func(string) time.Duration {
			if calls++; calls == 1 {
				return 20 * time.Second
			}
			return 0
		}
		c.before = func(_ context.Context, op string) error {
			if calls == 1 {
				calls++
				return &im.Error{Kind: im.Throttled, Op: op}
			}
			return nil
		}
		r := j.runner(s.Store, "p1", nothing)
		r.Kinds = (&outbox.Delivery{Store: s.Store, Cloud: c, Rate: 1, Now: time.Now}).Kinds()
		run(t, r)
		befriend(t, s.Store, a, b)
		time.Sleep(100 * time.Millisecond)
		if err := s.RemoveFriend(t.Context(), a, b, models.Origin{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		if made := c.made(); !slices.Equal(made, []string{"unfriend"}) || rows(t, s) != 1 {
			t.Errorf("calls until then = %v, rows left %d; want the end told, and its row kept", made, rows(t, s))
		}
		time.Sleep(time.Minute)
		if n := rows(t, s); len(c.friends) != 0 || n != 0 {
			t.Errorf("friends at the cloud = %v, rows left %d; want none: the end came last here", c.friends, n)
		}
	})
}

// TestAStormOnOnePairEndsInTheTruth: twenty processes add and remove the same
// friendship and block, each with a runner of its own, at a cloud that answers
// late, loses answers, refuses, and hears calls after their callers have gone.
func TestAStormOnOnePairEndsInTheTruth(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		seeds, processes := uint64(3), 20
		if engine != "sqlite" {
			seeds, processes = 1, 4 // its answers take real time, each second of the bubble many
		}
		for seed := range seeds {
			t.Run(fmt.Sprint(engine, ", seed ", seed), func(t *testing.T) { storm(t, engine, seed, processes) })
		}
	}
}

func storm(t *testing.T, engine string, seed uint64, processes int) {
	synctest.Test(t, func(t *testing.T) {
		dice := rand.New(rand.NewPCG(seed, 1))
		var mu sync.Mutex
		draw := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return dice.IntN(n)
		}
		few := func(o *models.Options) { o.Now, o.MaxOpen = time.Now, 4 }
		s, j, c := modelstest.OpenOn(t, engine, few), newJournal(), newCrowd()
		a, b := known(t, s).ID, known(t, s).ID
		var calm atomic.Bool // when the storm has been over for a while
		fails := func(one int) bool { return !calm.Load() && draw(one) == 0 }
		c.before = func(ctx context.Context, op string) error {
			if err := pass(ctx, time.Duration(draw(1500))*time.Millisecond); err != nil {
				return &im.Error{Kind: im.Unknown, Op: op, Err: err}
			}
			if fails(5) {
				return &im.Error{Kind: im.Throttled, Op: op, RetryAfter: time.Second}
			}
			return nil
		}
		c.after = func(ctx context.Context, op string) error {
			if err := pass(ctx, time.Duration(draw(1500))*time.Millisecond); err != nil || fails(5) {
				return &im.Error{Kind: im.Unknown, Op: op, Err: err}
			}
			return nil
		}
		c.late = func(string) time.Duration {
			if !fails(8) {
				return 0
			}
			return time.Duration(1+draw(20_000)) * time.Millisecond
		}
		var storm sync.WaitGroup
		for p := range processes {
			store := s.Again(t)
			r := j.runner(store.Store, fmt.Sprint("p", p), nothing)
			r.Kinds = (&outbox.Delivery{Store: store.Store, Cloud: c, Rate: 1, Now: time.Now}).Kinds()
			run(t, r)
			storm.Go(func() {
				ctx, o := t.Context(), models.Origin{}
				for range 8 {
					me, other := a, b
					if draw(2) == 0 {
						me, other = b, a
					}
					var err error
					switch draw(9) {
					case 0, 1, 2, 3:
						if _, err = store.RequestFriend(ctx, me, other, "", o); err == nil {
							_, err = store.RequestFriend(ctx, other, me, "", o)
						}
					case 4, 5:
						err = store.RemoveFriend(ctx, me, other, o)
					case 6, 7:
						_ = store.SetRemark(ctx, me, other, fmt.Sprint("remark ", draw(100)), o) // no friends, perhaps
					default:
						if err = store.BlockUser(ctx, me, other, o); draw(12) > 0 && err == nil {
							err = store.UnblockUser(ctx, me, other, o)
						}
					}
					var often *models.AskedTooOftenError
					if err != nil && !errors.Is(err, models.ErrBlocking) && !errors.As(err, &often) {
						t.Errorf("change: %v", err)
					}
					time.Sleep(time.Duration(draw(2000)) * time.Millisecond)
				}
			})
		}
		storm.Wait()
		if seed == 0 { // the storm itself ends as it happens to
			for _, ids := range [][2]string{{a, b}, {b, a}} {
				if err := s.UnblockUser(t.Context(), ids[0], ids[1], models.Origin{}); err != nil {
					t.Fatal(err)
				}
			}
			s.Exec(t, "DELETE FROM friend_requests") // those in vain have a limit
			befriend(t, s.Store, a, b)
			if err := s.SetRemark(t.Context(), a, b, "at last", models.Origin{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		calm.Store(true)
		for end := time.Now().Add(20 * time.Minute); rows(t, s) > 0 && time.Now().Before(end); {
			time.Sleep(5 * time.Second)
		}
		if n := rows(t, s); n != 0 {
			t.Fatalf("rows left = %d, want none: %v", n, j.seen)
		}
		c.flying.Wait()
		f, err := s.FriendshipOf(t.Context(), min(a, b)+":"+max(a, b))
		if err != nil {
			t.Fatal(err)
		}
		ab, ba := [2]string{f.A.ID, f.B.ID}, [2]string{f.B.ID, f.A.ID}
		blocks := [2]bool{}
		for i, ids := range [][2]string{ab, ba} {
			truth, err := s.BlockingOf(t.Context(), ids[0]+":"+ids[1])
			if err != nil {
				t.Fatal(err)
			}
			blocks[i] = truth.Blocked
		}
		got := fmt.Sprint(c.friends[ab], c.friends[ba], c.remarks[ab], "/", c.remarks[ba], c.blocks[ab], c.blocks[ba])
		want := fmt.Sprint(f.Friends, f.Friends, f.RemarkA, "/", f.RemarkB, blocks[0], blocks[1])
		if got != want {
			t.Errorf("the cloud at rest = %s, want what is true here: %s", got, want)
		}
		t.Logf("%d calls for %d changes; %s", len(c.calls), 8*processes, got)
	})
}
