package imbridge_test

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"imbridge/config"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// find returns what the first group of pattern matches.
func find(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing matches %s", pattern)
	}
	return m[1]
}

// composeFile is what we look at of compose.yaml.
type composeFile struct {
	Services map[string]struct {
		Environment map[string]string
		Ports       []string
		StopGrace   string `yaml:"stop_grace_period"`
	}
}

func compose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.Unmarshal([]byte(read(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// imageEnv returns the ENV of the Dockerfile.
func imageEnv(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, m := range regexp.MustCompile(`\b(IMBRIDGE_[A-Z_]+)=(\S+)`).FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		env[m[1]] = m[2]
	}
	return env
}

func TestImageBuildsWithTheModulesGo(t *testing.T) {
	want := find(t, read(t, "go.mod"), `(?m)^go (\d+\.\d+)`)
	got := find(t, read(t, "Dockerfile"), `(?m)^FROM golang:(\d+\.\d+)`)
	if got != want {
		t.Errorf("Dockerfile builds with Go %s, go.mod asks for %s", got, want)
	}
}

// Names in comments count as well: somebody will copy them.
func TestContainerFilesNameOnlySettingsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, k := range config.Keys() {
		known[k.Env] = true
		if k.Secret {
			known[k.EnvFile] = true
		}
	}
	for _, file := range []string{"Dockerfile", "compose.yaml"} {
		names := regexp.MustCompile(`IMBRIDGE_[A-Z0-9_]+`).FindAllString(read(t, file), -1)
		if len(names) == 0 {
			t.Errorf("%s names no setting, want some", file)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s names %s, want a setting of config.Keys()", file, name)
			}
		}
	}
}

func TestContainerPortsAreTheDefaults(t *testing.T) {
	d := config.Default()
	port := func(address string) string {
		_, p, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatalf("address %q: %v", address, err)
		}
		return p
	}
	defaults := map[string]string{
		"IMBRIDGE_SERVER_LISTEN":          port(d.Server.Listen),
		"IMBRIDGE_OPS_LISTEN":             port(d.Ops.Listen),
		"IMBRIDGE_SANDBOX_LISTEN":         port(d.Sandbox.Listen),
		"IMBRIDGE_SANDBOX_CONTROL_LISTEN": port(d.Sandbox.ControlListen),
	}
	env := imageEnv(t)
	maps.Copy(env, compose(t).Services["imbridge"].Environment)
	for name, want := range defaults {
		host, got, err := net.SplitHostPort(env[name])
		if err != nil || host != "0.0.0.0" || got != want {
			t.Errorf("%s = %q in the container, want 0.0.0.0:%s", name, env[name], want)
		}
	}

	exposed := strings.Fields(find(t, read(t, "Dockerfile"), `(?m)^EXPOSE (.*)`))
	if want := []string{port(d.Server.Listen), port(d.Ops.Listen)}; !slices.Equal(exposed, want) {
		t.Errorf("EXPOSE %v, want %v", exposed, want)
	}
	var published []string
	for _, p := range compose(t).Services["imbridge"].Ports {
		rest, ok := strings.CutPrefix(p, "127.0.0.1:")
		outer, inner, _ := strings.Cut(rest, ":")
		if !ok || outer != inner {
			t.Errorf("compose.yaml publishes %q, want 127.0.0.1:PORT:PORT", p)
		}
		published = append(published, outer)
	}
	slices.Sort(published)
	if want := slices.Sorted(maps.Values(defaults)); !slices.Equal(published, want) {
		t.Errorf("compose.yaml publishes %v, want %v", published, want)
	}
}

// `docker compose up` starts with what the files say: the values are loaded as the
// container would.
func TestContainerSettingsLoad(t *testing.T) {
	dir := t.TempDir()
	dsn := filepath.Join(dir, "dsn")
	text := find(t, read(t, "compose.yaml"), `printf '([^']+)'`)
	if err := os.WriteFile(dsn, []byte(strings.Replace(text, "%s", "drawn", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := imageEnv(t)
	maps.Copy(vars, compose(t).Services["imbridge"].Environment)
	var environ []string
	for name, value := range vars {
		if name == "IMBRIDGE_DATABASE_DSN_FILE" {
			value = dsn
		}
		environ = append(environ, name+"="+value)
	}
	c, err := config.Load(config.Options{Dir: dir, Environ: environ})
	if err != nil {
		t.Fatalf("the container's settings are refused: %v", err)
	}
	if c.Env != config.Development || c.IM.Cloud != "sandbox" || c.Database.Driver != "mysql" || !c.Database.MigrateOnStart {
		t.Errorf("env %s, cloud %s, driver %s, migrates %v; want development, sandbox, mysql, true",
			c.Env, c.IM.Cloud, c.Database.Driver, c.Database.MigrateOnStart)
	}
	grace, err := time.ParseDuration(compose(t).Services["imbridge"].StopGrace)
	if least := c.Server.ShutdownGrace + c.Server.DrainDelay; err != nil || grace <= least {
		t.Errorf("stop_grace_period %v (%v), want more than the %v that a stop may take", grace, err, least)
	}
}

func TestImageHasNoRightsAndNoShell(t *testing.T) {
	file := read(t, "Dockerfile")
	for _, want := range []string{"CGO_ENABLED=0", "\nUSER nonroot\n", `ENTRYPOINT ["/imbridge"]`, `CMD ["serve"]`, "-X main.version="} {
		if !strings.Contains(file, want) {
			t.Errorf("Dockerfile lacks %q", want)
		}
	}
	if last := file[strings.LastIndex(file, "\nFROM ")+1:]; !strings.HasPrefix(last, "FROM gcr.io/distroless/static") {
		t.Errorf("the last stage starts %.60q, want a static distroless image", last)
	}
}

// The pages' bundles are made in a stage of their own, out of files that are in the
// build's context, and are there when the binary embeds them.
func TestImageEmbedsTheBundles(t *testing.T) {
	file := read(t, "Dockerfile")
	copied, built := strings.Index(file, "COPY --from=web /src/web/dist ./web/dist\n"), strings.Index(file, "go build")
	if copied < 0 || built < copied {
		t.Errorf("Dockerfile copies the bundles at %d and builds at %d, want them before", copied, built)
	}
	stage := find(t, file, `(?s)\nFROM node:\S+ AS web\n(.*?)\nFROM `)
	for _, m := range regexp.MustCompile(`(?m)^COPY (.*) \S+$`).FindAllStringSubmatch(stage, -1) {
		for _, source := range strings.Fields(m[1]) {
			if _, err := os.Stat(source); err != nil {
				t.Errorf("the stage for the bundles copies %s: %v", source, err)
			}
		}
	}
	ignored := strings.Fields(read(t, ".dockerignore"))
	for _, want := range []string{"**/node_modules", "web/dist/*.js", "web/client/dist"} {
		if !slices.Contains(ignored, want) {
			t.Errorf(".dockerignore lacks %s: a build would take over what the host has made", want)
		}
	}
}

// A lock file with a registry's address binds everybody to that registry.
func TestLockFilesNameNoRegistry(t *testing.T) {
	var files []string
	for _, pattern := range []string{"web/package-lock.json", "web/*/package-lock.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 2 {
		t.Fatalf("lock files: %v, want two or more", files)
	}
	for _, file := range files {
		if strings.Contains(read(t, file), `"resolved"`) {
			t.Errorf("%s names a registry: put omit-lockfile-registry-resolved=true into the .npmrc beside it, and make it anew", file)
		}
	}
}
