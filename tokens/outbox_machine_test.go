package tokens

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"imbridge/models"
	"imbridge/tokens/im"
	"imbridge/tokens/im/rongcloud"
	"imbridge/tokens/im/sandbox"
	"imbridge/tokens/outbox"
)

// What a door does to calls.
const (
	doorOpen = iota
	doorShut // nothing arrives
	doorLost // all arrives, and no answer comes back
)

// A door stands before the client, without the client's own patience.
type door struct {
	*rongcloud.Client
	state *int
}

// halfway makes the cloud act in the middle of a millisecond, and the database
// at its beginning: the cloud compares whole ones.
func halfway() { time.Sleep(time.Duration((1500-time.Now().UnixMicro()%1000)%1000) * time.Microsecond) }

func (d *door) pass(call func() error) error {
	if *d.state == doorShut {
		return &im.Error{Cloud: "door", Op: "any", Kind: im.Unavailable, Message: "shut"}
	}
	halfway()
	err := call()
	if err == nil && *d.state == doorLost {
		err = &im.Error{Cloud: "door", Op: "any", Kind: im.Unknown, Message: "lost"}
	}
	return err
}

func (d *door) Mint(ctx context.Context, u im.User, life time.Duration) (token im.Token, err error) {
	err = d.pass(func() error { token, err = d.Client.Mint(ctx, u, life); return err })
	if err != nil {
		token = im.Token{}
	}
	return token, err
}

func (d *door) RevokeBefore(ctx context.Context, id string, at time.Time) (ended time.Time, err error) {
	err = d.pass(func() (err error) { ended, err = d.Client.RevokeBefore(ctx, id, at); return err })
	return ended, err
}

func (d *door) Ban(ctx context.Context, id string, long time.Duration) error {
	return d.pass(func() error { return d.Client.Ban(ctx, id, long) })
}

func (d *door) Unban(ctx context.Context, id string) error {
	return d.pass(func() error { return d.Client.Unban(ctx, id) })
}

func (d *door) PutProfile(ctx context.Context, u im.User) error {
	return d.pass(func() error { return d.Client.PutProfile(ctx, u) })
}

func (d *door) Remove(ctx context.Context, id string) error {
	return d.pass(func() error { return d.Client.Remove(ctx, id) })
}

// A member is what the model knows of one person.
type member struct {
	id, session string
	out         bool // the session has ended
	status      string
	name        string
	current     string          // the stored token, where the model knows it
	held        map[string]bool // tokens that were handed out → they must have ended
}

// end is what a ban, a deletion and a logout everywhere do to tokens.
func (p *member) end() {
	p.current = ""
	for token := range p.held {
		p.held[token] = true
	}
}

// An outboxMachine drives two processes, with an issuer and a runner each, and
// knows of a few people what must be true once the outbox is empty.
type outboxMachine struct {
	t         testing.TB
	db        *sql.DB
	processes []*rig
	door      int
	people    []*member
	dead      time.Time // when the last lease of a mint whose process died ends
	serial    *int
	steps     *int
}

func (m *outboxMachine) person(t *rapid.T) *member {
	if len(m.people) == 0 {
		m.add()
	}
	return m.people[rapid.IntRange(0, len(m.people)-1).Draw(t, "person")]
}

func (m *outboxMachine) any(t *rapid.T) *rig {
	return m.processes[rapid.IntRange(0, len(m.processes)-1).Draw(t, "process")]
}

// whole waits for the next millisecond to begin.
func whole() { time.Sleep(time.Duration(1000-time.Now().UnixMicro()%1000) * time.Microsecond) }

func (m *outboxMachine) must(what string, err error) {
	if err != nil {
		m.t.Fatalf("%s = %v, want nil", what, err)
	}
}

// add registers somebody, without the time that a password's hash takes.
func (m *outboxMachine) add() {
	*m.serial++
	id, now := fmt.Sprintf("01mc%022d", *m.serial), time.Now().UnixMicro()
	_, err := m.db.Exec("INSERT INTO users (id, im_id, username, username_key, password_hash, created_at, updated_at) VALUES (?, ?, ?, ?, '-', ?, ?)", id, id, id, id, now, now)
	m.must("register", err)
	_, err = m.db.Exec("INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at) VALUES (?, 'provision', ?, ?, ?, ?)", "p"+id[1:], id, now+5e6, now+5e6, now)
	m.must("register", err)
	p := &member{id: id, status: models.StatusActive, name: id, held: map[string]bool{}}
	m.login(p)
	m.people = append(m.people, p)
}

func (m *outboxMachine) login(p *member) {
	u, err := m.processes[0].store.User(context.Background(), p.id)
	m.must("User", err)
	s, _, err := m.processes[0].store.CreateSession(context.Background(), u, models.Origin{})
	m.must("CreateSession", err)
	_, err = m.db.Exec("UPDATE sessions SET expires_at = ? WHERE id = ?", int64(1)<<60, s.ID)
	m.must("let the session last", err)
	p.session, p.out = s.ID, false
}

func (m *outboxMachine) Register(t *rapid.T) {
	if len(m.people) < 4 {
		m.add()
	}
}

func (m *outboxMachine) Login(t *rapid.T) {
	if p := m.person(t); p.status == models.StatusActive && p.out {
		m.login(p)
	}
}

// token holds what somebody got against the model.
func (m *outboxMachine) token(t *rapid.T, p *member, c ConnectToken, err error) {
	switch {
	case p.status == models.StatusDeleted || p.out:
		if !errors.Is(err, models.ErrSessionEnded) {
			t.Fatalf("token for somebody gone = %v, want ErrSessionEnded", err)
		}
	case p.status == models.StatusBanned:
		if !errors.Is(err, models.ErrBanned) {
			t.Fatalf("token for somebody banned = %v, want ErrBanned", err)
		}
	case err != nil:
		if errors.As(err, new(*TooOftenError)) {
			return
		}
		if m.door == doorOpen && !time.Now().Add(-12*time.Second).Before(m.dead) || !im.Temporary(err) {
			t.Fatalf("token = %v, want one", err)
		}
	default:
		if p.held[c.Value] {
			t.Fatal("a token that has ended was handed out")
		}
		p.held[c.Value] = false
		p.current = c.Value
	}
}

func (m *outboxMachine) Fetch(t *rapid.T) {
	p := m.person(t)
	known := p.current
	c, err := m.any(t).Token(context.Background(), p.id, p.session)
	if known != "" && (err != nil || c.Value != known) {
		t.Fatalf("token while one is stored = %v (the stored one: %t), want it, whatever the cloud does", err, c.Value == known)
	}
	m.token(t, p, c, err)
}

func (m *outboxMachine) Refuse(t *rapid.T) {
	p := m.person(t)
	if p.current == "" {
		return
	}
	c, err := m.any(t).Refused(context.Background(), p.id, p.session, p.current)
	if err == nil && c.Value == p.current {
		t.Fatal("the token that was reported as refused was handed out again")
	}
	m.token(t, p, c, err)
}

// change does one thing to a person, in the database and in the model.
func (m *outboxMachine) change(p *member, r *rig, what, name string) {
	ctx := context.Background()
	whole()
	switch what {
	case "log out":
		m.must(what, r.store.EndSessions(ctx, p.id, "", models.Origin{}))
	case "ban":
		m.must(what, r.store.BanUser(ctx, p.id, "spam", "admin:a", models.Origin{}))
	case "unban":
		m.must(what, r.store.UnbanUser(ctx, p.id, "", "admin:a", models.Origin{}))
	case "delete":
		m.must(what, r.store.DeleteUser(ctx, p.id, "admin:a", models.Origin{}))
	case "rename":
		for {
			_, err := r.store.ChangeProfile(ctx, p.id, models.ProfileChange{Nickname: &name}, models.Origin{})
			if errors.Is(err, models.ErrStale) { // another change came between
				continue
			}
			m.must(what, err)
			break
		}
	}
}

func (m *outboxMachine) changed(p *member, what, name string) {
	switch what {
	case "log out":
		p.out = true
		p.end()
	case "ban":
		p.status = models.StatusBanned
		p.end()
	case "unban":
		p.status = models.StatusActive
	case "delete":
		p.status, p.out = models.StatusDeleted, true
		p.end()
	case "rename":
		p.name = name
	}
}

// draw chooses a change that the person can undergo.
func (m *outboxMachine) draw(t *rapid.T, p *member) (what, name string) {
	if p.status == models.StatusDeleted {
		return "", ""
	}
	return rapid.SampledFrom([]string{"log out", "log out", "ban", "ban", "unban", "unban", "rename", "rename", "delete"}).Draw(t, "change"),
		rapid.StringMatching("[a-z]{1,8}").Draw(t, "name")
}

func (m *outboxMachine) Change(t *rapid.T) {
	p := m.person(t)
	what, name := m.draw(t, p)
	m.change(p, m.any(t), what, name)
	m.changed(p, what, name)
}

// Race lets a fetch, a change and both runners meet.
func (m *outboxMachine) Race(t *rapid.T) {
	p := m.person(t)
	what, name := m.draw(t, p)
	one, other := m.any(t), m.any(t)
	delay := time.Duration(rapid.IntRange(0, 4).Draw(t, "delay")) * time.Millisecond
	var c ConnectToken
	var err error
	var all sync.WaitGroup
	all.Go(func() { c, err = one.Token(context.Background(), p.id, p.session) })
	all.Go(func() {
		time.Sleep(delay)
		m.change(p, other, what, name)
	})
	all.Go(func() { m.run(50 * time.Millisecond) })
	all.Wait()
	if err == nil {
		if p.status != models.StatusActive && what != "unban" || p.out || p.held[c.Value] {
			t.Fatalf("a token for somebody who is %s, ended before: %t", p.status, p.held[c.Value])
		}
		p.held[c.Value] = false
	}
	m.changed(p, what, name)
	p.current = "" // whichever came first
}

// run lets both runners work.
func (m *outboxMachine) run(d time.Duration) {
	ctx, stop := context.WithTimeout(context.Background(), d)
	defer stop()
	var all sync.WaitGroup
	for _, r := range m.processes {
		all.Go(func() {
			if err := r.outbox().Run(ctx); err != nil {
				m.t.Errorf("Run = %v", err)
			}
		})
	}
	all.Wait()
}

func (m *outboxMachine) Deliver(t *rapid.T) {
	m.run(rapid.SampledFrom([]time.Duration{time.Millisecond, 20 * time.Millisecond, 6 * time.Second}).Draw(t, "for"))
}

// CrashRunner takes leases and dies, before the calls or after them.
func (m *outboxMachine) CrashRunner(t *rapid.T) {
	r := m.any(t)
	*m.serial++
	rows, err := r.store.ClaimOutbox(context.Background(), everyKind, fmt.Sprint("dead/", *m.serial), time.Now().Add(outbox.DefaultLease), rapid.IntRange(1, 5).Draw(t, "rows"))
	m.must("ClaimOutbox", err)
	if rapid.Bool().Draw(t, "after the calls") {
		for _, row := range rows {
			_ = r.outbox().Deliver(context.Background(), row.Kind, row.Subject)
		}
	}
}

// CrashMint takes the lease of a mint and dies, before the call or after it.
func (m *outboxMachine) CrashMint(t *rapid.T) {
	p, r := m.person(t), m.any(t)
	v, err := r.store.TokenView(context.Background(), r.App(), p.id, "")
	if err != nil {
		return // banned or deleted
	}
	*m.serial++
	until := time.Now().Add(r.MintTimeout + leaseMargin)
	if err := r.store.ClaimToken(context.Background(), r.App(), v, fmt.Sprint("dead/", *m.serial), until); err != nil {
		return // somebody is at it
	}
	m.dead = until
	if rapid.Bool().Draw(t, "after the call") {
		_, _ = r.call(context.Background(), v)
	}
}

func (m *outboxMachine) TurnDoor(t *rapid.T) {
	m.door = rapid.SampledFrom([]int{doorOpen, doorOpen, doorShut, doorLost}).Draw(t, "door")
}

func (m *outboxMachine) Advance(t *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 20 * time.Second, 5 * time.Minute, 11 * 24 * time.Hour}).Draw(t, "step"))
}

// Settle heals all and holds the cloud against the model.
func (m *outboxMachine) Settle(t *rapid.T) {
	m.door = doorOpen
	time.Sleep(outbox.DefaultLease)
	for try := 0; ; try++ {
		m.run(time.Second)
		now := time.Now()
		var left, due, buried int
		err := m.db.QueryRow(`SELECT COUNT(*), COALESCE(SUM(next_at <= ?), 0), COALESCE(SUM(buried_at IS NOT NULL), 0) FROM outbox WHERE kind <> 'ban' OR next_at <= ?`,
			now.UnixMicro(), now.Add(5*time.Minute).UnixMicro()).Scan(&left, &due, &buried)
		m.must("count", err)
		if buried > 0 {
			t.Fatalf("buried rows = %d, want none", buried)
		}
		if left == 0 {
			break
		}
		if try == 20 {
			t.Fatalf("rows left after %d rounds = %d, due %d; want an empty outbox", try, left, due)
		}
		time.Sleep(20 * time.Second)
	}
	for _, p := range m.people {
		m.settled(t, p)
	}
}

// settled is what holds for everybody once the outbox is empty.
func (m *outboxMachine) settled(t *rapid.T, p *member) {
	cloud := m.processes[0].cloud
	for token, ended := range p.held {
		if state := cloud.box.TokenState(token); ended && state == sandbox.StateValid {
			t.Fatalf("somebody %s (logged out %t) holds a token that ended here and connects at the cloud", p.status, p.out)
		}
	}
	u := cloud.user(m.t, p.id)
	switch p.status {
	case models.StatusActive:
		if !u.known || u.banned || u.removed || u.name != p.name {
			t.Fatalf("the cloud's idea of somebody active = %+v, want them known by the name %q", u, p.name)
		}
		if p.out {
			break
		}
		if c, err := m.processes[0].Token(context.Background(), p.id, p.session); err != nil || cloud.box.TokenState(c.Value) != sandbox.StateValid {
			t.Fatalf("token for somebody active = %v, at the cloud %s; want a valid one", err, cloud.box.TokenState(c.Value))
		} else {
			m.token(t, p, c, err)
		}
	case models.StatusBanned:
		if u.known && !u.banned || u.removed || u.valid != 0 || u.known && u.name != p.name {
			t.Fatalf("the cloud's idea of somebody banned = %+v, want them banned, if known, by the name %q", u, p.name)
		}
	case models.StatusDeleted:
		if u.known && !u.removed || u.valid != 0 {
			t.Fatalf("the cloud's idea of somebody deleted = %+v, want them removed", u)
		}
		var scrubbed int
		m.must("scrubbed", m.db.QueryRow("SELECT COUNT(*) FROM users WHERE id = ? AND scrubbed_at IS NOT NULL", p.id).Scan(&scrubbed))
		if scrubbed != 1 {
			t.Fatal("a tombstone was not scrubbed")
		}
	}
}

// Check counts.
func (m *outboxMachine) Check(*rapid.T) { *m.steps++ }

// machineSteps is the variable that makes the walks of TestOutboxMachine long:
//
//	make machine
//
// sets it to 100,000 and runs about that many steps with -race, in walks of a
// hundred. Without it there are some thousand.
const machineSteps = "IMBRIDGE_MACHINE_STEPS"

// TestOutboxMachine runs random walks of two processes with issuer and outbox
// against the model. Nobody banned, deleted or logged out may hold a token that
// the cloud takes once the outbox is empty, nobody active may be without, and
// names there are those here.
func TestOutboxMachine(t *testing.T) {
	checks := 40 // a fifth of it with -short
	if raced {
		checks = 10
	}
	if text := os.Getenv(machineSteps); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s is %q, want a number", machineSteps, text)
		}
		checks = n/90 + 1 // a walk is a little shorter than a hundred, by chance
	}
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(checks), "rapid.steps": "100"} {
		f := flag.Lookup(name)
		before := f.Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, before) })
	}
	var serial, steps int
	rapid.Check(t, func(rt *rapid.T) {
		// A failure is a panic, which must reach rapid in its own goroutine.
		var failed any
		synctest.Test(t, func(t *testing.T) {
			defer func() { failed = recover() }()
			r := newBubbleRig(t)
			m := &outboxMachine{t: t, db: r.store.SQL(t), processes: []*rig{r, r.cloud.rig(t, r.store.Again(t), "p2")}, serial: &serial, steps: &steps}
			for _, p := range m.processes {
				client, ok := p.Cloud.(*rongcloud.Client)
				if !ok {
					t.Fatalf("the cloud is a %T, want a client", p.Cloud)
				}
				p.Cloud = &door{client, &m.door}
			}
			rt.Repeat(rapid.StateMachineActions(m))
			m.Settle(rt)
		})
		if failed != nil {
			panic(failed)
		}
	})
	t.Logf("%d steps", steps)
}
