package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// What the cloud can have to be told of a person. A row holds no facts: whoever
// delivers it reads today's truth and makes the cloud match that, so that late,
// twice or out of order does no harm. The words are in databases, for ever.
const (
	// KindProvision makes a person known to the cloud who is not yet.
	KindProvision = "provision"
	// KindProfile makes name and avatar there what they are here.
	KindProfile = "profile"
	// KindRevoke ends tokens up to the time that stands beside the stored one.
	KindRevoke = "revoke"
	// KindBan bans or unbans, and cuts live connections of the banned.
	KindBan = "ban"
	// KindRemove removes a deleted person there, and then what is left of them here.
	KindRemove = "remove"
	// KindFriend makes a friendship and its remarks there what they are here. Its
	// subject is the ids of the two with a colon between, the lower one first.
	KindFriend = "friend"
	// KindBlock blocks or unblocks. Its subject is who blocks, a colon, and whom.
	KindBlock = "block"
	// KindAllow brings a person's allow list into step with their friends and blocks,
	// or has it looked at no more; see AllowLists.
	KindAllow = "allow"
	// KindIMPassword makes the password there the one that was derived here.
	KindIMPassword = "im_password"
	// KindRelations has rows written of all that is between a person and others,
	// for a cloud that did not know the person before. Its subject is the id, or,
	// where only others behind one are left, the id, a colon, and that one's.
	KindRelations = "relations"
)

// provisionAfter is how long a registration has for itself before others see to
// the person's first token.
const provisionAfter = 5 * time.Second

// An OutboxRow says that the cloud must be made to match the truth about its
// subject.
type OutboxRow struct {
	ID   string
	Kind string
	// Subject is a user id, or two; see the kinds.
	Subject string
	// Generation moves when the truth changes again before it was delivered.
	Generation int64
	Attempts   int64
	CreatedAt  time.Time
	// DueAt is since when the cloud should match, NextAt when the next attempt is.
	DueAt, NextAt time.Time
	AttemptedAt   time.Time // zero: never
	// LastError is why the last attempt failed; empty when none has.
	LastError string
	BuriedAt  time.Time // zero: not buried

	owner string // of the lease
}

// People are the ids of whom the row is about, one or two.
func (r OutboxRow) People() []string { return strings.Split(r.Subject, ":") }

type outboxRow struct {
	ID          string `gorm:"primaryKey"`
	Kind        string
	Subject     string
	Generation  int64
	Attempts    int64
	DueAt       int64
	NextAt      int64
	LeaseOwner  string
	LeaseUntil  int64
	LastError   string
	CreatedAt   int64 `gorm:"autoCreateTime:false"`
	AttemptedAt *int64
	BuriedAt    *int64
}

func (outboxRow) TableName() string { return "outbox" }

func (r outboxRow) row() OutboxRow {
	return OutboxRow{ID: r.ID, Kind: r.Kind, Subject: r.Subject, Generation: r.Generation, Attempts: r.Attempts, CreatedAt: fromMicros(r.CreatedAt),
		DueAt: fromMicros(r.DueAt), NextAt: fromMicros(r.NextAt), AttemptedAt: fromMicrosPtr(r.AttemptedAt), LastError: r.LastError,
		BuriedAt: fromMicrosPtr(r.BuriedAt), owner: r.LeaseOwner}
}

// enqueue asks, in the transaction of a change, that the cloud be made to match
// from at on. There is one row for a kind and subject: one that waits already,
// is under delivery or is buried becomes due again, as a new generation. Unless
// it is under delivery it gets a new id, too: an admin who retries or drops what
// they saw before the change does nothing to it, and one that was buried is as
// old as the change.
// Callers wake the runner after the commit.
func (s *Store) enqueue(tx *gorm.DB, kind, subject string, at time.Time) error {
	conflict, least, id, next := "ON DUPLICATE KEY UPDATE", "LEAST", "VALUES(id)", "VALUES(next_at)"
	if s.Driver == "sqlite" {
		conflict, least, id, next = "ON CONFLICT (subject, kind) DO UPDATE SET", "MIN", "excluded.id", "excluded.next_at"
	}
	earlier := func(column string) string {
		return column + " = CASE WHEN buried_at IS NULL THEN " + least + "(" + column + ", " + next + ") ELSE " + next + " END"
	}
	// MySQL evaluates assignments from left to right: buried_at is the last.
	return tx.Exec("INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at) VALUES (?, ?, ?, ?, ?, ?) "+conflict+
		" id = CASE WHEN lease_until > ? THEN id ELSE "+id+" END, generation = generation + 1, attempts = 0, "+
		earlier("due_at")+", "+earlier("next_at")+", buried_at = NULL",
		s.newID(), kind, subject, at.UnixMicro(), at.UnixMicro(), s.nowMicros(), s.nowMicros()).Error
}

// OutboxWritten tells of rows that this process has written.
func (s *Store) OutboxWritten() <-chan struct{} { return s.outboxWritten }

// wakeOutbox is for after the commit of a transaction that enqueued.
func (s *Store) wakeOutbox() {
	select {
	case s.outboxWritten <- struct{}{}:
	default:
	}
}

// ClaimOutbox takes leases on up to limit rows that are due, of the kinds in turn,
// so that none waits behind the backlog of another; of each kind the longest due
// first. A lease is committed before this returns, goes to one
// caller in whatever process, and is over at until; owner names this one claim.
func (s *Store) ClaimOutbox(ctx context.Context, kinds []string, owner string, until time.Time, limit int) ([]OutboxRow, error) {
	if len(kinds) == 0 || limit <= 0 {
		return nil, nil
	}
	now := s.nowMicros()
	lists := make([][]outboxRow, len(kinds))
	most := 0
	for i, kind := range kinds {
		// Each kind by itself is read in the order of its index: a backlog of one
		// is not gone through to find another, nor sorted to find its beginning.
		// There are more than needed, because other processes look at the same.
		err := s.db.WithContext(ctx).Where("kind = ? AND buried_at IS NULL AND next_at <= ? AND lease_until <= ?", kind, now, now).
			Order("next_at").Limit(4 * limit).Find(&lists[i]).Error
		if err != nil {
			return nil, fmt.Errorf("claim outbox: %w", s.translate(err))
		}
		most = max(most, len(lists[i]))
	}
	var due []outboxRow
	for i := range most {
		for _, list := range lists {
			if i < len(list) {
				due = append(due, list[i])
			}
		}
	}
	var claimed []OutboxRow
	for _, r := range due {
		if len(claimed) == limit {
			break
		}
		// Attempts and the time of the next one make the condition true for one claim
		// only, even where another one has come and gone since the SELECT.
		matched, err := s.write(ctx, `UPDATE outbox SET lease_owner = ?, lease_until = ?, attempts = attempts + 1, attempted_at = ?
			WHERE id = ? AND generation = ? AND attempts = ? AND next_at = ? AND lease_owner = ? AND lease_until <= ? AND buried_at IS NULL`,
			owner, until.UnixMicro(), now, r.ID, r.Generation, r.Attempts, r.NextAt, r.LeaseOwner, now)
		if err != nil {
			return claimed, fmt.Errorf("claim outbox: %w", err)
		}
		if matched == 1 {
			r.LeaseOwner, r.Attempts = owner, r.Attempts+1
			claimed = append(claimed, r.row())
		}
	}
	return claimed, nil
}

// ExtendOutbox moves the end of the row's lease. ErrStale when the lease is
// somebody else's by now.
func (s *Store) ExtendOutbox(ctx context.Context, r OutboxRow, until time.Time) error {
	return s.fenced(ctx, r, "UPDATE outbox SET lease_until = ?", until.UnixMicro())
}

// FinishOutbox takes the row away: the cloud matches. When the truth has changed
// since the claim the row stays and is due. ErrStale when the lease is somebody
// else's by now.
func (s *Store) FinishOutbox(ctx context.Context, r OutboxRow) error {
	matched, err := s.write(ctx, "DELETE FROM outbox WHERE id = ? AND lease_owner = ? AND generation = ?", r.ID, r.owner, r.Generation)
	if err != nil || matched == 1 {
		return err
	}
	err = s.fenced(ctx, r, "UPDATE outbox SET lease_owner = '', lease_until = 0, attempts = 0, last_error = ''")
	if err == nil {
		s.wakeOutbox() // whoever was woken by the change found the row leased
	}
	return err
}

// ComeBackOutbox keeps a row that was delivered, to be delivered again at at: a
// state that the cloud holds for a limited time only. ErrStale as of FinishOutbox.
func (s *Store) ComeBackOutbox(ctx context.Context, r OutboxRow, at time.Time) error {
	return s.fenced(ctx, r, `UPDATE outbox SET lease_owner = '', lease_until = 0, attempts = 0, last_error = '',
		due_at = CASE WHEN generation = ? THEN ? ELSE due_at END, next_at = CASE WHEN generation = ? THEN ? ELSE next_at END`,
		r.Generation, at.UnixMicro(), r.Generation, at.UnixMicro())
}

// PutOffOutbox tries again at at; why is for an admin to read. When the truth has
// changed since the claim, that is at once. ErrStale as of FinishOutbox.
func (s *Store) PutOffOutbox(ctx context.Context, r OutboxRow, at time.Time, why string) error {
	return s.fenced(ctx, r, "UPDATE outbox SET lease_owner = '', lease_until = 0, next_at = CASE WHEN generation = ? THEN ? ELSE next_at END, last_error = ?",
		r.Generation, at.UnixMicro(), cut(why, 500))
}

// BuryOutbox gives up until an admin retries or drops the row; why says what
// they can do about it. A row whose truth has changed is not buried. ErrStale as
// of FinishOutbox.
func (s *Store) BuryOutbox(ctx context.Context, r OutboxRow, why string) error {
	return s.fenced(ctx, r, "UPDATE outbox SET lease_owner = '', lease_until = 0, buried_at = CASE WHEN generation = ? THEN ? ELSE NULL END, last_error = ?",
		r.Generation, s.nowMicros(), cut(why, 500))
}

// RepeatOutbox has today's truth delivered anew: for a delivery that lost its
// lease, whose call may have reached the cloud after that of whoever has the
// lease now, and told it something old.
func (s *Store) RepeatOutbox(ctx context.Context, r OutboxRow) error {
	err := s.inTx(ctx, func(tx *gorm.DB) error { return s.enqueue(tx, r.Kind, r.Subject, s.Now()) })
	if err != nil {
		return fmt.Errorf("repeat outbox: %w", err)
	}
	s.wakeOutbox()
	return nil
}

// fenced writes under the lease of the claim that r is from, and only then.
func (s *Store) fenced(ctx context.Context, r OutboxRow, update string, args ...any) error {
	matched, err := s.write(ctx, update+" WHERE id = ? AND lease_owner = ?", append(args, r.ID, r.owner)...)
	if err == nil && matched == 0 {
		return ErrStale
	}
	return err
}

// OutboxStats is the queue in figures.
type OutboxStats struct {
	// Waiting are due and not buried, Buried wait for an admin.
	Waiting, Buried int64
	// OldestAt is since when the oldest waiting row has been due; zero where none is.
	OldestAt time.Time
}

// OutboxStats counts.
func (s *Store) OutboxStats(ctx context.Context) (OutboxStats, error) {
	now := s.nowMicros()
	var row struct {
		Waiting, Buried int64
		OldestAt        *int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT COALESCE(SUM(CASE WHEN buried_at IS NULL AND due_at <= ? THEN 1 ELSE 0 END), 0) AS waiting,
		COALESCE(SUM(CASE WHEN buried_at IS NULL THEN 0 ELSE 1 END), 0) AS buried,
		MIN(CASE WHEN buried_at IS NULL AND due_at <= ? THEN due_at END) AS oldest_at FROM outbox`, now, now).Take(&row).Error
	if err != nil {
		return OutboxStats{}, fmt.Errorf("outbox stats: %w", s.translate(err))
	}
	return OutboxStats{Waiting: row.Waiting, Buried: row.Buried, OldestAt: fromMicrosPtr(row.OldestAt)}, nil
}

// An OutboxFilter selects rows to look at; empty fields select all.
type OutboxFilter struct {
	// Buried selects the buried, or, false, the others; nil both.
	Buried  *bool
	Kind    string
	Subject string
}

// Outbox lists rows in the order of their ids, up to limit after the id after
// ("" for the first).
func (s *Store) Outbox(ctx context.Context, f OutboxFilter, after string, limit int) ([]OutboxRow, error) {
	q := s.db.WithContext(ctx).Where("id > ?", after).Order("id").Limit(limit)
	if f.Buried != nil && *f.Buried {
		q = q.Where("buried_at IS NOT NULL")
	} else if f.Buried != nil {
		q = q.Where("buried_at IS NULL")
	}
	if f.Kind != "" {
		q = q.Where("kind = ?", f.Kind)
	}
	if f.Subject != "" {
		q = q.Where("subject = ?", f.Subject)
	}
	var rows []outboxRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("outbox: %w", s.translate(err))
	}
	list := make([]OutboxRow, len(rows))
	for i, r := range rows {
		list[i] = r.row()
	}
	return list, nil
}

// RetryOutbox makes rows due now, buried or not, as if the truth had changed. It
// returns how many there were; ids that are gone are not counted.
func (s *Store) RetryOutbox(ctx context.Context, ids []string, actor string, o Origin) (int64, error) {
	now := s.nowMicros()
	return s.steerOutbox(ctx, ids, actor, "outbox.retry", nil, o,
		"UPDATE outbox SET generation = generation + 1, attempts = 0, next_at = ?, due_at = CASE WHEN due_at > ? OR buried_at IS NOT NULL THEN ? ELSE due_at END, buried_at = NULL WHERE id = ?", now, now, now)
}

// DropOutbox takes rows away undelivered: from then on the cloud may differ. It
// returns how many there were. One that is under delivery may arrive all the
// same, and comes back to the queue once, because its delivery finds itself fenced.
func (s *Store) DropOutbox(ctx context.Context, ids []string, reason, actor string, o Origin) (int64, error) {
	return s.steerOutbox(ctx, ids, actor, "outbox.drop", map[string]any{"reason": cut(reason, 500)}, o, "DELETE FROM outbox WHERE id = ?")
}

// steerOutbox is one audited statement for each row.
func (s *Store) steerOutbox(ctx context.Context, ids []string, actor, action string, detail map[string]any, o Origin, statement string, args ...any) (int64, error) {
	var n int64
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		n = 0
		for _, id := range ids {
			var row outboxRow
			if err := tx.Where("id = ?", id).Limit(1).Find(&row).Error; err != nil {
				return err
			}
			if row.ID == "" {
				continue
			}
			res := tx.Exec(statement, append(append([]any{}, args...), id)...)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				continue
			}
			n++
			told := map[string]any{"kind": row.Kind, "row": id}
			for k, v := range detail {
				told[k] = v
			}
			people := row.row().People()
			if len(people) > 1 {
				told["with"] = people[1]
			}
			if err := s.audit(tx, o, actor, action, "user:"+people[0], told); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", strings.ReplaceAll(action, ".", " "), err)
	}
	s.wakeOutbox()
	return n, nil
}
