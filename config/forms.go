package config

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// forms are the checks that a form tag names. Each gets a text that is not
// empty and passed plain, and returns what is wrong with it, or "". It must not
// repeat the text: it may be a secret.
var forms = map[string]func(string) string{
	"address":  wrongAddress,
	"url":      wrongURL,
	"wsurl":    wrongSocketURL,
	"appkey":   wrongAppKey,
	"hex32":    wrongHex32,
	"origin":   wrongOrigin,
	"network":  wrongNetwork,
	"lifetime": wrongLifetime,
	"word":     wrongWord,
	"datakey":  wrongDataKey,
	"whsec":    wrongWebhookSecret,
	"host":     wrongHost,
	"mailbox":  wrongMailbox,
	"clock":    wrongClock,
	"password": func(string) string { return "" },
	"path":     func(string) string { return "" },
	"dsn":      func(string) string { return "" }, // depends on the driver: checkDatabase
}

// plain is asked of every text: what a paste brings along unseen (blanks at the
// ends, a byte order mark, a non-breaking blank) costs an afternoon.
func plain(s string) string {
	if !utf8.ValidString(s) {
		return "is not UTF-8 text"
	}
	if s != strings.TrimSpace(s) {
		return "starts or ends with white space"
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return "holds a character that does not show (a line break, a tab, a control character)"
		}
	}
	return ""
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$`)

func wrongAddress(s string) string {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "must be host:port, an IPv6 address in [brackets]"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "must end in a port from 0 to 65535"
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostName.MatchString(host) {
		return "must be host:port with an IP address or a host name"
	}
	return ""
}

func wrongURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !validHost(u) {
		return "must be an address that starts with https:// or http://"
	}
	if u.User != nil {
		return "must not hold a user name or password"
	}
	if strings.ContainsAny(s, "?#") {
		return "must not hold a query (?) or a fragment (#)"
	}
	if strings.HasSuffix(s, "/") {
		return "must not end in a slash"
	}
	return ""
}

func wrongSocketURL(s string) string {
	rest, secure := strings.CutPrefix(s, "wss://")
	if !secure {
		var plain bool
		if rest, plain = strings.CutPrefix(s, "ws://"); !plain {
			return "must be an address that starts with wss:// or ws://"
		}
	}
	if wrong := wrongURL("https://" + rest); wrong != "" && !strings.HasPrefix(wrong, "must be") {
		return wrong
	} else if wrong != "" {
		return "must be an address that starts with wss:// or ws://"
	}
	return ""
}

var (
	easemobKey = regexp.MustCompile(`^[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*#[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$`)
	hex32      = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
)

// longestAppKey fits, behind the cloud's name and a slash, into the 96 characters
// that the tables have for an app.
const longestAppKey = 88

func wrongAppKey(s string) string {
	if !easemobKey.MatchString(s) {
		return "must be the organisation, # and the app, as the console shows them"
	}
	if len(s) > longestAppKey {
		return fmt.Sprintf("must have at most %d characters", longestAppKey)
	}
	return ""
}

func wrongHex32(s string) string {
	if !hex32.MatchString(s) {
		return "must be 32 hexadecimal digits"
	}
	return ""
}

func validHost(u *url.URL) bool {
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err != nil && !hostName.MatchString(host) {
		return false
	}
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

// wrongOrigin asks for the exact text that browsers send as Origin, because
// origins are compared as text.
func wrongOrigin(s string) string {
	if strings.Contains(s, "*") {
		return "must name each origin in full: there are no wildcards"
	}
	if wrong := wrongURL(s); wrong != "" {
		return wrong
	}
	u, _ := url.Parse(s)
	switch {
	case u.Path != "":
		return "must be scheme, host and port, without a path"
	case s != strings.ToLower(s):
		return "must be in lower case, as browsers send it"
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return "must leave out the usual port, as browsers do"
	}
	return ""
}

func wrongNetwork(s string) string {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return "must be a network in CIDR form; one address is /32, or /128 for IPv6"
	case p.Masked() != p:
		return "must start at the first address of the network, here " + p.Masked().String()
	case p.Bits() == 0:
		return "must not be every address: each client could then pretend to have any other's"
	}
	return ""
}

func wrongLifetime(s string) string {
	if s == "permanent" {
		return ""
	}
	d, err := parseDuration(s)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return "must be permanent, days (30d) or a duration in whole seconds (20s, 12h)"
	}
	return ""
}

// wrongWord is for what a cloud's console shows and a header carries.
func wrongWord(s string) string {
	switch {
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "holds white space"
	case strings.ContainsFunc(s, func(c rune) bool { return c < '!' || c > '~' }):
		return "holds characters beyond ASCII"
	case len(s) > 256:
		return "is longer than 256 characters"
	}
	return ""
}

func wrongDataKey(s string) string {
	key, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err != nil:
		return "must be base64 with padding"
	case len(key) < 32:
		return "is too short: it must be base64 of 32 bytes, or of a Tink keyset"
	}
	return ""
}

// wrongWebhookSecret asks for what https://www.standardwebhooks.com calls a
// symmetric secret, once or more.
func wrongWebhookSecret(s string) string {
	for one := range strings.FieldsSeq(s) {
		raw, found := strings.CutPrefix(one, "whsec_")
		key, err := base64.StdEncoding.DecodeString(raw)
		switch {
		case !found:
			return "must start with whsec_"
		case err != nil:
			return "must be whsec_ and base64 with padding"
		case len(key) < 24 || len(key) > 64:
			return "must be whsec_ and base64 of 24 to 64 bytes"
		}
	}
	return ""
}

func wrongHost(s string) string {
	if _, err := netip.ParseAddr(s); err != nil && !hostName.MatchString(s) {
		return "must be an IP address or a host name, without a port"
	}
	return ""
}

// wrongMailbox takes "ops@example.com" and "Operations <ops@example.com>".
func wrongMailbox(s string) string {
	if _, err := mail.ParseAddress(s); err != nil {
		return "must be a mail address"
	}
	return ""
}

// wrongClock takes "03:30" and "never".
func wrongClock(s string) string {
	if _, err := time.Parse("15:04", s); s != "never" && err != nil {
		return "must be a time of the day, 03:30, or never"
	}
	return ""
}

// wrongMySQL looks for the mistakes that people make in the driver's notation,
// https://github.com/go-sql-driver/mysql#dsn-data-source-name. The driver has
// the last word when the database is opened.
func wrongMySQL(dsn string) string {
	if strings.Contains(dsn, "://") {
		return "must not be a URL: the MySQL driver has a notation of its own"
	}
	before, after, ok := cutLast(dsn, "/")
	if name, _, _ := strings.Cut(after, "?"); !ok || name == "" {
		return "must end in a slash and the name of the database"
	}
	_, address, ok := cutLast(before, "@")
	if !ok {
		address = before
	}
	if !ok && strings.Contains(address, ":") && !strings.Contains(address, "(") || ok && address != "" && !strings.HasSuffix(address, ")") {
		return "must have its address in brackets, after the protocol: @tcp(host:port)"
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
