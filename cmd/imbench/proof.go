package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	rows    []string
	long    bool
	seed    uint64
	engines []string
	json    string
	limit   time.Duration
	// partial: a row that cannot be played here is no failure.
	partial bool
	keep    bool
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
	p := &proof{environ: os.Environ(), stdout: stdout, stderr: stderr, proofPlan: proofPlan{engines: serverEngines, limit: 24 * time.Hour}}
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

In its short form each row is played on one of the engines: the rows are dealt out to
them, in another way for the next seed. In its long form each engine plays every row.

The exit status is 1 when a row was not reached, or could not be played. docs/proof.md tells what each row does:
` + strings.Join(names, ", ") + `.`,
		Example: `  make proof                                    every row in its short form
  make proof ARGS=--long                        as it is meant: hours
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
	f.StringSliceVar(&p.engines, "engine", p.engines, "database `engines`, separated by commas: mysql, mariadb, sqlite (few rows)")
	f.StringVar(&p.json, "json", "", "`file` that gets the table as JSON")
	f.DurationVar(&p.limit, "time-limit", p.limit, "stop after this time; rows not played by then are not reached")
	f.BoolVar(&p.partial, "partial", false, "rows that cannot be played here are no failure")
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
	for _, engine := range p.engines {
		if _, known := engines[engine]; !known {
			errs = append(errs, fmt.Errorf("--engine %q: want mysql, mariadb or sqlite", engine))
		}
	}
	if len(p.engines) == 0 {
		errs = append(errs, errors.New("--engine: want at least one"))
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
	form := "short form"
	if p.long {
		form = "long form"
	}
	p.progress.note("proof: %s, %s, seed %d", strings.Join(p.engines, " and "), form, p.seed)
	start := time.Now()
	hands := p.deal(rows)
	if p.long {
		for _, h := range hands {
			if err := h.play(ctx, p, true); err != nil {
				return err
			}
		}
	} else {
		alone := len(hands) == 1 && len(rows) == 1
		lanes := shortLanes / min(shortLanes, len(hands))
		var g errgroup.Group
		for _, h := range hands {
			for range min(lanes, len(h.rows)) {
				g.Go(func() error { return h.play(ctx, p, alone) })
			}
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return p.report(inOrder(hands), time.Since(start))
}

// play plays one row on a stage of its own.
func (p *proof) play(ctx context.Context, server *dbServer, r proofRow, alone bool) *finding {
	f := &finding{Row: r.name, Promise: r.promise, Engine: server.engine, Seed: p.seed}
	switch {
	case !r.plays(server.engine):
		f.Skipped = "not on " + server.engine
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
	s, err := p.stage(ctx, server, r.name, server.engine, seed)
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
	f.Reached = f.isClean() && len(f.Unplayed) == 0
	return f
}

const (
	// shortForm is how long the short form may take, on two cores that do nothing
	// else.
	shortForm = 3 * time.Minute
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
