package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// A proofRow is one line of the proof: a way in which things go wrong, and what
// must hold all the same.
type proofRow struct {
	name    string
	promise string // the figure to reach, beside lost = orphan = dup = 0
	run     func(ctx context.Context, s *stage, f *finding) error
	engines []string // that it can be played on; nil: mysql and mariadb
	// about is how many seconds the short form takes.
	about int
	// own: it needs a database server that it may kill and change.
	own bool
}

// proofRows are all of them, in the order of the table.
var proofRows = []proofRow{
	{name: "database", about: 45, promise: "registrations through a broken network: 0 false \"name taken\"", run: proveDatabase},
	{name: "kill", about: 25, promise: "the database server killed under load: 99 % success within 2 s of its return", run: proveKill, own: true},
	{name: "rolling", about: 10, promise: "two replicas restarted in turn under load: 0 failed requests", run: proveRolling},
	{name: "fence", about: 8, promise: "a replica stopped past its lease and resumed: every late write fenced", run: proveFence},
	{name: "cloud", about: 30, promise: "18 misbehaviours of the cloud x first try, retry, last try: everybody registered, and a good token in the end", run: proveCloud},
	{name: "trouble", about: 13, promise: "SIGTERM, read-only, pool exhausted, disk full: ready 503 within 2 s, live 200, no false success, heals alone", run: proveTrouble, own: true},
	{name: "crash", about: 55, promise: "killed at each step of register, reissue, revoke, ban, delete, rotate: at rest within two leases", run: proveCrash, engines: everyProofEngine},
	{name: "hour", about: 15, promise: "the cloud down for an hour: logins and stored tokens 100 %, then drained within the quota", run: proveHour, engines: everyProofEngine},
	{name: "race", about: 60, promise: "refresh against revoke, ban against reissue, delete against re-register: no survivor", run: proveRace},
}

var (
	serverEngines    = []string{"mysql", "mariadb"}
	everyProofEngine = []string{"mysql", "mariadb", "sqlite"} // one process: a file will do
)

func (r proofRow) plays(engine string) bool {
	if r.engines == nil {
		return slices.Contains(serverEngines, engine)
	}
	return slices.Contains(r.engines, engine)
}

// shortLanes is how many rows the short form plays at the same time: most of them
// wait most of the time.
const shortLanes = 2

// A proofPlan is what the flags say.
type proofPlan struct {
	rows   []string
	long   bool
	seed   uint64
	engine string
	json   string
	limit  time.Duration
	keep   bool
}

// A proof is one run of the harness.
type proof struct {
	proofPlan
	environ        []string
	stdout, stderr io.Writer

	progress *progress
	dir      string
	program  string // the real imbridge
	crashing string // the same, built with the tag proof
}

func proofCommand(stdout, stderr io.Writer, understood *bool) *cobra.Command {
	p := &proof{environ: os.Environ(), stdout: stdout, stderr: stderr, proofPlan: proofPlan{engine: "mysql", limit: 24 * time.Hour}}
	var names []string
	for _, r := range proofRows {
		names = append(names, r.name)
	}
	c := &cobra.Command{
		Use:   "proof",
		Short: "Break everything around imbridge, and look for what got lost",
		Long: `proof runs the real imbridge against a real database server and the sandbox, breaks
what is around it in every way that it knows, and compares what clients were answered
with what the database and the cloud hold in the end. It prints one table.

lost     answered with success and later absent
orphan   on one side only, after everything has come to rest
dup      more than one effect where one is promised

The exit status is 1 when a row was not reached. docs/proof.md tells what each row does:
` + strings.Join(names, ", ") + `.`,
		Example: `  make proof                                    every row in its short form
  make proof ARGS=--long                        as it is meant: one to two hours
  make proof ARGS='--row database --seed 7'     one row, with the seed that it printed`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(); err != nil {
				return err
			}
			*understood = true
			return p.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&p.rows, "row", nil, "`names` of the rows to play, separated by commas (all)")
	f.BoolVar(&p.long, "long", false, "the long form: as many rounds as the promise is about")
	f.Uint64Var(&p.seed, "seed", 0, "`number` that decides what breaks when (0: a new one, which is printed)")
	f.StringVar(&p.engine, "engine", p.engine, "database `engine`: mysql, mariadb or sqlite (few rows)")
	f.StringVar(&p.json, "json", "", "`file` that gets the table as JSON")
	f.DurationVar(&p.limit, "time-limit", p.limit, "stop after this time; rows not played by then are not reached")
	f.BoolVar(&p.keep, "keep", false, "keep logs and data, and say where they are")
	return c
}

func (p *proof) check() error {
	var errs []error
	for _, name := range p.rows {
		if !slices.ContainsFunc(proofRows, func(r proofRow) bool { return r.name == name }) {
			errs = append(errs, fmt.Errorf("--row %q: there is none; \"imbench proof --help\" lists them", name))
		}
	}
	if _, known := engines[p.engine]; !known {
		errs = append(errs, fmt.Errorf("--engine %q: want mysql, mariadb or sqlite", p.engine))
	}
	if p.limit < time.Second {
		errs = append(errs, fmt.Errorf("--time-limit %s: want 1s or more", p.limit))
	}
	return errors.Join(errs...)
}

// run plays the rows, prints the table and writes the JSON file.
func (p *proof) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	if p.seed == 0 {
		p.seed = rand.Uint64N(1_000_000_000) + 1
	}
	p.progress = newProgress(p.stderr)
	_ = mysql.SetLogger(&mysql.NopLogger{}) // that a killed server is gone is no news
	if p.dir, err = os.MkdirTemp("", "imbench-proof-"); err != nil {
		return err
	}
	defer func() {
		if p.keep {
			p.progress.note("kept: %s", p.dir)
			return
		}
		_ = os.RemoveAll(p.dir)
	}()
	if err := p.build(ctx); err != nil {
		return err
	}
	var rows []proofRow
	for _, r := range proofRows {
		if len(p.rows) == 0 || slices.Contains(p.rows, r.name) {
			rows = append(rows, r)
		}
	}
	form, lanes := "short form", min(shortLanes, len(rows))
	if p.long {
		form, lanes = "long form", 1
	}
	p.progress.note("proof: %s, %s, seed %d", p.engine, form, p.seed)
	// The longest first, so that the lanes end together.
	order := slices.SortedFunc(indexes(len(rows)), func(a, b int) int { return rows[b].about - rows[a].about })
	findings := make([]*finding, len(rows))
	var next atomic.Int64
	var g errgroup.Group
	for range lanes {
		g.Go(func() error {
			server, err := openServer(ctx, p)
			if err != nil {
				return err
			}
			defer server.close()
			for {
				n := int(next.Add(1)) - 1
				if n >= len(rows) {
					return nil
				}
				i := order[n]
				f := p.play(ctx, server, rows[i], lanes == 1)
				findings[i] = f
				p.progress.note("%s: %s in %.1fs  %s", f.Row, f.verdict(), f.Seconds, f.line())
			}
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return p.report(findings)
}

// indexes are 0 to n-1.
func indexes(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// play plays one row on a stage of its own.
func (p *proof) play(ctx context.Context, server *dbServer, r proofRow, alone bool) *finding {
	f := &finding{Row: r.name, Promise: r.promise, Engine: p.engine, Seed: p.seed}
	switch {
	case !r.plays(p.engine):
		f.Skipped = "not on " + p.engine
		return f
	case r.own && !server.own:
		f.Skipped = "needs a server of its own: .ci/databases fetch"
		return f
	}
	start := time.Now()
	defer func() { f.Seconds = time.Since(start).Seconds() }()
	// The same dice whichever rows are played beside it.
	seed := p.seed
	for _, c := range r.name {
		seed = seed*31 + uint64(c)
	}
	s, err := p.stage(ctx, server, r.name, p.engine, seed)
	if err == nil {
		if alone {
			s.progress = p.progress
		}
		err = p.within(ctx, func(ctx context.Context) error { return r.run(ctx, s, f) })
		s.close(ctx, f)
	}
	if err != nil {
		f.wrong("the row could not be played: %v", err)
	}
	f.Reached = f.WrongCount == 0 && f.Lost == 0 && f.Orphan == 0 && f.Dup == 0
	return f
}

const (
	// shortRow is how long one row of the short form may take.
	shortRow = 4 * time.Minute
	// lastWord is how long a row has to come back when its time is over.
	lastWord = 30 * time.Second
)

// within plays for the time that a row has. A row that does not come back then is
// left to itself.
func (p *proof) within(ctx context.Context, play func(context.Context) error) error {
	if !p.long {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, shortRow)
		defer cancel()
	}
	done := make(chan error, 1)
	go func() { done <- play(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return errors.Join(errors.New("it took too long"), err)
	case <-time.After(lastWord):
		return errors.New("it took too long, and does not come back")
	}
}

// build makes the real binary, and the one whose steps can be counted.
func (p *proof) build(ctx context.Context) error {
	p.program, p.crashing = filepath.Join(p.dir, "imbridge"), filepath.Join(p.dir, "imbridge-proof")
	p.progress.note("build imbridge")
	for _, b := range []struct{ out, tags string }{{p.program, ""}, {p.crashing, "proof"}} {
		out, err := exec.CommandContext(ctx, "go", "build", "-tags", b.tags, "-o", b.out, "imbridge/cmd/imbridge").CombinedOutput() //nolint:gosec // paths of our own
		if err != nil {
			return fmt.Errorf("build imbridge: %w\n%s", err, out)
		}
	}
	return nil
}

// A finding is what a row came to. It is safe for concurrent use.
type finding struct {
	mu sync.Mutex

	Row     string  `json:"row"`
	Promise string  `json:"promise"`
	Engine  string  `json:"engine"`
	Seed    uint64  `json:"seed"`
	Reached bool    `json:"reached"`
	Skipped string  `json:"skipped,omitempty"`
	Seconds float64 `json:"seconds"`

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

func (f *finding) verdict() string {
	switch {
	case f.Skipped != "":
		return "skipped"
	case f.Reached:
		return "reached"
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
	return strings.Join(parts, ", ")
}

// report prints the table and writes the file. It returns errBelow when a row
// was not reached.
func (p *proof) report(findings []*finding) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tengine\tverdict\tlost\torphan\tdup\ttook\tfigures")
	bad := error(nil)
	for _, f := range findings {
		if f.Skipped == "" && !f.Reached {
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
	fmt.Fprintf(p.stdout, "seed %d; one row again: imbench proof --engine %s --seed %d --row NAME\n", p.seed, p.engine, p.seed)
	if p.json != "" {
		raw, err := json.MarshalIndent(map[string]any{"seed": p.seed, "engine": p.engine, "long": p.long, "rows": findings}, "", "  ")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(p.json), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(p.json, append(raw, '\n'), 0o600); err != nil {
			return err
		}
	}
	return bad
}
