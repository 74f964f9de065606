package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// effectWait is how long a change may take before the run gives up on it.
const effectWait = 10 * time.Second

// A friendChanges is what became of the changes.
type friendChanges struct {
	effects []time.Duration // from the request until the cloud had it
	late    int             // began later than planned: their pair was still busy
	elapsed time.Duration
	peaks   map[string]int // most calls within a second, by path
	refused int            // calls that the cloud refused for being too many
	failed  error          // the first that went wrong
}

// introduce makes the pairs known to the cloud, as their tokens would have.
func (f *friendBench) introduce(ctx context.Context) error {
	base := f.process.url["cloud"] + "/imbench/friends"
	var app struct {
		Token string `json:"access_token"`
	}
	if err := f.ask(ctx, http.StatusOK, http.MethodPost, base+"/token", "",
		object{"grant_type": "client_credentials", "client_id": "imbench", "client_secret": f.secret}, &app); err != nil {
		return err
	}
	for from := 0; from < 2*pairCount; from += 50 {
		var people []object
		for i := from; i < from+50; i++ {
			people = append(people, object{"username": (firstPair + account(i)).userID(), "password": "imbench"})
		}
		if err := f.ask(ctx, http.StatusOK, http.MethodPost, base+"/users", app.Token, people, nil); err != nil {
			return err
		}
	}
	return f.ask(ctx, http.StatusOK, http.MethodPost, f.process.url["control"]+"/control/reset", "", object{}, nil)
}

// A pair become friends and part in turn, one change at a time.
type pair struct {
	mu      sync.Mutex
	a, b    account
	asA     string
	asB     string
	friends bool
}

// changes makes them at an even pace and watches the cloud for each.
func (f *friendBench) changes(ctx context.Context) (*friendChanges, error) {
	pairs := make([]*pair, pairCount)
	for i := range pairs {
		p := &pair{a: firstPair + account(2*i), b: firstPair + account(2*i+1)}
		p.asA, p.asB = f.access(p.a), f.access(p.b)
		pairs[i] = p
	}
	out := &friendChanges{}
	total := f.rate * int(f.length/time.Second)
	f.progress.begin("changes", "changes", total)
	f.cloud = &friendWatch{}
	watching, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { f.watch(watching) })
	defer watcher.Wait()
	defer stop()
	var mu sync.Mutex
	var crowd sync.WaitGroup
	start := time.Now()
	for i := range total {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(f.rate))))
		if ctx.Err() != nil {
			break
		}
		crowd.Go(func() {
			p := pairs[i%len(pairs)]
			waited := !p.mu.TryLock()
			if waited {
				p.mu.Lock()
			}
			defer p.mu.Unlock()
			took, err := f.change(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if waited {
				out.late++
			}
			if err != nil {
				out.failed = firstOf(out.failed, err)
				return
			}
			out.effects = append(out.effects, took)
			f.progress.add(1)
		})
	}
	crowd.Wait()
	out.elapsed = time.Since(start)
	f.progress.end()
	slices.Sort(out.effects)
	if err := f.ask(ctx, http.StatusOK, http.MethodGet, f.process.url["control"]+"/control/peaks", "", nil, &out.peaks); err != nil {
		return nil, err
	}
	var err error
	out.refused, err = f.throttled(ctx)
	return out, err
}

func firstOf(before, now error) error {
	if before != nil {
		return before
	}
	return now
}

// change turns a pair's friendship over and waits until the cloud has it. The
// clock starts with the request that makes the change.
func (f *friendBench) change(ctx context.Context, p *pair) (time.Duration, error) {
	api := f.process.url["api"] + "/v1/friends"
	var start time.Time
	if p.friends {
		start = time.Now()
		if err := f.ask(ctx, http.StatusNoContent, http.MethodDelete, api+"/"+p.b.userID(), p.asA, nil, nil); err != nil {
			return 0, err
		}
	} else {
		var asked struct {
			Request struct {
				ID string `json:"id"`
			} `json:"request"`
		}
		if err := f.ask(ctx, http.StatusCreated, http.MethodPost, api+"/requests", p.asA, object{"user_id": p.b.userID()}, &asked); err != nil {
			return 0, err
		}
		start = time.Now()
		if err := f.ask(ctx, http.StatusNoContent, http.MethodPost, api+"/requests/"+asked.Request.ID+"/accept", p.asB, nil, nil); err != nil {
			return 0, err
		}
	}
	p.friends = !p.friends
	seen, ok := f.cloud.await(ctx, p.a.userID(), p.b.userID(), p.friends)
	if !ok {
		return 0, fmt.Errorf("the cloud did not have a change within %s", effectWait)
	}
	return seen.Sub(start), nil
}

// A friendWatch holds whom the cloud has as friends, and tells when that changes.
type friendWatch struct {
	mu       sync.Mutex
	contacts map[string][]string
	at       time.Time     // when it was asked for
	next     chan struct{} // closed when there is a newer answer
}

// watch asks the cloud for everybody's friends about 40 times a second. One who
// asks for all costs the machine less than each change asking for its own.
func (f *friendBench) watch(ctx context.Context) {
	for ctx.Err() == nil {
		var state struct {
			Easemob struct {
				Contacts map[string][]string `json:"contacts"`
			} `json:"easemob"`
		}
		if f.ask(ctx, http.StatusOK, http.MethodGet, f.process.url["control"]+"/control/state?limit=1000", "", nil, &state) == nil {
			f.cloud.mu.Lock()
			f.cloud.contacts, f.cloud.at = state.Easemob.Contacts, time.Now()
			if f.cloud.next != nil {
				close(f.cloud.next)
			}
			f.cloud.next = make(chan struct{})
			f.cloud.mu.Unlock()
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// await waits until the cloud has two people as friends, or no more, and tells
// when it was seen.
func (w *friendWatch) await(ctx context.Context, a, b string, friends bool) (seen time.Time, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, effectWait)
	defer cancel()
	for {
		w.mu.Lock()
		is, at, next := slices.Contains(w.contacts[a], b), w.at, w.next
		w.mu.Unlock()
		if is == friends && next != nil {
			return at, true
		}
		select {
		case <-next:
		case <-time.After(25 * time.Millisecond): // there is no answer yet
		case <-ctx.Done():
			return time.Time{}, false
		}
	}
}

// throttled counts the calls to the cloud that it refused for being too many.
func (f *friendBench) throttled(ctx context.Context) (n int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.process.url["metrics"]+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := f.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	for line := range strings.SplitSeq(string(raw), "\n") {
		if strings.HasPrefix(line, "imbridge_cloud_calls_total{") && strings.Contains(line, `outcome="throttled"`) {
			var count int
			_, _ = fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &count)
			n += count
		}
	}
	return n, err
}

// reportChanges prints what became of them. It returns errBelow where that is not
// good enough.
func reportChanges(w io.Writer, c *friendChanges) error {
	var bad error
	p99 := percentile(c.effects, 99)
	if len(c.effects) == 0 || p99 >= effectWant || c.failed != nil || c.refused > 0 {
		bad = errBelow
	}
	fmt.Fprintf(w, "%d changes in %s, %.1f a second; %d began late\n", len(c.effects), short(c.elapsed), float64(len(c.effects))/c.elapsed.Seconds(), c.late)
	fmt.Fprintf(w, "from the request until the cloud has it: p50 %s, p99 %s, longest %s; p99 below %s wanted\n",
		short(percentile(c.effects, 50)), short(p99), short(percentile(c.effects, 100)), effectWant)
	for _, path := range []string{"POST /users/{u}/contacts/users/{f}", "DELETE /users/{u}/contacts/users/{f}"} {
		if c.peaks[path] > relationCap {
			bad = errBelow
		}
		fmt.Fprintf(w, "most calls in any second, %s: %d of %d\n", path, c.peaks[path], relationCap)
	}
	fmt.Fprintf(w, "calls refused for being too many: %d\n", c.refused)
	if c.failed != nil {
		fmt.Fprintf(w, "failed, one of them with: %v\n", c.failed)
	}
	fmt.Fprintln(w, verdict(bad))
	return bad
}
