package modelstest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"imbridge/models"
)

// A Store is a models.Store with what a test needs beside it.
type Store struct {
	*models.Store
	// Clock is the store's clock; stores on one database share it.
	Clock *Clock
	// Engine is "sqlite", "mariadb" or "mysql".
	Engine string
	// Options are what the store was opened with: Driver and DSN lead to its
	// database, DataKey opens it.
	Options models.Options
	// KeyText is the text form of the data key.
	KeyText string
}

// An Option changes what a store is opened with.
type Option func(*models.Options)

// Engines are those that the environment asks for, in its order.
func Engines(t testing.TB) []string {
	t.Helper()
	list := os.Getenv("IMBRIDGE_TEST_ENGINES")
	if list == "" {
		return []string{"sqlite"}
	}
	var engines []string
	for e := range strings.SplitSeq(list, ",") {
		e = strings.TrimSpace(e)
		if !slices.Contains([]string{"sqlite", "mariadb", "mysql"}, e) {
			t.Fatalf("IMBRIDGE_TEST_ENGINES names %q, want sqlite, mariadb or mysql", e)
		}
		engines = append(engines, e)
	}
	return engines
}

// Each runs test on a fresh store of every engine, as a subtest of that name.
func Each(t *testing.T, test func(t *testing.T, s *Store), opts ...Option) {
	t.Helper()
	for _, engine := range Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, OpenOn(t, engine, opts...)) })
	}
}

// Open opens a fresh store on the last engine that the environment asks for: on
// a server, where there is one.
func Open(t testing.TB, opts ...Option) *Store {
	t.Helper()
	engines := Engines(t)
	return OpenOn(t, engines[len(engines)-1], opts...)
}

// OpenOn opens a fresh store on one engine: migrated, unlocked, with a permanent
// default lifetime. It ends with the test.
func OpenOn(t testing.TB, engine string, opts ...Option) *Store {
	t.Helper()
	s := OpenEmpty(t, engine, opts...)
	ctx := context.Background()
	if engine != "sqlite" {
		if _, err := s.Migrate(ctx); err != nil {
			t.Fatalf("migrate: %v", err)
		}
	}
	if err := s.Unlock(ctx); err != nil {
		t.Fatalf("unlock: %v", err)
	}
	if err := s.InitLifetime(ctx, 0); err != nil {
		t.Fatalf("init lifetime: %v", err)
	}
	return s
}

// OpenTwice opens two stores on one fresh database, as two processes would.
func OpenTwice(t testing.TB, opts ...Option) (a, b *Store) {
	t.Helper()
	a = Open(t, opts...)
	return a, a.Again(t)
}

// Again opens the same database once more, as another process would: with its
// own connections and hasher, and the same data key and clock.
func (s *Store) Again(t testing.TB, opts ...Option) *Store {
	t.Helper()
	o := s.Options
	o.Hasher = nil
	again := open(t, s.Engine, o, s.KeyText, s.Clock, opts)
	if err := again.Unlock(context.Background()); err != nil {
		t.Fatalf("unlock again: %v", err)
	}
	return again
}

// OpenEmpty opens a database without any table; on SQLite, one that is migrated
// already unless OnEmptyFile is among opts.
func OpenEmpty(t testing.TB, engine string, opts ...Option) *Store {
	t.Helper()
	key, text, err := models.NewDataKey()
	if err != nil {
		t.Fatalf("data key: %v", err)
	}
	o := models.Options{Driver: "mysql", DataKey: key}
	if engine == "sqlite" {
		o.Driver, o.DSN = "sqlite", filepath.Join(fastDir(t), "test.db")
		if err := os.WriteFile(o.DSN, migratedFile(t), 0o600); err != nil {
			t.Fatal(err)
		}
	} else {
		o.DSN = newDatabase(t, engine)
	}
	return open(t, engine, o, text, NewClock(), opts)
}

// OnEmptyFile makes OpenEmpty begin with an SQLite file that does not exist.
func OnEmptyFile(o *models.Options) {
	if o.Driver == "sqlite" {
		_ = os.Remove(o.DSN)
	}
}

func open(t testing.TB, engine string, o models.Options, keyText string, clock *Clock, opts []Option) *Store {
	t.Helper()
	if o.Now == nil {
		o.Now = clock.Now
	}
	for _, opt := range opts {
		opt(&o)
	}
	s, err := models.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open %s: %v", engine, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &Store{Store: s, Clock: clock, Engine: engine, Options: o, KeyText: keyText}
}

// migratedFile is a migrated SQLite file, made once for all tests: its twenty
// transactions cost more than most tests do.
var migratedFile = func() func(t testing.TB) []byte {
	var mu sync.Mutex
	var file []byte
	return func(t testing.TB) []byte {
		mu.Lock()
		defer mu.Unlock()
		if file != nil {
			return file
		}
		dir, err := os.MkdirTemp("", "modelstest")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		path := filepath.Join(dir, "template.db")
		s, err := models.Open(context.Background(), models.Options{Driver: "sqlite", DSN: path})
		if err != nil {
			t.Fatalf("open template: %v", err)
		}
		if _, err := s.Migrate(context.Background()); err != nil {
			t.Fatalf("migrate template: %v", err)
		}
		// Closing the last connection folds the write-ahead log into the file.
		if err := s.Close(); err != nil {
			t.Fatalf("close template: %v", err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file = bytes.Clone(b)
		return file
	}
}()

// fastDir is a folder that ends with the test, in memory where the system offers
// that: every commit waits for the disk otherwise.
func fastDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "modelstest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// newDatabase makes a database on the server of engine and returns its DSN.
func newDatabase(t testing.TB, engine string) string {
	t.Helper()
	name := "IMBRIDGE_TEST_" + strings.ToUpper(engine) + "_DSN"
	base := os.Getenv(name)
	if base == "" {
		t.Fatalf("IMBRIDGE_TEST_ENGINES names %s, but %s is not set; `.ci/databases run` sets it", engine, name)
	}
	server, err := sql.Open("mysql", base)
	if err != nil {
		t.Fatalf("%s is no DSN", name)
	}
	var random [6]byte
	_, _ = rand.Read(random[:])
	database := "imbridge_" + hex.EncodeToString(random[:])
	if _, err := server.Exec("CREATE DATABASE " + database); err != nil {
		t.Fatalf("create a database on %s: %v", engine, err)
	}
	t.Cleanup(func() {
		if _, err := server.Exec("DROP DATABASE " + database); err != nil {
			t.Errorf("drop a database on %s: %v", engine, err)
		}
		_ = server.Close()
	})
	cfg, err := mysql.ParseDSN(base)
	if err != nil {
		t.Fatalf("%s is no DSN", name)
	}
	cfg.DBName = database
	return cfg.FormatDSN()
}

// SQL opens the database beside the store, for what a test must see or break
// without it.
func (s *Store) SQL(t testing.TB) *sql.DB {
	t.Helper()
	driver, dsn := "mysql", s.Options.DSN
	if strings.Contains(dsn, "?") {
		dsn += "&interpolateParams=true"
	} else {
		dsn += "?interpolateParams=true"
	}
	if s.Engine == "sqlite" {
		driver, dsn = "sqlite", "file:"+s.Options.DSN+"?_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatalf("open beside the store: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Count runs a query that yields one number.
func (s *Store) Count(t testing.TB, query string, args ...any) int64 {
	t.Helper()
	db := s.SQL(t)
	defer func() { _ = db.Close() }()
	var n int64
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Exec runs a statement beside the store.
func (s *Store) Exec(t testing.TB, query string, args ...any) {
	t.Helper()
	db := s.SQL(t)
	defer func() { _ = db.Close() }() // a test may run thousands
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
