package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "imbridge-binary")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaryDir = dir
	return m.Run()
}

var binaryDir string

// binary is the path of the command as it is shipped, built once for all tests.
func binary(t testing.TB) string { return built(t, shipped) }

// watched is the command with the race detector where the test has it too: what
// a test has compiled anyway only needs to be linked.
func watched(t testing.TB) string {
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return built(t, raced)
	}
	return built(t, shipped)
}

// A build is one way to compile the command.
type build struct {
	name, cgo string
	flags     []string
	once      sync.Once
	err       error
}

var (
	shipped = &build{name: "shipped", cgo: "0"}
	raced   = &build{name: "raced", cgo: "1", flags: []string{"-race"}}
)

func built(t testing.TB, b *build) string {
	t.Helper()
	path := filepath.Join(binaryDir, b.name, "imbridge")
	b.once.Do(func() {
		cmd := exec.Command("go", append(append([]string{"build"}, b.flags...), "-o", path, ".")...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+b.cgo)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatalf("build imbridge: %v", b.err)
	}
	return path
}
