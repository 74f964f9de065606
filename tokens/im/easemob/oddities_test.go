package easemob_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/easemob"
	"imbridge/tokens/im/sandbox"
)

func newPair(t *testing.T, change func(*easemob.Config)) (box, *easemob.Client, *clock) {
	clk := &clock{}
	b := newBox(t, clk)
	return b, b.client(clk, change), clk
}

func minted(t *testing.T, c *easemob.Client, id string, lifetime time.Duration) im.Token {
	t.Helper()
	tok, err := c.Mint(t.Context(), im.User{ID: id, Name: id}, lifetime)
	if err != nil {
		t.Fatalf("Mint(%q) = %v, want a token", id, err)
	}
	return tok
}

// The first mints of one person within a second clash at the cloud.
func TestMintsThatClashAllSucceed(t *testing.T) {
	b, c, _ := newPair(t, func(*easemob.Config) {})
	b.turn("/control/app", map[string]any{"easemob": map[string]any{"autocreate_conflict": true}})
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = c.Mint(t.Context(), im.User{ID: "u1", Name: "n"}, 0) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("Mint by 4 at once = %v, want 4 tokens", err)
	}
}

func TestTheClusterThatCountsMilliseconds(t *testing.T) {
	b, c, clk := newPair(t, func(cfg *easemob.Config) { cfg.Cluster = easemob.VIP5 })
	b.turn("/control/app", map[string]any{"easemob": map[string]any{"vip5": true}})
	tok := minted(t, c, "u1", time.Hour)
	if left := tok.ExpiresAt.Sub(clk.now()); left > time.Hour || left < 59*time.Minute {
		t.Errorf("a token of an hour ends in %v", left)
	}
	clk.advance(59 * time.Minute)
	if got := b.EasemobTokenState("u1", tok.Value); got != sandbox.StateValid {
		t.Errorf("the token is %s before its end, want valid", got)
	}
	clk.advance(2 * time.Minute)
	if got := b.EasemobTokenState("u1", tok.Value); got != sandbox.StateExpired {
		t.Errorf("the token is %s after its end, want expired", got)
	}
}

// A cloud that has forgotten our app token is given a new one, and nobody notices.
func TestAnAppTokenThatTheCloudForgetsIsReplaced(t *testing.T) {
	b, c, _ := newPair(t, func(*easemob.Config) {})
	minted(t, c, "u1", 0)
	b.turn("/control/reset", map[string]any{"all": true})
	minted(t, c, "u1", 0)
}

func TestBulkOnBothKindsOfCloud(t *testing.T) {
	for _, strict := range []bool{false, true} {
		b, c, _ := newPair(t, func(*easemob.Config) {})
		b.turn("/control/app", map[string]any{"easemob": map[string]any{"strict_bulk": strict}})
		minted(t, c, "u7", 0)
		var users []easemob.NewUser
		for i := range 60 {
			users = append(users, easemob.NewUser{ID: fmt.Sprint("u", i), Password: "Pass-word1"})
		}
		taken, err := c.CreateSeveral(t.Context(), users...)
		if err != nil || !slices.Equal(taken, []string{"u7"}) {
			t.Errorf("strict %v: taken = %q, %v, want u7", strict, taken, err)
		}
		page, err := c.Users(t.Context(), "")
		if err != nil || len(page.Users) != 60 {
			t.Errorf("strict %v: %d users, %v, want 60", strict, len(page.Users), err)
		}
	}
}

func TestImportOfFriendsWhomTheCloudDoesNotKnow(t *testing.T) {
	_, c, _ := newPair(t, func(*easemob.Config) {})
	for _, id := range []string{"u1", "u2", "u3"} {
		minted(t, c, id, 0)
	}
	got, err := c.ImportFriends(t.Context(), "u1", "u2", "u3", "u4")
	if err != nil || len(got.Added) != 2 || !slices.Equal(got.Unknown, []string{"u4"}) {
		t.Errorf("ImportFriends = %+v, %v, want two added and u4 unknown", got, err)
	}
}

// TestQuotaAgainstTheSandbox is the quota's promise over a real network, as the
// cloud counts it: never reach_limit, and never more than our share in a second.
func TestQuotaAgainstTheSandbox(t *testing.T) {
	for _, q := range []struct {
		endpoint     string
		calls, share int
		call         func(c *easemob.Client) error
	}{
		{"POST /users/{u}/contacts/users/{f}", 250, 90, func(c *easemob.Client) error { return c.Befriend(t.Context(), "u1", "u2") }},
		{"POST /users/{u}/blocks/users", 130, 45, func(c *easemob.Client) error { return c.Block(t.Context(), "u1", "u2") }},
		{"DELETE /users/{u}/blocks/users/{f}", 130, 45, func(c *easemob.Client) error { return c.Unblock(t.Context(), "u1", "u2") }},
	} {
		t.Run(q.endpoint, func(t *testing.T) {
			t.Parallel()
			b, c, _ := newPair(t, func(cfg *easemob.Config) { cfg.QuotaPercent = 90 })
			minted(t, c, "u1", 0)
			minted(t, c, "u2", 0)
			errs := make([]error, q.calls)
			var all sync.WaitGroup
			for i := range q.calls {
				all.Go(func() { errs[i] = q.call(c) })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Errorf("%d calls = %v, want each to succeed", q.calls, err)
			}
			rec := httptest.NewRecorder()
			b.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/control/peaks", nil))
			var peaks map[string]int
			if err := json.Unmarshal(rec.Body.Bytes(), &peaks); err != nil {
				t.Fatal(err)
			}
			if got := peaks[q.endpoint]; got < 1 || got > q.share {
				t.Errorf("the cloud saw %d calls within a second, want 1 to %d: %v", got, q.share, peaks)
			}
		})
	}
}

func TestAllFriendsAtOnce(t *testing.T) {
	_, c, _ := newPair(t, func(*easemob.Config) {})
	ids := []string{"u1"}
	minted(t, c, "u0", 0)
	if got, err := c.AllFriends(t.Context(), "u0"); err != nil || len(got) != 0 {
		t.Errorf("AllFriends of somebody without = %v, %v; want nobody", got, err)
	}
	minted(t, c, "u1", 0)
	for i := 2; i < 13; i++ { // more than a page
		id := fmt.Sprint("u", i)
		minted(t, c, id, 0)
		ids = append(ids, id)
	}
	for _, id := range ids {
		if err := c.Befriend(t.Context(), id, "u0"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.AllFriends(t.Context(), "u0")
	slices.Sort(got)
	slices.Sort(ids)
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("AllFriends = %v, %v; want %v", got, err, ids)
	}
	_, err = c.AllFriends(t.Context(), "nobody")
	if im.KindOf(err) != im.UnknownUser {
		t.Errorf("AllFriends of nobody = %v, want %s", err, im.UnknownUser)
	}
}

// A user may be deleted in the console. The next mint makes a new one of that name.
func TestAMintOfOneWhomTheCloudLostPutsTheProfileAgain(t *testing.T) {
	b, c, _ := newPair(t, func(*easemob.Config) {})
	ann := im.User{ID: "ann", Name: "Annie", AvatarURL: "https://example.com/ann.png"}
	for _, lost := range []bool{false, true} {
		if lost {
			b.turn("/control/reset", map[string]any{"all": true})
		}
		if _, err := c.Mint(t.Context(), ann, 0); err != nil {
			t.Fatalf("Mint, user lost = %v: %v", lost, err)
		}
		if got, err := c.Profile(t.Context(), "ann"); err != nil || got != ann {
			t.Errorf("profile after the mint, user lost = %v: %+v, %v, want %+v", lost, got, err, ann)
		}
	}
}
