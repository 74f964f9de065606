package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// A finding is what a row came to. It is safe for concurrent use.
type finding struct {
	mu sync.Mutex

	Row     string `json:"row"`
	Promise string `json:"promise"`
	Engine  string `json:"engine"`
	Seed    uint64 `json:"seed"`
	Reached bool   `json:"reached"`
	Skipped string `json:"skipped,omitempty"`
	// Unplayed are the parts of the row that could not be played here.
	Unplayed []string `json:"unplayed,omitempty"`
	Seconds  float64  `json:"seconds"`

	Lost   int `json:"lost"`
	Orphan int `json:"orphan"`
	Dup    int `json:"dup"`
	// Figures are what was counted, in the order in which they are told.
	Figures []figure `json:"figures"`
	// Wrong is what was not as promised, the first of it; WrongCount all.
	Wrong      []string `json:"wrong,omitempty"`
	WrongCount int      `json:"wrong_count"`
}

type figure struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// maxWrong is how many complaints are kept.
const maxWrong = 20

func (f *finding) figure(name string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Figures = append(f.Figures, figure{name, value})
}

func (f *finding) wrong(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.WrongCount++; len(f.Wrong) < maxWrong {
		f.Wrong = append(f.Wrong, fmt.Sprintf(format, args...))
	}
}

// count adds to what was found wrong of each sort.
func (f *finding) count(lost, orphan, dup int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Lost, f.Orphan, f.Dup = f.Lost+lost, f.Orphan+orphan, f.Dup+dup
}

// unplayed notes that a part of the row could not be played.
func (f *finding) unplayed(part string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Unplayed = append(f.Unplayed, fmt.Sprintf("%s: %v", part, err))
}

// isClean: nothing of what was played was wrong.
func (f *finding) isClean() bool {
	return f.Skipped == "" && f.WrongCount == 0 && f.Lost == 0 && f.Orphan == 0 && f.Dup == 0
}

func (f *finding) verdict() string {
	switch {
	case f.Skipped != "":
		return "skipped"
	case f.Reached:
		return "reached"
	case f.isClean():
		return "in part"
	}
	return "NOT REACHED"
}

func (f *finding) line() string {
	if f.Skipped != "" {
		return f.Skipped
	}
	var parts []string
	for _, fig := range f.Figures {
		parts = append(parts, fmt.Sprintf("%s %v", fig.Name, fig.Value))
	}
	for _, part := range f.Unplayed {
		parts = append(parts, "not played "+part)
	}
	return strings.Join(parts, ", ")
}

// report prints the table and writes the file. It returns errBelow when a row was
// not reached: one that could not be played is none that was, unless that is
// agreed to.
func (p *proof) report(findings []*finding, took time.Duration) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tengine\tverdict\tlost\torphan\tdup\ttook\tfigures")
	bad := error(nil)
	for _, f := range findings {
		if !f.Reached && !(p.partial && (f.Skipped != "" || f.isClean())) {
			bad = errBelow
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%.1fs\t%s\n", f.Row, f.Engine, f.verdict(), f.Lost, f.Orphan, f.Dup, f.Seconds, f.line())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range findings {
		for _, w := range f.Wrong {
			fmt.Fprintf(p.stdout, "%s: %s\n", f.Row, w)
		}
		if n := f.WrongCount - len(f.Wrong); n > 0 {
			fmt.Fprintf(p.stdout, "%s: and %d more\n", f.Row, n)
		}
	}
	what := ""
	if !p.long {
		what = fmt.Sprintf(" of the %.0fs that the short form may take on two cores of its own", shortForm.Seconds())
	}
	fmt.Fprintf(p.stdout, "%.1fs%s\n", took.Seconds(), what)
	fmt.Fprintf(p.stdout, "seed %d; one row again: imbench proof --seed %d --row ROW --engine ENGINE\n", p.seed, p.seed)
	if p.json == "" {
		return bad
	}
	raw, err := json.MarshalIndent(map[string]any{"seed": p.seed, "engines": p.engines, "long": p.long, "seconds": took.Seconds(),
		"short_form_seconds": shortForm.Seconds(), "rows": findings}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.json), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(p.json, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return bad
}
