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
	// again and twins are how often a client asked again, and how often two asked at
	// the same time; lagged is how often the cloud was slow.
	again, twins, lagged int

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

func (t *toll) fate(d fate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.again {
		t.again++
	}
	if d.twin {
		t.twins++
	}
	if d.lag > 0 {
		t.lagged++
	}
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
				own, err := s.p.stage(ctx, s.server, fmt.Sprintf("crash-%d", lane+1), s.server.engine, s.p.seed+uint64(lane))
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
	f.figure("asked by two", t.twins)
	f.figure("slow cloud", t.lagged)
	f.figure("to be asked again", t.again)
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

// play kills the process at the first step of a change, at the second, and so on
// until the change is over before its number is reached.
func (r *crashes) play(ctx context.Context, saga saga, seed int) (int, error) {
	for n := 1; n <= mostSteps && ctx.Err() == nil; n++ {
		died, err := r.playStep(ctx, saga, n, drawFate(r.s.p.seed, saga.name, seed, n, r.s.p.long))
		if err != nil {
			return n, err
		}
		if !died {
			return n - 1, nil
		}
	}
	return mostSteps, nil
}

// playStep kills the process at step n of a change, and brings another one up.
func (r *crashes) playStep(ctx context.Context, saga saga, n int, fate fate) (died bool, err error) {
	p := r.l.add()
	if !saga.fresh {
		if a, err := r.s.registerOnce(ctx, r.base(), p); err != nil || a.status != http.StatusCreated {
			return false, fmt.Errorf("register = %s, %w", a, err)
		}
		if token, a, err := r.s.fetch(ctx, r.base(), p); token == "" {
			return false, fmt.Errorf("token = %s, %w", a, err)
		}
	}
	c := sufferer{p: p, saga: saga, step: n, held: p.token}
	if c.before, err = r.s.standing(ctx, p); err != nil {
		return false, err
	}
	r.toll.fate(fate)
	if fate.lag > 0 {
		if err := r.s.fault(ctx, object{"mode": "delay", "delay_ms": fate.lag.Milliseconds(), "effect": fate.late}); err != nil {
			return false, err
		}
	}
	_ = os.Remove(r.arm + ".steps")
	if err := r.write(n); err != nil {
		return false, err
	}
	a, err := r.ask(ctx, &c, fate)
	died = r.awaitEnd(ctx, p, err != nil)
	killed := time.Now()
	if fate.lag > 0 {
		if err := r.s.heal(ctx); err != nil {
			return died, err
		}
	}
	if died {
		r.toll.kill(saga.name + ": " + r.last())
		pauseFor(ctx, fate.dead)
		if err := r.up(ctx); err != nil {
			return died, err
		}
		if err := r.pass(ctx); err != nil {
			return died, err
		}
	} else if err := r.disarm(ctx); err != nil {
		return died, err
	}
	// The client asks again, or not: a registration always, for it has a key;
	// otherwise only both sides have to agree.
	if !c.done && (saga.fresh || fate.again) {
		again := time.Now().Add(twoLeases)
		for !c.done && time.Now().Before(again) && ctx.Err() == nil {
			if c.done, a, err = saga.do(ctx, r, p); !c.done {
				time.Sleep(max(200*time.Millisecond, r.s.poll))
			}
		}
		if !c.done {
			r.f.wrong("%s, killed at step %d: asked again = %s, %v", saga.name, n, a, err)
		}
	}
	if c.done && saga.renews {
		r.renewed(ctx, c)
	}
	r.crowd = append(r.crowd, c)
	if died && r.s.p.long {
		r.s.atRest(ctx, r.f, time.Until(killed.Add(twoLeases)))
		r.toll.rested(time.Since(killed))
	}
	return died, nil
}

// ask asks for the change, as often at the same time as fate says. The answer is
// that of a request that broke off, if one did.
func (r *crashes) ask(ctx context.Context, c *sufferer, fate fate) (a said, err error) {
	var twins sync.WaitGroup
	var done bool
	var other said
	var broken error
	if fate.twin {
		twins.Go(func() {
			pauseFor(ctx, fate.behind)
			done, other, broken = c.saga.do(ctx, r, c.p)
		})
	}
	c.done, a, err = c.saga.do(ctx, r, c.p)
	twins.Wait()
	c.done = c.done || done
	if err == nil && broken != nil {
		return other, broken
	}
	return a, err
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
