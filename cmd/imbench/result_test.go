package main

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		list []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		before := slices.Clone(c.list)
		if got := median(c.list); got != c.want {
			t.Errorf("median(%v) = %g, want %g", c.list, got, c.want)
		}
		if !slices.Equal(c.list, before) {
			t.Errorf("median changed its list to %v", c.list)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %g, want no number", got)
	}
}

func TestPercentile(t *testing.T) {
	var list []time.Duration
	for i := 1; i <= 200; i++ {
		list = append(list, time.Duration(i))
	}
	for p, want := range map[float64]time.Duration{0: 1, 50: 100, 99: 198, 100: 200} {
		if got := percentile(list, p); got != want {
			t.Errorf("percentile(1..200, %g) = %d, want %d", p, got, want)
		}
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("percentile of nothing = %d, want 0", got)
	}
}

// answers is a turn of a second with so many good answers.
func answers(n, errs int) score {
	s := score{took: time.Second, errors: errs}
	for i := range n {
		s.latency = append(s.latency, time.Duration(i+1)*time.Microsecond)
	}
	if errs > 0 {
		s.first = errors.New("status 503")
	}
	return s
}

func TestReport(t *testing.T) {
	p := defaultPlan()
	cases := []struct {
		name   string
		rounds []round
		bad    bool
		want   string
	}{
		{"good", []round{{answers(90, 0), answers(100, 0), answers(100, 0)}, {answers(10, 0), answers(100, 0), answers(100, 0)}, {answers(80, 0), answers(100, 0), answers(100, 0)}}, false, "median ratio 0.800, at least 0.80 wanted: good enough"},
		{"slow", []round{{answers(79, 0), answers(100, 0), answers(100, 0)}}, true, "median ratio 0.790, at least 0.80 wanted: too low"},
		{"wrong", []round{{answers(100, 1), answers(100, 0), answers(100, 0)}}, true, "imbridge failed 1 requests, one of them with: status 503"},
		{"a wrong floor", []round{{answers(100, 0), answers(100, 2), answers(100, 2)}}, true, "floor failed 2 requests"},
		{"nothing", []round{{answers(0, 0), answers(0, 0), answers(0, 0)}}, true, "too low"},
	}
	for _, c := range cases {
		var out bytes.Buffer
		err := report(&out, p, c.rounds)
		if errors.Is(err, errBelow) != c.bad || (err != nil) != c.bad {
			t.Errorf("%s: report = %v, want bad %t", c.name, err, c.bad)
		}
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: the report lacks %q:\n%s", c.name, c.want, out.String())
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		950 * time.Microsecond: "950µs", 1234 * time.Microsecond: "1.23ms", 12345 * time.Microsecond: "12.3ms", 1500 * time.Millisecond: "1.50s",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%d) = %s, want %s", d, got, want)
		}
	}
}
