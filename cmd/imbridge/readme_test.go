package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"imbridge/models/modelstest"
)

// readmes say the same in two languages.
var readmes = []string{"README.md", "README.zh-CN.md"}

// quickened are the replacements under which a test runs the README's lines: the
// addresses that were picked, and two seconds where a reader waits for twenty.
func quickened(where map[string]string) [][2]string {
	return [][2]string{
		{"http://127.0.0.1:8080", where["api"]},
		{"http://127.0.0.1:8091", where["control"]},
		{`"20s"`, `"2s"`},
		{"sleep 20", "sleep 2"},
	}
}

// TestReadme runs the two-minute start of each README as it is written, with
// bash and curl as a reader has them, on every engine.
func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the README's lines need %s, and this machine has none: install it (apt-get install %s)", tool, tool)
		}
	}
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			for _, readme := range readmes {
				t.Run(readme, func(t *testing.T) {
					t.Parallel()
					runReadme(t, engine, readme)
				})
			}
		})
	}
}

func runReadme(t *testing.T, engine, readme string) {
	blocks := twoMinuteStart(t, readme)
	if len(blocks) < 3 || blocks[0] != "make run\n" {
		t.Fatalf("two-minute start of %s = %q, want make run and the lines after it", readme, blocks)
	}
	lines := strings.Join(blocks[1:], "")

	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary(t), filepath.Join(dir, "bin", "imbridge")); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "IMBRIDGE_IM_EXTRA_LIFETIMES=2s"}
	for name, value := range surroundings {
		env = append(env, name+"="+value)
	}
	if engine != "sqlite" {
		o := modelstest.OpenEmpty(t, engine).Options
		env = append(env, "IMBRIDGE_DATABASE_DRIVER="+o.Driver, "IMBRIDGE_DATABASE_DSN="+o.DSN, "IMBRIDGE_DATABASE_MIGRATE_ON_START=true")
	}

	// What make run runs.
	serve := exec.Command(watched(t), "serve")
	serve.Dir, serve.Env = dir, slices.Clone(env)
	p, err := launch(serve, filepath.Join(dir, "stdout"), filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	where, err := p.addresses()
	if err != nil {
		t.Fatal(err)
	}

	for _, q := range quickened(where) {
		if !strings.Contains(lines, q[0]) {
			t.Errorf("the two-minute start of %s has no %s to replace", readme, q[0])
		}
		lines = strings.ReplaceAll(lines, q[0], q[1])
	}
	ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", lines)
	var out bytes.Buffer
	bash.Dir, bash.Env, bash.Stdout, bash.Stderr = dir, env, &out, &out
	if err := bash.Run(); err != nil {
		t.Fatalf("the lines of %s: %v\n%s\nthe server: %s", readme, err, out.String(), p.log())
	}
	for _, want := range []string{
		`^admin root created$`,
		`^\{"user":\{"id":.*"im":\{.*"token":"[^"]+@http`, // registered, with a token
		`^first token: \S+@http`,
		`"tokens":1`,      // the preview
		`"lifetime":"2s"`, // the change
		`^second token: \S+@http`,
		`^expired and renewed$`,
		`"state": "valid"(?s:.*)"state": "`, // the second token, then the first
	} {
		if !regexp.MustCompile("(?m)" + want).Match(out.Bytes()) {
			t.Errorf("the lines of %s printed no %s:\n%s", readme, want, out.String())
		}
	}
	// It ends behind the request that made the second, so that a look at once may
	// come too early.
	first := regexp.MustCompile(`first token: (\S+)`).FindStringSubmatch(out.String())
	if first == nil {
		return
	}
	if _, err := askUntil(regexp.MustCompile(`"state": "expired"`), true, "POST", where["control"]+"/control/token", `{"token":"`+first[1]+`"}`); err != nil {
		t.Errorf("the first token at the cloud: %v", err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// TestReadmesAgree holds the two languages to the same commands, remarks apart.
func TestReadmesAgree(t *testing.T) {
	want, got := commands(t, readmes[0]), commands(t, readmes[1])
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("commands of %s:\n%s\nwant those of %s:\n%s", readmes[1], strings.Join(got, "\n"), readmes[0], strings.Join(want, "\n"))
	}
}

var (
	fenced = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	remark = regexp.MustCompile(`(?m)\s+#.*$`)
)

func readText(t *testing.T, readme string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", readme))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func shellBlocks(text string) []string {
	var blocks []string
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// twoMinuteStart are the shell blocks below the first second-level heading.
func twoMinuteStart(t *testing.T, readme string) []string {
	t.Helper()
	sections := strings.Split(readText(t, readme), "\n## ")
	if len(sections) < 3 {
		t.Fatalf("%s has %d sections, want more", readme, len(sections)-1)
	}
	return shellBlocks(sections[1])
}

// commands are all lines of all shell blocks, without remarks.
func commands(t *testing.T, readme string) []string {
	t.Helper()
	var all []string
	for _, b := range shellBlocks(readText(t, readme)) {
		all = append(all, strings.Split(strings.TrimSpace(remark.ReplaceAllString(b, "")), "\n")...)
	}
	return all
}
