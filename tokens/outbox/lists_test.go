package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// A house is processes on one database, each with lists and a runner.
type house struct {
	t    *testing.T
	s    *modelstest.Store
	c    *doorman
	j    *journal
	next int
}

// open starts a process that wants lists or not; it ends with stop.
func (h *house) open(c im.Cloud, wanted bool) (stop func()) {
	h.t.Helper()
	h.next++
	store := h.s.Again(h.t)
	r := h.j.runner(store.Store, fmt.Sprint("p", h.next), nothing)
	r.Kinds = (&outbox.Delivery{Store: store.Store, Cloud: c, Rate: 100, Now: time.Now}).Kinds()
	l := &outbox.Lists{Store: store.Store, Cloud: c, Wanted: wanted, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	stopRunner := run(h.t, r)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Errorf("Run = %v, want nil", err)
		}
		stopRunner()
	})
	h.t.Cleanup(stop)
	return stop
}

// after lets time pass and compares the mode, and for how many a list is looked at.
func (h *house) after(d time.Duration, what, mode string, on int) {
	h.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	got, err := h.s.AllowLists(h.t.Context())
	if err != nil || got.Mode != mode {
		h.t.Errorf("%s: mode = %q, %v; want %q", what, got.Mode, err, mode)
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	n := 0
	for _, is := range h.c.on {
		if is {
			n++
		}
	}
	if n != on {
		h.t.Errorf("%s: %d lists are looked at, want %d", what, n, on)
	}
}

func newHouse(t *testing.T, people int) (*house, []string) {
	h := &house{t: t, s: open(t), c: newDoorman(), j: newJournal()}
	ids := h.s.BulkTokens(t, people, func(int) modelstest.BulkToken { return modelstest.BulkToken{IssuedAt: time.Now()} })
	h.s.Exec(t, "UPDATE im_tokens SET cloud_app = ?", im.App(h.c))
	return h, ids
}

// TestListsFollowTheSetting through a life of starts, with several processes that
// do the work of one.
func TestListsFollowTheSetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 250 // two pages
		h, ids := newHouse(t, people)
		befriend(t, h.s.Store, ids[0], ids[1])
		stop := h.open(h.c, false)
		h.after(time.Minute, "never wanted", "", 0)
		if calls := h.c.made(); len(calls) != 0 {
			t.Errorf("calls where lists were never wanted = %v, want none", calls)
		}
		stop()

		// Half of 100 calls a second, of each process.
		first, second := h.open(h.c, true), h.open(h.c, true)
		h.after(40*time.Second, "wanted by two", models.AllowListsOn, people)
		if !h.c.hears(ids[0], ids[1]) || h.c.hears(ids[2], ids[0]) {
			t.Error("friends are not heard, or strangers are; want friends alone")
		}
		if n := len(h.c.made()); n != 2+2+2*people {
			t.Errorf("%d calls, want a question of each process, one for each of two friends, and two for each person: %d", n, 2+2+2*people)
		}
		first()
		second()
		h.open(h.c, true)()
		h.after(time.Minute, "wanted still", models.AllowListsOn, people)
		stop = h.open(h.c, true)
		h.after(time.Minute, "wanted still", models.AllowListsOn, people)
		if n := len(h.c.made()); n > 2 {
			t.Errorf("%d calls of two starts that change nothing, want 2 questions at most", n)
		}

		// A start with another setting counts, whatever the others were started with.
		last := h.open(h.c, false)
		h.after(30*time.Second, "not wanted by the newest", models.AllowListsOff, 0)
		befriend(t, h.s.Store, ids[3], ids[4])
		h.after(6*time.Minute, "not wanted by the newest", models.AllowListsOff, 0)
		stop()
		last()
	})
}

// TestARoundOutlivesItsProcess: what another begins with is the rest of it.
func TestARoundOutlivesItsProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 350
		h, _ := newHouse(t, people)
		stop := h.open(h.c, true)
		time.Sleep(5 * time.Second)
		stop()
		half := len(h.c.made())
		h.open(h.c, true)
		h.after(time.Minute, "a second process", models.AllowListsOn, people)
		if rest := len(h.c.made()); half < 100 || half+rest > 2*people+2+20 {
			t.Errorf("%d calls of the first process and %d of the second, want together two for each of %d people, and little more", half, rest, people)
		}
	})
}

// TestARoundLeavesRoom: it neither makes more calls than its share nor fills the
// queue.
func TestARoundLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHouse(t, 600)
		h.open(h.c, true)
		time.Sleep(2 * time.Second)
		for range 5 {
			h.c.made()
			time.Sleep(2 * time.Second)
			if n := len(h.c.made()); n > 110 {
				t.Errorf("%d calls in 2 s, want about 100: half of what this process may", n)
			}
			if n := rows(t, h.s); n > 400 {
				t.Errorf("%d rows wait, want 400 at most", n)
			}
		}
	})
}

// TestListsThatComeAndGo: a cloud that does not answer at the start, one that has
// no lists yet, and one that has them no more.
func TestListsThatComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ids := newHouse(t, 10)
		h.c.away = true
		h.open(h.c, true)
		h.after(time.Minute, "no answer", "", 0)
		must(t, h.s.BlockUser(t.Context(), ids[0], ids[1], models.Origin{}))
		h.after(time.Minute, "no answer", "", 0)
		if n := rows(t, h.s); n != 0 {
			t.Errorf("rows that wait before anything is decided = %d, want none", n)
		}
		h.c.mu.Lock()
		h.c.away, h.c.none = false, true
		h.c.mu.Unlock()
		h.after(10*time.Second, "no lists", models.AllowListsNone, 0)
		h.c.mu.Lock()
		h.c.none = false
		h.c.mu.Unlock()
		h.after(10*time.Minute, "lists that were bought", models.AllowListsOn, 10)
		h.c.mu.Lock()
		h.c.none = true
		h.c.mu.Unlock()
		befriend(t, h.s.Store, ids[2], ids[3])
		h.after(time.Minute, "lists that are gone", models.AllowListsNone, 10)
		h.c.mu.Lock()
		h.c.none = false
		h.c.mu.Unlock()
		h.after(10*time.Minute, "lists that are back", models.AllowListsOn, 10)
		if !h.c.hears(ids[2], ids[3]) || h.c.hears(ids[0], ids[1]) {
			t.Error("who became friends without lists is not heard, want them to be")
		}
	})
}

// TestListsStayBehindWithTheirCloud: at another one nobody is asked, and back at the
// first everybody's list is made anew.
func TestListsStayBehindWithTheirCloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ids := newHouse(t, 10)
		stop := h.open(h.c, true)
		h.after(10*time.Second, "the first cloud", models.AllowListsOn, 10)
		stop()
		stop = h.open(elsewhere{newCrowd()}, true)
		h.after(10*time.Second, "another cloud", models.AllowListsNone, 10)
		befriend(t, h.s.Store, ids[0], ids[1])
		h.after(10*time.Second, "another cloud", models.AllowListsNone, 10)
		stop()
		h.open(h.c, true)
		h.after(10*time.Second, "the first cloud again", models.AllowListsOn, 10)
		if !h.c.hears(ids[0], ids[1]) {
			t.Error("who became friends meanwhile is not heard, want them to be")
		}
	})
}

// elsewhere is another app, which keeps friends.
type elsewhere struct{ *crowd }

func (elsewhere) AppKey() string { return "another" }
