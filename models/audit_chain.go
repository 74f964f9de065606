package models

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
)

const (
	// AuditSettle is how old a row is before it is sealed, so that rows of
	// transactions that overlap mostly find their places in the order of their
	// times. Later ones are sealed behind; the order of the chain is by seq.
	AuditSettle = 5 * time.Second
	// auditBatch is how many rows one transaction seals.
	auditBatch = 200
	// auditAdopt is how long after the first seal rows without a fingerprint are
	// taken over: those of releases that made none, which may run beside this one
	// for a while.
	auditAdopt = 24 * time.Hour
)

// ErrAuditHead: the end of the audit chain is missing or was not written by us,
// and nothing can be sealed behind it.
var ErrAuditHead = errors.New("the head of the audit chain is missing or was changed")

// auditMAC is the fingerprint that a row is born with. It covers what was done
// and nothing of the row's place.
func (s *Store) auditMAC(r auditRow) []byte {
	return s.mac("audit-row", r.ID, strconv.FormatInt(r.At, 10), r.Actor, r.Action, r.Subject, r.Detail, r.RequestID, r.IP)
}

// auditHash ties a row to its place and to all rows before.
func (s *Store) auditHash(seq int64, prev, mac []byte) []byte {
	return s.mac("audit-chain", strconv.FormatInt(seq, 10), string(prev), string(mac))
}

// auditStart is what the first row names as the hash before it.
var auditStart = make([]byte, 32)

// An auditHead is the end of the chain. It is kept in bridge_state, fingerprinted
// itself, so that rows cannot be cut off the end together with the memory of
// them by somebody without the data key.
type auditHead struct {
	seq   int64
	hash  []byte
	adopt int64 // until when rows without a fingerprint are taken over; 0: never
}

const (
	auditHeadName    = "audit_head"
	auditHeadVersion = 1
	auditHeadLen     = 1 + 8 + 8 + 32 + 32
)

func (s *Store) encodeAuditHead(h auditHead) []byte {
	b := []byte{auditHeadVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(h.seq))   //nolint:gosec // never negative
	b = binary.BigEndian.AppendUint64(b, uint64(h.adopt)) //nolint:gosec // never negative
	b = append(b, h.hash...)
	return append(b, s.mac("audit-head", string(b))...)
}

func (s *Store) decodeAuditHead(b []byte) (auditHead, error) {
	if len(b) != auditHeadLen || b[0] != auditHeadVersion || !hmac.Equal(b[49:], s.mac("audit-head", string(b[:49]))) {
		return auditHead{}, ErrAuditHead
	}
	return auditHead{seq: int64(binary.BigEndian.Uint64(b[1:])), adopt: int64(binary.BigEndian.Uint64(b[9:])), hash: bytes.Clone(b[17:49])}, nil //nolint:gosec // we wrote them
}

// auditHeadRow returns the head and its stored form. ErrNotFound where there is
// none.
func (s *Store) auditHeadRow(db *gorm.DB) (auditHead, []byte, error) {
	var row bridgeStateRow
	if err := s.translate(db.Where("name = ?", auditHeadName).Take(&row).Error); err != nil {
		return auditHead{}, nil, err
	}
	head, err := s.decodeAuditHead(row.Value)
	return head, row.Value, err
}

// SealAudit gives up to 200 rows that are at least settle old their places at
// the end of the chain, and returns how many; fewer than 200 means that no more
// wait. It may run in any number of processes at once: the head of the chain
// moves by compare-and-set in the transaction that seals, and who loses seals
// nothing. Rows being written are never waited for nor made to wait.
// ErrAuditHead when the head is not as we left it.
func (s *Store) SealAudit(ctx context.Context, settle time.Duration) (int, error) {
	var rows []auditRow
	err := s.seal(ctx, settle, &rows)
	switch {
	case errors.Is(err, ErrStale), isDuplicate(err):
		return 0, nil // another process sealed; the next round sees what is left
	case err != nil:
		return 0, fmt.Errorf("seal audit: %w", err)
	}
	return len(rows), nil
}

func (s *Store) seal(ctx context.Context, settle time.Duration, rows *[]auditRow) error {
	waiting := func(db *gorm.DB, limit int) *gorm.DB {
		return db.Where("seq IS NULL AND at <= ?", s.nowMicros()-settle.Microseconds()).Order("id").Limit(limit).Find(rows)
	}
	// Most rounds find nothing, and need no transaction to see that.
	if res := waiting(s.db.WithContext(ctx), 1); res.Error != nil || len(*rows) == 0 {
		return s.translate(res.Error)
	}
	if err := s.beginAuditChain(ctx); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *gorm.DB) error {
		// The head is read before the rows: whoever moves it between the two makes
		// the compare-and-set below fail.
		head, stored, err := s.auditHeadRow(tx)
		if err != nil {
			return err
		}
		*rows = nil
		if res := waiting(tx, auditBatch); res.Error != nil {
			return res.Error
		}
		next := head
		for i := range *rows {
			r := &(*rows)[i]
			if r.Mac == nil && s.nowMicros() < head.adopt {
				r.Mac = s.auditMAC(*r)
			}
			next.seq++
			seq := next.seq
			r.Seq, r.PrevHash = &seq, next.hash
			next.hash = s.auditHash(seq, r.PrevHash, r.Mac)
			r.Hash = next.hash
		}
		res := tx.Exec("UPDATE bridge_state SET value = ?, updated_at = ? WHERE name = ? AND value = ?",
			s.encodeAuditHead(next), s.nowMicros(), auditHeadName, stored)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrStale
		}
		for _, r := range *rows {
			// By primary key and nothing else: a condition on seq could make MySQL
			// lock the gap that new rows go into.
			res := tx.Exec("UPDATE audit SET mac = ?, seq = ?, prev_hash = ?, hash = ? WHERE id = ?", r.Mac, *r.Seq, r.PrevHash, r.Hash, r.ID)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				return ErrStale // deleted this moment; verify would take it for a hole that we made
			}
		}
		return nil
	})
}

// beginAuditChain makes the head where nothing was ever sealed. It refuses to
// begin anew before rows that are sealed already.
func (s *Store) beginAuditChain(ctx context.Context) error {
	db := s.db.WithContext(ctx)
	_, _, err := s.auditHeadRow(db)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	var sealed, bare int64
	if err := db.Model(&auditRow{}).Where("seq > 0").Limit(1).Count(&sealed).Error; err != nil {
		return s.translate(err)
	}
	if sealed > 0 {
		// Unless another process has just begun.
		_, _, err := s.auditHeadRow(db)
		if errors.Is(err, ErrNotFound) {
			return ErrAuditHead
		}
		return err
	}
	if err := db.Model(&auditRow{}).Where("mac IS NULL").Count(&bare).Error; err != nil {
		return s.translate(err)
	}
	head := auditHead{hash: auditStart}
	if bare > 0 {
		head.adopt = s.nowMicros() + auditAdopt.Microseconds()
	}
	_, err = s.write(ctx, "INSERT INTO bridge_state (name, value, updated_at) VALUES (?, ?, ?)", auditHeadName, s.encodeAuditHead(head), s.nowMicros())
	if isDuplicate(err) {
		return nil
	}
	return err
}
