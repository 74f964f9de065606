package rongcloud

import (
	"net/http"
	"strings"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

// Codes that are looked at by name.
const (
	codeOK         = 200
	codeNoUser     = 400
	codeInternal   = 1000
	codeParameter  = 1002
	codeNotThere   = 1015
	codeTimeout    = 1050
	codeThrottled  = 1008
	throttledPause = time.Second // limits count in seconds
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
func judge(o calls.Op, r calls.Reply, clean func(string) string) (answer, calls.Outcome) {
	a, err := decode(r.Body)
	if err == nil && a.code == codeOK && r.Status/100 == 2 {
		return a, calls.Outcome{}
	}
	e := &im.Error{Cloud: name, Op: o.Path, HTTPStatus: r.Status}
	switch {
	case err != nil:
		e.Kind, e.Message = calls.KindOfPage(r.Status), err.Error()
	case a.code == codeOK:
		// A success in a failure's clothes: trust neither.
		e.Kind, e.Code, e.Message = im.Unknown, a.code, "the code says success, the HTTP status does not"
	default:
		message := a.message
		if a.token != "" {
			message = strings.ReplaceAll(message, a.token, calls.Removed)
		}
		e.Kind, e.Code, e.Message = kindOfCode(a.code, r.Status), a.code, calls.Short(clean(message))
	}
	if e.Kind == im.Throttled || e.Kind == im.Unavailable {
		e.RetryAfter = calls.RetryAfter(r.Header)
	}
	if e.Kind == im.Throttled && e.RetryAfter == 0 {
		e.RetryAfter = throttledPause
	}
	return answer{}, calls.Outcome{Err: e, Again: r.Status >= 500 || a.code == codeInternal || a.code == codeTimeout}
}
