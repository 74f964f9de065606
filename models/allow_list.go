package models

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// What holds for everybody's allow list at the cloud.
const (
	// AllowListsOff: none is looked at. It is so where nothing was ever written.
	AllowListsOff = "off"
	// AllowListsOn: who is known there has one, on which their friends stand.
	AllowListsOn = "on"
	// AllowListsNone: the cloud keeps none for the app.
	AllowListsNone = "none"
)

// allowListsState is the row of bridge_state.
const allowListsState = "allow_lists"

// AllowLists is what holds for allow lists, and how far everybody's was made so:
// a round asks the outbox for one person after another.
type AllowLists struct {
	// App is the app at the cloud; see tokens.Issuer.App.
	App  string
	Mode string // see the constants; empty where nothing was ever written
	// Since is when that was decided.
	Since time.Time
	// Asked is for how many people the round has asked the outbox.
	Asked int64
	// Done is when it had asked for the last; zero while it is under way.
	Done time.Time

	after string // the last of them
	raw   []byte // as it is stored; nil without a row
}

// On tells whether friends are to stand on each other's lists at the app.
func (a AllowLists) On(app string) bool { return a.App == app && a.Mode == AllowListsOn }

type allowListsValue struct {
	App   string `json:"app"`
	Mode  string `json:"mode"`
	Since int64  `json:"since"`
	After string `json:"after,omitempty"`
	Asked int64  `json:"asked,omitempty"`
	Done  int64  `json:"done,omitempty"`
}

func (a AllowLists) encode() ([]byte, error) {
	v := allowListsValue{App: a.App, Mode: a.Mode, Since: a.Since.UnixMicro(), After: a.after, Asked: a.Asked}
	if !a.Done.IsZero() {
		v.Done = a.Done.UnixMicro()
	}
	return json.Marshal(v)
}

// AllowLists reads it.
func (s *Store) AllowLists(ctx context.Context) (AllowLists, error) {
	var raw []byte
	err := s.sql.QueryRowContext(ctx, "SELECT value FROM bridge_state WHERE name = ?", allowListsState).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return AllowLists{}, nil
	}
	if err != nil {
		return AllowLists{}, fmt.Errorf("allow lists: %w", s.translate(err))
	}
	var v allowListsValue
	if err := json.Unmarshal(raw, &v); err != nil {
		return AllowLists{}, fmt.Errorf("allow lists: %w", err)
	}
	a := AllowLists{App: v.App, Mode: v.Mode, Since: fromMicros(v.Since), Asked: v.Asked, after: v.After, raw: raw}
	if v.Done != 0 {
		a.Done = fromMicros(v.Done)
	}
	return a, nil
}

// SetAllowLists decides anew what holds, over what was seen, and begins the round
// that brings it to everybody. ErrStale where somebody else has decided since, or
// a round that was under way has gone on.
func (s *Store) SetAllowLists(ctx context.Context, seen AllowLists, app, mode string) error {
	next := AllowLists{App: app, Mode: mode, Since: s.Now()}
	if mode == AllowListsNone {
		next.Done = next.Since
	}
	if err := s.inTx(ctx, func(tx *gorm.DB) error { return s.swapAllowLists(tx, seen, next) }); err != nil {
		return fmt.Errorf("allow lists %s: %w", mode, err)
	}
	return nil
}

func (s *Store) swapAllowLists(tx *gorm.DB, seen, next AllowLists) error {
	raw, err := next.encode()
	if err != nil {
		return err
	}
	if seen.raw == nil {
		err := tx.Exec("INSERT INTO bridge_state (name, value, updated_at) VALUES (?, ?, ?)", allowListsState, raw, s.nowMicros()).Error
		if isDuplicate(s.translate(err)) {
			err = ErrStale
		}
		return err
	}
	res := tx.Exec("UPDATE bridge_state SET value = ?, updated_at = ? WHERE name = ? AND value = ?", raw, s.nowMicros(), allowListsState, seen.raw)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrStale
	}
	return res.Error
}

// StepAllowLists asks the outbox for up to limit people more whom the app knows,
// so that no step is lost with a process, nor made by two. While limit rows
// wait it asks for nobody. ErrStale as of SetAllowLists.
func (s *Store) StepAllowLists(ctx context.Context, seen AllowLists, limit int) error {
	if seen.raw == nil || !seen.Done.IsZero() {
		return nil
	}
	waiting, _, err := s.AllowListsWaiting(ctx)
	if err != nil || waiting >= int64(limit) {
		return err
	}
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		var ids []string
		// Who comes between has a row of their own with the first token.
		if err := tx.Raw("SELECT t.user_id FROM im_tokens t JOIN users u ON u.id = t.user_id AND u.status <> ? WHERE t.cloud_app = ? AND t.user_id > ? AND t.issued_at > 0 ORDER BY t.user_id LIMIT ?",
			StatusDeleted, seen.App, seen.after, limit).Scan(&ids).Error; err != nil {
			return err
		}
		next := seen
		next.Asked += int64(len(ids))
		if len(ids) > 0 {
			next.after = ids[len(ids)-1]
		}
		if len(ids) < limit {
			next.Done = s.Now()
		}
		if err := s.swapAllowLists(tx, seen, next); err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.enqueue(tx, KindAllow, id, s.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("round of allow lists: %w", err)
	}
	s.wakeOutbox()
	return nil
}

// AllowListsWaiting counts the people whose lists the outbox is still asked for,
// and those that were given up.
func (s *Store) AllowListsWaiting(ctx context.Context) (waiting, buried int64, err error) {
	var row struct{ Waiting, Buried int64 }
	err = s.db.WithContext(ctx).Raw(`SELECT COALESCE(SUM(CASE WHEN buried_at IS NULL THEN 1 ELSE 0 END), 0) AS waiting,
		COALESCE(SUM(CASE WHEN buried_at IS NULL THEN 0 ELSE 1 END), 0) AS buried FROM outbox WHERE kind = ?`, KindAllow).Take(&row).Error
	if err != nil {
		return 0, 0, fmt.Errorf("allow lists: %w", s.translate(err))
	}
	return row.Waiting, row.Buried, nil
}

// PeopleAt is how many people the app named app knows.
func (s *Store) PeopleAt(ctx context.Context, app string) (int64, error) {
	var n int64
	err := s.db.WithContext(ctx).Raw("SELECT COUNT(*) FROM im_tokens t JOIN users u ON u.id = t.user_id AND u.status <> ? WHERE t.cloud_app = ? AND t.issued_at > 0", StatusDeleted, app).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("people at %s: %w", app, s.translate(err))
	}
	return n, nil
}

// AskAllowList asks the outbox for one person's list.
func (s *Store) AskAllowList(ctx context.Context, userID string) error {
	if err := s.inTx(ctx, func(tx *gorm.DB) error { return s.enqueue(tx, KindAllow, userID, s.Now()) }); err != nil {
		return fmt.Errorf("allow list of %s: %w", userID, err)
	}
	s.wakeOutbox()
	return nil
}

// MayWriteTo are the ids at the cloud of all who belong on a person's allow list:
// the friends whom the app knows and the person does not block, in their order.
func (s *Store) MayWriteTo(ctx context.Context, app, userID string) ([]string, error) {
	var ids []string
	err := s.db.WithContext(ctx).Raw(`SELECT u.im_id FROM friends f `+s.inOrder()+` users u ON u.id = f.friend_id AND u.status <> ?
		JOIN im_tokens t ON t.cloud_app = ? AND t.user_id = f.friend_id AND t.issued_at > 0
		LEFT JOIN blocks b ON b.owner_id = f.owner_id AND b.blocked_id = f.friend_id
		WHERE f.owner_id = ? AND b.owner_id IS NULL ORDER BY u.im_id`, StatusDeleted, app, userID).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("allow list of %s: %w", userID, s.translate(err))
	}
	return ids, nil
}
