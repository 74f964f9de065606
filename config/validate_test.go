package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const goodKey = "c2VjcmV0IGtleSBvZiB0aGlydHktdHdvIGJ5dGVzISE="

// goodWebhookSecret is goodKey as a webhook's secret.
const goodWebhookSecret = "whsec_" + goodKey

// Variables of a production that is complete.
func production(more ...string) []string {
	return append([]string{
		"IMBRIDGE_ENV=production",
		"IMBRIDGE_DATABASE_DRIVER=mysql", "IMBRIDGE_DATABASE_DSN=imbridge:p4ss@tcp(db:3306)/imbridge",
		"IMBRIDGE_IM_CLOUD=rongcloud", "IMBRIDGE_IM_RONGCLOUD_APP_KEY=c9kqb3rdkbb8j", "IMBRIDGE_IM_RONGCLOUD_APP_SECRET=uTNrkYskbNC",
		"IMBRIDGE_KEYS_DATA_KEY=" + goodKey,
	}, more...)
}

func TestProductionIsRefusedUntilComplete(t *testing.T) {
	_, problems := load(t, "", "IMBRIDGE_ENV=production")
	var got []string
	for _, p := range problems {
		got = append(got, p.Key)
	}
	if want := []string{"im.cloud", "database.driver", "keys.data_key"}; !reflect.DeepEqual(got, want) {
		t.Errorf("bare production is refused for %v, want %v", got, want)
	}
	cfg, problems := load(t, "", production()...)
	if problems != nil || cfg.Log.Format != "json" || len(cfg.IM.ExtraLifetimes) != 0 {
		t.Errorf("complete production: format %q, extra lifetimes %v, problems %v; want json, none, none",
			cfg.Log.Format, cfg.IM.ExtraLifetimes, problems)
	}
	_, problems = load(t, "", "IMBRIDGE_ENV=production", "IMBRIDGE_IM_ALLOW_SANDBOX=true", "IMBRIDGE_DATABASE_ALLOW_SQLITE=true", "IMBRIDGE_KEYS_ALLOW_GENERATED=true")
	if problems != nil {
		t.Errorf("production with everything allowed: problems = %v, want none", problems)
	}
}

func TestProductionRules(t *testing.T) {
	for setting, c := range map[string]struct{ key, wrong string }{
		"IMBRIDGE_IM_CLOUD=sandbox":                                                                               {"im.cloud", "production does not run on the sandbox"},
		"IMBRIDGE_DATABASE_DRIVER=sqlite,IMBRIDGE_DATABASE_DSN=":                                                  {"database.driver", "production does not keep its data in SQLite"},
		"IMBRIDGE_KEYS_DATA_KEY=":                                                                                 {"keys.data_key", "production needs a data key"},
		"IMBRIDGE_IM_EXTRA_LIFETIMES=20s":                                                                         {"im.extra_lifetimes", "production has no extra lifetimes"},
		"IMBRIDGE_IM_LIFETIME=20s":                                                                                {"im.lifetime", "must be permanent, 30d, 7d or 1d"},
		"IMBRIDGE_IM_RONGCLOUD_BASE_URL=http://rongcloud.example.com":                                             {"im.rongcloud.base_url", "plain http"},
		"IMBRIDGE_IM_RONGCLOUD_BASE_URL=http://127.0.0.1:9":                                                       {},
		"IMBRIDGE_IM_RONGCLOUD_BASE_URL=https://rongcloud.example.com":                                            {},
		"IMBRIDGE_IM_CLOUD=sandbox,IMBRIDGE_IM_ALLOW_SANDBOX=true":                                                {},
		"IMBRIDGE_KEYS_DATA_KEY=,IMBRIDGE_KEYS_ALLOW_GENERATED=true":                                              {},
		"IMBRIDGE_ENV=development,IMBRIDGE_IM_EXTRA_LIFETIMES=20s":                                                {},
		"IMBRIDGE_NOTICES_WEBHOOK_URL=http://a.example.com,IMBRIDGE_NOTICES_WEBHOOK_SECRET=" + goodWebhookSecret:  {"notices.webhook.url", "plain http"},
		"IMBRIDGE_NOTICES_WEBHOOK_URL=https://a.example.com,IMBRIDGE_NOTICES_WEBHOOK_SECRET=" + goodWebhookSecret: {},
		"IMBRIDGE_SERVER_LISTEN=:8090":                                                                            {}, // the sandbox does not run
		"IMBRIDGE_SERVER_LISTEN=:8080,IMBRIDGE_OPS_LISTEN=0.0.0.0:8081":                                           {},
	} {
		_, problems := load(t, "", production(strings.Split(setting, ",")...)...)
		if c.key != "" {
			one(t, problems, c.key, c.wrong)
		} else if problems != nil {
			t.Errorf("%s: problems = %v, want none", setting, problems)
		}
		hidesAll(t, problems, "p4ss", "uTNrkYskbNC", goodKey)
	}
}

func hidesAll(t *testing.T, problems []Problem, secrets ...string) {
	t.Helper()
	out := (&Problems{List: problems}).Error() + fmt.Sprintf("%#v", problems)
	for _, s := range secrets {
		if strings.Contains(out, s) {
			t.Errorf("a complaint shows %s:\n%s", s, out)
		}
	}
}

// TestAnAppKeyFitsItsTables: they have 96 characters for "easemob/" and the key.
func TestAnAppKeyFitsItsTables(t *testing.T) {
	for length, wrong := range map[int]string{88: "", 89: "at most 88 characters"} {
		key := "o#" + strings.Repeat("a", length-2)
		_, problems := load(t, "im: {cloud: easemob, easemob: {app_key: '"+key+"', client_id: i, client_secret: s}}")
		if wrong != "" {
			one(t, problems, "im.easemob.app_key", wrong)
		} else if problems != nil {
			t.Errorf("problems of a key of %d = %v, want none", length, problems)
		}
	}
}

func TestRulesBetweenKeys(t *testing.T) {
	const (
		rong      = "im.cloud: rongcloud\n"
		ease      = "im: {cloud: easemob, easemob: {app_key: 'o#a', "
		hexDigits = "0123456789abcdef0123456789abcdee"
	)
	for text, c := range map[string]struct{ key, wrong string }{
		rong + "im.rongcloud.app_secret: s":                                                            {"im.rongcloud.app_key", "is missing"},
		rong + "im.rongcloud.app_key: k":                                                               {"im.rongcloud.app_secret", "is missing"},
		rong + "im.rongcloud.app_key: k\nim.rongcloud.app_secret: k":                                   {"im.rongcloud.app_secret", "is the app key once more"},
		rong + "im.rongcloud.app_key: k\nim.rongcloud.app_secret: s":                                   {},
		"notices.webhook.url: https://a.b":                                                             {"notices.webhook.secret", "is missing"},
		"notices.webhook: {url: 'http://a.b', secret: " + goodWebhookSecret + "}":                      {},
		"notices.mail: {host: a.b, from: a@a.b}":                                                       {"notices.mail.to", "is empty"},
		"notices.mail: {host: a.b, to: [a@a.b]}":                                                       {"notices.mail.from", "is missing"},
		"notices.mail.to: [a@a.b]":                                                                     {"notices.mail.host", "is missing"},
		"notices.mail: {host: a.b, from: a@a.b, to: [a@a.b], username: u}":                             {"notices.mail.password", "is missing"},
		"notices.mail: {host: a.b, from: a@a.b, to: [a@a.b], username: u, password: p}":                {},
		ease + "client_secret: s}}":                                                                    {"im.easemob.client_id", "is missing"},
		ease + "client_id: i}}":                                                                        {"im.easemob.client_secret", "is missing"},
		ease + "client_id: i, client_secret: i}}":                                                      {"im.easemob.client_secret", "is the client id once more"},
		ease + "client_id: i, client_secret: s}}":                                                      {},
		"im: {cloud: easemob, easemob: {client_id: i, client_secret: s}}":                              {"im.easemob.app_key", "is missing"},
		ease + "client_id: i, client_secret: s, tokens: dynamic}}":                                     {},
		ease + "client_id: i, client_secret: s, web_socket_url: 'wss://im.example.com/ws'}}":           {"im.easemob.api_url", "web_socket_url is set"},
		ease + "client_id: i, client_secret: s, api_url: 'https://im.example.com'}}":                   {"im.easemob.web_socket_url", "api_url is set"},
		ease + "client_id: i, client_secret: s, tokens: agora, agora_app_id: " + hexDigits + "}}":      {"im.easemob.agora_certificate", "is missing"},
		ease + "client_id: i, client_secret: s, tokens: agora, agora_certificate: " + hexDigits + "}}": {"im.easemob.agora_app_id", "is missing"},
		"database.driver: mysql":                                                                       {"database.dsn", "is missing"},
		"database: {driver: mysql, dsn: 'u:" + planted + "@tcp(h:1)'}":                                 {"database.dsn", "name of the database"},
		"database: {driver: mysql, dsn: 'u:" + planted + "@tcp(h:1)/?x=y'}":                            {"database.dsn", "name of the database"},
		"database: {driver: mysql, dsn: 'u:" + planted + "@h:1/d'}":                                    {"database.dsn", "address in brackets"},
		"database: {driver: mysql, dsn: 'h:1/d'}":                                                      {"database.dsn", "address in brackets"},
		"database: {driver: mysql, dsn: 'mysql://u:" + planted + "@h:1/d'}":                            {"database.dsn", "must not be a URL"},
		"database: {driver: mysql, dsn: 'u:p@/ss@tcp(h:1)/d?tls=true'}":                                {},
		"database: {driver: mysql, dsn: 'u@unix(/run/my.sock)/d'}":                                     {},
		"database: {driver: mysql, dsn: 'u:p@/d'}":                                                     {},
		"database: {driver: mysql, dsn: '/d'}":                                                         {},
		"database.dsn: 'u:" + planted + "@tcp(h:1)/d'":                                                 {"database.dsn", "is not the path of a file"},
		"database.dsn: /srv/im.db":                                                                     {},
		"im.lifetime: 5m":                                                                              {"im.lifetime", "must be permanent, 30d, 7d, 1d or 20s"},
		"im.lifetime: 20s":                                                                             {},
		"im: {lifetime: 5m, extra_lifetimes: [5m]}":                                                    {},
		"im: {lifetime: 20s, extra_lifetimes: [5m]}":                                                   {"im.lifetime", "must be permanent, 30d, 7d, 1d or 5m"},
		"im.extra_lifetimes: [20s, 7d]":                                                                {"im.extra_lifetimes", "element 2 can be chosen anyway"},
		"im.extra_lifetimes: [366d]":                                                                   {"im.extra_lifetimes", "element 1 is longer than 365d"},
		"im.extra_lifetimes: ['']":                                                                     {"im.extra_lifetimes", "element 1 must not be empty"},
		"im.extra_lifetimes: [20s, 10]":                                                                {"im.extra_lifetimes", "element 2 in quotes"},
		"session: {access_lifetime: 1h, refresh_lifetime: 59m}":                                        {"session.refresh_lifetime", "must not be shorter than session.access_lifetime, which is 1h"},
		"session.max_lifetime: 719h":                                                                   {"session.max_lifetime", "session.refresh_lifetime, which is 720h"},
		"session.key_rotation: 19m":                                                                    {"session.key_rotation", "twice session.access_lifetime, which is 20m"},
		"throttle: {delay: 1m, max_delay: 59s}":                                                        {"throttle.max_delay", "throttle.delay, which is 1m"},
		"throttle: {max_delay: 5m, window: 4m}":                                                        {"throttle.window", "throttle.max_delay, which is 5m"},
		"session: {access_lifetime: 1m, refresh_lifetime: 1m, max_lifetime: 1m, key_rotation: 2m}":     {},
		"throttle: {delay: 1m, max_delay: 1m, window: 1m}":                                             {},
		"data_dir: ~":                                                                      {"data_dir", "has no value"},
		"im.rongcloud.navigators: ~":                                                       {"im.rongcloud.navigators", "has no value"},
		"ops.listen: 127.0.0.1:8080":                                                       {"ops.listen", "is taken: server.listen listens on 127.0.0.1:8080"},
		"ops.listen: localhost:8080":                                                       {"ops.listen", "is taken"},
		"ops.listen: '[::ffff:127.0.0.1]:8080'":                                            {"ops.listen", "is taken"},
		"server.listen: ':8081'":                                                           {"ops.listen", "is taken"},
		"server.listen: '[::]:8091'":                                                       {"sandbox.control_listen", "is taken: server.listen"},
		"sandbox.control_listen: 127.0.0.1:8090":                                           {"sandbox.control_listen", "is taken: sandbox.listen"},
		"server.listen: 127.0.0.2:8081":                                                    {},
		"server.listen: '127.0.0.1:0'\nops.listen: '127.0.0.1:0'":                          {},
		"sandbox.listen: 0.0.0.0:8090":                                                     {"sandbox.listen", "must be a loopback address"},
		"sandbox.listen: ':8090'":                                                          {"sandbox.listen", "must be a loopback address"},
		"sandbox.control_listen: example.com:8091":                                         {"sandbox.control_listen", "must be a loopback address"},
		"sandbox.listen: '[::1]:8090'":                                                     {},
		"sandbox.listen: localhost:8090":                                                   {},
		"sandbox: {listen: ':8090', control_listen: ':8091', allow_remote: true}":          {},
		"im: {cloud: rongcloud, rongcloud: {app_key: 12, app_secret: s}}":                  {"im.rongcloud.app_key", "put it in quotes"}, // and not that it is missing
		"im: {cloud: rongcloud, rongcloud: {app_key: k, app_secret: 12345678}}":            {"im.rongcloud.app_secret", "put it in quotes"},
		"im: {cloud: rongcloud, rongcloud: {app_key: k, app_secret: 'a " + planted + "'}}": {"im.rongcloud.app_secret", "holds white space"},
	} {
		_, problems := load(t, text)
		if c.key != "" {
			one(t, problems, c.key, c.wrong)
		} else if problems != nil {
			t.Errorf("%s: problems = %v, want none", text, problems)
		}
		hides(t, problems)
	}
}

// The caller knows the clouds and lifetimes of its build.
func TestBuildSaysWhatItHas(t *testing.T) {
	env := []string{"IMBRIDGE_IM_LIFETIME=90d"}
	if _, problems := loadWith(t, Options{Dir: t.TempDir(), Environ: env, Clouds: []string{"sandbox"}, Lifetimes: []string{"90d"}}); problems != nil {
		t.Errorf("problems = %v, want none", problems)
	}
	_, problems := loadWith(t, Options{Dir: t.TempDir(), Environ: []string{}, Clouds: []string{"rongcloud"}})
	one(t, problems, "im.cloud", "this build has no such cloud, but rongcloud")
}

func TestForms(t *testing.T) {
	good := map[string][]string{
		"address":  {":80", "127.0.0.1:0", "[::1]:65535", "localhost:8080", "im-1.example.com:443", "[fe80::1%eth0]:1"},
		"url":      {"https://im.example.com", "http://127.0.0.1:8090", "https://[::1]:8/a/b", "https://a.b:65535"},
		"wsurl":    {"wss://im.example.com/ws", "ws://127.0.0.1:8090"},
		"appkey":   {"1122334455#demo", "imbridge#sandbox", "a.b#c-d_e"},
		"hex32":    {"0123456789abcdef0123456789ABCDEF"},
		"origin":   {"https://app.example.com", "http://localhost:3000", "https://app.example.com:8443"},
		"network":  {"10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "::1/128"},
		"lifetime": {"permanent", "30d", "20s", "12h", "1m30s"},
		"word":     {"abc", "a-b_c/=+"},
		"datakey":  {goodKey},
		"whsec":    {goodWebhookSecret, goodWebhookSecret + " " + goodWebhookSecret},
		"host":     {"smtp.example.com", "localhost", "127.0.0.1", "::1"},
		"mailbox":  {"ops@example.com", "Operations <ops@example.com>"},
		"clock":    {"00:00", "03:30", "never"},
	}
	bad := map[string][]string{
		"address":  {"8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:080", "::1:80", "a b:1", "http://a:1", "-:1"},
		"url":      {"example.com", "ftp://a", "https://", "https://a/", "https://u:p@a", "https://a?b", "https://a#b", "https://a?", "https://a#", "https://a:0", "https://a:", "https://a:65536", "https:a", "https://a b", "https://%zz"},
		"wsurl":    {"https://a", "a", "ws://", "wss://a/", "ws://u:p@a", "wss://a?b", "ws://a:0"},
		"appkey":   {"demo", "#demo", "org#", "..#app", "org#a#b", "o/g#app", "org#a b", "org#" + strings.Repeat("a", 128)},
		"hex32":    {"0123", "0123456789abcdef0123456789abcdeg", strings.Repeat("0", 33)},
		"origin":   {"*", "null", "https://*.example.com", "https://a/b", "https://A.example.com", "https://a:443", "http://a:80", "https://a/"},
		"network":  {"10.0.0.1", "10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.0/33", "x/8", "fe80::1%eth0/64"},
		"lifetime": {"forever", "0s", "-1s", "0d", "500ms", "1.5s", "30", "1w"},
		"word":     {"a b", "a\u3000b", "é", strings.Repeat("x", 257)},
		"datakey":  {"short", "c2hvcnQ=", goodKey[:len(goodKey)-1], "!!!"},
		"whsec":    {goodKey, "whsec_", "whsec_!", "whsec_c2hvcnQ=", goodWebhookSecret + " " + goodKey, "whsec_" + strings.Repeat("A", 88)},
		"host":     {"smtp.example.com:25", "a b", "http://a", "-", "[::1]"},
		"mailbox":  {"ops", "@example.com", "a@b, c@d", "ops@"},
		"clock":    {"3.30", "24:00", "half past three", "Never"},
	}
	for form, texts := range good {
		for _, s := range texts {
			if wrong := forms[form](s); wrong != "" {
				t.Errorf("%s %q %s, want it accepted", form, s, wrong)
			}
		}
	}
	for form, texts := range bad {
		for _, s := range texts {
			if forms[form](s) == "" {
				t.Errorf("%s %q is accepted, want it refused", form, s)
			}
		}
	}
	for name := range forms {
		if (good[name] == nil || bad[name] == nil) && name != "path" && name != "dsn" && name != "password" {
			t.Errorf("form %s has no texts here", name)
		}
	}
	for _, s := range []string{" a", "a\n", "a\tb", "a\x00b", "a\u00a0b", "\ufeffa", "a\u200bb", "\xff"} {
		if plain(s) == "" {
			t.Errorf("%q passes as plain text, want it refused", s)
		}
	}
}

// The complaint is what a person reads first: it is held to the letter.
func TestHowComplaintsRead(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir+"/x.yaml", "server:\n  listen: 8080\nim:\n  cluod: rongcloud\n")
	_, err := Load(Options{Path: path, Environ: []string{"IMBRIDGE_LOG_LEVEL=loud", "IMBRIDGE_DATABASE_DSN=" + planted + " "}})
	want := `settings: 4 problems
  im.cluod: there is no such setting; did you mean im.cloud?, in ` + path + `:4
      example: im.cloud: sandbox
  server.listen (IMBRIDGE_SERVER_LISTEN): must be text; put it in quotes; got "8080", in ` + path + `:2
      example: server.listen: "127.0.0.1:8080"
  database.dsn (IMBRIDGE_DATABASE_DSN): starts or ends with white space
      example: database.dsn: "imbridge:PASSWORD@tcp(127.0.0.1:3306)/imbridge"
  log.level (IMBRIDGE_LOG_LEVEL): must be debug, info, warn or error; got "loud"
      example: log.level: info`
	got := strings.ReplaceAll(fmt.Sprint(err), ", in IMBRIDGE_DATABASE_DSN", "")
	got = strings.ReplaceAll(got, ", in IMBRIDGE_LOG_LEVEL", "")
	if got != want {
		t.Errorf("Load =\n%s\nwant\n%s", got, want)
	}
	_, problems := load(t, "server.public_url: https://root:"+planted+"@example.com")
	one(t, problems, "server.public_url", "must not hold a user name or password")
	hides(t, problems)
}

func TestConsoleLifetime(t *testing.T) {
	for text, want := range map[string]time.Duration{"permanent": 0, "7d": 168 * time.Hour, "20s": 20 * time.Second} {
		cfg, problems := load(t, "im.rongcloud.console_lifetime: "+text)
		if got := cfg.IM.RongCloud.Console(); got != want || problems != nil {
			t.Errorf("console lifetime %s = %s, %v; want %s", text, got, problems, want)
		}
	}
}
