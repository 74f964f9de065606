package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A person is one client, with what it was answered.
type person struct {
	name, key string

	mu       sync.Mutex
	ids      map[string]bool // user ids that it was given
	id       string
	access   string
	refresh  string
	token    string // the connect token it was given last
	answered bool   // registered with success
	made     bool   // registered, though the answer was a failure or none
	failures int
	gone     bool // told that the account is deleted
	// nicknames is the one that they were answered to have last, and those that they
	// asked for since without an answer.
	nicknames []string
}

// A ledger is what all clients of a row were answered.
type ledger struct {
	mu     sync.Mutex
	people []*person
}

// add makes a person who has not asked for anything yet.
func (l *ledger) add() *person {
	p := &person{name: "u" + randomHex()[:20], key: randomHex(), ids: map[string]bool{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.people = append(l.people, p)
	return p
}

// A sessionAnswer is the part of an answer that a client goes on with.
type sessionAnswer struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// session reads what a refresh says.
func (a said) session() (sessionAnswer, error) {
	var in struct {
		Session sessionAnswer `json:"session"`
	}
	err := json.Unmarshal(a.body, &in)
	if err == nil && in.Session.Refresh == "" {
		err = fmt.Errorf("an answer without a session: %.200s", a.body)
	}
	return in.Session, err
}

// loginAnswer is what register and login say.
type loginAnswer struct {
	User struct {
		ID      string `json:"id"`
		IMState string `json:"im_state"`
	} `json:"user"`
	Session sessionAnswer `json:"session"`
	IM      *struct {
		Token string `json:"token"`
	} `json:"im"`
}

func (a said) login() (loginAnswer, error) {
	var in loginAnswer
	err := json.Unmarshal(a.body, &in)
	if err == nil && (in.User.ID == "" || in.Session.Access == "") {
		err = fmt.Errorf("an answer without a user or a session: %.200s", a.body)
	}
	return in, err
}

// leaves notes that the person is about to be deleted.
func (p *person) leaves() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
}

func (p *person) note(in loginAnswer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids[in.User.ID] = true
	p.id, p.access, p.refresh, p.answered = in.User.ID, in.Session.Access, in.Session.Refresh, true
	if in.IM != nil {
		p.token = in.IM.Token
	}
}

// registerOnce asks base to register the person, with their idempotency key.
func (s *stage) registerOnce(ctx context.Context, base string, p *person) (said, error) {
	a, err := s.ask(ctx, http.MethodPost, base+"/v1/register", "", object{"username": p.name, "password": proofPassword}, "Idempotency-Key", p.key)
	if err != nil || a.status != http.StatusCreated {
		return a, err
	}
	in, err := a.login()
	if err != nil {
		return a, err
	}
	p.note(in)
	return a, nil
}

// register repeats until it succeeds, as a client with an idempotency key may.
func (s *stage) register(ctx context.Context, base func() string, p *person, f *finding, within time.Duration) bool {
	deadline := time.Now().Add(within)
	for {
		a, err := s.registerOnce(ctx, base(), p)
		switch {
		case err == nil && a.status == http.StatusCreated:
			return true
		case err == nil && a.status == http.StatusConflict:
			f.wrong("register %s with its own key = %s: the name was said to be taken", p.name, a)
			return false
		case err == nil && a.status < 500 && a.status != http.StatusTooManyRequests:
			f.wrong("register %s = %s, want 201 or a reason to come again", p.name, a)
			return false
		}
		p.failures++
		if !p.made {
			n, err := s.number(ctx, "SELECT COUNT(*) FROM users WHERE username_key = ?", p.name)
			p.made = err == nil && n > 0
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			f.wrong("register %s did not succeed within %s; last %s, %v", p.name, within, a, err)
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// newcomer registers somebody where nothing is broken.
func (s *stage) newcomer(ctx context.Context, l *ledger, base string) (*person, error) {
	p := l.add()
	a, err := s.registerOnce(ctx, base, p)
	if err == nil && a.status != http.StatusCreated {
		err = fmt.Errorf("register = %s", a)
	}
	return p, err
}

// fetch asks for the person's connect token.
func (s *stage) fetch(ctx context.Context, base string, p *person) (token string, a said, err error) {
	a, err = s.ask(ctx, http.MethodGet, base+"/v1/im/token", p.access, nil)
	if err != nil || a.status != http.StatusOK {
		return "", a, err
	}
	var in struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(a.body, &in); err != nil || in.Token == "" {
		return "", a, fmt.Errorf("an answer without a token: %.200s", a.body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = in.Token
	return in.Token, a, nil
}

// login makes a new session for the person.
func (s *stage) login(ctx context.Context, base string, p *person) (said, error) {
	a, err := s.ask(ctx, http.MethodPost, base+"/v1/login", "", object{"login": p.name, "password": proofPassword})
	if err != nil || a.status != http.StatusOK {
		return a, err
	}
	in, err := a.login()
	if err == nil {
		p.note(in)
	}
	return a, err
}

// atRest waits until the outbox is empty and nobody is pending, and tells what
// is left if that does not happen.
func (s *stage) atRest(ctx context.Context, f *finding, within time.Duration) time.Duration {
	start := time.Now()
	left := ""
	ok, err := every(ctx, s.poll, within, func() (bool, error) {
		// What is to be told much later, the end of a lifetime or of a ban, is at
		// rest; what waits for the end of a lease is not.
		waiting, err := s.number(ctx, "SELECT COUNT(*) FROM outbox WHERE buried_at IS NULL AND due_at <= ?", time.Now().Add(s.ahead+rest).UnixMicro())
		if err != nil {
			return false, err
		}
		if waiting > 0 { // to count people is to read them all
			left = fmt.Sprintf("%d outbox rows waiting", waiting)
			return false, nil
		}
		pending, err := s.number(ctx, "SELECT COUNT(*) FROM users WHERE im_state = 'pending' AND status = 'active'")
		left = fmt.Sprintf("no outbox rows waiting, %d people pending", pending)
		return err == nil && pending == 0, err
	})
	if took := time.Since(start); !ok || took > within+s.poll+time.Second {
		f.wrong("not at rest within %s: %s, %v%s", within, left, err, s.waiting(ctx))
	}
	if buried, _ := s.number(ctx, "SELECT COUNT(*) FROM outbox WHERE buried_at IS NOT NULL"); buried > 0 {
		f.wrong("%d outbox rows are buried%s", buried, s.waiting(ctx))
	}
	return time.Since(start)
}

// waiting shows a few outbox rows.
func (s *stage) waiting(ctx context.Context) string {
	rows, err := s.db.db.QueryContext(ctx, "SELECT kind, subject, attempts, last_error FROM outbox LIMIT 3")
	if err != nil {
		return ""
	}
	defer func() { _ = rows.Close() }()
	text := ""
	for rows.Next() {
		var kind, subject, last string
		var attempts int
		if rows.Scan(&kind, &subject, &attempts, &last) == nil {
			text += fmt.Sprintf("; %s of %s, %d attempts: %s", kind, subject, attempts, last)
		}
	}
	_ = rows.Err()
	return text
}
