package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startWait bounds how long a process takes until it says where it listens.
const startWait = 60 * time.Second

// A side is one of the two processes that are compared.
type side struct {
	name string
	addr string // host:port of its API
	log  string // file with its standard error
	cmd  *exec.Cmd
	in   io.Closer // its standard input, open for as long as we live
}

// startSide starts a process in dir and waits until it says where its API is.
func startSide(ctx context.Context, name, dir string, env []string, program string, args ...string) (*side, error) {
	s := &side{name: name, log: filepath.Join(dir, name+".log")}
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// Not CommandContext, which kills: stop ends it in peace.
	s.cmd = exec.Command(program, args...) //nolint:gosec // the program is ours or the operator's choice
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr = dir, env, log
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	found := make(chan string, 1)
	go func() {
		found <- apiAddress(out)
		_, _ = io.Copy(io.Discard, out) // or it could block
	}()
	timeout := time.NewTimer(startWait)
	defer timeout.Stop()
	err = errors.New("it took too long")
	select {
	case s.addr = <-found:
		if s.addr != "" {
			return s, nil
		}
		err = errors.New("it ended")
	case <-timeout.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.stop()
	return nil, fmt.Errorf("start %s: %w; the end of its log:\n%s", name, err, tail(s.log, 2000))
}

// apiAddress reads what a process prints until the line that says where its API
// is, as imbridge serve prints it. It returns "" when there is none.
func apiAddress(out io.Reader) string {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) >= 2 && f[0] == "api" {
			if addr, ok := strings.CutPrefix(f[1], "http://"); ok {
				return addr
			}
		}
	}
	return ""
}

// stop ends it in peace, or after ten seconds without.
func (s *side) stop() {
	_ = s.in.Close()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	_ = s.cmd.Wait()
}

// cpu is the processor time that the process has used, where Linux tells.
func (s *side) cpu() (time.Duration, bool) {
	if runtime.GOOS != "linux" {
		return 0, false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, false
	}
	return statTime(stat)
}

// statTime reads utime and stime of proc(5), fields 14 and 15. They count
// hundredths of a second on every platform that Go runs on.
func statTime(stat []byte) (time.Duration, bool) {
	// The second field is the program's name, which may hold anything.
	end := bytes.LastIndexByte(stat, ')')
	f := bytes.Fields(stat[end+1:])
	if end < 0 || len(f) < 13 {
		return 0, false
	}
	user, uerr := strconv.ParseInt(string(f[11]), 10, 64)
	system, serr := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, uerr == nil && serr == nil
}

// tail is the end of a file, at most n bytes.
func tail(path string, n int) string {
	b, _ := os.ReadFile(path)
	if len(b) > n {
		b = b[len(b)-n:]
	}
	return strings.TrimSpace(string(b))
}
