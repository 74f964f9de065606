package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"imbridge/cmd/internal/progress"
	"imbridge/config"
	"imbridge/handlers"
	"imbridge/models"
	"imbridge/tokens/reconcile"
)

func (a *app) reconcileCommand() *cobra.Command {
	var repair, resume, asJSON bool
	var sinceText string
	var since time.Time
	c := &cobra.Command{
		Use: "reconcile [--repair] [--since WHEN] [--json]", Short: "Compare our people with the cloud's", Args: cobra.NoArgs, DisableFlagsInUseLine: true,
		Long: `Pages through our people and the cloud's and prints in how many ways they differ, with
the first ids of each. Nothing is changed without --repair; with it the outbox is asked
to make the cloud match, and a running server delivers that. Somebody whom the cloud has
and we never had is only reported. A run that was cut off within a day is gone on with.
It may run beside servers on the same database; one comparison runs at a time.

Ends with 0 when nothing differs or all of it is being repaired, with 1 when drift is
left or the comparison could not be finished, with 2 when it was not understood.`,
		Example: `  imbridge reconcile
  imbridge reconcile --repair
  imbridge reconcile --since 36h --json`,
		PreRunE: func(*cobra.Command, []string) (err error) {
			since, err = parseSince(sinceText, time.Now())
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			return a.reconcile(cmd.Context(), cfg, reconcile.Options{Repair: repair, Since: since, Fresh: !resume}, asJSON)
		},
	}
	c.Flags().BoolVar(&repair, "repair", false, "make the cloud match, through the outbox")
	c.Flags().StringVar(&sinceText, "since", "", "only people changed since `WHEN`: 2026-11-30, 2026-11-30T08:00:00Z, or 36h or 7d ago")
	c.Flags().BoolVar(&resume, "resume", true, "go on with a run that was cut off; --resume=false begins anew")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// parseSince reads a day, a time, or a duration back from now; zero for nothing.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 14)
		d = time.Duration(n) * 24 * time.Hour //nolint:gosec // 14 bits
	}
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("--since %q: want a day (2026-11-30), a time (2026-11-30T08:00:00Z), or how long ago (36h, 7d)", s)
	}
	return now.Add(-d), nil
}

func (a *app) reconcile(ctx context.Context, cfg config.Config, o reconcile.Options, asJSON bool) error {
	log := a.logger(cfg)
	store, err := openStore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := reachSandbox(&cfg); err != nil {
		return err
	}
	client, err := openCloud(cfg, nil)
	if err != nil {
		return err
	}
	bar := &phases{bar: progress.New(a.stderr)}
	o.Progress = bar.told
	run, err := newReconciler(store, client, "", log).Run(ctx, o)
	bar.end()
	switch {
	case errors.Is(err, models.ErrReconcileRunning):
		return fmt.Errorf("a comparison is under way in another process; should that have died, it can be gone on with %s later", reconcile.DefaultLease)
	case err != nil && run.ID != "":
		return fmt.Errorf("stopped after %d people: %w; the same command goes on from there", run.Counts.Judged, stopped(ctx, err))
	case err != nil:
		return err
	}
	if asJSON {
		err = a.reconcileJSON(run)
	} else {
		err = a.reconcileTable(run, client.Name())
	}
	if err == nil && len(reconcile.Left(run)) > 0 {
		return errFound
	}
	return err
}

// stopped says in plain words that somebody interrupted it.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

func newReconciler(store *models.Store, client cloud, process string, log *slog.Logger) *reconcile.Reconciler {
	if process == "" {
		b := make([]byte, 6)
		_, _ = rand.Read(b)
		process = hex.EncodeToString(b)
	}
	return &reconcile.Reconciler{Store: store, Cloud: client.Cloud, Rate: client.lookRate, Process: process, Now: clock(), Log: log}
}

// newNightly is the comparison of every night, and what tells metrics of the last
// whole one.
func newNightly(cfg config.Config, store *models.Store, client cloud, process string, metrics *handlers.Metrics, log *slog.Logger) *reconcile.Nightly {
	hour, minute, ok := cfg.Reconcile.Clock()
	return &reconcile.Nightly{Reconciler: newReconciler(store, client, process, log), Hour: hour, Minute: minute, Never: !ok, Repair: cfg.Reconcile.Repair,
		Observe: func(run models.ReconcileRun) {
			left, all := reconcile.Left(run), map[string]int64{}
			for _, c := range reconcile.Classes {
				all[c.Name] = left[c.Name]
			}
			metrics.Drift(all, run.FinishedAt)
		}}
}

// reachSandbox tells the client where the sandbox of a running server is.
func reachSandbox(cfg *config.Config) error {
	if cfg.IM.Cloud != "sandbox" {
		return nil
	}
	host, port, err := net.SplitHostPort(cfg.Sandbox.Listen)
	if err != nil || port == "0" {
		return fmt.Errorf("the sandbox of a server is looked for at sandbox.listen, which is %q: name its port", cfg.Sandbox.Listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	sandboxAddresses(cfg, "http://"+net.JoinHostPort(host, port))
	sandboxApps(cfg)
	own := map[string]config.Secret{"rongcloud": cfg.IM.RongCloud.AppSecret, "easemob": cfg.IM.Easemob.ClientSecret}[cfg.Sandbox.Cloud]
	if own.IsSet() {
		return nil
	}
	raw, err := os.ReadFile(filepath.Join(cfg.DataDir, "sandbox.secret"))
	if err != nil {
		return fmt.Errorf("sandbox secret: %w; it is made when a server starts", err)
	}
	sandboxSecret(cfg, strings.TrimSpace(string(raw)))
	return nil
}

// phases turns the progress of a run into bars.
type phases struct {
	bar  *progress.Bar
	now  string
	done int64
}

func (p *phases) told(at reconcile.Progress) {
	phase, unit := "ours", "people"
	if at.Listing {
		phase, unit = "the cloud's list", "people"
	}
	if phase != p.now {
		p.end()
		p.now, p.done = phase, 0
		p.bar.Begin(phase, unit, int(at.Total))
	}
	p.bar.Add(int(at.Done - p.done))
	p.done = at.Done
}

func (p *phases) end() {
	if p.now != "" {
		p.bar.End()
	}
}

func (a *app) reconcileTable(run models.ReconcileRun, cloudName string) error {
	c, left := run.Counts, reconcile.Left(run)
	fmt.Fprintf(a.stdout, "%d people compared with %s; for %d a change is on its way\n", c.Judged, cloudName, c.OnTheWay)
	switch {
	case !run.Options.Since.IsZero():
		fmt.Fprintf(a.stdout, "only those changed since %s; strangers there were not looked for\n", run.Options.Since.Local().Format(time.DateTime))
	case c.Unlisted:
		fmt.Fprintln(a.stdout, "the cloud does not list its people to this app: strangers there were not looked for")
	case c.Listed > 0 && !c.Complete:
		fmt.Fprintln(a.stdout, "the cloud's list was not complete: there may be more strangers")
	}
	if len(c.Drift) == 0 {
		fmt.Fprintln(a.stdout, "nothing differs")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLASS\tFOUND\tREPAIRED\tMEANING")
	for _, class := range reconcile.Classes {
		if d := c.Drift[class.Name]; d.Count > 0 {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", class.Name, d.Count, d.Repaired, class.Meaning)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, class := range reconcile.Classes {
		d := c.Drift[class.Name]
		for i, ids := 0, slices.Collect(slices.Chunk(d.First, 4)); i < len(ids); i++ {
			name := class.Name + ":"
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(a.stdout, "%-14s %s\n", name, strings.Join(ids[i], " "))
		}
		if more := d.Count - int64(len(d.First)); more > 0 {
			fmt.Fprintf(a.stdout, "%-14s and %d more\n", "", more)
		}
	}
	switch {
	case left[reconcile.Missing] > 0 && run.Options.Repair:
		fmt.Fprintln(a.stdout, "More than half are missing at the cloud, and were not repaired: is this the app that they were registered with?")
	case run.Options.Repair && c.Repaired > 0:
		fmt.Fprintf(a.stdout, "%d repairs are in the outbox; a running server delivers them.\n", c.Repaired)
	case !run.Options.Repair:
		fmt.Fprintln(a.stdout, "Nothing was changed. To make the cloud match: imbridge reconcile --repair")
	}
	return nil
}

// A reconcileReport is what --json prints.
type reconcileReport struct {
	RunID      string                    `json:"run_id"`
	Repair     bool                      `json:"repair"`
	Since      *time.Time                `json:"since"`
	StartedAt  time.Time                 `json:"started_at"`
	FinishedAt time.Time                 `json:"finished_at"`
	Judged     int64                     `json:"judged"`
	OnTheWay   int64                     `json:"on_the_way"`
	Listed     int64                     `json:"listed"`
	Lists      bool                      `json:"cloud_lists"`
	Complete   bool                      `json:"list_complete"`
	Classes    map[string]reconcileClass `json:"classes"`
}

type reconcileClass struct {
	Found    int64    `json:"found"`
	Repaired int64    `json:"repaired"`
	First    []string `json:"first"`
}

func (a *app) reconcileJSON(run models.ReconcileRun) error {
	c := run.Counts
	out := reconcileReport{RunID: run.ID, Repair: run.Options.Repair, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt, Judged: c.Judged,
		OnTheWay: c.OnTheWay, Listed: c.Listed, Lists: run.Options.Since.IsZero() && !c.Unlisted, Complete: c.Complete, Classes: map[string]reconcileClass{}}
	if !run.Options.Since.IsZero() {
		out.Since = &run.Options.Since
	}
	for _, class := range reconcile.Classes {
		d := c.Drift[class.Name]
		out.Classes[class.Name] = reconcileClass{d.Count, d.Repaired, append([]string{}, d.First...)}
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
