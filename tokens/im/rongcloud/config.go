package rongcloud

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"imbridge/tokens/im/calls"
)

// Config says which app at RongCloud to use, and how hard. Whatever prints it
// (fmt in every verb, slog) shows "[set]" in place of the secret.
type Config struct {
	// AppKey is the app's public key, from the console. Required.
	AppKey string
	// AppSecret signs every request. It stands beside the app key in the
	// console and is not the same thing. Required. Regenerating it there ends
	// every token of the app.
	AppSecret string
	// Region is the data centre that the app lives in: BJ (China), SG
	// (Singapore), SG_B (Singapore B), NA (North America) or SAU (Saudi
	// Arabia). A key works in its own data centre only. Default BJ.
	Region string
	// BaseURL replaces the region's two hosts by one: a private cloud, or the
	// sandbox. Empty for the public cloud. Example: https://im.example.com
	BaseURL string
	// ConsoleLifetime repeats what the console says about how long a token
	// lives, because the cloud tells it nowhere else. Zero means permanent.
	ConsoleLifetime time.Duration
	// Navigators are handed to SDKs as they are. Needed for a private cloud
	// only: the public one is known to the SDK and named in every token.
	Navigators []string
	// Timeout is the time for one attempt, from the name lookup to the last
	// byte of the answer: 100ms to 1m. A call makes two attempts at most; the
	// caller's own deadline always wins. Default 5s.
	Timeout time.Duration
	// QuotaPercent is this process's share of the calls per second that the
	// documentation allows one app key: 1 to 100. Several processes on one app
	// key share it by hand: 45 each for two. Default 90.
	QuotaPercent int
}

// DefaultConfig is a Config that lacks nothing but the app key and secret.
func DefaultConfig() Config {
	return Config{Region: "BJ", Timeout: 5 * time.Second, QuotaPercent: 90}
}

// withDefaults fills what is zero and cuts the white space that comes along
// when keys are copied from a web page: it makes every signature wrong.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	c.AppKey = strings.TrimSpace(c.AppKey)
	c.AppSecret = strings.TrimSpace(c.AppSecret)
	c.BaseURL = strings.TrimRight(strings.TrimSpace(c.BaseURL), "/")
	if c.Region == "" {
		c.Region = d.Region
	}
	if c.Timeout == 0 {
		c.Timeout = d.Timeout
	}
	if c.QuotaPercent == 0 {
		c.QuotaPercent = d.QuotaPercent
	}
	return c
}

// Validate returns every complaint, each beginning with the name of its key.
// It never repeats a secret. Zero values that have a default are fine.
func (c Config) Validate() []error {
	c = c.withDefaults()
	var all []error
	complain := func(key, format string, args ...any) {
		all = append(all, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	switch {
	case c.AppKey == "":
		complain("app_key", "is missing; copy it from the console, for example c9kqb3rdkbb8j")
	case len(c.AppKey) > 64 || !calls.Visible(c.AppKey):
		complain("app_key", "must be 1 to 64 visible ASCII characters, for example c9kqb3rdkbb8j")
	}
	switch {
	case c.AppSecret == "":
		complain("app_secret", "is missing; it stands beside the app key in the console")
	case len(c.AppSecret) > 256 || !calls.Visible(c.AppSecret):
		complain("app_secret", "must be 1 to 256 visible ASCII characters without spaces")
	case c.AppSecret == c.AppKey:
		complain("app_secret", "is the app key; the secret stands beside it in the console")
	}
	if _, ok := regions[c.Region]; !ok {
		complain("region", "%q is none of %s", c.Region, strings.Join(slices.Sorted(maps.Keys(regions)), ", "))
	}
	if c.BaseURL != "" {
		if why := calls.BadURL(c.BaseURL, "http", "https"); why != "" {
			complain("base_url", "%s, for example https://im.example.com", why)
		}
	}
	if c.ConsoleLifetime < 0 {
		complain("console_lifetime", "%s is negative; what the console says, for example 720h, or 0 for permanent", c.ConsoleLifetime)
	}
	for i, n := range c.Navigators {
		if why := calls.BadURL(n, "http", "https"); why != "" {
			complain("navigators", "entry %d %s, for example https://nav.example.com", i+1, why)
		}
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute {
		complain("timeout", "%s is outside of 100ms to 1m, for example 5s", c.Timeout)
	}
	if c.QuotaPercent < 1 || c.QuotaPercent > 100 {
		complain("quota_percent", "%d is outside of 1 to 100, for example 90", c.QuotaPercent)
	}
	return all
}

// regions maps a region to its primary and backup host (Java SDK, CenterEnum).
var regions = map[string][]string{
	"BJ":   {"https://api.rong-api.com", "https://api-b.rong-api.com"},
	"SG":   {"https://api.sg-light-api.com", "https://api-b.sg-light-api.com"},
	"SG_B": {"https://api.sg-b-light-api.com", "https://api-b.sg-b-light-api.com"},
	"NA":   {"https://api.us-light-api.com", "https://api-b.us-light-api.com"},
	"SAU":  {"https://api.sau-light-api.com", "https://api-b.sau-light-api.com"},
}

// shown has Config's fields and none of its methods, for printing.
type shown Config

func (c Config) shown() shown {
	if c.AppSecret != "" {
		c.AppSecret = "[set]"
	}
	return shown(c)
}

// String is Config with "[set]" for the secret.
func (c Config) String() string { return fmt.Sprintf("%+v", c.shown()) }

// GoString is Config with "[set]" for the secret.
func (c Config) GoString() string { return fmt.Sprintf("%#v", c.shown()) }

// Format answers every verb of fmt without the secret.
func (c Config) Format(f fmt.State, verb rune) { calls.Print(f, verb, c) }

// LogValue is Config with "[set]" for the secret.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
