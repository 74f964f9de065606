package models_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// note writes n audit rows, a second apart.
func note(t testing.TB, s *modelstest.Store, n int) {
	t.Helper()
	for range n {
		s.Clock.Advance(time.Second)
		want(t, "SetLifetime", s.SetLifetime(ctx, "", time.Hour, models.Match{}, "admin:ann", from), nil)
	}
}

// sealAll seals what is old enough, as serve does.
func sealAll(t testing.TB, s *modelstest.Store) int {
	t.Helper()
	total := 0
	for {
		n, err := s.SealAudit(ctx, models.AuditSettle)
		want(t, "SealAudit", err, nil)
		if total += n; n < 200 {
			return total
		}
	}
}

func verify(t testing.TB, s *modelstest.Store, c models.AuditCheck) models.AuditReport {
	t.Helper()
	r, err := s.VerifyAudit(ctx, c)
	want(t, "VerifyAudit", err, nil)
	return r
}

// faults is what a report found, as "kind@seq …".
func faults(r models.AuditReport) string {
	var list []string
	for _, f := range r.Faults {
		list = append(list, fmt.Sprintf("%s@%d", f.Kind, f.Seq))
	}
	return strings.Join(list, " ")
}

func TestAuditRowsAreSealedOnceTheyHaveSettled(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		r := verify(t, s, models.AuditCheck{})
		equal(t, "faults of an empty audit", faults(r), "")
		equal(t, "head of an empty audit", r.Head, strings.Repeat("00", 32))

		note(t, s, 3)
		equal(t, "rows sealed at once", sealAll(t, s), 0)
		r = verify(t, s, models.AuditCheck{})
		equal(t, "faults before the first seal", faults(r), "")
		equal(t, "rows waiting", r.Waiting, 3)

		s.Clock.Advance(models.AuditSettle - time.Second)
		equal(t, "rows sealed 4 seconds later", sealAll(t, s), 2)
		s.Clock.Advance(time.Second)
		equal(t, "rows sealed another second later", sealAll(t, s), 1)
		equal(t, "rows sealed when none is left", sealAll(t, s), 0)
		r = verify(t, s, models.AuditCheck{})
		equal(t, "faults", faults(r), "")
		equal(t, "rows", r.Rows, 3)
		equal(t, "rows waiting", r.Waiting, 0)
		equal(t, "last number", r.Seq, 3)

		// The chain goes on behind what was noted, also across batches.
		noted := r.Head
		note(t, s, 405)
		s.Clock.Advance(time.Minute)
		equal(t, "rows sealed in batches", sealAll(t, s), 405)
		r = verify(t, s, models.AuditCheck{Head: strings.ToUpper(noted)})
		equal(t, "faults with the head of before", faults(r), "")
		equal(t, "last number", r.Seq, 408)
		equal(t, "faults with the head of now", faults(verify(t, s, models.AuditCheck{Head: r.Head})), "")
		equal(t, "faults with the head of nothing", faults(verify(t, s, models.AuditCheck{Head: strings.Repeat("00", 32)})), "")
		equal(t, "faults with a head that never was", faults(verify(t, s, models.AuditCheck{Head: strings.Repeat("ab", 32)})), "head_unknown@0")
	})
}

// TestAuditLateRowIsSealedBehind commits a row after later ones were sealed.
func TestAuditLateRowIsSealedBehind(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		slow := s.Again(t, func(o *models.Options) {
			early := s.Clock.Now()
			o.Now = func() time.Time { return early }
		})
		note(t, s, 3)
		s.Clock.Advance(time.Minute)
		equal(t, "rows sealed", sealAll(t, s), 3)
		want(t, "SetLifetime", slow.SetLifetime(ctx, "", time.Hour, models.Match{}, "admin:late", from), nil)
		equal(t, "rows sealed", sealAll(t, s), 1)
		equal(t, "faults", faults(verify(t, s, models.AuditCheck{})), "")
		equal(t, "number of the late row", s.Count(t, "SELECT seq FROM audit WHERE actor = 'admin:late'"), 4)
	})
}

// TestAuditSealedByManyAtOnce has processes write and seal together: each row
// gets one place, and no writer fails or waits for another's place.
func TestAuditSealedByManyAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		a, b := s, s.Again(t)
		stores := []*modelstest.Store{a, b}
		note(t, s, 1)
		var outcomes tally
		together(8, func(i int) {
			store := stores[i%2]
			for range 12 {
				if i < 4 {
					_, err := store.CreateAdmin(ctx, fmt.Sprintf("admin%d-%d", i, store.Clock.Now().UnixNano()%1e9), "a-long-admin-password", from)
					outcomes.err(err)
					store.Clock.Advance(time.Millisecond)
				} else {
					_, err := store.SealAudit(ctx, 0)
					outcomes.err(err)
				}
			}
		})
		equal(t, "outcomes", fmt.Sprint(outcomes.n), "map[ok:96]")
		s.Clock.Advance(time.Minute)
		sealAll(t, s)
		r := verify(t, b, models.AuditCheck{})
		equal(t, "faults", faults(r), "")
		equal(t, "rows", r.Rows, s.Count(t, "SELECT COUNT(*) FROM audit"))
		equal(t, "last number", r.Seq, r.Rows)
	})
}

// TestAuditVerifyBesideASealer walks while rows are sealed: what is new is no
// finding.
func TestAuditVerifyBesideASealer(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		note(t, s, 30)
		s.Clock.Advance(30 * time.Second)
		again := s.Again(t)
		together(2, func(i int) {
			for range 30 {
				if i == 0 {
					note(t, s, 1)
					_, err := s.SealAudit(ctx, 0)
					want(t, "SealAudit", err, nil)
				} else {
					equal(t, "faults", faults(verify(t, again, models.AuditCheck{})), "")
				}
			}
		})
	})
}

// TestAuditOfEarlierReleaseIsTakenOver seals rows that were made without a
// fingerprint, within a day of the first seal and no later.
func TestAuditOfEarlierReleaseIsTakenOver(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		bare := func(n int) {
			note(t, s, n)
			s.Exec(t, "UPDATE audit SET mac = NULL WHERE seq IS NULL")
			s.Clock.Advance(time.Minute)
		}
		bare(3)
		sealAll(t, s)
		bare(1)
		sealAll(t, s)
		equal(t, "faults", faults(verify(t, s, models.AuditCheck{})), "")
		s.Clock.Advance(24 * time.Hour)
		bare(1)
		sealAll(t, s)
		equal(t, "faults of a bare row a day later", faults(verify(t, s, models.AuditCheck{})), "forged@5")
	})
}

func TestAuditUnsealedRowsAreReported(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		note(t, s, 1)
		s.Clock.Advance(time.Minute)
		equal(t, "faults after a minute", faults(verify(t, s, models.AuditCheck{})), "")
		s.Clock.Advance(time.Microsecond)
		r := verify(t, s, models.AuditCheck{})
		equal(t, "faults a moment later", faults(r), "unsealed@0")
		equal(t, "first id", r.Faults[0].ID != "", true)
		sealAll(t, s)
		equal(t, "faults once sealed", faults(verify(t, s, models.AuditCheck{})), "")

		// A row that claims to be of tomorrow is never old enough.
		note(t, s, 1)
		s.Clock.Advance(-2 * time.Minute)
		equal(t, "faults of a row of the future", faults(verify(t, s, models.AuditCheck{})), "unsealed@0")
	})
}

// TestAuditArchivedRowsMayBeGone removes the oldest rows, as an operator does.
func TestAuditArchivedRowsMayBeGone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		note(t, s, 9)
		s.Clock.Advance(time.Minute)
		sealAll(t, s)
		head := verify(t, s, models.AuditCheck{}).Head
		s.Exec(t, "DELETE FROM audit WHERE seq <= 4")
		equal(t, "faults", faults(verify(t, s, models.AuditCheck{})), "missing@5")
		equal(t, "faults with 4 archived", faults(verify(t, s, models.AuditCheck{Archived: 4, Head: head})), "")
		equal(t, "faults with 3 archived", faults(verify(t, s, models.AuditCheck{Archived: 3})), "missing@5")
		equal(t, "faults with more archived than is gone", faults(verify(t, s, models.AuditCheck{Archived: 6})), "")
		s.Exec(t, "UPDATE audit SET actor = 'admin:eve' WHERE seq = 5")
		equal(t, "faults in what was to be archived", faults(verify(t, s, models.AuditCheck{Archived: 6})), "forged@5")
		s.Exec(t, "DELETE FROM audit WHERE seq > 0")
		equal(t, "faults with all gone", faults(verify(t, s, models.AuditCheck{Archived: 4})), "cut@0")
		equal(t, "faults with all archived", faults(verify(t, s, models.AuditCheck{Archived: 9, Head: head})), "")
	})
}
