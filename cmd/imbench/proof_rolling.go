package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// A balancer sends each request to one of the replicas that say they are ready,
// and never repeats one.
type balancer struct {
	listener net.Listener
	proxy    *httputil.ReverseProxy

	mu    sync.Mutex
	all   []string
	ready map[string]bool
	next  int
}

func newBalancer() *balancer {
	b := &balancer{ready: map[string]bool{}}
	b.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			target, _ := url.Parse(b.pick())
			r.SetURL(target)
		},
		Transport:    onceTransport{&http.Transport{MaxIdleConnsPerHost: 200}},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return b
}

// balance starts one; it ends with ctx.
func (s *stage) balance(ctx context.Context) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := newBalancer()
	b.listener = l
	server := &http.Server{Handler: b.proxy, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	go func() {
		defer func() { _ = server.Close() }()
		for ctx.Err() == nil {
			b.look(ctx, s)
			pauseFor(ctx, 30*time.Millisecond)
		}
	}()
	return b, nil
}

func (b *balancer) url() string { return "http://" + b.listener.Addr().String() }

// look asks every replica whether it is ready.
func (b *balancer) look(ctx context.Context, s *stage) {
	b.mu.Lock()
	all := append([]string(nil), b.all...)
	b.mu.Unlock()
	for _, base := range all {
		a, err := s.ask(ctx, http.MethodGet, base+"/readyz", "", nil)
		b.mu.Lock()
		b.ready[base] = err == nil && a.status == http.StatusOK
		b.mu.Unlock()
	}
}

func (b *balancer) add(base string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, base)
}

func (b *balancer) remove(base string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ready, base)
	for i, a := range b.all {
		if a == base {
			b.all = append(b.all[:i:i], b.all[i+1:]...)
			return
		}
	}
}

// pick takes the ready ones in turn; with none it is an address that refuses.
func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.all {
		b.next++
		if base := b.all[b.next%len(b.all)]; b.ready[base] {
			return base
		}
	}
	return "http://127.0.0.1:1"
}

func (b *balancer) isReady(base string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready[base]
}

// proveRolling restarts two replicas in turn under load.
func proveRolling(ctx context.Context, s *stage, f *finding) error {
	rounds := 2
	if s.p.long {
		rounds = 20
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	settings := map[string]string{"IMBRIDGE_SERVER_DRAIN_DELAY": "500ms", "IMBRIDGE_SERVER_SHUTDOWN_GRACE": "20s", "IMBRIDGE_SESSION_ACCESS_LIFETIME": "1h"}
	b, err := s.balance(ctx)
	if err != nil {
		return err
	}
	up := func() (*proofProcess, error) {
		p, err := s.serve(ctx, settings)
		if err != nil {
			return nil, err
		}
		b.add(p.url["api"])
		_, err = until(ctx, startWait, func() (bool, error) { return b.isReady(p.url["api"]), nil })
		return p, err
	}
	var replicas []*proofProcess
	for range 2 {
		p, err := up()
		if err != nil {
			return err
		}
		replicas = append(replicas, p)
	}
	t := &traffic{s: s, l: &ledger{}, f: f, base: b.url, strict: true, pause: 10 * time.Millisecond}
	if err := t.begin(ctx, 16); err != nil {
		return err
	}
	asking, stop := context.WithCancel(ctx)
	var crowd sync.WaitGroup
	crowd.Go(func() { t.run(asking) })
	s.progress.begin(f.Row, "restarts", 2*rounds)
	for range rounds {
		for i := range replicas {
			pauseFor(ctx, 300*time.Millisecond)
			if !replicas[i].terminate(30 * time.Second) {
				f.wrong("a replica did not stop in peace; its log ends\n%s", tail(replicas[i].log, 1000))
			}
			b.remove(replicas[i].url["api"])
			if replicas[i], err = up(); err != nil {
				stop()
				crowd.Wait()
				return err
			}
			s.progress.add(1)
		}
	}
	pauseFor(ctx, 300*time.Millisecond)
	stop()
	crowd.Wait()
	all, ok := t.between(time.Time{}, time.Now())
	f.figure("restarts", 2*rounds)
	f.figure("requests", t.told())
	f.figure("failed", all-ok)
	t.outlive(ctx)
	s.atRest(ctx, f, rest)
	if err := s.mintedOnce(ctx, f); err != nil {
		return err
	}
	return s.compare(ctx, t.l, f)
}
