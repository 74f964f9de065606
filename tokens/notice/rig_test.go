package notice

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
)

// planted stands in every secret of these tests. It must come out nowhere.
const planted = "Pl4nted"

var errDown = errors.New("database is down")

// A logBuffer keeps what was logged, and can be searched.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// A fakeSender fails as often as it is told, and keeps what it was given.
type fakeSender struct {
	name string
	mu   sync.Mutex
	fail int // so many more times; negative: for ever
	got  []Message
}

func (f *fakeSender) Name() string { return f.name }

func (f *fakeSender) Send(_ context.Context, m Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, m)
	if f.fail != 0 {
		f.fail--
		return errors.New("answered http 503")
	}
	return nil
}

func (f *fakeSender) ids() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, m := range f.got {
		ids = append(ids, m.ID)
	}
	return ids
}

// A rig is one process that watches, and what it looks at.
type rig struct {
	*Watcher
	store    *modelstest.Store
	log      *logBuffer
	outbox   OutboxState
	down     bool // the outbox cannot be read
	breaker  string
	refused  int64
	denied   int64 // calls that ended Unauthorized
	checks   int
	accepted error // what a check says
}

func newRig(t *testing.T, store *modelstest.Store, process string, senders ...Sender) *rig {
	t.Helper()
	r := &rig{store: store, log: &logBuffer{}, breaker: "closed"}
	r.Watcher = &Watcher{Store: store.Store, Cloud: "rongcloud", OutboxAge: 10 * time.Minute, Senders: senders, Process: process,
		Outbox: func(context.Context) (OutboxState, error) {
			if r.down {
				return OutboxState{}, errDown
			}
			return r.outbox, nil
		},
		Breaker: func() string { return r.breaker }, Refused: func() int64 { return r.refused },
		Unauthorized: func() int64 { return r.denied }, Checker: r,
		Now: store.Clock.Now, Log: r.log.logger()}
	t.Cleanup(func() {
		if strings.Contains(r.log.String(), planted) {
			t.Errorf("the log holds a secret:\n%s", r.log)
		}
	})
	return r
}

// Check is the cloud's word on our credentials.
func (r *rig) Check(context.Context) error {
	r.checks++
	return r.accepted
}

// tick is one turn of the loop, 30 seconds after the last.
func (r *rig) tick() {
	r.store.Clock.Advance(lookEvery)
	r.look(context.Background())
	r.deliver(context.Background())
}

// open are the kinds of the open notices.
func (r *rig) open(t *testing.T) string {
	t.Helper()
	yes := true
	list, err := r.store.Notices(context.Background(), models.NoticeFilter{Open: &yes}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for i := len(list) - 1; i >= 0; i-- {
		kinds = append(kinds, list[i].Kind+"/"+list[i].Subject)
	}
	return strings.Join(kinds, " ")
}

func (r *rig) wantOpen(t *testing.T, what, want string) {
	t.Helper()
	if got := r.open(t); got != want {
		t.Errorf("open notices %s = %q, want %q", what, got, want)
	}
}

var unauthorized = &im.Error{Cloud: "rongcloud", Op: "/user/info.json", Kind: im.Unauthorized, Code: 1004, HTTPStatus: 401}

// A hook is a receiver of webhooks.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []posted
}

type posted struct {
	header http.Header
	body   string
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{status: http.StatusNoContent}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, posted{r.Header, string(body)})
	w.WriteHeader(h.status)
}

func (h *hook) posts() []posted {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]posted(nil), h.got...)
}
