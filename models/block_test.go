package models_test

import (
	"errors"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestBlocksAreRowsAndSubjectsOfTheirOwn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a, b := s.AddUser(t).ID, s.AddUser(t).ID
		for range 2 {
			want(t, "BlockUser", s.BlockUser(ctx, b, a, from), nil)
			equal(t, "generation", outboxRow(t, s, b+":"+a).Generation, 1)
		}
		equal(t, "kind", outboxRow(t, s, b+":"+a).Kind, models.KindBlock)
		truth, err := s.BlockingOf(ctx, b+":"+a)
		if err != nil || !truth.Blocked || truth.Owner.ID != b || truth.Other.ID != a {
			t.Errorf("truth = %+v, %v; want b to block a", truth, err)
		}
		truth, err = s.BlockingOf(ctx, a+":"+b)
		if err != nil || truth.Blocked {
			t.Errorf("truth the other way = %+v, %v; want none", truth, err)
		}
		for range 2 {
			want(t, "UnblockUser", s.UnblockUser(ctx, b, a, from), nil)
			equal(t, "generation", outboxRow(t, s, b+":"+a).Generation, 2)
		}
		want(t, "BlockUser", s.BlockUser(ctx, b, b, from), models.ErrSelf)
	})
}

// TestBlockLimitIsExact: forty block at once where there is room for ten.
func TestBlockLimitIsExact(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		a := s.AddUser(t).ID
		fill(t, s, "blocks (owner_id, blocked_id, created_at)", a, models.MaxBlocks-10)
		ids := make([]string, 40)
		for i := range ids {
			ids[i] = s.AddUser(t).ID
		}
		seen := tally{}
		together(len(ids), func(i int) { seen.err(stores[i%2].BlockUser(ctx, a, ids[i], from), models.ErrBlocksFull) })
		if seen.n["ok"] != 10 || seen.n[models.ErrBlocksFull.Error()] != 30 {
			t.Errorf("outcomes = %v, want 10 ok and 30 without room", seen.n)
		}
		equal(t, "blocks", s.Count(t, "SELECT COUNT(*) FROM blocks WHERE owner_id = ?", a), models.MaxBlocks)
	})
}

// TestBatchesThatOverlapAllCommit: ten batches of the same people, in all orders.
func TestBatchesThatOverlapAllCommit(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		owners, others := make([]string, 5), make([]string, 30)
		for i := range owners {
			owners[i] = s.AddUser(t).ID
		}
		for i := range others {
			others[i] = s.AddUser(t).ID
		}
		stores := []*modelstest.Store{s, s.Again(t)}
		together(10, func(i int) {
			ids := append(append([]string{}, others[3*i:]...), others[:3*i]...)
			ids = append(ids, owners[(i+1)%5])
			outcomes, err := stores[i%2].BlockUsers(ctx, owners[i%5], ids, from)
			for _, e := range outcomes {
				err = errors.Join(err, e)
			}
			if err != nil {
				t.Errorf("batch %d = %v, want all blocked", i, err)
			}
		})
		equal(t, "blocks", s.Count(t, "SELECT COUNT(*) FROM blocks"), 5*31)
		equal(t, "rows of the outbox", s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = ?", models.KindBlock), 5*31)
		list, err := s.Blocks(ctx, owners[0], "", 50)
		if err != nil || len(list) != 31 {
			t.Errorf("blocks of one = %d, %v; want 31", len(list), err)
		}
		want(t, "DeleteUser", s.DeleteUser(ctx, owners[0], "admin:a", from), nil)
		equal(t, "blocks of and by the deleted", s.Count(t, "SELECT COUNT(*) FROM blocks WHERE owner_id = ? OR blocked_id = ?", owners[0], owners[0]), 0)
	})
}
