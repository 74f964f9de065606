package tokens

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
	"imbridge/tokens/im"
	"imbridge/tokens/im/sandbox"
)

// quotaShare is what the client takes of the 200 getToken calls a second that
// RongCloud documents.
const quotaShare = 180

// TestSameSecondExpiry is the morning after: everybody's token ends in the same
// second and everybody asks at once. The whole of it runs on a bubble's clock,
// the sandbox's limits included.
func TestSameSecondExpiry(t *testing.T) {
	people := 10_000
	if raced || testing.Short() {
		people = 1_000 // the pure Go SQLite is ten times slower under the race detector
	}
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t, withRateLimits)
		r.MintTimeout = 30 * time.Second // people wait rather than come again: less work for SQLite
		r.setLifetime(t, "", 24*time.Hour)
		crowd := r.crowd(t, people)
		ends := time.Now().Add(24 * time.Hour)
		time.Sleep(24*time.Hour - time.Minute)
		for _, p := range crowd[:10] {
			if c := r.fetch(t, p); !c.ExpiresAt.Equal(ends) {
				t.Fatalf("ExpiresAt of %s = %s, want %s for everybody", p.id, c.ExpiresAt, ends)
			}
		}
		time.Sleep(time.Minute)

		begin := time.Now()
		got := make([]ConnectToken, people)
		errs := make([]error, people)
		var all sync.WaitGroup
		for n, p := range crowd {
			all.Go(func() { got[n], errs[n] = r.persist(t, p) })
		}
		all.Wait()
		took := time.Since(begin)

		if err := errors.Join(errs...); err != nil {
			t.Fatalf("not everybody was served: %v", err)
		}
		unlike := make(map[string]bool, people)
		for n, c := range got {
			unlike[c.Value] = true
			if state := r.cloud.box.TokenState(c.Value); state != sandbox.StateValid {
				t.Errorf("token of %s is %s at the cloud, want %s", crowd[n].id, state, sandbox.StateValid)
			}
		}
		if len(unlike) != people {
			t.Errorf("%d people got %d different tokens, want one each", people, len(unlike))
		}
		r.cloud.wantCalls(t, getToken, people)
		if peak := r.cloud.count(t, "peaks", getToken); peak > quotaShare || peak < quotaShare/2 {
			t.Errorf("the cloud saw %d mints within a second, want %d to %d", peak, quotaShare/2, quotaShare)
		}
		if least := time.Duration(people) * time.Second / quotaShare / 2; took < least || took > 3*time.Minute {
			t.Errorf("it took %s of the bubble's time, want %s to 3m", took, least)
		}
		t.Logf("%d people served in %s of the bubble's time", people, took)
	})
}

// persist asks as a client does: again when told to.
func (r *rig) persist(t testing.TB, p person) (ConnectToken, error) {
	for {
		c, err := r.Token(t.Context(), p.id, p.session)
		var e *im.Error
		if !errors.As(err, &e) || e.RetryAfter <= 0 {
			return c, err
		}
		time.Sleep(e.RetryAfter)
	}
}

// crowd is people with sessions and tokens, all minted at this moment.
func (r *rig) crowd(t testing.TB, n int) []person {
	t.Helper()
	db := r.store.SQL(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	now := r.Now().UnixMicro()
	crowd := make([]person, n)
	for i := range crowd {
		p := person{fmt.Sprintf("01crowd%019d", i), fmt.Sprintf("01sess%020d", i)}
		crowd[i] = p
		for _, q := range []struct {
			query string
			args  []any
		}{
			{"INSERT INTO users (id, im_id, username, username_key, password_hash, created_at, updated_at) VALUES (?, ?, ?, ?, '-', ?, ?)",
				[]any{p.id, p.id, p.id, p.id, now, now}},
			{"INSERT INTO sessions (id, user_id, counter, key_sealed, created_at, rotated_at, last_used_at, expires_at) VALUES (?, ?, 1, '', ?, ?, ?, ?)",
				[]any{p.session, p.id, now, now, now, now + (30 * 24 * time.Hour).Microseconds()}},
		} {
			if _, err := tx.Exec(q.query, q.args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, p := range crowd {
		v := models.TokenView{UserID: p.id, Epoch: 1}
		until := r.Now().Add(time.Minute)
		if err := r.Store.ClaimToken(t.Context(), r.App(), v, "crowd", until); err != nil {
			t.Fatal(err)
		}
		n := models.NewToken{Value: "first-" + p.id, IssuedAt: r.Now(), SecretVersion: r.SecretVersion()}
		if err := r.Store.SwapToken(t.Context(), r.App(), v, "crowd", n); err != nil {
			t.Fatal(err)
		}
	}
	return crowd
}

// TestThousandAtOnce: however many ask at once in two processes, the cloud is
// asked once.
func TestThousandAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := newRig(t, s)
		r2 := r.again(t)
		r.MintTimeout, r2.MintTimeout = 5*time.Minute, 5*time.Minute // a busy machine is no failure
		p := r.person(t)
		tokens := together(t, 1000, func(n int) (ConnectToken, error) {
			return []*rig{r, r2}[n%2].Token(t.Context(), p.id, p.session)
		})
		if len(tokens) != 1 {
			t.Errorf("1,000 concurrent fetches gave %d different tokens, want 1", len(tokens))
		}
		r.cloud.wantCalls(t, getToken, 1)

		old := tokens[0]
		tokens = together(t, 1000, func(n int) (ConnectToken, error) {
			return []*rig{r, r2}[n%2].Refused(t.Context(), p.id, p.session, old)
		})
		if len(tokens) != 1 || tokens[0] == old {
			t.Errorf("1,000 concurrent reports gave %d different tokens, want 1 and a new one", len(tokens))
		}
		r.cloud.wantCalls(t, getToken, 2)
	})
}

// together runs do n times at once and returns the different tokens that it gave.
func together(t testing.TB, n int, do func(n int) (ConnectToken, error)) []string {
	t.Helper()
	start := make(chan struct{})
	var mu sync.Mutex
	unlike := make(map[string]bool)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			c, err := do(i)
			errs[i] = err
			mu.Lock()
			defer mu.Unlock()
			unlike[c.Value] = true
		})
	}
	close(start)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("of %d at once: %v", n, err)
	}
	var list []string
	for v := range unlike {
		list = append(list, v)
	}
	return list
}
