package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	// maxSkew between the database's clock and ours, above which leases and
	// lifetimes of several processes drift apart.
	maxSkew = time.Second
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong, and say how to cure it", Args: cobra.NoArgs,
		Long: `Checks the settings, the data key, the database with its clock and schema, the cloud's
credentials by a harmless call, and the lifetimes against the cloud's console. It changes
nothing. Exit status 1 when anything is wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{app: a}
			d.examine(cmd.Context())
			if d.found == 0 {
				fmt.Fprintln(a.stdout, "nothing is wrong")
				return nil
			}
			fmt.Fprintf(a.stdout, "%d found\n", d.found)
			return errFound
		},
	}
}

type doctor struct {
	*app
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
	key := d.dataKey(cfg)
	store := d.database(ctx, cfg, key)
	if store != nil {
		defer store.Close()
	}
	cloud := d.cloud(ctx, cfg)
	if store != nil && cloud != nil {
		d.lifetimes(ctx, store, *cloud)
	}
}

func (d *doctor) config(err error) {
	var problems *config.Problems
	if !errors.As(err, &problems) {
		d.wrong("config", err.Error(), "name a file that can be read with --config")
		return
	}
	for _, p := range problems.List {
		name := p.Key
		if name == "" {
			name = p.Where
		}
		cure := "see " + name + " in imbridge.example.yaml"
		if p.Example != "" {
			cure = "for example " + p.Example
		}
		d.wrong("config", name+": "+p.Wrong, cure)
	}
}

// dataKey looks at the key without making one.
func (d *doctor) dataKey(cfg config.Config) *models.DataKey {
	path := cfg.DataKeyFile()
	if !cfg.Keys.DataKey.IsSet() {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			d.note("data key", "%s is made at the first start", path)
			return nil
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			d.wrong("data key", fmt.Sprintf("%s can be read by others (%s)", path, info.Mode().Perm()), "chmod 600 "+path)
		}
	}
	key, err := dataKey(cfg)
	if err != nil {
		d.wrong("data key", err.Error(), "restore the key that the database was sealed with")
		return nil
	}
	d.well("data key", "can be read")
	return key
}

func (d *doctor) database(ctx context.Context, cfg config.Config, key *models.DataKey) *models.Store {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	if cfg.Database.Driver == "sqlite" {
		if _, err := os.Stat(cfg.Database.DSN.Reveal()); errors.Is(err, fs.ErrNotExist) {
			d.note("database", "%s is made at the first start", cfg.Database.DSN.Reveal())
			return nil
		}
	}
	store, err := models.Open(ctx, models.Options{Driver: cfg.Database.Driver, DSN: cfg.Database.DSN.Reveal(), MaxOpen: 2, DataKey: key})
	if err != nil {
		d.wrong("database", err.Error(), "start the server, and check host, name, user and password in database.dsn")
		return nil
	}
	pending, err := store.Pending(ctx)
	switch {
	case err != nil:
		d.wrong("database", err.Error(), "check the rights of the user in database.dsn")
	case pending > 0:
		d.wrong("schema", fmt.Sprintf("%d steps are missing", pending), "imbridge migrate up")
	default:
		d.well("schema", "up to date")
		if d.unlocked(ctx, cfg, store, key) {
			return store
		}
	}
	_ = store.Close()
	return nil
}

func (d *doctor) unlocked(ctx context.Context, cfg config.Config, store *models.Store, key *models.DataKey) bool {
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
	if key == nil {
		return false
	}
	if err := store.Unlock(ctx); err != nil {
		d.wrong("data key", err.Error(), "set keys.data_key (or "+cfg.DataKeyFile()+") to the key that this database was made with")
		return false
	}
	if n, err := store.Admins(ctx); err == nil && n == 0 {
		d.note("admin", "there is none; imbridge admin create makes one")
	}
	return true
}

func (d *doctor) cloud(ctx context.Context, cfg config.Config) *cloud {
	if cfg.IM.Cloud == "sandbox" {
		d.note("cloud", "the sandbox; it starts with imbridge serve")
		return nil
	}
	client, err := openCloud(cfg, nil)
	if err != nil {
		d.wrong("cloud", err.Error(), "correct im.rongcloud")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	err = client.checker.Check(ctx)
	switch im.KindOf(err) {
	case "":
		if err == nil {
			d.well("cloud", "%s accepts app key %s and its secret", cfg.IM.Cloud, client.AppKey())
			return &client
		}
		d.wrong("cloud", err.Error(), "try again")
	case im.Unauthorized:
		d.wrong("cloud", err.Error(), "copy app key and app secret from the cloud's console (they are two), and check region and address list there")
	case im.Invalid:
		d.wrong("cloud", err.Error(), "keep this machine's clock in time by NTP")
	default:
		d.wrong("cloud", err.Error(), "check the network, im.rongcloud.region and im.rongcloud.base_url")
	}
	return &client
}

// lifetimes compares what admins set with what the console allows. A token that
// the cloud ends earlier than we think is refused while we still hand it out.
func (d *doctor) lifetimes(ctx context.Context, store *models.Store, client cloud) {
	all, err := store.Lifetimes(ctx)
	if err != nil {
		d.wrong("lifetimes", err.Error(), "try again")
		return
	}
	longer := func(l time.Duration) bool { return client.lifetime > 0 && (l == 0 || l > client.lifetime) }
	if all.Default.Version > 0 && longer(all.Default.Lifetime) {
		d.wrong("lifetimes", fmt.Sprintf("the default is %s, the cloud's console says %s", tokens.Lifetime(all.Default.Lifetime), tokens.Lifetime(client.lifetime)),
			"raise the lifetime in the console and im.rongcloud.console_lifetime with it, or set a shorter default")
		return
	}
	for _, u := range all.Users {
		if longer(u.Lifetime) {
			d.wrong("lifetimes", fmt.Sprintf("user %s has %s, the cloud's console says %s", u.UserID, tokens.Lifetime(u.Lifetime), tokens.Lifetime(client.lifetime)),
				"raise the lifetime in the console and im.rongcloud.console_lifetime with it, or set a shorter one for the user")
			return
		}
	}
	d.well("lifetimes", "none is longer than the cloud's")
}
