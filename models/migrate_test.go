package models_test

import (
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// steps is how many migrations there are.
var steps = func() int {
	files, _ := filepath.Glob("migrations/sqlite/*.sql")
	return len(files)
}()

func TestMigrateTwiceAndStatus(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := modelstest.OpenEmpty(t, engine, modelstest.OnEmptyFile)
			pending, err := s.Pending(ctx)
			want(t, "Pending on an empty database", err, nil)
			equal(t, "steps pending on an empty database", pending, steps)
			if n := len(tables(t, s)); n != 0 {
				t.Errorf("asking for the status made %d tables, want none", n)
			}

			done, err := s.Migrate(ctx)
			want(t, "Migrate", err, nil)
			equal(t, "steps taken", len(done), steps)
			list, err := s.Migrations(ctx)
			want(t, "Migrations", err, nil)
			last := int64(0)
			for _, m := range list {
				if m.Version <= last || !m.Applied || m.Name == "" {
					t.Errorf("step after %d = %+v, want a later one, applied, with a name", last, m)
				}
				last = m.Version
			}

			done, err = s.Migrate(ctx)
			want(t, "Migrate again", err, nil)
			equal(t, "steps taken the second time", len(done), 0)
			pending, err = s.Pending(ctx)
			want(t, "Pending", err, nil)
			equal(t, "steps pending afterwards", pending, 0)
		})
	}
}

func TestMigrateByEightAtOnceTakesEachStepOnce(t *testing.T) {
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			first := modelstest.OpenEmpty(t, engine, modelstest.OnEmptyFile)
			all := make([]*models.Store, 8)
			for i := range all {
				s, err := models.Open(ctx, first.Options)
				want(t, "Open", err, nil)
				t.Cleanup(func() { _ = s.Close() })
				all[i] = s
			}
			var mu sync.Mutex
			var taken []int64
			together(len(all), func(i int) {
				done, err := all[i].Migrate(ctx)
				if err != nil {
					t.Errorf("Migrate by number %d: %v", i, err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, m := range done {
					taken = append(taken, m.Version)
				}
			})
			slices.Sort(taken)
			if len(taken) != steps || len(slices.Compact(slices.Clone(taken))) != steps {
				t.Errorf("steps taken by all together = %v, want each once", taken)
			}
		})
	}
}

func TestPendingTellsADatabaseThatIsGone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		_ = s.Close()
		_, err := s.Pending(ctx)
		want(t, "Pending on a closed store", err, models.ErrUnavailable)
	})
}

func TestBothDialectsDescribeTheSameTables(t *testing.T) {
	described := map[string]string{}
	for _, engine := range modelstest.Engines(t) {
		s := modelstest.OpenOn(t, engine)
		described[engine] = strings.Join(tables(t, s), "\n")
	}
	first := modelstest.Engines(t)[0]
	for engine, got := range described {
		if got != described[first] {
			t.Errorf("tables on %s:\n%s\nwant those of %s:\n%s", engine, got, first, described[first])
		}
	}
	for _, table := range []string{"users", "sessions", "im_tokens", "lifetimes", "admins", "audit", "idempotency_keys", "signing_keys", "login_throttle", "bridge_state", "notices"} {
		if !strings.Contains(described[first], table+".") {
			t.Errorf("no table %s on %s", table, first)
		}
	}
}

// tables lists "table.column null|not null" and "table unique|index (columns)" of
// all but the migrations' own table.
func tables(t *testing.T, s *modelstest.Store) []string {
	t.Helper()
	columns := `SELECT CONCAT(table_name, '.', column_name, CASE is_nullable WHEN 'YES' THEN ' null' ELSE ' not null' END)
		FROM information_schema.columns WHERE table_schema = DATABASE()`
	indexes := `SELECT CONCAT(table_name, CASE non_unique WHEN 0 THEN ' unique (' ELSE ' index (' END, GROUP_CONCAT(column_name ORDER BY seq_in_index), ')')
		FROM information_schema.statistics WHERE table_schema = DATABASE() GROUP BY table_name, index_name, non_unique`
	if s.Engine == "sqlite" {
		columns = `SELECT m.name || '.' || c.name || CASE c."notnull" WHEN 0 THEN ' null' ELSE ' not null' END
			FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
		indexes = `SELECT m.name || CASE i."unique" WHEN 1 THEN ' unique (' ELSE ' index (' END || (SELECT group_concat(name) FROM pragma_index_info(i.name)) || ')'
			FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table'
			UNION SELECT 'signing_keys unique (seq)' FROM sqlite_master WHERE name = 'signing_keys'`
	}
	var list []string
	for _, query := range []string{columns, indexes} {
		rows, err := s.SQL(t).Query(query)
		if err != nil {
			t.Fatalf("describe: %v", err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(line, "goose_") && !strings.HasPrefix(line, "sqlite_") {
				list = append(list, line)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(list)
	return list
}
