package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"imbridge/models"
)

// proveFence stops one of two replicas in the middle of mints, lets the other
// one do them anew after the leases, and resumes the first: what it then wants
// to write is late.
//
// The short form does not wait for the leases (15 s) but moves their ends into
// the past, in the database.
func proveFence(ctx context.Context, s *stage, f *finding) error {
	rounds, people := 2, 6
	if s.p.long {
		rounds, people = 10, 20
	}
	settings := map[string]string{"IMBRIDGE_IM_RONGCLOUD_TIMEOUT": "1m", "IMBRIDGE_SERVER_TOKEN_BUDGET": "1m", "IMBRIDGE_SERVER_REGISTER_BUDGET": "20s", "IMBRIDGE_SESSION_ACCESS_LIFETIME": "1h"}
	s.patient()
	var two [2]*proofProcess
	for i := range two {
		var err error
		if two[i], err = s.serve(ctx, settings); err != nil {
			return err
		}
	}
	l := &ledger{}
	var crowd []*person
	for range people {
		p, err := s.newcomer(ctx, l, two[0].url["api"])
		if err != nil {
			return err
		}
		if _, a, err := s.fetch(ctx, two[0].url["api"], p); err != nil || a.status != http.StatusOK {
			return fmt.Errorf("first token = %s, %w", a, err)
		}
		crowd = append(crowd, p)
	}
	late, told := 0, 0
	s.progress.begin(f.Row, "rounds", rounds)
	for round := range rounds {
		n, err := s.fenceRound(ctx, f, two[round%2], two[1-round%2], crowd)
		if err != nil {
			return err
		}
		late += n
		if err := s.well(ctx, l, two[round%2].url["api"]); err != nil {
			return err
		}
		if n, err = s.fenceOutbox(ctx, f, two[round%2], two[1-round%2], crowd); err != nil {
			return err
		}
		told += n
		s.progress.add(1)
	}
	f.figure("stops", rounds)
	f.figure("late tokens", late)
	f.figure("late deliveries", told)
	if late == 0 || told == 0 {
		f.wrong("no replica had anything late to write: nothing was proven")
	}
	s.atRest(ctx, f, rest)
	return s.compare(ctx, l, f)
}

// fenceRound stops slow in the middle of a mint for everybody, and tells how
// many late writes it then had.
func (s *stage) fenceRound(ctx context.Context, f *finding, slow, quick *proofProcess, crowd []*person) (late int, err error) {
	before := map[*person]int{}
	for _, p := range crowd {
		if before[p], err = s.number(ctx, "SELECT generation FROM im_tokens WHERE user_id = ?", p.id); err != nil {
			return 0, err
		}
	}
	// The cloud mints at once, and takes its time with the answer.
	if err := s.fault(ctx, object{"path": getTokenPath, "mode": "delay", "delay_ms": 2500, "effect": true, "times": len(crowd)}); err != nil {
		return 0, err
	}
	report := func(base string, p *person, refused string) (string, said, error) {
		a, err := s.ask(ctx, http.MethodPost, base+"/v1/im/token/refused", p.access, object{"token": refused, "code": 31004})
		return connectTokenIn(a), a, err
	}
	refused := make([]string, len(crowd))
	lateToken, lateAnswer := make([]string, len(crowd)), make([]said, len(crowd))
	var waiting sync.WaitGroup
	for i, p := range crowd {
		refused[i] = p.token
		waiting.Go(func() { lateToken[i], lateAnswer[i], _ = report(slow.url["api"], p, refused[i]) })
	}
	held, _ := until(ctx, 10*time.Second, func() (bool, error) {
		var faults struct{ Faults []struct{ Fired int } }
		err := s.control(ctx, "/control/faults", nil, &faults)
		return err == nil && len(faults.Faults) > 0 && faults.Faults[len(faults.Faults)-1].Fired >= len(crowd), err
	})
	slow.signal(syscall.SIGSTOP)
	if !held {
		slow.signal(syscall.SIGCONT)
		waiting.Wait()
		return 0, fmt.Errorf("not every mint was under way when the replica was stopped")
	}
	if s.p.long {
		pauseFor(ctx, 16*time.Second)
	} else if _, err := s.db.db.ExecContext(ctx, "UPDATE im_tokens SET lease_until = 1 WHERE lease_until > 0"); err != nil {
		return 0, err
	}
	fresh := make([]string, len(crowd))
	for i, p := range crowd {
		token, a, err := report(quick.url["api"], p, refused[i])
		if err != nil || a.status != http.StatusOK {
			f.wrong("token of %s by the other replica = %s, %v", p.id, a, err)
		}
		fresh[i], p.token = token, token
	}
	// What the cloud answered meanwhile waits in the stopped one's sockets.
	pauseFor(ctx, 2500*time.Millisecond)
	slow.signal(syscall.SIGCONT)
	waiting.Wait()
	for i, p := range crowd {
		if lateToken[i] != "" && lateToken[i] != fresh[i] {
			f.wrong("the resumed replica answered %s with a token of its own", p.id)
		}
		if a := lateAnswer[i]; a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
			f.wrong("the resumed replica answered %s with %s", p.id, a)
		}
		var stored string
		err := s.db.db.QueryRowContext(ctx, "SELECT fingerprint FROM im_tokens WHERE user_id = ?", p.id).Scan(&stored)
		if err != nil {
			return late, err
		}
		if stored != models.Fingerprint(fresh[i]) {
			f.wrong("a late write went through: the stored token of %s is not the newer one", p.id)
			f.count(1, 0, 0)
		}
		if after, err := s.number(ctx, "SELECT generation FROM im_tokens WHERE user_id = ?", p.id); err != nil || after != before[p]+1 {
			f.wrong("generation of %s went from %d to %d, want one more; %v", p.id, before[p], after, err)
		}
		if ok, err := s.accepted(ctx, fresh[i]); err != nil || !ok {
			f.wrong("the cloud does not accept the stored token of %s (%v)", p.id, err)
		}
		late++
	}
	return late, s.heal(ctx)
}

// well waits until an imbridge calls the cloud again: to one that was stopped for
// long all mints seem to have failed at once, and it leaves the cloud alone for
// some seconds.
func (s *stage) well(ctx context.Context, l *ledger, base string) error {
	good := 0
	ok, err := until(ctx, rest, func() (bool, error) {
		p, err := s.newcomer(ctx, l, base)
		if good++; err != nil || p.token == "" {
			good = 0
		}
		return good == 3, err
	})
	if !ok {
		return errors.Join(errors.New("newcomers get no tokens from a replica that was resumed"), err)
	}
	return nil
}

// connectTokenIn reads the token of an answer, "" of a failure.
func connectTokenIn(a said) string {
	if a.status != http.StatusOK {
		return ""
	}
	_, rest, _ := strings.Cut(string(a.body), `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}
