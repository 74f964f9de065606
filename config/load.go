package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// FileName is the file that Load looks for when it is told none.
const FileName = "imbridge.yaml"

const (
	maxFile       = 1 << 20
	maxSecretFile = 64 << 10
)

// Options say where Load reads and what this build can do. The zero value is
// right for the product.
type Options struct {
	Path      string   // file that must exist; empty: FileName in Dir, if there is one
	Dir       string   // empty: the working directory
	Environ   []string // as of os.Environ, which stands in for nil
	Clouds    []string // names of im.cloud that can be opened; nil: every one of config
	Lifetimes []string // what im.lifetime may be without extra_lifetimes; nil: permanent, 30d, 7d, 1d
}

// Load reads the file, then the variables, then the files that variables name;
// later ones win. An empty variable counts as not set. Values that depend on
// the environment are filled in: see Config.resolve.
//
// If anything is wrong the error is a *Problems with all of it, and the Config
// holds what could be read, with defaults in place of the rest: enough for a
// report, not for a start.
func Load(o Options) (Config, error) {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	r := newReader()
	if path, data, ok := r.findFile(o); ok {
		r.cfg.File = path
		r.file(path, data)
	}
	r.environ(o.Environ)
	return r.finish(o)
}

// reader gathers values and complaints.
type reader struct {
	cfg      Config
	values   *viper.Viper      // file, and the variables over it
	where    map[string]string // key → where its value is from
	text     map[string]bool   // keys whose value is from a variable
	problems Problems
}

func newReader() *reader {
	return &reader{
		cfg:    Default(),
		values: viper.New(),
		where:  map[string]string{},
		text:   map[string]bool{},
	}
}

// finish turns what was gathered into a Config and checks it.
func (r *reader) finish(o Options) (Config, error) {
	for _, k := range Keys() {
		if r.where[k.Name] == "" || r.problems.has(k.Name) {
			continue
		}
		value := r.values.Get(k.Name)
		field := reflect.ValueOf(&r.cfg).Elem().FieldByIndex(k.index)
		var wrong, got string
		if r.text[k.Name] {
			got = value.(string)
			wrong = decodeText(field, got)
		} else {
			got = fmt.Sprint(value)
			wrong = decodeFile(field, value)
		}
		if wrong != "" {
			r.complain(k, got, wrong, "")
		}
	}
	r.check(o)
	r.cfg.resolve()
	if len(r.problems.List) > 0 {
		return r.cfg, &r.problems
	}
	return r.cfg, nil
}

// complain adds a problem with a known key. An empty example is replaced by
// the key's own.
func (r *reader) complain(k Key, got, wrong, example string) {
	// The app key is confused with the app secret often enough to be hidden too.
	if k.Secret || k.form == "word" {
		got = ""
	}
	if example == "" {
		example = k.line()
	}
	r.problems.add(Problem{
		Key: k.Name, Env: k.Env, Where: r.where[k.Name],
		Got: printable(got), Wrong: wrong, Example: example,
	})
}

// line is an example as a line of the file, its key in full.
func (k Key) line() string {
	switch {
	case k.Type == "list":
		return fmt.Sprintf("%s: [%q]", k.Name, k.Example)
	case k.Type == "text" && strings.ContainsAny(k.Example, ": @"):
		return fmt.Sprintf("%s: %q", k.Name, k.Example)
	}
	return k.Name + ": " + k.Example
}

var userinfo = regexp.MustCompile(`//[^/@]*@`)

// printable shortens a value for a complaint and takes the password out of
// what looks like a URL with one.
func printable(s string) string {
	s = userinfo.ReplaceAllString(s, "//[hidden]@")
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

func (r *reader) findFile(o Options) (path string, data []byte, ok bool) {
	path, key := o.Path, "--config"
	if path == "" {
		path, key = filepath.Join(o.Dir, FileName), FileName
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return "", nil, false
		}
	}
	data, err := readAtMost(path, maxFile)
	if err != nil {
		r.problems.add(Problem{
			Key: key, Where: path,
			Wrong:   "the file cannot be read: " + reason(err),
			Example: "imbridge serve --config /etc/imbridge/imbridge.yaml",
		})
		return path, nil, false
	}
	return path, data, true
}

var errTooLarge = errors.New("it is too large")

func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}

// reason is an error of package os without the path: the variable that should
// name a secret's file may hold the secret.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// Names below the prefix that belong to the tests of this repository.
func reserved(name string) bool {
	return strings.HasPrefix(name, EnvPrefix+"TEST_") || name == EnvPrefix+"CACHE"
}

// Kubernetes puts the address of each service of a namespace into every
// container. Next to a service called imbridge or imbridge-ops that is
// IMBRIDGE_SERVICE_HOST, IMBRIDGE_OPS_PORT=tcp://10.0.0.1:8081 and so on:
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var (
	kubernetesName  = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	kubernetesValue = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

func fromKubernetes(name, value string) bool {
	return kubernetesName.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && kubernetesValue.MatchString(value)
}

func (r *reader) environ(environ []string) {
	vars := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, EnvPrefix) {
			vars[name] = value
		}
	}
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names) // the same report every time
	for _, name := range names {
		value := vars[name]
		k := catalogue().byEnv[name]
		switch {
		case k == nil:
			if !reserved(name) && !fromKubernetes(name, value) {
				r.unknownVariable(name)
			}
		case value == "":
		case name == k.Env:
			r.set(k, name, value)
		case vars[k.Env] != "":
			r.where[k.Name] = ""
			r.complain(*k, "", fmt.Sprintf("is set by %s and by %s", k.Env, k.EnvFile), "keep one of the two")
		default:
			r.secretFile(k, value)
		}
	}
}

func (r *reader) set(k *Key, where, value string) {
	r.values.Set(k.Name, value)
	r.where[k.Name] = where
	r.text[k.Name] = true
}

func (r *reader) secretFile(k *Key, path string) {
	data, err := readAtMost(path, maxSecretFile)
	// Editors and echo end a file with a newline that is not part of the secret.
	value := strings.TrimRight(string(data), "\r\n")
	r.where[k.Name] = k.EnvFile
	example := k.EnvFile + "=/run/secrets/" + strings.ReplaceAll(k.Name, ".", "_")
	switch {
	case err != nil:
		r.complain(*k, "", "its file cannot be read: "+reason(err), example)
	case value == "":
		r.complain(*k, "", "its file is empty", example)
	default:
		r.set(k, k.EnvFile, value)
	}
}

func (r *reader) unknownVariable(name string) {
	p := Problem{Key: name, Env: name, Where: name, Wrong: "there is no such setting"}
	c := catalogue()
	if k := c.byEnv[strings.TrimSuffix(name, "_FILE")]; k != nil {
		p.Wrong = "only secrets are read from files, and " + k.Name + " is none"
		p.Example = k.Env + "=" + k.Example
		r.problems.add(p)
		return
	}
	var names []string
	for _, k := range c.keys {
		names = append(names, k.Env)
		if k.Secret {
			names = append(names, k.EnvFile)
		}
	}
	if near := closest(strings.TrimPrefix(name, EnvPrefix), trimAll(names, EnvPrefix), "_"); near != "" {
		near = EnvPrefix + near
		p.Wrong += "; did you mean " + near + "?"
		k := c.byEnv[near]
		p.Example = k.Env + "=" + k.Example
	}
	r.problems.add(p)
}

func trimAll(names []string, prefix string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.TrimPrefix(n, prefix)
	}
	return out
}

// readValues hands the file to viper, which folds case and nests keys.
func (r *reader) readValues(data []byte) error {
	r.values.SetConfigType("yaml")
	return r.values.ReadConfig(bytes.NewReader(data))
}
