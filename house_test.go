// Package imbridge_test holds what is true of the whole tree and of no single
// package: which way imports point, where the clock may be read, that the container
// files agree with the code. The root has no other Go code.
package imbridge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A layer says what one package of ours may import of ours.
type layer struct {
	pkg   string   // below the module; a last "*" stands for one name; the first match counts
	may   []string // in its code, as pkg; "*" alone is everything but packages made for tests
	tests []string // in its tests, beside `may`, its own package and whatever may judges
	why   string
}

// layers is the order of the house. If it stops you, move the code, not the line.
var layers = []layer{
	{pkg: "", tests: []string{"config"}, why: "the root holds only tests of the tree"},
	{pkg: "cmd/*", may: []string{"*"}, tests: []string{"models/modelstest"}, why: "wires everything"},
	{pkg: "cmd/internal/*", why: "what commands share; knows nothing of ours"},
	{pkg: "handlers", may: []string{"tokens", "models", "web", "tokens/im"},
		tests: []string{"config", "models/modelstest", "tokens/im/rongcloud", "tokens/im/sandbox", "tokens/outbox"},
		why:   "who, what, do, answer"},
	{pkg: "tokens", may: []string{"models", "tokens/im"},
		tests: []string{"models/modelstest", "tokens/im/rongcloud", "tokens/im/sandbox", "tokens/outbox"},
		why:   "never knows a cloud by name"},
	{pkg: "tokens/outbox", may: []string{"models", "tokens/im"},
		tests: []string{"models/modelstest", "tokens/im/rongcloud", "tokens/im/sandbox"},
		why:   "makes the cloud match the database"},
	{pkg: "tokens/reconcile", may: []string{"models", "tokens/im"},
		tests: []string{"models/modelstest", "tokens/im/rongcloud", "tokens/im/sandbox", "tokens", "tokens/outbox"},
		why:   "compares; repairs through the outbox"},
	{pkg: "tokens/notice", may: []string{"models", "tokens/im"}, tests: []string{"models/modelstest"},
		why: "tells an admin; repairs nothing"},
	{pkg: "tokens/im", tests: []string{"tokens/im/imtest"}, why: "the contract stands alone"},
	{pkg: "tokens/im/imtest", may: []string{"tokens/im"}, tests: []string{"tokens/im/sandbox"},
		why: "the contract as tests"},
	{pkg: "tokens/im/sandbox",
		why: "never the clients, in tests neither: shared code would hide shared mistakes"},
	{pkg: "tokens/im/calls", may: []string{"tokens/im"}, why: "what the clients share; knows no cloud"},
	{pkg: "tokens/im/*", may: []string{"tokens/im", "tokens/im/calls"}, tests: []string{"tokens/im/imtest", "tokens/im/sandbox"},
		why: "a cloud knows the contract, and how all clients call"},
	{pkg: "models", tests: []string{"models/modelstest"}, why: "the only door to the database"},
	{pkg: "models/modelstest", may: []string{"models"}, why: "a store for other packages' tests"},
	{pkg: "web", why: "templates and files"},
	{pkg: "config", may: []string{"tokens/im/*"}, tests: []string{"tokens/im"},
		why: "the clouds' Config structs and nothing else of ours"},
}

// A part says that a package of ours is open to another only in part.
type part struct {
	of   string   // the package
	to   string   // the importer; tests are free
	only []string // names, or "file.go": the names that file of the package declares
}

var parts = []part{
	{of: "tokens/im", to: "handlers", only: []string{"errors.go"}},
	{of: "tokens/im/*", to: "config", only: []string{"Config", "DefaultConfig"}},
}

// A door says which of our files may import packages of ours or of others that the
// layers would let through.
type door struct {
	pkg   string   // an import path, with all below it
	files []string // folders (with all below) or files that may; none: only tests
	tests bool     // tests may, wherever they are; so may packages made for tests
	why   string
}

var doors = []door{
	{pkg: "imbridge/tokens/im/rongcloud", files: []string{"cmd/imbridge/cloud_rongcloud.go", "config"}, tests: true, why: "one file opens a cloud"},
	{pkg: "imbridge/tokens/im/easemob", files: []string{"cmd/imbridge/cloud_easemob.go", "config"}, tests: true, why: "one file opens a cloud"},

	{pkg: "github.com/golang-jwt/jwt", files: []string{"tokens/session.go", "tokens/keys.go", "cmd/imbench"}, tests: true,
		why: "access tokens are made and read in one place; the benchmark's floor checks one too"},
	{pkg: "github.com/labstack/echo", files: []string{"handlers", "web", "cmd"}, why: "HTTP ends in handlers"},
	{pkg: "github.com/go-playground/validator", files: []string{"handlers"}, why: "what came in is checked where it comes in"},
	{pkg: "gorm.io", files: []string{"models"}, why: "no gorm type crosses the border of models"},
	{pkg: "github.com/glebarez/sqlite", files: []string{"models"}, why: "a driver"},
	{pkg: "github.com/glebarez/go-sqlite", files: []string{"models"}, why: "the driver's error type"},
	{pkg: "modernc.org/sqlite", files: []string{"models"}, why: "its error codes"},
	{pkg: "github.com/go-sql-driver/mysql", files: []string{"models", "cmd/imbench"}, tests: true,
		why: "a driver; the benchmark's floor and tests of outages use it bare"},
	{pkg: "github.com/pressly/goose", files: []string{"models"}, why: "migrations"},
	{pkg: "github.com/tink-crypto/tink-go", files: []string{"models"}, tests: true, why: "sealing"},
	{pkg: "google.golang.org/protobuf/encoding/protowire", files: []string{"tokens/im/sandbox"}, why: "bodies on the emulated socket"},
	{pkg: "github.com/coder/websocket", files: []string{"tokens/im/sandbox"}, tests: true, why: "the emulated socket"},
	{pkg: "google.golang.org/protobuf", files: []string{"models"}, why: "a keyset around a bare key"},
	{pkg: "github.com/oklog/ulid", files: []string{"models"}, why: "ids"},
	{pkg: "github.com/ccojocar/zxcvbn-go", files: []string{"models"}, why: "the list of common passwords"},
	{pkg: "golang.org/x/crypto", files: []string{"models"}, why: "argon2id"},
	{pkg: "golang.org/x/text", files: []string{"models", "handlers"}, why: "usernames by PRECIS"},
	{pkg: "golang.org/x/sync", files: []string{"models", "tokens", "handlers", "cmd"}, why: "single-flight, semaphores"},
	{pkg: "golang.org/x/time", files: []string{"tokens"}, why: "the clouds' quotas, the pace of renewals"},
	{pkg: "github.com/failsafe-go/failsafe-go", files: []string{"tokens/im"}, why: "the clients' retries and breaker"},
	{pkg: "github.com/wneessen/go-mail", files: []string{"tokens/notice/mail.go"}, why: "e-mail"},
	{pkg: "github.com/standard-webhooks/standard-webhooks", files: []string{"tokens/notice/webhook.go"}, why: "signed webhooks"},
	{pkg: "github.com/prometheus", files: []string{"handlers", "tokens", "models", "cmd"}, tests: true, why: "metrics"},
	{pkg: "github.com/spf13/viper", files: []string{"config"}, why: "only config knows where a setting came from"},
	{pkg: "github.com/go-viper/mapstructure", files: []string{"config"}, why: "with viper"},
	{pkg: "go.yaml.in/yaml", files: []string{"config", "web"}, tests: true, why: "the settings file; the page made from the contract; tests read other YAML"},
	{pkg: "github.com/spf13/cobra", files: []string{"cmd"}, why: "commands"},
	{pkg: "github.com/spf13/pflag", files: []string{"cmd"}, why: "commands"},

	{pkg: "github.com/getkin/kin-openapi", tests: true, why: "the contract is checked by tests, never at run time"},
	{pkg: "github.com/rogpeppe/go-internal", tests: true, why: "scripts against the real binary"},
	{pkg: "pgregory.net/rapid", tests: true, why: "state machines"},
	{pkg: "go.uber.org/goleak", tests: true, why: "leaks"},

	{pkg: "github.com/Shopify/toxiproxy", files: []string{"cmd/imbench"}, why: "bad networks for the proof"},
	{pkg: "github.com/rs/zerolog", files: []string{"cmd/imbench"}, why: "the log that toxiproxy insists on"},
}

// A call says where a function of the standard library may be called. Naming one
// without calling it, as in `Now: time.Now`, is a default and is free.
type call struct {
	pkg   string
	names []string
	files []string // folders or files that may
	tests bool     // tests may, and packages made for tests
	why   string
}

var calls = []call{
	// Not time.Until: what is left of a context's deadline is measured on the real clock.
	{pkg: "time", names: []string{"Now", "Since"}, files: []string{"cmd"}, tests: true,
		why: "time is a field: Now func() time.Time"},
	{pkg: "time", names: []string{"Sleep"}, files: []string{"cmd"}, tests: true,
		why: "wait for a context, a timer or a channel"},
	{pkg: "os", names: []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, files: []string{"config", "cmd", "models/modelstest"}, tests: true,
		why: "only config and cmd read the environment, and the tests' choice of engines"},
	{pkg: "os", names: []string{"Exit"}, files: []string{"cmd"}, tests: true,
		why: "return an error: deferred work is skipped otherwise"},
	{pkg: "log", names: []string{"Fatal", "Fatalf", "Fatalln", "Print", "Printf", "Println", "Panic", "Panicf", "Panicln"},
		why: "slog, and errors are returned"},
}

// emptyWords name no thing. They are refused as folders, packages and files.
var emptyWords = []string{"util", "utils", "common", "helper", "helpers", "service", "services", "types", "misc", "shared"}

// maxLines is where a file of code has become two nouns, with some air above the
// house's 400. Tests may be long lists of cases.
const maxLines = 500

func TestHouse(t *testing.T) {
	for _, complaint := range inspect(t, ".") {
		t.Error(complaint)
	}
}

// tidyHouse is the smallest tree that keeps every rule and has something for each.
var tidyHouse = map[string]string{
	"go.mod":                          "module imbridge\n",
	"cmd/imbridge/main.go":            "// Command imbridge serves.\npackage main\n\nimport \"imbridge/handlers\"\n\nfunc main() { handlers.New() }\n",
	"cmd/imbridge/cloud_rongcloud.go": "package main\n\nimport _ \"imbridge/tokens/im/rongcloud\"\n",
	"handlers/doc.go":                 "// Package handlers answers.\npackage handlers\n",
	"handlers/errors.go":              "package handlers\n\nimport \"imbridge/tokens/im\"\n\nvar _ im.Error\n\nfunc New() {}\n",
	"handlers/open_test.go":           "package handlers_test\n\nimport _ \"imbridge/models/modelstest\"\n",
	"tokens/doc.go":                   "// Package tokens mints.\npackage tokens\n\nimport \"time\"\n\ntype I struct{ Now func() time.Time }\n\nvar _ = I{Now: time.Now}\n",
	"tokens/session.go":               "package tokens\n\nimport _ \"github.com/golang-jwt/jwt/v5\"\n",
	"tokens/im/doc.go":                "// Package im is the contract.\npackage im\n\ntype Minter interface{}\n",
	"tokens/im/errors.go":             "package im\n\ntype Error struct{}\n",
	"tokens/im/imtest/doc.go":         "// Package imtest is the contract as tests.\npackage imtest\n\nimport (\n\t\"testing\"\n\n\t_ \"imbridge/tokens/im\"\n)\n\nfunc Run(*testing.T) {}\n",
	"tokens/im/rongcloud/d.go":        "package rongcloud\n\nimport _ \"imbridge/tokens/im\"\n\ntype Config struct{}\n\ntype Client struct{}\n",
	"tokens/im/rongcloud/doc.go":      "// Package rongcloud calls RongCloud.\npackage rongcloud\n",
	"tokens/im/sandbox/doc.go":        "// Package sandbox plays the clouds.\npackage sandbox\n",
	"models/doc.go":                   "// Package models stores.\npackage models\n\nimport _ \"gorm.io/gorm\"\n",
	"models/modelstest/doc.go":        "// Package modelstest opens stores.\npackage modelstest\n\nimport _ \"imbridge/models\"\n",
	"models/short_test.go":            "package models\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {\n\tif testing.Short() {\n\t\tt.Skip(\"long\")\n\t}\n}\n",
	"models/bubble_test.go":           "package models\n\nimport (\n\t\"testing/synctest\"\n\t\"time\"\n)\n\nvar _ = synctest.Test\n\nfunc f() { time.Sleep(1) }\n",
	"config/doc.go":                   "// Package config reads settings.\npackage config\n\nimport \"imbridge/tokens/im/rongcloud\"\n\nvar _ rongcloud.Config\n",
	"web/doc.go":                      "// Package web holds templates.\npackage web\n",
	"docs/testdata/util/bad.go":       "package util\n",
}

// TestHouseRules breaks each rule in turn: a checker that sees nothing is green, too.
func TestHouseRules(t *testing.T) {
	cases := []struct{ name, file, content, want string }{
		{"nothing broken", "", "", ""},
		{"a layer turned round", "models/up.go", "package models\n\nimport _ \"imbridge/tokens\"\n", "models/up.go: imports imbridge/tokens"},
		{"handlers know a cloud", "handlers/c.go", "package handlers\n\nimport _ \"imbridge/tokens/im/rongcloud\"\n", "handlers/c.go: imports imbridge/tokens/im/rongcloud"},
		{"the sandbox uses a client", "tokens/im/sandbox/c.go", "package sandbox\n\nimport _ \"imbridge/tokens/im/rongcloud\"\n", "imports imbridge/tokens/im/rongcloud"},
		{"the sandbox's tests use a client", "tokens/im/sandbox/c_test.go", "package sandbox\n\nimport _ \"imbridge/tokens/im/rongcloud\"\n", "imports imbridge/tokens/im/rongcloud"},
		{"a test reaches too far", "tokens/x_test.go", "package tokens\n\nimport _ \"imbridge/handlers\"\n", "tokens/x_test.go: imports imbridge/handlers"},
		{"the binary carries test code", "cmd/imbridge/x.go", "package main\n\nimport _ \"imbridge/models/modelstest\"\n", "imports imbridge/models/modelstest"},
		{"a second file of cmd opens a cloud", "cmd/imbridge/x.go", "package main\n\nimport _ \"imbridge/tokens/im/rongcloud\"\n", "cmd/imbridge/x.go: imports imbridge/tokens/im/rongcloud"},
		{"handlers use more of im than errors", "handlers/x.go", "package handlers\n\nimport \"imbridge/tokens/im\"\n\nvar _ im.Minter\n", "handlers/x.go: uses im.Minter"},
		{"config uses a client", "config/x.go", "package config\n\nimport rc \"imbridge/tokens/im/rongcloud\"\n\nvar _ rc.Client\n", "config/x.go: uses rc.Client"},
		{"jwt elsewhere", "tokens/issuer.go", "package tokens\n\nimport _ \"github.com/golang-jwt/jwt/v5\"\n", "tokens/issuer.go: imports github.com/golang-jwt/jwt/v5"},
		{"gorm elsewhere", "handlers/x.go", "package handlers\n\nimport _ \"gorm.io/gorm\"\n", "imports gorm.io/gorm"},
		{"echo elsewhere", "tokens/x.go", "package tokens\n\nimport _ \"github.com/labstack/echo/v4\"\n", "imports github.com/labstack/echo/v4"},
		{"viper elsewhere", "cmd/imbridge/x.go", "package main\n\nimport _ \"github.com/spf13/viper\"\n", "imports github.com/spf13/viper"},
		{"kin-openapi at run time", "handlers/x.go", "package handlers\n\nimport _ \"github.com/getkin/kin-openapi/openapi3\"\n", "imports github.com/getkin/kin-openapi"},
		{"a module nobody has listed", "web/x.go", "package web\n\nimport _ \"example.com/new/thing\"\n", "imports example.com/new/thing, which has no line"},
		{"a package nobody has listed", "extra/doc.go", "// Package extra is new.\npackage extra\n", "extra: has no line"},
		{"testing at run time", "web/x.go", "package web\n\nimport _ \"testing\"\n", "web/x.go: imports testing"},
		{"an empty word as folder", "models/util/doc.go", "// Package util is.\npackage util\n", `models/util: "util" names no thing`},
		{"an empty word as file", "models/helpers.go", "package models\n", `models/helpers.go: "helpers" names no thing`},
		{"an empty word as test file", "models/common_test.go", "package models\n", `models/common_test.go: "common" names no thing`},
		{"an empty word as package", "web/x.go", "package types\n", `web/x.go: "types" names no thing`},
		{"no package comment", "web/doc.go", "package web\n", "web: needs a package comment in doc.go"},
		{"a package comment that names another", "web/doc.go", "// Package wed holds.\npackage web\n", "web: needs a package comment in doc.go"},
		{"a program without a comment", "cmd/imbridge/main.go", "package main\n", "cmd/imbridge: needs a package comment in main.go"},
		{"the clock is read", "tokens/x.go", "package tokens\n\nimport \"time\"\n\nvar t = time.Now()\n", "tokens/x.go:5: calls time.Now"},
		{"the clock is read under another name", "tokens/x.go", "package tokens\n\nimport clock \"time\"\n\nvar t = clock.Since(clock.Time{})\n", "tokens/x.go:5: calls time.Since"},
		{"sleep", "tokens/x.go", "package tokens\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n", "tokens/x.go:5: calls time.Sleep"},
		{"sleep in a test", "tokens/x_test.go", "package tokens\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n", "tokens/x_test.go:5: sleeps outside a synctest bubble"},
		{"the environment is read", "handlers/x.go", "package handlers\n\nimport \"os\"\n\nvar x = os.Getenv(\"X\")\n", "calls os.Getenv"},
		{"exit", "models/x.go", "package models\n\nimport \"os\"\n\nfunc f() { os.Exit(1) }\n", "calls os.Exit"},
		{"init", "models/x.go", "package models\n\nfunc init() {}\n", "models/x.go:3: has an init"},
		{"dot import", "models/x.go", "package models\n\nimport . \"time\"\n\nvar t = Now()\n", "models/x.go: imports time with a dot"},
		{"skip", "models/x_test.go", "package models\n\nimport \"testing\"\n\nfunc TestB(t *testing.T) { t.Skip(\"later\") }\n", "models/x_test.go:5: skips"},
		{"skip for want of a database", "models/x_test.go", "package models\n\nimport \"testing\"\n\nfunc TestB(t *testing.T) {\n\tif f() {\n\t\tt.SkipNow()\n\t}\n}\n", "models/x_test.go:7: skips"},
		{"skip in the other branch", "models/x_test.go", "package models\n\nimport \"testing\"\n\nfunc TestB(t *testing.T) {\n\tif testing.Short() {\n\t} else {\n\t\tt.SkipNow()\n\t}\n}\n", "models/x_test.go:8: skips"},
		{"a file that never ends", "web/x.go", "package web\n" + strings.Repeat("\n", maxLines), "web/x.go: has 501 lines"},
		{"not Go", "web/x.go", "package web\n\nfunc {\n", "web/x.go:3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			write := func(name, content string) {
				path := filepath.Join(root, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for name, content := range tidyHouse {
				write(name, content)
			}
			if c.file != "" {
				write(c.file, c.content)
			}
			got := inspect(t, root)
			if c.want == "" {
				if len(got) != 0 {
					t.Fatalf("complaints about a tidy house:\n%s", strings.Join(got, "\n"))
				}
				return
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("complaints = %q, want one that says %q", all, c.want)
			}
		})
	}
}
