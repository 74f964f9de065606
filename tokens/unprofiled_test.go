package tokens

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/rongcloud"
)

// A forgetful cloud gives the token and loses name and avatar.
type forgetful struct{ *rongcloud.Client }

func (c forgetful) Mint(ctx context.Context, u im.User, lifetime time.Duration) (im.Token, error) {
	t, err := c.Client.Mint(ctx, im.User{ID: u.ID, Name: "lost"}, lifetime)
	t.Unprofiled = err == nil
	return t, err
}

// TestATokenWithoutItsProfileIsHandedOut, and the outbox brings what is owed.
func TestATokenWithoutItsProfileIsHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.Cloud = forgetful{r.Cloud.(*rongcloud.Client)}
		p := r.person(t)
		if r.fetch(t, p).Value == "" {
			t.Error("no token, want one")
		}
		if got := r.cloud.user(t, p.id).name; got != "lost" {
			t.Fatalf("name at the cloud after the mint = %q: this tests nothing", got)
		}
		r.run(t)
		time.Sleep(time.Minute)
		u, err := r.store.User(t.Context(), p.id)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.cloud.user(t, p.id).name, u.DisplayName(); got != want {
			t.Errorf("name at the cloud = %q, want %q", got, want)
		}
	})
}
