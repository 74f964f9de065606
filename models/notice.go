package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// DefaultQuiet is how long an open notice that was announced stays silent.
const DefaultQuiet = 6 * time.Hour

// The notice of registrations that were taken back, raised where that happens and
// resolved by whoever watches, when none has been for a while.
const (
	NoticeRegistration        = "registration"
	NoticeRegistrationSubject = "registrations"
)

// A NewNotice is something that an admin should know. It names people by their
// ids alone, and holds no secret.
type NewNotice struct {
	// Kind is a word for ever, "breaker_open": at most 32 ASCII characters.
	Kind string
	// Subject is what it is about, at most 96 ASCII characters. There is one open
	// notice of a kind and subject.
	Subject string
	// Message says what happened, Cure what to do about it; at most 1000 bytes each.
	Message, Cure string
	// Quiet is how long after an announcement the next one is, while it stays
	// true; zero means DefaultQuiet.
	Quiet time.Duration
}

// A Notice is one that was raised.
type Notice struct {
	ID, Kind, Subject, Message, Cure string
	// Count is how often it was raised, the first time included.
	Count           int64
	FirstAt, LastAt time.Time
	ResolvedAt      time.Time // zero: open
	// ResolvedBy is "admin:ID", "system", or empty while it is open.
	ResolvedBy string
	// Announcement counts the times that it was due for delivery, from 1. Retries
	// of one delivery do not move it.
	Announcement int64
	// Attempts at delivering this announcement, and where it has arrived.
	Attempts  int64
	Delivered []string
	// NextAt is when it will be delivered; zero: it was, or was given up.
	NextAt time.Time
	// LastError is why the last attempt failed; empty when none has.
	LastError string

	owner string // of the lease
}

type noticeRow struct {
	ID           string `gorm:"primaryKey"`
	Kind         string
	Subject      string
	OpenKey      *string
	Message      string
	Cure         string
	Count        int64
	FirstAt      int64
	LastAt       int64
	ResolvedAt   *int64
	ResolvedBy   string
	Announcement int64
	AnnouncedAt  int64
	NextAt       *int64
	Attempts     int64
	LeaseOwner   string
	LeaseUntil   int64
	Delivered    string
	LastError    string
}

func (noticeRow) TableName() string { return "notices" }

func (r noticeRow) notice() Notice {
	return Notice{ID: r.ID, Kind: r.Kind, Subject: r.Subject, Message: r.Message, Cure: r.Cure, Count: r.Count,
		FirstAt: fromMicros(r.FirstAt), LastAt: fromMicros(r.LastAt), ResolvedAt: fromMicrosPtr(r.ResolvedAt), ResolvedBy: r.ResolvedBy,
		Announcement: r.Announcement, Attempts: r.Attempts, Delivered: strings.Fields(r.Delivered), NextAt: fromMicrosPtr(r.NextAt),
		LastError: r.LastError, owner: r.LeaseOwner}
}

// RaiseNotice notes that something is so. The first time it becomes a notice
// that is due for delivery at once; while that one is open, its count, time and
// words move, and it is due again only when Quiet has passed since. After it was
// resolved it becomes a new one, due at once, unless it was an admin who
// resolved it: what they know of already keeps its quiet period.
func (s *Store) RaiseNotice(ctx context.Context, n NewNotice) error {
	n.Kind, n.Subject = cutASCII(n.Kind, 32), cutASCII(n.Subject, 96)
	n.Message, n.Cure = cut(n.Message, 1000), cut(n.Cure, 1000)
	if n.Quiet <= 0 {
		n.Quiet = DefaultQuiet
	}
	err := s.raiseNotice(ctx, n)
	for try := 1; isDuplicate(err) && try < maxTries; try++ { // another process was first; theirs may be resolved again
		err = s.raiseNotice(ctx, n)
	}
	if err != nil {
		return fmt.Errorf("raise notice %s of %s: %w", n.Kind, n.Subject, err)
	}
	return nil
}

// raiseNotice is single statements: a transaction that updates nothing and then
// inserts would, in two processes at once, be a deadlock on MySQL.
func (s *Store) raiseNotice(ctx context.Context, n NewNotice) error {
	now, key := s.nowMicros(), n.Kind+"/"+n.Subject
	matched, err := s.write(ctx, "UPDATE notices SET count = count + 1, last_at = ?, message = ?, cure = ? WHERE open_key = ?", now, n.Message, n.Cure, key)
	if err != nil {
		return err
	}
	if matched == 1 {
		_, err := s.write(ctx, `UPDATE notices SET announcement = announcement + 1, announced_at = ?, next_at = ?, attempts = 0, delivered = '', last_error = ''
			WHERE open_key = ? AND next_at IS NULL AND announced_at <= ?`, now, now, key, now-n.Quiet.Microseconds())
		return err
	}
	announced, next := now, &now
	var last []noticeRow
	if err := s.db.WithContext(ctx).Where("kind = ? AND subject = ?", n.Kind, n.Subject).Order("id DESC").Limit(1).Find(&last).Error; err != nil {
		return s.translate(err)
	}
	if len(last) == 1 && strings.HasPrefix(last[0].ResolvedBy, "admin:") && last[0].AnnouncedAt > now-n.Quiet.Microseconds() {
		announced, next = last[0].AnnouncedAt, nil
	}
	row := noticeRow{ID: s.newID(), Kind: n.Kind, Subject: n.Subject, OpenKey: &key, Message: n.Message, Cure: n.Cure,
		Count: 1, FirstAt: now, LastAt: now, Announcement: 1, AnnouncedAt: announced, NextAt: next}
	return s.inTx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error })
}

// ResolveNotice notes that something is no longer so, in the eyes of everybody:
// it acts only when nobody has raised it for calm. What is under delivery still
// goes out. It tells whether there was one to resolve.
func (s *Store) ResolveNotice(ctx context.Context, kind, subject string, calm time.Duration) (bool, error) {
	now := s.nowMicros()
	matched, err := s.write(ctx, "UPDATE notices SET resolved_at = ?, resolved_by = 'system', open_key = NULL WHERE open_key = ? AND last_at <= ?",
		now, cutASCII(kind, 32)+"/"+cutASCII(subject, 96), now-calm.Microseconds())
	if err != nil {
		return false, fmt.Errorf("resolve notice %s of %s: %w", kind, subject, err)
	}
	return matched == 1, nil
}

// ResolveNoticeByAdmin closes one by hand; one that is closed stays as it is.
// Nothing more of it is delivered: the admin knows. ErrNotFound for an unknown id.
func (s *Store) ResolveNoticeByAdmin(ctx context.Context, id, adminID string, o Origin) error {
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE notices SET resolved_at = ?, resolved_by = ?, open_key = NULL, next_at = NULL WHERE id = ? AND resolved_at IS NULL",
			s.nowMicros(), "admin:"+adminID, id)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 1 {
			return s.audit(tx, o, "admin:"+adminID, "notice.resolve", "notice:"+id, nil)
		}
		var n int64
		if err := tx.Model(&noticeRow{}).Where("id = ?", id).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("resolve notice %s: %w", id, err)
	}
	return nil
}

// A NoticeFilter says which notices are wanted.
type NoticeFilter struct {
	// Open is nil for all, or tells whether open or resolved ones.
	Open *bool
}

// Notices lists them, newest first, up to limit before the one with id before
// ("" for the newest).
func (s *Store) Notices(ctx context.Context, f NoticeFilter, before string, limit int) ([]Notice, error) {
	q := s.db.WithContext(ctx).Order("id DESC").Limit(limit)
	if before != "" {
		q = q.Where("id < ?", before)
	}
	if f.Open != nil && *f.Open {
		q = q.Where("resolved_at IS NULL")
	} else if f.Open != nil {
		q = q.Where("resolved_at IS NOT NULL")
	}
	var rows []noticeRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("notices: %w", s.translate(err))
	}
	list := make([]Notice, len(rows))
	for i, r := range rows {
		list[i] = r.notice()
	}
	return list, nil
}

// claimCandidates is how many due notices one claim looks at: others may be
// taking the first.
const claimCandidates = 8

// ClaimNotice takes the lease on one notice that is due, the longest due first.
// The lease is committed before this returns and goes to one caller in whatever
// process; should that one die, the notice is due again at the lease's end. The
// claim counts as an attempt. ok is false when nothing is due.
func (s *Store) ClaimNotice(ctx context.Context, owner string, lease time.Duration) (n Notice, ok bool, err error) {
	now := s.nowMicros()
	var due []noticeRow
	if err := s.db.WithContext(ctx).Where("next_at <= ? AND lease_until <= ?", now, now).Order("next_at").Limit(claimCandidates).Find(&due).Error; err != nil {
		return Notice{}, false, fmt.Errorf("claim notice: %w", s.translate(err))
	}
	for _, r := range due {
		// The attempts make the condition true for one claim only, even where
		// another one has come and gone since the SELECT.
		matched, err := s.write(ctx, `UPDATE notices SET lease_owner = ?, lease_until = ?, attempts = attempts + 1
			WHERE id = ? AND announcement = ? AND attempts = ? AND next_at <= ? AND lease_until <= ?`,
			owner, now+lease.Microseconds(), r.ID, r.Announcement, r.Attempts, now, now)
		if err != nil {
			return Notice{}, false, fmt.Errorf("claim notice: %w", err)
		}
		if matched == 1 {
			r.LeaseOwner, r.Attempts = owner, r.Attempts+1
			return r.notice(), true, nil
		}
	}
	return Notice{}, false, nil
}

// A NoticeResult is what came of one attempt to deliver a notice.
type NoticeResult struct {
	// Delivered is where the announcement has arrived by now.
	Delivered []string
	// Failed says why not everywhere, at most 500 bytes, without a secret.
	Failed string
	// Next attempt; zero when there is none.
	Next time.Time
}

// FinishNotice gives the lease back with what came of it. ErrStale when the
// lease is somebody else's by now, or the notice is due anew.
func (s *Store) FinishNotice(ctx context.Context, n Notice, r NoticeResult) error {
	// One that an admin has resolved meanwhile stays without a next attempt.
	matched, err := s.write(ctx, `UPDATE notices SET next_at = CASE WHEN next_at IS NULL THEN NULL ELSE ? END, delivered = ?, last_error = ?, lease_owner = '', lease_until = 0
		WHERE id = ? AND lease_owner = ? AND announcement = ? AND attempts = ?`,
		microsPtr(r.Next), cutASCII(strings.Join(r.Delivered, " "), 64), cut(r.Failed, 500), n.ID, n.owner, n.Announcement, n.Attempts)
	if err != nil {
		return fmt.Errorf("finish notice %s: %w", n.ID, err)
	}
	if matched == 0 {
		return fmt.Errorf("finish notice %s: %w", n.ID, ErrStale)
	}
	return nil
}
