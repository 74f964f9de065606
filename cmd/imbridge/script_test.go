package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/rogpeppe/go-internal/testscript"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestScripts runs testdata/*.txtar: the product, readable, with the command as
// a process of its own. A script that asks for a `database` runs once for every
// engine in IMBRIDGE_TEST_ENGINES, the others once.
//
// Beside the commands of package testscript, scripts have:
//
//	database                     an empty database of the engine, which $ENGINE names; on a server
//	                             $DATABASE_ADDRESS is where that listens
//	sql STATEMENT                changes the database behind imbridge's back
//	mode MODE FILE...            permissions must be so, such as 0600
//	atmost N FILE                a file has at most N lines
//	same A B                     with !, they must differ
//	inbox NAME                   receives webhooks and mail; see notices_test.go
//
// Those for several clouds are in script_clouds_test.go, those for processes in script_process_test.go, those for HTTP in
// script_http_test.go, the one for the web socket in script_socket_test.go, the one for derived passwords in script_password_test.go. Conditions: [sqlite], and [server] for the other two; [rongcloud] and [easemob].
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts in testdata: %d, %v", len(files), err)
	}
	var plain, stored, easemob []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if asksForDatabase.Match(text) {
			stored = append(stored, f)
		} else {
			plain = append(plain, f)
		}
		if asksForClouds.Match(text) {
			easemob = append(easemob, f)
		}
	}
	t.Run("plain", func(t *testing.T) { runScripts(t, "", "rongcloud", plain) })
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) { runScripts(t, engine, "rongcloud", stored) })
	}
	// What differs by cloud does not differ by engine.
	t.Run("easemob", func(t *testing.T) { runScripts(t, "sqlite", "easemob", easemob) })
}

var asksForDatabase = regexp.MustCompile(`(?m)^database$`)

func runScripts(t *testing.T, engine, cloud string, files []string) {
	path := filepath.Dir(binary(t)) + string(os.PathListSeparator)
	testscript.RunT(scriptT{t}, testscript.Params{
		Files:              files,
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			s := &script{t: e.T().(scriptT).T, engine: engine, processes: map[string]*running{}}
			e.Values[scriptKey{}] = s
			e.Defer(s.end)
			e.Setenv("PATH", path+e.Getenv("PATH"))
			e.Setenv("ENGINE", engine)
			for name, value := range surroundings {
				e.Setenv(name, value)
			}
			for name, value := range onCloud(cloud) {
				e.Setenv(name, value)
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "sqlite":
				return engine == "sqlite", nil
			case "server":
				return engine == "mariadb" || engine == "mysql", nil
			case "rongcloud", "easemob":
				return cloud == cond, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"database": command((*script).database),
			"clouds":   command((*script).clouds),
			"reach":    command((*script).reach),
			"derive":   command((*script).derive),
			"sql":      command((*script).sql),
			"mode":     command((*script).mode),
			"atmost":   command((*script).atMost),
			"same":     command((*script).same),

			"imbridge": command((*script).imbridge),
			"exits":    command((*script).exits),
			"together": command((*script).together),
			"start":    command((*script).start),
			"halt":     command((*script).halt),
			"crash":    command((*script).crash),
			"taken":    command((*script).taken),
			"dead":     command((*script).dead),
			"logged":   command((*script).logged),

			"http":    command((*script).http),
			"await":   command((*script).await),
			"field":   command((*script).field),
			"header":  command((*script).header),
			"apart":   command((*script).apart),
			"crooked": command((*script).crooked),
			"inbox":   command((*script).inbox),
			"writes":  command((*script).writes),
		},
	})
}

// surroundings are settings for a machine on which many run at once and slowly:
// free ports, and patience with the sandbox.
var surroundings = map[string]string{
	"IMBRIDGE_SERVER_LISTEN":          "127.0.0.1:0",
	"IMBRIDGE_OPS_LISTEN":             "127.0.0.1:0",
	"IMBRIDGE_SANDBOX_LISTEN":         "127.0.0.1:0",
	"IMBRIDGE_SANDBOX_CONTROL_LISTEN": "127.0.0.1:0",
	"IMBRIDGE_SERVER_REGISTER_BUDGET": "30s",
	"IMBRIDGE_SERVER_TOKEN_BUDGET":    "30s",
	"IMBRIDGE_IM_RONGCLOUD_TIMEOUT":   "30s",
}

// scriptT is testscript's own, but lets commands reach the test.
type scriptT struct{ *testing.T }

func (t scriptT) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(scriptT{t}) })
}

func (t scriptT) Verbose() bool { return testing.Verbose() }

type scriptKey struct{}

// A script is what the commands of one run share.
type script struct {
	t         *testing.T
	engine    string
	db        *modelstest.Store // nil until the script asks for one
	processes map[string]*running
	closers   []func()
	last      reply
}

// command makes a method a command. It fails the script with the error it returns.
func command(do func(s *script, ts *testscript.TestScript, neg bool, args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		ts.Check(do(ts.Value(scriptKey{}).(*script), ts, neg, args))
	}
}

func (s *script) end() {
	for _, p := range s.processes {
		p.kill()
	}
	for _, c := range s.closers {
		c()
	}
}

func usage(neg, ok bool, how string) error {
	if neg || !ok {
		return fmt.Errorf("usage: %s", how)
	}
	return nil
}

func (s *script) database(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 0 && s.db == nil, "database"); err != nil {
		return err
	}
	if s.engine == "sqlite" {
		// Where imbridge makes it by itself.
		s.db = &modelstest.Store{Engine: s.engine, Options: models.Options{Driver: "sqlite", DSN: ts.MkAbs("data/imbridge.db")}}
		return nil
	}
	s.db = modelstest.OpenEmpty(s.t, s.engine)
	ts.Setenv("IMBRIDGE_DATABASE_DRIVER", s.db.Options.Driver)
	ts.Setenv("IMBRIDGE_DATABASE_DSN", s.db.Options.DSN)
	cfg, err := mysql.ParseDSN(s.db.Options.DSN)
	if err != nil {
		return err
	}
	ts.Setenv("DATABASE_ADDRESS", cfg.Addr)
	return nil
}

func (s *script) sql(_ *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) > 0 && s.db != nil, "sql STATEMENT, after database"); err != nil {
		return err
	}
	_, err := s.db.SQL(s.t).Exec(strings.Join(args, " "))
	return err
}

func (s *script) mode(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) > 1, "mode MODE FILE..."); err != nil {
		return err
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	if err != nil {
		return err
	}
	for _, f := range args[1:] {
		info, err := os.Stat(ts.MkAbs(f))
		if err != nil {
			return err
		}
		if got := info.Mode().Perm(); got != os.FileMode(want) {
			return fmt.Errorf("permissions of %s = %s, want %s", f, got, os.FileMode(want))
		}
	}
	return nil
}

func (s *script) atMost(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 2, "atmost N FILE"); err != nil {
		return err
	}
	limit, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if n := strings.Count(ts.ReadFile(args[1]), "\n"); n == 0 || n > limit {
		return fmt.Errorf("%s has %d lines, want 1 to %d", args[1], n, limit)
	}
	return nil
}

func (s *script) same(_ *testscript.TestScript, neg bool, args []string) error {
	if len(args) != 2 {
		return usage(true, false, "[!] same A B")
	}
	if (args[0] == args[1]) == neg {
		return fmt.Errorf("%q and %q: same = %v, want %v", args[0], args[1], neg, !neg)
	}
	return nil
}
