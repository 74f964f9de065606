package handlers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"imbridge/handlers"
	"imbridge/models"
	"imbridge/tokens"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// rollback makes registrations depend on the cloud, with time for one try.
func rollback(d *handlers.Deps) { d.Settings.Rollback, d.Settings.RegisterBudget = true, time.Second }

// refusing is a cloud that gives nothing.
var refusing = map[string]any{"path": "/user/getToken.json", "mode": "status", "status": 503}

func (r *rig) registerWith(key string) answer {
	r.t.Helper()
	return r.do(request{method: "POST", path: "/v1/register", body: map[string]any{"username": "ann", "password": password}, header: map[string]string{"Idempotency-Key": key}})
}

// want503 is what a registration that was taken back is answered with.
func want503(t *testing.T, what string, a answer) {
	t.Helper()
	a.want(t, what, http.StatusServiceUnavailable, "im_unavailable")
	if a.header.Get("Retry-After") == "" || a.header.Get("Retry-After") == "0" {
		t.Errorf("Retry-After of %s = %q, want seconds", what, a.header.Get("Retry-After"))
	}
}

// deliverRemovals is what the outbox's runner does for the deleted.
func (r *rig) deliverRemovals() {
	r.t.Helper()
	d := &outbox.Delivery{Store: r.store.Store, Cloud: r.deps.Issuer.Cloud, Issuer: r.deps.Issuer, Rate: 10, Now: r.store.Clock.Now}
	rows, err := r.store.Outbox(context.Background(), models.OutboxFilter{Kind: models.KindRemove}, "", 100)
	if err != nil {
		r.t.Fatal(err)
	}
	r.store.Clock.Advance(time.Minute) // past the leases of mints
	for _, row := range rows {
		if err := d.Kinds()[models.KindRemove](context.Background(), row.Subject); err != nil {
			r.t.Errorf("removal = %v", err)
		}
	}
}

// atCloud counts the people there, and those who may connect.
func (r *rig) atCloud() (known, alive int) {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.box.Control().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/control/state", nil))
	var state struct {
		Counts struct{ Users, Deactivated int }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
		r.t.Fatal(err)
	}
	return state.Counts.Users, state.Counts.Users - state.Counts.Deactivated
}

func (r *rig) active() int64 {
	r.t.Helper()
	return r.store.Count(r.t, "SELECT COUNT(*) FROM users WHERE status = 'active'")
}

func TestRollbackTakesARegistrationBackAndARetryWithItsKeySucceeds(t *testing.T) {
	r := newRig(t, withDeps(rollback))
	r.fault(refusing)
	want503(t, "register while the cloud is down", r.registerWith("key-1"))
	want503(t, "a repeat while the cloud is down", r.registerWith("key-1"))
	notices, err := r.store.Notices(context.Background(), models.NoticeFilter{}, "", 10)
	if err != nil || len(notices) != 1 || notices[0].Kind != models.NoticeRegistration || notices[0].Count != 1 {
		t.Errorf("notices = %+v, %v; want one about registrations, raised once", notices, err)
	}
	if n := r.active(); n != 0 {
		t.Errorf("people registered = %d, want none", n)
	}
	r.login("ann", password).want(t, "login of somebody taken back", http.StatusUnauthorized, "bad_credentials")
	r.fault(nil)
	a := r.registerWith("key-1").want(t, "a repeat once the cloud is back", http.StatusCreated, "")
	p := personOf(a)
	if p.connect == "" || a.text("user", "im_state") != models.IMReady {
		t.Errorf("answer = %s, want a connect token and im_state ready", a.raw)
	}
	again := personOf(r.registerWith("key-1").want(t, "a repeat of what succeeded", http.StatusCreated, ""))
	if again.id != p.id || again.connect != p.connect {
		t.Errorf("repeat = person %s, want %s with the same token", again.id, p.id)
	}
	r.deliverRemovals()
	if known, alive := r.atCloud(); known != 1 || alive != 1 || r.active() != 1 {
		t.Errorf("people at the cloud = %d, of them alive %d, here %d; want the one that succeeded", known, alive, r.active())
	}
}

func TestRollbackTakesNoName(t *testing.T) {
	r := newRig(t, withDeps(rollback))
	r.fault(refusing)
	want503(t, "register while the cloud is down", r.registerWith("key-1"))
	r.fault(nil)
	r.register("ann")
}

// The cloud made the person, and only its answer was lost.
func TestRollbackRemovesWhomTheCloudMadeAllTheSame(t *testing.T) {
	r := newRig(t, withDeps(rollback))
	r.fault(map[string]any{"path": "/user/getToken.json", "mode": "status", "status": 503, "effect": true})
	want503(t, "register with lost answers", r.registerWith("key-1"))
	if known, alive := r.atCloud(); known != 1 || alive != 1 {
		t.Fatalf("people at the cloud = %d, alive %d; want one, or this proves nothing", known, alive)
	}
	r.fault(nil)
	p := personOf(r.registerWith("key-1").want(t, "a repeat once the cloud answers", http.StatusCreated, ""))
	r.deliverRemovals()
	if known, alive := r.atCloud(); known != 2 || alive != 1 {
		t.Errorf("people at the cloud = %d, alive %d; want the first one removed and %s there", known, alive, p.id)
	}
}

// A failure that passes within the budget costs nobody their registration.
func TestRollbackRepeatsWithinTheBudget(t *testing.T) {
	r := newRig(t, withDeps(func(d *handlers.Deps) { d.Settings.Rollback = true }))
	r.fault(map[string]any{"path": "/user/getToken.json", "mode": "status", "status": 503, "times": 2}) // the client's own two attempts
	a := r.registerWith("key-1").want(t, "register", http.StatusCreated, "")
	if a.text("im", "token") == "" {
		t.Errorf("answer = %s, want a connect token", a.raw)
	}
}

// Hashing may have used up the budget; the cloud still has its turn.
func TestRollbackGivesTheCloudItsTurn(t *testing.T) {
	r := newRig(t, withDeps(func(d *handlers.Deps) { d.Settings.Rollback, d.Settings.RegisterBudget = true, 0 }))
	r.registerWith("key-1").want(t, "register", http.StatusCreated, "")
}

// A meddling cloud lets something happen during the mint.
type meddling struct {
	tokens.Cloud
	gives     bool
	meanwhile func(id string)
}

func (m meddling) Mint(ctx context.Context, u im.User, life time.Duration) (im.Token, error) {
	m.meanwhile(u.ID)
	if m.gives {
		return m.Cloud.Mint(ctx, u, life)
	}
	return im.Token{}, &im.Error{Kind: im.Unavailable, RetryAfter: time.Minute}
}

// Of two requests for one registration, the slower one meets what the other did.
func TestRollbackMeetsAnotherRequestForTheSame(t *testing.T) {
	for _, gives := range []bool{false, true} {
		t.Run(fmt.Sprint("that took it back, while the cloud gives a token: ", gives), func(t *testing.T) {
			r := newRig(t, withDeps(rollback))
			cloud := r.deps.Issuer.Cloud
			r.deps.Issuer.Cloud = meddling{cloud, gives, func(id string) {
				if err := r.store.RollbackUser(context.Background(), id, models.Origin{}); err != nil {
					t.Errorf("RollbackUser = %v", err)
				}
			}}
			want503(t, "register", r.registerWith("key-1"))
			if n := r.active(); n != 0 {
				t.Errorf("people registered = %d, want none", n)
			}
			r.deps.Issuer.Cloud = cloud
			r.deliverRemovals()
			if _, alive := r.atCloud(); alive != 0 {
				t.Errorf("people alive at the cloud = %d, want none", alive)
			}
		})
	}
	t.Run("that got a token", func(t *testing.T) {
		r := newRig(t, withDeps(rollback))
		r.deps.Issuer.Cloud = meddling{r.deps.Issuer.Cloud, false, func(id string) {
			r.store.Exec(t, "UPDATE users SET im_state = 'ready' WHERE id = ?", id)
		}}
		r.registerWith("key-1").want(t, "register", http.StatusCreated, "")
		if n := r.active(); n != 1 {
			t.Errorf("people registered = %d, want one", n)
		}
	})
	t.Run("all at once", func(t *testing.T) {
		r := newRig(t, withDeps(rollback))
		r.fault(refusing)
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if a := r.registerWith("key-1"); a.status < 400 {
					t.Errorf("register = %d %s, want it refused", a.status, a.raw)
				}
			})
		}
		all.Wait()
		if n := r.active(); n != 0 {
			t.Errorf("people registered = %d, want none", n)
		}
	})
}

func TestPendingKeepsARegistrationThatTheCloudDidNotHearOf(t *testing.T) {
	r := newRig(t, withDeps(func(d *handlers.Deps) { d.Settings.RegisterBudget = time.Second }))
	r.fault(refusing)
	a := r.registerWith("key-1").want(t, "register while the cloud is down", http.StatusCreated, "")
	if a.get("im") != nil || a.text("user", "im_state") != models.IMPending {
		t.Errorf("answer = %s, want no connect token and im_state pending", a.raw)
	}
	p := personOf(a)
	r.fault(nil)
	if token := r.do(request{method: "GET", path: "/v1/me", token: p.access}); token.status != http.StatusOK {
		t.Errorf("me = %d, want 200", token.status)
	}
	repeat := r.registerWith("key-1").want(t, "the repeat", http.StatusCreated, "")
	if q := personOf(repeat); q.id != p.id || q.connect == "" {
		t.Errorf("the repeat = person %s, want %s, with a connect token by now", q.id, p.id)
	}
}

// An account that was answered for once is never taken back by a repeat of its
// registration, whatever has become of its token since.
func TestRollbackSparesAnAccountThatWasAnsweredFor(t *testing.T) {
	r := newRig(t, withDeps(rollback))
	r.registerWith("key-1").want(t, "register", http.StatusCreated, "")
	r.store.Exec(t, "UPDATE users SET im_state = 'pending'") // as a comparison does that finds nobody at the cloud
	r.store.Exec(t, "UPDATE im_tokens SET token_sealed = NULL, issued_at = 0")
	r.fault(refusing)
	want503(t, "a repeat while the cloud is down", r.registerWith("key-1"))
	if n := r.active(); n != 1 {
		t.Fatalf("people registered after the repeat = %d, want the one", n)
	}
	r.login("ann", password).want(t, "login", http.StatusOK, "")
}
