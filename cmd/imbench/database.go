package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/go-sql-driver/mysql"
)

// A database is one made for the run.
type database struct {
	driver string // as database.driver has it
	dsn    string // as database.dsn has it; holds a password
	name   string // to show
	server *sql.DB
}

// newDatabase makes one on the engine's server, or a file in dir.
func newDatabase(ctx context.Context, engine, base, dir string, accounts int) (*database, error) {
	if engine == "sqlite" {
		path := filepath.Join(dir, "bench.db")
		return &database{driver: "sqlite", dsn: path, name: path}, nil
	}
	if base == "" {
		return nil, fmt.Errorf("%s is not set: it names the server, user:password@tcp(host:port)/; \".ci/databases run\" sets it", engines[engine])
	}
	cfg, err := mysql.ParseDSN(base)
	if err != nil {
		// The driver's message may quote the password.
		return nil, fmt.Errorf("%s is not of the form user:password@tcp(host:port)/", engines[engine])
	}
	var random [6]byte
	_, _ = rand.Read(random[:])
	d := &database{driver: "mysql", name: "imbridge_bench_" + hex.EncodeToString(random[:])}
	cfg.DBName = ""
	if d.server, err = sql.Open("mysql", cfg.FormatDSN()); err != nil {
		return nil, err
	}
	if _, err := d.server.ExecContext(ctx, "CREATE DATABASE "+d.name); err != nil {
		_ = d.server.Close()
		return nil, fmt.Errorf("make a database on the server of %s: %w", engines[engine], err)
	}
	// As an operator sizes it: what is asked for stays in memory. With less, both
	// sides measure the disk, and imbridge more of it, for it reads four tables.
	pool := max(256<<20, int64(accounts)*accountBytes)
	if _, err := d.server.ExecContext(ctx, fmt.Sprintf("SET GLOBAL innodb_buffer_pool_size = %d", pool)); err != nil {
		return nil, errors.Join(fmt.Errorf("give the server a buffer pool of %d MB: %w", pool>>20, err), d.drop(ctx))
	}
	cfg.DBName = d.name
	d.dsn = cfg.FormatDSN()
	return d, nil
}

// accountBytes is about what one account takes up in the server's memory.
const accountBytes = 3 << 10

// drop removes it. A file goes with its folder.
func (d *database) drop(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	_, err := d.server.ExecContext(ctx, "DROP DATABASE "+d.name)
	return errors.Join(err, d.server.Close())
}

// bulk opens it for loading: nothing is flushed, and what the loader knows to be
// unique is not looked up.
func (d *database) bulk() (*sql.DB, error) {
	if d.driver == "sqlite" {
		return sql.Open("sqlite", "file:"+d.dsn+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
	}
	cfg, err := mysql.ParseDSN(d.dsn)
	if err != nil {
		return nil, err
	}
	cfg.InterpolateParams = true // or each INSERT were prepared first
	cfg.Params = map[string]string{"unique_checks": "0"}
	return sql.Open("mysql", cfg.FormatDSN())
}

// bare opens it as the floor does: the driver's defaults and a pool.
func bare(driver, dsn string, pool int) (*sql.DB, error) {
	if driver == "sqlite" {
		dsn = "file:" + dsn + "?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, errors.New("database.dsn cannot be used")
	}
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	return db, nil
}
