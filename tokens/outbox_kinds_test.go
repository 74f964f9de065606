package tokens

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im/sandbox"
	"imbridge/tokens/outbox"
)

const (
	banUser    = "/user/block.json"
	removeUser = "/user/deactivate.json"
	putProfile = "/user/refresh.json"
)

var everyKind = []string{models.KindProvision, models.KindProfile, models.KindRevoke, models.KindBan, models.KindRemove}

// A cloudUser is what the cloud knows of one person.
type cloudUser struct {
	known, banned, removed bool
	name                   string
	valid                  int // tokens that connect
}

// user asks the sandbox.
func (c *testCloud) user(t testing.TB, id string) cloudUser {
	t.Helper()
	rec := httptest.NewRecorder()
	c.box.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/control/state?user_id="+id, nil))
	var state struct {
		Users []struct {
			Name          string     `json:"name"`
			DeactivatedAt *time.Time `json:"deactivated_at"`
		} `json:"users"`
		Tokens []struct {
			State sandbox.State `json:"state"`
		} `json:"tokens"`
		Bans []struct{} `json:"bans"`
	}
	if err := json.NewDecoder(bytes.NewReader(rec.Body.Bytes())).Decode(&state); err != nil {
		t.Fatal(err)
	}
	u := cloudUser{banned: len(state.Bans) > 0}
	if len(state.Users) == 1 {
		u.known, u.name, u.removed = true, state.Users[0].Name, state.Users[0].DeactivatedAt != nil
	}
	for _, k := range state.Tokens {
		if k.State == sandbox.StateValid {
			u.valid++
		}
	}
	return u
}

func (c *testCloud) wantUser(t testing.TB, when, id string, want cloudUser) {
	t.Helper()
	if got := c.user(t, id); got != want {
		t.Errorf("the cloud's idea of the person %s = %+v, want %+v", when, got, want)
	}
}

// deliver is one attempt for each kind, and takes a row that must come back for
// done.
func (r *rig) deliver(t testing.TB, id string, kinds ...string) {
	t.Helper()
	runner := r.outbox()
	for _, kind := range kinds {
		var back *outbox.ComeBackError
		if err := runner.Deliver(context.Background(), kind, id); err != nil && !errors.As(err, &back) {
			t.Fatalf("deliver %s = %v, want nil", kind, err)
		}
	}
}

func (r *rig) do(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v, want nil", what, err)
	}
	r.store.Clock.Advance(time.Millisecond) // the cloud compares milliseconds
}

// orders are all permutations of the kinds, each kind twice in a row.
func orders(kinds []string) [][]string {
	if len(kinds) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for i, k := range kinds {
		rest := append(append([]string{}, kinds[:i]...), kinds[i+1:]...)
		for _, o := range orders(rest) {
			all = append(all, append([]string{k, k}, o...))
		}
	}
	return all
}

// TestEachKindTwiceInAnyOrder: whatever comes in whatever order, twice, the cloud
// ends as the database says.
func TestEachKindTwiceInAnyOrder(t *testing.T) {
	s := modelstest.OpenOn(t, "sqlite")
	r := newRig(t, s)
	nick := "Renamed"
	changes := map[string]func(id string) error{
		"ban":     func(id string) error { return s.BanUser(t.Context(), id, "spam", "admin:a", models.Origin{}) },
		"unban":   func(id string) error { return s.UnbanUser(t.Context(), id, "", "admin:a", models.Origin{}) },
		"delete":  func(id string) error { return s.DeleteUser(t.Context(), id, "admin:a", models.Origin{}) },
		"log out": func(id string) error { return s.EndSessions(t.Context(), id, "", models.Origin{}) },
		"rename": func(id string) error {
			_, err := s.ChangeProfile(t.Context(), id, models.ProfileChange{Nickname: &nick}, models.Origin{})
			return err
		},
	}
	for _, c := range []struct {
		name    string
		changes []string
		known   cloudUser // with a token before
		unknown cloudUser // without
	}{
		{"nothing", nil, cloudUser{known: true, name: "name", valid: 1}, cloudUser{known: true, name: "name", valid: 1}},
		{"rename", []string{"rename"}, cloudUser{known: true, name: nick, valid: 1}, cloudUser{known: true, name: nick, valid: 1}},
		{"log out", []string{"log out"}, cloudUser{known: true, name: "name"}, cloudUser{known: true, name: "name", valid: 1}},
		{"ban", []string{"ban"}, cloudUser{known: true, name: "name", banned: true}, cloudUser{}},
		{"ban and unban", []string{"ban", "unban"}, cloudUser{known: true, name: "name"}, cloudUser{known: true, name: "name", valid: 1}},
		{"rename and ban", []string{"rename", "ban"}, cloudUser{known: true, name: nick, banned: true}, cloudUser{}},
		{"delete", []string{"delete"}, cloudUser{known: true, removed: true}, cloudUser{}},
		{"rename, ban and delete", []string{"rename", "ban", "delete"}, cloudUser{known: true, removed: true}, cloudUser{}},
		{"log out and delete", []string{"log out", "delete"}, cloudUser{known: true, removed: true}, cloudUser{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := orders(everyKind)
			step := 5
			if testing.Short() {
				step = 17
			}
			for n := 0; n < len(all); n += step {
				order := all[n]
				for _, known := range []bool{true, false} {
					p := r.person(t)
					s.Exec(t, "UPDATE users SET nickname = 'name' WHERE id = ?", p.id)
					want := c.unknown
					if known {
						want = c.known
						r.fetch(t, p)
					}
					s.Clock.Advance(time.Millisecond)
					for _, change := range c.changes {
						r.do(t, change, changes[change](p.id))
					}
					r.deliver(t, p.id, order...)
					if !known && len(c.changes) > 0 && c.changes[0] == "rename" && want.known {
						want.name = nick
					}
					if got := r.cloud.user(t, p.id); got != want {
						t.Fatalf("order %d, %v, known to the cloud %t: the cloud's idea = %+v, want %+v", n, order, known, got, want)
					}
					if n := s.Count(t, "SELECT COUNT(*) FROM users WHERE id = ? AND status = 'deleted' AND (scrubbed_at IS NULL OR username <> '')", p.id); n != 0 {
						t.Fatalf("order %v: a tombstone keeps its name", order)
					}
				}
			}
		})
	}
	t.Run("nobody", func(t *testing.T) { r.deliver(t, "01never", everyKind...) })
}

// TestBanCutsOffAndUnbanRestores through the queue, in a real runner.
func TestBanCutsOffAndUnbanRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.run(t)
		p := r.person(t)
		old := r.fetch(t, p).Value
		time.Sleep(time.Second)
		if err := r.store.BanUser(t.Context(), p.id, "spam", "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Token(t.Context(), p.id, p.session); !errors.Is(err, models.ErrBanned) {
			t.Errorf("Token of the banned = %v, want ErrBanned at once", err)
		}
		time.Sleep(time.Second)
		r.cloud.wantState(t, old, sandbox.StateExpired)
		if !r.cloud.user(t, p.id).banned {
			t.Error("the cloud does not ban, want it to: that is what cuts live connections")
		}
		r.cloud.wantCalls(t, banUser, 1)
		if err := r.store.UnbanUser(t.Context(), p.id, "", "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		r.cloud.wantState(t, r.fetch(t, p).Value, sandbox.StateValid)
		r.cloud.wantState(t, old, sandbox.StateExpired)
		if n := r.store.Count(t, "SELECT COUNT(*) FROM outbox"); n != 0 {
			t.Errorf("rows left = %d, want none", n)
		}
	})
}

// TestBanIsRenewed: the cloud forgets a ban after 30 days.
func TestBanIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		p := r.person(t)
		r.fetch(t, p)
		if err := r.store.BanUser(t.Context(), p.id, "spam", "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		for day := range 100 {
			// A runner that runs a few seconds a day: its polls are what costs.
			ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
			if err := r.outbox().Run(ctx); err != nil {
				t.Fatal(err)
			}
			stop()
			if !r.cloud.user(t, p.id).banned {
				t.Fatalf("day %d: the cloud does not ban, want it to", day)
			}
			time.Sleep(24 * time.Hour)
		}
		if n := r.cloud.count(t, "calls", banUser); n > 12 {
			t.Errorf("bans asked for in 100 days = %d, want about one in ten days", n)
		}
	})
}

// stall makes the first call of path wait, before the cloud has it, until release.
func (c *testCloud) stall(path string) (reached <-chan struct{}, release func()) {
	at, on := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	f := func(p string) {
		if p == path && first.CompareAndSwap(false, true) {
			close(at)
			<-on
		}
	}
	c.before.Store(&f)
	return at, func() { close(on) }
}

// TestRemovalOutlastsAMintUnderWay: somebody is deleted while the cloud is about
// to mint for them. Wherever the mint lands, they do not stay.
func TestRemovalOutlastsAMintUnderWay(t *testing.T) {
	for _, c := range []struct {
		name  string
		known bool
	}{{"first mint", false}, {"renewal", true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newBubbleRig(t)
				p := r.person(t)
				if c.known {
					r.setLifetime(t, "", time.Hour)
					r.fetch(t, p)
					time.Sleep(time.Hour)
				}
				reached, release := r.cloud.stall(getToken)
				fetched := make(chan error, 1)
				go func() {
					_, err := r.Token(context.Background(), p.id, p.session)
					fetched <- err
				}()
				<-reached
				r.run(t) // not before: a round would renew
				if err := r.store.DeleteUser(t.Context(), p.id, "admin:a", models.Origin{}); err != nil {
					t.Fatal(err)
				}
				rows, err := r.store.Outbox(t.Context(), models.OutboxFilter{Kind: models.KindRemove}, "", 1)
				if err != nil || len(rows) != 1 {
					t.Fatalf("rows of remove = %v, %v; want one", rows, err)
				}
				// An admin's impatience does not hurry it.
				if _, err := r.store.RetryOutbox(t.Context(), []string{rows[0].ID}, "admin:a", models.Origin{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(8 * time.Second)
				r.cloud.wantCalls(t, removeUser, 0)
				release()
				if err := <-fetched; !errors.Is(err, models.ErrSessionEnded) && !errors.Is(err, models.ErrNotFound) {
					t.Errorf("Token of somebody deleted during their mint = %v, want that they are gone", err)
				}
				if !r.cloud.user(t, p.id).known {
					t.Error("the late mint did not reach the cloud, so that this proves nothing")
				}
				time.Sleep(30 * time.Second)
				r.cloud.wantUser(t, "after all", p.id, cloudUser{known: true, removed: true})
				if n := r.store.Count(t, "SELECT COUNT(*) FROM users WHERE id = ? AND scrubbed_at IS NOT NULL", p.id); n != 1 {
					t.Error("the tombstone was not scrubbed")
				}
				if n := r.store.Count(t, "SELECT COUNT(*) FROM outbox"); n != 0 {
					t.Errorf("rows left = %d, want none", n)
				}
			})
		})
	}
}

// TestAMintThatOutlivesItsLeaseLeavesNobodyBehind: a process stands still with its
// call on the way; when the call lands, a deletion has long been through, or
// another name.
func TestAMintThatOutlivesItsLeaseLeavesNobodyBehind(t *testing.T) {
	for _, c := range []struct {
		name    string
		removed bool
		change  func(r *rig, id string) error
	}{
		{"deletion", true, func(r *rig, id string) error {
			return r.store.DeleteUser(context.Background(), id, "admin:a", models.Origin{})
		}},
		{"other name", false, func(r *rig, id string) error {
			name := "new"
			_, err := r.store.ChangeProfile(context.Background(), id, models.ProfileChange{Nickname: &name}, models.Origin{})
			return err
		}},
	} {
		r := newRig(t, modelstest.OpenOn(t, "sqlite"))
		r.setLifetime(t, "", time.Hour)
		p := r.person(t)
		r.fetch(t, p)
		r.store.Clock.Advance(time.Hour)
		reached, release := r.cloud.stall(getToken)
		fetched := make(chan error, 1)
		go func() {
			_, err := r.Token(context.Background(), p.id, p.session)
			fetched <- err
		}()
		<-reached
		r.do(t, c.name, c.change(r, p.id))
		r.store.Clock.Advance(time.Minute)
		r.deliver(t, p.id, everyKind...)
		r.store.Exec(t, "DELETE FROM outbox") // what was delivered
		release()
		<-fetched
		rows, err := r.store.Outbox(t.Context(), models.OutboxFilter{}, "", 10)
		if err != nil || len(rows) == 0 {
			t.Errorf("rows after a mint that landed behind a %s = %v, %v; want one that mends it", c.name, rows, err)
		}
		for _, row := range rows {
			r.deliver(t, row.Subject, row.Kind)
		}
		if got := r.cloud.user(t, p.id); got.removed != c.removed || !c.removed && got.name != "new" {
			t.Errorf("at the cloud behind a %s = %+v, want removed %t, or the new name", c.name, got, c.removed)
		}
	}
}

// TestAMintThatBeginsAfterTheDeletionAsksNobody: it saw them alive, was held up,
// and takes its lease when they are gone.
func TestAMintThatBeginsAfterTheDeletionAsksNobody(t *testing.T) {
	r := newRig(t, modelstest.OpenOn(t, "sqlite"))
	for name, end := range map[string]func(id string) error{
		"deletion": func(id string) error { return r.store.DeleteUser(context.Background(), id, "admin:a", models.Origin{}) },
		"ban": func(id string) error {
			return r.store.BanUser(context.Background(), id, "", "admin:a", models.Origin{})
		},
	} {
		p := r.person(t)
		r2 := r.again(t)
		done := false
		r2.store.Step = func(point string) {
			if !done && point == "before write" { // of the claim
				done = true
				if err := end(p.id); err != nil {
					t.Errorf("%s = %v", name, err)
				}
			}
		}
		_, err := r2.Token(t.Context(), p.id, p.session)
		if !errors.Is(err, models.ErrSessionEnded) && !errors.Is(err, models.ErrNotFound) && !errors.Is(err, models.ErrBanned) || !done {
			t.Errorf("Token across a %s = %v, want that there is none", name, err)
		}
		r.deliver(t, p.id, everyKind...)
		r.cloud.wantUser(t, "after a "+name, p.id, cloudUser{})
	}
}

// TestALateDeleteSparesWhoeverHasTheNameNow.
func TestALateDeleteSparesWhoeverHasTheNameNow(t *testing.T) {
	r := newRig(t, modelstest.OpenOn(t, "sqlite"))
	in := models.NewUser{Username: "ann", Password: modelstest.Password}
	register := func() person {
		reg, err := r.store.CreateUser(t.Context(), in, "", models.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		return person{reg.User.ID, reg.Session.ID}
	}
	first := register()
	r.fetch(t, first)
	r.do(t, "DeleteUser", r.store.DeleteUser(t.Context(), first.id, "admin:a", models.Origin{}))
	second := register()
	token := r.fetch(t, second)
	r.deliver(t, first.id, everyKind...)
	r.deliver(t, first.id, everyKind...)
	r.cloud.wantState(t, token.Value, sandbox.StateValid)
	r.cloud.wantUser(t, "of the name now", token.IMUserID, cloudUser{known: true, name: "ann", valid: 1})
	r.cloud.wantUser(t, "who had it", first.id, cloudUser{known: true, removed: true})
}

// TestANameOutlastsAMintThatCarriesTheOldOne: the cloud takes the name with each
// mint, so that one which is under way would bring the old one back.
func TestANameOutlastsAMintThatCarriesTheOldOne(t *testing.T) {
	for _, known := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newBubbleRig(t)
			p := r.person(t)
			if known {
				r.setLifetime(t, "", time.Hour)
				r.fetch(t, p)
				time.Sleep(time.Hour)
			}
			reached, release := r.cloud.stall(getToken)
			fetched := make(chan error, 1)
			go func() {
				_, err := r.Token(context.Background(), p.id, p.session)
				fetched <- err
			}()
			<-reached
			r.run(t) // not before: a round would renew
			nick := "New name"
			if _, err := r.store.ChangeProfile(t.Context(), p.id, models.ProfileChange{Nickname: &nick}, models.Origin{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			release()
			if err := <-fetched; err != nil {
				t.Fatal(err)
			}
			if got := r.cloud.user(t, p.id).name; got == nick {
				t.Errorf("the late mint brought %q, so that this proves nothing", got)
			}
			time.Sleep(30 * time.Second)
			if got := r.cloud.user(t, p.id).name; got != nick {
				t.Errorf("name at the cloud, known before %t = %q, want %q", known, got, nick)
			}
		})
	}
}

// TestALateBanDoesNotOutliveItsUnban: the call of a process that was stopped past
// its lease arrives after another process has unbanned.
func TestALateBanDoesNotOutliveItsUnban(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		p := r.person(t)
		r.fetch(t, p)
		time.Sleep(time.Second)
		reached, release := r.cloud.stall(banUser)
		r.run(t)
		if err := r.store.BanUser(t.Context(), p.id, "spam", "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		<-reached
		if err := r.store.UnbanUser(t.Context(), p.id, "", "admin:a", models.Origin{}); err != nil {
			t.Fatal(err)
		}
		r.store.Exec(t, "UPDATE outbox SET lease_owner = '', lease_until = 0") // as if it had run out
		r2 := r.cloud.rig(t, r.store, "p2")
		r2.run(t)
		time.Sleep(10 * time.Second)
		if n := r.store.Count(t, "SELECT COUNT(*) FROM outbox"); n != 0 {
			t.Errorf("rows left after the unban = %d, want none", n)
		}
		release()
		time.Sleep(time.Minute)
		if r.cloud.user(t, p.id).banned {
			t.Error("the cloud bans somebody who was unbanned")
		}
		r.cloud.wantState(t, r.fetch(t, p).Value, sandbox.StateValid)
	})
}

// TestSomebodyLoggedOutBeforeTheirFirstTokenIsProvisioned all the same, so that
// others can write to them.
func TestSomebodyLoggedOutBeforeTheirFirstTokenIsProvisioned(t *testing.T) {
	s := modelstest.OpenOn(t, "sqlite")
	r := newRig(t, s)
	p := r.person(t)
	f := once(func() { r.do(t, "EndSessions", s.EndSessions(context.Background(), p.id, "", models.Origin{})) })
	r.cloud.before.Store(f)
	if _, err := r.Token(t.Context(), p.id, p.session); !errors.Is(err, models.ErrSessionEnded) {
		t.Errorf("Token = %v, want that the session has ended", err)
	}
	r.deliver(t, p.id, models.KindRevoke, models.KindProvision)
	u, err := s.User(t.Context(), p.id)
	if err != nil || u.IMState != models.IMReady || !r.cloud.user(t, p.id).known {
		t.Errorf("user = %+v, %v; want them known to the cloud", u, err)
	}
}
