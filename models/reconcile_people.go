package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// onTheWay is how far ahead a row of the outbox counts as being delivered. A ban
// has one for its renewal, days ahead, that says nothing about now.
const onTheWay = time.Minute

// A ReconcilePerson is somebody of ours, also the deleted, with what decides
// whether they differ from the cloud.
type ReconcilePerson struct {
	User
	// Scrubbed: the tombstone tells nothing of them any more, since ScrubbedAt.
	Scrubbed   bool
	ScrubbedAt time.Time
	// Waiting has the kinds of the outbox that are being delivered now.
	Waiting map[string]bool
	// Listed: the run has met them in the cloud's list and judged them.
	Listed bool
}

// ReconcilePage gives people in the order of their ids, up to limit after the id
// after: everybody whose tombstone is not scrubbed, of a run with Since only
// those changed since then.
func (s *Store) ReconcilePage(ctx context.Context, run ReconcileRun, after string, limit int) ([]ReconcilePerson, error) {
	var rows []userRow
	if err := s.reconciled(ctx, run).Where("id > ?", after).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("people to reconcile: %w", s.translate(err))
	}
	people, err := s.reconcilePeople(ctx, rows)
	if err != nil || len(people) == 0 {
		return people, err
	}
	imIDs := make([]string, len(people))
	for i, p := range people {
		imIDs[i] = p.IMID
	}
	var listed []string
	if err := s.db.WithContext(ctx).Raw("SELECT im_id FROM reconcile_people WHERE run_id = ? AND im_id IN ?", run.ID, imIDs).Scan(&listed).Error; err != nil {
		return nil, fmt.Errorf("people to reconcile: %w", s.translate(err))
	}
	seen := make(map[string]bool, len(listed))
	for _, id := range listed {
		seen[id] = true
	}
	for i := range people {
		people[i].Listed = seen[people[i].IMID]
	}
	return people, nil
}

// ReconcileTotal is how many people ReconcilePage has to give after the id after.
func (s *Store) ReconcileTotal(ctx context.Context, run ReconcileRun, after string) (int64, error) {
	var n int64
	if err := s.reconciled(ctx, run).Where("id > ?", after).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("people to reconcile: %w", s.translate(err))
	}
	return n, nil
}

func (s *Store) reconciled(ctx context.Context, run ReconcileRun) *gorm.DB {
	q := s.db.WithContext(ctx).Model(&userRow{}).Where("(status <> ? OR scrubbed_at IS NULL)", StatusDeleted)
	if !run.Options.Since.IsZero() {
		q = q.Where("updated_at >= ?", run.Options.Since.UnixMicro())
	}
	return q
}

// ReconcileByIM finds people by their ids at the cloud, also those whose
// tombstones are scrubbed. Who is not in the answer never was ours.
func (s *Store) ReconcileByIM(ctx context.Context, imIDs []string) (map[string]ReconcilePerson, error) {
	found := make(map[string]ReconcilePerson, len(imIDs))
	if len(imIDs) == 0 {
		return found, nil
	}
	var rows []userRow
	if err := s.db.WithContext(ctx).Where("im_id IN ?", imIDs).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("people by the cloud's ids: %w", s.translate(err))
	}
	people, err := s.reconcilePeople(ctx, rows)
	for _, p := range people {
		found[p.IMID] = p
	}
	return found, err
}

// reconcilePeople reads the outbox after the people: a change that is in the rows
// has its row there, unless it was delivered by then.
func (s *Store) reconcilePeople(ctx context.Context, rows []userRow) ([]ReconcilePerson, error) {
	people := make([]ReconcilePerson, len(rows))
	at := make(map[string]int, len(rows))
	ids := make([]string, len(rows))
	for i, r := range rows {
		people[i] = ReconcilePerson{User: r.user(), Scrubbed: r.ScrubbedAt != nil, ScrubbedAt: fromMicrosPtr(r.ScrubbedAt), Waiting: map[string]bool{}}
		at[r.ID], ids[i] = i, r.ID
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var waiting []outboxRow
	err := s.db.WithContext(ctx).Select("subject", "kind").Where("subject IN ? AND buried_at IS NULL AND due_at <= ?", ids, s.Now().Add(onTheWay).UnixMicro()).
		Find(&waiting).Error
	if err != nil {
		return nil, fmt.Errorf("what is on its way to the cloud: %w", s.translate(err))
	}
	for _, w := range waiting {
		people[at[w.Subject]].Waiting[w.Kind] = true
	}
	return people, nil
}

// repair asks the outbox to make the cloud match, in the transaction of a run's
// step.
func (s *Store) repair(tx *gorm.DB, runID string, r ReconcileRepair, actor string, o Origin) error {
	if r.Kind == KindProvision {
		if err := s.forgetToken(tx, r.UserID); err != nil {
			return err
		}
	}
	if err := s.enqueue(tx, r.Kind, r.UserID, s.Now()); err != nil {
		return err
	}
	return s.audit(tx, o, actor, "reconcile.repair", "user:"+r.UserID, map[string]any{"class": r.Class, "kind": r.Kind, "run": runID})
}

// forgetToken makes the person one who never had a token, for whom the outbox
// mints. The epoch ends what is stored and what is being minted; at the cloud,
// which does not know the person, there is nothing to end.
func (s *Store) forgetToken(tx *gorm.DB, userID string) error {
	now := s.nowMicros()
	err := tx.Exec("UPDATE users SET im_state = ?, token_epoch = token_epoch + 1, version = version + 1, updated_at = ? WHERE id = ? AND status <> ?",
		IMPending, now, userID, StatusDeleted).Error
	if err != nil {
		return err
	}
	if err := s.forgetIMPassword(tx, userID); err != nil {
		return err
	}
	return tx.Exec(`UPDATE im_tokens SET token_sealed = NULL, fingerprint = '', issued_at = 0, cloud_expires_at = NULL, generation = generation + 1,
		lease_owner = '' WHERE user_id = ?`, userID).Error
}
