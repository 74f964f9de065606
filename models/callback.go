package models

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrReplayed: a callback with the same signature was taken before.
var ErrReplayed = errors.New("this callback was taken before")

// TakeCallback notes the signature of a cloud's callback, so that it counts once,
// whichever process it comes to. The note is kept until the time at which the
// callback would be refused for its age anyway. ErrReplayed where it is there
// already.
func (s *Store) TakeCallback(ctx context.Context, signature string, until time.Time) error {
	_, err := s.write(ctx, "INSERT INTO callbacks (id, expires_at) VALUES (?, ?)", s.macHex("callback", signature), until.UnixMicro())
	if isDuplicate(err) {
		return ErrReplayed
	}
	if err != nil {
		return fmt.Errorf("take callback: %w", err)
	}
	return nil
}

// A Verdict is what stands between somebody who writes and whom they write to.
type Verdict string

// The verdicts, the first that holds.
const (
	// VerdictGone: the sender is banned or deleted, or the recipient is deleted.
	VerdictGone Verdict = "gone"
	// VerdictSystem: one of them is nobody of ours.
	VerdictSystem Verdict = "system"
	// VerdictBlocked: the recipient blocks the sender.
	VerdictBlocked Verdict = "blocked"
	// VerdictFriends: they are friends, or one and the same.
	VerdictFriends Verdict = "friends"
	// VerdictStrangers: nothing of the above.
	VerdictStrangers Verdict = "strangers"
)

// Each join is one look-up by a key.
const mayWriteQuery = `SELECT f.status, t.status, CASE WHEN b.owner_id IS NULL THEN 0 ELSE 1 END, CASE WHEN x.owner_id IS NULL THEN 0 ELSE 1 END
	FROM (SELECT 1 AS one) n LEFT JOIN users f ON f.im_id = ? LEFT JOIN users t ON t.im_id = ?
	LEFT JOIN blocks b ON b.owner_id = t.id AND b.blocked_id = f.id
	LEFT JOIN friends x ON x.owner_id = t.id AND x.friend_id = f.id`

// MayWrite tells by their ids at the cloud what stands between two, in one query.
func (s *Store) MayWrite(ctx context.Context, fromIMID, toIMID string) (Verdict, error) {
	// MySQL compares no other text with a column of ASCII, and no id of ours is any.
	if !isIMID(fromIMID) || !isIMID(toIMID) {
		return VerdictSystem, nil
	}
	stmt, err := s.prepared(ctx, mayWriteQuery) //nolint:sqlclosecheck // kept for the next caller; Close ends it
	if err != nil {
		return "", fmt.Errorf("may write: %w", err)
	}
	var from, to *string
	var blocked, friends int
	if err := stmt.QueryRowContext(ctx, fromIMID, toIMID).Scan(&from, &to, &blocked, &friends); err != nil {
		return "", fmt.Errorf("may write: %w", s.translate(err))
	}
	switch {
	case from != nil && *from != StatusActive, to != nil && *to == StatusDeleted:
		return VerdictGone, nil
	case from == nil || to == nil:
		return VerdictSystem, nil
	case fromIMID == toIMID, blocked == 0 && friends == 1:
		return VerdictFriends, nil
	case blocked == 1:
		return VerdictBlocked, nil
	}
	return VerdictStrangers, nil
}

// isIMID tells whether the column of ids at the cloud could hold a text.
func isIMID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
