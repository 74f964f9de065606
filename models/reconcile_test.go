package models_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func begin(t *testing.T, s *modelstest.Store, o models.ReconcileOptions, owner string) models.ReconcileRun {
	t.Helper()
	run, err := s.BeginReconcile(ctx, o, true, owner, s.Clock.Now().Add(time.Minute))
	want(t, "BeginReconcile", err, nil)
	return run
}

func TestOneReconciliationAtATime(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		var got tally
		until := s.Clock.Now().Add(time.Minute)
		stores := []*modelstest.Store{s, s.Again(t), s.Again(t)}
		together(12, func(i int) {
			_, err := stores[i%3].BeginReconcile(ctx, models.ReconcileOptions{}, i%2 == 0, fmt.Sprint("p", i), until)
			got.add(fmt.Sprint(err))
		})
		if got.n["<nil>"] != 1 || got.n["begin reconciliation: "+models.ErrReconcileRunning.Error()] != 11 {
			t.Errorf("12 at once = %v, want 1 that runs and 11 told so", got.n)
		}
		// The one who had it is dead: again one of many goes on with it.
		s.Clock.Advance(2 * time.Minute)
		until = s.Clock.Now().Add(time.Minute)
		got.n = nil
		together(12, func(i int) {
			_, err := stores[i%3].BeginReconcile(ctx, models.ReconcileOptions{}, true, fmt.Sprint("q", i), until)
			got.add(fmt.Sprint(err))
		})
		if got.n["<nil>"] != 1 {
			t.Errorf("12 at once after its end = %v, want 1 that runs", got.n)
		}
		equal(t, "runs", s.Count(t, "SELECT COUNT(*) FROM reconcile_runs"), 1)
	})
}

func TestAReconciliationIsResumedWhereItFits(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		since := s.Clock.Now()
		all, repair := models.ReconcileOptions{}, models.ReconcileOptions{Repair: true}
		recent, later := models.ReconcileOptions{Since: since}, models.ReconcileOptions{Since: since.Add(time.Hour)}
		for _, c := range []struct {
			was, asked models.ReconcileOptions
			after      time.Duration
			resumed    bool
		}{
			{all, all, 2 * time.Minute, true}, {all, all, 30 * time.Second, false}, {all, all, 24 * time.Hour, false},
			{all, repair, 2 * time.Minute, false}, {repair, all, 2 * time.Minute, false}, {repair, repair, 23 * time.Hour, true},
			{all, recent, 2 * time.Minute, false}, {recent, later, 2 * time.Minute, true}, {later, recent, 2 * time.Minute, false},
			{models.ReconcileOptions{App: "rongcloud/a"}, models.ReconcileOptions{App: "rongcloud/a"}, 2 * time.Minute, true},
			{models.ReconcileOptions{App: "rongcloud/a"}, models.ReconcileOptions{App: "rongcloud/b"}, 2 * time.Minute, false},
		} {
			s.Exec(t, "DELETE FROM reconcile_runs")
			first := begin(t, s, c.was, "a")
			want(t, "StepReconcile", s.StepReconcile(ctx, first, models.ReconcileStep{Cursor: "here", Counts: models.ReconcileCounts{Judged: 7}}, "system", from, s.Clock.Now().Add(time.Minute)), nil)
			s.Clock.Advance(c.after)
			second, err := s.BeginReconcile(ctx, c.asked, true, "b", s.Clock.Now().Add(time.Minute))
			if c.after < time.Minute {
				want(t, "BeginReconcile under the lease", err, models.ErrReconcileRunning)
				continue
			}
			want(t, "BeginReconcile", err, nil)
			if got := second.ID == first.ID; got != c.resumed {
				t.Errorf("%+v after %+v, %s later: resumed = %v, want %v", c.asked, c.was, c.after, got, c.resumed)
			}
			if c.resumed && (second.Cursor != "here" || second.Counts.Judged != 7) {
				t.Errorf("resumed at %q with %d judged, want here and 7", second.Cursor, second.Counts.Judged)
			}
			if c.resumed {
				want(t, "StepReconcile by the one before", s.StepReconcile(ctx, first, models.ReconcileStep{}, "system", from, s.Clock.Now()), models.ErrStale)
				want(t, "ExtendReconcile by the one before", s.ExtendReconcile(ctx, first, s.Clock.Now()), models.ErrStale)
				want(t, "LeaveReconcile by the one before", s.LeaveReconcile(ctx, first), models.ErrStale)
			}
		}
	})
}

func TestAStepOfAReconciliationIsAllOrNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		s.AddToken(t, u, models.NewToken{})
		before := s.Count(t, "SELECT COUNT(*) FROM outbox")
		step := models.ReconcileStep{Cursor: "c", Counts: models.ReconcileCounts{Repaired: 2, Drift: map[string]models.Drift{"missing": {Count: 1, First: []string{u.ID}}}},
			Listed: []string{u.IMID}, Repairs: []models.ReconcileRepair{{UserID: u.ID, Kind: models.KindProvision, Class: "missing"}, {UserID: u.ID, Kind: models.KindBan, Class: "banned"}}}
		lost := begin(t, s, models.ReconcileOptions{Repair: true}, "a")
		s.Clock.Advance(2 * time.Minute)
		run := begin(t, s, models.ReconcileOptions{Repair: true}, "b")
		want(t, "StepReconcile without the lease", s.StepReconcile(ctx, lost, step, "system", from, s.Clock.Now().Add(time.Minute)), models.ErrStale)
		equal(t, "outbox rows after a step without the lease", s.Count(t, "SELECT COUNT(*) FROM outbox"), before)
		equal(t, "people noted after it", s.Count(t, "SELECT COUNT(*) FROM reconcile_people"), 0)

		for range 2 { // the answer to the first was lost: the second changes nothing but generations
			want(t, "StepReconcile", s.StepReconcile(ctx, run, step, "system", from, s.Clock.Now().Add(time.Minute)), nil)
		}
		equal(t, "outbox rows", s.Count(t, "SELECT COUNT(*) FROM outbox WHERE subject = ? AND kind IN ('provision', 'ban')", u.ID), 2)
		equal(t, "people noted", s.Count(t, "SELECT COUNT(*) FROM reconcile_people WHERE run_id = ?", run.ID), 1)
		page, err := s.ReconcilePage(ctx, run, "", 10)
		want(t, "ReconcilePage", err, nil)
		if len(page) != 1 || !page[0].Listed || !page[0].Waiting[models.KindProvision] || !page[0].Waiting[models.KindBan] || page[0].IMState != models.IMPending {
			t.Errorf("page = %+v, want one pending person, listed, with both on the way", page)
		}
		step.Finished = true
		want(t, "the last step", s.StepReconcile(ctx, run, step, "system", from, s.Clock.Now().Add(time.Minute)), nil)
		want(t, "a step after the last", s.StepReconcile(ctx, run, step, "system", from, s.Clock.Now()), models.ErrStale)
		equal(t, "people noted after the end", s.Count(t, "SELECT COUNT(*) FROM reconcile_people"), 0)
		last, err := s.LastReconciled(ctx)
		want(t, "LastReconciled", err, nil)
		if last.ID != run.ID || last.FinishedAt.IsZero() || last.Counts.Drift["missing"].First[0] != u.ID || !last.Options.Repair {
			t.Errorf("LastReconciled = %+v, want the one that ended, with what it found", last)
		}
	})
}

// TestForTheMissingANewTokenIsMinted: what is stored must not be handed out any
// more, a mint under way must not be stored, and the next token is a first one.
func TestForTheMissingANewTokenIsMinted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		s.AddToken(t, u, models.NewToken{})
		mint := func(owner string) models.TokenView {
			v, err := s.TokenView(ctx, modelstest.App, u.ID, "")
			want(t, "TokenView", err, nil)
			want(t, "ClaimToken", s.ClaimToken(ctx, modelstest.App, v, owner, s.Clock.Now().Add(time.Minute)), nil)
			return v
		}
		seen := mint("under way")
		run := begin(t, s, models.ReconcileOptions{Repair: true}, "a")
		step := models.ReconcileStep{Repairs: []models.ReconcileRepair{{UserID: u.ID, Kind: models.KindProvision, Class: "missing"}}}
		want(t, "StepReconcile", s.StepReconcile(ctx, run, step, "system", from, s.Clock.Now().Add(time.Minute)), nil)

		n := models.NewToken{Value: "late", IssuedAt: s.Clock.Now(), SecretVersion: 1}
		want(t, "SwapToken of the mint under way", s.SwapToken(ctx, modelstest.App, seen, "under way", n), models.ErrStale)
		v, err := s.TokenView(ctx, modelstest.App, u.ID, "")
		want(t, "TokenView", err, nil)
		if v.Value != "" || v.IssuedAt.UnixMicro() > 0 {
			t.Errorf("token view = %+v, want none that was ever issued", v)
		}
		n.Value = "anew"
		want(t, "SwapToken", s.SwapToken(ctx, modelstest.App, mint("next"), "next", n), nil)
		got, err := s.User(ctx, u.ID)
		want(t, "User", err, nil)
		equal(t, "im_state after the new token", got.IMState, models.IMReady)
		equal(t, "provision rows", s.Count(t, "SELECT COUNT(*) FROM outbox WHERE kind = 'provision' AND subject = ?", u.ID), 0)
		equal(t, "repairs in the audit that say why", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'reconcile.repair' AND subject = ? AND detail LIKE ?",
			"user:"+u.ID, `%"class":"missing"%`), 1)
	})
}

func TestWhoIsToBeCompared(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		active, banned, deleted, scrubbed := s.AddUser(t), s.AddUser(t), s.AddUser(t), s.AddUser(t)
		want(t, "BanUser", s.BanUser(ctx, banned.ID, "", "system", from), nil)
		for _, u := range []models.User{deleted, scrubbed} {
			want(t, "DeleteUser", s.DeleteUser(ctx, u.ID, "system", from), nil)
		}
		want(t, "ScrubUser", s.ScrubUser(ctx, scrubbed.ID), nil)
		s.Exec(t, "DELETE FROM outbox WHERE subject = ?", deleted.ID)
		s.Exec(t, "UPDATE outbox SET due_at = due_at + 86400000000 WHERE subject = ?", banned.ID)
		run := begin(t, s, models.ReconcileOptions{}, "a")
		var got []string
		for after := ""; ; {
			page, err := s.ReconcilePage(ctx, run, after, 2)
			want(t, "ReconcilePage", err, nil)
			for _, p := range page {
				after = p.ID
				got = append(got, p.ID)
				if len(p.Waiting) != 0 {
					t.Errorf("%s is waited for by %v, want nothing: a row that is due tomorrow delivers nothing now", p.ID, p.Waiting)
				}
			}
			if len(page) < 2 {
				break
			}
		}
		if wanted := []string{active.ID, banned.ID, deleted.ID}; strings.Join(got, " ") != strings.Join(wanted, " ") {
			t.Errorf("people = %v, want %v", got, wanted)
		}
		n, err := s.ReconcileTotal(ctx, run, active.ID)
		want(t, "ReconcileTotal", err, nil)
		equal(t, "total after the first", n, 2)
		found, err := s.ReconcileByIM(ctx, []string{scrubbed.IMID, "never", active.IMID})
		want(t, "ReconcileByIM", err, nil)
		if len(found) != 2 || !found[scrubbed.IMID].Scrubbed || found[active.IMID].ID != active.ID {
			t.Errorf("ReconcileByIM = %+v, want the scrubbed and the active one", found)
		}
	})
}

func TestOldReconciliationsAreForgotten(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		old := begin(t, s, models.ReconcileOptions{}, "a")
		var many []string
		for i := range 2500 {
			many = append(many, fmt.Sprint("u", i))
		}
		want(t, "StepReconcile", s.StepReconcile(ctx, old, models.ReconcileStep{Listed: many}, "system", from, s.Clock.Now()), nil)
		s.Clock.Advance(25 * time.Hour)
		begin(t, s, models.ReconcileOptions{}, "b") // gives the old one up
		equal(t, "people of a run that was given up", s.Count(t, "SELECT COUNT(*) FROM reconcile_people"), 0)
		s.Clock.Advance(91 * 24 * time.Hour)
		begin(t, s, models.ReconcileOptions{}, "c")
		equal(t, "runs after 91 days", s.Count(t, "SELECT COUNT(*) FROM reconcile_runs"), 2)
	})
}

// TestTheSecondOfTwoWhoSawTheSameReconciliationLoses stops one between its look and its
// claim, and lets another one do both.
func TestTheSecondOfTwoWhoSawTheSameReconciliationLoses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for _, resume := range []bool{true, false} {
			s.Exec(t, "DELETE FROM reconcile_runs")
			begin(t, s, models.ReconcileOptions{}, "dead")
			s.Clock.Advance(2 * time.Minute)
			until := s.Clock.Now().Add(time.Minute)
			slow, quick := s.Again(t), s.Again(t)
			between := false
			slow.Step = func(point string) {
				if point != "before write" || between {
					return
				}
				between = true
				_, err := quick.BeginReconcile(ctx, models.ReconcileOptions{}, resume, "quick", until)
				want(t, "BeginReconcile in between", err, nil)
			}
			_, err := slow.BeginReconcile(ctx, models.ReconcileOptions{}, resume, "slow", until)
			want(t, "BeginReconcile of the slow one", err, models.ErrReconcileRunning)
			equal(t, "it was in between", between, true)
			equal(t, "runs that are quick's", s.Count(t, "SELECT COUNT(*) FROM reconcile_runs WHERE open_key = 'open' AND lease_owner = 'quick'"), 1)
		}
	})
}
