package rongcloud

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"imbridge/tokens/im"
)

// Codes that are looked at by name.
const (
	codeOK          = 200
	codeNoUser      = 400
	codeInternal    = 1000
	codeParameter   = 1002
	codeNotThere    = 1015
	codeTimeout     = 1050
	codeThrottled   = 1008
	throttledPause  = time.Second // limits count in seconds
	longestMessage  = 200         // bytes, the contract's limit
	longestRetryHdr = 24 * time.Hour
)

// kinds says what each code means for a caller. Sources: the code page at
// https://docs.rongcloud.io/platform-chat-api, and docs/errorcode.md of the
// Node server SDK. Codes of calls that we do not make are left out.
var kinds = map[int]im.Kind{
	codeNoUser:    im.UnknownUser,
	404:           im.Invalid,     // unknown path
	codeInternal:  im.Unavailable, // "internal error"
	1001:          im.Unauthorized,
	codeParameter: im.Invalid,
	1003:          im.Invalid, // no data, or a bad number of minutes
	1004:          im.Unauthorized,
	1005:          im.Invalid,      // parameter too long
	1006:          im.Unauthorized, // app locked or deleted
	1007:          im.Unauthorized, // not from this address
	codeThrottled: im.Throttled,
	1009:          im.Quota, // the plan lacks the service, until somebody buys it
	1010:          im.Quota,
	1011:          im.Quota,
	codeNotThere:  im.Conflict, // the thing to delete does not exist
	codeTimeout:   im.Unknown,  // the cloud's own timeout: nobody knows what was done
	1501:          im.Invalid,  // wrong type
	1502:          im.Invalid,  // too many items
	1508:          im.Invalid,  // body over 100 kB
	2007:          im.Quota,    // registered users of the app
}

// kindOfCode decides by the code, and for one that is new to us by the status.
func kindOfCode(code, status int) im.Kind {
	if k, ok := kinds[code]; ok {
		return k
	}
	return kindOfStatus(status)
}

// kindOfPage decides where the body is none of the cloud's: some proxy or
// portal spoke. Nothing that it says is final.
func kindOfPage(status int) im.Kind {
	switch status {
	case http.StatusTooManyRequests:
		return im.Throttled
	case http.StatusServiceUnavailable:
		return im.Unavailable
	}
	return im.Unknown
}

func kindOfStatus(status int) im.Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return im.Unauthorized
	case status == http.StatusTooManyRequests:
		return im.Throttled
	case status == 430: // RongCloud's own: service not enabled
		return im.Quota
	case status == http.StatusServiceUnavailable:
		return im.Unavailable
	case status == http.StatusRequestTimeout:
		return im.Unknown
	case status >= 400 && status < 500:
		return im.Invalid
	}
	return im.Unknown
}

// judge turns what arrived into an answer or an error. Again is true for the
// failures that another host may not have.
func judge(o op, status int, header http.Header, body []byte, clean func(string) string) outcome {
	a, err := decode(body)
	if err == nil && a.code == codeOK && status/100 == 2 {
		return outcome{answer: a}
	}
	e := &im.Error{Cloud: name, Op: o.path, HTTPStatus: status}
	switch {
	case err != nil:
		e.Kind, e.Message = kindOfPage(status), err.Error()
	case a.code == codeOK:
		// A success in a failure's clothes: trust neither.
		e.Kind, e.Code, e.Message = im.Unknown, a.code, "the code says success, the HTTP status does not"
	default:
		message := a.message
		if a.token != "" {
			message = strings.ReplaceAll(message, a.token, removed)
		}
		e.Kind, e.Code, e.Message = kindOfCode(a.code, status), a.code, short(clean(message))
	}
	if e.Kind == im.Throttled || e.Kind == im.Unavailable {
		e.RetryAfter = retryAfter(header)
	}
	if e.Kind == im.Throttled && e.RetryAfter == 0 {
		e.RetryAfter = throttledPause
	}
	return outcome{err: e, again: status >= 500 || a.code == codeInternal || a.code == codeTimeout}
}

// retryAfter reads the header's seconds; a date is not worth trusting two
// clocks for.
func retryAfter(header http.Header) time.Duration {
	s, err := strconv.Atoi(strings.TrimSpace(header.Get("Retry-After")))
	if err != nil || s <= 0 {
		return 0
	}
	return min(time.Duration(min(s, 1<<20))*time.Second, longestRetryHdr)
}

// unanswered is the failure of an attempt that brought no whole answer.
// Caller is the context of the call, which outlives the attempt's own.
func unanswered(caller context.Context, o op, status int, err error, sent bool, clean func(string) string) outcome {
	e := &im.Error{Cloud: name, Op: o.path, Kind: im.Unknown, HTTPStatus: status}
	if !sent || neverSent(err) {
		e.Kind = im.Unavailable
	}
	var timeout net.Error
	switch {
	case errors.Is(caller.Err(), context.Canceled):
		e.Err, e.Message = context.Canceled, "the caller went away"
	case caller.Err() != nil:
		e.Err, e.Message = context.DeadlineExceeded, "no answer before the caller's deadline"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Err, e.Message = context.DeadlineExceeded, "no answer in time"
	default:
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address: it says nothing that Op does not
		}
		// The cause itself is not kept: nobody knows what its text holds.
		e.Message = short(clean(err.Error()))
	}
	return outcome{err: e, again: caller.Err() == nil}
}

// neverSent is true for failures to connect.
func neverSent(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	var lookup *net.DNSError
	return errors.As(err, &lookup)
}

const removed = "[removed]"

// tokenShape is what connect tokens (base64 of 24 bytes and more) and
// signatures look like, wherever in a message. Our user ids are shorter.
var tokenShape = regexp.MustCompile(`[A-Za-z0-9+/=_%-]{32,}(@[^\s"',]*)?`)

// cleaner removes the secret, in clear and as a URL would carry it, and
// whatever looks like a token.
func cleaner(secret string) func(string) string {
	own := strings.NewReplacer(secret, removed, url.QueryEscape(secret), removed, url.PathEscape(secret), removed)
	return func(s string) string {
		return tokenShape.ReplaceAllString(own.Replace(s), removed)
	}
}

// short makes a message fit for a log line: valid, on one line, 200 bytes.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= longestMessage {
		return s
	}
	s = s[:longestMessage]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
