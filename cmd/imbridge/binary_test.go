package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

var (
	binaryDir  string
	buildOnce  sync.Once
	buildError error
)

// binary is the path of the command, built once for all tests.
func binary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(binaryDir, "imbridge")
	buildOnce.Do(func() {
		if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
			buildError = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if buildError != nil {
		t.Fatalf("build imbridge: %v", buildError)
	}
	return path
}
