package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
)

const (
	// MaxFriends is how many friends one person can have: what Easemob's larger
	// plans allow. A cloud that allows fewer refuses, and the outbox tells an admin.
	MaxFriends = 3000
	// MaxFriendRequests is how many requests of one person can wait for an answer.
	MaxFriendRequests = 100
	// MaxBlocks is how many people one person can block: what Easemob allows.
	MaxBlocks = 500
	// maxRemark is in characters; so is the message of a request.
	maxRemark = 100
)

// Errors of friends, requests and blocks.
var (
	// ErrSelf: nobody is their own friend, nor blocks themselves.
	ErrSelf = errors.New("that is the person themselves")
	// ErrFriendsFull: one of the two has MaxFriends friends.
	ErrFriendsFull = errors.New("too many friends")
	// ErrRequestsFull: MaxFriendRequests of the person's requests are unanswered.
	ErrRequestsFull = errors.New("too many unanswered requests")
	// ErrBlocksFull: the person blocks MaxBlocks others.
	ErrBlocksFull = errors.New("too many people blocked")
	// ErrBlocking: the person blocks whom they ask to be a friend.
	ErrBlocking = errors.New("the person blocks the other")
	// ErrRequestClosed: the request was answered or withdrawn before.
	ErrRequestClosed = errors.New("the request was answered or withdrawn before")
)

// A Friend is one of somebody's friends, as their owner sees them.
type Friend struct {
	User User
	// Remark is the owner's own name for them; may be empty.
	Remark string
	// Blocked: the owner blocks them.
	Blocked   bool
	CreatedAt time.Time
}

// listedRow is a person in somebody's list, with what the list says of them.
type listedRow struct {
	ID        string
	IMID      string `gorm:"column:im_id"`
	Username  string
	Nickname  string
	AvatarURL string
	Remark    string
	Blocked   bool
	ListedAt  int64
	// Of a request.
	RequestID, FromID, Message string
}

func (r listedRow) user() User {
	return User{ID: r.ID, IMID: r.IMID, Username: r.Username, Nickname: r.Nickname, AvatarURL: r.AvatarURL}
}

// inOrder joins a table behind the one before it, whatever the server thinks of
// the tables' sizes: a page is read along its own index, never sorted.
func (s *Store) inOrder() string {
	if s.Driver == "sqlite" {
		return "CROSS JOIN"
	}
	return "STRAIGHT_JOIN"
}

func (s *Store) friendsQuery() string {
	return `SELECT u.id, u.im_id, u.username, u.nickname, u.avatar_url, f.remark, f.created_at AS listed_at,
		CASE WHEN b.owner_id IS NULL THEN 0 ELSE 1 END AS blocked
		FROM friends f ` + s.inOrder() + ` users u ON u.id = f.friend_id LEFT JOIN blocks b ON b.owner_id = f.owner_id AND b.blocked_id = f.friend_id
		WHERE f.owner_id = ? AND f.friend_id > ? AND u.status <> ? ORDER BY f.friend_id LIMIT ?`
}

// Friends lists a person's friends in the order of the friends' ids, up to limit
// after the id after ("" for the first). Names come with the same query.
func (s *Store) Friends(ctx context.Context, ownerID, after string, limit int) ([]Friend, error) {
	var rows []listedRow
	if err := s.db.WithContext(ctx).Raw(s.friendsQuery(), ownerID, after, StatusDeleted, limit).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("friends of %s: %w", ownerID, s.translate(err))
	}
	list := make([]Friend, len(rows))
	for i, r := range rows {
		list[i] = Friend{User: r.user(), Remark: r.Remark, Blocked: r.Blocked, CreatedAt: fromMicros(r.ListedAt)}
	}
	return list, nil
}

// SetRemark sets what a person calls a friend; empty takes it away. Errors:
// FieldError, and ErrNotFound where they are no friends.
func (s *Store) SetRemark(ctx context.Context, ownerID, friendID, remark string, o Origin) error {
	if err := checkShort("remark", remark); err != nil {
		return err
	}
	changed := false
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		changed = false
		var row friendRow
		if err := tx.Where("owner_id = ? AND friend_id = ?", ownerID, friendID).Take(&row).Error; err != nil {
			return err
		}
		if row.Remark == remark {
			return nil
		}
		res := tx.Exec("UPDATE friends SET remark = ?, remarked = 1 WHERE owner_id = ? AND friend_id = ?", remark, ownerID, friendID)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrNotFound
		}
		changed = true
		if err := s.enqueue(tx, KindFriend, pair(ownerID, friendID), s.Now()); err != nil {
			return err
		}
		return s.audit(tx, o, "user:"+ownerID, "friend.remark", "user:"+friendID, nil)
	})
	if err != nil {
		return fmt.Errorf("remark on a friend: %w", err)
	}
	if changed {
		s.wakeOutbox()
	}
	return nil
}

// RemoveFriend ends a friendship for both, and with it their remarks. It is safe
// to repeat: strangers stay strangers.
func (s *Store) RemoveFriend(ctx context.Context, userID, friendID string, o Origin) error {
	// A look first: nobody takes turns with an id that somebody made up.
	if friends, err := s.areFriends(s.db.WithContext(ctx), userID, friendID); err != nil || !friends {
		return s.wrapFriend("remove friend", err)
	}
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		if err := s.takeTurn(tx, userID, friendID); err != nil {
			return err
		}
		ended := int64(0)
		for _, ids := range [][2]string{{userID, friendID}, {friendID, userID}} {
			res := tx.Exec("DELETE FROM friends WHERE owner_id = ? AND friend_id = ?", ids[0], ids[1])
			if res.Error != nil {
				return res.Error
			}
			ended += res.RowsAffected
		}
		if ended == 0 {
			return nil
		}
		if err := s.enqueue(tx, KindFriend, pair(userID, friendID), s.Now()); err != nil {
			return err
		}
		return s.audit(tx, o, "user:"+userID, "friend.remove", "user:"+friendID, nil)
	})
	if err != nil {
		return s.wrapFriend("remove friend", err)
	}
	s.wakeOutbox()
	return nil
}

// A Friendship is what is true now between two people.
type Friendship struct {
	// A and B are the two in the order of their ids.
	A, B    User
	Friends bool
	// RemarkA is what A calls B, RemarkB what B calls A.
	RemarkA, RemarkB string
	// RemarkedA and RemarkedB tell that a remark, or that there is none any more,
	// may be news for the cloud.
	RemarkedA, RemarkedB bool
}

// FriendshipOf reads the truth for an outbox row of KindFriend. ErrNotFound for
// a subject that is no pair of people.
func (s *Store) FriendshipOf(ctx context.Context, subject string) (Friendship, error) {
	a, b, err := s.two(ctx, subject)
	if err != nil {
		return Friendship{}, err
	}
	f := Friendship{A: a, B: b}
	var rows []friendRow
	err = s.db.WithContext(ctx).Where("owner_id = ? AND friend_id = ? OR owner_id = ? AND friend_id = ?", a.ID, b.ID, b.ID, a.ID).Find(&rows).Error
	if err != nil {
		return f, fmt.Errorf("friendship %s: %w", subject, s.translate(err))
	}
	for _, r := range rows {
		f.Friends = true
		if r.OwnerID == a.ID {
			f.RemarkA, f.RemarkedA = r.Remark, r.Remarked
		} else {
			f.RemarkB, f.RemarkedB = r.Remark, r.Remarked
		}
	}
	return f, nil
}

// two are the people that a subject names, deleted or not, in its order.
func (s *Store) two(ctx context.Context, subject string) (first, second User, err error) {
	a, b, ok := strings.Cut(subject, ":")
	if !ok {
		return first, second, fmt.Errorf("%q is no pair of people: %w", subject, ErrNotFound)
	}
	if first, err = s.UserEver(ctx, a); err == nil {
		second, err = s.UserEver(ctx, b)
	}
	return first, second, err
}

type friendRow struct {
	OwnerID   string `gorm:"primaryKey"`
	FriendID  string `gorm:"primaryKey"`
	Remark    string
	Remarked  bool
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (friendRow) TableName() string { return "friends" }

// pair is the subject of two people's outbox row, whoever is named first.
func pair(a, b string) string { return min(a, b) + ":" + max(a, b) }

// takeTurn makes changes of what is between people happen one after the other
// for each of them. Whoever changes something first writes a row of everybody
// whom it is about, so that of two changes at once one waits, or loses and is run
// again, and sees what the other did. It must be the first that a transaction
// reads: what it reads later is then as new as its turn.
func (s *Store) takeTurn(tx *gorm.DB, ids ...string) error {
	ids = slices.Clone(ids)
	slices.Sort(ids) // who come together lock in the same order
	ids = slices.Compact(ids)
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	conflict := "ON DUPLICATE KEY UPDATE"
	if s.Driver == "sqlite" {
		conflict = "ON CONFLICT (user_id) DO UPDATE SET"
	}
	return tx.Exec("INSERT INTO relation_turns (user_id) VALUES (?)"+strings.Repeat(", (?)", len(ids)-1)+" "+conflict+" turn = turn + 1", args...).Error
}

// befriend makes friends of two who are not, in the turn of both.
func (s *Store) befriend(tx *gorm.DB, a, b string) error {
	for _, id := range []string{a, b} {
		if err := s.roomForFriend(tx, id); err != nil {
			return err
		}
	}
	// While the cloud has not heard of an earlier end, an earlier remark may still
	// be there.
	var waiting int64
	if err := tx.Raw("SELECT COUNT(*) FROM outbox WHERE subject = ? AND kind = ?", pair(a, b), KindFriend).Scan(&waiting).Error; err != nil {
		return err
	}
	remarked, now := min(waiting, 1), s.nowMicros()
	err := tx.Exec("INSERT INTO friends (owner_id, friend_id, remarked, created_at) VALUES (?, ?, ?, ?), (?, ?, ?, ?)", a, b, remarked, now, b, a, remarked, now).Error
	if err != nil {
		return err
	}
	return s.enqueue(tx, KindFriend, pair(a, b), s.Now())
}

func (s *Store) roomForFriend(tx *gorm.DB, id string) error {
	var n int64
	if err := tx.Raw("SELECT COUNT(*) FROM friends WHERE owner_id = ?", id).Scan(&n).Error; err != nil {
		return err
	}
	if n >= MaxFriends {
		return ErrFriendsFull
	}
	return nil
}

func (s *Store) areFriends(tx *gorm.DB, a, b string) (bool, error) {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM friends WHERE owner_id = ? AND friend_id = ?", a, b).Scan(&n).Error
	return n > 0, err
}

// present fails with ErrNotFound unless all of them are there.
func (s *Store) present(tx *gorm.DB, ids ...string) error {
	var n int64
	if err := tx.Raw("SELECT COUNT(*) FROM users WHERE id IN ? AND status <> ?", ids, StatusDeleted).Scan(&n).Error; err != nil {
		return err
	}
	if n != int64(len(ids)) {
		return ErrNotFound
	}
	return nil
}

// endRelations takes everything away that is between a person and others, in the
// transaction of their deletion. The cloud needs no telling: it removes them.
func (s *Store) endRelations(tx *gorm.DB, userID string) error {
	if err := s.takeTurn(tx, userID); err != nil {
		return err
	}
	var friends []string
	if err := tx.Raw("SELECT friend_id FROM friends WHERE owner_id = ?", userID).Scan(&friends).Error; err != nil {
		return err
	}
	for part := range slices.Chunk(friends, 500) {
		if err := tx.Exec("DELETE FROM friends WHERE owner_id IN ? AND friend_id = ?", part, userID).Error; err != nil {
			return err
		}
	}
	for _, where := range []string{"friends WHERE owner_id", "friend_requests WHERE from_id", "friend_requests WHERE to_id", "blocks WHERE owner_id", "blocks WHERE blocked_id"} {
		if err := tx.Exec("DELETE FROM "+where+" = ?", userID).Error; err != nil {
			return err
		}
	}
	// Whoever waits for the turn inserts it anew, finds nobody, and takes it back.
	return tx.Exec("DELETE FROM relation_turns WHERE user_id = ?", userID).Error
}

// checkShort holds a remark or a message to its length.
func checkShort(field, text string) error {
	if utf8.RuneCountInString(text) > maxRemark {
		return &FieldError{field, fmt.Sprintf("must have at most %d characters", maxRemark)}
	}
	return checkText(field, text)
}

func (s *Store) wrapFriend(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, s.translate(err))
	}
	return nil
}
