package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// What the servers say, by number. The first group means that the transaction
// lost against another and may be run again as a whole; measured on one MySQL,
// on Group Replication and on Galera.
var mysqlConflict = map[uint16]bool{
	1020: true, // record has changed since last read (MariaDB's snapshot isolation)
	1205: true, // lock wait timeout
	1213: true, // deadlock, or a Galera certification failure
	3101: true, // Group Replication certification failure
}

// A commit that fails with 1180 was lost to another transaction only when this
// number stands in its message; otherwise nobody knows what became of it.
const mysqlErrorDuringCommit, certificationVictim = 1180, "149"

// These say that the server did nothing because it must not, or not yet.
var mysqlRefused = map[uint16]bool{
	1047: true,                         // Galera node not ready ("WSREP has not yet prepared node")
	1290: true, 1792: true, 1836: true, // read-only
	3100: true, // a Group Replication hook refused, and rolled back
}

// The second group means that this server cannot do it now.
var mysqlUnavailable = map[uint16]bool{
	1040: true,                                     // too many connections
	1047: true,                                     // Galera node not ready
	1053: true,                                     // server shutdown in progress
	1290: true,                                     // read-only: a secondary, or a cut-off minority
	1836: true,                                     // read-only mode
	1792: true,                                     // read-only transaction
	3100: true,                                     // Group Replication hook failed
	1021: true,                                     // disk full
	1114: true,                                     // table full
	1158: true, 1159: true, 1160: true, 1161: true, // network
	1927: true,             // connection was killed
	2006: true, 2013: true, // server gone, connection lost
	1045: true, 1044: true, 1049: true, // access denied, unknown database
}

// The third group means that the value which was looked for holds characters
// that the column cannot hold, so that no row can match: ids and keys are ASCII,
// what clients send need not be.
var mysqlIncomparable = map[uint16]bool{
	1267: true, // illegal mix of collations (MariaDB)
	3854: true, // cannot convert string (MySQL)
	3988: true, // conversion impossible for parameter (MySQL, prepared)
}

// SQLite's primary result codes.
const (
	sqliteBusy      = 5
	sqliteLocked    = 6
	sqliteReadOnly  = 8
	sqliteInterrupt = 9 // the context ended while a statement ran
	sqliteIOErr     = 10
	sqliteFull      = 13
	sqliteCantOpen  = 14
	sqliteUnique    = 2067
	sqlitePrimary   = 1555
)

func sqliteCode(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return 0
}

func (s *Store) conflict(err error) bool {
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) {
		return mysqlConflict[my.Number] || my.Number == mysqlErrorDuringCommit && strings.Contains(my.Message, certificationVictim)
	}
	code := sqliteCode(err) & 0xff
	return code == sqliteBusy || code == sqliteLocked
}

// refused tells that the server did nothing of it, and that another one, or the
// same a little later, may.
func (s *Store) refused(err error) bool {
	var my *mysqldriver.MySQLError
	return errors.As(err, &my) && mysqlRefused[my.Number]
}

// lost tells that the connection broke, and with it, unless it was committing,
// the transaction.
func (s *Store) lost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) {
		return my.Number == 2006 || my.Number == 2013 || my.Number == 1927 || my.Number == 1053
	}
	var netErr net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysqldriver.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &netErr)
}

// duplicate returns the name of the unique index, or of the column, that a
// write ran into; "" when err is another error.
func duplicate(err error) string {
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) && my.Number == 1062 {
		// Duplicate entry '…' for key 'users.users_email_key'. The value may hold
		// quotes, so the name is read from the end.
		m := strings.TrimSuffix(my.Message, "'")
		if i := strings.LastIndexByte(m, '\''); i >= 0 {
			m = m[i+1:]
		}
		if i := strings.LastIndexByte(m, '.'); i >= 0 {
			m = m[i+1:]
		}
		return m
	}
	if c := sqliteCode(err); c == sqliteUnique || c == sqlitePrimary {
		// constraint failed: UNIQUE constraint failed: users.email_key (2067)
		m := err.Error()
		if i := strings.LastIndex(m, "failed: "); i >= 0 {
			m = m[i+len("failed: "):]
		}
		m, _, _ = strings.Cut(m, " (")
		return strings.ReplaceAll(m, ".", "_")
	}
	return ""
}

// translate turns what the driver says into an error of ours. Messages of a
// server may quote values, so that none of them is kept, only their numbers.
func (s *Store) translate(err error) error {
	if err == nil {
		return nil
	}
	var my *mysqldriver.MySQLError
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrTxDone):
		// Rolled back behind our back, which happens when the context ends in the
		// middle of a transaction.
		return fmt.Errorf("transaction not committed: %w", context.DeadlineExceeded)
	case errors.As(err, &my):
		switch {
		case s.conflict(err), my.Number == mysqlErrorDuringCommit:
			return fmt.Errorf("%w: lost against other transactions (mysql %d)", ErrUnavailable, my.Number)
		case mysqlUnavailable[my.Number]:
			return fmt.Errorf("%w: mysql %d", ErrUnavailable, my.Number)
		case mysqlIncomparable[my.Number]:
			return ErrNotFound
		case my.Number == 1062:
			return &duplicateError{index: duplicate(err)}
		}
		return fmt.Errorf("mysql error %d (%s)", my.Number, string(my.SQLState[:]))
	}
	if code := sqliteCode(err); code != 0 {
		switch code & 0xff {
		case sqliteBusy, sqliteLocked, sqliteReadOnly, sqliteIOErr, sqliteFull, sqliteCantOpen:
			return fmt.Errorf("%w: sqlite %d", ErrUnavailable, code)
		}
		if code == sqliteInterrupt {
			return fmt.Errorf("interrupted: %w", context.DeadlineExceeded)
		}
		if index := duplicate(err); index != "" {
			return &duplicateError{index: index}
		}
		return fmt.Errorf("sqlite error %d", code)
	}
	if s.closed.Load() || s.lost(err) {
		return fmt.Errorf("%w: connection lost", ErrUnavailable)
	}
	return err
}

// A duplicateError is a write that ran into a unique index.
type duplicateError struct{ index string }

func (e *duplicateError) Error() string { return "duplicate in " + e.index }

// taken turns a duplicate in one of the given indexes into a TakenError that
// names the field.
func taken(err error, fields map[string]string) error {
	var d *duplicateError
	if errors.As(err, &d) {
		if f, ok := fields[d.index]; ok {
			return &TakenError{Field: f}
		}
	}
	return err
}

func isDuplicate(err error) bool {
	var d *duplicateError
	return errors.As(err, &d)
}
