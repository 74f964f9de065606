package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// proveHour takes the cloud away for an hour, by a clock that is moved, and
// counts how fast what waited is told it afterwards.
func proveHour(ctx context.Context, s *stage, f *finding) error {
	people, newcomers, steps := 12, 8, 6
	if s.p.long {
		people, newcomers = 200, 200
	}
	// The share of the cloud's 200 a second, and what of it the process uses: calls
	// that leave evenly do not arrive so, which is why the default is 90 %.
	const quota, used = 10, 9
	clock := filepath.Join(s.dir, "clock")
	direct := s.base
	net, err := s.network(strings.TrimPrefix(direct, "http://"))
	if err != nil {
		return err
	}
	s.base = "http://" + net.addr()
	settings := map[string]string{"PROOF_CLOCK": clock, "IMBRIDGE_IM_LIFETIME": "7d",
		"IMBRIDGE_IM_RONGCLOUD_QUOTA_PERCENT": strconv.Itoa(used), "IMBRIDGE_SERVER_REGISTER_BUDGET": "300ms"}
	if s.p.long { // hundreds of hashes at once say nothing about the cloud
		settings["PROOF_CHEAP_HASH"] = "1"
	}
	server, err := s.serveBy(ctx, s.p.crashing, settings)
	if err != nil {
		return err
	}
	base := server.url["api"]
	l := &ledger{}
	var settled []*person
	for range people {
		p, err := s.newcomer(ctx, l, base)
		if err != nil {
			return err
		}
		if p.token == "" {
			_, _, _ = s.fetch(ctx, base, p)
		}
		settled = append(settled, p)
	}
	s.atRest(ctx, f, rest)

	net.refuse()
	asked, served, registered := 0, 0, 0
	count := func(what string, a said, err error, want int) {
		if asked++; err == nil && a.status == want {
			served++
		} else {
			f.wrong("%s while the cloud is down = %s, %v, want %d", what, a, err, want)
		}
	}
	s.progress.begin(f.Row, "ten minutes", steps)
	for range steps {
		if err := s.moveClock(ctx, clock, 10*time.Minute); err != nil {
			return err
		}
		for i, p := range settled {
			if i%4 == 0 { // every login is a hash
				a, err := s.login(ctx, base, p)
				count("login", a, err, http.StatusOK)
			} else {
				a, err := s.ask(ctx, http.MethodPost, base+"/v1/session/refresh", "", object{"refresh_token": p.refresh})
				count("refresh", a, err, http.StatusOK)
				if in, err := a.session(); err == nil {
					p.access, p.refresh = in.Access, in.Refresh
				}
			}
			token, a, err := s.fetch(ctx, base, p)
			count("token", a, err, http.StatusOK)
			if ok, err := s.accepted(ctx, token); err != nil || !ok {
				f.wrong("a token that was served is not good (%v)", err)
			}
		}
		var crowd errgroup.Group
		crowd.SetLimit(32)
		for range newcomers {
			p := l.add()
			crowd.Go(func() error { s.register(ctx, func() string { return base }, p, f, 10*time.Second); return nil })
		}
		_ = crowd.Wait() // what is wrong has been told
		registered += newcomers
		s.progress.add(1)
	}
	waiting, err := s.number(ctx, "SELECT COUNT(*) FROM users WHERE im_state = 'pending'")
	if err != nil {
		return err
	}
	if waiting != registered {
		f.wrong("%d people wait for the cloud, want all %d who registered", waiting, registered)
	}

	if err := s.heal(ctx); err != nil { // peaks count from zero
		return err
	}
	if err := net.accept(); err != nil {
		return err
	}
	// Half of its share, so many a second, is for those who wait behind the requests.
	drained := 2*rest + time.Duration(registered/used)*time.Second
	// What was put off for long comes up when its time has come.
	if err := s.moveClock(ctx, clock, time.Hour); err != nil {
		return err
	}
	took := s.atRest(ctx, f, drained)
	var peaks map[string]int
	if err := s.control(ctx, "/control/peaks", nil, &peaks); err != nil {
		return err
	}
	allowed := 200 * quota / 100
	if peaks[getTokenPath] > allowed {
		f.wrong("%d tokens were minted in one second, want at most %d", peaks[getTokenPath], allowed)
	}
	f.figure("asked while it was down", asked)
	f.figure("served", served)
	f.figure("registered", registered)
	f.figure("drained in", took.Round(100*time.Millisecond).String())
	f.figure("most mints a second", peaks[getTokenPath])
	f.figure("allowed", allowed)
	if err := s.mintedOnce(ctx, f); err != nil {
		return err
	}
	return s.compare(ctx, l, f)
}

// moveClock moves the clocks of the process and of the sandbox forward.
func (s *stage) moveClock(ctx context.Context, file string, by time.Duration) error {
	s.ahead += by
	if err := os.WriteFile(file+".new", []byte(s.ahead.String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	if err := s.control(ctx, "/control/clock", object{"advance": by.String()}, nil); err != nil {
		return err
	}
	time.Sleep(50 * time.Millisecond) // until the process has looked at its file
	return nil
}
