package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write imbridge.example.yaml anew")

const examplePath = "../imbridge.example.yaml"

// Operators have these in their deployments. A name may be added, none changed.
func TestNamesThatAreFixed(t *testing.T) {
	want := map[string]string{
		"IMBRIDGE_ENV":                           "development",
		"IMBRIDGE_DATA_DIR":                      "./data",
		"IMBRIDGE_SERVER_LISTEN":                 "127.0.0.1:8080",
		"IMBRIDGE_OPS_LISTEN":                    "127.0.0.1:8081",
		"IMBRIDGE_SANDBOX_LISTEN":                "127.0.0.1:8090",
		"IMBRIDGE_SANDBOX_CONTROL_LISTEN":        "127.0.0.1:8091",
		"IMBRIDGE_DATABASE_DRIVER":               "sqlite",
		"IMBRIDGE_DATABASE_DSN":                  "",
		"IMBRIDGE_IM_CLOUD":                      "sandbox",
		"IMBRIDGE_IM_LIFETIME":                   "permanent",
		"IMBRIDGE_IM_RONGCLOUD_APP_KEY":          "",
		"IMBRIDGE_IM_RONGCLOUD_APP_SECRET":       "",
		"IMBRIDGE_IM_RONGCLOUD_REGION":           "BJ",
		"IMBRIDGE_IM_RONGCLOUD_BASE_URL":         "",
		"IMBRIDGE_IM_RONGCLOUD_CONSOLE_LIFETIME": "permanent",
		"IMBRIDGE_DATABASE_DSN_FILE":             "",
		"IMBRIDGE_IM_RONGCLOUD_APP_SECRET_FILE":  "",
		"IMBRIDGE_KEYS_DATA_KEY_FILE":            "",
		"IMBRIDGE_IM_EXTRA_LIFETIMES":            "",
		"IMBRIDGE_DATABASE_MIGRATE_ON_START":     "false",
		"IMBRIDGE_SESSION_ACCESS_LIFETIME":       "10m",
		"IMBRIDGE_SESSION_REFRESH_LIFETIME":      "720h",
		"IMBRIDGE_SERVER_REGISTER_BUDGET":        "1.5s",
		"IMBRIDGE_IM_RENEW_WINDOW_PERCENT":       "20",
		"IMBRIDGE_IM_RONGCLOUD_QUOTA_PERCENT":    "90",
		"IMBRIDGE_DATABASE_ALLOW_SQLITE":         "false",
		"IMBRIDGE_KEYS_ALLOW_GENERATED":          "false",
		"IMBRIDGE_IM_ALLOW_SANDBOX":              "false",
		"IMBRIDGE_LOG_LEVEL":                     "info",
		"IMBRIDGE_THROTTLE_WINDOW":               "15m",
	}
	for env, def := range want {
		k := catalogue().byEnv[env]
		if k == nil {
			t.Errorf("no key is set by %s", env)
		} else if k.Default != def {
			t.Errorf("default of %s = %q, want %q", k.Name, k.Default, def)
		}
	}
}

// What is derived from a field is there for each field, and names cannot be
// mistaken for each other.
func TestKeysAreComplete(t *testing.T) {
	names := map[string]string{}
	claim := func(name, key string) {
		if name != "" && names[name] != "" {
			t.Errorf("%s belongs to %s and to %s", name, names[name], key)
		}
		names[name] = key
	}
	for _, k := range Keys() {
		claim(k.Name, k.Name)
		claim(k.Env, k.Name)
		claim(k.EnvFile, k.Name)
		if k.Doc == "" || !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s has no comment of whole sentences: %q", k.Name, k.Doc)
		}
		if k.Example == "" {
			t.Errorf("%s has neither a default nor an eg tag", k.Name)
		}
		if want := k.Type == "whole number" || k.Type == "duration"; want != (k.Min != "" && k.Max != "") {
			t.Errorf("%s (%s) has limits %q to %q", k.Name, k.Type, k.Min, k.Max)
		}
		if k.Type == "text" || k.Type == "list" {
			if (k.OneOf == nil) == (forms[k.form] == nil) {
				t.Errorf("%s needs either oneof or a form that exists; got %q, %q", k.Name, k.OneOf, k.form)
			}
		}
		if k.Secret != (k.EnvFile != "") {
			t.Errorf("%s: Secret = %v, EnvFile = %q", k.Name, k.Secret, k.EnvFile)
		}
	}
	for _, s := range Sections() {
		claim(s.Name, s.Name)
		if s.Doc == "" {
			t.Errorf("section %s has no comment", s.Name)
		}
	}
}

// The example file is what the struct says, word for word.
func TestExampleFile(t *testing.T) {
	want := renderExample()
	if *update {
		if err := os.WriteFile(examplePath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("imbridge.example.yaml differs from config.go; run: go test ./config -update\n%s", firstDifference(string(got), string(want)))
	}
	cfg, err := Load(Options{Path: examplePath, Environ: []string{}})
	if err != nil {
		t.Fatalf("Load(%s) = %v", examplePath, err)
	}
	def := Default()
	def.resolve()
	def.File = examplePath
	if !reflect.DeepEqual(cfg, def) {
		t.Errorf("Load(%s)\n got %s\nwant %s", examplePath, cfg.Describe(), def.Describe())
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

func renderExample() []byte {
	var b strings.Builder
	b.WriteString(`# Every setting of imbridge, at its default. Copy what you change to
# imbridge.yaml: what is not there keeps its default.
#
# Each key can be set by a variable too: IMBRIDGE_ and the key in capitals, with
# _ for each dot. server.listen is IMBRIDGE_SERVER_LISTEN; lists are separated by
# commas. A variable wins over the file, and an empty one counts as not set. For
# a secret the variable with _FILE at its end names a file that holds it.
#
# Durations: 500ms, 20s, 10m, 1h30m, 30d.
#
# This file is made from config/config.go by: go test ./config -update
`)
	done := map[string]bool{}
	for _, k := range Keys() {
		parts := strings.Split(k.Name, ".")
		for i := range parts[:len(parts)-1] {
			name := strings.Join(parts[:i+1], ".")
			if done[name] {
				continue
			}
			done[name] = true
			at := slices.IndexFunc(Sections(), func(s Section) bool { return s.Name == name })
			b.WriteString("\n" + comment(i, Sections()[at].Doc))
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), parts[i])
		}
		depth := len(parts) - 1
		if !strings.HasSuffix(b.String(), ":\n") {
			b.WriteString("\n")
		}
		doc := k.Doc
		if k.Secret {
			doc += "\nSecret: better in " + k.EnvFile + "."
		}
		b.WriteString(comment(depth, doc))
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", depth), parts[depth], yamlValue(k))
	}
	return []byte(b.String())
}

func comment(depth int, doc string) string {
	pad := strings.Repeat("  ", depth) + "# "
	return pad + strings.ReplaceAll(doc, "\n", "\n"+pad) + "\n"
}

func yamlValue(k Key) string {
	switch k.Type {
	case "whole number", "true or false", "duration":
		return k.Default
	case "list":
		return "[" + k.Default + "]"
	}
	out, _ := yaml.Marshal(k.Default)
	return strings.TrimSpace(string(out))
}
