package main

import (
	"context"
	"net/http"
)

// A saga is one change, done by a client or an admin, at whose steps the process
// is killed.
type saga struct {
	name string
	// do asks for the change once; done tells whether it was answered as made.
	do func(ctx context.Context, r *crashes, p *person) (done bool, a said, err error)
	// fresh: the person is not registered before.
	fresh bool
	// renews: once it is answered, the token of before is not served any more.
	renews bool
	// ends: afterwards nothing that the person held is good.
	ends bool
}

var sagas = []saga{
	{name: "register", fresh: true, do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.s.registerOnce(ctx, r.base(), p)
		return err == nil && a.status == http.StatusCreated, a, err
	}},
	{name: "reissue", renews: true, do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.admin.reissue(ctx, r.base(), p)
		return err == nil && a.status == http.StatusOK, a, err
	}},
	{name: "revoke", ends: true, do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.s.ask(ctx, http.MethodPost, r.base()+"/v1/logout", p.access, object{"scope": "all"})
		return err == nil && (a.status == http.StatusNoContent || a.code() == "session_ended"), a, err
	}},
	{name: "ban", ends: true, do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.admin.ban(ctx, r.base(), p)
		return err == nil && a.status < 300, a, err
	}},
	{name: "delete", ends: true, do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		p.leaves() // or not: where no answer came, both sides only have to agree
		a, err := r.admin.remove(ctx, r.base(), p)
		return err == nil && (a.status < 300 || a.status == http.StatusNotFound), a, err
	}},
	{name: "rotate", renews: true, do: func(ctx context.Context, r *crashes, p *person) (bool, said, error) {
		a, err := r.admin.rotate(ctx, r.base())
		if err != nil || a.status >= 300 {
			return false, a, err
		}
		// The mark is for the next fetch to act on.
		_, fetched, err := r.s.fetch(ctx, r.base(), p)
		if err != nil {
			a = fetched
		}
		return true, a, err
	}},
}

// A sufferer is a person whose change was under way at a crash.
type sufferer struct {
	p    *person
	saga saga
	step int
	done bool // was answered as made
	// held and before are their token and what the database said before the change.
	held   string
	before standing
}

// A standing is what the database says of somebody: it decides what of theirs is
// good.
type standing struct {
	status string // "" for somebody who is not there
	epoch  int    // of sessions and tokens
}

func (s *stage) standing(ctx context.Context, p *person) (standing, error) {
	var n standing
	rows, err := s.db.db.QueryContext(ctx, "SELECT status, token_epoch FROM users WHERE id = ?", p.id)
	if err != nil {
		return n, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := rows.Scan(&n.status, &n.epoch); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// ended tells whether what was good before is so no more.
func (n standing) ended(before standing) bool {
	return n.status != before.status || n.epoch != before.epoch
}

// renewed sees, once the change is answered, that the token of before is replaced.
// A mint that was under way keeps the next one waiting.
func (r *crashes) renewed(ctx context.Context, c sufferer) {
	var token string
	var a said
	got, err := every(ctx, r.s.poll, twoLeases, func() (ok bool, err error) {
		token, a, err = r.s.fetch(ctx, r.base(), c.p)
		return token != "", err
	})
	switch {
	case !got:
		r.f.wrong("%s, killed at step %d: token after it was answered = %s, %v", c.saga.name, c.step, a, err)
	case token == c.held:
		r.f.wrong("%s, killed at step %d: it was answered, and the token of before is served", c.saga.name, c.step)
		r.f.count(1, 0, 0)
	}
}

// check sees, at rest, that what clients were told is so, and that both sides say
// the same of those who were told nothing.
func (r *crashes) check(ctx context.Context) {
	for _, c := range r.crowd {
		if c.p.id == "" {
			continue // nobody was registered, and nobody was told so
		}
		now, err := r.s.standing(ctx, c.p)
		if err != nil {
			r.f.wrong("%s: %v", c.p.name, err)
			continue
		}
		ended := !c.saga.fresh && now.ended(c.before)
		switch {
		case ended && !c.saga.ends:
			r.f.wrong("%s, killed at step %d: %s was %+v and is %+v", c.saga.name, c.step, c.p.name, c.before, now)
		case c.done && c.saga.ends && !ended:
			r.f.wrong("%s, killed at step %d: %s was told that it is done, and it is not", c.saga.name, c.step, c.p.name)
			r.f.count(1, 0, 0)
		}
		if ended {
			r.isOut(ctx, c)
		} else {
			r.isAlive(ctx, c)
		}
	}
	r.crowd = nil
}

// isAlive: the person fetches a token, and the cloud takes it.
func (r *crashes) isAlive(ctx context.Context, c sufferer) {
	token, a, err := r.s.fetch(ctx, r.base(), c.p)
	if token == "" {
		r.f.wrong("%s, killed at step %d: token of %s afterwards = %s, %v", c.saga.name, c.step, c.p.name, a, err)
		return
	}
	if ok, err := r.s.accepted(ctx, token); err != nil || !ok {
		r.f.wrong("%s, killed at step %d: the cloud refuses the token that %s fetched afterwards (%v)", c.saga.name, c.step, c.p.name, err)
		r.f.count(1, 0, 0)
	}
}

// isOut: nothing that the person held is good any more.
func (r *crashes) isOut(ctx context.Context, c sufferer) {
	if _, a, err := r.s.fetch(ctx, r.base(), c.p); err != nil || a.status < 400 {
		r.f.wrong("%s, killed at step %d: the old session of %s fetches a token afterwards: %s, %v", c.saga.name, c.step, c.p.name, a, err)
	}
	if ok, err := r.s.accepted(ctx, c.held); err != nil || ok {
		r.f.wrong("%s, killed at step %d (answered: %t): %s is out here, and the cloud takes their old token (%v)", c.saga.name, c.step, c.done, c.p.name, err)
		r.f.count(0, 1, 0)
	}
}
