package models

import (
	"errors"
	"fmt"
	"time"
)

// Errors that callers branch on.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrStale: somebody else changed the row first.
	ErrStale = errors.New("changed by somebody else meanwhile")
	// ErrUnavailable: the database does not answer or cannot write now.
	ErrUnavailable = errors.New("database unavailable")
	// ErrBadCredentials: unknown login or wrong password; nobody is told which.
	ErrBadCredentials = errors.New("login or password is wrong")
	// ErrSessionEnded: the session was ended, has run out or never was.
	ErrSessionEnded = errors.New("session has ended")
	// ErrRefreshInvalid: not a refresh token of ours.
	ErrRefreshInvalid = errors.New("refresh token is invalid")
	// ErrRefreshReplayed: an old refresh token came back; its session was ended.
	ErrRefreshReplayed = errors.New("refresh token was used before; its session has been ended")
	// ErrBanned: the person is banned.
	ErrBanned = errors.New("user is banned")
	// ErrKeyReused: an idempotency key came with another request than before.
	ErrKeyReused = errors.New("idempotency key was used with another request")
	// ErrKeySpent: the registration behind an idempotency key has ended since.
	ErrKeySpent = errors.New("what this idempotency key made has ended")
	// ErrHashBusy: too many password hashes are waiting.
	ErrHashBusy = errors.New("too many logins at once")
	// ErrWrongDataKey: the data key does not open what this database holds.
	ErrWrongDataKey = errors.New("the data key does not open this database")
)

// A TakenError names the field whose value somebody else has.
type TakenError struct {
	Field string
	// Also are other fields of the same input of which this is so.
	Also []string
}

func (e *TakenError) Error() string { return e.Field + " is taken" }

// A FieldError says what is wrong with one field of an input. It never holds
// the value.
type FieldError struct {
	Field string
	Wrong string // "must have 3 to 32 characters"
}

func (e *FieldError) Error() string { return e.Field + " " + e.Wrong }

// A ThrottledError says when the next attempt will be looked at.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts, again in %s", e.RetryAfter.Round(time.Second))
}
