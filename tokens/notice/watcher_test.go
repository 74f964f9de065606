package notice

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
)

func TestEachConditionIsRaisedAndResolved(t *testing.T) {
	for _, c := range []struct {
		name, want string
		bad, good  func(*rig)
		words      []string // in message and cure
	}{
		{"buried", "buried/outbox", func(r *rig) { r.outbox.Buried = 3 }, func(r *rig) { r.outbox.Buried = 0 },
			[]string{"3 rows buried", "imbridge admin queue list"}},
		{"stuck", "outbox_stuck/outbox", func(r *rig) { r.outbox = OutboxState{Waiting: 7, Oldest: 11 * time.Minute} }, func(r *rig) { r.outbox.Oldest = 10 * time.Minute },
			[]string{"7 rows", "11m0s", "imbridge doctor"}},
		{"breaker", "breaker_open/rongcloud", func(r *rig) { r.breaker = "open" }, func(r *rig) { r.breaker = "closed" },
			[]string{"held back", "imbridge doctor"}[1:]},
		{"credentials", "credentials/rongcloud", func(r *rig) { r.denied, r.accepted = 1, unauthorized }, func(r *rig) { r.accepted = nil },
			[]string{"app key and app secret", "console"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, modelstest.Open(t), "p1")
			r.tick()
			r.wantOpen(t, "while all is well", "")
			c.bad(r)
			r.tick()
			r.wantOpen(t, "when it goes wrong", c.want)
			list, _ := r.store.Notices(context.Background(), models.NoticeFilter{}, "", 1)
			for _, w := range c.words {
				if text := list[0].Message + list[0].Cure; !strings.Contains(text, w) {
					t.Errorf("%q does not say %q", text, w)
				}
			}
			for range 20 {
				r.tick()
			}
			r.wantOpen(t, "while it stays wrong", c.want)
			c.good(r)
			for range 9 {
				r.tick()
			}
			r.wantOpen(t, "4.5 minutes after it went well", c.want)
			r.tick()
			r.wantOpen(t, "5 minutes after it went well", "")
			list, _ = r.store.Notices(context.Background(), models.NoticeFilter{}, "", 10)
			if len(list) != 1 || list[0].Count != 21 || list[0].ResolvedBy != "system" {
				t.Errorf("notices = %+v, want one, seen 21 times, resolved by the system", list)
			}
		})
	}
}

func TestRefusedSpike(t *testing.T) {
	r := newRig(t, modelstest.Open(t), "p1")
	r.refused = 1_000_000 // since long before the first look
	r.tick()
	r.wantOpen(t, "after a long life", "")
	for range 40 { // 50 within any five minutes
		r.refused += 5
		r.tick()
	}
	r.wantOpen(t, "at 50 in 5 minutes", "")
	r.refused += 6
	r.tick()
	r.wantOpen(t, "at 51 in 5 minutes", "refused_spike/rongcloud")
	list, _ := r.store.Notices(context.Background(), models.NoticeFilter{}, "", 1)
	for _, w := range []string{"51 new tokens", "5m0s", "console", "another app key"} {
		if text := list[0].Message + list[0].Cure; !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
	for range 21 {
		r.tick()
	}
	r.wantOpen(t, "ten minutes later", "")
}

func TestCredentialsAreCheckedOnlyWhenRefused(t *testing.T) {
	r := newRig(t, modelstest.Open(t), "p1")
	for range 5 {
		r.tick()
	}
	if r.checks != 0 {
		t.Errorf("checks while no call was refused = %d, want none", r.checks)
	}
	r.denied = 1 // one call, of something that our plan does not have
	r.tick()
	r.tick()
	if r.wantOpen(t, "after one refused call", ""); r.checks != 1 {
		t.Errorf("checks after one refused call = %d, want 1", r.checks)
	}
	r.denied, r.accepted = 2, &im.Error{Kind: im.Unavailable}
	r.tick()
	r.wantOpen(t, "when the check cannot tell", "")
	r.accepted = unauthorized
	r.tick()
	r.wantOpen(t, "when the check is refused too", "credentials/rongcloud")
	// Nobody can tell: neither worse nor better.
	r.accepted = &im.Error{Kind: im.Unavailable}
	for range 30 {
		r.tick()
	}
	r.wantOpen(t, "while nobody can tell", "credentials/rongcloud")
}

func TestWhatNobodyCanTellChangesNothing(t *testing.T) {
	r := newRig(t, modelstest.Open(t), "p1")
	r.outbox.Buried, r.breaker = 1, "open"
	r.tick()
	r.outbox, r.breaker, r.down = OutboxState{}, "half-open", true
	for range 30 {
		r.tick()
	}
	r.wantOpen(t, "while nobody can tell", "buried/outbox breaker_open/rongcloud")
	if !strings.Contains(r.log.String(), errDown.Error()) {
		t.Error("the log does not say that the outbox cannot be read")
	}
}

// Two processes see two breakers. The one whose breaker is closed must not take
// back what the other says, or each turn would be told anew.
func TestTwoProcessesThatDisagreeAreOneNotice(t *testing.T) {
	hears := &fakeSender{name: "webhook"}
	store := modelstest.Open(t)
	a, b := newRig(t, store, "p1", hears), newRig(t, store.Again(t), "p2", hears)
	a.breaker = "open"
	for range 60 {
		a.tick()
		b.tick()
	}
	a.wantOpen(t, "while one of two is open", "breaker_open/rongcloud")
	if ids := hears.ids(); len(ids) != 1 {
		t.Errorf("told %d times (%v), want once", len(ids), ids)
	}
}

// A breaker that flaps every minute for hours is told once in each quiet period.
func TestWhatComesAndGoesIsToldOnce(t *testing.T) {
	hears := &fakeSender{name: "webhook"}
	r := newRig(t, modelstest.Open(t), "p1", hears)
	r.Quiet = time.Hour
	for i := range 120 { // an hour
		r.breaker = []string{"open", "closed"}[i%2]
		r.tick()
	}
	if ids := hears.ids(); len(ids) != 1 {
		t.Errorf("told %d times in an hour, want once", len(ids))
	}
	for i := range 4 {
		r.breaker = []string{"open", "closed"}[i%2]
		r.tick()
	}
	ids := hears.ids()
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("told as %v after the quiet period, want a second time under another id", ids)
	}
}

// A deadStore is a database that does not answer.
type deadStore struct{ claims int }

func (d *deadStore) RaiseNotice(context.Context, models.NewNotice) error { return errDown }
func (d *deadStore) ResolveNotice(context.Context, string, string, time.Duration) (bool, error) {
	return false, errDown
}
func (d *deadStore) ClaimNotice(context.Context, string, time.Duration) (models.Notice, bool, error) {
	d.claims++
	return models.Notice{}, false, errDown
}
func (d *deadStore) FinishNotice(context.Context, models.Notice, models.NoticeResult) error {
	return errDown
}

func TestRunLooksEveryHalfMinuteAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &deadStore{}
		log := &logBuffer{}
		looks := 0
		w := &Watcher{Store: store, Now: time.Now, Log: log.logger(), OutboxAge: time.Minute,
			Outbox: func(context.Context) (OutboxState, error) { looks++; return OutboxState{Buried: 1}, nil }}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if looks != 20 || store.claims != 20 {
			t.Errorf("looks = %d, claims = %d in ten minutes without a database; want 20 each", looks, store.claims)
		}
		if !strings.Contains(log.String(), errDown.Error()) {
			t.Error("the log does not say why nothing is noted")
		}
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want it to end", err)
		}
	})
}
