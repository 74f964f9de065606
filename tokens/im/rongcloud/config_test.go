package rongcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"imbridge/tokens/im/calls"
)

func TestConfigComplainsAboutEverythingAtOnce(t *testing.T) {
	bad := Config{
		AppKey: "with space", AppSecret: "", Region: "MARS", BaseURL: "im.example.com", ConsoleLifetime: -time.Hour,
		Navigators: []string{"https://ok.example.com", "ftp://no"}, Timeout: time.Millisecond, QuotaPercent: 101,
	}
	var got []string
	for _, err := range bad.Validate() {
		key, _, _ := strings.Cut(err.Error(), ":")
		got = append(got, key)
	}
	want := "app_key app_secret region base_url console_lifetime navigators timeout quota_percent"
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
		want   string // key of the only complaint; empty for none
	}{
		"the least":             {func(*Config) {}, ""},
		"defaults filled in":    {func(c *Config) { d := DefaultConfig(); d.AppKey, d.AppSecret = c.AppKey, c.AppSecret; *c = d }, ""},
		"white space around":    {func(c *Config) { c.AppKey, c.AppSecret = " app1\n", "\tsecret1 " }, ""},
		"white space within":    {func(c *Config) { c.AppSecret = "sec ret" }, "app_secret"},
		"key used as secret":    {func(c *Config) { c.AppSecret = c.AppKey }, "app_secret"},
		"no key":                {func(c *Config) { c.AppKey = "" }, "app_key"},
		"key too long":          {func(c *Config) { c.AppKey = strings.Repeat("k", 65) }, "app_key"},
		"every region":          {func(c *Config) { c.Region = "SG_B" }, ""},
		"region in lower case":  {func(c *Config) { c.Region = "bj" }, "region"},
		"sandbox":               {func(c *Config) { c.BaseURL = "http://127.0.0.1:8090/" }, ""},
		"password in address":   {func(c *Config) { c.BaseURL = "https://a:b@im.example.com" }, "base_url"},
		"query in address":      {func(c *Config) { c.BaseURL = "https://im.example.com?a=b" }, "base_url"},
		"quota of 0 is default": {func(c *Config) { c.QuotaPercent = 0 }, ""},
		"quota below 0":         {func(c *Config) { c.QuotaPercent = -1 }, "quota_percent"},
		"timeout too long":      {func(c *Config) { c.Timeout = time.Hour }, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{AppKey: "app1", AppSecret: "secret1"}
			c.change(&cfg)
			got := cfg.Validate()
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0].Error(), c.want+": ")) {
				t.Errorf("Validate = %q, want one complaint about %q", got, c.want)
			}
		})
	}
}

// wantNoSecret fails if text holds the secret in any form that was planted.
func wantNoSecret(t testing.TB, what, text string) {
	t.Helper()
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%v", []byte(secret))} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the secret: %s", what, text)
		}
	}
}

func TestConfigAndClientNeverPrintTheSecret(t *testing.T) {
	cfg := Config{AppKey: "app1", AppSecret: secret, Region: "SG"}
	client := newTestClient(t, nil)
	type wrapper struct{ IM Config }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%10v", "%t"} {
		for _, v := range []any{cfg, &cfg, wrapper{cfg}, &wrapper{cfg}, []Config{cfg}, map[string]Config{"a": cfg}, client, client.policy} {
			wantNoSecret(t, fmt.Sprintf("%s of %T", verb, v), fmt.Sprintf(verb, v))
		}
	}
	for _, h := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		slog.New(h(&out)).Info("config", "cfg", cfg, "pointer", &cfg, "client", client.AppKey())
		wantNoSecret(t, "slog", out.String())
		if !strings.Contains(out.String(), "SG") || !strings.Contains(out.String(), "[set]") {
			t.Errorf("slog shows %q, want the region and [set]", out.String())
		}
	}
	wantNoSecret(t, "an unset secret", fmt.Sprint(Config{}))
	if got := fmt.Sprintf("%+v", Config{}); strings.Contains(got, "[set]") {
		t.Errorf("an empty secret prints as set: %s", got)
	}
	// A client is no setting, but somebody may log it.
	if b, err := json.Marshal(map[string]any{"client": client.Endpoints()}); err != nil {
		t.Errorf("endpoints as JSON: %s, %v", b, err)
	}
}

func TestEveryRegionHasTwoHosts(t *testing.T) {
	for name, list := range regions {
		if len(list) != 2 || list[0] == list[1] {
			t.Errorf("region %s has %q, want a primary and a backup", name, list)
		}
		for _, base := range list {
			if why := calls.BadURL(base, "http", "https"); why != "" {
				t.Errorf("region %s: %s %s", name, base, why)
			}
		}
	}
}
