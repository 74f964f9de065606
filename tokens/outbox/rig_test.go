package outbox_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/outbox"
)

// open is a store in a bubble, whose clock is everybody's.
func open(t testing.TB) *modelstest.Store {
	t.Helper()
	return modelstest.OpenOn(t, "sqlite", func(o *models.Options) { o.Now = time.Now })
}

// A journal is what deliverers and Observe were called with.
type journal struct {
	mu    sync.Mutex
	start time.Time
	calls []entry
	seen  map[string]int // "kind outcome"
}

type entry struct {
	process, kind, subject string
	at                     time.Duration // since the journal began
}

func newJournal() *journal { return &journal{start: time.Now(), seen: map[string]int{}} }

func (j *journal) note(process, kind, subject string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, entry{process, kind, subject, time.Since(j.start)})
}

func (j *journal) observe(kind, outcome string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[kind+" "+outcome]++
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen[what]
}

// of are the calls for one subject; "" for all.
func (j *journal) of(subject string) []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []entry
	for _, e := range j.calls {
		if subject == "" || e.subject == subject {
			list = append(list, e)
		}
	}
	return list
}

// runner delivers every kind by deliver, and notes each call.
func (j *journal) runner(s *models.Store, process string, deliver func(ctx context.Context, kind, subject string) error) *outbox.Runner {
	kinds := map[string]outbox.Deliverer{}
	for _, kind := range []string{models.KindProvision, models.KindProfile, models.KindRevoke, models.KindBan, models.KindRemove} {
		kinds[kind] = func(ctx context.Context, subject string) error {
			j.note(process, kind, subject)
			return deliver(ctx, kind, subject)
		}
	}
	return &outbox.Runner{Store: s, Kinds: kinds, Process: process, Now: time.Now, Log: slog.New(slog.DiscardHandler), Observe: j.observe}
}

// run runs r until stop, which returns when Run has, or for the rest of the test.
func run(t testing.TB, r *outbox.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// queue puts a row into the outbox that has been due for age.
func queue(t testing.TB, s *modelstest.Store, kind, subject string, age time.Duration) {
	t.Helper()
	at := time.Now().Add(-age).UnixMicro()
	s.Exec(t, "INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at) VALUES (?, ?, ?, ?, ?, ?)", kind+"/"+subject, kind, subject, at, at, at)
}

func rows(t testing.TB, s *modelstest.Store) int64 {
	t.Helper()
	return s.Count(t, "SELECT COUNT(*) FROM outbox")
}

func nothing(context.Context, string, string) error { return nil }
