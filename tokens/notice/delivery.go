package notice

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"imbridge/models"
)

// A Sender is one way to reach an admin.
type Sender interface {
	// Name is a short word for ever, "webhook": it stands in rows.
	Name() string
	// Send delivers m once and keeps to ctx. It is repeated with the same m.ID
	// until it returns nil. Errors hold no secret and no address of a person.
	Send(ctx context.Context, m Message) error
}

const (
	// sendTimeout bounds one attempt of one Sender.
	sendTimeout = 10 * time.Second
	// lease is how long one process may be at one notice. It is more than all
	// senders may take, so that it needs no heartbeat; when a process dies, the
	// notice is due again after it.
	lease = time.Minute
	// finishTimeout bounds the note of what came of it.
	finishTimeout = 3 * time.Second
	// atOnce bounds the deliveries after one look.
	atOnce = 20
	// tries is how often one announcement is attempted.
	tries = 8
)

// backoff are the longest waits after each attempt but the last. The actual one
// is anything from nothing to that (full jitter), so that the eight attempts
// stretch over 24 hours on average and over 48 at most.
var backoff = [tries - 1]time.Duration{10 * time.Second, 10 * time.Minute, time.Hour, 4 * time.Hour, 10 * time.Hour, 16 * time.Hour, 17 * time.Hour}

// deliver sends what is due. Whatever goes wrong is tried again later.
func (w *Watcher) deliver(ctx context.Context) {
	for range atOnce {
		n, ok, err := w.Store.ClaimNotice(ctx, w.Process, lease)
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "delivery put off", "err", err)
		}
		if err != nil || !ok {
			return
		}
		if n.Attempts == 1 {
			w.Log.WarnContext(ctx, "notice", "notice_id", n.ID, "kind", n.Kind, "subject", n.Subject, "message", n.Message, "cure", n.Cure)
		}
		r := w.send(ctx, n)
		if err := w.finish(ctx, n, r); err != nil {
			// ErrStale: another process took over, or an admin was faster.
			w.Log.WarnContext(ctx, "delivery not noted", "notice_id", n.ID, "err", err)
		}
	}
}

// finish notes what came of it though ctx may have ended meanwhile: what has
// arrived must not be sent again by the next process.
func (w *Watcher) finish(ctx context.Context, n models.Notice, r models.NoticeResult) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	return w.Store.FinishNotice(ctx, n, r)
}

// send tries every Sender that has not delivered this announcement yet.
func (w *Watcher) send(ctx context.Context, n models.Notice) models.NoticeResult {
	r := models.NoticeResult{Delivered: slices.Clone(n.Delivered)}
	m := messageOf(n, w.Now())
	var failed []string
	for _, s := range w.Senders {
		if slices.Contains(r.Delivered, s.Name()) {
			continue
		}
		if err := trySend(ctx, s, m); err != nil {
			failed = append(failed, s.Name()+": "+err.Error())
			continue
		}
		r.Delivered = append(r.Delivered, s.Name())
	}
	if len(failed) == 0 {
		return r
	}
	r.Failed = strings.Join(failed, "; ")
	if n.Attempts >= tries {
		w.Log.ErrorContext(ctx, "notice given up", "notice_id", n.ID, "kind", n.Kind, "attempts", n.Attempts, "err", r.Failed)
		return r
	}
	wait := rand.N(backoff[n.Attempts-1]) + 1
	r.Next = w.Now().Add(wait)
	w.Log.WarnContext(ctx, "notice not delivered", "notice_id", n.ID, "kind", n.Kind, "attempts", n.Attempts, "again_in", wait.Round(time.Second), "err", r.Failed)
	return r
}

func trySend(ctx context.Context, s Sender, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := s.Send(ctx, m)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("no answer within " + sendTimeout.String())
	}
	return err
}
