package easemob

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

// throttledPause: limits count in seconds, and no answer tells how long to wait.
const throttledPause = time.Second

// Names of refusals that are looked at.
const (
	nameDuplicate  = "duplicate_unique_property_exists"
	nameConcurrent = "concurrent_operation_error"
)

// kinds says what each name means for a caller, where the name alone tells.
// Sources: error.html and the pages of the calls at
// https://doc.easemob.com/document/server-side/.
var kinds = map[string]im.Kind{
	"json_parse":                         im.Invalid,
	"illegal_argument":                   im.Invalid,
	"invalid_parameter":                  im.Invalid,
	"invalid_request_body":               im.Invalid,
	"required_property_not_found":        im.Invalid,
	nameDuplicate:                        im.Conflict,
	"unauthorized":                       im.Unauthorized,
	"auth_bad_access_token":              im.Unauthorized,
	"exceed_limit":                       im.Quota,
	"group_error":                        im.Invalid,
	"group_name_violation":               im.Invalid,
	"FORBIDDEN":                          im.Quota, // of metadata, whose store has a size
	"service_resource_not_found":         im.UnknownUser,
	"entity_not_found":                   im.UnknownUser,
	"organization_application_not_found": im.Unauthorized, // the app key is wrong
	"storage_object_not_found":           im.Invalid,
	nameConcurrent:                       im.Conflict,
	"CONFLICT":                           im.Conflict,
	"UNSUPPORTED_MEDIA_TYPE":             im.Invalid,
	"INTERNAL_SERVER_ERROR":              im.Unavailable,
	"reach_limit":                        im.Throttled,
	"resource_limited":                   im.Quota, // of the edition: not a matter of waiting
	"no_full_text_index":                 im.Invalid,
	"unsupported_service_operation":      im.Invalid,
	"web_application":                    im.Invalid, // a wrong address, or body
}

// wordings tell apart what one name stands for, in the order given; the words are
// part of what the cloud's documentation promises. The last one of a name is for
// all others.
var wordings = map[string][]struct {
	words string
	kind  im.Kind
}{
	"invalid_grant": {
		{"client_id", im.Unauthorized},
		{"client_secret", im.Unauthorized},
		{"user not found", im.UnknownUser},
		{"not activated", im.Conflict}, // banned there
		{"", im.Invalid},
	},
	"forbidden_op": {
		{"unopened", im.Quota}, // a service that somebody has to switch on
		{"", im.Invalid},
	},
	"resource_not_found": {
		{"username", im.UnknownUser},
		{"", im.Invalid}, // a group
	},
	"management": {
		{"User with id", im.UnknownUser},
		{"", im.Invalid},
	},
}

// kindOf decides by name and words, and for a name that is new to us by the
// status.
func kindOf(name, description string, status int) im.Kind {
	if k, ok := kinds[name]; ok {
		return k
	}
	for _, w := range wordings[name] {
		if strings.Contains(description, w.words) {
			return w.kind
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		return im.Unauthorized
	case status == http.StatusTooManyRequests:
		return im.Throttled
	case status == http.StatusServiceUnavailable:
		return im.Unavailable
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return im.Invalid
	}
	return im.Unknown
}

// A refusal is the cloud's own name of an error, as the cause of an *im.Error.
type refusal string

func (r refusal) Error() string { return string(r) }

// refusedAs tells whether err is the cloud's refusal of that name.
func refusedAs(err error, name string) bool {
	var r refusal
	return errors.As(err, &r) && string(r) == name
}

// judge turns what arrived into an answer or an error.
func judge(o calls.Op, r calls.Reply, clean func(string) string) (answer, calls.Outcome) {
	a, err := decode(r.Body)
	if err == nil && r.Status/100 == 2 && a.sound() {
		return a, calls.Outcome{}
	}
	e := &im.Error{Cloud: name, Op: o.Path, HTTPStatus: r.Status}
	refused := a.text("error")
	switch {
	case err != nil:
		e.Kind, e.Message = calls.KindOfPage(r.Status), err.Error()
	case refused == "":
		e.Kind, e.Message = calls.KindOfPage(r.Status), "the answer is none of this cloud's"
	case r.Status/100 == 2:
		// A failure in a success's clothes: trust neither.
		e.Kind, e.Message = im.Unknown, "the body says failure, the HTTP status does not"
	default:
		description := a.text("error_description")
		e.Kind, e.Message = kindOf(refused, description, r.Status), calls.Short(clean(refused+": "+description))
		if code, ok := calls.JSONNumber(a["error_code"]); ok {
			e.Code = int(code)
		}
		if len(refused) <= 64 && calls.Visible(refused) {
			e.Err = refusal(refused)
		}
	}
	if e.Kind == im.Throttled || e.Kind == im.Unavailable {
		e.RetryAfter = calls.RetryAfter(r.Header)
	}
	if e.Kind == im.Throttled && e.RetryAfter == 0 {
		e.RetryAfter = throttledPause
	}
	return nil, calls.Outcome{Err: e, Again: r.Status >= 500 && (e.Kind == im.Unknown || e.Kind == im.Unavailable)}
}

// odd is an answer that is a success and lacks what it should have.
func odd(o calls.Op, message string) error {
	return &im.Error{Cloud: name, Op: o.Path, Kind: im.Unknown, HTTPStatus: http.StatusOK, Message: message}
}

func invalid(o calls.Op, message string) error {
	return &im.Error{Cloud: name, Op: o.Path, Kind: im.Invalid, Message: "not sent: " + message}
}
