package tokens

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/models/modelstest"
)

func (r *rig) rotateSecret(t testing.TB) {
	t.Helper()
	r.secret.Add(1)
	if err := r.LoadSecretVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestTwoSecretsSideBySide: while an old release and a new one with another
// secret serve the same people, each token is replaced once, by the new one.
func TestTwoSecretsSideBySide(t *testing.T) {
	before := newRig(t, modelstest.Open(t))
	p := before.person(t)
	first := before.fetch(t, p)
	after := before.again(t)
	after.rotateSecret(t)
	second := after.fetch(t, p)
	if second.Value == first.Value {
		t.Error("the new release handed out a token of the old secret, want a new one")
	}
	for range 5 {
		for name, r := range map[string]*rig{"old": before, "new": after} {
			if c := r.fetch(t, p); c.Value != second.Value {
				t.Errorf("the %s release replaced the token of the new secret, want it kept", name)
			}
		}
	}
	before.cloud.wantCalls(t, getToken, 2)
}

// TestRotationIsNoticed: a process that runs learns of a rotation by itself.
// Tokens of people seen lately are minted anew in rounds, no faster than the
// rate that leaves room for logins; others wait for their next fetch.
func TestRotationIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.RoundRate = 2
		const n = 20
		for range n {
			r.fetch(t, r.person(t))
		}
		late := r.person(t)
		old := r.fetch(t, late)
		r.store.Exec(t, "UPDATE im_tokens SET last_fetched_at = ? WHERE user_id = ?", time.Now().Add(-roundSeen-time.Second).UnixMicro(), late.id)
		r.run(t)
		r.secret.Add(1)
		time.Sleep(2 * secretEvery)
		if got := r.SecretVersion(); got != 2 {
			t.Errorf("version of the secret %s after the rotation = %d, want 2", 2*secretEvery, got)
		}
		begun := r.cloud.mints()
		for r.cloud.mints() == begun {
			time.Sleep(100 * time.Millisecond)
		}
		begin, first := time.Now(), r.cloud.mints()
		time.Sleep(5 * time.Second)
		if got, most := r.cloud.mints()-first, 11; got > most || got < 8 {
			t.Errorf("%d tokens were minted in %s of a round, want about 10: two a second", got, time.Since(begin))
		}
		time.Sleep(2 * roundEvery)
		if got := r.cloud.mints(); got != begun+n {
			t.Errorf("%d tokens were minted in rounds, want %d: of all who were seen lately", got-begun, n)
		}
		if left, err := r.Store.StaleTokens(t.Context(), r.App(), 2); err != nil || left != 1 {
			t.Errorf("StaleTokens = %d, %v; want the one of somebody long not seen", left, err)
		}
		if c := r.fetch(t, late); c.Value == old.Value {
			t.Error("somebody long not seen got the token of the old secret, want a new one")
		}
	})
}

// TestRotationWithinMint: a token that was asked for before a rotation is stale
// after it.
func TestRotationWithinMint(t *testing.T) {
	r := newRig(t, modelstest.Open(t))
	p := r.person(t)
	var once sync.Once
	rotate := func(path string) {
		if path == getToken {
			once.Do(func() { r.rotateSecret(t) })
		}
	}
	r.cloud.after.Store(&rotate)
	r.fetch(t, p)
	r.cloud.wantCalls(t, getToken, 2)
	v, err := r.Store.TokenView(t.Context(), r.App(), p.id, "")
	if err != nil || v.SecretVersion != 2 {
		t.Errorf("version of the stored token = %d, %v; want 2, that of the rotation in the middle of the first mint", v.SecretVersion, err)
	}
}
