package easemob

import (
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"imbridge/tokens/im/calls"
)

// How connect tokens are made (Config.Tokens).
const (
	// Server: the cloud issues them.
	Server = "server"
	// Dynamic: signed here with the client secret ("dt-").
	Dynamic = "dynamic"
	// Agora: signed here with the certificate of an Agora project ("007").
	Agora = "agora"
)

// VIP5 is the cluster that counts lifetimes in milliseconds (Config.Cluster).
const VIP5 = "vip5"

// Config says which app at Easemob to use, and how hard. Whatever prints it (fmt
// in every verb, slog) shows "[set]" in place of the secrets.
type Config struct {
	// AppKey is the app's public key from the console, "org#app". Required.
	AppKey string
	// ClientID and ClientSecret stand in the console beside the app key. Required.
	ClientID, ClientSecret string
	// Region is the data centre that the app lives in: CN1, CN2 (China), SG1, SG2
	// (Singapore), US1 (US East) or DE2 (Germany). Default CN1.
	Region string
	// BaseURL replaces the region's hosts by one: a VIP cluster, a private cloud,
	// or the sandbox. Example: https://im.example.com
	BaseURL string
	// Cluster is "vip5" where the app lives on the VIP 5 cluster, otherwise empty.
	Cluster string
	// WebSocketURL and APIURL are handed to SDKs as they are, both or neither. Needed
	// for a private cloud only: for the public one the SDK finds both by the app key.
	WebSocketURL, APIURL string
	// Tokens is how connect tokens are made. Default Server.
	Tokens string
	// AgoraAppID and AgoraCertificate are 32 hexadecimal digits each, from Agora's
	// console. Required where Tokens is Agora.
	AgoraAppID, AgoraCertificate string
	// Timeout is the time for one attempt, from the name lookup to the last byte
	// of the answer: 100ms to 1m. A call makes two attempts at most; the caller's
	// own deadline always wins. Default 5s.
	Timeout time.Duration
	// QuotaPercent is this process's share of the calls per second that the
	// documentation allows one app key: 1 to 100. Default 90.
	QuotaPercent int
}

// regions maps a data centre to its host and the second name of that
// (https://doc.easemob.com/product/data_center.html).
var regions = map[string][]string{
	"CN1": {"https://a1.easemob.com", "https://a1.easecdn.com"},
	"CN2": {"https://a31.easemob.com", "https://a31.easecdn.com"},
	"SG1": {"https://a1-sgp.easemob.com", "https://a1-sgp.easecdn.com"},
	"SG2": {"https://a61.easemob.com", "https://a61.easecdn.com"},
	"US1": {"https://a41.easemob.com", "https://a41.easecdn.com"},
	"DE2": {"https://a71.easemob.com", "https://a71.easecdn.com"},
}

// DefaultConfig is a Config that lacks nothing but the app key and the client.
func DefaultConfig() Config {
	return Config{Region: "CN1", Tokens: Server, Timeout: 5 * time.Second, QuotaPercent: 90}
}

// withDefaults fills what is zero and cuts the white space that comes along when
// keys are copied from a web page.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	for _, s := range []*string{&c.AppKey, &c.ClientID, &c.ClientSecret, &c.AgoraAppID, &c.AgoraCertificate} {
		*s = strings.TrimSpace(*s)
	}
	for _, s := range []*string{&c.BaseURL, &c.APIURL} {
		*s = strings.TrimRight(strings.TrimSpace(*s), "/")
	}
	if c.Region == "" {
		c.Region = d.Region
	}
	if c.Tokens == "" {
		c.Tokens = d.Tokens
	}
	if c.Timeout == 0 {
		c.Timeout = d.Timeout
	}
	if c.QuotaPercent == 0 {
		c.QuotaPercent = d.QuotaPercent
	}
	return c
}

var (
	// The halves stand in every path.
	appKeyForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}#[A-Za-z0-9_.-]{1,64}$`)
	agoraForm  = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
)

// Validate returns every complaint, each beginning with the name of its key. It
// never repeats a secret. Zero values that have a default are fine.
func (c Config) Validate() []error {
	c = c.withDefaults()
	var all []error
	complain := func(wrong bool, key, format string, args ...any) {
		if wrong {
			all = append(all, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
		}
	}
	org, app, _ := strings.Cut(c.AppKey, "#")
	complain(!appKeyForm.MatchString(c.AppKey) || strings.Trim(org, ".") == "" || strings.Trim(app, ".") == "",
		"app_key", "must be organisation and app as the console shows them, for example 1122334455#demo")
	for _, w := range []struct{ key, value string }{{"client_id", c.ClientID}, {"client_secret", c.ClientSecret}} {
		complain(w.value == "", w.key, "is missing; it stands beside the app key in the console")
		complain(len(w.value) > 256 || !calls.Visible(w.value), w.key, "must be 1 to 256 visible ASCII characters without spaces")
	}
	complain(c.ClientSecret != "" && c.ClientSecret == c.ClientID, "client_secret", "is the client id; the secret stands beside it in the console")
	if _, ok := regions[c.Region]; !ok {
		complain(true, "region", "%q is none of %s", c.Region, strings.Join(slices.Sorted(maps.Keys(regions)), ", "))
	}
	complain(c.Cluster != "" && c.Cluster != VIP5, "cluster", "%q is not %s", c.Cluster, VIP5)
	for _, u := range []struct {
		key, value, example string
		schemes             []string
	}{
		{"base_url", c.BaseURL, "https://im.example.com", []string{"http", "https"}},
		{"api_url", c.APIURL, "https://im.example.com", []string{"http", "https"}},
		{"web_socket_url", c.WebSocketURL, "wss://im.example.com/ws", []string{"ws", "wss"}},
	} {
		if u.value != "" {
			why := calls.BadURL(u.value, u.schemes...)
			complain(why != "", u.key, "%s, for example %s", why, u.example)
		}
	}
	complain(c.APIURL == "" && c.WebSocketURL != "", "api_url", "is missing, and web_socket_url is set: a private cloud needs both")
	complain(c.WebSocketURL == "" && c.APIURL != "", "web_socket_url", "is missing, and api_url is set: a private cloud needs both")
	complain(!slices.Contains([]string{Server, Dynamic, Agora}, c.Tokens), "tokens", "%q is none of server, dynamic, agora", c.Tokens)
	if c.Tokens == Agora {
		complain(!agoraForm.MatchString(c.AgoraAppID), "agora_app_id", "must be 32 hexadecimal digits, because tokens is agora")
		complain(!agoraForm.MatchString(c.AgoraCertificate), "agora_certificate", "must be 32 hexadecimal digits, because tokens is agora")
	}
	complain(c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute, "timeout", "%s is outside of 100ms to 1m, for example 5s", c.Timeout)
	complain(c.QuotaPercent < 1 || c.QuotaPercent > 100, "quota_percent", "%d is outside of 1 to 100, for example 90", c.QuotaPercent)
	return all
}

// shown has Config's fields and none of its methods, for printing.
type shown Config

func (c Config) shown() shown {
	for _, s := range []*string{&c.ClientSecret, &c.AgoraCertificate} {
		if *s != "" {
			*s = "[set]"
		}
	}
	return shown(c)
}

// String is Config with "[set]" for the secrets.
func (c Config) String() string { return fmt.Sprintf("%+v", c.shown()) }

// GoString is Config with "[set]" for the secrets.
func (c Config) GoString() string { return fmt.Sprintf("%#v", c.shown()) }

// Format answers every verb of fmt without the secrets.
func (c Config) Format(f fmt.State, verb rune) { calls.Print(f, verb, c) }

// LogValue is Config with "[set]" for the secrets.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
