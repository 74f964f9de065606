package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMain lets the test binary be the floor: a run starts itself as that.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func runWith(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return status, out.String(), errs.String()
}

// The whole of it, small: both sides start, answer every request, and are
// compared. The ratio itself is nothing that a busy machine could promise.
func TestSmallRun(t *testing.T) {
	status, out, errs := runWith(t, "--engine", "sqlite", "--accounts", "2000", "--rounds", "2", "--turn", "200ms", "--workers", "4", "--floor-ratio", "0")
	if status != 0 {
		t.Fatalf("status %d, want 0\n%s%s", status, out, errs)
	}
	for _, want := range []string{
		// round, then rate, p50, p99, processor time and errors of both sides, the ratio, and the rate and ratio of one row
		`(?m)^ +1( +\d+ +\S+s +\S+s +\S+ +0){2} +\d+\.\d{3} +\d+ +\d+\.\d{3}`,
		`(?m)^ +2( +\d+ +\S+s +\S+s +\S+ +0){2} +\d+\.\d{3} +\d+ +\d+\.\d{3}`,
		`median ratio \d+\.\d{3}, at least 0\.00 wanted: good enough`,
		`floor: Echo without middleware`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("the table lacks %s:\n%s", want, out)
		}
	}
	for _, want := range []string{"load: 2000 accounts in ", "warm up: 6000 requests in ", "measure: 6 turns in "} {
		if !strings.Contains(errs, want) {
			t.Errorf("the progress lacks %q:\n%s", want, errs)
		}
	}
	if strings.ContainsAny(errs, "\r\x1b") {
		t.Errorf("the progress writes over its lines where there is no terminal: %q", errs)
	}
}

func TestNotUnderstood(t *testing.T) {
	cases := []struct {
		args []string
		want []string
	}{
		{[]string{"--engine", "oracle", "--accounts", "0", "--turn", "1ns"}, []string{`--engine "oracle": want`, "--accounts 0: want", "--turn 1ns: want", "--help"}},
		{[]string{"--rounds", "x"}, []string{"--rounds"}},
		{[]string{"extra"}, []string{"extra"}},
	}
	for _, c := range cases {
		status, _, errs := runWith(t, c.args...)
		if status != 2 {
			t.Errorf("run(%q) = %d, want 2", c.args, status)
		}
		for _, want := range c.want {
			if !strings.Contains(errs, want) {
				t.Errorf("run(%q) says %q, want %q in it", c.args, errs, want)
			}
		}
	}
}

func TestHelp(t *testing.T) {
	status, out, _ := runWith(t, "--help")
	if status != 0 {
		t.Errorf("--help = %d, want 0", status)
	}
	for _, want := range []string{"--engine", "--accounts", "--rounds", "--turn", "--workers", "--floor-ratio", "--seed", "--keep", "1000000 accounts on mysql", "make bench"} {
		if !strings.Contains(out, want) {
			t.Errorf("--help lacks %q", want)
		}
	}
	if strings.Contains(out, "Serve the floor") {
		t.Error("--help shows the floor, which only a run starts")
	}
}

// Without a server named, and with one named wrongly, a run says so and shows no
// password.
func TestServerNotNamed(t *testing.T) {
	for _, dsn := range []string{"", "user:hunter2-secret@nowhere"} {
		var out, errs bytes.Buffer
		b := &bench{plan: defaultPlan(), environ: []string{"IMBRIDGE_TEST_MYSQL_DSN=" + dsn}, stdout: &out, stderr: &errs}
		err := b.run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "IMBRIDGE_TEST_MYSQL_DSN is not") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a run with the server %q: %v, want a complaint that names the variable and no password", dsn, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	got := strings.Join(environment([]string{"PATH=/bin", "IMBRIDGE_LOG_LEVEL=debug"}, map[string]string{"IMBRIDGE_ENV": "development"}), " ")
	if want := "PATH=/bin IMBRIDGE_ENV=development"; got != want {
		t.Errorf("environment = %q, want %q: no setting is inherited", got, want)
	}
}
