package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A beat is one request of a traffic.
type beat struct {
	at time.Time // when it ended
	ok bool
}

// A traffic is clients that ask all the time, as a product in use has them.
type traffic struct {
	s    *stage
	l    *ledger
	f    *finding
	base func() string
	// strict: no request may fail.
	strict bool
	pause  time.Duration // of each client between two requests

	clients []*person

	mu    sync.Mutex
	beats []beat
	kinds map[string]int
}

func (t *traffic) note(kind string, a said, err error, ok bool) {
	t.mu.Lock()
	t.beats = append(t.beats, beat{time.Now(), ok})
	if t.kinds == nil {
		t.kinds = map[string]int{}
	}
	t.kinds[kind]++
	t.mu.Unlock()
	if t.strict && !ok {
		t.f.wrong("%s = %s, %v, want success", kind, a, err)
	}
}

// since counts requests that ended between two times.
func (t *traffic) between(from, to time.Time) (all, ok int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.beats {
		if b.at.After(from) && b.at.Before(to) {
			all++
			if b.ok {
				ok++
			}
		}
	}
	return all, ok
}

// begin registers the clients, while nothing is broken yet.
func (t *traffic) begin(ctx context.Context, clients int) error {
	for range clients {
		p, err := t.s.newcomer(ctx, t.l, t.base())
		if err != nil {
			return err
		}
		t.clients = append(t.clients, p)
	}
	return nil
}

// run is the traffic until ctx ends: people who register, fetch their token,
// change their profile, refresh their session.
func (t *traffic) run(ctx context.Context) {
	whole := context.WithoutCancel(ctx) // a request that has begun is finished
	var crowd sync.WaitGroup
	for i, own := range t.clients {
		crowd.Go(func() {
			for ctx.Err() == nil {
				switch i % 4 {
				case 0:
					_, a, err := t.s.fetch(whole, t.base(), own)
					t.note("fetch", a, err, err == nil && a.status == http.StatusOK)
				case 1:
					p := t.l.add()
					for tries := 0; ; tries++ {
						a, err := t.s.registerOnce(whole, t.base(), p)
						ok := err == nil && a.status == http.StatusCreated
						t.note("register", a, err, ok)
						if ok || ctx.Err() != nil || tries > 1000 {
							break
						}
						time.Sleep(t.pause)
					}
				case 2:
					nickname := "N" + randomHex()[:8]
					a, err := t.s.ask(whole, http.MethodPatch, t.base()+"/v1/me", own.access, object{"nickname": nickname})
					ok := err == nil && a.status == http.StatusOK
					t.note("change", a, err, ok)
					if ok {
						own.nicknames = []string{nickname}
					} else {
						if own.nicknames == nil {
							own.nicknames = []string{""}
						}
						own.nicknames = append(own.nicknames, nickname)
					}
				case 3:
					a, err := t.s.ask(whole, http.MethodPost, t.base()+"/v1/session/refresh", "", object{"refresh_token": own.refresh})
					ok := err == nil && a.status == http.StatusOK
					t.note("refresh", a, err, ok)
					if ok {
						err = t.renewed(own, a)
					}
					if err == nil && a.status == http.StatusUnauthorized {
						t.f.wrong("refresh of a living session = %s", a)
						return
					}
				}
				time.Sleep(t.pause)
			}
		})
	}
	crowd.Wait()
}

// outlive sees, when all is well again, that every session is still good: the one
// that a client was given last is refreshed, and the new one fetches a token.
func (t *traffic) outlive(ctx context.Context) {
	for _, own := range t.clients {
		a, err := t.s.ask(ctx, http.MethodPost, t.base()+"/v1/session/refresh", "", object{"refresh_token": own.refresh})
		if err == nil && a.status == http.StatusOK {
			if err = t.renewed(own, a); err == nil {
				_, a, err = t.s.fetch(ctx, t.base(), own)
			}
		}
		if err != nil || a.status != http.StatusOK {
			t.f.wrong("%s was given a session, and it is not good afterwards: %s, %v", own.name, a, err)
			t.f.count(1, 0, 0)
		}
	}
}

// renewed keeps the tokens of a refreshed session.
func (t *traffic) renewed(p *person, a said) error {
	in, err := a.session()
	if err == nil {
		p.access, p.refresh = in.Access, in.Refresh
	}
	return err
}

func (t *traffic) told() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d fetch, %d register, %d change, %d refresh", t.kinds["fetch"], t.kinds["register"], t.kinds["change"], t.kinds["refresh"])
}
