package im

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Kind says what a caller can do about a failure.
type Kind string

// The kinds of failure.
const (
	// Unauthorized: our app key or secret is wrong, locked or not allowed from
	// here. Final until somebody changes the configuration.
	Unauthorized Kind = "unauthorized"
	// UnknownUser: the cloud does not know the user.
	UnknownUser Kind = "unknown_user"
	// Conflict: what we asked for clashes with what is there.
	Conflict Kind = "conflict"
	// Invalid: the cloud refuses the request as it is. Repeating it is useless.
	Invalid Kind = "invalid"
	// Throttled: too many calls; again after RetryAfter.
	Throttled Kind = "throttled"
	// Quota: a cap of the plan is reached. Final until somebody raises it.
	Quota Kind = "quota"
	// Unavailable: the cloud did not do it and may do it later.
	Unavailable Kind = "unavailable"
	// Unknown: sent, but no answer that can be understood. It may have happened.
	Unknown Kind = "unknown"
)

// An Error is the failure of one call to a cloud. It holds no secret and no
// token: clients build it from codes and from the cloud's own short message.
type Error struct {
	Cloud string // name of the client, "rongcloud"
	Op    string // what was called, "/user/getToken.json"
	Kind  Kind
	// Code is the cloud's own, zero when there was none.
	Code int
	// HTTPStatus is zero when no HTTP answer arrived.
	HTTPStatus int
	// Message is the cloud's or the transport's, at most 200 bytes.
	Message string
	// RetryAfter is how long to wait; zero when nobody knows.
	RetryAfter time.Duration
	// Err is the cause below, context.DeadlineExceeded for one. May be nil.
	Err error
}

// Error reads "rongcloud: /user/getToken.json: throttled: code 1008 (http 429): too many".
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", e.Cloud, e.Op, e.Kind)
	if e.Code != 0 {
		fmt.Fprintf(&b, ": code %d", e.Code)
	}
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, " (http %d)", e.HTTPStatus)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	return b.String()
}

// Unwrap gives the cause below.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the *Error in err's chain, and "" where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Temporary tells whether the same call may succeed later without anybody
// changing anything.
func Temporary(err error) bool {
	switch KindOf(err) {
	case Throttled, Unavailable, Unknown:
		return true
	}
	return false
}
