package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultLifetimes are those when Options names none.
var defaultLifetimes = []string{"permanent", "30d", "7d", "1d"}

// check adds what is wrong with the values: each by itself, then together. A
// key that could not be read holds its default, which is right by itself, but
// nobody asked for it: no rule holds it against another key's value or calls it
// missing.
func (r *reader) check(o Options) {
	for _, k := range Keys() {
		r.checkOne(k, reflect.ValueOf(r.cfg).FieldByIndex(k.index))
	}
	before := Problems{List: slices.Clone(r.problems.List)}
	rule := func(broken bool, key, wrong, example string) {
		if broken && !before.has(key) {
			k := catalogue().byName[key]
			r.complain(*k, format(reflect.ValueOf(r.cfg).FieldByIndex(k.index)), wrong, example)
		}
	}
	r.checkProduction(rule)
	r.checkListeners(rule)
	r.checkDatabase(rule)
	r.checkCloud(rule, o)
	r.checkTimes(rule)
	r.checkNotices(rule)
}

// A rule complains about key if broken.
type rule func(broken bool, key, wrong, example string)

func (r *reader) checkOne(k Key, v reflect.Value) {
	switch x := v.Interface().(type) {
	case []string:
		for i, s := range x {
			if wrong := wrongText(k, s); wrong != "" {
				r.complain(k, s, fmt.Sprintf("element %d %s", i+1, wrong), "")
			}
		}
	case time.Duration:
		low, _ := parseDuration(k.Min)
		high, _ := parseDuration(k.Max)
		if x < low || x > high {
			r.complain(k, formatDuration(x), fmt.Sprintf("must be from %s to %s", k.Min, k.Max), "")
		}
	case int:
		low, _ := strconv.Atoi(k.Min)
		high, _ := strconv.Atoi(k.Max)
		if x < low || x > high {
			r.complain(k, strconv.Itoa(x), fmt.Sprintf("must be from %s to %s", k.Min, k.Max), "")
		}
	case bool:
	default:
		s := v.String()
		if sec, ok := x.(Secret); ok {
			s = sec.Reveal()
		}
		if s == "" && k.Default == "" {
			return
		}
		if wrong := wrongText(k, s); wrong != "" {
			r.complain(k, s, wrong, "")
		}
	}
}

func wrongText(k Key, s string) string {
	if s == "" {
		return "must not be empty"
	}
	if wrong := plain(s); wrong != "" {
		return wrong
	}
	if k.OneOf != nil {
		if slices.Contains(k.OneOf, s) {
			return ""
		}
		return "must be " + orList(k.OneOf)
	}
	if wrong := forms[k.form]; wrong != nil {
		return wrong(s)
	}
	return ""
}

func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func (r *reader) checkProduction(rule rule) {
	c := &r.cfg
	if c.Env != Production {
		return
	}
	rule(c.IM.Cloud == "sandbox" && !c.IM.AllowSandbox, "im.cloud",
		"production does not run on the sandbox, which forgets everything",
		"im.cloud: rongcloud, or im.allow_sandbox: true")
	rule(c.Database.Driver == "sqlite" && !c.Database.AllowSQLite, "database.driver",
		"production does not keep its data in SQLite, which serves one process alone",
		"database.driver: mysql, or database.allow_sqlite: true")
	rule(!c.Keys.DataKey.IsSet() && !c.Keys.AllowGenerated, "keys.data_key",
		"production needs a data key that is kept outside of data_dir",
		"IMBRIDGE_KEYS_DATA_KEY_FILE=/run/secrets/data_key (made by: openssl rand -base64 32), or keys.allow_generated: true")
	rule(len(c.IM.ExtraLifetimes) > 0, "im.extra_lifetimes",
		"production has no extra lifetimes", "im.extra_lifetimes: []")
	for _, cloud := range c.IM.clouds() {
		key := "im." + cloud.name + ".base_url"
		if u, err := url.Parse(cloud.baseURL()); err == nil {
			rule(u.Scheme == "http" && !loopback(u.Hostname()), key, "production does not send tokens over plain http",
				key+": "+catalogue().byName[key].Example)
		}
	}
}

func (r *reader) checkNotices(rule rule) {
	hook, mail := &r.cfg.Notices.Webhook, &r.cfg.Notices.Mail
	rule(hook.URL != "" && !hook.Secret.IsSet(), "notices.webhook.secret",
		"is missing, and notices.webhook.url is set", "IMBRIDGE_NOTICES_WEBHOOK_SECRET_FILE=/run/secrets/webhook (whsec_ and the output of: openssl rand -base64 32)")
	rule(mail.Host != "" && mail.From == "", "notices.mail.from", "is missing, and notices.mail.host is set", "")
	rule(mail.Host != "" && len(mail.To) == 0, "notices.mail.to", "is empty, and notices.mail.host is set", "")
	rule(mail.Host == "" && (mail.From != "" || len(mail.To) > 0), "notices.mail.host", "is missing, and a sender or a recipient is set", "")
	rule(mail.Username != "" && !mail.Password.IsSet(), "notices.mail.password", "is missing, and notices.mail.username is set", "")
	if u, err := url.Parse(hook.URL); err == nil && r.cfg.Env == Production {
		rule(u.Scheme == "http", "notices.webhook.url", "production does not post notices over plain http", "")
	}
}

// loopback tells whether host is this machine's inner network. Names other than
// localhost are not looked up.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

func (r *reader) checkListeners(rule rule) {
	c := &r.cfg
	type listener struct{ key, address string }
	ours := []listener{{"server.listen", c.Server.Listen}, {"ops.listen", c.Ops.Listen}}
	sandbox := []listener{{"sandbox.listen", c.Sandbox.Listen}, {"sandbox.control_listen", c.Sandbox.ControlListen}}
	for _, l := range sandbox {
		host, _, _ := net.SplitHostPort(l.address)
		rule(!loopback(host) && !c.Sandbox.AllowRemote, l.key,
			"must be a loopback address, because anybody who reaches the sandbox owns it",
			l.key+": 127.0.0.1:8090, or sandbox.allow_remote: true")
	}
	groups := [][]listener{ours, sandbox}
	if c.IM.Cloud == "sandbox" { // all in one process
		groups = [][]listener{append(ours, sandbox...)}
	}
	for _, g := range groups {
		for i, b := range g {
			for _, a := range g[:i] {
				rule(clash(a.address, b.address), b.key,
					fmt.Sprintf("is taken: %s listens on %s", a.key, a.address), b.key+": 127.0.0.1:0")
			}
		}
	}
}

// clash tells whether two listeners cannot exist at once. Port 0 is always a
// free one.
func clash(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return everywhere(hostA) || everywhere(hostB) || samehost(hostA, hostB)
}

func everywhere(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "" || err == nil && a.IsUnspecified()
}

func samehost(a, b string) bool {
	norm := func(h string) string {
		if ip, err := netip.ParseAddr(h); err == nil {
			return ip.Unmap().String()
		}
		if h == "localhost" {
			return "127.0.0.1"
		}
		return strings.ToLower(h)
	}
	return norm(a) == norm(b)
}

func (r *reader) checkDatabase(rule rule) {
	dsn := r.cfg.Database.DSN.Reveal()
	switch r.cfg.Database.Driver {
	case "mysql":
		if dsn == "" {
			rule(true, "database.dsn", "is missing, and database.driver is mysql", "")
			return
		}
		wrong := wrongMySQL(dsn)
		rule(wrong != "", "database.dsn", wrong, "")
	case "sqlite":
		rule(strings.Contains(dsn, "@tcp(") || strings.Contains(dsn, "@unix(") || strings.Contains(dsn, "://"), "database.dsn",
			"is not the path of a file, and database.driver is sqlite", "database.driver: mysql")
	}
}

func (r *reader) checkCloud(rule rule, o Options) {
	im := &r.cfg.IM
	clouds, lifetimes := o.Clouds, o.Lifetimes
	if clouds == nil {
		clouds = []string{"sandbox"}
		for _, cloud := range im.clouds() {
			clouds = append(clouds, cloud.name)
		}
	}
	if lifetimes == nil {
		lifetimes = defaultLifetimes
	}
	rule(!slices.Contains(clouds, im.Cloud), "im.cloud",
		"this build has no such cloud, but "+orList(clouds), "im.cloud: "+cmp.Or(clouds...))
	for _, cloud := range im.clouds() {
		if cloud.name == im.Cloud {
			cloud.check(rule)
		}
	}
	for i, s := range im.ExtraLifetimes {
		d, err := parseDuration(s)
		rule(slices.Contains(lifetimes, s), "im.extra_lifetimes", fmt.Sprintf("element %d can be chosen anyway", i+1), "")
		rule(s == "permanent" || err == nil && d > 365*24*time.Hour, "im.extra_lifetimes", fmt.Sprintf("element %d is longer than 365d", i+1), "")
	}
	allowed := append(slices.Clone(lifetimes), r.cfg.extraLifetimes()...)
	rule(!slices.Contains(allowed, im.Lifetime), "im.lifetime",
		"must be "+orList(allowed)+"; others have to stand in im.extra_lifetimes, outside of production", "")
}

func (r *reader) checkTimes(rule rule) {
	s, t := &r.cfg.Session, &r.cfg.Throttle
	atLeast := func(key string, d time.Duration, other string, least time.Duration) {
		rule(d < least, key, fmt.Sprintf("must not be shorter than %s, which is %s", other, formatDuration(least)),
			key+": "+formatDuration(least))
	}
	atLeast("session.refresh_lifetime", s.RefreshLifetime, "session.access_lifetime", s.AccessLifetime)
	atLeast("session.max_lifetime", s.MaxLifetime, "session.refresh_lifetime", s.RefreshLifetime)
	atLeast("session.key_rotation", s.KeyRotation, "twice session.access_lifetime", 2*s.AccessLifetime)
	atLeast("throttle.max_delay", t.MaxDelay, "throttle.delay", t.Delay)
	atLeast("throttle.window", t.Window, "throttle.max_delay", t.MaxDelay)
}
