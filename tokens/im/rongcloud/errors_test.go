package rongcloud

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

func TestEachCodeHasItsKind(t *testing.T) {
	for _, c := range []struct {
		code, status int
		want         im.Kind
	}{
		{400, 400, im.UnknownUser}, {404, 404, im.Invalid}, {405, 405, im.Invalid},
		{1000, 500, im.Unavailable}, {1001, 401, im.Unauthorized}, {1002, 400, im.Invalid}, {1003, 400, im.Invalid},
		{1004, 401, im.Unauthorized}, {1005, 400, im.Invalid}, {1006, 401, im.Unauthorized}, {1007, 401, im.Unauthorized},
		{1008, 429, im.Throttled}, {1009, 430, im.Quota}, {1010, 430, im.Quota}, {1011, 400, im.Quota}, {1015, 200, im.Conflict},
		{1050, 504, im.Unknown}, {1501, 400, im.Invalid}, {1502, 400, im.Invalid}, {1508, 400, im.Invalid}, {2007, 403, im.Quota},
		// The code decides, whatever the status.
		{1004, 200, im.Unauthorized}, {1008, 200, im.Throttled}, {2007, 500, im.Quota},
		// Codes of tomorrow.
		{9999, 200, im.Unknown}, {9999, 400, im.Invalid}, {9999, 401, im.Unauthorized}, {9999, 403, im.Unauthorized},
		{9999, 408, im.Unknown}, {9999, 429, im.Throttled}, {9999, 430, im.Quota}, {9999, 500, im.Unknown}, {9999, 503, im.Unavailable},
		// Success and failure at once.
		{200, 500, im.Unknown}, {200, 404, im.Unknown}, {200, 302, im.Unknown},
	} {
		_, got := judge(opInfo, calls.Reply{Status: c.status, Header: http.Header{}, Body: fmt.Appendf(nil, `{"code":%d,"errorMessage":"why"}`, c.code)}, calls.Cleaner(secret))
		if got.Err == nil || got.Err.Kind != c.want || got.Err.Code != c.code || got.Err.HTTPStatus != c.status {
			t.Errorf("code %d with status %d = %+v, want kind %q", c.code, c.status, got.Err, c.want)
		}
	}
}

func TestAPageThatIsNotTheCloudsIsNeverFinal(t *testing.T) {
	for status, want := range map[int]im.Kind{
		200: im.Unknown, 204: im.Unknown, 302: im.Unknown, 400: im.Unknown, 401: im.Unknown, 403: im.Unknown, 404: im.Unknown,
		429: im.Throttled, 500: im.Unknown, 502: im.Unknown, 503: im.Unavailable, 504: im.Unknown,
	} {
		for _, body := range []string{"", "<html>sign in</html>", `{"code":`} {
			_, got := judge(opInfo, calls.Reply{Status: status, Header: http.Header{}, Body: []byte(body)}, calls.Cleaner(secret))
			if got.Err == nil || got.Err.Kind != want {
				t.Errorf("status %d with body %q = %v, want kind %q", status, body, got.Err, want)
			}
		}
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": time.Second, "7": 7 * time.Second, " 7 ": 7 * time.Second, "0": time.Second, "-3": time.Second, "soon": time.Second,
		"Wed, 21 Oct 2015 07:28:00 GMT": time.Second, "99999999999999999999": time.Second, "9999999": 24 * time.Hour,
	} {
		_, got := judge(opInfo, calls.Reply{Status: 429, Header: http.Header{"Retry-After": {header}}, Body: []byte(`{"code":1008}`)}, calls.Cleaner(secret))
		if got.Err.RetryAfter != want {
			t.Errorf("Retry-After %q = %v, want %v", header, got.Err.RetryAfter, want)
		}
	}
	_, got := judge(opInfo, calls.Reply{Status: 503, Header: http.Header{"Retry-After": {"7"}}, Body: nil}, calls.Cleaner(secret))
	if got.Err.RetryAfter != 7*time.Second {
		t.Errorf("Retry-After with 503 = %v, want 7s", got.Err.RetryAfter)
	}
}

// A cloud that echoes what it was sent, or what it issued, must not put it
// into our logs.
func TestNoSecretAndNoTokenReachesAnError(t *testing.T) {
	const token = "short-token@nav.example.com"
	long := strings.Repeat("aB3/", 8) + "@nav1.example.com;nav2.example.com"
	echo := cloudFunc(func(r *http.Request) (*http.Response, error) {
		body := fmt.Sprintf(`{"code":1004,"token":%q,"errorMessage":"secret %s or %s, signature %s, tokens %s and %s"}`,
			token, secret, url.QueryEscape(secret), r.Header.Get("Signature"), token, long)
		return reply(401, body), nil
	})
	fail := cloudFunc(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxy said no to %s, signature %s, token %s", secret, r.Header.Get("Signature"), long)
	})
	for name, cloud := range map[string]http.RoundTripper{"echo": echo, "transport": fail} {
		var signature string
		c := newTestClient(t, cloudFunc(func(r *http.Request) (*http.Response, error) {
			signature = r.Header.Get("Signature")
			return cloud.RoundTrip(r)
		}), at("https://im.example.com"))
		for err := mint(t.Context(), c); err != nil; err = errors.Unwrap(err) {
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			wantNoSecret(t, name, text)
			for _, planted := range []string{signature, token, long, "nav2.example.com"} {
				if planted != "" && strings.Contains(text, planted) && (name == "echo" || planted != token) {
					t.Errorf("%s: %q is in the error %q", name, planted, text)
				}
			}
		}
	}
}

func TestAUserIDSurvivesTheCleaning(t *testing.T) {
	const in = "userId 01jd5c2m8p3q4r5s6t7v8w9x0y does not exist"
	if got := calls.Cleaner(secret)(in); got != in {
		t.Errorf("cleaned = %q, want it untouched", got)
	}
}

// Another host may not have these failures.
func TestWhatIsWorthASecondAttempt(t *testing.T) {
	for _, c := range []struct {
		code, status int
		again        bool
	}{
		{1000, 200, true}, {1050, 504, true}, {1050, 200, true}, {0, 503, true}, {200, 500, true},
		{1004, 401, false}, {1002, 400, false}, {400, 400, false}, {1008, 429, false}, {2007, 403, false},
	} {
		_, got := judge(opInfo, calls.Reply{Status: c.status, Header: http.Header{}, Body: fmt.Appendf(nil, `{"code":%d}`, c.code)}, calls.Cleaner(secret))
		if got.Again != c.again {
			t.Errorf("code %d with status %d: again = %v, want %v", c.code, c.status, got.Again, c.again)
		}
	}
}

func TestConnectionFailuresSayWhetherSomethingWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, cloudFunc(func(*http.Request) (*http.Response, error) {
			return nil, errors.New("connection reset by peer")
		}))
		e := wantKind(t, mint(t.Context(), c), im.Unknown)
		if e.Message != "connection reset by peer" {
			t.Errorf("message = %q, want the transport's words without the address", e.Message)
		}
	})
	// Nobody listens on the discard port of this address.
	c := newTestClient(t, nil, at("http://127.0.0.1:9"))
	wantKind(t, mint(t.Context(), c), im.Unavailable)
	c = newTestClient(t, nil, at("http://name.invalid"))
	wantKind(t, mint(t.Context(), c), im.Unavailable)
}
