package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// serverReady bounds how long a database server takes from its start until it
// answers.
const serverReady = 60 * time.Second

// A dbServer is a MySQL or MariaDB server. One of our own runs on data of its
// own and may be killed; one that the environment names may not.
type dbServer struct {
	engine string
	own    bool
	addr   string // host:port
	admin  mysql.Config

	program, base, data string
	port                int
	process             *proofProcess
	db                  *sql.DB // as its administrator
}

// openServer starts one from what ".ci/databases fetch" has made, and takes the
// one that the environment names where there is none. SQLite needs none.
func openServer(ctx context.Context, p *proof, engine string) (*dbServer, error) {
	s := &dbServer{engine: engine}
	if engine == "sqlite" {
		return s, nil
	}
	found, err := s.find(p)
	if err != nil {
		return nil, err
	}
	if !found {
		base := (&bench{environ: p.environ}).variable(engines[engine])
		if base == "" {
			return nil, fmt.Errorf("no %s here: \".ci/databases fetch\" brings one, or set %s", engine, engines[engine])
		}
		cfg, err := mysql.ParseDSN(base)
		if err != nil {
			return nil, fmt.Errorf("%s is not of the form user:password@tcp(host:port)/", engines[engine])
		}
		s.admin, s.addr = *cfg, cfg.Addr
		return s, s.connect(ctx)
	}
	s.own = true
	// Memory where there is some: nothing of it is to last.
	sweepServers()
	place, err := os.MkdirTemp("/dev/shm", "imbench-proof-")
	if err != nil {
		if place, err = os.MkdirTemp(p.dir, "server-"); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(place, "owner"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return nil, err
	}
	from := s.data
	s.data = filepath.Join(place, "data")
	if out, err := exec.CommandContext(ctx, "cp", "-a", "--sparse=always", from, s.data).CombinedOutput(); err != nil { //nolint:gosec // folders of our own
		return nil, fmt.Errorf("copy the first data folder: %w: %s", err, out)
	}
	_ = os.Remove(filepath.Join(s.data, "made-by"))
	password := randomHex()
	s.admin = *mysql.NewConfig()
	s.admin.User, s.admin.Passwd, s.admin.Net = "imbridge", password, "tcp"
	init := fmt.Sprintf("CREATE USER IF NOT EXISTS 'imbridge'@'127.0.0.1' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO 'imbridge'@'127.0.0.1' WITH GRANT OPTION;\n", password)
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.data), "init.sql"), []byte(init), 0o600); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	s.admin.Addr = s.addr
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// sweepServers removes the data of runs that were killed outright.
func sweepServers() {
	places, _ := filepath.Glob("/dev/shm/imbench-proof-*")
	for _, place := range places {
		raw, err := os.ReadFile(filepath.Join(place, "owner"))
		if err != nil {
			continue // one that is just beginning
		}
		owner, err := strconv.Atoi(string(raw))
		if err == nil && errors.Is(syscall.Kill(owner, 0), syscall.ESRCH) {
			_ = os.RemoveAll(place)
		}
	}
}

// find looks for the server program and its first data folder.
func (s *dbServer) find(p *proof) (bool, error) {
	env := &bench{environ: p.environ}
	cache := env.variable("IMBRIDGE_CACHE")
	if cache == "" {
		root, err := moduleRoot()
		if err != nil {
			return false, err
		}
		cache = filepath.Join(root, ".cache")
	}
	cache = filepath.Join(cache, "databases")
	daemon := map[string]string{"mysql": "mysqld", "mariadb": "mariadbd"}[s.engine]
	s.data = filepath.Join(cache, s.engine+".data")
	s.program = env.variable("IMBRIDGE_TEST_" + strings.ToUpper(daemon))
	if s.program == "" {
		s.program = filepath.Join(cache, s.engine, "usr/sbin", daemon)
	}
	for _, path := range []string{s.program, s.data} {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	s.base = filepath.Dir(filepath.Dir(s.program))
	return true, nil
}

// moduleRoot is the folder of go.mod, from here upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("run it inside of the source tree")
		}
		dir = up
	}
}

// start brings our own server up and waits until it answers.
func (s *dbServer) start(ctx context.Context) error {
	place := filepath.Dir(s.data)
	options := []string{"--no-defaults", "--basedir=" + s.base, "--datadir=" + s.data, "--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.port),
		"--socket=" + filepath.Join(place, "sock"), "--pid-file=" + filepath.Join(place, "pid"), "--tmpdir=" + place, "--init-file=" + filepath.Join(place, "init.sql"),
		"--skip-name-resolve", "--max-connections=500", "--skip-log-bin", "--innodb-buffer-pool-size=128M", "--performance-schema=OFF",
		// A commit that was answered must outlive the server's death.
		"--innodb-flush-log-at-trx-commit=1"}
	if s.engine == "mysql" {
		options = append(options, "--innodb-redo-log-capacity=96M", "--secure-file-priv=NULL", "--mysqlx=OFF",
			// On few cores its own threads for the log spin more than they help.
			"--innodb-log-writer-threads=OFF")
	} else {
		options = append(options, "--innodb-log-file-size=96M")
	}
	if os.Getuid() == 0 {
		options = append(options, "--user=root")
	}
	var err error
	if s.process, err = startProcess(ctx, "database", place, os.Environ(), s.program, options); err != nil {
		return err
	}
	return s.connect(ctx)
}

// connect waits until the server answers its administrator.
func (s *dbServer) connect(ctx context.Context) error {
	if s.db == nil {
		db, err := sql.Open("mysql", s.admin.FormatDSN())
		if err != nil {
			return err
		}
		s.db = db
	}
	deadline := time.Now().Add(serverReady)
	for {
		err := s.db.PingContext(ctx)
		if err == nil {
			return nil
		}
		if s.process != nil && s.process.hasEnded() || ctx.Err() != nil || time.Now().After(deadline) {
			why := ""
			if s.process != nil {
				why = "\n" + tail(s.process.log, 2000)
			}
			return fmt.Errorf("%s does not answer: %w%s", s.engine, err, why)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// kill ends our own server as a power cut of its machine would.
func (s *dbServer) kill() { s.process.kill() }

func (s *dbServer) close() {
	if s.db != nil {
		_ = s.db.Close()
	}
	if s.process != nil && !s.process.hasEnded() {
		s.process.kill()
	}
	if s.own {
		_ = os.RemoveAll(filepath.Dir(s.data))
	}
}

// A proofDatabase is one made for a row, with a user who may do nothing beyond it.
type proofDatabase struct {
	driver, dsn string  // as the product gets them
	db          *sql.DB // past every proxy
	server      *sql.DB // nil: SQLite
	user, name  string  // to be dropped
	config      *mysql.Config
}

func (s *dbServer) newDatabase(ctx context.Context, row string) (*proofDatabase, error) {
	random := randomHex()[:12]
	d := &proofDatabase{driver: "mysql", server: s.db, name: "proof_" + strings.ReplaceAll(row, "-", "_") + "_" + random, user: "proof_" + random}
	password := randomHex()
	for _, q := range []string{
		"CREATE DATABASE " + d.name,
		fmt.Sprintf("CREATE USER '%s'@'127.0.0.1' IDENTIFIED BY '%s'", d.user, password),
		fmt.Sprintf("GRANT ALL ON %s.* TO '%s'@'127.0.0.1'", d.name, d.user),
	} {
		if _, err := s.db.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("make a database: %w", err)
		}
	}
	cfg := s.admin.Clone()
	cfg.User, cfg.Passwd, cfg.DBName = d.user, password, d.name
	// So that a silent network is noticed while the row lasts.
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = 2*time.Second, 3*time.Second, 3*time.Second
	d.config, d.dsn = cfg, cfg.FormatDSN()
	direct := s.admin.Clone()
	direct.DBName = d.name
	var err error
	if d.db, err = sql.Open("mysql", direct.FormatDSN()); err == nil {
		d.db.SetMaxIdleConns(16) // many look at the same time
	}
	return d, err
}

// through is the DSN of the same database by another address.
func (d *proofDatabase) through(addr string) string {
	cfg := d.config.Clone()
	cfg.Addr = addr
	return cfg.FormatDSN()
}

// patient gives the server the time that the product gives it by itself, where no
// network goes silent and many share the server.
func (s *stage) patient() {
	if cfg := s.db.config; cfg != nil {
		cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = 0, 0, 0
		s.dsn = cfg.FormatDSN()
	}
}

func (d *proofDatabase) drop(ctx context.Context) {
	_ = d.db.Close()
	if d.server != nil {
		_, _ = d.server.ExecContext(ctx, "DROP DATABASE IF EXISTS "+d.name)
		_, _ = d.server.ExecContext(ctx, fmt.Sprintf("DROP USER IF EXISTS '%s'@'127.0.0.1'", d.user))
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
