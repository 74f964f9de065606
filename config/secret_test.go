package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const planted = "pl4nted-s3cret"

// Each way out of the program that we know of shows "[set]", alone and inside
// of other values.
func TestSecretIsNeverShown(t *testing.T) {
	type inner struct {
		Password Secret
		Missing  Secret
	}
	s := NewSecret(planted)
	in := inner{Password: s}
	shapes := map[string]any{
		"itself":  s,
		"pointer": &s,
		"struct":  in,
		"nested":  struct{ In *inner }{&in},
		"deep":    struct{ In inner }{in},
		"slice":   []Secret{s},
		"map":     map[string]Secret{"k": s},
		"map key": map[Secret]int{s: 1},
		"any":     []any{s, in},
		"hidden":  struct{ s Secret }{s},
		"hiding":  struct{ in *inner }{&in},
		"config":  Config{Database: Database{DSN: s}},
	}
	hex := fmt.Sprintf("%x", planted)
	check := func(t *testing.T, how, out string) {
		t.Helper()
		if strings.Contains(out, planted) || strings.Contains(strings.ToLower(out), hex) {
			t.Errorf("%s shows the secret: %s", how, out)
		}
	}
	for name, v := range shapes {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%t", "%e", "%c", "%U", "%10s", "%.3s", "%T", "%z"} {
				check(t, verb, fmt.Sprintf(verb, v))
			}
			check(t, "Sprint", fmt.Sprint(v))
			check(t, "Sprintln", fmt.Sprintln(v))
			check(t, "Errorf", fmt.Errorf("x %v: %w", v, errors.New("y")).Error())
			if out, err := json.Marshal(v); err == nil {
				check(t, "json", string(out))
			} else {
				t.Errorf("json.Marshal = %v, want no error", err)
			}
			if out, err := yaml.Marshal(v); err == nil {
				check(t, "yaml", string(out))
			}
			if out, err := xml.Marshal(v); err == nil {
				check(t, "xml", string(out))
			}
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v, slog.Group("g", "v", v))
			slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v, slog.Group("g", "v", v))
			check(t, "slog", log.String())
		})
	}
}

func TestSecretTellsWhetherItIsSet(t *testing.T) {
	for _, c := range []struct {
		s    Secret
		want string
	}{{NewSecret("x"), "[set]"}, {NewSecret(""), "[unset]"}, {Secret{}, "[unset]"}} {
		js, _ := json.Marshal(c.s)
		ya, _ := yaml.Marshal(c.s)
		te, _ := c.s.MarshalText()
		for how, got := range map[string]string{
			"String": c.s.String(), "GoString": c.s.GoString(), "%v": fmt.Sprintf("%v", c.s), "%q": fmt.Sprintf("%q", c.s),
			"%#v": fmt.Sprintf("%#v", c.s), "text": string(te), "json": strings.Trim(string(js), `"`),
			"yaml": strings.Trim(strings.TrimSpace(string(ya)), `'"`), "slog": c.s.LogValue().String(),
		} {
			if got != c.want {
				t.Errorf("%s of NewSecret(%q) = %s, want %s", how, c.s.Reveal(), got, c.want)
			}
		}
		if got, want := c.s.IsSet(), c.want == "[set]"; got != want {
			t.Errorf("IsSet = %v, want %v", got, want)
		}
	}
	if got := NewSecret(planted).Reveal(); got != planted {
		t.Errorf("Reveal = %q, want %q", got, planted)
	}
}
