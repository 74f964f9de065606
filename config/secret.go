package config

import (
	"fmt"
	"log/slog"
)

// A Secret is a setting that nobody may see: a password, an app secret, a key.
// However it is printed, logged or encoded it reads "[set]" or "[unset]"; the
// value comes out through Reveal alone. The zero Secret is unset.
//
// The value stands behind a pointer because methods are not always asked:
// package fmt passes them by in unexported fields and after a wrong verb, and
// encoding/json writes map keys of kind string as they are. What shows then is
// an address. For the same reason == does not compare two secrets.
type Secret struct {
	value *string
}

// NewSecret hides s. The empty string makes an unset Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

var (
	_ fmt.Formatter  = Secret{}
	_ fmt.GoStringer = Secret{}
	_ slog.LogValuer = Secret{}
)

// Reveal returns the value itself, "" if unset. Call it where the value is used, not earlier.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet tells whether there is a value.
func (s Secret) IsSet() bool { return s.value != nil }

// String returns "[set]" or "[unset]".
func (s Secret) String() string {
	if s.IsSet() {
		return "[set]"
	}
	return "[unset]"
}

// GoString is String: %#v must not show the value either.
func (s Secret) GoString() string { return s.String() }

// Format is String for every verb, for %x and %d too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText is String; encoders of XML, TOML and of JSON object keys use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is String in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML is String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue is String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
