package models

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrationFiles embed.FS

// migrateWait bounds how long one process waits for another's migration.
const migrateWait = 10 * time.Minute

// A Migration is one numbered step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

func (s *Store) provider() (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	if s.Driver == "mysql" {
		dialect, dir = goose.DialectMySQL, "migrations/mysql"
	}
	files, err := fs.Sub(migrationFiles, dir)
	if err != nil {
		return nil, err
	}
	// Out of order stays refused: a step that is missing in the middle means
	// that two releases disagree about the past.
	return goose.NewProvider(dialect, s.sql, files, goose.WithDisableGlobalRegistry(true))
}

// Migrate brings the schema up to date and returns the steps it took. When
// several processes migrate at once, one works and the others wait for it.
func (s *Store) Migrate(ctx context.Context) ([]Migration, error) {
	ctx, cancel := context.WithTimeout(ctx, migrateWait)
	defer cancel()
	unlock, err := s.lockSchema(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: wait for the lock: %w", s.translate(err))
	}
	defer unlock()
	p, err := s.provider()
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	results, err := p.Up(ctx)
	var done []Migration
	for _, r := range results {
		done = append(done, Migration{Version: r.Source.Version, Name: r.Source.Path, Applied: true})
	}
	if err != nil {
		return done, fmt.Errorf("migrate: %w", s.migrationError(err))
	}
	return done, nil
}

// Migrations lists every step that this release knows, applied or not. It
// changes nothing, on a database without any table too.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := s.provider()
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	var applied int64
	exists, err := s.tableExists(ctx, "goose_db_version")
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	if exists {
		if applied, err = p.GetDBVersion(ctx); err != nil {
			return nil, fmt.Errorf("migrations: %w", s.migrationError(err))
		}
	}
	var list []Migration
	for _, src := range p.ListSources() {
		list = append(list, Migration{Version: src.Version, Name: src.Path, Applied: src.Version <= applied})
	}
	return list, nil
}

// Pending counts the steps that are missing.
func (s *Store) Pending(ctx context.Context) (int, error) {
	list, err := s.Migrations(ctx)
	n := 0
	for _, m := range list {
		if !m.Applied {
			n++
		}
	}
	return n, err
}

func (s *Store) tableExists(ctx context.Context, name string) (bool, error) {
	query := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	if s.Driver == "mysql" {
		query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	}
	var n int
	err := s.sql.QueryRowContext(ctx, query, name).Scan(&n)
	return n > 0, s.translate(err)
}

// migrationError keeps which step failed and drops the server's text.
func (s *Store) migrationError(err error) error {
	var partial *goose.PartialError
	if errors.As(err, &partial) && partial.Failed != nil {
		return fmt.Errorf("step %s: %w", partial.Failed.Source.Path, s.translate(partial.Err))
	}
	return s.translate(err)
}

// lockSchema keeps other processes from migrating. MySQL's named locks hold on
// one server, which is what a migration runs against; SQLite has none, so the
// write lock of a second file serves, and the system frees it if we die.
func (s *Store) lockSchema(ctx context.Context) (unlock func(), err error) {
	if s.Driver == "mysql" {
		conn, err := s.sql.Conn(ctx)
		if err != nil {
			return nil, err
		}
		for {
			// Shorter than the driver's read timeout, again until ctx ends.
			var got sql.NullInt64
			if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT('imbridge.migrate.', LEFT(DATABASE(), 40)), 10)").Scan(&got); err != nil {
				_ = conn.Close()
				return nil, err
			}
			if got.Int64 == 1 {
				break
			}
		}
		return func() {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT RELEASE_LOCK(CONCAT('imbridge.migrate.', LEFT(DATABASE(), 40)))")
			_ = conn.Close()
		}, nil
	}
	lock, err := openSQLite(s.file + ".migrate")
	if err != nil {
		return nil, err
	}
	for {
		tx, err := lock.BeginTx(ctx, nil)
		if err == nil {
			return func() { _ = tx.Rollback(); _ = lock.Close() }, nil
		}
		if !s.conflict(err) || ctx.Err() != nil {
			_ = lock.Close()
			return nil, err
		}
	}
}
