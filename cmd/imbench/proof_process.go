package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A proofProcess is a program of ours that may be stopped, resumed and killed.
type proofProcess struct {
	name string
	// url is where it listens, by the name in what it printed.
	url   map[string]string
	log   string // file with its standard error
	cmd   *exec.Cmd
	ended chan struct{}
}

var printedListener = regexp.MustCompile(`(?m)^ *([a-z]+) +(http://[0-9.:]+)`)

// startProcess starts a program and waits until it has printed where the given
// listeners are. Nothing of ours in the environment reaches it but env.
func startProcess(ctx context.Context, name, dir string, env []string, program string, args []string, listeners ...string) (*proofProcess, error) {
	p := &proofProcess{name: name, url: map[string]string{}, log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	printed := &printedOutput{}
	p.cmd = exec.Command(program, args...) //nolint:gosec // a program of ours
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, printed, log
	if err := startLeashed(p.cmd, p.ended); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	deadline := time.Now().Add(startWait)
	for {
		for _, m := range printedListener.FindAllStringSubmatch(printed.String(), -1) {
			p.url[m[1]] = m[2]
		}
		missing := ""
		for _, l := range listeners {
			if p.url[l] == "" {
				missing = l
			}
		}
		if missing == "" {
			return p, nil
		}
		if p.hasEnded() || ctx.Err() != nil || time.Now().After(deadline) {
			p.kill()
			return nil, fmt.Errorf("start %s: no %s listener; the end of its log:\n%s", name, missing, tail(p.log, 2000))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// startLeashed starts cmd so that it ends when this process does, where the
// system can do that, and closes ended once it is gone.
func startLeashed(cmd *exec.Cmd, ended chan struct{}) error {
	leash(cmd)
	started := make(chan error)
	go func() {
		// The leash is tied to the thread that starts the child: keep it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(ended)
		}
	}()
	return <-started
}

func (p *proofProcess) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *proofProcess) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill ends it as a power cut would, and waits for that.
func (p *proofProcess) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// terminate ends it in peace, and tells whether it went so within d.
func (p *proofProcess) terminate(d time.Duration) bool {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return p.cmd.ProcessState.Success()
	case <-time.After(d):
		p.kill()
		return false
	}
}

// A printedOutput collects what a process prints.
type printedOutput struct {
	mu  sync.Mutex
	all strings.Builder
}

func (o *printedOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *printedOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// serve starts an imbridge on the stage; more overrules settings.
func (s *stage) serve(ctx context.Context, more map[string]string) (*proofProcess, error) {
	return s.serveBy(ctx, s.p.program, more)
}

var serveNumber atomic.Int64

func (s *stage) serveBy(ctx context.Context, program string, more map[string]string) (*proofProcess, error) {
	settings := s.settings()
	maps.Copy(settings, more)
	name := fmt.Sprintf("serve-%d", serveNumber.Add(1))
	p, err := startProcess(ctx, name, s.dir, environment(s.p.environ, settings), program, []string{"serve"}, "api", "metrics")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processes = append(s.processes, p)
	return p, nil
}
