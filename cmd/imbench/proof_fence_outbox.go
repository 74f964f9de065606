package main

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"time"
)

const (
	profilePath = "/user/refresh.json"
	// together is how many profiles one process delivers at the same time.
	together = 6
)

// fenceOutbox stops slow while it tells the cloud of new nicknames, has quick
// tell newer ones after the leases, and lets the cloud act on the old calls last
// of all. The resumed process must not take its work for done: the newer names
// have to be told once more. Late is how many old calls came last.
func (s *stage) fenceOutbox(ctx context.Context, f *finding, slow, quick *proofProcess, crowd []*person) (late int, err error) {
	crowd = crowd[:min(together, len(crowd))]
	hold := 3 * time.Second
	if s.p.long {
		hold = 25 * time.Second
	}
	if err := s.fault(ctx, object{"path": profilePath, "mode": "delay", "delay_ms": hold.Milliseconds(), "times": len(crowd)}); err != nil {
		return 0, err
	}
	rename := func(base, name string) error {
		for _, p := range crowd {
			a, err := s.ask(ctx, http.MethodPatch, base+"/v1/me", p.access, object{"nickname": name})
			if err != nil || a.status != http.StatusOK {
				return fmt.Errorf("change the nickname = %s, %w", a, err)
			}
		}
		return nil
	}
	older, newer := "old"+randomHex()[:8], "new"+randomHex()[:8]
	if err := rename(slow.url["api"], older); err != nil {
		return 0, err
	}
	held, _ := until(ctx, hold*2/3, func() (bool, error) {
		var faults struct{ Faults []struct{ Fired int } }
		err := s.control(ctx, "/control/faults", nil, &faults)
		return err == nil && len(faults.Faults) > 0 && faults.Faults[0].Fired >= len(crowd), err
	})
	sent := time.Now()
	slow.signal(syscall.SIGSTOP)
	defer slow.signal(syscall.SIGCONT)
	if !held {
		return 0, fmt.Errorf("not every profile was under way when the replica was stopped")
	}
	if s.p.long {
		pauseFor(ctx, 21*time.Second)
	} else if _, err := s.db.db.ExecContext(ctx, "UPDATE outbox SET lease_until = 1 WHERE lease_until > 0"); err != nil {
		return 0, err
	}
	if err := rename(quick.url["api"], newer); err != nil {
		return 0, err
	}
	pauseFor(ctx, time.Until(sent.Add(hold+500*time.Millisecond)))
	for _, p := range crowd {
		if name, err := s.cloudName(ctx, p); err == nil && name == older {
			late++
		}
	}
	slow.signal(syscall.SIGCONT)
	for _, p := range crowd {
		name := ""
		good, err := until(ctx, twoLeases/time.Duration(len(crowd)), func() (ok bool, err error) {
			name, err = s.cloudName(ctx, p)
			return name == newer, err
		})
		if !good {
			f.wrong("%s is called %q at the cloud, want the newer name, %q (%v): a late delivery counted", p.id, name, newer, err)
			f.count(0, 1, 0)
		}
	}
	return late, s.heal(ctx)
}

// cloudName is what the cloud calls the person.
func (s *stage) cloudName(ctx context.Context, p *person) (string, error) {
	var in struct {
		Users []struct{ Name string } `json:"users"`
	}
	if err := s.control(ctx, "/control/state?user_id="+p.id, nil, &in); err != nil {
		return "", err
	}
	if len(in.Users) != 1 {
		return "", fmt.Errorf("the cloud knows %d people of that id", len(in.Users))
	}
	return in.Users[0].Name, nil
}
