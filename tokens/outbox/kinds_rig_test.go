package outbox_test

import (
	"context"
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

// bare is a cloud that can mint and nothing else.
type bare struct{}

func (bare) Name() string            { return "stub" }
func (bare) AppKey() string          { return "app" }
func (bare) Endpoints() im.Endpoints { return im.Endpoints{} }

// A crowd is a cloud that keeps friends, remarks and blocks.
type crowd struct {
	bare
	// before and after run around each call, beside the lock; an error of before
	// keeps it from happening, one of after loses its answer.
	before, after func(ctx context.Context, op string) error
	// late, if set, tells of a call whose caller gave it up how much later it
	// arrives all the same; zero is one that does not.
	late   func(op string) time.Duration
	flying sync.WaitGroup // those that still do

	mu      sync.Mutex
	friends map[[2]string]bool
	remarks map[[2]string]string
	blocks  map[[2]string]bool
	calls   []string
	at      map[string][]time.Time // by operation
}

func newCrowd() *crowd {
	return &crowd{friends: map[[2]string]bool{}, remarks: map[[2]string]string{}, blocks: map[[2]string]bool{}, at: map[string][]time.Time{}}
}

var (
	_ im.Friender = (*crowd)(nil)
	_ im.Remarker = (*crowd)(nil)
	_ im.Blocker  = (*crowd)(nil)
	_ im.Allower  = (*doorman)(nil)
)

func (c *crowd) call(ctx context.Context, op string, do func() error) error {
	if c.before != nil {
		if err := c.before(ctx, op); err != nil {
			return err
		}
	}
	if c.late != nil {
		if delay := c.late(op); delay > 0 {
			c.flying.Go(func() {
				_ = pass(context.Background(), delay)
				c.mu.Lock()
				defer c.mu.Unlock()
				_ = do()
			})
			return &im.Error{Kind: im.Unknown, Op: op, Message: "no answer within the time of the call"}
		}
	}
	c.mu.Lock()
	c.calls = append(c.calls, op)
	c.at[op] = append(c.at[op], time.Now())
	err := do()
	c.mu.Unlock()
	if err == nil && c.after != nil {
		err = c.after(ctx, op)
	}
	return err
}

func (c *crowd) Befriend(ctx context.Context, a, b string) error {
	return c.call(ctx, "befriend", func() error {
		c.friends[[2]string{a, b}], c.friends[[2]string{b, a}] = true, true
		return nil
	})
}

func (c *crowd) Unfriend(ctx context.Context, a, b string) error {
	return c.call(ctx, "unfriend", func() error {
		for _, ids := range [][2]string{{a, b}, {b, a}} {
			delete(c.friends, ids)
			delete(c.remarks, ids)
		}
		return nil
	})
}

func (c *crowd) Friends(context.Context, string, string) (im.FriendPage, error) {
	return im.FriendPage{}, nil
}

func (c *crowd) Remark(ctx context.Context, owner, friend, remark string) error {
	return c.call(ctx, "remark", func() error {
		ids := [2]string{owner, friend}
		if !c.friends[ids] {
			return &im.Error{Kind: im.UnknownUser, Op: "remark", Message: "no friends"}
		}
		if c.remarks[ids] = remark; remark == "" {
			delete(c.remarks, ids)
		}
		return nil
	})
}

func (c *crowd) Block(ctx context.Context, owner string, blocked ...string) error {
	return c.call(ctx, "block", func() error {
		for _, id := range blocked {
			c.blocks[[2]string{owner, id}] = true
		}
		return nil
	})
}

func (c *crowd) Unblock(ctx context.Context, owner string, blocked ...string) error {
	return c.call(ctx, "unblock", func() error {
		for _, id := range blocked {
			delete(c.blocks, [2]string{owner, id})
		}
		return nil
	})
}

func (c *crowd) Blocked(context.Context, string) ([]string, error) { return nil, nil }

// made are the calls since the last time.
func (c *crowd) made() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

// known is somebody whom the cloud knows.
func known(t testing.TB, s *modelstest.Store) models.User {
	t.Helper()
	u := s.AddUser(t)
	s.Exec(t, "UPDATE users SET im_state = 'ready' WHERE id = ?", u.ID)
	s.Exec(t, "INSERT INTO im_tokens (cloud_app, user_id, generation, issued_at) VALUES (?, ?, 1, 1)", im.App(bare{}), u.ID)
	return u
}

// claim takes the lease of a first mint at the app, and swap ends it with a token.
func claim(t testing.TB, s *modelstest.Store, app, id string) models.TokenView {
	t.Helper()
	v, err := s.TokenView(t.Context(), app, id, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ClaimToken(t.Context(), app, v, "minter", s.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return v
}

func swap(t testing.TB, s *modelstest.Store, app string, seen models.TokenView) {
	t.Helper()
	if err := s.SwapToken(t.Context(), app, seen, "minter", models.NewToken{Value: "token", IssuedAt: s.Now(), SecretVersion: 1}); err != nil {
		t.Fatal(err)
	}
}

// befriend is a request and its answer.
func befriend(t testing.TB, s *models.Store, a, b string) {
	t.Helper()
	ctx := context.Background()
	if _, err := s.RequestFriend(ctx, a, b, "", models.Origin{}); err != nil {
		t.Fatalf("request: %v", err)
	}
	if out, err := s.RequestFriend(ctx, b, a, "", models.Origin{}); err != nil || !out.Friends {
		t.Fatalf("request the other way = %+v, %v; want friends", out, err)
	}
}

// deliverAll delivers what is due until nothing is, without a runner.
func deliverAll(t testing.TB, s *modelstest.Store, d *outbox.Delivery) {
	t.Helper()
	r := &outbox.Runner{Store: s.Store, Kinds: d.Kinds()}
	kinds := slices.Sorted(maps.Keys(r.Kinds))
	for {
		rows, err := s.ClaimOutbox(t.Context(), kinds, "test", s.Now().Add(time.Minute), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			return
		}
		for _, row := range rows {
			if err := r.Deliver(t.Context(), row.Kind, row.Subject); err != nil {
				t.Fatalf("deliver %s of %s: %v", row.Kind, row.Subject, err)
			}
			if err := s.FinishOutbox(t.Context(), row); err != nil {
				t.Fatal(err)
			}
		}
	}
}
