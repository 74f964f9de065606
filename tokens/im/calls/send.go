package calls

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"imbridge/tokens/im"
)

const (
	// LongestAnswer in bytes, unpacked. A full page of a list is 70 kB.
	LongestAnswer = 1 << 20

	longestRetryHeader = 24 * time.Hour
)

// NewHTTP keeps connections for 50 s (RongCloud's documentation asks for less than
// 55 s), follows no redirect, and makes a POST never twice by itself.
func NewHTTP() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSHandshakeTimeout:   3 * time.Second,
			ForceAttemptHTTP2:     true,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       50 * time.Second,
			ExpectContinueTimeout: time.Second,
		},
		// A request with credentials belongs to the host it was made for.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An Attempt is one request to a cloud.
type Attempt struct {
	Cloud string // name of the client
	Op    Op
	HTTP  *http.Client
	// Timeout is the time from the name lookup to the last byte of the answer.
	Timeout time.Duration
	// Clean takes credentials and tokens out of the transport's words.
	Clean func(string) string
	// Build makes the request.
	Build func(ctx context.Context) (*http.Request, error)
}

// A Reply is what a cloud answered, unpacked and whole.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send returns the reply, or the outcome where none arrived whole. Caller is the
// context of the call, which outlives the attempt's own.
func (a Attempt) Send(caller context.Context) (Reply, *Outcome) {
	ctx, cancel := context.WithTimeout(caller, a.Timeout)
	defer cancel()
	var dialing, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { dialing.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := a.Build(ctx)
	if err != nil {
		return Reply{}, a.unanswered(caller, 0, err, false)
	}
	resp, err := a.HTTP.Do(req)
	if err != nil {
		// A transport that reports nothing to the trace may have sent it.
		return Reply{}, a.unanswered(caller, 0, err, connected.Load() || !dialing.Load())
	}
	defer resp.Body.Close()
	body, err := read(resp)
	if err != nil {
		return Reply{}, a.unanswered(caller, resp.StatusCode, err, true)
	}
	if len(body) > LongestAnswer {
		return Reply{}, &Outcome{
			Err: &im.Error{
				Cloud: a.Cloud, Op: a.Op.Path, Kind: im.Unknown, HTTPStatus: resp.StatusCode,
				Message: "the answer is longer than 1 MiB",
			},
			Again: resp.StatusCode >= 500,
		}
	}
	return Reply{resp.StatusCode, resp.Header, body}, nil
}

// read returns at most one byte more than the longest answer. The transport
// unpacks only what it asked for; some proxies pack unasked.
func read(resp *http.Response) ([]byte, error) {
	var body io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" && !resp.Uncompressed {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = unpacked
	}
	return io.ReadAll(io.LimitReader(body, LongestAnswer+1))
}

// unanswered is the failure of an attempt that brought no whole answer.
func (a Attempt) unanswered(caller context.Context, status int, err error, sent bool) *Outcome {
	e := &im.Error{Cloud: a.Cloud, Op: a.Op.Path, Kind: im.Unknown, HTTPStatus: status}
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
		e.Message = Short(a.Clean(err.Error()))
	}
	return &Outcome{Err: e, Again: caller.Err() == nil}
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

// KindOfPage decides where the body is none of the cloud's: some proxy or
// portal spoke. Nothing that it says is final.
func KindOfPage(status int) im.Kind {
	switch status {
	case http.StatusTooManyRequests:
		return im.Throttled
	case http.StatusServiceUnavailable:
		return im.Unavailable
	}
	return im.Unknown
}

// RetryAfter reads the header's seconds; a date is not worth trusting two
// clocks for.
func RetryAfter(header http.Header) time.Duration {
	s, err := strconv.Atoi(strings.TrimSpace(header.Get("Retry-After")))
	if err != nil || s <= 0 {
		return 0
	}
	return min(time.Duration(min(s, 1<<20))*time.Second, longestRetryHeader)
}
