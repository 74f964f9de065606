package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"imbridge/models"
	"imbridge/tokens"
)

const (
	// cloudName and benchKey name the app that tokens are stored for, as the
	// Issuer of imbridge names the sandbox's. The warm-up fails if it does not.
	cloudName = "rongcloud"
	benchKey  = "benchappkey"
	// publicURL is the issuer in access tokens of both sides.
	publicURL = "http://bench.example"
	// pool is the default of database.max_open.
	pool = 40
)

func appName(appKey string) string { return cloudName + "/" + appKey }

// A bench is one run.
type bench struct {
	plan           *plan
	environ        []string // as of os.Environ
	stdout, stderr io.Writer

	progress *progress
	dir      string
	db       *database
	dataKey  string // text form
	secret   string // of the app
	fetches  []fetch
	rows     []fetch // the same for rowPath
}

// run does everything and cleans up after it.
func (b *bench) run(ctx context.Context) (err error) {
	b.progress = newProgress(b.stderr)
	b.progress.note("imbench: %s", b.plan.shape())
	if b.dir, err = os.MkdirTemp("", "imbench-"); err != nil {
		return err
	}
	if b.db, err = newDatabase(ctx, b.plan.engine, b.variable(engines[b.plan.engine]), b.dir, b.plan.accounts); err != nil {
		_ = os.RemoveAll(b.dir)
		return err
	}
	defer func() {
		if b.plan.keep {
			b.progress.note("kept: folder %s, database %s", b.dir, b.db.name)
			return
		}
		drop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if derr := errors.Join(b.db.drop(drop), os.RemoveAll(b.dir)); derr != nil {
			b.progress.note("imbench: not cleaned up: %v", derr)
		}
	}()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	floor, ours, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer floor.stop()
	defer ours.stop()
	if err := b.warmUp(ctx, floor, ours); err != nil {
		return err
	}
	rounds, err := b.measure(ctx, floor, ours)
	if err != nil {
		return err
	}
	return report(b.stdout, b.plan, rounds)
}

func (b *bench) variable(name string) string {
	if name == "" {
		return ""
	}
	for _, v := range b.environ {
		if n := len(name); len(v) > n && v[:n] == name && v[n] == '=' {
			return v[n+1:]
		}
	}
	return ""
}

// prepare makes the schema, the accounts and the requests.
func (b *bench) prepare(ctx context.Context) error {
	key, text, err := models.NewDataKey()
	if err != nil {
		return err
	}
	b.dataKey, b.secret = text, "bench-app-secret"
	store, err := models.Open(ctx, models.Options{Driver: b.db.driver, DSN: b.db.dsn, DataKey: key})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if _, err := store.Migrate(ctx); err != nil {
		return err
	}
	if err := store.Unlock(ctx); err != nil {
		return err
	}
	if err := store.InitLifetime(ctx, lifetime); err != nil {
		return err
	}
	// One password for all: a million hashes were hours.
	hash, err := store.Hasher.Hash(ctx, "bench password of everybody")
	if err != nil {
		return err
	}
	bulk, err := b.db.bulk()
	if err != nil {
		return err
	}
	defer func() { _ = bulk.Close() }()
	now := time.Now()
	app := appName(benchKey)
	version, err := store.SecretVersion(ctx, app, b.secret)
	if err != nil {
		return err
	}
	l := &loader{db: bulk, store: store, app: app, secretVersion: version, passwordHash: hash, now: now, parallel: 4}
	if b.db.driver == "sqlite" {
		l.parallel = 1
	}
	b.progress.begin("load", "accounts", b.plan.accounts)
	if err := l.load(ctx, b.plan.accounts, b.progress.add); err != nil {
		return err
	}
	b.progress.end()
	return b.sign(ctx, store, now)
}

// sign makes the requests: access tokens of random accounts, that outlive the
// run.
func (b *bench) sign(ctx context.Context, store *models.Store, now time.Time) error {
	keys := &tokens.Keys{Store: store, AccessLifetime: maxTime, Rotation: 30 * 24 * time.Hour, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if err := keys.Load(ctx); err != nil {
		return err
	}
	access := &tokens.Access{Keys: keys, Issuer: publicURL, Lifetime: maxTime + time.Hour, Now: time.Now}
	pick := rand.New(rand.NewPCG(b.plan.seed, 0))
	asked := make(map[account]bool)
	for len(asked) < b.plan.sample() {
		a := account(pick.IntN(b.plan.accounts))
		if asked[a] {
			continue
		}
		asked[a] = true
		token, _, err := access.Sign(models.Session{ID: a.sessionID(), UserID: a.userID(), RotatedAt: now})
		if err != nil {
			return err
		}
		f := newFetch(a, fetchPath, token)
		b.fetches, b.rows = append(b.fetches, f), append(b.rows, f.at(rowPath))
	}
	return nil
}

// start brings up both sides with the same settings.
func (b *bench) start(ctx context.Context) (floor, ours *side, err error) {
	own, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	program := b.plan.imbridge
	if program == "" {
		if program, err = b.build(ctx); err != nil {
			return nil, nil, err
		}
	} else if program, err = filepath.Abs(program); err != nil {
		return nil, nil, err
	}
	env := environment(b.environ, map[string]string{
		"IMBRIDGE_DATA_DIR":                b.dir,
		"IMBRIDGE_SERVER_LISTEN":           "127.0.0.1:0",
		"IMBRIDGE_SERVER_PUBLIC_URL":       publicURL,
		"IMBRIDGE_OPS_LISTEN":              "127.0.0.1:0",
		"IMBRIDGE_SANDBOX_LISTEN":          "127.0.0.1:0",
		"IMBRIDGE_SANDBOX_CONTROL_LISTEN":  "127.0.0.1:0",
		"IMBRIDGE_DATABASE_DRIVER":         b.db.driver,
		"IMBRIDGE_DATABASE_DSN":            b.db.dsn,
		"IMBRIDGE_DATABASE_MAX_OPEN":       strconv.Itoa(pool),
		"IMBRIDGE_KEYS_DATA_KEY":           b.dataKey,
		"IMBRIDGE_IM_CLOUD":                "sandbox",
		"IMBRIDGE_IM_RONGCLOUD_APP_KEY":    benchKey,
		"IMBRIDGE_IM_RONGCLOUD_APP_SECRET": b.secret,
	})
	if floor, err = startSide(ctx, "floor", b.dir, env, own, "floor"); err != nil {
		return nil, nil, err
	}
	if ours, err = startSide(ctx, "imbridge", b.dir, env, program, "serve"); err != nil {
		floor.stop()
		return nil, nil, err
	}
	return floor, ours, nil
}

// build makes the real binary.
func (b *bench) build(ctx context.Context) (string, error) {
	b.progress.note("build imbridge")
	program := filepath.Join(b.dir, "imbridge")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "imbridge/cmd/imbridge").CombinedOutput() //nolint:gosec // a path of our own
	if err != nil {
		return "", fmt.Errorf("build imbridge: %w\n%s", err, out)
	}
	return program, nil
}

// warmUp asks both sides for every account of the sample, and proves that
// imbridge hands out what was loaded: a token that it minted were another path.
func (b *bench) warmUp(ctx context.Context, floor, ours *side) error {
	b.progress.begin("warm up", "requests", 3*len(b.fetches))
	any := func(fetch, []byte) error { return nil }
	for _, fetches := range [][]fetch{b.fetches, b.rows} {
		if err := warmUp(ctx, floor, fetches, b.plan.workers, b.progress.add, any); err != nil {
			return err
		}
	}
	loaded := func(f fetch, token []byte) error {
		if want := f.account.token(); string(token) != want {
			return fmt.Errorf("got the token %.20q…, want the loaded one, %.20q…", token, want)
		}
		return nil
	}
	if err := warmUp(ctx, ours, b.fetches, b.plan.workers, b.progress.add, loaded); err != nil {
		return err
	}
	b.progress.end()
	return nil
}

// measure runs the rounds. Within one the sides have their turns one after the
// other, imbridge between the floors, so that what changes on the machine
// meanwhile meets all.
func (b *bench) measure(ctx context.Context, floor, ours *side) ([]round, error) {
	b.progress.begin("measure", "turns", 3*b.plan.rounds)
	var rounds []round
	for i := range b.plan.rounds {
		var r round
		for _, t := range []struct {
			side    *side
			fetches []fetch
			score   *score
		}{{floor, b.fetches, &r.floor}, {ours, b.fetches, &r.ours}, {floor, b.rows, &r.row}} {
			*t.score = turn(ctx, t.side, t.fetches, b.plan.workers, b.plan.turn, b.plan.seed+uint64(i))
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b.progress.add(1)
		}
		rounds = append(rounds, r)
	}
	b.progress.end()
	return rounds, nil
}
