package notice

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func raise(t *testing.T, s *modelstest.Store, kind string) {
	t.Helper()
	if err := s.RaiseNotice(context.Background(), models.NewNotice{Kind: kind, Subject: "outbox", Message: "it happened", Cure: "mend it"}); err != nil {
		t.Fatal(err)
	}
}

func only(t *testing.T, s *modelstest.Store) models.Notice {
	t.Helper()
	list, err := s.Notices(context.Background(), models.NoticeFilter{}, "", 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("notices = %+v, %v; want one", list, err)
	}
	return list[0]
}

// An announcement is tried eight times over a day under one id, and then left.
func TestEightTriesUnderOneID(t *testing.T) {
	var longest, total time.Duration
	const rounds = 40
	store := modelstest.Open(t)
	for round := range rounds {
		deaf := &fakeSender{name: "webhook", fail: -1}
		r := newRig(t, store, "p1", deaf)
		kind := fmt.Sprint("k", round)
		raise(t, store, kind)
		began := store.Clock.Now()
		var last time.Time
		for range 2 * tries {
			n := len(deaf.got)
			r.deliver(context.Background())
			if len(deaf.got) > n {
				last = store.Clock.Now()
			}
			list, err := store.Notices(context.Background(), models.NoticeFilter{}, "", 1)
			if err != nil || len(list) != 1 {
				t.Fatalf("notices = %v, %v; want the one", list, err)
			}
			if next := list[0].NextAt; !next.IsZero() {
				store.Clock.Advance(next.Sub(store.Clock.Now()))
			}
		}
		ids := deaf.ids()
		if len(ids) != tries || len(slices.Compact(ids)) != 1 {
			t.Fatalf("tries = %v, want eight under one id", deaf.ids())
		}
		store.Clock.Advance(100 * time.Hour)
		r.deliver(context.Background())
		if n := len(deaf.got); n != tries {
			t.Fatalf("tries a hundred hours later = %d, want eight and no more", n)
		}
		if !strings.Contains(r.log.String(), "notice given up") {
			t.Error("the log does not say that the notice was given up")
		}
		total += last.Sub(began)
		longest = max(longest, last.Sub(began))
	}
	if average := total / rounds; average < 16*time.Hour || average > 32*time.Hour || longest > 49*time.Hour {
		t.Errorf("eight tries took %s on average and %s at most; want about 24h, and at most 48h", average, longest)
	}
}

func TestRetryGoesOnlyToWhoHasNotHad(t *testing.T) {
	mail, hook := &fakeSender{name: "mail"}, &fakeSender{name: "webhook", fail: 2}
	r := newRig(t, modelstest.Open(t), "p1", hook, mail)
	raise(t, r.store, "buried")
	for range 48 {
		r.deliver(context.Background())
		r.store.Clock.Advance(time.Hour)
	}
	if len(hook.got) != 3 || len(mail.got) != 1 || len(slices.Compact(append(hook.ids(), mail.ids()...))) != 1 {
		t.Errorf("webhook tried as %v, mail as %v; want three and one, all of one id", hook.ids(), mail.ids())
	}
	n := only(t, r.store)
	if !slices.Equal(n.Delivered, []string{"mail", "webhook"}) || n.LastError != "" || !n.NextAt.IsZero() {
		t.Errorf("delivered = %v, error %q, next %v; want both and nothing due", n.Delivered, n.LastError, n.NextAt)
	}
}

// What was told again after a restart of the receiver carries another id, so
// that receivers do not take it for a repetition.
func TestNextAnnouncementHasAnotherID(t *testing.T) {
	hook := &fakeSender{name: "webhook"}
	r := newRig(t, modelstest.Open(t), "p1", hook)
	r.outbox.Buried = 1
	for range 13 * 6 { // 13 hours: at once, after 6 h, after 12 h
		r.tick()
		r.store.Clock.Advance(10*time.Minute - lookEvery)
	}
	ids := hook.ids()
	if slices.Sort(ids); len(ids) != 3 || len(slices.Compact(ids)) != 3 {
		t.Errorf("announcements in 13 hours = %v, want three ids", ids)
	}
	if m := hook.got[2]; m.Notice.Count < 70 || m.Notice.LastAt.Sub(m.Notice.FirstAt) < 12*time.Hour {
		t.Errorf("the third says seen %d times over %s, want all of it", m.Notice.Count, m.Notice.LastAt.Sub(m.Notice.FirstAt))
	}
}

func TestOfTwoProcessesOneDelivers(t *testing.T) {
	hook := &fakeSender{name: "webhook"}
	store := modelstest.Open(t)
	rigs := []*rig{newRig(t, store, "p1", hook), newRig(t, store.Again(t), "p2", hook)}
	for i := range 20 {
		raise(t, store, fmt.Sprint("k", i))
	}
	var wg sync.WaitGroup
	for _, r := range rigs {
		wg.Go(func() { r.deliver(context.Background()) })
	}
	wg.Wait()
	ids := hook.ids()
	if slices.Sort(ids); len(ids) != 20 || len(slices.Compact(slices.Clone(ids))) != 20 {
		t.Errorf("deliveries = %d, want each of 20 once: %v", len(ids), ids)
	}
}

// A dyingStore is that of a process that ends in the middle of a delivery.
type dyingStore struct{ *models.Store }

func (dyingStore) FinishNotice(context.Context, models.Notice, models.NoticeResult) error {
	return errDown
}

// A stoppingSender is told to stop while it sends, and has sent all the same.
type stoppingSender struct {
	*fakeSender
	stop func()
}

func (s stoppingSender) Send(ctx context.Context, m Message) error {
	s.stop()
	return s.fakeSender.Send(ctx, m)
}

// A process that is told to stop notes what it has sent, or the next one would
// send it again.
func TestStoppedProcessNotesWhatArrived(t *testing.T) {
	store := modelstest.Open(t)
	ctx, stop := context.WithCancel(context.Background())
	r := newRig(t, store, "p1", stoppingSender{&fakeSender{name: "webhook"}, stop})
	raise(t, store, "buried")
	raise(t, store, "credentials")
	r.deliver(ctx)
	list, err := store.Notices(context.Background(), models.NoticeFilter{}, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	arrived := 0
	for _, n := range list {
		arrived += len(n.Delivered)
	}
	if arrived != 1 {
		t.Errorf("noted as delivered = %d of two notices, want the one that was under way", arrived)
	}
}

func TestDeadProcessesNoticeIsDeliveredByAnother(t *testing.T) {
	store := modelstest.Open(t)
	dying := newRig(t, store, "p1", &fakeSender{name: "webhook"})
	dying.Store = dyingStore{store.Store}
	hook := &fakeSender{name: "webhook"}
	other := newRig(t, store.Again(t), "p2", hook)
	raise(t, store, "buried")
	dying.deliver(context.Background())
	other.deliver(context.Background())
	if len(hook.got) != 0 {
		t.Fatal("the other process delivers what is leased to the first")
	}
	store.Clock.Advance(lease)
	other.deliver(context.Background())
	if len(hook.got) != 1 {
		t.Errorf("deliveries after the lease = %d, want 1", len(hook.got))
	}
	if n := only(t, store); n.Attempts != 2 || !slices.Equal(n.Delivered, []string{"webhook"}) {
		t.Errorf("notice = %+v, want it delivered at the second attempt", n)
	}
}

// Without senders a notice is in the list and in the log, and nothing piles up
// for the day on which one is set up.
func TestWithoutSenders(t *testing.T) {
	r := newRig(t, modelstest.Open(t), "p1")
	raise(t, r.store, "buried")
	r.deliver(context.Background())
	if n := only(t, r.store); !n.NextAt.IsZero() || len(n.Delivered) != 0 {
		t.Errorf("notice = %+v, want nothing due", n)
	}
	for _, w := range []string{"it happened", "mend it", "buried"} {
		if !strings.Contains(r.log.String(), w) {
			t.Errorf("the log does not say %q:\n%s", w, r.log)
		}
	}
}

// Senders together stay below the lease, or another process would send too.
func TestLeaseOutlivesSenders(t *testing.T) {
	// Connecting a mail server is bounded apart from sending to it.
	if worst := 4 * sendTimeout; worst >= lease {
		t.Errorf("senders may take %s, the lease is %s", worst, lease)
	}
}

func TestMessageSaysAll(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	n := models.Notice{ID: "01", Kind: KindBuried, Subject: "outbox", Message: "3 rows buried.", Cure: "Retry them.", Count: 1, FirstAt: at, LastAt: at, Announcement: 2}
	m := messageOf(n, at.Add(time.Minute))
	for _, w := range []string{"3 rows buried.", "Since      2030-01-02 03:04:05 UTC", "seen once", "What to do\nRetry them.", "Notice 01"} {
		if !strings.Contains(m.text(), w) {
			t.Errorf("the mail does not say %q:\n%s", w, m.text())
		}
	}
	n.Count, n.ResolvedAt = 12, at.Add(time.Hour)
	if text := messageOf(n, at).text(); !strings.Contains(text, "seen 12 times") || !strings.Contains(text, "Over since 2030-01-02 04:04:05 UTC") {
		t.Errorf("the mail does not say that it is over:\n%s", text)
	}
	if m.ID != "msg_01_2" {
		t.Errorf("id = %s, want msg_01_2", m.ID)
	}
	seen := map[string]string{}
	for _, kind := range []string{KindBuried, KindOutboxStuck, KindBreakerOpen, KindRefusedSpike, KindCredentials, "test", "another"} {
		title := Title(kind)
		if other, twice := seen[title]; twice || title == "" {
			t.Errorf("title of %s = %q, that of %q too", kind, title, other)
		}
		seen[title] = kind
	}
}
