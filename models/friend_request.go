package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// What became of a request. The words are in databases, for ever.
const (
	requestPending   = "pending"
	requestAccepted  = "accepted"
	requestDeclined  = "declined"  // or its recipient has blocked the sender
	requestWithdrawn = "withdrawn" // or its sender has blocked the recipient
)

// requestKept is how long an answered request can still be answered the same way
// again, by somebody who lost the first answer.
const requestKept = 30 * 24 * time.Hour

// How often one person can ask in vain within askWindow: requests that were
// declined or withdrawn, for whatever reason. Those that wait have a limit of
// their own, and those that were accepted have none.
const (
	askWindow = 24 * time.Hour
	// MaxAskedInVain is to one other person.
	MaxAskedInVain = 3
	// MaxAskedInVainOfAll is to all of them.
	MaxAskedInVainOfAll = 100
)

// An AskedTooOftenError says when the next request will be sent on. It is the
// same whoever ended the earlier ones, and however.
type AskedTooOftenError struct{ RetryAfter time.Duration }

func (e *AskedTooOftenError) Error() string {
	return fmt.Sprintf("too many requests in vain, again in %s", e.RetryAfter.Round(time.Second))
}

// A FriendRequest waits for its recipient's answer.
type FriendRequest struct {
	ID string
	// Incoming: the other one asks. Otherwise they are asked.
	Incoming bool
	// Other is the other of the two.
	Other     User
	Message   string // at most 100 characters; may be empty
	CreatedAt time.Time
}

type friendRequestRow struct {
	ID         string `gorm:"primaryKey"`
	FromID     string
	ToID       string
	PairKey    *string
	Message    string
	Status     string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	AnsweredAt *int64
}

func (friendRequestRow) TableName() string { return "friend_requests" }

// A RequestOutcome is what a request led to.
type RequestOutcome struct {
	// Friends: the two are friends now, or were before. There is no request then.
	Friends bool
	// Made: the request is a new one. Otherwise the one that waited already is
	// returned, with its own message.
	Made    bool
	Request FriendRequest
}

// RequestFriend asks somebody to become a friend. Who has asked first is
// answered by it: both are friends at once. It is safe to repeat. Whether the
// other one blocks the sender cannot be seen from the outcome. Errors: ErrSelf,
// ErrNotFound, ErrBlocking, ErrRequestsFull, ErrFriendsFull, AskedTooOftenError,
// FieldError.
func (s *Store) RequestFriend(ctx context.Context, fromID, toID, message string, o Origin) (RequestOutcome, error) {
	if fromID == toID {
		return RequestOutcome{}, ErrSelf
	}
	if err := checkShort("message", message); err != nil {
		return RequestOutcome{}, err
	}
	other, err := s.User(ctx, toID)
	if err != nil {
		return RequestOutcome{}, err
	}
	var out RequestOutcome
	changed := false
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		out, changed = RequestOutcome{}, false
		if err := s.takeTurn(tx, fromID, toID); err != nil {
			return err
		}
		if err := s.present(tx, fromID, toID); err != nil {
			return err
		}
		if out.Friends, err = s.areFriends(tx, fromID, toID); err != nil || out.Friends {
			return err
		}
		blocking, err := s.blocking(tx, fromID, toID)
		if err != nil {
			return err
		}
		if blocking {
			return ErrBlocking
		}
		var row friendRequestRow
		if err := tx.Where("pair_key = ?", pair(fromID, toID)).Limit(1).Find(&row).Error; err != nil {
			return err
		}
		switch row.FromID {
		case fromID:
			out.Request = row.request(fromID, other)
			return nil
		case toID:
			out.Friends, changed = true, true
			return s.accept(tx, row, o)
		}
		row, err = s.newRequest(tx, fromID, toID, message)
		if err != nil {
			return err
		}
		out.Made, out.Request = true, row.request(fromID, other)
		return s.audit(tx, o, "user:"+fromID, "friend.request", "user:"+toID, nil)
	})
	if err != nil {
		return RequestOutcome{}, fmt.Errorf("request friend: %w", err)
	}
	if changed {
		s.wakeOutbox()
	}
	return out, nil
}

func (s *Store) newRequest(tx *gorm.DB, fromID, toID, message string) (friendRequestRow, error) {
	key := pair(fromID, toID)
	row := friendRequestRow{ID: s.newID(), FromID: fromID, ToID: toID, PairKey: &key, Message: message, Status: requestPending, CreatedAt: s.nowMicros()}
	var waiting int64
	if err := tx.Raw("SELECT COUNT(*) FROM friend_requests WHERE from_id = ? AND status = ?", fromID, requestPending).Scan(&waiting).Error; err != nil {
		return row, err
	}
	if waiting >= MaxFriendRequests {
		return row, ErrRequestsFull
	}
	if err := s.askedInVain(tx, fromID, toID); err != nil {
		return row, err
	}
	if err := s.roomForFriend(tx, fromID); err != nil {
		return row, err
	}
	return row, tx.Create(&row).Error
}

// askedInVain fails with AskedTooOftenError where one more request may not come
// to nothing.
func (s *Store) askedInVain(tx *gorm.DB, fromID, toID string) error {
	since := s.Now().Add(-askWindow)
	var rows []friendRequestRow
	if err := tx.Raw(s.inVainQuery(), fromID, requestDeclined, requestWithdrawn, idAt(since.Add(-time.Second)), since.UnixMicro()).Scan(&rows).Error; err != nil {
		return err
	}
	var all, same []int64
	for _, r := range rows {
		all = append(all, r.CreatedAt)
		if r.ToID == toID {
			same = append(same, r.CreatedAt)
		}
	}
	var wait time.Duration
	for _, of := range []struct {
		sent []int64
		most int
	}{{all, MaxAskedInVainOfAll}, {same, MaxAskedInVain}} {
		if n := len(of.sent) - of.most; n >= 0 {
			slices.Sort(of.sent)
			wait = max(wait, fromMicros(of.sent[n]).Sub(since))
		}
	}
	if wait > 0 {
		return &AskedTooOftenError{RetryAfter: wait}
	}
	return nil
}

// The ids are in the order of time, nearly: they bound the part of the index that
// is read.
func (s *Store) inVainQuery() string {
	return "SELECT to_id, created_at FROM friend_requests WHERE from_id = ? AND status IN (?, ?) AND id > ? AND created_at > ?"
}

func (r friendRequestRow) request(userID string, other User) FriendRequest {
	return FriendRequest{ID: r.ID, Incoming: r.ToID == userID, Other: other, Message: r.Message, CreatedAt: fromMicros(r.CreatedAt)}
}

// AcceptRequest makes friends of the sender and the recipient, who accepts. It is
// safe to repeat, also when the friendship has ended since. Errors: ErrNotFound
// for requests that are not to the person, or from somebody whom they block;
// ErrRequestClosed, ErrFriendsFull.
func (s *Store) AcceptRequest(ctx context.Context, userID, requestID string, o Origin) error {
	return s.answer(ctx, userID, requestID, requestAccepted, o)
}

// DeclineRequest ends a request; the sender sees only that it is gone. It is safe
// to repeat. Errors as of AcceptRequest.
func (s *Store) DeclineRequest(ctx context.Context, userID, requestID string, o Origin) error {
	return s.answer(ctx, userID, requestID, requestDeclined, o)
}

// WithdrawRequest is for the sender. It is safe to repeat. Errors: ErrNotFound
// for requests that are not the person's, ErrRequestClosed.
func (s *Store) WithdrawRequest(ctx context.Context, userID, requestID string, o Origin) error {
	return s.answer(ctx, userID, requestID, requestWithdrawn, o)
}

// answer closes a request, unless it is closed that way already.
func (s *Store) answer(ctx context.Context, userID, requestID, status string, o Origin) error {
	// Sender and recipient never change: they say whose turns to take.
	row, err := s.requestOf(s.db.WithContext(ctx), userID, requestID, status)
	if err == nil {
		err = s.inTx(ctx, func(tx *gorm.DB) error {
			if err := s.takeTurn(tx, row.FromID, row.ToID); err != nil {
				return err
			}
			row, err := s.requestOf(tx, userID, requestID, status)
			if err != nil {
				return err
			}
			switch {
			case row.Status == status:
				return nil
			case row.Status != requestPending:
				return ErrRequestClosed
			case status == requestAccepted:
				return s.accept(tx, row, o)
			}
			if err := s.closeRequest(tx, row, status); err != nil {
				return err
			}
			if status == requestWithdrawn {
				return s.audit(tx, o, "user:"+userID, "friend.withdraw", "user:"+row.ToID, nil)
			}
			return s.audit(tx, o, "user:"+userID, "friend.decline", "user:"+row.FromID, nil)
		})
	}
	if err != nil {
		return fmt.Errorf("request to be %s: %w", status, s.translate(err))
	}
	s.wakeOutbox()
	return nil
}

// requestOf is the request if the person may close it in that way.
func (s *Store) requestOf(tx *gorm.DB, userID, requestID, status string) (friendRequestRow, error) {
	var row friendRequestRow
	if err := tx.Where("id = ?", requestID).Take(&row).Error; err != nil {
		return row, err
	}
	if status == requestWithdrawn {
		if row.FromID != userID {
			return row, ErrNotFound
		}
		return row, nil
	}
	if row.ToID != userID {
		return row, ErrNotFound
	}
	blocking, err := s.blocking(tx, userID, row.FromID)
	if err == nil && blocking && row.Status == requestPending {
		return row, ErrNotFound
	}
	return row, err
}

// accept makes friends of the two of a pending request, in their turn.
func (s *Store) accept(tx *gorm.DB, row friendRequestRow, o Origin) error {
	if err := s.present(tx, row.FromID, row.ToID); err != nil {
		return err
	}
	if err := s.closeRequest(tx, row, requestAccepted); err != nil {
		return err
	}
	if err := s.befriend(tx, row.FromID, row.ToID); err != nil {
		return err
	}
	return s.audit(tx, o, "user:"+row.ToID, "friend.accept", "user:"+row.FromID, nil)
}

// closeRequest wins or loses against every other answer.
func (s *Store) closeRequest(tx *gorm.DB, row friendRequestRow, status string) error {
	res := tx.Exec("UPDATE friend_requests SET status = ?, pair_key = NULL, answered_at = ? WHERE id = ? AND status = ?", status, s.nowMicros(), row.ID, requestPending)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrRequestClosed
	}
	return res.Error
}

// Which requests FriendRequests lists.
const (
	IncomingRequests = "incoming"
	OutgoingRequests = "outgoing"
)

// FriendRequests lists the requests of a person that wait for an answer, newest
// first, up to limit before the id before ("" for the newest): those in one
// direction, or all where it is "". Requests of people whom the person blocks
// are on none of the lists.
func (s *Store) FriendRequests(ctx context.Context, userID, direction, before string, limit int) ([]FriendRequest, error) {
	if before == "" {
		before = "~" // behind every id
	}
	part := func(mine, other, hidden string) string {
		return `SELECT r.id AS request_id, r.from_id, r.message, r.created_at AS listed_at, u.id, u.im_id, u.username, u.nickname, u.avatar_url
			FROM friend_requests r ` + s.inOrder() + ` users u ON u.id = r.` + other + ` WHERE r.` + mine + ` = ? AND r.status = ? AND r.id < ? AND u.status <> ?` + hidden + `
			ORDER BY r.id DESC LIMIT ?`
	}
	in := part("to_id", "from_id", " AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.owner_id = r.to_id AND b.blocked_id = r.from_id)")
	out := part("from_id", "to_id", "")
	args := []any{userID, requestPending, before, StatusDeleted, limit}
	var query string
	switch direction {
	case IncomingRequests:
		query = in
	case OutgoingRequests:
		query = out
	default:
		query = "SELECT * FROM (" + in + ") i UNION ALL SELECT * FROM (" + out + ") o ORDER BY request_id DESC LIMIT ?"
		args = append(append(args, args...), limit)
	}
	var rows []listedRow
	if err := s.db.WithContext(ctx).Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("friend requests of %s: %w", userID, s.translate(err))
	}
	list := make([]FriendRequest, len(rows))
	for i, r := range rows {
		list[i] = FriendRequest{ID: r.RequestID, Incoming: r.FromID != userID, Other: r.user(), Message: r.Message, CreatedAt: fromMicros(r.ListedAt)}
	}
	return list, nil
}
