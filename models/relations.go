package models

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// HadToken tells whether the app named app at a cloud has ever given a token for
// each of them, and so knows them all. It does no longer where it was found to
// have lost one of them.
func (s *Store) HadToken(ctx context.Context, app string, userIDs ...string) (bool, error) {
	ids := slices.Clone(userIDs)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var n int64
	err := s.db.WithContext(ctx).Raw("SELECT COUNT(*) FROM im_tokens WHERE cloud_app = ? AND user_id IN ? AND issued_at > 0", app, ids).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("known at %s: %w", app, s.translate(err))
	}
	return n == int64(len(ids)), nil
}

// Relations are some of what is between a person and others whom the same app
// knows.
type Relations struct {
	// Others is with how many.
	Others int
	// rest is the subject of those that are left; empty where none are.
	rest string
	rows []outboxKey
}

type outboxKey struct{ kind, subject string }

// RelationsOf reads, for an outbox row of KindRelations, what is between its
// person and up to limit others to whom the app named app has given a token.
// Those who get their first one later have a row of their own then.
func (s *Store) RelationsOf(ctx context.Context, app, subject string, limit int) (Relations, error) {
	id, after, _ := strings.Cut(subject, ":")
	kinds := map[string][]outboxKey{} // by the other
	for _, list := range []struct {
		table, mine, other string
		row                func(other string) outboxKey
	}{
		{"friends", "owner_id", "friend_id", func(other string) outboxKey { return outboxKey{KindFriend, pair(id, other)} }},
		{"blocks", "owner_id", "blocked_id", func(other string) outboxKey { return outboxKey{KindBlock, id + ":" + other} }},
		{"blocks", "blocked_id", "owner_id", func(other string) outboxKey { return outboxKey{KindBlock, other + ":" + id} }},
	} {
		var others []string
		err := s.db.WithContext(ctx).Raw("SELECT r."+list.other+" FROM "+list.table+" r "+s.inOrder()+" im_tokens t ON t.cloud_app = ? AND t.user_id = r."+list.other+
			" WHERE r."+list.mine+" = ? AND r."+list.other+" > ? AND t.issued_at > 0 ORDER BY r."+list.other+" LIMIT ?", app, id, after, limit+1).Scan(&others).Error
		if err != nil {
			return Relations{}, fmt.Errorf("relations of %s: %w", subject, s.translate(err))
		}
		for _, other := range others {
			kinds[other] = append(kinds[other], list.row(other))
		}
	}
	others := make([]string, 0, len(kinds))
	for other := range kinds {
		others = append(others, other)
	}
	slices.Sort(others)
	var r Relations
	// Each list has one more than fits, so that none ends before the page does.
	if len(others) > limit {
		others = others[:limit]
		r.rest = id + ":" + others[limit-1]
	}
	r.Others = len(others)
	for _, other := range others {
		r.rows = append(r.rows, kinds[other]...)
	}
	return r, nil
}

// TellRelations asks that the cloud be told of them, and of the rest in another
// row of KindRelations.
func (s *Store) TellRelations(ctx context.Context, r Relations) error {
	if len(r.rows) == 0 && r.rest == "" {
		return nil
	}
	rows := slices.Clone(r.rows)
	if r.rest != "" {
		rows = append(rows, outboxKey{KindRelations, r.rest})
	}
	// Two who write the same rows at once lock them in the same order.
	slices.SortFunc(rows, func(a, b outboxKey) int {
		return strings.Compare(a.subject+" "+a.kind, b.subject+" "+b.kind)
	})
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		for _, row := range rows {
			if err := s.enqueue(tx, row.kind, row.subject, s.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tell relations: %w", err)
	}
	s.wakeOutbox()
	return nil
}
