package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// A round is one turn of imbridge, of the floor, and of the floor that reads the
// token's row alone.
type round struct{ ours, floor, row score }

// median of some numbers; the mean of the middle two where there is no middle.
func median(list []float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(list))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// percentile p of sorted durations: the smallest that p percent do not exceed.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(p/100*float64(len(sorted)))) - 1
	return sorted[max(i, 0)]
}

// report prints the table. It returns errBelow when the run is not good enough.
func report(w io.Writer, p *plan, rounds []round) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\timbridge\t\t\t\t\tfloor\t\t\t\t\t\tone row\t\t")
	fmt.Fprintln(t, "round\treq/s\tp50\tp99\tcpu\terrors\treq/s\tp50\tp99\tcpu\terrors\tratio\treq/s\tratio\t")
	line := func(name string, ours, floor, row score) {
		fmt.Fprintf(t, "%s\t", name)
		for _, s := range []score{ours, floor} {
			cpu := "-"
			if s.cpu > 0 {
				cpu = short(s.cpuEach())
			}
			fmt.Fprintf(t, "%.0f\t%s\t%s\t%s\t%d\t", s.rate(), short(percentile(s.latency, 50)), short(percentile(s.latency, 99)), cpu, s.errors)
		}
		fmt.Fprintf(t, "%.3f\t%.0f\t%.3f\t\n", ours.rate()/floor.rate(), row.rate(), ours.rate()/row.rate())
	}
	var ours, floor, row []score
	var ratios, rowRatios []float64
	for i, r := range rounds {
		line(fmt.Sprint(i+1), r.ours, r.floor, r.row)
		ours, floor, row = append(ours, r.ours), append(floor, r.floor), append(row, r.row)
		ratios, rowRatios = append(ratios, r.ours.rate()/r.floor.rate()), append(rowRatios, r.ours.rate()/r.row.rate())
	}
	mid := median(ratios)
	o, f, rw := merge(ours), merge(floor), merge(row)
	line("all", o, f, rw)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, `
floor: Echo without middleware, the same check of the access token, one prepared SELECT by primary
keys of the rows that a right answer depends on (session, person, token, lifetimes), an answer
with the same fields, the token as stored (sealed), nothing judged.
one row: the same, but reading the token's row alone, so that nobody could log out.
cpu: processor time of the side's own process for one answer. Clients, database and side share
the machine, so that a ratio of throughputs holds their work too.

`)
	verdict, bad := "good enough", error(nil)
	if !(mid >= p.floorRatio) {
		verdict, bad = "too low", errBelow
	}
	fmt.Fprintf(w, "median ratio to one row %.3f\n", median(rowRatios))
	fmt.Fprintf(w, "median ratio %.3f, at least %.2f wanted: %s\n", mid, p.floorRatio, verdict)
	for _, s := range []struct {
		name string
		score
	}{{"imbridge", o}, {"floor", f}, {"one row", rw}} {
		if s.errors > 0 {
			bad = errBelow
			fmt.Fprintf(w, "%s failed %d requests, one of them with: %v\n", s.name, s.errors, s.first)
		}
		if len(s.latency) == 0 {
			bad = errBelow
			fmt.Fprintf(w, "%s answered nothing\n", s.name)
		}
	}
	return bad
}

// short rounds a duration to three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d)/1e6)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2fms", float64(d)/1e6)
	}
	return fmt.Sprintf("%dµs", d.Microseconds())
}
