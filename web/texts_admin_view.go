package web

import (
	"strconv"
	"strings"
	"time"
)

// Num is a number as readers write it: 1,204.
func (v View) Num(n int64) string {
	s := strconv.FormatInt(n, 10)
	digits := strings.TrimPrefix(s, "-")
	var b strings.Builder
	b.WriteString(s[:len(s)-len(digits)])
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Count is a text about n things: the one of key and ".one" for a single one.
func (v View) Count(key string, n int64) string {
	if n == 1 {
		key += ".one"
	}
	return v.T(key, v.Num(n))
}

// Lifetime is one in words, from its name: "permanent", "7d", "6h0m0s".
func (v View) Lifetime(name string) string {
	if name == "permanent" {
		return v.T("admin.lifetime.permanent")
	}
	if days, ok := strings.CutSuffix(name, "d"); ok {
		if n, err := strconv.ParseInt(days, 10, 64); err == nil {
			return v.Count("admin.span.days", n)
		}
	}
	d, err := time.ParseDuration(name)
	if err != nil {
		return name
	}
	return v.Span(d)
}

// Span is how long something lasts, by its largest unit and the next one.
func (v View) Span(d time.Duration) string {
	units := []struct {
		key  string
		unit time.Duration
	}{{"admin.span.days", 24 * time.Hour}, {"admin.span.hours", time.Hour}, {"admin.span.minutes", time.Minute}, {"admin.span.seconds", time.Second}}
	for i, u := range units {
		n := int64(d / u.unit)
		if n <= 0 {
			continue
		}
		text := v.Count(u.key, n)
		if rest := d - time.Duration(n)*u.unit; i+1 < len(units) && rest >= units[i+1].unit {
			text += " " + v.Count(units[i+1].key, int64(rest/units[i+1].unit))
		}
		return text
	}
	return v.T("admin.span.none")
}

// TextOr is a text of a key that may be unknown: a kind of notice that came later
// shows by its own name.
func (v View) TextOr(prefix, name string) string {
	if HasText(prefix + name) {
		return v.T(prefix + name)
	}
	return name
}

// Party is who did something, or what it was done to, by its kind and, where it
// has one, its name.
func (v View) Party(kind, name string) string {
	switch {
	case kind == "user" && name == "":
		return v.T("admin.party.gone")
	case kind == "user":
		return name
	case kind == "admin" && name != "":
		return v.T("admin.party.admin_named", name)
	}
	return v.TextOr("admin.party.", kind)
}

// Fact is a value of an audit row, in words where it is one of ours.
func (v View) Fact(name, value string) string {
	switch {
	case name == "seconds" || name == "was_seconds":
		if value == "0" {
			return v.Lifetime("permanent")
		}
		return v.Lifetime(value + "s")
	case value == "true":
		return v.T("admin.yes")
	case value == "false":
		return v.T("admin.no")
	case name == "kind":
		return v.TextOr("admin.kind.", value)
	}
	return value
}
