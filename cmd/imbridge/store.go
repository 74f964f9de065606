package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"imbridge/config"
	"imbridge/models"
)

// databasePatience is how long a start waits for a database that does not
// answer yet, as when both were started together.
const databasePatience = 30 * time.Second

// dataKey reads the key from the settings, or from the data folder, where the
// first start makes it.
func dataKey(cfg config.Config) (key *models.DataKey, made bool, err error) {
	if cfg.Keys.DataKey.IsSet() {
		key, err := models.ParseDataKey(cfg.Keys.DataKey.Reveal())
		if err != nil {
			return nil, false, fmt.Errorf("keys.data_key: %w", err)
		}
		return key, false, nil
	}
	path := cfg.DataKeyFile()
	text, made, err := keepSecret(path, func() (string, error) {
		_, text, err := models.NewDataKey()
		return text, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("data key: %w", err)
	}
	if key, err = models.ParseDataKey(text); err != nil {
		return nil, false, fmt.Errorf("data key in %s: %w", path, err)
	}
	key.Reread = func() (string, error) {
		raw, err := os.ReadFile(path)
		return strings.TrimSpace(string(raw)), err
	}
	return key, made, nil
}

// keepSecret reads a secret from a file, or makes it and keeps it there for its
// owner alone. Of two processes that start at once one makes it.
func keepSecret(path string, generate func() (string, error)) (text string, made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", false, err
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(raw)), false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	if text, err = generate(); err != nil {
		return "", false, err
	}
	// Written aside and linked, so that nobody reads half of it and the second of
	// two cannot replace the first's.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return "", false, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(text + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return "", false, err
	}
	err = os.Link(tmp.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false, err
	}
	made = err == nil
	raw, err = os.ReadFile(path)
	return strings.TrimSpace(string(raw)), made, err
}

// openDatabase connects, and waits a while for a server that is not up yet.
func openDatabase(ctx context.Context, cfg config.Config, key *models.DataKey, log *slog.Logger) (*models.Store, error) {
	o := models.Options{
		Driver: cfg.Database.Driver, DSN: cfg.Database.DSN.Reveal(), MaxOpen: cfg.Database.MaxOpen, DataKey: key, Now: clock(), Log: log,
		Hasher: &models.Hasher{Parallel: cfg.Password.Parallel, Queue: cfg.Password.Queue},
		Rules:  models.SessionRules{Refresh: cfg.Session.RefreshLifetime, Max: cfg.Session.MaxLifetime, Grace: cfg.Session.RefreshGrace},
		Throttle: models.Throttle{AccountFree: cfg.Throttle.AccountFree, AddressFree: cfg.Throttle.AddressFree,
			Delay: cfg.Throttle.Delay, MaxDelay: cfg.Throttle.MaxDelay, Window: cfg.Throttle.Window},
	}
	ctx, cancel := context.WithTimeout(ctx, databasePatience)
	defer cancel()
	for {
		store, err := models.Open(ctx, o)
		if err == nil {
			stepsOf(store)
		}
		if err == nil || !errors.Is(err, models.ErrUnavailable) || cfg.Database.Driver == "sqlite" {
			return store, err
		}
		log.WarnContext(ctx, "waiting for the database", "err", err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

// openStore is openDatabase and all that must be true before it is used: the
// schema is up to date and the data key fits.
func openStore(ctx context.Context, cfg config.Config, log *slog.Logger) (*models.Store, error) {
	key, made, err := dataKey(cfg)
	if err != nil {
		return nil, err
	}
	store, err := openDatabase(ctx, cfg, key, log)
	if err != nil {
		return nil, err
	}
	err = readyStore(ctx, cfg, store, log)
	if err == nil {
		return store, nil
	}
	_ = store.Close()
	switch {
	case errors.Is(err, models.ErrWrongDataKey) && made:
		// A key that opens nothing must not stay where the lost one belongs.
		_ = os.Remove(cfg.DataKeyFile())
		return nil, fmt.Errorf("%s is missing, and this database was sealed with a data key: put that one back, or set keys.data_key to it", cfg.DataKeyFile())
	case errors.Is(err, models.ErrWrongDataKey):
		return nil, fmt.Errorf("%w; it was sealed with another one: set keys.data_key (or %s) to that one", err, cfg.DataKeyFile())
	}
	return nil, err
}

func readyStore(ctx context.Context, cfg config.Config, store *models.Store, log *slog.Logger) error {
	if cfg.Database.Driver == "sqlite" || cfg.Database.MigrateOnStart {
		steps, err := store.Migrate(ctx)
		if err != nil {
			return err
		}
		for _, s := range steps {
			log.DebugContext(ctx, "schema step taken", "version", s.Version, "name", s.Name)
		}
	}
	pending, err := store.Pending(ctx)
	if err != nil {
		return err
	}
	if pending > 0 {
		return fmt.Errorf("the database lacks %d schema steps; take them with \"imbridge migrate up\", or set database.migrate_on_start", pending)
	}
	return store.Unlock(ctx)
}
