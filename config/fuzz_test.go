package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// Any file is either read or refused as *Problems, which repeat no secret, and
// never panics. What is read holds what Load promises.
func FuzzFile(f *testing.F) {
	example, err := os.ReadFile(examplePath)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, k := range Keys() {
		f.Add([]byte(nested(k.Name, wrongType(k))))
	}
	for _, text := range []string{
		"", "~", "--- ", "a: &a [*a]", "&a a: *a", "im:\n  <<: {cloud: sandbox}", "server.listen.x: 1", "im: {cloud: !!binary aGk=}",
		"env: !!timestamp 2020-01-01", "? {a: b}\n: c", "im.extra_lifetimes: [[1]]", "1e400: .inf", "\xff\xfe", "%YAML 9.9\n---\na", "session.refresh_grace: 1e9",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newReader()
		r.file("f", data)
		r.environ([]string{"IMBRIDGE_IM_RONGCLOUD_APP_SECRET= " + planted, "IMBRIDGE_KEYS_DATA_KEY=" + planted})
		cfg, err := r.finish(Options{})
		var p *Problems
		if !errors.As(err, &p) || len(p.List) < 2 { // the two planted secrets are wrong themselves
			t.Fatalf("finish = %v, want *Problems with at least 2", err)
		}
		out := p.Error() + cfg.Describe()
		if strings.Contains(out, planted) && !strings.Contains(string(data), planted) {
			t.Fatalf("the report shows a secret:\n%s", out)
		}

		r = newReader()
		r.file("f", data)
		cfg, err = r.finish(Options{})
		if err == nil {
			again := newReader()
			again.cfg = cfg
			if cfg, err := again.finish(Options{}); err != nil {
				t.Fatalf("settings that were accepted are refused when checked again: %v\n%s", err, cfg.Describe())
			}
			return
		}
		if !errors.As(err, &p) {
			t.Fatalf("finish = %T, want *Problems", err)
		}
		for _, x := range p.List {
			if x.Key == "" || x.Wrong == "" {
				t.Errorf("complaint %+v lacks its key or its reason", x)
			}
		}
	})
}

// Variables are split, trimmed and parsed by other code than the file.
func FuzzVariable(f *testing.F) {
	for i, k := range Keys() {
		f.Add(uint8(i), k.Default)
		f.Add(uint8(i), k.Example)
	}
	f.Add(uint8(0), "\x00")
	f.Fuzz(func(t *testing.T, i uint8, value string) {
		k := Keys()[int(i)%len(Keys())]
		r := newReader()
		r.environ([]string{k.Env + "=" + value})
		cfg, err := r.finish(Options{})
		if err != nil && k.Secret && len(value) > 8 && strings.Contains(err.Error(), value) {
			if !strings.Contains((&Problems{List: []Problem{{Key: k.Name, Env: k.Env, Example: k.line()}}}).Error(), value) {
				t.Fatalf("the report shows the secret %q:\n%v", value, err)
			}
		}
		if err == nil && value != "" && len(cfg.Describe()) == 0 {
			t.Fatal("nothing is described")
		}
	})
}
