package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// good is a value other than the default, bad one that is read but refused, for
// each form.
var formSamples = map[string]struct{ good, bad string }{
	"address":  {"127.0.0.1:1", "127.0.0.1"},
	"url":      {"https://im.example.com", "im.example.com"},
	"wsurl":    {"wss://im.example.com/ws", "https://im.example.com"},
	"appkey":   {"o#a", "no number sign"},
	"hex32":    {"0123456789abcdef0123456789abcdef", "0123"},
	"origin":   {"https://app.example.com", "*"},
	"network":  {"10.0.0.0/8", "10.0.0.1"},
	"lifetime": {"7d", "forever"},
	"word":     {"word", planted + " " + planted},
	"datakey":  {goodKey, planted},
	"path":     {"/srv/imbridge", " /srv"},
	"dsn":      {"/srv/im.db", planted + "\t"},
	"whsec":    {goodWebhookSecret, planted},
	"host":     {"smtp.example.com", "smtp.example.com:25"},
	"mailbox":  {"ops@example.com", "ops"},
	"clock":    {"23:59", "24:00"},
	"password": {"a long one", planted + "\t"},
}

// samples returns a value that the key takes and those that it refuses, as a
// variable would hold them.
func samples(t *testing.T, k Key) (good string, bad []string) {
	switch {
	case k.Type == "true or false":
		return "true", nil
	case k.Type == "whole number":
		low, high := 0, 0
		_, _ = fmt.Sscan(k.Min, &low)
		_, _ = fmt.Sscan(k.Max, &high)
		return k.Max, []string{fmt.Sprint(low - 1), fmt.Sprint(high + 1), "99999999999"}
	case k.Type == "duration":
		low, err := parseDuration(k.Min)
		if err != nil {
			t.Fatal(err)
		}
		high, err := parseDuration(k.Max)
		if err != nil {
			t.Fatal(err)
		}
		return k.Max, []string{(low - 1).String(), (high + 1).String(), "100000d"}
	case k.OneOf != nil:
		good = k.OneOf[0]
		if good == k.Default {
			good = k.OneOf[1]
		}
		return good, []string{"nonsense", strings.ToUpper(good) + "x"}
	case k.Name == "im.extra_lifetimes":
		return "40s", []string{"forever"}
	}
	s := formSamples[k.form]
	return s.good, []string{s.bad}
}

// asYAML writes a value of the key's type.
func asYAML(k Key, value string) string {
	switch k.Type {
	case "list":
		return fmt.Sprintf("[%q]", value)
	case "whole number", "true or false":
		return value
	}
	return fmt.Sprintf("%q", value)
}

func nested(name, text string) string {
	parts := strings.Split(name, ".")
	var b strings.Builder
	for i, p := range parts {
		fmt.Fprintf(&b, "%s%s:", strings.Repeat("  ", i), p)
		if i < len(parts)-1 {
			b.WriteString("\n")
		}
	}
	return b.String() + " " + text + "\n"
}

func wrongType(k Key) string {
	switch k.Type {
	case "whole number":
		return `"1"`
	case "duration":
		return "17"
	case "true or false":
		return "yes"
	case "list":
		return "text"
	}
	return "4711"
}

func about(key string, problems []Problem) []Problem {
	var out []Problem
	for _, p := range problems {
		if p.Key == key {
			out = append(out, p)
		}
	}
	return out
}

// Every key is read from file and variable, and every kind of mistake with it
// is refused with the key, its place, what is wrong and an example.
func TestEveryKey(t *testing.T) {
	for _, k := range Keys() {
		t.Run(k.Name, func(t *testing.T) {
			good, bad := samples(t, k)
			field := func(c Config) any { return reflect.ValueOf(c).FieldByIndex(k.index).Interface() }
			want := reflect.New(reflect.TypeOf(field(Default()))).Elem()
			if wrong := decodeText(want, good); wrong != "" {
				t.Fatalf("sample %q %s", good, wrong)
			}
			accepted := func(how string, cfg Config, problems []Problem) {
				t.Helper()
				if p := about(k.Name, problems); p != nil {
					t.Errorf("%s %s = %v, want it accepted", k.Name, how, p)
				}
				if got := field(cfg); !reflect.DeepEqual(got, want.Interface()) {
					t.Errorf("%s %s = %v, want %v", k.Name, how, got, want)
				}
				if reflect.DeepEqual(field(Default()), want.Interface()) {
					t.Errorf("the sample for %s is its default and shows nothing", k.Name)
				}
			}
			refused := func(how, key, where string, problems []Problem) {
				t.Helper()
				p := about(key, problems)
				if len(p) != 1 || p[0].Wrong == "" || p[0].Example == "" || !strings.HasSuffix(p[0].Where, where) {
					t.Errorf("%s = %+v, want one complaint about %s in %s with an example", how, problems, key, where)
				}
				hides(t, problems)
			}

			file := nested(k.Name, asYAML(k, good))
			cfg, problems := load(t, file)
			accepted("in a file", cfg, problems)
			cfg, problems = load(t, nested(strings.ToUpper(k.Name), asYAML(k, good)))
			accepted("in capitals", cfg, problems)
			cfg, problems = load(t, "", k.Env+"="+good)
			accepted("in a variable", cfg, problems)
			if k.Default != "" && k.Name != "password.parallel" { // whose default stands for another number
				cfg, problems = load(t, file, k.Env+"="+k.Default)
				if p := about(k.Name, problems); p != nil || format(reflect.ValueOf(field(cfg))) != k.Default {
					t.Errorf("%s=%s = %v, %v; want the default, over the file", k.Env, k.Default, field(cfg), p)
				}
			}

			line := fmt.Sprintf(":%d", strings.Count(k.Name, ".")+1)
			for _, b := range bad {
				_, problems = load(t, nested(k.Name, asYAML(k, b)))
				refused("file "+b, k.Name, line, problems)
				_, problems = load(t, "", k.Env+"="+b)
				refused("variable "+b, k.Name, k.Env, problems)
			}
			_, problems = load(t, nested(k.Name, wrongType(k)))
			refused("wrong type in a file", k.Name, line, problems)
			_, problems = load(t, nested(k.Name, "{a: b}"))
			refused("group in a file", k.Name, line, problems)
			_, problems = load(t, nested(k.Name, "~"))
			refused("nothing in a file", k.Name, line, problems)
			if k.Type != "text" {
				_, problems = load(t, "", k.Env+"=,x,,")
				refused("wrong type in a variable", k.Name, k.Env, problems)
			}
			if k.Type == "text" && k.Default != "" {
				_, problems = load(t, nested(k.Name, `""`))
				refused("empty text in a file", k.Name, line, problems)
			}

			typo := k.Name[:len(k.Name)-2] + k.Name[len(k.Name)-1:]
			_, problems = load(t, nested(typo, planted))
			refused("misspelt in a file", typo, line, problems)
			suggests(t, problems, typo, k.Name)
			typo = k.Env[:len(k.Env)-2] + k.Env[len(k.Env)-1:]
			_, problems = load(t, "", typo+"="+planted)
			refused("misspelt variable", typo, typo, problems)
			suggests(t, problems, typo, k.Env)
			if !k.Secret {
				_, problems = load(t, "", k.Env+"_FILE=/etc/hostname")
				refused("file of what is no secret", k.Env+"_FILE", k.Env+"_FILE", problems)
			}
		})
	}
}

func suggests(t *testing.T, problems []Problem, typo, name string) {
	t.Helper()
	p := about(typo, problems)
	if len(p) == 1 && !strings.Contains(p[0].Wrong, "did you mean "+name+"?") {
		t.Errorf("%s: %s; want %s suggested", typo, p[0].Wrong, name)
	}
}

// A file in which every key is wrong is told all of it in one go.
func TestEverythingIsToldAtOnce(t *testing.T) {
	var text strings.Builder
	var env []string
	for i, k := range Keys() {
		fmt.Fprintf(&text, "%s: %s\n", k.Name, wrongType(k))
		if i%2 == 0 && k.Type != "text" {
			env = append(env, k.Env+"=,x,,")
		}
	}
	for i := range 20 {
		fmt.Fprintf(&text, "unknown%d: 1\n", i)
	}
	cfg, problems := load(t, text.String(), env...)
	for _, k := range Keys() {
		if p := about(k.Name, problems); len(p) != 1 {
			t.Errorf("%s: %d complaints (%v), want 1", k.Name, len(p), p)
		}
	}
	if got, want := len(problems), len(Keys())+20; got != want {
		t.Errorf("%d complaints, want %d", got, want)
	}
	want := Default()
	want.resolve()
	want.File = cfg.File
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("Load with every key wrong:\n got %s\nwant the defaults\n%s", cfg.Describe(), want.Describe())
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 20 * time.Second: "20s", time.Minute: "1m", 10 * time.Hour: "10h", 90 * time.Minute: "1h30m",
		time.Hour + 10*time.Second: "1h0m10s", 1500 * time.Millisecond: "1.5s",
	} {
		got := formatDuration(d)
		if back, err := parseDuration(got); got != want || err != nil || back != d {
			t.Errorf("formatDuration(%v) = %q, which reads %v, %v; want %q", d, got, back, err, want)
		}
	}
}
