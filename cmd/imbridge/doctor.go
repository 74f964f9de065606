package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imbridge/config"
	"imbridge/models"
	"imbridge/tokens"
	"imbridge/tokens/im"
)

const (
	// doctorPatience bounds each question that doctor asks of something outside.
	doctorPatience = 10 * time.Second
	// doctorConnections are held at the same time to see where they lead.
	doctorConnections = 8
	// maxSkew between the database's clock and ours, above which leases and
	// lifetimes of several processes drift apart.
	maxSkew = time.Second
)

func (a *app) doctorCommand() *cobra.Command {
	var settings bool
	c := &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong, and say how to cure it", Args: cobra.NoArgs,
		Long: `Checks the settings, the data key, the database with its clock and schema, the cloud's
credentials by a harmless call, what waits for the cloud, and the lifetimes against the
cloud's console, and what keeps messages between friends where they are to stay there.
It changes nothing but the row that readiness writes too. Exit status 1 when anything is wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{app: a, show: settings}
			d.examine(cmd.Context())
			if d.found == 0 {
				fmt.Fprintln(a.stdout, "nothing is wrong")
				return nil
			}
			fmt.Fprintf(a.stdout, "%d found\n", d.found)
			return errFound
		},
	}
	c.Flags().BoolVar(&settings, "settings", false, "list every setting as in force, secrets hidden")
	return c
}

type doctor struct {
	*app
	show  bool // the settings
	found int
}

func (d *doctor) well(what, format string, args ...any) {
	fmt.Fprintf(d.stdout, "ok     %-10s %s\n", what, fmt.Sprintf(format, args...))
}

func (d *doctor) wrong(what, finding, cure string) {
	d.found++
	fmt.Fprintf(d.stdout, "WRONG  %-10s %s\n       %-10s cure: %s\n", what, finding, "", cure)
}

func (d *doctor) note(what, format string, args ...any) {
	fmt.Fprintf(d.stdout, "note   %-10s %s\n", what, fmt.Sprintf(format, args...))
}

func (d *doctor) examine(ctx context.Context) {
	cfg, err := d.settings()
	if err != nil {
		d.config(err)
		return
	}
	from := "defaults and variables"
	if cfg.File != "" {
		from = cfg.File + " and variables"
	}
	d.well("config", "%s, from %s", cfg.Env, from)
	if d.show {
		fmt.Fprint(d.stdout, cfg.Describe())
	}
	key, sound := d.dataKey(cfg)
	lifetimes := d.database(ctx, cfg, key, sound)
	d.cloud(ctx, cfg)
	d.messages(ctx, cfg)
	if lifetimes != nil {
		d.lifetimes(cfg, *lifetimes)
	}
}

func (d *doctor) config(err error) {
	var problems *config.Problems
	if !errors.As(err, &problems) {
		d.wrong("config", err.Error(), "name a file that can be read with --config")
		return
	}
	for _, p := range problems.List {
		cure := p.Example
		if cure == "" {
			cure = "see imbridge.example.yaml"
		}
		d.wrong("config", p.String(), cure)
	}
}

// dataKey looks at the key without making one: it is nil while there is none,
// and not sound if there is one that cannot be used.
func (d *doctor) dataKey(cfg config.Config) (key *models.DataKey, sound bool) {
	path := cfg.DataKeyFile()
	if !cfg.Keys.DataKey.IsSet() {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, true
		case err != nil:
			d.wrong("data key", err.Error(), "set data_dir to a folder that this user may read and write")
			return nil, false
		case !info.Mode().IsRegular():
			d.wrong("data key", path+" is not a file", "put the key's file there, or set keys.data_key")
			return nil, false
		case info.Mode().Perm()&0o077 != 0:
			d.wrong("data key", fmt.Sprintf("%s can be read by others (%s)", path, info.Mode().Perm()), "chmod 600 "+path)
		}
	}
	key, _, err := dataKey(cfg)
	if err != nil {
		d.wrong("data key", err.Error(), "restore it from a copy; one made anew opens nothing that is stored")
		return nil, false
	}
	d.well("data key", "can be read")
	return key, true
}

// database returns the lifetimes in force: those that admins set or, where no
// server has run on it yet, the one that the settings start with. Nil: it could
// not be read.
func (d *doctor) database(ctx context.Context, cfg config.Config, key *models.DataKey, keySound bool) *models.Lifetimes {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	if cfg.Database.Driver == "sqlite" {
		if _, err := os.Stat(cfg.Database.DSN.Reveal()); errors.Is(err, fs.ErrNotExist) {
			d.note("database", "%s is made at the first start", cfg.Database.DSN.Reveal())
			return initialLifetimes(cfg)
		}
	}
	store, err := models.Open(ctx, models.Options{Driver: cfg.Database.Driver, DSN: cfg.Database.DSN.Reveal(), MaxOpen: doctorConnections, DataKey: key})
	if err != nil {
		cure := "start the server, and check host, port, user, password and database in database.dsn (mysql 1045: user or password; 1044, 1049: database)"
		if cfg.Database.Driver == "sqlite" {
			cure = "check that " + cfg.Database.DSN.Reveal() + " is a database of imbridge that this user may write"
		}
		d.wrong("database", err.Error(), cure)
		return nil
	}
	defer func() { _ = store.Close() }()
	pending, err := store.Pending(ctx)
	if err != nil {
		d.wrong("database", err.Error(), "check what database.dsn leads to, and the rights of its user")
		return nil
	}
	if pending > 0 {
		d.wrong("schema", fmt.Sprintf("%d steps are missing", pending), "imbridge migrate up")
		return nil
	}
	d.well("schema", "up to date")
	d.nodes(store.Nodes(ctx, doctorConnections))
	if !d.writable(ctx, store) {
		return nil
	}
	all, err := store.Lifetimes(ctx)
	if err != nil {
		d.wrong("database", err.Error(), "check the rights of the user in database.dsn")
		return nil
	}
	admins, err := store.Admins(ctx)
	if err != nil {
		d.wrong("database", err.Error(), "check the rights of the user in database.dsn")
		return nil
	}
	if all.Default.Version == 0 && admins == 0 {
		// Unlock would tie the key of today to it.
		d.note("database", "nobody has used it yet; the first start ties the data key to it")
		return initialLifetimes(cfg)
	}
	d.unlock(ctx, cfg, store, key, keySound)
	if admins == 0 {
		d.note("admin", "there is none; make one: imbridge admin create --name N --password-stdin")
	}
	d.queue(ctx, store)
	d.allowLists(ctx, cfg, store)
	if all.Default.Version == 0 {
		all.Default = initialLifetimes(cfg).Default
	}
	return &all
}

// nodes looks whether all connections lead to one server.
func (d *doctor) nodes(nodes []string, err error) {
	switch {
	case err != nil:
		d.wrong("database", err.Error(), "check the rights of the user in database.dsn")
	case len(nodes) > 1:
		d.wrong("database", fmt.Sprintf("connections lead to %d servers: %s", len(nodes), strings.Join(nodes, ", ")),
			"let database.dsn lead to one node at a time: name one, or a proxy that changes the node only when it has failed")
	case len(nodes) == 1:
		d.well("database", "%d connections lead to one server", doctorConnections)
	}
}

// queueAge is for how long the cloud may lag behind before that is a finding.
const queueAge = 10 * time.Minute

func (d *doctor) queue(ctx context.Context, store *models.Store) {
	q, err := store.OutboxStats(ctx)
	age := time.Since(q.OldestAt)
	switch {
	case err != nil:
		d.wrong("queue", err.Error(), "check the rights of the user in database.dsn")
	case q.Buried > 0:
		d.wrong("queue", fmt.Sprintf("%d changes will never reach the cloud", q.Buried), "imbridge admin queue list --state buried tells why; then retry or drop them")
	case q.Waiting > 0 && age > queueAge:
		d.wrong("queue", fmt.Sprintf("%d changes wait for the cloud, the oldest for %s", q.Waiting, age.Round(time.Second)), "see that imbridge serve runs and reaches the cloud")
	default:
		d.well("queue", "%d changes wait for the cloud", q.Waiting)
	}
}

// initialLifetimes are those of a database that the first start still has to fill.
func initialLifetimes(cfg config.Config) *models.Lifetimes {
	l, err := tokens.ParseLifetime(cfg.IM.Lifetime)
	if err != nil {
		return nil // the settings have been checked
	}
	return &models.Lifetimes{Default: models.LifetimeRow{Lifetime: time.Duration(l)}}
}

func (d *doctor) writable(ctx context.Context, store *models.Store) bool {
	skew, err := store.Probe(ctx)
	switch {
	case err != nil:
		d.wrong("database", err.Error(), "make it writable: free disk space, no read-only replica, rights to write")
		return false
	case skew.Abs() > maxSkew:
		d.wrong("clock", fmt.Sprintf("the database's clock is %s off ours", skew.Round(time.Millisecond)), "keep both in time by NTP")
	default:
		d.well("database", "writes and reads; clock within %s", maxSkew)
	}
	return true
}

func (d *doctor) unlock(ctx context.Context, cfg config.Config, store *models.Store, key *models.DataKey, keySound bool) {
	switch {
	case !keySound: // said already
	case key == nil:
		d.wrong("data key", cfg.DataKeyFile()+" is missing, and this database was sealed with a data key",
			"put that one back, or set keys.data_key to it")
	default:
		if err := store.Unlock(ctx); err != nil {
			d.wrong("data key", err.Error(), "set keys.data_key (or "+cfg.DataKeyFile()+") to the one that this database was made with")
			return
		}
		d.olderKeys(ctx, store, key)
	}
}

// olderKeys tells whether the data key holds keys that could go.
func (d *doctor) olderKeys(ctx context.Context, store *models.Store, key *models.DataKey) {
	if key.Older() == 0 {
		return
	}
	n, err := store.UnderOlderKey(ctx)
	switch {
	case err != nil:
		d.wrong("data key", err.Error(), "check the rights of the user in database.dsn")
	case n == 0:
		d.note("data key", "no row needs an older key; imbridge admin rotate-data-key --drop-older takes it out")
	default:
		d.note("data key", "%d rows are still under an older key; imbridge admin reseal", n)
	}
}

func (d *doctor) cloud(ctx context.Context, cfg config.Config) {
	if cfg.IM.Cloud == "sandbox" {
		d.note("cloud", "the sandbox; it starts with imbridge serve")
		return
	}
	client, err := openCloud(cfg, nil)
	if err != nil {
		d.wrong("cloud", err.Error(), "correct im."+cfg.IM.Cloud)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	err = client.checker.Check(ctx)
	switch im.KindOf(err) {
	case "":
		if err == nil {
			d.well("cloud", "%s accepts app key %s and its secret", cfg.IM.Cloud, client.AppKey())
			return
		}
		d.wrong("cloud", err.Error(), "try again")
	case im.Unauthorized:
		d.wrong("cloud", err.Error(), "copy app key and app secret from the cloud's console (they are two), and check the data centre and the list of allowed addresses there")
	case im.Invalid:
		d.wrong("cloud", err.Error(), "keep this machine's clock in time by NTP")
	case im.Throttled, im.Quota:
		d.wrong("cloud", err.Error(), "look at the plan and its limits in the cloud's console; several processes share them by im."+cfg.IM.Cloud+".quota_percent")
	default:
		d.wrong("cloud", err.Error(), "check the network, im."+cfg.IM.Cloud+".region and im."+cfg.IM.Cloud+".base_url")
	}
}

// lifetimes compares what admins set with what the cloud's console allows: a
// token never lives longer than that, whatever they chose.
func (d *doctor) lifetimes(cfg config.Config, all models.Lifetimes) {
	console := cfg.ConsoleLifetime()
	longer := func(l time.Duration) bool { return console > 0 && (l == 0 || l > console) }
	const raise = "raise the lifetime in the cloud's console and im.rongcloud.console_lifetime with it, or "
	switch {
	case !longer(all.Default.Lifetime):
	case all.Default.Version == 0:
		d.wrong("lifetimes", fmt.Sprintf("im.lifetime is %s, the cloud's console says %s", tokens.Lifetime(all.Default.Lifetime), tokens.Lifetime(console)),
			raise+"set im.lifetime to a shorter one")
		return
	default:
		d.wrong("lifetimes", fmt.Sprintf("the default is %s, the cloud's console says %s", tokens.Lifetime(all.Default.Lifetime), tokens.Lifetime(console)),
			raise+"set a shorter default: PUT /v1/admin/lifetimes/default")
		return
	}
	for _, u := range all.Users {
		if longer(u.Lifetime) {
			d.wrong("lifetimes", fmt.Sprintf("user %s has %s, the cloud's console says %s", u.UserID, tokens.Lifetime(u.Lifetime), tokens.Lifetime(console)),
				raise+"set a shorter one: PUT /v1/admin/lifetimes/users/"+u.UserID)
			return
		}
	}
	d.well("lifetimes", "none is longer than the cloud's")
}
