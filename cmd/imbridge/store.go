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
func dataKey(cfg config.Config) (*models.DataKey, error) {
	if cfg.Keys.DataKey.IsSet() {
		key, err := models.ParseDataKey(cfg.Keys.DataKey.Reveal())
		if err != nil {
			return nil, fmt.Errorf("keys.data_key: %w", err)
		}
		return key, nil
	}
	path := cfg.DataKeyFile()
	text, err := keepSecret(path, func() (string, error) {
		_, text, err := models.NewDataKey()
		return text, err
	})
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	key, err := models.ParseDataKey(text)
	if err != nil {
		return nil, fmt.Errorf("data key in %s: %w", path, err)
	}
	return key, nil
}

// keepSecret reads a secret from a file, or makes it and keeps it there for its
// owner alone. Of two processes that start at once one makes it.
func keepSecret(path string, generate func() (string, error)) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(raw)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text, err := generate()
	if err != nil {
		return "", err
	}
	// Written aside and linked, so that nobody reads half of it and the second of
	// two cannot replace the first's.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return "", err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	raw, err = os.ReadFile(path)
	return strings.TrimSpace(string(raw)), err
}

// openDatabase connects, and waits a while for a server that is not up yet.
func openDatabase(ctx context.Context, cfg config.Config, key *models.DataKey, log *slog.Logger) (*models.Store, error) {
	o := models.Options{
		Driver: cfg.Database.Driver, DSN: cfg.Database.DSN.Reveal(), MaxOpen: cfg.Database.MaxOpen, DataKey: key, Log: log,
		Hasher: &models.Hasher{Parallel: cfg.Password.Parallel, Queue: cfg.Password.Queue},
		Rules:  models.SessionRules{Refresh: cfg.Session.RefreshLifetime, Max: cfg.Session.MaxLifetime, Grace: cfg.Session.RefreshGrace},
		Throttle: models.Throttle{AccountFree: cfg.Throttle.AccountFree, AddressFree: cfg.Throttle.AddressFree,
			Delay: cfg.Throttle.Delay, MaxDelay: cfg.Throttle.MaxDelay, Window: cfg.Throttle.Window},
	}
	ctx, cancel := context.WithTimeout(ctx, databasePatience)
	defer cancel()
	for {
		store, err := models.Open(ctx, o)
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
	key, err := dataKey(cfg)
	if err != nil {
		return nil, err
	}
	store, err := openDatabase(ctx, cfg, key, log)
	if err != nil {
		return nil, err
	}
	if err := readyStore(ctx, cfg, store, log); err != nil {
		_ = store.Close()
		return nil, err
	}
	return store, nil
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
	err = store.Unlock(ctx)
	if errors.Is(err, models.ErrWrongDataKey) {
		return fmt.Errorf("%w; it was sealed with another one: set keys.data_key (or %s) to that one", err, cfg.DataKeyFile())
	}
	return err
}
