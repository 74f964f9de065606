package models

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// resealPasses bounds how often Reseal goes through all tables: what a process
// that still has the older keyset writes behind it needs another pass.
const resealPasses = 5

// A sealedTable has a column of sealed bytes.
type sealedTable struct {
	name, column string
	// group is the first column of a primary key of two, or empty; id is the last.
	group, id string
	// extra is a column that names the row to the seal, where the key does not.
	extra string
	// only narrows the rows; may be empty.
	only string
	// first is below every id.
	first string
	// place is the column and the row that the bytes are bound to.
	place func(r sealedRow) (column, row string)
}

// sealedTables are all of them, in the order in which they are walked.
var sealedTables = []sealedTable{
	{name: "bridge_state", column: "value", id: "name", only: "name = 'mac_key'", place: func(r sealedRow) (string, string) { return "value", r.id }},
	{name: "signing_keys", column: "private_sealed", id: "seq", extra: "kid", first: "0", place: func(r sealedRow) (string, string) { return "private", r.extra }},
	{name: "sessions", column: "key_sealed", id: "id", place: func(r sealedRow) (string, string) { return "key", r.id }},
	{name: "im_tokens", column: "token_sealed", group: "cloud_app", id: "user_id", place: func(r sealedRow) (string, string) { return "token", r.group + "/" + r.id }},
	{name: "im_passwords", column: "password_sealed", id: "user_id", place: func(r sealedRow) (string, string) { return "password", r.id }},
}

// A sealedRow is one row of a walk. Its sealed bytes are nil where the primary
// key has sealed them.
type sealedRow struct {
	group, id, extra string
	sealed           []byte
}

// A resealCursor is how far a walk has come. It is for the key with the prefix
// Key alone.
type resealCursor struct {
	Key   []byte `json:"key"`
	Table int    `json:"table"`
	Group string `json:"group"`
	ID    string `json:"id"`
}

// Resealed is what Reseal came to.
type Resealed struct {
	// Rows that this call sealed anew.
	Rows int64
	// Unreadable rows open with no key of the keyset. They were left as they are.
	Unreadable int64
	// Left is how many rows are still under another key at the end, Unreadable
	// ones included: more only where a process with an older keyset goes on writing.
	Left int64
}

// UnderOlderKey counts the rows that the primary data key has not sealed. It
// reads all rows.
func (s *Store) UnderOlderKey(ctx context.Context) (int64, error) {
	total := int64(0)
	prefix := s.dataKey.ring.Load().prefix
	if len(prefix) == 0 {
		return 0, nil // a key that leaves no mark
	}
	for _, t := range sealedTables {
		var n int64
		query := "SELECT COUNT(*) FROM " + t.name + " WHERE " + t.column + " IS NOT NULL AND SUBSTR(" + t.column + ", 1, 5) <> ?"
		if t.only != "" {
			query += " AND " + t.only
		}
		if err := s.sql.QueryRowContext(ctx, query, prefix).Scan(&n); err != nil {
			return 0, fmt.Errorf("count rows under an older key: %w", s.translate(err))
		}
		total += n
	}
	return total, nil
}

// DataKey is the key that the store was opened with; nil for none.
func (s *Store) DataKey() *DataKey { return s.dataKey }

// Reseal seals anew, with the primary data key, what an older one has sealed. It
// walks batch rows at a time and swaps each by its old bytes, so that it may run
// beside writers and beside other processes that do the same. Where it ends early
// the next call goes on from there. Progress, if not nil, is told after each
// batch how many rows were resealed; its error ends the walk and comes back.
func (s *Store) Reseal(ctx context.Context, batch int, progress func(rows int64) error) (Resealed, error) {
	var done Resealed
	prefix := s.dataKey.ring.Load().prefix
	if len(prefix) == 0 {
		return done, nil
	}
	at, err := s.resealCursor(ctx, prefix)
	if err != nil {
		return done, fmt.Errorf("reseal: %w", err)
	}
	for pass := 1; ; pass++ {
		done.Unreadable = 0
		if err := s.resealPass(ctx, at, batch, &done, progress); err != nil {
			return done, fmt.Errorf("reseal: %w", err)
		}
		if done.Left, err = s.UnderOlderKey(ctx); err != nil {
			return done, err
		}
		// A pass that began in the middle has not met all that cannot be read.
		if done.Left <= done.Unreadable || pass == resealPasses {
			break
		}
		at = resealCursor{Key: prefix}
	}
	if _, err := s.write(ctx, "DELETE FROM bridge_state WHERE name = 'reseal'"); err != nil {
		return done, fmt.Errorf("reseal: %w", err)
	}
	return done, nil
}

func (s *Store) resealPass(ctx context.Context, at resealCursor, batch int, done *Resealed, progress func(rows int64) error) error {
	for ; at.Table < len(sealedTables); at = (resealCursor{Key: at.Key, Table: at.Table + 1}) {
		t := sealedTables[at.Table]
		if at.ID == "" {
			at.ID = t.first
		}
		for more := true; more; {
			var rows []sealedRow
			var err error
			if rows, at, more, err = s.sealedRows(ctx, t, at, batch); err != nil {
				return err
			}
			if err := s.resealRows(ctx, t, rows, done); err != nil {
				return err
			}
			if err := s.saveCursor(ctx, at); err != nil {
				return err
			}
			if progress != nil {
				if err := progress(done.Rows); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sealedRows reads the next rows of a table and moves the cursor behind them.
func (s *Store) sealedRows(ctx context.Context, t sealedTable, at resealCursor, batch int) (rows []sealedRow, next resealCursor, more bool, err error) {
	columns := []string{t.id, "''", "CASE WHEN SUBSTR(" + t.column + ", 1, 5) <> ? THEN " + t.column + " END"}
	if t.extra != "" {
		columns[1] = t.extra
	}
	where, args := t.id+" > ?", []any{at.Key, at.ID}
	if t.group != "" {
		where, args = t.group+" = ? AND "+where, []any{at.Key, at.Group, at.ID}
	}
	if t.only != "" {
		where += " AND " + t.only
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + t.name + " WHERE " + where + " ORDER BY " + t.id + " LIMIT ?" //nolint:gosec // our own names
	found, err := s.sql.QueryContext(ctx, query, append(args, batch)...)
	if err != nil {
		return nil, at, false, s.translate(err)
	}
	defer func() { _ = found.Close() }()
	read := 0
	for ; found.Next(); read++ {
		r := sealedRow{group: at.Group}
		if err := found.Scan(&r.id, &r.extra, &r.sealed); err != nil {
			return nil, at, false, s.translate(err)
		}
		at.ID = r.id
		if r.sealed != nil {
			rows = append(rows, r)
		}
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return nil, at, false, s.translate(err)
	}
	if read == batch {
		return rows, at, true, nil
	}
	if t.group == "" {
		return rows, at, false, nil
	}
	var group sql.NullString
	if err := s.sql.QueryRowContext(ctx, "SELECT MIN("+t.group+") FROM "+t.name+" WHERE "+t.group+" > ?", at.Group).Scan(&group); err != nil {
		return nil, at, false, s.translate(err)
	}
	if group.Valid {
		at.Group, at.ID = group.String, ""
	}
	return rows, at, group.Valid, nil
}

// resealRows swaps rows by their old bytes: who wrote in between has won.
func (s *Store) resealRows(ctx context.Context, t sealedTable, rows []sealedRow, done *Resealed) error {
	fresh := make([][]byte, len(rows))
	for i, r := range rows {
		column, row := t.place(r)
		plain, err := s.dataKey.open(r.sealed, t.name, column, row)
		if err != nil {
			done.Unreadable++
			continue
		}
		if fresh[i], err = s.dataKey.seal(plain, t.name, column, row); err != nil {
			return err
		}
	}
	swapped := int64(0)
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		swapped = 0
		for i, r := range rows {
			if fresh[i] == nil {
				continue
			}
			query, args := "UPDATE "+t.name+" SET "+t.column+" = ? WHERE "+t.id+" = ? AND "+t.column+" = ?", []any{fresh[i], r.id, r.sealed}
			if t.group != "" {
				query, args = query+" AND "+t.group+" = ?", append(args, r.group)
			}
			res := tx.Exec(query, args...)
			if res.Error != nil {
				return res.Error
			}
			swapped += res.RowsAffected
		}
		return nil
	})
	if err == nil {
		done.Rows += swapped
	}
	return err
}

// resealCursor is where the last walk for the same key ended, or the beginning.
func (s *Store) resealCursor(ctx context.Context, prefix []byte) (resealCursor, error) {
	begin := resealCursor{Key: prefix}
	var raw []byte
	err := s.sql.QueryRowContext(ctx, "SELECT value FROM bridge_state WHERE name = 'reseal'").Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		text, err := json.Marshal(begin)
		if err != nil {
			return begin, err
		}
		_, err = s.write(ctx, "INSERT INTO bridge_state (name, value, updated_at) VALUES ('reseal', ?, ?)", text, s.nowMicros())
		if isDuplicate(err) {
			err = nil // another process begins too
		}
		return begin, err
	}
	if err != nil {
		return begin, s.translate(err)
	}
	var at resealCursor
	if err := json.Unmarshal(raw, &at); err == nil && bytes.Equal(at.Key, prefix) {
		return at, nil
	}
	return begin, nil
}

func (s *Store) saveCursor(ctx context.Context, at resealCursor) error {
	text, err := json.Marshal(at)
	if err != nil {
		return err
	}
	_, err = s.write(ctx, "UPDATE bridge_state SET value = ?, updated_at = ? WHERE name = 'reseal'", text, s.nowMicros())
	return err
}

// RecordDataKey notes that an operator changed the data key.
func (s *Store) RecordDataKey(ctx context.Context, action, actor string, o Origin) error {
	if !slices.Contains([]string{"data_key.rotate", "data_key.prepare", "data_key.drop", "data_key.reseal"}, action) {
		return fmt.Errorf("record data key: unknown action %q", action)
	}
	return s.inTx(ctx, func(tx *gorm.DB) error { return s.audit(tx, o, actor, action, "data_key", nil) })
}
