package models

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	// auditOverdue is when a row that is not sealed yet is worth a finding.
	auditOverdue = time.Minute
	// auditPage is how many rows verify reads at a time.
	auditPage = 1000
	// auditFaults bounds how many findings are kept; all are counted.
	auditFaults = 100
)

// What can be wrong with the audit. The names are for ever.
const (
	// AuditForged: the row is not what imbridge wrote. Somebody changed it, or put
	// it in.
	AuditForged = "forged"
	// AuditMoved: imbridge wrote the row, and somebody changed its place or hashes.
	AuditMoved = "moved"
	// AuditUnlinked: the row was sealed behind another one than the one before it.
	AuditUnlinked = "unlinked"
	// AuditMissing: rows before this one are gone.
	AuditMissing = "missing"
	// AuditCut: rows behind this one are gone.
	AuditCut = "cut"
	// AuditBeyond: the row stands behind the head, which an earlier one replaced.
	AuditBeyond = "beyond"
	// AuditUnsealed: the row has waited for more than a minute, or has a time that
	// is still to come.
	AuditUnsealed = "unsealed"
	// AuditHeadMissing, AuditHeadForged: the end of the chain is not noted, or not
	// by us.
	AuditHeadMissing = "head_missing"
	AuditHeadForged  = "head_forged"
	// AuditHeadUnknown: no row has the hash that was noted elsewhere.
	AuditHeadUnknown = "head_unknown"
)

// An AuditFault is one thing that is wrong.
type AuditFault struct {
	Kind string
	// ID and Seq of the row where it shows; empty and 0 where there is none.
	ID  string
	Seq int64
	// Wrong says it in words.
	Wrong string
}

// An AuditCheck says how to walk.
type AuditCheck struct {
	// Head is a hash in hex that an earlier walk printed; the chain must still
	// hold it. Empty: nothing to compare.
	Head string
	// Archived rows, up to and with this seq, are not expected to be here.
	Archived int64
}

// An AuditReport is what a walk found.
type AuditReport struct {
	// Rows that were looked at, and Waiting ones that are not sealed yet.
	Rows, Waiting int64
	// Seq and Head (hex) of the last sealed row; whoever notes Head elsewhere can
	// prove later that nothing up to it was lost.
	Seq  int64
	Head string
	// Faults are the first 100 of Count, in the order of the chain.
	Faults []AuditFault
	Count  int64
}

func (r *AuditReport) fault(kind, id string, seq int64, format string, args ...any) {
	r.Count++
	if len(r.Faults) < auditFaults {
		r.Faults = append(r.Faults, AuditFault{Kind: kind, ID: id, Seq: seq, Wrong: fmt.Sprintf(format, args...)})
	}
}

// VerifyAudit walks the whole chain and changes nothing. Rows may be written and
// sealed meanwhile. It finds every change, removal, insertion and exchange of
// sealed rows by somebody without the data key; docs/decisions says what it
// cannot find.
func (s *Store) VerifyAudit(ctx context.Context, c AuditCheck) (AuditReport, error) {
	w := auditWalk{store: s, check: c, prevHash: auditStart}
	w.check.Head = strings.ToLower(c.Head)
	w.found = c.Head == "" || w.check.Head == hex.EncodeToString(auditStart)
	if err := w.walk(ctx); err != nil {
		return w.report, fmt.Errorf("verify audit: %w", err)
	}
	return w.report, nil
}

type auditWalk struct {
	store  *Store
	check  AuditCheck
	report AuditReport

	seq      int64 // of the last row seen that can be one of the chain
	id       string
	prevHash []byte
	atHead   []byte // hash of the row that the head names
	beyond   *auditRow
	found    bool // the hash of check.Head
}

func (w *auditWalk) walk(ctx context.Context) error {
	s := w.store
	db := s.db.WithContext(ctx)
	// The head is read before the rows: all that it knows of must be found then.
	head, err := w.head(ctx)
	if err != nil {
		return err
	}
	for next := int64(math.MinInt64); ; {
		var rows []auditRow
		if err := db.Where("seq >= ?", next).Order("seq").Limit(auditPage).Find(&rows).Error; err != nil {
			return s.translate(err)
		}
		if len(rows) == 0 {
			break
		}
		// Where somebody removed the index that keeps seq unique, the rows of one
		// number may be on two pages: the last ones wait for the next, unless they
		// are all of this one.
		last := *rows[len(rows)-1].Seq
		next = last + 1
		if len(rows) == auditPage && *rows[0].Seq < last {
			for *rows[len(rows)-1].Seq == last {
				rows = rows[:len(rows)-1]
			}
			next = last
		}
		for _, r := range rows {
			w.row(r, head)
		}
		if next == math.MinInt64 { // behind the greatest number that there is
			break
		}
	}
	if err := w.end(ctx, head); err != nil {
		return err
	}
	return w.unsealed(ctx)
}

// A notedHead is the head, or what is wrong with it: ErrNotFound, ErrAuditHead.
type notedHead struct {
	auditHead
	wrong error
}

func (w *auditWalk) head(ctx context.Context) (notedHead, error) {
	head, _, err := w.store.auditHeadRow(w.store.db.WithContext(ctx))
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrAuditHead) {
		return notedHead{}, err
	}
	return notedHead{head, err}, nil
}

// row looks at the next one of the chain.
func (w *auditWalk) row(r auditRow, head notedHead) {
	seq := *r.Seq
	w.report.Rows++
	if seq < 1 || seq == w.seq {
		w.report.fault(AuditMoved, r.ID, seq, "has number %d, which is no place or another row's", seq)
		return
	}
	switch last := max(w.seq, w.check.Archived); {
	case seq == last+2:
		w.report.fault(AuditMissing, r.ID, seq, "row number %d before it is gone", seq-1)
	case seq > last+2:
		w.report.fault(AuditMissing, r.ID, seq, "rows number %d to %d before it are gone", last+1, seq-1)
	}
	switch {
	case !w.genuine(r):
		w.report.fault(AuditForged, r.ID, seq, "is not what imbridge wrote: it was changed, or put in")
	case !hmac.Equal(r.Hash, w.store.auditHash(seq, r.PrevHash, r.Mac)):
		w.report.fault(AuditMoved, r.ID, seq, "was not sealed as number %d: its place or its hashes were changed", seq)
	case seq == w.seq+1 && !bytes.Equal(r.PrevHash, w.prevHash):
		w.report.fault(AuditUnlinked, r.ID, seq, "was sealed behind another row than the one before it")
	}
	w.found = w.found || hex.EncodeToString(r.Hash) == w.check.Head
	if seq == head.seq {
		w.atHead = r.Hash
	}
	if seq > head.seq && w.beyond == nil {
		w.beyond = &r
	}
	w.seq, w.id, w.prevHash = seq, r.ID, r.Hash
}

func (w *auditWalk) genuine(r auditRow) bool {
	return hmac.Equal(r.Mac, w.store.auditMAC(r))
}

// end compares the last row with the head.
func (w *auditWalk) end(ctx context.Context, head notedHead) error {
	w.report.Seq, w.report.Head = w.seq, hex.EncodeToString(w.prevHash)
	if w.beyond != nil {
		// Genuine only where the head has moved, or was made, meanwhile.
		again, err := w.head(ctx)
		if err != nil {
			return err
		}
		if errors.Is(head.wrong, ErrNotFound) {
			head.wrong = again.wrong
		}
		if head.wrong == nil && *w.beyond.Seq > again.seq {
			w.report.fault(AuditBeyond, w.beyond.ID, *w.beyond.Seq, "stands behind the head, which is number %d: an older head was put back, or this row was put in", again.seq)
		}
	}
	last := max(w.seq, w.check.Archived)
	switch {
	case errors.Is(head.wrong, ErrNotFound) && last > 0:
		w.report.fault(AuditHeadMissing, "", 0, "the head of the chain is gone; the last row is number %d", w.seq)
	case errors.Is(head.wrong, ErrAuditHead):
		w.report.fault(AuditHeadForged, "", 0, "the head of the chain was changed; the last row is number %d", w.seq)
	case head.wrong != nil:
		// Nothing was ever sealed.
	case last < head.seq:
		w.report.fault(AuditCut, w.id, w.seq, "is the last row, but the head is number %d: %d rows are gone", head.seq, head.seq-last)
	case w.atHead != nil && !bytes.Equal(w.atHead, head.hash):
		w.report.fault(AuditUnlinked, w.id, head.seq, "the head of the chain was made for another row as number %d", head.seq)
	}
	if head.wrong == nil && w.seq <= head.seq {
		w.report.Seq, w.report.Head = head.seq, hex.EncodeToString(head.hash)
		w.found = w.found || w.report.Head == w.check.Head
	}
	if !w.found {
		w.report.fault(AuditHeadUnknown, "", 0, "no row has the hash that was noted: rows were replaced, or the database was put back to an earlier state")
	}
	return nil
}

// unsealed looks at the rows that have no place yet.
func (w *auditWalk) unsealed(ctx context.Context) error {
	s := w.store
	now := s.nowMicros()
	for after := ""; ; {
		var rows []auditRow
		if err := s.db.WithContext(ctx).Where("seq IS NULL AND id > ?", after).Order("id").Limit(auditPage).Find(&rows).Error; err != nil {
			return s.translate(err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, r := range rows {
			w.report.Rows++
			w.report.Waiting++
			switch age := time.Duration(now-r.At) * time.Microsecond; {
			case r.Mac != nil && !w.genuine(r):
				w.report.fault(AuditForged, r.ID, 0, "is not what imbridge wrote: it was changed, or put in; it is not sealed yet")
			case age > auditOverdue:
				w.report.fault(AuditUnsealed, r.ID, 0, "has waited %s to be sealed: does imbridge serve run?", age.Round(time.Second))
			case age < -auditOverdue:
				w.report.fault(AuditUnsealed, r.ID, 0, "has a time %s from now and cannot be sealed: compare the clocks", -age.Round(time.Second))
			}
		}
		after = rows[len(rows)-1].ID
	}
}
