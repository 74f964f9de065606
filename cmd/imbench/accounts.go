package main

import (
	"context"
	"crypto/sha512"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"imbridge/models"
)

const (
	// chunk is how many accounts are stored in one transaction: one INSERT for
	// each table, below SQLite's 32766 parameters.
	chunk = 1000
	// lifetime of the connect tokens. They were issued within its first half, so
	// that none is renewed while the run lasts.
	lifetime = 30 * 24 * time.Hour
)

// An account is known by its number alone: nothing is read back after loading.
type account int

func (a account) userID() string    { return fmt.Sprintf("01bench%019d", int(a)) }
func (a account) sessionID() string { return fmt.Sprintf("01sess%020d", int(a)) }

// token is as long as RongCloud's are.
func (a account) token() string {
	sum := sha512.Sum512([]byte("connect token of bench account " + strconv.Itoa(int(a))))
	return base64.StdEncoding.EncodeToString(sum[:]) + "@bench.cn.rongnav.example;bench.sg.rongnav.example"
}

// issued is when the account's token was minted.
func (a account) issued(now time.Time) time.Time {
	return now.Add(-time.Duration(int(a)%1000) * lifetime / 2000)
}

// A loader stores accounts beside the store, as fast as the database takes them.
type loader struct {
	db            *sql.DB
	store         *models.Store // only to seal
	app           string
	secretVersion int64
	passwordHash  string
	now           time.Time
	parallel      int
}

// load stores n accounts and tells progress of each chunk.
func (l *loader) load(ctx context.Context, n int, progress func(int)) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range l.parallel {
		g.Go(func() error {
			conn, err := l.db.Conn(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			for ctx.Err() == nil {
				from := int(next.Add(chunk)) - chunk
				if from >= n {
					return nil
				}
				to := min(from+chunk, n)
				if err := l.chunk(ctx, conn, from, to); err != nil {
					return fmt.Errorf("load accounts %d to %d: %w", from, to-1, err)
				}
				progress(to - from)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

func (l *loader) chunk(ctx context.Context, conn *sql.Conn, from, to int) error {
	users := newRows("users", "id, im_id, username, username_key, nickname, password_hash, im_state, created_at, updated_at")
	sessions := newRows("sessions", "id, user_id, counter, key_sealed, device, ip, user_agent, created_at, rotated_at, last_used_at, expires_at")
	tokens := newRows("im_tokens", "cloud_app, user_id, token_sealed, fingerprint, generation, secret_version, issued_at, epoch, last_fetched_at")
	now := l.now.UnixMicro()
	for i := from; i < to; i++ {
		a := account(i)
		id, value := a.userID(), a.token()
		sealed, err := l.store.SealToken(l.app, id, value)
		if err != nil {
			return err
		}
		name := "bench" + strconv.Itoa(i)
		issued := a.issued(l.now).UnixMicro()
		users.add(id, id, name, name, "Bench "+strconv.Itoa(i), l.passwordHash, models.IMReady, issued, now)
		// Nobody refreshes these sessions; their keys only have the size of one.
		sessions.add(a.sessionID(), id, 1, sealed[:65], "a phone", "192.0.2.1", "imbench/1", issued, now, now, l.now.Add(lifetime).UnixMicro())
		tokens.add(l.app, id, sealed, models.Fingerprint(value), 1, l.secretVersion, issued, 1, now)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, r := range []*rows{users, sessions, tokens} {
		if _, err := tx.ExecContext(ctx, r.query(), r.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// rows collects the rows of one INSERT.
type rows struct {
	table, columns string
	width          int
	args           []any
}

func newRows(table, columns string) *rows {
	width := strings.Count(columns, ",") + 1
	return &rows{table: table, columns: columns, width: width, args: make([]any, 0, chunk*width)}
}

func (r *rows) add(values ...any) { r.args = append(r.args, values...) }

func (r *rows) query() string {
	row := "(?" + strings.Repeat(", ?", r.width-1) + ")"
	return "INSERT INTO " + r.table + " (" + r.columns + ") VALUES " + row + strings.Repeat(", "+row, len(r.args)/r.width-1)
}
