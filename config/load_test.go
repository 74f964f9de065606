package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// load runs Load on a file with this text (none if it is empty) and these
// variables.
func load(t *testing.T, text string, env ...string) (Config, []Problem) {
	t.Helper()
	dir := t.TempDir()
	if text != "" {
		write(t, filepath.Join(dir, FileName), text)
	}
	return loadWith(t, Options{Dir: dir, Environ: append([]string{}, env...)})
}

func loadWith(t *testing.T, o Options) (Config, []Problem) {
	t.Helper()
	cfg, err := Load(o)
	if err == nil {
		return cfg, nil
	}
	var p *Problems
	if !errors.As(err, &p) || len(p.List) == 0 {
		t.Fatalf("Load = %#v, want *Problems with at least one", err)
	}
	return cfg, p.List
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// one asserts that there is a single problem, about key, that says this.
func one(t *testing.T, got []Problem, key, wrong string) {
	t.Helper()
	if len(got) != 1 || got[0].Key != key || !strings.Contains(got[0].Wrong, wrong) {
		t.Errorf("problems = %v, want one about %s that says %q", got, key, wrong)
	}
}

func TestNothingSetIsDefault(t *testing.T) {
	cfg, problems := load(t, "")
	want := Default()
	want.resolve()
	if problems != nil || !reflect.DeepEqual(cfg, want) {
		t.Errorf("Load = %s%v, want the defaults", cfg.Describe(), problems)
	}
	if cfg.Log.Format != "text" || cfg.Password.Parallel < 1 || cfg.Database.DSN.Reveal() != "data/imbridge.db" ||
		!reflect.DeepEqual(cfg.IM.ExtraLifetimes, []string{"20s"}) || cfg.DataKeyFile() != "data/data.key" {
		t.Errorf("what follows from development: got %s", cfg.Describe())
	}
}

func TestVariableWinsOverFileAndFileOverDefault(t *testing.T) {
	cfg, problems := load(t, "server:\n  listen: 127.0.0.1:1\nops.listen: 127.0.0.1:2\nIM:\n  RongCloud:\n    Timeout: 3s\n",
		"IMBRIDGE_SERVER_LISTEN=127.0.0.1:3", "HOME=/", "IMBRIDGE_SERVER_TRUSTED_PROXIES=10.0.0.0/8, fd00::/8")
	if problems != nil {
		t.Fatal(problems)
	}
	if got, want := cfg.Server.Listen, "127.0.0.1:3"; got != want {
		t.Errorf("server.listen = %s, want the variable's %s", got, want)
	}
	if got, want := cfg.Ops.Listen, "127.0.0.1:2"; got != want {
		t.Errorf("ops.listen, written with a dot = %s, want %s", got, want)
	}
	if got, want := cfg.IM.RongCloud.Timeout, 3*time.Second; got != want {
		t.Errorf("im.rongcloud.timeout, in capitals = %s, want %s", got, want)
	}
	if got := cfg.Server.Proxies(); len(got) != 2 || got[1].String() != "fd00::/8" {
		t.Errorf("Proxies() = %v, want both", got)
	}
	if got := filepath.Base(cfg.File); got != FileName {
		t.Errorf("File = %q, want %s", got, FileName)
	}
}

// Compose files hand on variables that are not set as empty ones.
func TestEmptyVariableIsNotSet(t *testing.T) {
	cfg, problems := load(t, "data_dir: /x", "IMBRIDGE_DATA_DIR=", "IMBRIDGE_SERVER_DRAIN_DELAY=", "IMBRIDGE_KEYS_DATA_KEY_FILE=",
		"IMBRIDGE_DATABASE_DSN=", "IMBRIDGE_DATABASE_DSN_FILE=")
	if problems != nil || cfg.DataDir != "/x" {
		t.Errorf("Load = data_dir %q, %v; want /x of the file, no problems", cfg.DataDir, problems)
	}
}

func TestNamedFileMustExist(t *testing.T) {
	dir := t.TempDir()
	_, problems := loadWith(t, Options{Path: filepath.Join(dir, "none.yaml"), Environ: []string{}})
	one(t, problems, "--config", "cannot be read: no such file")
	if err := os.Mkdir(filepath.Join(dir, FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	_, problems = loadWith(t, Options{Dir: dir, Environ: []string{}})
	one(t, problems, FileName, "cannot be read: is a directory")

	path := write(t, filepath.Join(dir, "other.yaml"), "data_dir: /other")
	cfg, problems := loadWith(t, Options{Path: path, Environ: []string{}})
	if cfg.DataDir != "/other" || problems != nil {
		t.Errorf("Load(%s) = %q, %v", path, cfg.DataDir, problems)
	}
	_, problems = loadWith(t, Options{Path: write(t, path, strings.Repeat("#\n", maxFile)), Environ: []string{}})
	one(t, problems, "--config", "too large")
}

// The environment of the process stands in only when none is given.
func TestEnvironmentOfTheProcess(t *testing.T) {
	t.Setenv("IMBRIDGE_DATA_DIR", "/from/process")
	cfg, _ := loadWith(t, Options{Dir: t.TempDir()})
	if got, want := cfg.DataDir, "/from/process"; got != want {
		t.Errorf("data_dir without Environ = %s, want %s", got, want)
	}
	cfg, _ = loadWith(t, Options{Dir: t.TempDir(), Environ: []string{}})
	if got, want := cfg.DataDir, "./data"; got != want {
		t.Errorf("data_dir with an empty Environ = %s, want %s", got, want)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	for _, k := range Keys() {
		if !k.Secret {
			continue
		}
		value := "hidden/" + planted
		if k.Name == "keys.data_key" {
			value = "c2VjcmV0IGtleSBvZiB0aGlydHktdHdvIGJ5dGVzISE="
		}
		if k.Name == "notices.webhook.secret" {
			value = goodWebhookSecret
		}
		if k.Name == "im.easemob.agora_certificate" {
			value = "0123456789abcdef0123456789abcdef"
		}
		path := write(t, filepath.Join(dir, k.Name), value+"\r\n\n")
		cfg, problems := load(t, "", k.EnvFile+"="+path)
		if problems != nil {
			t.Errorf("%s = %v, want no problem", k.EnvFile, problems)
		}
		if got := reflect.ValueOf(cfg).FieldByIndex(k.index).Interface().(Secret).Reveal(); got != value {
			t.Errorf("%s = %q, want %q without the newlines", k.EnvFile, got, value)
		}
		if out := cfg.Describe(); strings.Contains(out, value) || !strings.Contains(out, k.Name+": [set]") {
			t.Errorf("Describe shows %s:\n%s", k.Name, out)
		}

		_, problems = load(t, "", k.EnvFile+"="+path, k.Env+"="+value)
		one(t, problems, k.Name, "is set by "+k.Env+" and by "+k.EnvFile)
		_, problems = load(t, "", k.EnvFile+"="+filepath.Join(dir, planted)) // the secret where its path belongs
		one(t, problems, k.Name, "cannot be read: no such file")
		hides(t, problems)
		_, problems = load(t, "", k.EnvFile+"="+write(t, path, "\n"))
		one(t, problems, k.Name, "empty")
		_, problems = load(t, "", k.EnvFile+"="+write(t, path, strings.Repeat("x", maxSecretFile+1)))
		one(t, problems, k.Name, "too large")
		_, problems = load(t, "", k.EnvFile+"="+write(t, path, planted+" \n"))
		one(t, problems, k.Name, "white space")
		hides(t, problems)
		_, problems = load(t, "", k.EnvFile+"="+write(t, path, "\ufeff"+planted))
		one(t, problems, k.Name, "does not show")
		hides(t, problems)
	}
	_, problems := load(t, "", "IMBRIDGE_DATA_DIR_FILE=/x")
	one(t, problems, "IMBRIDGE_DATA_DIR_FILE", "data_dir is none")
}

func hides(t *testing.T, problems []Problem) {
	t.Helper()
	if out := (&Problems{List: problems}).Error(); strings.Contains(out, planted) {
		t.Errorf("a complaint shows the secret:\n%s", out)
	}
}

func TestNamesThatAreNotOurs(t *testing.T) {
	_, problems := load(t, "",
		"IMBRIDGE_TEST_MYSQL=x", "IMBRIDGE_CACHE=/tmp", "IMBRIDGE_SERVICE_HOST=10.0.0.1", "IMBRIDGE_SERVICE_PORT=80",
		"IMBRIDGE_SERVICE_PORT_HTTP=80", "IMBRIDGE_PORT=tcp://10.0.0.1:80", "IMBRIDGE_PORT_80_TCP=tcp://10.0.0.1:80",
		"IMBRIDGE_PORT_80_TCP_PROTO=tcp", "IMBRIDGE_PORT_80_TCP_PORT=80", "IMBRIDGE_PORT_80_TCP_ADDR=10.0.0.1",
		"IMBRIDGE_OPS_SERVICE_HOST=10.0.0.1", "IMBRIDGE_OPS_PORT=tcp://10.0.0.1:8081", "XIMBRIDGE_FOO=1", "IMBRIDGE=1", "=C:=x")
	if problems != nil {
		t.Errorf("problems = %v, want none", problems)
	}
	for _, name := range []string{"IMBRIDGE_PORT=8080", "IMBRIDGE_SERVER_PORT=80", "IMBRIDGE_CACHES=1", "IMBRIDGE_=1", "IMBRIDGE_FOO=", "IMBRIDGE_env=x"} {
		key, _, _ := strings.Cut(name, "=")
		_, problems := load(t, "", name)
		one(t, problems, key, "no such setting")
	}
}

func TestComplaintsKeepTheirOrder(t *testing.T) {
	_, problems := load(t, "", "IMBRIDGE_XC=1", "IMBRIDGE_XA=1", "IMBRIDGE_XD=1", "IMBRIDGE_XB=1", "IMBRIDGE_XE=1")
	var got string
	for _, p := range problems {
		got += p.Key[len("IMBRIDGE_X"):]
	}
	if want := "ABCDE"; got != want {
		t.Errorf("unknown variables are told in the order %s, want %s", got, want)
	}
}

func TestUnknownNamesAreMet(t *testing.T) {
	for name, want := range map[string]string{
		"IMBRIDGE_IM_RONGCLOUD_APPKEY":         "IMBRIDGE_IM_RONGCLOUD_APP_KEY",
		"IMBRIDGE_RONGCLOUD_APP_SECRET_FILE":   "IMBRIDGE_IM_RONGCLOUD_APP_SECRET_FILE",
		"IMBRIDGE_DATADIR":                     "IMBRIDGE_DATA_DIR",
		"IMBRIDGE_DATABASE_DNS":                "IMBRIDGE_DATABASE_DSN",
		"IMBRIDGE_SOMETHING_ALTOGETHER_UNLIKE": "",
	} {
		_, problems := load(t, "", name+"="+planted)
		hides(t, problems)
		if want != "" {
			want = "; did you mean " + want + "?"
		}
		one(t, problems, name, "there is no such setting"+want)
	}
	for text, want := range map[string]string{
		"rongcloud:\n  app_secret: " + planted:          "im.rongcloud",
		"im:\n  rongcloud:\n    app_secert: " + planted: "im.rongcloud.app_secret",
		"sever:\n  listen: x":                           "server",
		"listen: x":                                     "server.listen",
		"im:\n  rong_cloud:\n    app_key: " + planted:   "im.rongcloud",
		planted + ": {}":                                "",
		"1: 2":                                          "",
	} {
		_, problems := load(t, text)
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Wrong, "there is no such setting") ||
			(want != "") != strings.Contains(problems[0].Wrong, "did you mean "+want+"?") {
			t.Errorf("%q: problems = %v, want one that asks for %q", text, problems, want)
		}
		if !strings.HasPrefix(text, planted) {
			hides(t, problems)
		}
	}
}

// A file that is broken as a whole is told in one complaint, with its line
// where there is one, and repeats nothing of what it holds.
func TestBrokenFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, key, wrong string }{
		"a text":         {planted, FileName, "must hold keys and values"},
		"a list":         {"- " + planted, FileName, "must hold keys and values"},
		"open quote":     {"im:\n  cloud: \"" + planted, FileName, "not valid YAML near this line (found unexpected end of stream)"},
		"tab":            {"im:\n\tcloud: " + planted, FileName, "not valid YAML near this line"},
		"no colon":       {"env: production\n" + planted + "\nim: 3", FileName, "not valid YAML near this line"},
		"unknown anchor": {"database:\n  dsn: *" + planted, FileName, "not valid YAML"},
		"control":        {"env: \x01" + planted, FileName, "not valid YAML"},
		"two documents":  {"env: development\n---\nenv: " + planted, FileName, "more than one YAML document"},
		"broken second":  {"env: development\n---\n{" + planted, FileName, "more than one YAML document"},
		"twice":          {"env: development\nENV: development", "env", "is there twice, first in line 1"},
		"group twice":    {"im:\n  cloud: sandbox\nim:\n  cloud: sandbox", "im", "is there twice, first in line 1"},
		"dot and group":  {"im.cloud: sandbox\nim:\n  cloud: sandbox", "im.cloud", "is there twice, first in line 1"},
		"group as text":  {"database: " + planted, "database", "is a group of settings"},
		"alias":          {"data_dir: &a /x\nsandbox:\n  listen: *a", "sandbox.listen", "is an alias"},
		"merge":          {"ops: &a {}\nserver:\n  <<: *a", "server.…", "a key must be a plain word"},
		"alias of group": {"ops: &a {}\nserver: *a", "server", "is a group of settings"},
		"list as key":    {"? [a]\n: 1", "…", "a key must be a plain word"},
		"no blank":       {"database: {dsn:" + planted + "}", "database.…", "with a blank behind its colon"},
		"empty key":      {"'': 1", "…", "a key must be a plain word"},
		"false tag":      {"password:\n  queue: !!int " + planted, FileName, "contradict their tags"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := load(t, c.text)
			one(t, problems, c.key, c.wrong)
			hides(t, problems)
		})
	}
}

// What is not wrong: an empty file, groups with all their keys commented out.
func TestFilesThatSayNothing(t *testing.T) {
	for _, text := range []string{"\n", "# nothing\n", "---\n", "~", "server:\n  # listen: x\n", "server: {}\nim:\n  rongcloud: ~\n", "\ufeffenv: development", "{}"} {
		if _, problems := load(t, text); problems != nil {
			t.Errorf("%q: problems = %v, want none", text, problems)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "1h30m": 90 * time.Minute, "720h": 720 * time.Hour, "0": 0, "0d": 0} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "-1d", "1.5d", "1d2h", "100001d", "99999999999999999999d", "20 s", "9999999h", "1w"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %s, want an error", text, got)
		}
	}
	if cfg, problems := load(t, "server:\n  drain_delay: 0"); problems != nil || cfg.Server.DrainDelay != 0 {
		t.Errorf("drain_delay: 0 = %s, %v; want 0 without a unit to be read", cfg.Server.DrainDelay, problems)
	}
}
