package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

const (
	// reconcileResumable is for how long a run that was cut off may be gone on with.
	reconcileResumable = 24 * time.Hour
	// reconcileKept is how long a finished run is remembered.
	reconcileKept = 90 * 24 * time.Hour
	// reconcileOpen is the open_key of the one run that is not finished.
	reconcileOpen = "open"
)

// ErrReconcileRunning: somebody is comparing already, in whatever process.
var ErrReconcileRunning = errors.New("a reconciliation is under way already")

// ReconcileOptions are what a run was begun with.
type ReconcileOptions struct {
	// App is the cloud's name and app key with a slash between: who is missing at
	// one app says nothing about another.
	App string
	// Repair says that what can be explained is repaired.
	Repair bool
	// Since looks only at people changed since then, not at the whole of the
	// cloud; zero looks at everybody.
	Since time.Time
	// Nightly tells whom nobody waits for from those that somebody typed.
	Nightly bool
}

// A Drift is one way of disagreeing, in figures.
type Drift struct {
	// Count of all, and how many of them the outbox was asked to repair.
	Count, Repaired int64
	// First are the ids of the first of them: ours, or for somebody whom we do
	// not know the cloud's.
	First []string
}

// ReconcileCounts is how far a run has come and what it has found.
type ReconcileCounts struct {
	// Judged people of ours, and Listed ones of the cloud.
	Judged, Listed int64
	// OnTheWay are the judged who differ and whom the outbox is seeing to, or the
	// cloud, which takes its time to remove somebody.
	OnTheWay int64
	// Repaired is how often this run has asked the outbox.
	Repaired int64
	// Unlisted: the cloud does not list its people. Complete: it does, and has
	// listed all of them.
	Unlisted, Complete bool
	// Drift by class, without those on the way.
	Drift map[string]Drift
}

// A ReconcileRun is one comparison of our people with the cloud's.
type ReconcileRun struct {
	ID                   string
	StartedAt, UpdatedAt time.Time
	FinishedAt           time.Time // zero: not finished
	Options              ReconcileOptions
	// Cursor is where it goes on; empty at its beginning.
	Cursor string
	Counts ReconcileCounts

	owner string // of the lease
}

type reconcileRow struct {
	ID         string `gorm:"primaryKey"`
	OpenKey    *string
	StartedAt  int64
	UpdatedAt  int64 `gorm:"autoUpdateTime:false"`
	FinishedAt *int64
	Options    string
	PageCursor string
	Counts     string
	LeaseOwner string
	LeaseUntil int64
}

func (reconcileRow) TableName() string { return "reconcile_runs" }

func (r reconcileRow) run() (ReconcileRun, error) {
	run := ReconcileRun{ID: r.ID, StartedAt: fromMicros(r.StartedAt), UpdatedAt: fromMicros(r.UpdatedAt), FinishedAt: fromMicrosPtr(r.FinishedAt),
		Cursor: r.PageCursor, owner: r.LeaseOwner}
	err := errors.Join(json.Unmarshal([]byte(r.Options), &run.Options), json.Unmarshal([]byte(r.Counts), &run.Counts))
	if err != nil {
		return run, fmt.Errorf("reconcile run %s: %w", r.ID, err)
	}
	return run, nil
}

// covers tells whether a run with these options also does what was asked for. A
// night counts as done only by a run of its own.
func (o ReconcileOptions) covers(asked ReconcileOptions) bool {
	return o.App == asked.App && (o.Nightly || !asked.Nightly) && o.Repair == asked.Repair && o.Since.IsZero() == asked.Since.IsZero() && !o.Since.After(asked.Since)
}

// BeginReconcile takes the lease on a run until then: with resume on the one that
// was cut off, if it was begun within a day at the same app with options that cover these, and
// otherwise on a new one, for which the old one is given up. Owner names the
// caller alone. ErrReconcileRunning while somebody else holds the lease.
func (s *Store) BeginReconcile(ctx context.Context, o ReconcileOptions, resume bool, owner string, until time.Time) (ReconcileRun, error) {
	row, err := s.beginReconcile(ctx, o, resume, owner, until)
	if err != nil {
		return ReconcileRun{}, fmt.Errorf("begin reconciliation: %w", err)
	}
	return row.run()
}

func (s *Store) beginReconcile(ctx context.Context, o ReconcileOptions, resume bool, owner string, until time.Time) (reconcileRow, error) {
	now := s.nowMicros()
	var open []reconcileRow
	if err := s.db.WithContext(ctx).Where("open_key = ?", reconcileOpen).Find(&open).Error; err != nil {
		return reconcileRow{}, s.translate(err)
	}
	for _, r := range open {
		if r.LeaseUntil > now {
			return r, ErrReconcileRunning
		}
		run, err := r.run()
		// The lease as it was seen makes the condition true for one caller only.
		const seen = " WHERE id = ? AND open_key = ? AND lease_owner = ? AND lease_until = ?"
		if resume && err == nil && run.Options.covers(o) && r.StartedAt > now-reconcileResumable.Microseconds() {
			matched, err := s.write(ctx, "UPDATE reconcile_runs SET lease_owner = ?, lease_until = ?, updated_at = ?"+seen,
				owner, until.UnixMicro(), now, r.ID, reconcileOpen, r.LeaseOwner, r.LeaseUntil)
			if err == nil && matched == 0 {
				err = ErrReconcileRunning
			}
			r.LeaseOwner = owner
			return r, err
		}
		matched, err := s.write(ctx, "UPDATE reconcile_runs SET open_key = NULL, updated_at = ?"+seen, now, r.ID, reconcileOpen, r.LeaseOwner, r.LeaseUntil)
		if err != nil {
			return r, err
		}
		if matched == 0 {
			return r, ErrReconcileRunning
		}
	}
	return s.newReconcile(ctx, o, owner, until)
}

func (s *Store) newReconcile(ctx context.Context, o ReconcileOptions, owner string, until time.Time) (reconcileRow, error) {
	options, err := json.Marshal(o)
	if err != nil {
		return reconcileRow{}, err
	}
	now, key := s.nowMicros(), reconcileOpen
	row := reconcileRow{ID: s.newID(), OpenKey: &key, StartedAt: now, UpdatedAt: now, Options: string(options), Counts: "{}", LeaseOwner: owner, LeaseUntil: until.UnixMicro()}
	err = s.inTx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error })
	if isDuplicate(err) {
		return row, ErrReconcileRunning
	}
	if err != nil {
		return row, err
	}
	if _, err := s.write(ctx, "DELETE FROM reconcile_runs WHERE open_key IS NULL AND updated_at < ?", now-reconcileKept.Microseconds()); err != nil {
		return row, err
	}
	return row, s.forgetListed(ctx, " <> ", row.ID)
}

// forgetListed deletes whom other runs, or that one, have met in the cloud's list.
func (s *Store) forgetListed(ctx context.Context, compare, runID string) error {
	query := "DELETE FROM reconcile_people WHERE run_id" + compare + "?"
	if s.Driver != "sqlite" {
		query += fmt.Sprintf(" LIMIT %d", sweepBatch)
	}
	for {
		n, err := s.write(ctx, query, runID)
		if err != nil || n < sweepBatch || s.Driver == "sqlite" {
			return err
		}
	}
}

// ExtendReconcile moves the end of the lease. ErrStale when the run is somebody
// else's by now.
func (s *Store) ExtendReconcile(ctx context.Context, run ReconcileRun, until time.Time) error {
	return s.ofReconcile(ctx, run, "UPDATE reconcile_runs SET lease_until = ?", until.UnixMicro())
}

// LeaveReconcile gives the lease back, for others to resume the run at once.
func (s *Store) LeaveReconcile(ctx context.Context, run ReconcileRun) error {
	return s.ofReconcile(ctx, run, "UPDATE reconcile_runs SET lease_owner = '', lease_until = 0")
}

func (s *Store) ofReconcile(ctx context.Context, run ReconcileRun, update string, args ...any) error {
	matched, err := s.write(ctx, update+" WHERE id = ? AND lease_owner = ? AND open_key IS NOT NULL", append(args, run.ID, run.owner)...)
	if err == nil && matched == 0 {
		err = ErrStale
	}
	if err != nil {
		return fmt.Errorf("reconcile run %s: %w", run.ID, err)
	}
	return nil
}

// A ReconcileStep is what one page of a run came to.
type ReconcileStep struct {
	// Cursor and Counts are those after the page.
	Cursor string
	Counts ReconcileCounts
	// Listed are the cloud's ids of those of ours whom the page listed; ReconcilePage
	// marks them.
	Listed []string
	// Repairs are asked of the outbox.
	Repairs []ReconcileRepair
	// Finished: it was the last page.
	Finished bool
}

// A ReconcileRepair makes the cloud match the truth about one person.
type ReconcileRepair struct {
	UserID string
	// Kind of the outbox. KindProvision is for somebody whom the cloud has lost:
	// what is stored of their token goes, so that they get a new one.
	Kind string
	// Class is why, for the audit.
	Class string
}

// StepReconcile writes a page's results and repairs, all or none, and moves the
// lease to until. What is written is never done again by whoever resumes the
// run. ErrStale when the run is somebody else's by now: then nothing is written.
func (s *Store) StepReconcile(ctx context.Context, run ReconcileRun, step ReconcileStep, actor string, o Origin, until time.Time) error {
	counts, err := json.Marshal(step.Counts)
	if err != nil {
		return err
	}
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		now := s.nowMicros()
		set, args := "", []any{step.Cursor, string(counts), now, until.UnixMicro()}
		if step.Finished {
			set, args = ", open_key = NULL, finished_at = ?", append(args, now)
		}
		res := tx.Exec("UPDATE reconcile_runs SET page_cursor = ?, counts = ?, updated_at = ?, lease_until = ?"+set+
			" WHERE id = ? AND lease_owner = ? AND open_key IS NOT NULL", append(args, run.ID, run.owner)...)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrStale
		}
		if err := s.noteListed(tx, run.ID, step.Listed); err != nil {
			return err
		}
		for _, r := range step.Repairs {
			if err := s.repair(tx, run.ID, r, actor, o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reconcile run %s: %w", run.ID, err)
	}
	if len(step.Repairs) > 0 {
		s.wakeOutbox()
	}
	if step.Finished {
		// Those of a run that nobody needs are deleted with the next one at the latest.
		if err := s.forgetListed(ctx, " = ", run.ID); err != nil {
			s.Log.WarnContext(ctx, "list of a reconciliation not forgotten", "run", run.ID, "err", err)
		}
	}
	return nil
}

func (s *Store) noteListed(tx *gorm.DB, runID string, imIDs []string) error {
	conflict := " ON DUPLICATE KEY UPDATE run_id = run_id"
	if s.Driver == "sqlite" {
		conflict = " ON CONFLICT DO NOTHING"
	}
	for len(imIDs) > 0 {
		n := min(len(imIDs), 200)
		args := make([]any, 0, 2*n)
		for _, id := range imIDs[:n] {
			args = append(args, runID, id)
		}
		if err := tx.Exec("INSERT INTO reconcile_people (run_id, im_id) VALUES (?, ?)"+strings.Repeat(", (?, ?)", n-1)+conflict, args...).Error; err != nil {
			return err
		}
		imIDs = imIDs[n:]
	}
	return nil
}

// LastReconcile is the run that was begun last, or the last nightly one;
// ErrNotFound where none was.
func (s *Store) LastReconcile(ctx context.Context, nightly bool) (ReconcileRun, error) {
	if nightly {
		return s.lastReconcile(ctx, `options LIKE '%"Nightly":true%'`)
	}
	return s.lastReconcile(ctx, "1 = 1")
}

// LastReconciled is the last run that was finished and looked at everybody;
// ErrNotFound where none was.
func (s *Store) LastReconciled(ctx context.Context) (ReconcileRun, error) {
	return s.lastReconcile(ctx, `finished_at IS NOT NULL AND options LIKE '%"Since":"0001-01-01T00:00:00Z"%'`)
}

func (s *Store) lastReconcile(ctx context.Context, where string) (ReconcileRun, error) {
	var row reconcileRow
	if err := s.db.WithContext(ctx).Where(where).Order("id DESC").Take(&row).Error; err != nil {
		return ReconcileRun{}, fmt.Errorf("last reconciliation: %w", s.translate(err))
	}
	return row.run()
}
