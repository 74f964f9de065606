package calls

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Removed stands where something was that must not be seen.
const Removed = "[removed]"

const longestMessage = 200 // bytes, the contract's limit

// tokenShape is what connect tokens (base64 of 24 bytes and more) and
// signatures look like, wherever in a message. Our user ids are shorter.
var tokenShape = regexp.MustCompile(`[A-Za-z0-9+/=_%-]{32,}(@[^\s"',]*)?`)

// Cleaner removes secrets, in clear and as a URL would carry them, and whatever
// looks like a token.
func Cleaner(secrets ...string) func(string) string {
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, Removed, url.QueryEscape(s), Removed, url.PathEscape(s), Removed)
	}
	own := strings.NewReplacer(pairs...)
	return func(s string) string {
		return tokenShape.ReplaceAllString(own.Replace(s), Removed)
	}
}

// Short makes a message fit for a log line: valid, on one line, 200 bytes.
func Short(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= longestMessage {
		return s
	}
	s = s[:longestMessage]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// Name is a name as a cloud takes it: without control characters, and cut to
// longest characters. Those are counted as UTF-16 counts them, two for most
// emoji: no cloud's documentation says how it counts, and this is right either
// way.
func Name(s string, longest int) string {
	var b strings.Builder
	units := 0
	for _, r := range strings.ToValidUTF8(s, "") {
		if unicode.IsControl(r) {
			continue
		}
		wide := 1
		if r > 0xFFFF {
			wide = 2
		}
		if units += wide; units > longest {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// GoodAvatar tells whether an address of an avatar may be sent, of at most longest
// bytes.
func GoodAvatar(s string, longest int) bool {
	if len(s) > longest || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}

// Visible is true for printable ASCII without space.
func Visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// BadURL says what is wrong with the address of a cloud that is spoken to in one
// of the schemes; empty for nothing.
func BadURL(s string, schemes ...string) string {
	u, err := url.Parse(s)
	known := false
	for _, scheme := range schemes {
		known = known || err == nil && u.Scheme == scheme
	}
	switch {
	case err != nil || u.Host == "" || !known:
		return "is not an " + strings.Join(schemes, " or ") + " address"
	case u.User != nil:
		return "must not carry a name or password"
	case u.RawQuery != "" || u.Fragment != "":
		return "must not carry a query or fragment"
	}
	return ""
}

// Print answers every verb of fmt with a value that shows no secret in either form.
func Print(f fmt.State, verb rune, v interface {
	fmt.Stringer
	fmt.GoStringer
}) {
	if verb == 'v' && f.Flag('#') {
		_, _ = io.WriteString(f, v.GoString())
		return
	}
	_, _ = io.WriteString(f, v.String())
}
