package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// misbehaviours are what a cloud does to a call, as faults of the sandbox.
var misbehaviours = []struct {
	name  string
	fault object // nil: the connection is refused
}{
	{"429 with a delay", object{"mode": "code", "code": 1008, "retry_after": 1}},
	{"429 without", object{"mode": "code", "code": 1008}},
	{"500", object{"mode": "status", "status": 500}},
	{"502 with a page", object{"mode": "garbage", "garbage": "html", "status": 502}},
	{"200 with an error code", object{"mode": "code", "code": 1000, "status": 200}},
	{"empty", object{"mode": "empty"}},
	{"truncated", object{"mode": "garbage", "garbage": "truncated"}},
	{"wrong type", object{"mode": "garbage", "garbage": "wrong_type"}},
	{"10 MB", object{"mode": "garbage", "garbage": "huge"}},
	{"slow drip", object{"mode": "garbage", "garbage": "drip", "delay_ms": 50}},
	{"reset before the effect", object{"mode": "reset_before"}},
	{"reset after the effect", object{"mode": "reset_after"}},
	{"stale answer", object{"mode": "garbage", "garbage": "stale"}},
	{"token ends early", object{"mode": "short_lived", "lifetime_ms": shortLife.Milliseconds()}},
	{"skewed clock", object{"mode": "skew", "skew_s": -7200}},
	{"already exists", object{"mode": "code", "code": 1015}},
	{"quota 0", object{"mode": "code", "code": 2007}},
	{"connection refused", nil},
}

// endsEarly is the misbehaviour after which a client has to report.
const endsEarly = "token ends early"

// shortLife is how long such a token lives.
const shortLife = 500 * time.Millisecond

// The tries at which a misbehaviour hits.
const (
	firstTry = "first try" // the first call
	retry    = "retry"     // the call after one that broke
	lastTry  = "last try"  // every call of the request, and more: the outbox has to do it
)

// A cloudCell is one misbehaviour at one try.
type cloudCell struct {
	name, try string
	fault     object
}

// proveCloud makes the cloud misbehave in each way at each try while somebody
// registers.
func proveCloud(ctx context.Context, s *stage, f *finding) error {
	rounds := 1
	if s.p.long {
		rounds = 10
	}
	l := &ledger{}
	settings := map[string]string{"IMBRIDGE_IM_RONGCLOUD_TIMEOUT": "400ms", "IMBRIDGE_SERVER_REGISTER_BUDGET": "1200ms", "IMBRIDGE_SERVER_TOKEN_BUDGET": "1200ms"}
	direct := s.base
	cloudNet, err := s.network(strings.TrimPrefix(direct, "http://"))
	if err != nil {
		return err
	}
	s.progress.begin(f.Row, "cells", rounds*3*len(misbehaviours))
	var lanes []cloudLane
	for _, try := range []string{firstTry, retry, lastTry, ""} {
		s.base = direct
		if try == "" {
			s.base = "http://" + cloudNet.addr()
		}
		server, err := s.serve(ctx, settings)
		if err != nil {
			return err
		}
		lanes = append(lanes, cloudLane{s: s, l: l, f: f, server: server, net: cloudNet, try: try})
	}
	fired := 0
	for range rounds {
		var playing sync.WaitGroup
		for i := range lanes {
			playing.Go(func() { lanes[i].play(ctx) })
		}
		playing.Wait()
		n, err := s.fired(ctx, f)
		if err != nil {
			return err
		}
		fired += n
		if err := s.heal(ctx); err != nil {
			return err
		}
	}
	cells, pending := 0, 0
	for i := range lanes {
		cells, pending = cells+lanes[i].cells, pending+lanes[i].pending
	}
	if err := s.bury(ctx, l, lanes[0].server.url["api"]); err != nil {
		return err
	}
	buried, err := s.exhume(ctx, f, lanes[0].server.url["api"])
	if err != nil {
		return err
	}
	f.figure("cells", cells)
	f.figure("faulty calls", fired)
	f.figure("registered without a token at first", pending)
	f.figure("buried with a reason and retried", buried)
	s.atRest(ctx, f, rest)
	return s.compare(ctx, l, f)
}

// A cloudLane plays the cells of one try, one after another, on a process of its
// own: an open breaker stops only its cells.
type cloudLane struct {
	s      *stage
	l      *ledger
	f      *finding
	server *proofProcess
	net    *badNetwork
	try    string // "": the refused connections, at every try

	cells, pending int
}

func (w *cloudLane) play(ctx context.Context) {
	for _, m := range misbehaviours {
		tries := []string{w.try}
		if m.fault == nil {
			tries = []string{firstTry, retry, lastTry}
		}
		if (m.fault == nil) != (w.try == "") {
			continue
		}
		for _, try := range tries {
			if ctx.Err() != nil {
				return
			}
			waits, err := w.s.cloudCell(ctx, w.l, w.f, w.server, w.net, cloudCell{m.name, try, m.fault})
			if err != nil {
				w.f.wrong("%s, %s: %v", m.name, try, err)
			}
			if w.cells++; waits {
				w.pending++
			}
			w.s.progress.add(1)
		}
	}
}

// fired counts the calls that met a fault. One that met none proves nothing.
func (s *stage) fired(ctx context.Context, f *finding) (n int, err error) {
	var in struct {
		Faults []struct {
			Mode, User string
			Fired      int
		}
	}
	if err := s.control(ctx, "/control/faults", nil, &in); err != nil {
		return 0, err
	}
	for _, fault := range in.Faults {
		if n += fault.Fired; fault.Fired == 0 {
			f.wrong("a fault (%s, of %s) met no call", fault.Mode, fault.User)
		}
	}
	return n, nil
}

// cloudCell registers somebody while the cloud misbehaves to them, and sees that
// they get a token that is good. Waits tells whether register answered without.
func (s *stage) cloudCell(ctx context.Context, l *ledger, f *finding, server *proofProcess, net *badNetwork, c cloudCell) (waits bool, err error) {
	base := server.url["api"]
	if err := s.breakerClosed(ctx, l, base); err != nil {
		return false, err
	}
	p := l.add()
	if c.try == retry {
		if err := s.fault(ctx, object{"path": getTokenPath, "mode": "reset_before", "times": 1, "user": p.name}); err != nil {
			return false, err
		}
	}
	if c.fault != nil {
		fault := maps.Clone(c.fault)
		fault["path"], fault["user"], fault["times"] = getTokenPath, p.name, 1
		if c.try == lastTry {
			fault["times"] = 4
		}
		if err := s.fault(ctx, fault); err != nil {
			return false, err
		}
	} else {
		open := 60 * time.Millisecond
		if c.try == lastTry {
			open = 1500 * time.Millisecond
		}
		net.refuse()
		again := make(chan error, 1)
		time.AfterFunc(open, func() { again <- net.accept() })
		defer func() {
			if aerr := <-again; err == nil {
				err = aerr
			}
		}()
	}
	where := c.name + ", " + c.try
	a, err := s.registerOnce(ctx, base, p)
	if err != nil || a.status != http.StatusCreated {
		f.wrong("%s: register = %s, %v, want 201", where, a, err)
		return false, nil
	}
	waits = p.token == ""
	if !waits {
		s.goodToken(ctx, f, where, base, p, c.name == endsEarly)
	}
	got, err := until(ctx, rest, func() (bool, error) {
		_, a, err := s.fetch(ctx, base, p)
		if err != nil {
			return false, err
		}
		if a.status != http.StatusOK && (a.status != http.StatusServiceUnavailable || a.code() != "im_unavailable" || a.header.Get("Retry-After") == "") {
			f.wrong("%s: token = %s with Retry-After %q, want 200, or 503 im_unavailable with one", where, a, a.header.Get("Retry-After"))
		}
		return a.status == http.StatusOK, nil
	})
	if !got {
		f.wrong("%s: no token within %s (%v)", where, rest, err)
		return waits, nil
	}
	s.goodToken(ctx, f, where, base, p, c.name == endsEarly)
	return waits, nil
}

// goodToken sees that the cloud takes the person's token for theirs. One that
// ends early is reported once it has ended, as a client does.
func (s *stage) goodToken(ctx context.Context, f *finding, where, base string, p *person, early bool) {
	for range 20 {
		state, owner, err := s.tokenState(ctx, p.token)
		if err != nil {
			f.wrong("%s: %v", where, err)
			return
		}
		if state == "valid" && owner == p.id && early {
			pauseFor(ctx, shortLife)
			state, _, err = s.tokenState(ctx, p.token)
			if err == nil && state == "valid" {
				return // not one of those that end early
			}
		}
		if state == "valid" && owner == p.id {
			return
		}
		if !early || state != "expired" {
			f.wrong("%s: the cloud says %s, of %q, to the token of %s", where, state, owner, p.id)
			return
		}
		a, err := s.ask(ctx, http.MethodPost, base+"/v1/im/token/refused", p.access, object{"token": p.token, "code": 31020})
		if token := connectTokenIn(a); token != "" {
			p.token = token
		} else if err != nil || a.status != http.StatusServiceUnavailable {
			f.wrong("%s: report of a refusal = %s, %v", where, a, err)
			return
		} else {
			pauseFor(ctx, 500*time.Millisecond) // as it was asked to
		}
	}
	f.wrong("%s: every new token of %s ends early", where, p.id)
}

func (s *stage) tokenState(ctx context.Context, token string) (state, owner string, err error) {
	var v struct {
		State  string `json:"state"`
		UserID string `json:"user_id"`
	}
	err = s.control(ctx, "/control/token", object{"token": token}, &v)
	return v.State, v.UserID, err
}

// breakerClosed registers others until the process thinks well of the cloud.
func (s *stage) breakerClosed(ctx context.Context, l *ledger, base string) error {
	closed, err := until(ctx, 20*time.Second, func() (bool, error) {
		a, err := s.ask(ctx, http.MethodGet, base+"/readyz", "", nil)
		if err != nil || strings.Contains(string(a.body), `"state":"closed"`) {
			return err == nil, err
		}
		_, err = s.newcomer(ctx, l, base)
		time.Sleep(100 * time.Millisecond)
		return false, err
	})
	if !closed {
		return fmt.Errorf("the breaker does not close: %w", err)
	}
	return nil
}

// bury has the cloud refuse somebody's new name, once and for good.
func (s *stage) bury(ctx context.Context, l *ledger, base string) error {
	if err := s.breakerClosed(ctx, l, base); err != nil {
		return err
	}
	p, err := s.newcomer(ctx, l, base)
	if err != nil {
		return err
	}
	const wrongParameter = 1002
	if err := s.fault(ctx, object{"path": "/user/refresh.json", "mode": "code", "code": wrongParameter, "times": 1, "user": p.id}); err != nil {
		return err
	}
	nickname := "N" + randomHex()[:8]
	if a, err := s.ask(ctx, http.MethodPatch, base+"/v1/me", p.access, object{"nickname": nickname}); err != nil || a.status != http.StatusOK {
		return fmt.Errorf("change of a name = %s, %w", a, err)
	}
	p.nicknames = []string{nickname}
	refused, err := until(ctx, rest, func() (bool, error) {
		n, err := s.number(ctx, "SELECT COUNT(*) FROM outbox WHERE buried_at IS NOT NULL AND subject = ?", p.id)
		return n > 0, err
	})
	if !refused {
		return fmt.Errorf("a name that the cloud refuses is not buried within %s: %w", rest, err)
	}
	return nil
}

// exhume retries what is buried, as an admin does who has read the reason, and
// tells how many rows that were.
func (s *stage) exhume(ctx context.Context, f *finding, base string) (n int, err error) {
	admin, err := s.admin(ctx, base)
	if err != nil {
		return 0, err
	}
	buried, err := admin.buried(ctx, base)
	if err != nil {
		return 0, err
	}
	for _, row := range buried {
		if row.Reason == "" {
			f.wrong("%s of %s is buried without a reason", row.Kind, row.Subject)
		}
	}
	for cursor, more := "", len(buried) > 0; more; {
		a, err := admin.do(ctx, http.MethodPost, base, "/queue/retry", object{"state": "buried", "cursor": cursor})
		if err != nil {
			return n, err
		}
		var in struct {
			Retried    int    `json:"retried"`
			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal(a.body, &in); err != nil || a.status != http.StatusOK {
			return n, fmt.Errorf("retry of the buried = %s, %w", a, err)
		}
		n, cursor, more = n+in.Retried, in.NextCursor, in.NextCursor != ""
	}
	if n == 0 || n != len(buried) {
		f.wrong("%d of %d buried rows were retried", n, len(buried))
	}
	return n, nil
}
