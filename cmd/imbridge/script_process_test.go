package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"imbridge/config"
)

// Commands of scripts for processes:
//
//	imbridge ARGS            runs it to its end: status 0, or with ! status 1
//	exits STATUS ARGS        runs it to its end, which must have this status
//	together N ARGS          runs it N times at once; all must end with 0
//	start NAME ARGS          runs it until it has announced itself, and sets $NAME_API, $NAME_OPS,
//	                         $NAME_SANDBOX and $NAME_CONTROL; writes NAME.stdout and NAME.stderr
//	halt NAME                SIGTERM; it must end with status 0
//	crash NAME               SIGKILL
//	taken VAR                an address (host:port) at which somebody else listens
//	dead VAR                 an address at which nobody does
//	logged NAME PATTERN      waits until the running NAME has logged a line that matches

// scriptPatience is how long a script waits for anything, on a machine that is busy.
const scriptPatience = time.Minute

func (s *script) imbridge(ts *testscript.TestScript, neg bool, args []string) error {
	want := 0
	if neg {
		want = 1
	}
	return runToEnd(ts, want, args)
}

func (s *script) exits(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) > 0, "exits STATUS ARGS"); err != nil {
		return err
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return runToEnd(ts, want, args[1:])
}

func runToEnd(ts *testscript.TestScript, want int, args []string) error {
	got, err := statusOf(ts.Exec("imbridge", args...))
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("exit status of imbridge %s = %d, want %d", strings.Join(args, " "), got, want)
	}
	return nil
}

// statusOf is an exit status; a process that a signal ended has none.
func statusOf(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func (s *script) together(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) > 1, "together N ARGS"); err != nil {
		return err
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	outs, errs, ends := make([]bytes.Buffer, n), make([]bytes.Buffer, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			cmd := s.cmd(ts, binary(s.t), args[1:])
			cmd.Stdout, cmd.Stderr = &outs[i], &errs[i]
			ends[i] = cmd.Run()
		})
	}
	wg.Wait()
	for i := range n {
		_, _ = ts.Stdout().Write(outs[i].Bytes())
		_, _ = ts.Stderr().Write(errs[i].Bytes())
	}
	return errors.Join(ends...)
}

// cmd is a binary in the script's folder, with the script's variables.
func (s *script) cmd(ts *testscript.TestScript, path string, args []string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	names := []string{"PATH", "HOME", "TMPDIR"}
	for _, k := range config.Keys() {
		names = append(names, k.Env)
		if k.Secret {
			names = append(names, k.EnvFile)
		}
	}
	for _, n := range names {
		if v := ts.Getenv(n); v != "" {
			cmd.Env = append(cmd.Env, n+"="+v)
		}
	}
	return cmd
}

// A running process is one that start began.
type running struct {
	cmd            *exec.Cmd
	stdout, stderr string // files
	ended          chan struct{}
	err            error // valid once ended is closed
}

// launch starts the command with its output in files.
func launch(cmd *exec.Cmd, stdout, stderr string) (*running, error) {
	p := &running{cmd: cmd, stdout: stdout, stderr: stderr, ended: make(chan struct{})}
	out, err := os.Create(stdout)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	errs, err := os.Create(stderr)
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	cmd.Stdout, cmd.Stderr = out, errs
	// Where races are watched for, every end would take a second otherwise.
	cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=10")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

var announced = regexp.MustCompile(`(?m)^  (api|metrics|cloud|sandbox|control) +(http://[^\s/]+)`)

// addresses waits for the announcement, which is written at once, and returns
// what listens where.
func (p *running) addresses() (map[string]string, error) {
	for deadline := time.Now().Add(scriptPatience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(p.stdout)
		if err != nil {
			return nil, err
		}
		found := announced.FindAllSubmatch(text, -1)
		if len(found) > 0 {
			where := map[string]string{}
			for _, m := range found {
				where[string(m[1])] = string(m[2])
			}
			return where, nil
		}
		select {
		case <-p.ended:
			return nil, fmt.Errorf("it ended before it announced itself: %v\n%s", p.err, p.log())
		default:
		}
	}
	return nil, fmt.Errorf("it did not announce itself within %s\n%s", scriptPatience, p.log())
}

func (p *running) log() string {
	text, _ := os.ReadFile(p.stderr)
	return string(text)
}

// stop asks it to end, and waits.
func (p *running) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("SIGTERM: %w\n%s", err, p.log())
	}
	select {
	case <-p.ended:
	case <-time.After(scriptPatience):
		return fmt.Errorf("it did not end within %s of SIGTERM\n%s", scriptPatience, p.log())
	}
	if p.err != nil {
		return fmt.Errorf("end after SIGTERM = %w, want status 0\n%s", p.err, p.log())
	}
	return nil
}

func (p *running) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (s *script) start(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) > 1 && s.processes[args[0]] == nil, "start NAME ARGS, of a name that does not run yet"); err != nil {
		return err
	}
	name := args[0]
	p, err := launch(s.cmd(ts, watched(s.t), args[1:]), ts.MkAbs(name+".stdout"), ts.MkAbs(name+".stderr"))
	if err != nil {
		return err
	}
	s.processes[name] = p
	where, err := p.addresses()
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	for line, v := range map[string]string{"api": "API", "metrics": "OPS", "cloud": "SANDBOX", "sandbox": "SANDBOX", "control": "CONTROL"} {
		if where[line] != "" {
			ts.Setenv(strings.ToUpper(name)+"_"+v, where[line])
		}
	}
	return nil
}

func (s *script) halt(_ *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 1 && s.processes[args[0]] != nil, "halt NAME, of one that runs"); err != nil {
		return err
	}
	p := s.processes[args[0]]
	err := p.stop()
	if err == nil {
		delete(s.processes, args[0])
	}
	return err
}

func (s *script) crash(_ *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 1 && s.processes[args[0]] != nil, "crash NAME, of one that runs"); err != nil {
		return err
	}
	s.processes[args[0]].kill()
	delete(s.processes, args[0])
	return nil
}

func (s *script) taken(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 1, "taken VAR"); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = l.Close() })
	ts.Setenv(args[0], l.Addr().String())
	return nil
}

// dead gives a low port: the system never picks one for others that ask for a
// free one, as a port that was just closed would be.
func (s *script) dead(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 1, "dead VAR"); err != nil {
		return err
	}
	ts.Setenv(args[0], "127.0.0.1:1")
	return nil
}

func (s *script) logged(_ *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 2 && s.processes[args[0]] != nil, "logged NAME PATTERN, of one that runs"); err != nil {
		return err
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return err
	}
	p := s.processes[args[0]]
	for deadline := time.Now().Add(scriptPatience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if pattern.MatchString(p.log()) {
			return nil
		}
	}
	return fmt.Errorf("%s did not log %q within %s\n%s", args[0], args[1], scriptPatience, p.log())
}
