package tokens

import (
	"context"
	"errors"
	"flag"
	"testing"
	"time"

	"pgregory.net/rapid"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/im/sandbox"
)

// A machine drives two processes and knows, of one person, what may be stored.
type machine struct {
	t         testing.TB
	processes []*rig
	p         person

	lifetime time.Duration // of the default
	down     bool
	epoch    int

	has     bool // a token is stored
	current string
	issued  time.Time
	given   map[string]int  // each token handed out, and its epoch
	order   []string        // the same, the oldest first
	revoked map[string]bool // those that were good when tokens were revoked
	window  []time.Time     // mints for reports of refusal
	mints   int
	before  int // mints of earlier walks
}

func newMachine(t testing.TB, r, r2 *rig) *machine {
	m := &machine{t: t, processes: []*rig{r, r2}, p: r.person(t), given: map[string]int{}, revoked: map[string]bool{}, before: r.cloud.mints()}
	r.store.Exec(t, "UPDATE sessions SET expires_at = ? WHERE id = ?", int64(1)<<60, m.p.session)
	r.setLifetime(t, "", 0)
	r.cloud.turn(t, "/control/reset", map[string]any{})
	return m
}

func (m *machine) now() time.Time { return m.processes[0].Now() }

// usable is the model's own idea of a token that may be handed out.
func (m *machine) usable() bool {
	end := m.issued.Add(m.lifetime)
	return m.has && (m.lifetime == 0 || m.now().Before(end))
}

// expect holds an answer against the model: must tells whether a new token is
// due, and cause why none may come although the cloud is up.
func (m *machine) expect(t *rapid.T, c ConnectToken, err error, must bool, counted bool) {
	if !must {
		if err != nil || c.Value != m.current {
			t.Fatalf("got %v (the stored token: %t), want the stored token", err, c.Value == m.current)
		}
		m.check(t, c)
		return
	}
	if counted {
		if len(m.window) > 0 && m.now().Sub(m.window[0]) >= refusedWindow {
			m.window = nil
		}
		if len(m.window) >= refusedMax {
			if !errors.As(err, new(*TooOftenError)) {
				t.Fatalf("got %v after %d mints for reports within a minute, want TooOftenError", err, len(m.window))
			}
			return
		}
	}
	if m.down {
		if im.KindOf(err) != im.Quota {
			t.Fatalf("got %v with the cloud down, want its error", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("got %v, want a new token", err)
	}
	if _, old := m.given[c.Value]; old {
		t.Fatal("got a token handed out before, want a new one")
	}
	m.mints++
	if counted {
		m.window = append(m.window, m.now())
	}
	m.has, m.current, m.issued = true, c.Value, m.now()
	m.given[c.Value] = m.epoch
	m.order = append(m.order, c.Value)
	m.check(t, c)
}

// check is what holds for every token handed out.
func (m *machine) check(t *rapid.T, c ConnectToken) {
	if !c.ExpiresAt.IsZero() && !m.now().Before(c.ExpiresAt) {
		t.Fatalf("handed out at %s a token that ended at %s", m.now(), c.ExpiresAt)
	}
	if want := m.issued.Add(m.lifetime); m.lifetime > 0 != !c.ExpiresAt.IsZero() || m.lifetime > 0 && !c.ExpiresAt.Equal(want) {
		t.Fatalf("ExpiresAt = %s, want %s under a lifetime of %s", c.ExpiresAt, want, m.lifetime)
	}
	if m.given[c.Value] != m.epoch {
		t.Fatalf("handed out a token of epoch %d in epoch %d", m.given[c.Value], m.epoch)
	}
	if state := m.processes[0].cloud.box.TokenState(c.Value); state != sandbox.StateValid {
		t.Fatalf("handed out a token that the cloud calls %s", state)
	}
}

func (m *machine) any(t *rapid.T) *rig { return rapid.SampledFrom(m.processes).Draw(t, "process") }

func (m *machine) Fetch(t *rapid.T) {
	must := !m.usable()
	c, err := m.any(t).Token(context.Background(), m.p.id, m.p.session)
	m.expect(t, c, err, must, false)
}

func (m *machine) RefuseCurrent(t *rapid.T) {
	c, err := m.any(t).Refused(context.Background(), m.p.id, m.p.session, m.current)
	m.expect(t, c, err, true, true)
}

func (m *machine) RefuseAnother(t *rapid.T) {
	token := "never ours"
	if n := len(m.order); n > 0 {
		if old := m.order[rapid.IntRange(0, n-1).Draw(t, "which")]; old != m.current {
			token = old
		}
	}
	must := !m.usable()
	c, err := m.any(t).Refused(context.Background(), m.p.id, m.p.session, token)
	m.expect(t, c, err, must, true)
}

func (m *machine) Reissue(t *rapid.T) {
	c, err := m.any(t).Reissue(context.Background(), m.p.id)
	m.expect(t, c, err, true, false)
}

func (m *machine) SetLifetime(t *rapid.T) {
	m.lifetime = rapid.SampledFrom([]time.Duration{0, 20 * time.Second, time.Hour, 24 * time.Hour}).Draw(t, "lifetime")
	m.processes[0].setLifetime(m.t, "", m.lifetime)
}

func (m *machine) Advance(t *rapid.T) {
	m.processes[0].store.Clock.Advance(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 15 * time.Second, time.Minute,
		30 * time.Minute, 20 * time.Hour, 24 * time.Hour}).Draw(t, "step"))
}

func (m *machine) TurnCloud(t *rapid.T) {
	m.down = !m.down
	if m.down {
		m.processes[0].cloud.turn(m.t, "/control/faults", map[string]any{"path": "*", "mode": "code", "code": 1009}) // not tried again
		return
	}
	m.processes[0].cloud.turn(m.t, "/control/reset", map[string]any{})
}

// RevokeAll is a logout on all other devices.
func (m *machine) RevokeAll(t *rapid.T) {
	m.processes[0].store.Clock.Advance(time.Millisecond)
	m.processes[0].logOutOthers(m.t, m.p)
	m.has, m.current = false, ""
	m.epoch++
	for _, v := range m.order {
		m.revoked[v] = true
	}
	// The cloud compares milliseconds.
	m.processes[0].store.Clock.Advance(time.Millisecond)
}

// Behind does what Run does now and then.
func (m *machine) Behind(t *rapid.T) {
	r := m.any(t)
	if m.down {
		return
	}
	v, err := r.store.TokenView(context.Background(), r.App(), m.p.id, "")
	if err != nil {
		t.Fatal(err)
	}
	due := r.due(v)
	if err := r.await(context.Background(), m.p.id, "", r.due); err != nil {
		t.Fatalf("renewal behind = %v", err)
	}
	if due {
		if v, err = r.store.TokenView(context.Background(), r.App(), m.p.id, ""); err != nil {
			t.Fatal(err)
		}
		m.expect(t, r.connect(v), nil, true, false)
	}
	if err := r.outbox().Deliver(context.Background(), models.KindRevoke, m.p.id); err != nil {
		t.Fatalf("revocation = %v", err)
	}
	for n, v := range m.order {
		if state := r.cloud.box.TokenState(v); m.revoked[v] && state != sandbox.StateExpired {
			t.Fatalf("the cloud calls token %d of %d, which was revoked, %s, want %s", n+1, len(m.order), state, sandbox.StateExpired)
		}
	}
}

// Check: the cloud has made no more than the model allows.
func (m *machine) Check(t *rapid.T) {
	if n := m.processes[0].cloud.mints() - m.before; n != m.mints {
		t.Fatalf("the cloud has made %d tokens, want %d", n, m.mints)
	}
}

// TestIssuerMachine runs random walks of two processes against the model.
func TestIssuerMachine(t *testing.T) {
	if raced {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			t.Fatal(err)
		}
	}
	s := modelstest.Open(t)
	r := newRig(t, s)
	r2 := r.again(t)
	rapid.Check(t, func(rt *rapid.T) {
		rt.Repeat(rapid.StateMachineActions(newMachine(t, r, r2)))
	})
}
