package tokens

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// A locker is a cloud whose passwords end all tokens.
type locker struct {
	mu    sync.Mutex
	users map[string]*lockerUser
	calls []string
	fail  map[string]error  // by call; nil works again
	after func(call string) // beside the lock
}

type lockerUser struct {
	password string
	tokens   map[string]bool // by whether they connect
}

var (
	_ im.Minter         = (*locker)(nil)
	_ im.Revoker        = (*locker)(nil)
	_ im.PasswordSetter = (*locker)(nil)
)

func (*locker) Name() string            { return "locker" }
func (*locker) AppKey() string          { return "app" }
func (*locker) Endpoints() im.Endpoints { return im.Endpoints{} }

func (l *locker) call(name string, do func() error) error {
	l.mu.Lock()
	l.calls = append(l.calls, name)
	err := l.fail[name]
	if err == nil {
		err = do()
	}
	after := l.after
	l.mu.Unlock()
	if after != nil {
		after(name)
	}
	return err
}

func (l *locker) Mint(_ context.Context, u im.User, _ time.Duration) (t im.Token, err error) {
	err = l.call("mint", func() error {
		who := l.users[u.ID]
		if who == nil {
			who = &lockerUser{tokens: map[string]bool{}}
			l.users[u.ID] = who
		}
		t.Value = fmt.Sprintf("token %d of %s", len(who.tokens)+1, u.ID)
		who.tokens[t.Value] = true
		return nil
	})
	return t, err
}

func (l *locker) set(name, id, password string) error {
	return l.call(name, func() error {
		who := l.users[id]
		if who == nil {
			return &im.Error{Cloud: "locker", Op: name, Kind: im.UnknownUser, Message: "nobody"}
		}
		// The password that is there already ends nothing: the worse of the two.
		if who.password != password {
			for t := range who.tokens {
				who.tokens[t] = false
			}
		}
		who.password = password
		return nil
	})
}

func (l *locker) SetPassword(_ context.Context, id, password string) error {
	return l.set("password", id, password)
}

func (l *locker) RevokeBefore(_ context.Context, id string, t time.Time) (time.Time, error) {
	return t.Add(time.Second), l.set("revoke", id, "nobody knows")
}

// A lockerRig is one process before it, and one person.
type lockerRig struct {
	*Issuer
	store *modelstest.Store
	cloud *locker
	id    string
	t     *testing.T
}

func newLockerRig(t *testing.T) *lockerRig {
	s := modelstest.Open(t)
	s.DeriveIMPassword = func(password, imID string) (string, error) { return password + "/" + imID, nil }
	cloud := &locker{users: map[string]*lockerUser{}, fail: map[string]error{}}
	r := &lockerRig{store: s, cloud: cloud, t: t, Issuer: &Issuer{Store: s.Store, Cloud: cloud, WindowPercent: 20, MintTimeout: 10 * time.Second, Process: "p", Now: s.Now,
		Log: slog.New(slog.DiscardHandler), ReadSecretVersion: func(context.Context) (int64, error) { return 0, nil }}}
	reg, err := s.CreateUser(t.Context(), models.NewUser{Username: "ann", Password: "the first one"}, "", models.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	r.id = reg.User.ID
	return r
}

func (r *lockerRig) token() string {
	r.t.Helper()
	got, err := r.Token(context.Background(), r.id, "")
	if err != nil {
		r.t.Fatal(err)
	}
	return got.Value
}

func (r *lockerRig) deliver(kind string) error {
	d := &outbox.Delivery{Store: r.store.Store, Cloud: r.cloud, Issuer: r.Issuer, Rate: 20, Now: r.Now}
	return (&outbox.Runner{Kinds: d.Kinds()}).Deliver(context.Background(), kind, r.id)
}

func (r *lockerRig) must(what string, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s = %v, want no error", what, err)
	}
}

// want compares what was called since the last time, the password, and how many
// tokens connect; and the stored token must be one of them.
func (r *lockerRig) want(when, calls, password string, valid int) {
	r.t.Helper()
	if got := fmt.Sprint(r.cloud.calls); got != "["+calls+"]" {
		r.t.Errorf("%s: calls = %s, want [%s]", when, got, calls)
	}
	r.cloud.calls = nil
	who := r.cloud.users[r.id]
	if who == nil {
		who = &lockerUser{}
	}
	if password != "" && password != "nobody knows" {
		password += "/" + r.id
	}
	if who.password != password {
		r.t.Errorf("%s: password = %q, want %q", when, who.password, password)
	}
	got := 0
	for _, ok := range who.tokens {
		if ok {
			got++
		}
	}
	if got != valid {
		r.t.Errorf("%s: tokens that connect = %d, want %d", when, got, valid)
	}
	v, err := r.store.TokenView(context.Background(), r.App(), r.id, "")
	if !errors.Is(err, models.ErrBanned) {
		r.must("TokenView", err)
	}
	if v.Value != "" && !who.tokens[v.Value] {
		r.t.Errorf("%s: the stored token is dead, want a living one or none", when)
	}
}

// rows is how many rows of passwords wait.
func (r *lockerRig) rows() int64 {
	return r.store.Count(r.t, "SELECT COUNT(*) FROM outbox WHERE kind = ?", models.KindIMPassword)
}

// TestThePasswordComesBeforeTheToken: a token that is handed out is not ended by a
// password that comes late.
func TestThePasswordComesBeforeTheToken(t *testing.T) {
	r := newLockerRig(t)
	r.must("im_password before anybody is known there", r.deliver(models.KindIMPassword))
	r.want("not known yet", "password", "", 0)
	first := r.token()
	r.want("first token", "mint password mint", "the first one", 1)
	if n := r.rows(); n != 0 {
		t.Errorf("rows after the first token = %d, want 0", n)
	}
	// Late, and twice.
	r.must("im_password", r.deliver(models.KindIMPassword))
	r.must("im_password", r.deliver(models.KindIMPassword))
	r.want("delivered late", "", "the first one", 1)
	if again := r.token(); again != first {
		t.Errorf("token after the late delivery = %q, want the same, %q", again, first)
	}
}

// TestAChangedPasswordIsItsOwnRevocation, whoever brings it.
func TestAChangedPasswordIsItsOwnRevocation(t *testing.T) {
	change := func(r *lockerRig) {
		r.must("ChangePassword", r.store.ChangePassword(t.Context(), r.id, "", "the first one", "the second one", models.Origin{}))
		r.want("changed here", "", "the first one", 1)
	}
	begin := func(t *testing.T) *lockerRig {
		r := newLockerRig(t)
		r.token()
		r.cloud.calls = nil
		change(r)
		return r
	}
	t.Run("mint", func(t *testing.T) {
		r := begin(t)
		r.token()
		r.want("next token", "password mint", "the second one", 1)
		r.must("revoke", r.deliver(models.KindRevoke))
		r.want("revocation after it", "", "the second one", 1)
		r.must("im_password", r.deliver(models.KindIMPassword))
		r.want("delivery after it", "", "the second one", 1)
		// A log-out after that is one of its own.
		r.must("EndSessions", r.store.EndSessions(t.Context(), r.id, "", models.Origin{}))
		r.must("revoke", r.deliver(models.KindRevoke))
		r.want("log-out", "revoke", "nobody knows", 0)
	})
	t.Run("revocation", func(t *testing.T) {
		r := begin(t)
		r.must("revoke", r.deliver(models.KindRevoke))
		r.want("revocation", "password", "the second one", 0)
		r.token()
		r.want("next token", "mint", "the second one", 1)
	})
	t.Run("delivery", func(t *testing.T) {
		r := begin(t)
		r.must("im_password", r.deliver(models.KindIMPassword))
		r.want("delivery", "password", "the second one", 0)
		r.must("revoke", r.deliver(models.KindRevoke))
		r.want("revocation after it", "", "the second one", 0)
	})
}

// TestALogOutBringsThePasswordBack, also when the process dies in its middle.
func TestALogOutBringsThePasswordBack(t *testing.T) {
	r := newLockerRig(t)
	r.token()
	r.cloud.calls = nil
	r.must("EndSessions", r.store.EndSessions(t.Context(), r.id, "", models.Origin{}))
	// The cloud did it, and nobody heard of that.
	r.cloud.after = func(string) { r.cloud.after, r.cloud.fail["revoke"] = nil, errors.New("died") }
	r.must("revoke", r.cloud.set("revoke", r.id, "nobody knows"))
	if err := r.deliver(models.KindRevoke); err == nil {
		t.Fatal("revoke at a dead process = nil, want an error")
	}
	delete(r.cloud.fail, "revoke")
	r.token()
	r.want("a token meanwhile", "revoke revoke mint", "nobody knows", 1)
	r.must("revoke again", r.deliver(models.KindRevoke))
	// Its password was the same: the cloud ended nothing, and what is not stored is
	// nobody's.
	r.want("revocation", "revoke", "nobody knows", 1)
	if n := r.rows(); n != 1 {
		t.Errorf("rows after the revocation = %d, want 1", n)
	}
	r.must("im_password", r.deliver(models.KindIMPassword))
	r.want("brought back", "password", "the first one", 0)
	r.token()
	r.want("next token", "mint", "the first one", 1)
}

// TestTheBannedKeepAPasswordThatNobodyKnows until their ban ends; and the deleted
// for ever.
func TestTheBannedKeepAPasswordThatNobodyKnows(t *testing.T) {
	r := newLockerRig(t)
	r.token()
	r.cloud.calls = nil
	r.must("BanUser", r.store.BanUser(t.Context(), r.id, "", "admin:x", models.Origin{}))
	r.must("revoke", r.deliver(models.KindRevoke))
	r.must("im_password", r.deliver(models.KindIMPassword))
	r.want("banned", "revoke", "nobody knows", 0)
	r.store.Exec(t, "DELETE FROM outbox")
	r.must("UnbanUser", r.store.UnbanUser(t.Context(), r.id, "", "admin:x", models.Origin{}))
	if n := r.rows(); n != 1 {
		t.Errorf("rows after the ban = %d, want 1", n)
	}
	r.must("im_password", r.deliver(models.KindIMPassword))
	r.want("no longer banned", "password", "the first one", 0)
	r.must("DeleteUser", r.store.DeleteUser(t.Context(), r.id, "admin:x", models.Origin{}))
	r.must("im_password", r.deliver(models.KindIMPassword))
	if got := fmt.Sprint(r.cloud.calls); got != "[]" {
		t.Errorf("calls for the deleted = %s, want none", got)
	}
	if n := r.store.Count(t, "SELECT COUNT(*) FROM im_passwords"); n != 0 {
		t.Errorf("passwords of the deleted = %d, want 0", n)
	}
}

// TestTroubleWithThePassword: what may pass fails the mint, whose token would not
// last; what will not pass does not.
func TestTroubleWithThePassword(t *testing.T) {
	r := newLockerRig(t)
	r.cloud.fail["password"] = &im.Error{Cloud: "locker", Kind: im.Unavailable, Message: "away"}
	if got, err := r.Token(t.Context(), r.id, ""); im.KindOf(err) != im.Unavailable {
		t.Errorf("token while the cloud takes no password = %q, %v, want unavailable", got.Value, err)
	}
	r.cloud.fail["password"] = &im.Error{Cloud: "locker", Kind: im.Invalid, Message: "not such a one"}
	r.cloud.calls = nil
	r.token()
	r.want("refused for good", "mint password mint", "", 3)
	if err := r.deliver(models.KindIMPassword); im.KindOf(err) != im.Invalid {
		t.Errorf("delivery of one refused for good = %v, want it, to be buried", err)
	}
	delete(r.cloud.fail, "password")
	r.must("im_password", r.deliver(models.KindIMPassword))
	r.cloud.calls = nil
	r.want("taken after all", "", "the first one", 0)
}

// TestAPasswordDuringAMint: a mint that began before the password changed stores
// nothing that the change ends.
func TestAPasswordDuringAMint(t *testing.T) {
	r := newLockerRig(t)
	r.token()
	r.must("EndSessions", r.store.EndSessions(t.Context(), r.id, "", models.Origin{}))
	r.cloud.calls = nil
	r.cloud.after = func(call string) {
		if call == "mint" {
			r.cloud.after = nil
			r.must("ChangePassword", r.store.ChangePassword(context.Background(), r.id, "", "the first one", "the second one", models.Origin{}))
		}
	}
	r.token()
	r.want("changed in the middle", "mint password mint", "the second one", 1)
}
