package easemob

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

const name = "easemob"

// A Client speaks to one app at Easemob. Set its exported fields before the first
// call; after that it is safe for concurrent use. Roles is what it can do.
type Client struct {
	// Now is the clock that tokens' ends are counted from. Default time.Now.
	Now func() time.Time
	// HTTP sends the requests; see calls.NewHTTP for the default.
	HTTP *http.Client
	// Observe hears of each attempt; see calls.Observer. Default: nobody.
	Observe func(op, outcome string, took time.Duration)

	appKey       string
	root         string // "/org/app"
	endpoints    im.Endpoints
	milliseconds bool
	tokens       string
	timeout      time.Duration
	policy       *calls.Policy
	app          *appTokens
	profiles     *recent[profileSum] // name and avatar as they were put last
	uuids        *recent[meeting]    // with users, when they were seen last

	// The secrets live in these closures only, where no printing of a Client can
	// find them.
	credentials func() map[string]string
	sign        func(id, uuid string, now time.Time, lifetime time.Duration) string
	clean       func(string) string
}

var (
	_ im.Cloud    = (*Client)(nil)
	_ im.Minter   = (*Client)(nil)
	_ im.Kicker   = (*Client)(nil)
	_ im.Banner   = (*Client)(nil)
	_ im.Profiler = (*Client)(nil)
	_ im.Shaper   = (*Client)(nil)
	_ im.Lister   = (*Client)(nil)
	_ im.Remover  = (*Client)(nil)
	_ im.Blocker  = (*Client)(nil)
	_ im.Friender = (*Client)(nil)
	_ im.Remarker = (*Client)(nil)
	_ im.Watcher  = (*Client)(nil)
	_ im.Checker  = (*Client)(nil)

	_ im.Revoker        = Revocable{}
	_ im.PasswordSetter = Revocable{}
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
	secrets := []string{cfg.ClientSecret}
	if cfg.AgoraCertificate != "" {
		secrets = append(secrets, cfg.AgoraCertificate)
	}
	id, secret := cfg.ClientID, cfg.ClientSecret
	c := &Client{
		Now:          time.Now,
		HTTP:         calls.NewHTTP(),
		Observe:      func(string, string, time.Duration) {},
		appKey:       cfg.AppKey,
		root:         "/" + strings.ReplaceAll(cfg.AppKey, "#", "/"),
		endpoints:    im.Endpoints{SocketURL: cfg.WebSocketURL, APIURL: cfg.APIURL},
		milliseconds: cfg.Cluster == VIP5,
		tokens:       cfg.Tokens,
		timeout:      cfg.Timeout,
		policy:       calls.NewPolicy(name, list, perSecond, cfg.QuotaPercent),
		profiles:     newRecent[profileSum](),
		uuids:        newRecent[meeting](),
		credentials: func() map[string]string {
			return map[string]string{"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
		},
		sign:  signer(cfg),
		clean: calls.Cleaner(secrets...),
	}
	c.app = &appTokens{fetch: c.fetchAppToken, now: func() time.Time { return c.Now() }}
	return c, nil
}

// Roles is the client with the roles that its way of making tokens leaves it:
// those that the cloud issued can be revoked, those signed here cannot.
func (c *Client) Roles() interface {
	im.Cloud
	im.Minter
} {
	if c.tokens == Server {
		return Revocable{c}
	}
	return c
}

// Name is "easemob".
func (c *Client) Name() string { return name }

// AppKey is the public key from the configuration, "org#app".
func (c *Client) AppKey() string { return c.appKey }

// Endpoints are the addresses for SDKs from the configuration.
func (c *Client) Endpoints() im.Endpoints { return c.endpoints }

// Breaker is "closed" while calls go through, "open" while none do, and
// "half-open" while a few try.
func (c *Client) Breaker() string { return c.policy.Breaker() }

// Check fetches an app token with the client id and secret, whatever is kept, and
// lists one user with it, which proves the app key.
func (c *Client) Check(ctx context.Context) error {
	token, _, err := c.fetchAppToken(ctx)
	if err != nil {
		return err
	}
	_, err = c.attempt(ctx, opUsers, request{method: http.MethodGet, path: "/users", query: url.Values{"limit": {"1"}}}, token)
	return err
}

// A request is what one call says beside its op.
type request struct {
	method string
	path   string // below the app, escaped
	query  url.Values
	json   any        // body; nil: none
	form   url.Values // body in place of json
	// unsure, if set, becomes true when an attempt may have happened whose answer
	// did not arrive.
	unsure *bool
}

// do makes one call with the app token. One that the cloud refuses is replaced
// once: it may have ended before its time. The error is an *im.Error.
func (c *Client) do(ctx context.Context, o calls.Op, r request) (answer, error) {
	token, err := c.app.get(ctx)
	if err != nil {
		return nil, err
	}
	a, err := c.attempt(ctx, o, r, token)
	var e *im.Error
	if !errors.As(err, &e) || e.HTTPStatus != http.StatusUnauthorized || e.Kind != im.Unauthorized {
		return a, err
	}
	other, failed := c.app.instead(ctx, token)
	switch {
	case failed != nil:
		return nil, failed
	case other == "":
		return nil, err
	}
	return c.attempt(ctx, o, r, other)
}

// attempt makes one call with a token: policy around send.
func (c *Client) attempt(ctx context.Context, o calls.Op, r request, token string) (answer, error) {
	kind, body, err := r.body()
	if err != nil {
		return nil, invalid(o, "the request cannot be written as JSON")
	}
	var got answer
	failed := c.policy.Run(ctx, o, c.Observe, func(ctx context.Context, base string) (out calls.Outcome) {
		got, out = c.send(ctx, o, token, func(ctx context.Context) (*http.Request, error) {
			address := base + c.root + r.path
			if len(r.query) > 0 {
				address += "?" + r.query.Encode()
			}
			var content io.Reader
			if body != nil {
				content = bytes.NewReader(body)
			}
			req, err := http.NewRequestWithContext(ctx, r.method, address, content)
			if err == nil && body != nil {
				req.Header.Set("Content-Type", kind)
			}
			return req, err
		})
		if out.Err != nil && out.Err.Kind == im.Unknown && r.unsure != nil {
			*r.unsure = true
		}
		return out
	})
	if failed != nil {
		return nil, failed
	}
	return got, nil
}

func (r request) body() (kind string, body []byte, err error) {
	switch {
	case r.form != nil:
		return "application/x-www-form-urlencoded", []byte(r.form.Encode()), nil
	case r.json != nil:
		body, err = json.Marshal(r.json)
		return "application/json", body, err
	}
	return "", nil, nil
}

// send makes one attempt.
func (c *Client) send(caller context.Context, o calls.Op, token string, build func(context.Context) (*http.Request, error)) (answer, calls.Outcome) {
	attempt := calls.Attempt{Cloud: name, Op: o, HTTP: c.HTTP, Timeout: c.timeout, Clean: c.clean, Build: func(ctx context.Context) (*http.Request, error) {
		req, err := build(ctx)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", "application/json")
		req.Header.Set("User-Agent", "imbridge")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		return req, nil
	}}
	r, failed := attempt.Send(caller)
	if failed != nil {
		return nil, *failed
	}
	return judge(o, r, func(s string) string {
		if token != "" {
			s = strings.ReplaceAll(s, token, calls.Removed)
		}
		return c.clean(s)
	})
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
