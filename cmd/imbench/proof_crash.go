package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// mostSteps bounds how many steps one change may have.
	mostSteps = 60
	// twoLeases is how long everything may take to come to rest after a crash:
	// the outbox's leases last 20 s.
	twoLeases = 40 * time.Second
)

// A saga is one change, done by a client or an admin, at whose steps the process
// is killed.
type saga struct {
	name string
	// do asks for the change once; done tells whether it was answered as made.
	do func(ctx context.Context, r *crashes, p *person) (done bool, a said, err error)
	// fresh: the person is not registered before.
	fresh bool
	// after sees, at rest, that what was answered is so.
	after func(ctx context.Context, r *crashes, p *person)
}

var sagas = []saga{
	{name: "register", fresh: true, do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.s.registerOnce(ctx, r.base(), p)
		return err == nil && a.status == http.StatusCreated, a, err
	}, after: aliveAfter},
	{name: "reissue", do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.admin.reissue(ctx, r.base(), p)
		return err == nil && a.status == http.StatusOK, a, err
	}, after: aliveAfter},
	{name: "revoke", do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.s.ask(ctx, http.MethodPost, r.base()+"/v1/logout", p.access, object{"scope": "all"})
		return err == nil && (a.status == http.StatusNoContent || a.code() == "session_ended"), a, err
	}, after: outAfter},
	{name: "ban", do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.admin.ban(ctx, r.base(), p)
		return err == nil && a.status < 300, a, err
	}, after: outAfter},
	{name: "delete", do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		p.gone = true // or not: where no answer came, both sides only have to agree
		a, err := r.admin.remove(ctx, r.base(), p)
		return err == nil && (a.status < 300 || a.status == http.StatusNotFound), a, err
	}, after: outAfter},
	{name: "rotate", do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.admin.rotate(ctx, r.base())
		if err == nil && a.status < 300 {
			// The mark is for the next fetch to act on.
			_, a, err = r.s.fetch(ctx, r.base(), p)
		}
		return err == nil && a.status < 300, a, err
	}, after: aliveAfter},
}

// aliveAfter: the person fetches a token, and the cloud takes it.
func aliveAfter(ctx context.Context, r *crashes, p *person) {
	token, a, err := r.s.fetch(ctx, r.base(), p)
	if token == "" {
		r.f.wrong("%s: token afterwards = %s, %v", p.name, a, err)
		return
	}
	if ok, err := r.s.accepted(ctx, token); err != nil || !ok {
		r.f.wrong("%s: the cloud refuses the token that was fetched afterwards (%v)", p.name, err)
		r.f.count(1, 0, 0)
	}
}

// outAfter: nothing that the person held is good any more.
func outAfter(ctx context.Context, r *crashes, p *person) {
	if _, a, err := r.s.fetch(ctx, r.base(), p); err != nil || a.status < 400 {
		r.f.wrong("%s: the old session fetches a token afterwards: %s, %v", p.name, a, err)
	}
	if ok, err := r.s.accepted(ctx, p.token); err != nil || ok {
		r.f.wrong("%s: the cloud takes the old token afterwards (%v)", p.name, err)
		r.f.count(0, 1, 0)
	}
}

// crashLanes is how many processes the long form kills side by side, each on a
// database and a cloud of its own: they spend nearly all of their time waiting for
// leases to end.
const crashLanes = 32

// crashes are the kills of one lane.
type crashes struct {
	s      *stage
	f      *finding
	toll   *toll
	l      *ledger
	admin  *adminCaller
	since  time.Time // the admin's login
	server *proofProcess
	arm    string     // the file that counts steps
	crowd  []sufferer // of the changes since the last check
}

// A toll is what the lanes have counted together.
type toll struct {
	first sync.Mutex // schemas are made one after the other
	mu    sync.Mutex
	kills int
	where map[string]int // by the name of the step that was the last
	steps map[string]int // by the name of the saga
	rest  time.Duration  // the longest wait until all was at rest
}

func (t *toll) kill(where string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kills++
	t.where[where]++
}

func (t *toll) over(saga string, steps int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps[saga] = max(t.steps[saga], steps)
}

func (t *toll) rested(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = max(t.rest, d)
}

// A doom is one change that is to be killed at all of its steps.
type doom struct {
	saga saga
	seed int
}

// proveCrash kills the process at each numbered step of each change, and brings
// another one up.
func proveCrash(ctx context.Context, s *stage, f *finding) error {
	seeds := 1
	if s.p.long {
		seeds = 20
	}
	dooms := make(chan doom, seeds*len(sagas))
	for _, saga := range sagas {
		for seed := range seeds {
			dooms <- doom{saga, seed}
		}
	}
	close(dooms)
	t := &toll{where: map[string]int{}, steps: map[string]int{}}
	s.progress.begin(f.Row, "changes", cap(dooms))
	var lanes errgroup.Group
	if s.p.long {
		for lane := range crashLanes {
			lanes.Go(func() error {
				own, err := s.p.stage(ctx, s.server, fmt.Sprintf("crash-%d", lane+1), s.p.engine, uint64(lane))
				if err != nil {
					return err
				}
				defer own.close(ctx, f)
				own.progress, own.poll = s.progress, 500*time.Millisecond
				own.patient()
				return own.crashLane(ctx, f, t, dooms)
			})
		}
	} else {
		lanes.Go(func() error { return s.crashLane(ctx, f, t, dooms) })
	}
	err := lanes.Wait()
	for _, saga := range sagas {
		f.figure(saga.name, fmt.Sprintf("%d steps", t.steps[saga.name]))
	}
	f.figure("kills", t.kills)
	f.figure("steps by name", len(t.where))
	f.figure("at rest after", t.rest.Round(100*time.Millisecond).String())
	return err
}

// crashLane plays what is left of the dooms, one after the other.
func (s *stage) crashLane(ctx context.Context, f *finding, t *toll, dooms <-chan doom) error {
	r := &crashes{s: s, f: f, toll: t, l: &ledger{}, arm: filepath.Join(s.dir, "crash")}
	t.first.Lock()
	err := r.up(ctx)
	t.first.Unlock()
	if err != nil {
		return err
	}
	for d := range dooms {
		// An admin's access ends after half an hour.
		if time.Since(r.since) > 10*time.Minute {
			if r.admin, err = s.admin(ctx, r.base()); err != nil {
				return err
			}
			r.since = time.Now()
		}
		steps, err := r.play(ctx, d.saga, d.seed)
		if err != nil {
			return fmt.Errorf("%s: %w", d.saga.name, err)
		}
		t.over(d.saga.name, steps)
		s.progress.add(1)
		if s.p.long {
			t.rested(s.atRest(ctx, f, twoLeases))
			r.check(ctx)
		}
	}
	t.rested(s.atRest(ctx, f, twoLeases))
	r.check(ctx)
	return s.compare(ctx, r.l, f)
}

func (r *crashes) base() string { return r.server.url["api"] }

// up starts a process whose steps are not counted yet.
func (r *crashes) up(ctx context.Context) (err error) {
	_ = os.Remove(r.arm)
	settings := map[string]string{"PROOF_CRASH_AT": r.arm, "IMBRIDGE_SERVER_REGISTER_BUDGET": "3s", "IMBRIDGE_SESSION_ACCESS_LIFETIME": "1h"}
	if r.s.p.long { // many share the machine and the server
		settings["PROOF_CHEAP_HASH"], settings["IMBRIDGE_DATABASE_MAX_OPEN"] = "1", "6"
	}
	r.server, err = r.s.serveBy(ctx, r.s.p.crashing, settings)
	return err
}

// A sufferer is a person whose change was under way at a crash.
type sufferer struct {
	p    *person
	saga saga
	done bool
}

// play kills the process at the first step of a change, at the second, and so on
// until the change is over before its number is reached.
func (r *crashes) play(ctx context.Context, saga saga, seed int) (int, error) {
	for n := 1; n <= mostSteps && ctx.Err() == nil; n++ {
		p := r.l.add()
		if !saga.fresh {
			if a, err := r.s.registerOnce(ctx, r.base(), p); err != nil || a.status != http.StatusCreated {
				return n, fmt.Errorf("register = %s, %w", a, err)
			}
			if token, a, err := r.s.fetch(ctx, r.base(), p); token == "" {
				return n, fmt.Errorf("token = %s, %w", a, err)
			}
		}
		_ = os.Remove(r.arm + ".steps")
		if err := r.write(n); err != nil {
			return n, err
		}
		done, a, err := saga.do(ctx, r, p)
		died := r.awaitEnd(ctx, p, err != nil)
		killed := time.Now()
		if died {
			r.toll.kill(saga.name + ": " + r.last())
			if err := r.up(ctx); err != nil {
				return n, err
			}
			if err := r.pass(ctx); err != nil {
				return n, err
			}
		} else if err := r.disarm(ctx); err != nil {
			return n, err
		}
		// The client asks again, half of the times: a registration always, for it
		// has a key; otherwise only both sides have to agree.
		if !done && (saga.fresh || (n+seed)%2 == 0) {
			again := time.Now().Add(twoLeases)
			for !done && time.Now().Before(again) && ctx.Err() == nil {
				if done, a, err = saga.do(ctx, r, p); !done {
					time.Sleep(max(200*time.Millisecond, r.s.poll))
				}
			}
			if !done {
				r.f.wrong("%s, killed at step %d: asked again = %s, %v", saga.name, n, a, err)
			}
		}
		r.crowd = append(r.crowd, sufferer{p, saga, done})
		if died && r.s.p.long {
			r.s.atRest(ctx, r.f, time.Until(killed.Add(twoLeases)))
			r.toll.rested(time.Since(killed))
		}
		if !died {
			return n - 1, nil
		}
	}
	return mostSteps, nil
}

// check sees, at rest, that what clients were told is so.
func (r *crashes) check(ctx context.Context) {
	for _, c := range r.crowd {
		if c.done {
			c.saga.after(ctx, r, c.p)
		}
	}
	r.crowd = nil
}

// awaitEnd waits until the process is dead, or the change is over: the cloud has
// nothing to be told of the person.
func (r *crashes) awaitEnd(ctx context.Context, p *person, failed bool) bool {
	quiet, deadline := 0, time.Now().Add(twoLeases)
	for ctx.Err() == nil {
		if time.Now().After(deadline) {
			r.f.wrong("%s: the process lives, and the change is not over within %s%s", p.name, twoLeases, r.s.waiting(ctx))
			return false
		}
		if r.server.hasEnded() {
			return true
		}
		n, err := r.s.number(ctx, "SELECT COUNT(*) FROM outbox WHERE buried_at IS NULL AND kind <> 'provision' AND subject = ? AND next_at <= ?", p.id, time.Now().UnixMicro())
		if err == nil && n == 0 && !failed {
			if quiet++; quiet >= 5 {
				return false
			}
		} else {
			quiet = 0
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// pass moves the ends of all leases into the past, in the short form: a hundred
// crashes are half an hour of waiting for them.
func (r *crashes) pass(ctx context.Context) error {
	if r.s.p.long {
		return nil
	}
	for _, table := range []string{"outbox", "im_tokens"} {
		if _, err := r.s.db.db.ExecContext(ctx, "UPDATE "+table+" SET lease_until = 1 WHERE lease_until > 0"); err != nil {
			return err
		}
	}
	return nil
}

// write arms the counter: all at once, for the process may look at any time.
func (r *crashes) write(n int) error {
	if err := os.WriteFile(r.arm+".new", []byte(strconv.Itoa(n)), 0o600); err != nil {
		return err
	}
	return os.Rename(r.arm+".new", r.arm)
}

// disarm takes the counter away. A step that has looked at it already may still
// be the last one; a registration that succeeds comes after that.
func (r *crashes) disarm(ctx context.Context) error {
	_ = os.Remove(r.arm)
	_, err := r.s.newcomer(ctx, r.l, r.base())
	if err == nil {
		return nil
	}
	// Its connections end before it does.
	if ended, _ := until(ctx, 10*time.Second, func() (bool, error) { return r.server.hasEnded(), nil }); ended {
		return r.up(ctx)
	}
	return err
}

// last is the name of the step at which the process died.
func (r *crashes) last() string {
	raw, _ := os.ReadFile(r.arm + ".steps")
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return fmt.Sprintf("%d %s", len(lines), lines[len(lines)-1])
}
