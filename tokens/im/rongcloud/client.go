package rongcloud

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

const (
	name = "rongcloud"
	// reuses of a connection before it is given up: the documentation asks
	// for less than 80, so that the cloud's load balancing works.
	reuses = 40
	// worstSkew between our clock and the cloud's that Check lets pass.
	worstSkew = 5 * time.Minute
)

// A Client speaks to one app at RongCloud. Set its exported fields before the
// first call; after that it is safe for concurrent use.
type Client struct {
	// Now is the clock that tokens' ends are counted from and the cloud's
	// clock is compared with. Default time.Now.
	Now func() time.Time
	// HTTP sends the requests. The default keeps connections for 50 s, follows
	// no redirect, and makes a POST never twice by itself.
	HTTP *http.Client
	// Observe hears of each attempt after it ended: the path, "ok" or the
	// im.Kind of the failure, and how long it took; zero for one that quota or
	// breaker held back. Default: nobody.
	Observe func(op, outcome string, took time.Duration)

	appKey    string
	endpoints im.Endpoints
	lifetime  time.Duration
	timeout   time.Duration
	policy    *calls.Policy
	// The secret lives in these two closures only, where no printing of a
	// Client can find it.
	sign  func(nonce, timestamp string) string
	clean func(string) string

	sent atomic.Uint64
	skew atomic.Int64 // ours minus the cloud's, as last seen
}

var (
	_ im.Cloud    = (*Client)(nil)
	_ im.Minter   = (*Client)(nil)
	_ im.Revoker  = (*Client)(nil)
	_ im.Banner   = (*Client)(nil)
	_ im.Profiler = (*Client)(nil)
	_ im.Lister   = (*Client)(nil)
	_ im.Shaper   = (*Client)(nil)
	_ im.Blocker  = (*Client)(nil)
	_ im.Remover  = (*Client)(nil)
	_ im.Watcher  = (*Client)(nil)
	_ im.Checker  = (*Client)(nil)
)

// New returns a Client, or all the complaints of cfg.Validate joined.
func New(cfg Config) (*Client, error) {
	if all := cfg.Validate(); len(all) > 0 {
		return nil, errors.Join(all...)
	}
	cfg = cfg.withDefaults()
	list := regions[cfg.Region]
	if cfg.BaseURL != "" {
		list = []string{cfg.BaseURL}
	}
	secret := cfg.AppSecret
	return &Client{
		Now:       time.Now,
		HTTP:      calls.NewHTTP(),
		Observe:   func(string, string, time.Duration) {},
		appKey:    cfg.AppKey,
		endpoints: im.Endpoints{Navigators: slices.Clone(cfg.Navigators)},
		lifetime:  cfg.ConsoleLifetime,
		timeout:   cfg.Timeout,
		policy:    calls.NewPolicy(name, list, perSecond, cfg.QuotaPercent),
		sign: func(nonce, timestamp string) string {
			sum := sha1.Sum([]byte(secret + nonce + timestamp))
			return hex.EncodeToString(sum[:])
		},
		clean: calls.Cleaner(secret),
	}, nil
}

// Name is "rongcloud".
func (c *Client) Name() string { return name }

// AppKey is the public key from the configuration.
func (c *Client) AppKey() string { return c.appKey }

// Endpoints are the navigators from the configuration.
func (c *Client) Endpoints() im.Endpoints {
	return im.Endpoints{Navigators: slices.Clone(c.endpoints.Navigators)}
}

// Breaker is "closed" while calls go through, "open" while none do, and
// "half-open" while a few try.
func (c *Client) Breaker() string { return c.policy.Breaker() }

// Check asks for a user that should not exist. Any answer about the user
// proves that the signature was accepted. A clock that is more than 5 minutes
// off is reported too, as Invalid: the cloud may refuse such signatures.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.do(ctx, opInfo, url.Values{"userId": {"imbridgecheck"}})
	var e *im.Error
	if err != nil && !errors.As(err, &e) {
		return err
	}
	skew := time.Duration(c.skew.Load())
	crooked := ""
	if skew.Abs() > worstSkew {
		crooked = fmt.Sprintf("this machine's clock is %s off the cloud's", skew.Round(time.Second))
	}
	switch {
	case e == nil || e.Code == codeNoUser || e.Code == codeParameter || e.Code == codeNotThere:
		if crooked == "" {
			return nil
		}
		return &im.Error{Cloud: name, Op: opInfo.Path, Kind: im.Invalid, Message: crooked}
	case crooked != "":
		e.Message = calls.Short(crooked + "; " + e.Message)
	}
	return e
}

// do makes one call: policy around send. The error is an *im.Error.
func (c *Client) do(ctx context.Context, o calls.Op, form url.Values) (answer, error) {
	body := form.Encode()
	var got answer
	err := c.policy.Run(ctx, o, c.Observe, func(ctx context.Context, base string) (out calls.Outcome) {
		got, out = c.send(ctx, base, o, body)
		return out
	})
	if err != nil {
		return answer{}, err
	}
	return got, nil
}

// send makes one attempt: it signs, sends and reads the answer.
func (c *Client) send(caller context.Context, base string, o calls.Op, body string) (answer, calls.Outcome) {
	attempt := calls.Attempt{Cloud: name, Op: o, HTTP: c.HTTP, Timeout: c.timeout, Clean: c.clean, Build: func(ctx context.Context) (*http.Request, error) {
		return c.signed(ctx, base+o.Path, body)
	}}
	r, failed := attempt.Send(caller)
	if failed != nil {
		return answer{}, *failed
	}
	if theirs, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		c.skew.Store(int64(c.Now().Sub(theirs)))
	}
	return judge(o, r, c.clean)
}

func (c *Client) signed(ctx context.Context, address, body string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	// The documentation wants milliseconds, every official SDK sends seconds.
	// Production is known to accept what the SDKs send.
	nonce, timestamp := rand.Text()[:18], strconv.FormatInt(c.Now().Unix(), 10)
	req.Header.Set("App-Key", c.appKey)
	req.Header.Set("Nonce", nonce) // at most 18 characters
	req.Header.Set("Timestamp", timestamp)
	req.Header.Set("Signature", c.sign(nonce, timestamp))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "imbridge")
	req.Close = c.sent.Add(1)%reuses == 0
	return req, nil
}
