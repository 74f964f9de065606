package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// errStopped: nobody listens any more.
var errStopped = errors.New("connection refused")

// A stubborn client has one connection that it keeps. It sends a request again
// only where HTTP lets every client do so: the connection was an idle one, and
// the server had closed it without a byte of an answer (RFC 9112, 9.3.1).
type stubborn struct {
	http  http.Client
	again int
}

func newStubborn() *stubborn {
	return &stubborn{http: http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}}
}

func (c *stubborn) send(request func() *http.Request) (answer, error) {
	for {
		reused, answered := false, false
		req := request()
		// Otherwise the library repeats by itself, and more than this client may.
		req.GetBody = nil
		a, err := send(&c.http, req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			GotConn:              func(i httptrace.GotConnInfo) { reused = i.Reused },
			GotFirstResponseByte: func() { answered = true },
		})))
		switch {
		case err == nil:
			return a, nil
		case errors.Is(err, syscall.ECONNREFUSED):
			return answer{}, errStopped
		case reused && !answered && closedIdle(err):
			c.again++
		default:
			return answer{}, err
		}
	}
}

func closedIdle(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// A process that is told to stop finishes what it has begun, and takes what
// comes until its listener closes; its load balancer hears of it before.
func TestProofAStopCutsNoRequest(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		p := r.serve(t, "IMBRIDGE_SERVER_DRAIN_DELAY=700ms", "IMBRIDGE_SERVER_SHUTDOWN_GRACE=60s", "IMBRIDGE_SERVER_REGISTER_BUDGET=30s",
			"IMBRIDGE_LOG_FORMAT=json")
		people := make([]loggedIn, 24)
		for i := range people {
			people[i] = p.register(t)
		}
		// Registering now outlasts the drain, and ends when nobody listens any more.
		r.fault(t, object{"path": getToken, "mode": "delay", "delay_ms": 1200})

		var answered, afterSignal, again, cut atomic.Int64
		var signalled atomic.Bool
		var workers, begun sync.WaitGroup
		first := make(chan struct{})
		work := func(request func() *http.Request, seen func(answer)) {
			begun.Add(1)
			workers.Go(func() {
				c, n := newStubborn(), 0
				defer c.http.CloseIdleConnections()
				defer func() { again.Add(int64(c.again)) }()
				for {
					a, err := c.send(request)
					if err == errStopped {
						if n == 0 {
							t.Error("a worker got no answer at all")
							begun.Done()
						}
						return
					}
					if err != nil {
						cut.Add(1)
						t.Errorf("request after %d answers: %v", n, err)
						if n == 0 {
							begun.Done()
						}
						return
					}
					if a.status >= 300 {
						t.Errorf("answer %d = %s, want success\n%s", n, a, a.body)
					}
					seen(a)
					answered.Add(1)
					if signalled.Load() {
						afterSignal.Add(1)
					}
					if n++; n == 1 {
						begun.Done()
					}
				}
			})
		}
		url, nothing := p.url["api"], func(answer) {}
		for i := range 40 {
			switch who := people[i%len(people)].Session; {
			case i < 16:
				work(func() *http.Request { return newRequest("GET", url+"/v1/im/token", who.Access, nil) }, nothing)
			case i < 32:
				work(func() *http.Request {
					return newRequest("PATCH", url+"/v1/me", who.Access, object{"nickname": "N" + random()})
				}, nothing)
			default:
				work(func() *http.Request {
					return newRequest("POST", url+"/v1/session/refresh", "", object{"refresh_token": who.Refresh})
				}, func(a answer) { who = read[refreshed](t, a).Session })
			}
		}
		for range 10 {
			work(func() *http.Request {
				return newRequest("POST", url+"/v1/register", "", object{"username": "s" + random(), "password": userPassword})
			}, func(a answer) {
				if read[loggedIn](t, a).IM == nil {
					t.Error("a slow registration ended without its token")
				}
			})
		}
		go func() { begun.Wait(); close(first) }()
		<-first

		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		signalled.Store(true)
		draining := 0
		fresh := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
		eventually(t, "the listener closes", func() (bool, string) {
			a, err := send(&fresh, newRequest("GET", url+"/readyz", "", nil))
			if err != nil {
				// In the instant of closing a connection may be taken and dropped.
				return errors.Is(err, syscall.ECONNREFUSED), err.Error()
			}
			if a.status == http.StatusServiceUnavailable && read[readiness](t, a).Draining {
				draining++
			}
			return false, a.String()
		})
		workers.Wait()
		eventually(t, "the process ends", func() (bool, string) { return p.hasEnded(), "still there" })

		served := int64(0)
		for line := range strings.Lines(p.errors.String()) {
			var entry struct {
				Msg   string `json:"msg"`
				Route string `json:"route"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "request" && strings.HasPrefix(entry.Route, "/v1/") {
				served++
			}
		}
		served -= int64(len(people))
		status := p.cmd.ProcessState.ExitCode()
		t.Logf("50 workers: %d requests served, %d answers got, %d of them after SIGTERM, %d cut; %d closed idle connections met; readyz said draining %d times; exit status %d",
			served, answered.Load(), afterSignal.Load(), cut.Load(), again.Load(), draining, status)
		if served != answered.Load() {
			t.Errorf("%d requests served and %d answers got, want the same", served, answered.Load())
		}
		if afterSignal.Load() < 50 || draining == 0 {
			t.Errorf("%d answers after the signal and %d times draining: the drain was not seen", afterSignal.Load(), draining)
		}
		if status != 0 {
			t.Errorf("exit status = %d, want 0", status)
		}
	})
}
