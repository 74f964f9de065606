package models_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestAuditSealingHoldsUpNoWriter stops a process in the middle of sealing, with
// all its locks, and lets others go on. SQLite has one writer anyway.
func TestAuditSealingHoldsUpNoWriter(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		s := modelstest.OpenOn(t, engine)
		note(t, s, 20)
		s.Clock.Advance(30 * time.Second)
		sealing := s.Again(t)
		held, release := make(chan struct{}), make(chan struct{})
		goOn := sync.OnceFunc(func() { close(release) })
		defer goOn()
		sealing.Step = func(point string) {
			if point == "before commit" {
				close(held)
				<-release
				sealing.Step = nil
			}
		}
		// The head must be there, or it would be made first.
		want(t, "SealAudit", second(s.SealAudit(ctx, 40*time.Second)), nil)
		sealed := make(chan error, 1)
		go func() { sealed <- second(sealing.SealAudit(ctx, 0)) }()
		<-held
		short, cancel := context.WithTimeout(ctx, 4*time.Second) // a lock is waited for five
		defer cancel()
		for i := range 5 {
			_, err := s.CreateUser(short, models.NewUser{Username: fmt.Sprint("carl", i), Password: "correct horse battery"}, "", from)
			want(t, "CreateUser beside a process that seals", err, nil)
		}
		equal(t, "faults beside a process that seals", faults(verify(t, s, models.AuditCheck{})), "")
		goOn()
		want(t, "SealAudit", <-sealed, nil)
		s.Clock.Advance(time.Minute)
		sealAll(t, s)
		equal(t, "faults", faults(verify(t, s, models.AuditCheck{})), "")
	})
}

// TestAuditLateSealerSealsNothing has a process read the head and fewer rows while
// another is about to commit: the later one must not put the head back.
func TestAuditLateSealerSealsNothing(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		s := modelstest.OpenOn(t, engine)
		note(t, s, 1)
		s.Clock.Advance(time.Hour)
		sealAll(t, s)
		note(t, s, 10) // the late one sees only five of them as old enough
		first, late := s.Again(t), s.Again(t)
		held, release := make(chan struct{}), make(chan struct{})
		goOn := sync.OnceFunc(func() { close(release) })
		defer goOn()
		hold := sync.OnceFunc(func() { close(held); <-release })
		first.Step = func(point string) {
			if point == "before commit" {
				hold()
			}
		}
		sealed := make(chan error, 2)
		go func() { sealed <- second(first.SealAudit(ctx, 0)) }()
		<-held
		go func() { sealed <- second(late.SealAudit(ctx, 5*time.Second)) }()
		db, waiting := s.SQL(t), 0
		for deadline := time.Now().Add(4 * time.Second); waiting == 0; {
			var name string
			if err := db.QueryRow("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'").Scan(&name, &waiting); err != nil {
				t.Fatal(err)
			}
			if time.Now().After(deadline) {
				t.Fatal("the late process does not wait for the head, want it to")
			}
		}
		goOn()
		want(t, "SealAudit of the first", <-sealed, nil)
		want(t, "SealAudit of the second", <-sealed, nil)
		r := verify(t, s, models.AuditCheck{})
		equal(t, "faults", faults(r), "")
		equal(t, "last number", r.Seq, 11)
	})
}

func second(_ int, err error) error { return err }

// TestAuditQueriesReadAnIndex keeps the rounds of sealing, which mostly find
// nothing, from reading the whole audit.
func TestAuditQueriesReadAnIndex(t *testing.T) {
	onServers(t, func(t *testing.T, engine string) {
		s := modelstest.OpenOn(t, engine)
		note(t, s, 3)
		s.Clock.Advance(time.Minute)
		sealAll(t, s)
		note(t, s, 2)
		for range 11 {
			s.Exec(t, `INSERT INTO audit (id, at, actor, action, subject, detail, request_id, ip, mac, seq, prev_hash, hash)
				SELECT LPAD(seq + m, 26, '0'), at, actor, action, subject, detail, request_id, ip, mac, seq + m, prev_hash, hash
				FROM audit, (SELECT MAX(seq) AS m FROM audit) top WHERE seq IS NOT NULL`)
		}
		s.Exec(t, "ANALYZE TABLE audit")
		for _, query := range []string{
			"SELECT * FROM audit WHERE seq IS NULL AND at <= 1e18 ORDER BY id LIMIT 1",
			"SELECT * FROM audit WHERE seq IS NULL AND at <= 1e18 ORDER BY id LIMIT 200",
		} {
			plan := explain(t, s, query)
			if !strings.Contains(plan, "audit_seq") {
				t.Errorf("%s is read by %s, want audit_seq", query, plan)
			}
		}
	})
}

// explain returns the cells of the first row of a query's plan.
func explain(t *testing.T, s *modelstest.Store, query string) string {
	t.Helper()
	rows, err := s.SQL(t).Query("EXPLAIN " + query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		t.Fatalf("EXPLAIN gave nothing: %v", err)
	}
	cells := make([]any, len(names))
	for i := range cells {
		cells[i] = new([]byte)
	}
	if err := rows.Scan(cells...); err != nil {
		t.Fatal(err)
	}
	for rows.Next() { // the first row is enough
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var plan []string
	for i, name := range names {
		plan = append(plan, fmt.Sprintf("%s=%s", name, *cells[i].(*[]byte)))
	}
	return strings.Join(plan, " ")
}
