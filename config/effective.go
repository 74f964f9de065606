package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// resolve fills in what is left to the environment: log.format,
// im.extra_lifetimes, database.dsn of SQLite and password.parallel.
func (c *Config) resolve() {
	c.IM.ExtraLifetimes = c.extraLifetimes()
	if c.Log.Format == "" {
		c.Log.Format = "text"
		if c.Env == Production {
			c.Log.Format = "json"
		}
	}
	if c.Database.Driver == "sqlite" && !c.Database.DSN.IsSet() {
		c.Database.DSN = NewSecret(filepath.Join(c.DataDir, "imbridge.db"))
	}
	if c.Password.Parallel == 0 {
		c.Password.Parallel = runtime.GOMAXPROCS(0)
	}
}

func (c *Config) extraLifetimes() []string {
	switch {
	case c.Env == Production:
		return []string{}
	case len(c.IM.ExtraLifetimes) == 0:
		return []string{"20s"}
	}
	return slices.Clone(c.IM.ExtraLifetimes)
}

// DataKeyFile is the path of the generated data key, used when Keys.DataKey is
// unset.
func (c Config) DataKeyFile() string { return filepath.Join(c.DataDir, "data.key") }

// Proxies returns TrustedProxies, parsed. Load has seen to it that they can be;
// others are left out.
func (s Server) Proxies() []netip.Prefix {
	out := make([]netip.Prefix, 0, len(s.TrustedProxies))
	for _, t := range s.TrustedProxies {
		if p, err := netip.ParsePrefix(t); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Client is the name of the cloud whose client is used: the one that the sandbox
// plays where im.cloud is sandbox.
func (c Config) Client() string {
	if c.IM.Cloud == "sandbox" {
		return c.Sandbox.Cloud
	}
	return c.IM.Cloud
}

// Describe lists every setting as in force, a line each, secrets hidden.
func (c Config) Describe() string {
	var b strings.Builder
	v := reflect.ValueOf(c)
	for _, k := range Keys() {
		value := format(v.FieldByIndex(k.index))
		switch {
		case k.Secret:
			value = v.FieldByIndex(k.index).Interface().(Secret).String()
		case k.Type == "list":
			value = "[" + value + "]"
		case value == "":
			value = `""`
		}
		fmt.Fprintf(&b, "%s: %s\n", k.Name, value)
	}
	return b.String()
}
