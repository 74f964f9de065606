package calls

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"imbridge/tokens/im"
)

// A toy client speaks to a cloud whose every answer has a code, where 200 is well.
type toy struct {
	HTTP    *http.Client
	policy  *Policy
	timeout time.Duration
	percent int
	list    []string
}

const goodToken = `{"code":200}`

var (
	opToken   = Op{Path: "/token", Class: "token"}
	opProfile = Op{Path: "/profile", Class: "profile"}
)

// cloudFunc is a cloud in the process, behind no network.
type cloudFunc func(*http.Request) (*http.Response, error)

func (f cloudFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// always answers every call alike.
func always(status int, body string) cloudFunc {
	return func(*http.Request) (*http.Response, error) { return reply(status, body), nil }
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// newToy has two hosts unless change says otherwise.
func newToy(t testing.TB, cloud http.RoundTripper, change ...func(*toy)) *toy {
	t.Helper()
	c := &toy{HTTP: &http.Client{Transport: cloud}, timeout: 5 * time.Second, percent: 90, list: []string{"https://" + primary, "https://" + backup}}
	for _, f := range change {
		f(c)
	}
	c.policy = NewPolicy("toy", c.list, map[Class]int{"token": 200, "profile": 100}, c.percent)
	return c
}

func at(url string) func(*toy) { return func(c *toy) { c.list = []string{url} } }

func (c *toy) Breaker() string { return c.policy.Breaker() }

func (c *toy) call(ctx context.Context, o Op) error {
	err := c.policy.Run(ctx, o, func(string, string, time.Duration) {}, func(ctx context.Context, base string) Outcome {
		attempt := Attempt{Cloud: "toy", Op: o, HTTP: c.HTTP, Timeout: c.timeout, Clean: Cleaner("secret"), Build: func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodPost, base+o.Path, nil)
		}}
		r, failed := attempt.Send(ctx)
		if failed != nil {
			return *failed
		}
		return judge(o, r)
	})
	if err != nil {
		return err
	}
	return nil
}

func judge(o Op, r Reply) Outcome {
	var a struct{ Code int }
	e := &im.Error{Cloud: "toy", Op: o.Path, HTTPStatus: r.Status, RetryAfter: RetryAfter(r.Header)}
	switch err := json.Unmarshal(r.Body, &a); {
	case err != nil:
		e.Kind = KindOfPage(r.Status)
	case a.Code == 200:
		return Outcome{}
	default:
		e.Code, e.Kind = a.Code, map[int]im.Kind{1: im.Unavailable, 2: im.Unknown, 8: im.Throttled, 4: im.Unauthorized}[a.Code]
	}
	if e.Kind == "" {
		e.Kind = im.Invalid
	}
	if e.Kind == im.Throttled && e.RetryAfter == 0 {
		e.RetryAfter = time.Second
	}
	return Outcome{Err: e, Again: r.Status >= 500 || a.Code == 1 || a.Code == 2}
}

// wantKind returns the error as what it must be.
func wantKind(t testing.TB, err error, want im.Kind) *im.Error {
	t.Helper()
	var e *im.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("error = %v, want an *im.Error of kind %q", err, want)
	}
	return e
}

func mint(ctx context.Context, c *toy) error { return c.call(ctx, opToken) }
