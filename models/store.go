package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/singleflight"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Options is what Open needs.
type Options struct {
	// Driver is "sqlite" or "mysql" (MySQL and MariaDB).
	Driver string
	// DSN is a file path for sqlite, "user:pass@tcp(host:port)/name" for mysql.
	DSN string
	// MaxOpen connections, at least two; zero means 40.
	MaxOpen int
	// DataKey seals what must not be read from a dump.
	DataKey *DataKey
	// Hasher hashes passwords; nil means the default one.
	Hasher *Hasher
	// Rules of sessions and Throttle; their zero values mean the defaults.
	Rules    SessionRules
	Throttle Throttle
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log gets what stops here; nil discards it.
	Log *slog.Logger
}

// A Store is an open database. It is safe for concurrent use.
type Store struct {
	Driver   string
	Hasher   *Hasher
	Rules    SessionRules
	Throttle Throttle
	Now      func() time.Time
	Log      *slog.Logger
	// DeriveIMPassword, if set, makes of a person's password here, and their id at
	// the cloud, the one that they may log in there with. It may take long.
	DeriveIMPassword func(password, imID string) (string, error)
	// Step, if set, is told of each commit, before and after it, in the order in
	// which they happen. The proof harness ends the process there; nothing else
	// sets it.
	Step func(point string)

	db      *gorm.DB
	sql     *sql.DB
	dataKey *DataKey
	file    string // of SQLite
	macKey  []byte // set by Unlock

	registering singleflight.Group // by idempotency key

	outboxWritten chan struct{}

	stmts  sync.Map // query text → *sql.Stmt
	closed atomic.Bool
}

// Open connects and pings. It creates a missing SQLite file, and nothing else:
// call Migrate and then Unlock before anything. A database that does not answer
// gives ErrUnavailable.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{Driver: o.Driver, Hasher: o.Hasher, Rules: o.Rules, Throttle: o.Throttle, Now: o.Now, Log: o.Log, dataKey: o.DataKey,
		outboxWritten: make(chan struct{}, 1)}
	if s.Rules == (SessionRules{}) {
		s.Rules = DefaultSessionRules
	}
	if s.Throttle == (Throttle{}) {
		s.Throttle = DefaultThrottle
	}
	if s.Hasher == nil {
		s.Hasher = &Hasher{}
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 40
	}
	// A migration holds its lock on one connection and works on another.
	o.MaxOpen = max(o.MaxOpen, 2)
	var dialector gorm.Dialector
	var err error
	switch o.Driver {
	case "sqlite":
		s.file = o.DSN
		s.sql, err = openSQLite(o.DSN)
	case "mysql":
		s.sql, err = openMySQL(o.DSN)
	default:
		return nil, fmt.Errorf("open database: unknown driver %q", o.Driver)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s.sql.SetMaxOpenConns(o.MaxOpen)
	s.sql.SetMaxIdleConns(o.MaxOpen)
	// Below wait_timeout of any sane server, so that a proxy or server that
	// forgets idle connections is noticed by us first.
	s.sql.SetConnMaxIdleTime(5 * time.Minute)
	if err := s.sql.PingContext(ctx); err != nil {
		_ = s.sql.Close()
		return nil, fmt.Errorf("open database: %w", s.translate(err))
	}
	if o.Driver == "sqlite" {
		dialector = &sqlite.Dialector{Conn: s.sql}
	} else {
		dialector = mysql.New(mysql.Config{Conn: s.sql})
	}
	// gorm's own log would print values, and values are secrets here.
	s.db, err = gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true,
		Logger:                 logger.Discard,
		DisableAutomaticPing:   true,
	})
	if err != nil {
		_ = s.sql.Close()
		return nil, fmt.Errorf("open database: %w", s.translate(err))
	}
	return s, nil
}

// openSQLite makes the file readable by its owner alone. Writers queue for the
// lock when their transaction begins, not in its middle, where SQLite cannot
// let them wait.
func openSQLite(path string) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)",
	}}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
}

// openMySQL sets what the code relies on, whatever the DSN says.
func openMySQL(dsn string) (*sql.DB, error) {
	cfg, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		// The driver's message may quote the DSN and with it the password.
		return nil, errors.New("database.dsn is not of the form user:password@tcp(host:port)/name")
	}
	if cfg.DBName == "" {
		return nil, errors.New("database.dsn names no database")
	}
	// Count matched rows, not changed ones: an UPDATE that writes the values
	// that are there already must still tell that it found its row.
	cfg.ClientFoundRows = true
	cfg.Loc = time.UTC
	// One round trip instead of three for what is not prepared.
	cfg.InterpolateParams = true
	cfg.Collation = "utf8mb4_bin"
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = 30 * time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 30 * time.Second
	}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	// Strict mode refuses what it would otherwise cut to fit.
	cfg.Params["innodb_lock_wait_timeout"] = "5"
	cfg.Params["sql_mode"] = "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'"
	// After a failover the pool holds connections to what is a secondary now.
	// Whoever meets one drops it, and the next dials anew.
	cfg.RejectReadOnly = true
	cfg.Logger = &mysqldriver.NopLogger{}
	connector, err := mysqldriver.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("database.dsn cannot be used: " + err.Error())
	}
	return sql.OpenDB(connector), nil
}

// Close ends all connections. Whoever still calls gets ErrUnavailable.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.stmts.Range(func(_, v any) bool { _ = v.(*sql.Stmt).Close(); return true })
	return s.sql.Close()
}

// Connections tells how many connections are open, and how many of them in use.
func (s *Store) Connections() (open, inUse int) {
	st := s.sql.Stats()
	return st.OpenConnections, st.InUse
}

const (
	// maxTries bounds how often one transaction is begun again after a conflict.
	maxTries = 8
	// maxFailovers bounds how often it is begun again on another connection. With
	// the pauses between them a failover of half a second is not noticed.
	maxFailovers = 5
)

// tries is how often what ended in err may be tried in all. Committing says that
// it may have been done all the same, were the connection lost: then only an
// answer from the server can make it be tried again.
func (s *Store) tries(err error, committing bool) int {
	switch {
	case s.conflict(err):
		return maxTries
	case s.refused(err), !committing && s.lost(err):
		return maxFailovers
	}
	return 1
}

// inTx runs fn in a transaction, and the whole of it again when nothing of it
// was done: it lost against another transaction, this server must not write, or
// the connection broke before the commit. A connection that breaks during the
// commit leaves open whether it was done, and is told to the caller. fn must do
// nothing but SQL.
func (s *Store) inTx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	for try := 1; ; try++ {
		committing := false
		err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			err := fn(tx)
			if err == nil {
				s.step("before commit")
				committing = true
			}
			return err
		})
		if err == nil {
			s.step("after commit")
		}
		if err == nil || try >= s.tries(err, committing) || s.closed.Load() || ctx.Err() != nil {
			return s.translate(err)
		}
		if err := pause(ctx, try); err != nil {
			return s.translate(err)
		}
	}
}

// write is inTx for one statement. It returns how many rows matched.
func (s *Store) write(ctx context.Context, query string, args ...any) (int64, error) {
	for try := 1; ; try++ {
		s.step("before write")
		res := s.db.WithContext(ctx).Exec(query, args...)
		if res.Error == nil {
			s.step("after write")
		}
		if res.Error == nil || try >= s.tries(res.Error, true) || s.closed.Load() || ctx.Err() != nil {
			return res.RowsAffected, s.translate(res.Error)
		}
		if err := pause(ctx, try); err != nil {
			return 0, s.translate(err)
		}
	}
}

func (s *Store) step(point string) {
	if s.Step != nil {
		s.Step(point)
	}
}

// pause waits up to 10 ms times 2^try, full jitter, so that those who collided
// do not meet again.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(10*time.Millisecond) << try)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepared keeps one prepared statement for a query that is asked often.
func (s *Store) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if v, ok := s.stmts.Load(query); ok {
		return v.(*sql.Stmt), nil
	}
	stmt, err := s.sql.PrepareContext(ctx, query)
	if err != nil {
		return nil, s.translate(err)
	}
	if v, loaded := s.stmts.LoadOrStore(query, stmt); loaded {
		_ = stmt.Close() //nolint:sqlclosecheck // the loser of two that prepared the same
		return v.(*sql.Stmt), nil
	}
	return stmt, nil
}

func (s *Store) nowMicros() int64 { return s.Now().UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func fromMicrosPtr(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return fromMicros(*us)
}

func microsPtr(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

// newID is a lower-case ULID: 26 characters, safe as a user id in every cloud.
func (s *Store) newID() string {
	return strings.ToLower(ulid.MustNew(ulid.Timestamp(s.Now()), ulid.DefaultEntropy()).String())
}
