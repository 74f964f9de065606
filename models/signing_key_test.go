package models_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestOfSeveralThatRotateOneWins(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		for seq := int64(1); seq <= 3; seq++ {
			var c tally
			together(6, func(i int) {
				c.err(stores[i%2].AddSigningKey(ctx, models.SigningKey{Seq: seq, KID: fmt.Sprintf("kid-%d-%d", seq, i), Public: []byte("public"), Private: []byte("private seed"),
					ActiveAt: s.Clock.Now().Add(time.Hour)}), models.ErrStale)
			})
			if c.n["ok"] != 1 || c.n[models.ErrStale.Error()] != 5 {
				t.Errorf("six rotations to key %d at once: %v; want one and five stale", seq, c.n)
			}
		}
		keys, err := s.SigningKeys(ctx)
		want(t, "SigningKeys", err, nil)
		for i, k := range keys {
			if k.Seq != int64(i+1) || !bytes.Equal(k.Private, []byte("private seed")) || !bytes.Equal(k.Public, []byte("public")) || !k.ActiveAt.Equal(s.Clock.Now().Add(time.Hour)) || !k.CreatedAt.Equal(s.Clock.Now()) {
				t.Errorf("key %d = %+v, want it as it was added, oldest first", i+1, k)
			}
		}
		equal(t, "keys that show their seed", s.Count(t, "SELECT COUNT(*) FROM signing_keys WHERE private_sealed LIKE '%private seed%'"), 0)
		want(t, "DropSigningKeys", s.DropSigningKeys(ctx, 3), nil)
		keys, err = s.SigningKeys(ctx)
		if err != nil || len(keys) != 1 || keys[0].Seq != 3 {
			t.Errorf("SigningKeys after dropping those below 3 = %v, %v; want number 3", keys, err)
		}

		s.Exec(t, "UPDATE signing_keys SET kid = 'renamed'")
		if _, err := s.SigningKeys(ctx); err == nil {
			t.Error("SigningKeys of a key sealed for another row = nil, want an error")
		}
	})
}
