package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// proveRace lets two changes of one person that contradict each other meet, one
// in each of two processes, and looks for what should not have survived.
func proveRace(ctx context.Context, s *stage, f *finding) error {
	rounds, lanes, still := 200, 8, rest
	program, settings := s.p.program, map[string]string{"IMBRIDGE_SESSION_ACCESS_LIFETIME": "1h", "IMBRIDGE_SERVER_REGISTER_BUDGET": "5s"}
	if s.p.long {
		rounds, lanes, still = 20_000, 24, 10*rest
		// What a round waits for is the other side, and not hashes or its turn to mint.
		program = s.p.crashing
		settings["PROOF_CHEAP_HASH"], settings["IMBRIDGE_IM_RONGCLOUD_QUOTA_PERCENT"] = "1", "100"
	}
	s.patient()
	var base [2]string
	for i := range base {
		p, err := s.serveBy(ctx, program, settings)
		if err != nil {
			return err
		}
		base[i] = p.url["api"]
	}
	// The quota of the cloud is no part of this.
	if err := s.control(ctx, "/control/app", object{"rate_limits": false}, nil); err != nil {
		return err
	}
	// Nor is its haste: what comes in the middle of a mint is what is looked for.
	if err := s.fault(ctx, object{"path": getTokenPath, "mode": "delay", "delay_ms": 20, "effect": true, "percent": 50}); err != nil {
		return err
	}
	admin, err := s.admin(ctx, base[0])
	if err != nil {
		return err
	}
	l := &ledger{}
	s.progress.begin(f.Row, "races", 3*rounds)
	r := &races{s: s, f: f, l: l, base: base, admin: admin}
	var at, renewed atomic.Int64
	var workers sync.WaitGroup
	for range lanes {
		workers.Go(func() {
			for at.Add(1) <= int64(rounds) && ctx.Err() == nil {
				p, err := s.newcomer(ctx, l, base[0])
				if err != nil {
					f.wrong("register: %v", err)
					continue
				}
				for _, race := range []func(context.Context, *person){r.refreshAgainstRevoke, r.banAgainstReissue, r.deleteAgainstRegister} {
					race(ctx, p)
					s.progress.add(1)
				}
				// An admin's access ends.
				if n := renewed.Add(1); n%2000 == 0 {
					again, err := s.admin(ctx, base[0])
					if err == nil {
						r.setAdmin(again)
					}
				}
			}
		})
	}
	workers.Wait()
	f.figure("rounds of each", rounds)
	f.figure("refreshed before the revocation", r.refreshed.Load())
	f.figure("reissued before the ban", r.reissued.Load())
	f.figure("names refused before the deletion", r.refused.Load())
	f.figure("asked again after a 503", r.unready.Load())
	f.figure("at rest after", s.atRest(ctx, f, still).Round(100*time.Millisecond).String())
	r.survivors(ctx, lanes)
	f.figure("survivors", r.alive.Load())
	return s.compare(ctx, l, f)
}

// races are the rounds of one row.
type races struct {
	s    *stage
	f    *finding
	l    *ledger
	base [2]string

	mu    sync.Mutex
	admin *adminCaller
	dead  []string // tokens that clients were given and that must not be good

	refreshed, reissued, refused, unready, alive atomic.Int64
}

func (r *races) setAdmin(a *adminCaller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.admin = a
}

func (r *races) caller() *adminCaller {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.admin
}

// meet runs both, the second up to most later: as long as the first one takes, so
// that each comes in the middle of the other.
func (r *races) meet(most time.Duration, one, other func()) {
	r.mu.Lock()
	lag := time.Duration(r.s.dice.Int64N(int64(most)))
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(one)
	both.Go(func() { time.Sleep(lag); other() })
	both.Wait()
}

// answered asks again, a few times, what was answered with 503: a busy machine
// does that, and whoever asks repeats it until they know.
func (r *races) answered(ask func() (said, error)) (a said, err error) {
	for range 5 {
		if a, err = ask(); err != nil || a.status != http.StatusServiceUnavailable {
			break
		}
		r.unready.Add(1)
		time.Sleep(100 * time.Millisecond)
	}
	return a, err
}

// buryToken remembers a token that must not be good in the end.
func (r *races) buryToken(token string) {
	if token != "" {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.dead = append(r.dead, token)
	}
}

// survived counts something that should have ended.
func (r *races) survived(format string, args ...any) {
	r.alive.Add(1)
	r.f.wrong(format, args...)
}

// refreshAgainstRevoke: after "log out everywhere" no session and no token lives,
// those neither that a refresh has just made.
func (r *races) refreshAgainstRevoke(ctx context.Context, p *person) {
	var renewed sessionAnswer
	var token string
	r.meet(20*time.Millisecond, func() {
		a, err := r.s.ask(ctx, http.MethodPost, r.base[0]+"/v1/session/refresh", "", object{"refresh_token": p.refresh})
		if err == nil && a.status == http.StatusOK {
			r.refreshed.Add(1)
			renewed, _ = a.session()
			f, err := r.s.ask(ctx, http.MethodGet, r.base[0]+"/v1/im/token", renewed.Access, nil)
			if err == nil {
				token = connectTokenIn(f)
			}
		}
	}, func() {
		a, err := r.answered(func() (said, error) {
			return r.s.ask(ctx, http.MethodPost, r.base[1]+"/v1/logout", p.access, object{"scope": "all"})
		})
		if err != nil || a.status != http.StatusNoContent && a.code() != "session_ended" {
			r.f.wrong("log out everywhere = %s, %v", a, err)
		}
	})
	r.buryToken(p.token)
	r.buryToken(token)
	for i, base := range r.base {
		for _, t := range []string{p.refresh, renewed.Refresh} {
			if t == "" {
				continue
			}
			if a, err := r.s.ask(ctx, http.MethodPost, base+"/v1/session/refresh", "", object{"refresh_token": t}); err != nil || a.status < 400 {
				r.survived("a refresh token of %s works at process %d after all were ended: %s, %v", p.id, i, a, err)
			}
		}
		for _, t := range []string{p.access, renewed.Access} {
			if t == "" {
				continue
			}
			if a, err := r.s.ask(ctx, http.MethodGet, base+"/v1/im/token", t, nil); err != nil || a.status < 400 {
				r.survived("an access token of %s fetches at process %d after all were ended: %s, %v", p.id, i, a, err)
			}
		}
	}
}

// banAgainstReissue: who is banned has no stored token, whoever asked for one.
func (r *races) banAgainstReissue(ctx context.Context, p *person) {
	admin := r.caller()
	r.meet(150*time.Millisecond, func() {
		if a, err := admin.reissue(ctx, r.base[0], p); err == nil && a.status == http.StatusOK {
			r.reissued.Add(1)
		}
	}, func() {
		if a, err := r.answered(func() (said, error) { return admin.ban(ctx, r.base[1], p) }); err != nil || a.status >= 300 {
			r.f.wrong("ban = %s, %v", a, err)
		}
	})
	n, err := r.s.number(ctx, "SELECT COUNT(*) FROM im_tokens WHERE user_id = ? AND token_sealed IS NOT NULL", p.id)
	if err != nil || n != 0 {
		r.survived("%s is banned and has a stored token (%v)", p.id, err)
	}
	if a, err := admin.reissue(ctx, r.base[0], p); err != nil || a.status < 400 {
		r.survived("a token of %s was reissued after the ban: %s, %v", p.id, a, err)
	}
}

// deleteAgainstRegister: the name is free once its owner is deleted, and the late
// removal of the old person does nothing to the new one.
func (r *races) deleteAgainstRegister(ctx context.Context, p *person) {
	admin, old := r.caller(), p.id
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	next := &person{name: p.name, key: randomHex(), ids: map[string]bool{}}
	r.meet(200*time.Millisecond, func() {
		for began := time.Now(); time.Since(began) < rest; {
			a, err := r.answered(func() (said, error) { return r.s.registerOnce(ctx, r.base[0], next) })
			if err == nil && a.status == http.StatusCreated {
				return
			}
			if err != nil || a.status != http.StatusConflict {
				r.f.wrong("register a name that is being freed = %s, %v", a, err)
			}
			r.refused.Add(1)
			time.Sleep(5 * time.Millisecond)
		}
		r.f.wrong("the name of %s was not free after their deletion", old)
	}, func() {
		a, err := r.answered(func() (said, error) { return admin.remove(ctx, r.base[1], p) })
		if err != nil || a.status >= 300 && a.status != http.StatusNotFound {
			r.f.wrong("delete = %s, %v", a, err)
		}
	})
	if next.id == old {
		r.survived("%s was registered again as the same person", old)
	}
	r.l.mu.Lock()
	r.l.people = append(r.l.people, next)
	r.l.mu.Unlock()
}

// survivors asks the cloud, at rest, for what must have ended and what must live.
func (r *races) survivors(ctx context.Context, lanes int) {
	var asking errgroup.Group
	asking.SetLimit(lanes)
	for _, t := range r.dead {
		asking.Go(func() error {
			if ok, err := r.s.accepted(ctx, t); err != nil || ok {
				r.survived("the cloud accepts a token that was revoked (%v)", err)
			}
			return nil
		})
	}
	for _, p := range r.l.people {
		if !p.gone && p.access != "" {
			asking.Go(func() error { r.lives(ctx, p); return nil })
		}
	}
	_ = asking.Wait() // what is wrong has been told
}

// lives sees that somebody who has registered a name again can connect.
func (r *races) lives(ctx context.Context, p *person) {
	token, a, err := r.s.fetch(ctx, r.base[1], p)
	if err == nil && a.code() == "token_expired" { // a long row
		if _, err = r.s.login(ctx, r.base[1], p); err == nil {
			token, a, err = r.s.fetch(ctx, r.base[1], p)
		}
	}
	if err != nil || token == "" {
		r.f.wrong("token of %s, who registered again = %s, %v", p.id, a, err)
		return
	}
	if ok, err := r.s.accepted(ctx, token); err != nil || !ok {
		r.f.wrong("the cloud refuses the token of %s, who registered again (%v)", p.id, err)
		r.f.count(1, 0, 0)
	}
}
