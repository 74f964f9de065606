package easemob

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"imbridge/tokens/im/calls"
)

func TestConfigComplainsAboutEverythingAtOnce(t *testing.T) {
	bad := Config{
		AppKey: "no-number-sign", ClientID: "", ClientSecret: "sec ret", Region: "MARS", BaseURL: "im.example.com", Cluster: "vip6",
		WebSocketURL: "https://a", APIURL: "ftp://a", Tokens: "none", Timeout: time.Millisecond, QuotaPercent: 101,
	}
	var got []string
	for _, err := range bad.Validate() {
		key, _, _ := strings.Cut(err.Error(), ":")
		got = append(got, key)
	}
	want := "app_key client_id client_secret region cluster base_url api_url web_socket_url tokens timeout quota_percent"
	if strings.Join(got, " ") != want {
		t.Errorf("complaints about %q, want %q", strings.Join(got, " "), want)
	}
	if _, err := New(bad); err == nil || strings.Count(err.Error(), "\n") != len(got)-1 {
		t.Errorf("New = %v, want all %d complaints", err, len(got))
	}
}

func TestConfigComplaints(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // keys of the complaints; empty for none
	}{
		"the least":          {func(*Config) {}, ""},
		"white space around": {func(c *Config) { c.AppKey, c.ClientID, c.ClientSecret = " o#a\n", "\tid ", " s" }, ""},
		"an app of dots":     {func(c *Config) { c.AppKey = "..#app" }, "app_key"},
		"a path in the app":  {func(c *Config) { c.AppKey = "o#a/b" }, "app_key"},
		"the id as secret":   {func(c *Config) { c.ClientSecret = c.ClientID }, "client_secret"},
		"every cluster":      {func(c *Config) { c.Cluster = VIP5 }, ""},
		"sandbox": {func(c *Config) {
			c.BaseURL, c.WebSocketURL, c.APIURL = "http://127.0.0.1:8090/", "ws://127.0.0.1:8090/ws", "http://127.0.0.1:8090"
		}, ""},
		"a socket alone":       {func(c *Config) { c.WebSocketURL = "wss://im.example.com/ws" }, "api_url"},
		"an API alone":         {func(c *Config) { c.APIURL = "https://im.example.com" }, "web_socket_url"},
		"agora without a key":  {func(c *Config) { c.Tokens = Agora }, "agora_app_id agora_certificate"},
		"agora":                {func(c *Config) { c.Tokens, c.AgoraAppID, c.AgoraCertificate = Agora, hex32, hex32 }, ""},
		"dynamic":              {func(c *Config) { c.Tokens = Dynamic }, ""},
		"a password in an URL": {func(c *Config) { c.BaseURL = "https://a:b@im.example.com" }, "base_url"},
	} {
		cfg := Config{AppKey: "org#app", ClientID: "id", ClientSecret: "secret"}
		c.change(&cfg)
		var got []string
		for _, err := range cfg.Validate() {
			key, _, _ := strings.Cut(err.Error(), ":")
			got = append(got, key)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: complaints about %q, want %q", name, got, c.want)
		}
	}
}

const hex32 = "0123456789abcdef0123456789abcdef"

func TestConfigNeverPrintsItsSecrets(t *testing.T) {
	cfg := Config{AppKey: "org#app", ClientSecret: secret, AgoraCertificate: hex32, Region: "SG1"}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("config", "cfg", cfg, "pointer", &cfg)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, v := range []any{cfg, &cfg, struct{ IM Config }{cfg}, []Config{cfg}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, planted := range []string{secret, hex32, fmt.Sprintf("%x", secret)} {
		if strings.Contains(out.String(), planted) {
			t.Errorf("the config shows %q", planted)
		}
	}
	if !strings.Contains(out.String(), "SG1") || !strings.Contains(out.String(), "[set]") {
		t.Errorf("the config shows %q, want the region and [set]", out.String())
	}
}

func TestEveryRegionHasTwoNames(t *testing.T) {
	for name, list := range regions {
		if len(list) != 2 || list[0] == list[1] {
			t.Errorf("region %s has %q, want two", name, list)
		}
		for _, base := range list {
			if why := calls.BadURL(base, "https"); why != "" {
				t.Errorf("region %s: %s %s", name, base, why)
			}
		}
	}
}
