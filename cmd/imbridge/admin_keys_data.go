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

	"github.com/spf13/cobra"

	"imbridge/config"
	"imbridge/models"
)

const (
	// resealBatch is how many rows `admin reseal` swaps in one transaction.
	resealBatch = 200
	// A server reseals resealBehindBatch rows every resealBehindPause, so that
	// nobody feels it: 100 rows a second.
	resealBehindBatch = 50
	resealBehindPause = 500 * time.Millisecond
	// rereadEvery is how often a server looks whether the data key's file has a
	// newer key.
	rereadEvery = time.Minute
	// recountEvery is how often it looks for rows under an older key when it has
	// found none.
	recountEvery = time.Hour
)

func (a *app) rotateDataKeyCommand() *cobra.Command {
	var prepare, drop bool
	var output string
	c := &cobra.Command{
		Use: "rotate-data-key [--prepare | --drop-older] [--output FILE]", Short: "Make a new data key", Args: cobra.NoArgs, DisableFlagsInUseLine: true,
		Long: `Adds a new key to the data key, which seals from now on; the older one stays to open what
it sealed. A generated key is replaced in its file, the old file is kept beside it as
data.key.old, and running servers take the new one up within a minute. For a key that a
setting holds, the new text is written to --output: put it where the setting comes from
and restart. Then "imbridge admin reseal", or let the servers do it slowly.

Servers that are restarted one after the other need the new key before anything is sealed
with it: make it with --prepare, give it to all of them, and run the command again
without. When nothing needs the older keys any more, --drop-older takes them out: two
minutes after the file was replaced at the earliest, for servers to have read it; with a
key that a setting holds, only when all servers have been restarted with the new text,
which nobody but you can know. A backup of the database from before needs the data key
from before.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			step, action := models.KeyRotate, "data_key.rotate"
			switch {
			case prepare:
				step, action = models.KeyPrepare, "data_key.prepare"
			case drop:
				step, action = models.KeyDropOlder, "data_key.drop"
			}
			ctx := cmd.Context()
			return a.withSettings(ctx, func(cfg config.Config, store *models.Store) error {
				if cfg.Keys.DataKey.IsSet() != (output != "") {
					return keyPlaceError(cfg)
				}
				if drop {
					if err := nothingUnderOlderKey(ctx, store); err != nil {
						return err
					}
					if output == "" && store.DataKey().Older() > 0 {
						if err := settled(cfg.DataKeyFile(), time.Now()); err != nil {
							return err
						}
					}
				}
				if err := store.RecordDataKey(ctx, action, operator, models.Origin{}); err != nil {
					return err
				}
				if output != "" {
					return a.writeNextKey(cfg.Keys.DataKey.Reveal(), output, step)
				}
				return a.replaceDataKey(cfg.DataKeyFile(), step)
			})
		},
	}
	c.Flags().BoolVar(&prepare, "prepare", false, "add a key that only opens; the next rotation lets it seal")
	c.Flags().BoolVar(&drop, "drop-older", false, "take out the keys that nothing needs any more")
	c.Flags().StringVar(&output, "output", "", "new `file` for the next text of a key that a setting holds")
	c.MarkFlagsMutuallyExclusive("prepare", "drop-older")
	return c
}

func keyPlaceError(cfg config.Config) error {
	if cfg.Keys.DataKey.IsSet() {
		return errors.New("keys.data_key is set: name a new file for its next text with --output")
	}
	return fmt.Errorf("the data key is in %s and is replaced there; --output is for one that a setting holds", cfg.DataKeyFile())
}

func nothingUnderOlderKey(ctx context.Context, store *models.Store) error {
	n, err := store.UnderOlderKey(ctx)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d rows still need an older data key; run \"imbridge admin reseal\" first", n)
	}
	return err
}

// settled refuses while a server may not have read the file since it was replaced:
// one that still seals with a key which is gone by then takes no newer file.
func settled(path string, now time.Time) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	age := now.Sub(info.ModTime())
	left := 2*rereadEvery - age
	if left <= 0 {
		return nil
	}
	ago := "less than a minute ago"
	if age >= time.Minute {
		ago = "a minute ago"
	}
	return fmt.Errorf("%s was replaced %s, and servers may not have read it since: wait for another %s", path, ago, (left + time.Second - 1).Truncate(time.Second))
}

// writeNextKey leaves the old text where it is: only the operator can replace it.
func (a *app) writeNextKey(text, output string, step models.KeyStep) error {
	next, err := models.RotateDataKey(text, step)
	if err != nil {
		return err
	}
	if err := writeSecret(output, next); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "the next data key is in %s; put it where keys.data_key comes from, and restart\n", output)
	return nil
}

// replaceDataKey swaps the generated key's file. The new one is written aside
// first, which also keeps two who rotate at once apart: of two new keys made from
// one old file one would be lost, with what it sealed.
func (a *app) replaceDataKey(path string, step models.KeyStep) (err error) {
	aside := path + ".new"
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: another rotation is under way, or one was cut off; remove it if there is none", aside)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(aside)
		}
	}()
	old, err := os.ReadFile(path)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	next, err := models.RotateDataKey(strings.TrimSpace(string(old)), step)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	_, err = f.WriteString(next + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := keepOld(path, old); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s has the next data key, %s.old the one before; copy it to where its copy is kept\n", path, path)
	return nil
}

func keepOld(path string, old []byte) error {
	tmp := path + ".old.new"
	_ = os.Remove(tmp) // left by one that was cut off
	if err := writeSecret(tmp, strings.TrimSpace(string(old))); err != nil {
		return err
	}
	return os.Rename(tmp, path+".old")
}

// writeSecret writes a line to a file that does not exist yet, for its owner alone.
func writeSecret(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes a rename in it outlast a crash of the machine.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (a *app) resealCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reseal", Short: "Seal anew what an older data key has sealed", Args: cobra.NoArgs,
		Long: `Seals with the newest data key what older ones have sealed. It may run beside servers and
be stopped at any time: the next run goes on from there. Servers do the same by
themselves, slowly.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.withStore(ctx, func(store *models.Store) error {
				total, err := store.UnderOlderKey(ctx)
				if err != nil {
					return err
				}
				if total == 0 {
					fmt.Fprintln(a.stdout, "no row needs an older data key")
					return nil
				}
				if err := store.RecordDataKey(ctx, "data_key.reseal", operator, models.Origin{}); err != nil {
					return err
				}
				show := newResealProgress(a.stderr, total)
				done, err := store.Reseal(ctx, resealBatch, func(rows int64) error {
					show.at(rows)
					return ctx.Err()
				})
				show.end()
				if ctx.Err() != nil {
					return fmt.Errorf("stopped after %d rows; the next run goes on from there", done.Rows)
				}
				if err != nil {
					return err
				}
				return a.tellResealed(done)
			})
		},
	}
}

func (a *app) tellResealed(done models.Resealed) error {
	fmt.Fprintf(a.stdout, "%d rows sealed anew\n", done.Rows)
	switch {
	case done.Left == 0:
		fmt.Fprintln(a.stdout, "no row needs an older data key any more")
		return nil
	case done.Unreadable > 0:
		return fmt.Errorf("%d rows open with no key: they are damaged, or were sealed with one that the data key lacks; their people get new tokens, or log in again", done.Unreadable)
	}
	return fmt.Errorf("%d rows are still under an older key: a running server has not got the new one; restart it and repeat", done.Left)
}

// resealBehind looks for a newer data key and seals anew, slowly, what older ones
// have sealed, until ctx ends.
func resealBehind(ctx context.Context, store *models.Store, log *slog.Logger) error {
	var recount time.Time
	older := -1
	for {
		if err := store.DataKey().Refresh(); err != nil {
			log.WarnContext(ctx, "data key not read anew", "err", err)
		}
		if now := store.DataKey().Older(); now != older || !time.Now().Before(recount) {
			older, recount = now, time.Now().Add(recountEvery)
			if older > 0 {
				resealOnce(ctx, store, log)
			}
		}
		if err := wait(ctx, rereadEvery); err != nil {
			return nil //nolint:nilerr // it was told to end
		}
	}
}

func resealOnce(ctx context.Context, store *models.Store, log *slog.Logger) {
	n, err := store.UnderOlderKey(ctx)
	if err == nil && n == 0 {
		return
	}
	var done models.Resealed
	if err == nil {
		log.InfoContext(ctx, "sealing anew what an older data key has sealed", "rows", n)
		done, err = store.Reseal(ctx, resealBehindBatch, func(int64) error { return wait(ctx, resealBehindPause) })
	}
	switch {
	case err == nil:
		log.InfoContext(ctx, "sealed anew", "rows", done.Rows, "unreadable", done.Unreadable, "left", done.Left)
	case ctx.Err() == nil:
		log.WarnContext(ctx, "sealing anew put off", "err", err)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
