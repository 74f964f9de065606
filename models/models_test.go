package models_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

var (
	ctx  = context.Background()
	from = models.Origin{IP: "192.0.2.1", UserAgent: "test", Device: "a phone", RequestID: "r1"}
)

// want fails unless errors.Is(err, target); a nil target wants no error.
func want(t testing.TB, what string, err, target error) {
	t.Helper()
	if target == nil && err != nil || !errors.Is(err, target) {
		t.Fatalf("%s = %v, want %v", what, err, target)
	}
}

// equal fails unless got is what was wanted.
func equal[T comparable](t testing.TB, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s = %v, want %v", what, got, wanted)
	}
}

// together runs f n times at once, all released by one signal.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// tally counts outcomes of calls that run at once.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[outcome]++
}

// err names err by the known error that it is.
func (c *tally) err(err error, known ...error) {
	if err == nil {
		c.add("ok")
		return
	}
	for _, k := range known {
		if errors.Is(err, k) {
			c.add(k.Error())
			return
		}
	}
	c.add(err.Error())
}

// onServers runs test on every engine but SQLite: what it tests is a server's.
func onServers(t *testing.T, test func(t *testing.T, engine string)) {
	t.Helper()
	for _, engine := range modelstest.Engines(t) {
		if engine != "sqlite" {
			t.Run(engine, func(t *testing.T) { test(t, engine) })
		}
	}
}
