package tokens

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/outbox"
)

// A wary cloud can do everything, does nothing, and looks at the caller's
// connections to the database whenever it is called.
type wary struct {
	store *modelstest.Store

	mu    sync.Mutex
	calls []string // since the last time
	held  map[string]int
}

func (c *wary) call(op string) error {
	_, held := c.store.Connections()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, op)
	c.held[op] = max(c.held[op], held)
	return nil
}

func (*wary) Name() string            { return "wary" }
func (*wary) AppKey() string          { return "app" }
func (*wary) Endpoints() im.Endpoints { return im.Endpoints{} }

func (c *wary) Mint(_ context.Context, u im.User, _ time.Duration) (im.Token, error) {
	return im.Token{Value: "a token of " + u.ID}, c.call("mint")
}

func (c *wary) SetPassword(context.Context, string, string) error { return c.call("password") }

func (c *wary) RevokeBefore(_ context.Context, _ string, t time.Time) (time.Time, error) {
	return t, c.call("revoke")
}

func (c *wary) Ban(context.Context, string, time.Duration) error { return c.call("ban") }
func (c *wary) Unban(context.Context, string) error              { return c.call("unban") }
func (c *wary) Banned(context.Context) ([]im.Ban, error)         { return nil, c.call("banned") }

func (c *wary) PutProfile(context.Context, im.User) error { return c.call("profile") }
func (c *wary) Profile(context.Context, string) (im.User, error) {
	return im.User{}, c.call("read profile")
}
func (c *wary) Remove(context.Context, string) error { return c.call("remove") }

func (c *wary) Block(context.Context, string, ...string) error    { return c.call("block") }
func (c *wary) Unblock(context.Context, string, ...string) error  { return c.call("unblock") }
func (c *wary) Blocked(context.Context, string) ([]string, error) { return nil, c.call("blocked") }

// Of the two ways to keep friends a cloud has one.
type (
	waryFriends struct{ *wary }
	waryLists   struct{ *wary }
)

func (c waryFriends) Befriend(context.Context, string, string) error { return c.call("befriend") }
func (c waryFriends) Unfriend(context.Context, string, string) error { return c.call("unfriend") }
func (c waryFriends) Friends(context.Context, string, string) (im.FriendPage, error) {
	return im.FriendPage{}, c.call("friends")
}
func (c waryFriends) Remark(context.Context, string, string, string) error { return c.call("remark") }

func (c waryLists) Allow(context.Context, string, ...string) error    { return c.call("allow") }
func (c waryLists) Disallow(context.Context, string, ...string) error { return c.call("disallow") }
func (c waryLists) Restrict(context.Context, string, bool) error      { return c.call("restrict") }
func (c waryLists) Allowed(context.Context, string) ([]string, error) { return nil, c.call("allowed") }

// TestNoConnectionIsHeldWhileTheCloudIsAsked: a slow cloud must not take the
// database from everybody else, so no transaction and no read is open during a
// call, neither of a mint nor of any kind of the outbox.
func TestNoConnectionIsHeldWhileTheCloudIsAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		cloud func(*wary) Cloud
		own   []string // kinds that only this one is told of
	}{
		{"friends", func(c *wary) Cloud { return waryFriends{c} }, []string{models.KindFriend}},
		{"allow lists", func(c *wary) Cloud { return waryLists{c} }, []string{models.KindFriend, models.KindAllow}},
	} {
		t.Run(c.name, func(t *testing.T) { noneHeld(t, c.cloud, c.own) })
	}
}

func noneHeld(t *testing.T, of func(*wary) Cloud, own []string) {
	s := modelstest.Open(t)
	s.DeriveIMPassword = func(password, imID string) (string, error) { return password + "/" + imID, nil }
	w := &wary{store: s, held: map[string]int{}}
	cloud := of(w)
	i := &Issuer{Store: s.Store, Cloud: cloud, WindowPercent: 20, MintTimeout: time.Second, Process: "p", Now: s.Now,
		Log: slog.New(slog.DiscardHandler), ReadSecretVersion: func(context.Context) (int64, error) { return 0, nil }}
	d := &outbox.Delivery{Store: s.Store, Cloud: cloud, Issuer: i, Rate: 1000, Now: s.Now}
	kinds := d.Kinds()
	ctx, o := t.Context(), models.Origin{}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s = %v, want nil", what, err)
		}
	}
	told := map[string]bool{}
	// during sees that the cloud was asked, and what was held meanwhile.
	during := func(what string, do func() error) {
		t.Helper()
		err := do()
		var back *outbox.ComeBackError
		if !errors.As(err, &back) {
			must(what, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.calls) == 0 {
			t.Errorf("the cloud was not asked during %s", what)
		}
		for _, op := range w.calls {
			if n := w.held[op]; n != 0 {
				t.Errorf("connections held while the cloud is asked for %q, during %s = %d, want 0", op, what, n)
			}
		}
		w.calls, w.held = nil, map[string]int{}
	}
	deliver := func(kind, subject string) {
		t.Helper()
		s.Clock.Advance(time.Second)
		told[kind] = true
		during(kind, func() error { return kinds[kind](ctx, subject) })
	}
	var ids []string
	for _, name := range []string{"ann", "bob"} {
		reg, err := s.CreateUser(ctx, models.NewUser{Username: name, Password: "the first one"}, "", o)
		must("CreateUser", err)
		ids = append(ids, reg.User.ID)
	}
	a, b := ids[0], ids[1]
	pair := min(a, b) + ":" + max(a, b)
	during("a fetch", func() error { _, err := i.Token(ctx, a, ""); return err })
	deliver(models.KindProvision, b)
	deliver(models.KindProfile, a)
	during("a reissue", func() error { _, err := i.Reissue(ctx, a); return err })

	seen, err := s.AllowLists(ctx)
	must("AllowLists", err)
	must("SetAllowLists", s.SetAllowLists(ctx, seen, im.App(cloud), models.AllowListsOn))
	_, err = s.RequestFriend(ctx, a, b, "", o)
	must("RequestFriend", err)
	_, err = s.RequestFriend(ctx, b, a, "", o)
	must("RequestFriend", err)
	for _, kind := range own {
		subject := pair
		if kind == models.KindAllow {
			subject = a
		}
		deliver(kind, subject)
	}
	must("BlockUser", s.BlockUser(ctx, a, b, o))
	deliver(models.KindBlock, a+":"+b)

	must("ChangePassword", s.ChangePassword(ctx, a, "", "the first one", "the second one", o))
	deliver(models.KindIMPassword, a)
	must("EndSessions", s.EndSessions(ctx, b, "", o))
	deliver(models.KindRevoke, b)
	must("BanUser", s.BanUser(ctx, b, "", "admin:x", o))
	deliver(models.KindBan, b)
	must("UnbanUser", s.UnbanUser(ctx, b, "", "admin:x", o))
	deliver(models.KindBan, b)
	must("DeleteUser", s.DeleteUser(ctx, b, "admin:x", o))
	deliver(models.KindRemove, b)

	// Relations are told by rows of their own, and allow lists where there are any.
	told[models.KindRelations], told[models.KindAllow] = true, true
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if !told[kind] {
			t.Errorf("nobody looked during %s: a new kind belongs here", kind)
		}
	}
}
