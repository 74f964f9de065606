package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

// engines are the databases that there are plans for, and the variable that
// leads to each one's server.
var engines = map[string]string{
	"mysql":   "IMBRIDGE_TEST_MYSQL_DSN",
	"mariadb": "IMBRIDGE_TEST_MARIADB_DSN",
	"sqlite":  "",
}

// maxSample is how many accounts are asked for. Each needs an access token and a
// request in memory; more would measure nothing else.
const maxSample = 20_000

// maxTime bounds all rounds together: access tokens are signed once, for longer.
const maxTime = 6 * time.Hour

// A plan is what the flags say.
type plan struct {
	engine     string
	accounts   int
	rounds     int
	turn       time.Duration
	workers    int
	floorRatio float64
	seed       uint64
	imbridge   string // a binary; empty: built for the run
	keep       bool
}

func defaultPlan() *plan {
	return &plan{engine: "mysql", accounts: 1_000_000, rounds: 7, turn: 4 * time.Second, workers: 8, floorRatio: 0.80, seed: 1}
}

func (p *plan) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&p.engine, "engine", p.engine, "database `engine`: mysql, mariadb or sqlite")
	f.IntVar(&p.accounts, "accounts", p.accounts, "`number` of accounts to load, 1 to 10000000")
	f.IntVar(&p.rounds, "rounds", p.rounds, "`number` of rounds, 1 to 1000; in each, imbridge has one turn and the floor two")
	f.DurationVar(&p.turn, "turn", p.turn, "length of one turn, 100ms to 10m")
	f.IntVar(&p.workers, "workers", p.workers, "`number` of clients that ask at the same time, 1 to 1000")
	f.Float64Var(&p.floorRatio, "floor-ratio", p.floorRatio, "lowest median `ratio` that is good enough, 0 to 2")
	f.Uint64Var(&p.seed, "seed", p.seed, "`number` that decides which accounts are asked for, in which order")
	f.StringVar(&p.imbridge, "imbridge", p.imbridge, "`file` of the imbridge to measure (built from this tree without it)")
	f.BoolVar(&p.keep, "keep", p.keep, "keep the database, the binary and the logs, and say where they are")
}

// check says all that is wrong with the plan.
func (p *plan) check() error {
	var errs []error
	refuse := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	_, known := engines[p.engine]
	refuse(known, "--engine %q: want mysql, mariadb or sqlite", p.engine)
	refuse(p.accounts >= 1 && p.accounts <= 10_000_000, "--accounts %d: want 1 to 10000000", p.accounts)
	refuse(p.rounds >= 1 && p.rounds <= 1000, "--rounds %d: want 1 to 1000", p.rounds)
	refuse(p.turn >= 100*time.Millisecond && p.turn <= 10*time.Minute, "--turn %s: want 100ms to 10m", p.turn)
	refuse(p.workers >= 1 && p.workers <= 1000, "--workers %d: want 1 to 1000", p.workers)
	refuse(p.floorRatio >= 0 && p.floorRatio <= 2, "--floor-ratio %g: want 0 to 2", p.floorRatio)
	if len(errs) == 0 {
		refuse(p.time() <= maxTime, "--rounds %d of --turn %s take %s: want %s at most", p.rounds, p.turn, p.time(), maxTime)
	}
	return errors.Join(errs...)
}

// time that all turns take.
func (p *plan) time() time.Duration { return 3 * time.Duration(p.rounds) * p.turn }

// sample is how many accounts are asked for.
func (p *plan) sample() int { return min(p.accounts, maxSample) }

// shape says what will be done.
func (p *plan) shape() string {
	return fmt.Sprintf("%d accounts on %s, %d of them asked for, %d workers, %d rounds of 3 x %s", p.accounts, p.engine, p.sample(), p.workers, p.rounds, p.turn)
}
