package models

import (
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// A username has 3 to 32 characters, no '@', and is not all digits: a login is
// a username, an e-mail address or a phone number, and which one must be plain.
func normalUsername(name string) (display, key string, err error) {
	display, err = precis.UsernameCasePreserved.String(name)
	if err != nil {
		return "", "", &FieldError{"username", "must be letters, digits and marks like . _ - without spaces"}
	}
	key, err = precis.UsernameCaseMapped.CompareKey(name)
	if err != nil {
		return "", "", &FieldError{"username", "must be letters, digits and marks like . _ - without spaces"}
	}
	switch n := utf8.RuneCountInString(display); {
	case n < 3 || n > 32:
		return "", "", &FieldError{"username", "must have 3 to 32 characters"}
	case strings.Contains(display, "@"):
		return "", "", &FieldError{"username", "must not hold an @"}
	case looksLikePhone(display):
		return "", "", &FieldError{"username", "must not look like a phone number"}
	}
	return display, key, nil
}

func looksLikePhone(s string) bool {
	for _, r := range strings.TrimPrefix(s, "+") {
		if !unicode.IsDigit(r) && r != '-' && r != '.' {
			return false
		}
	}
	return true
}

// normalEmail keeps the address as typed and folds its case for comparing:
// nobody runs two mailboxes that differ only by case.
func normalEmail(email string) (display, key string, err error) {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 254 || strings.ContainsAny(email, "\"\\ ") {
		return "", "", &FieldError{"email", "must be an address like ann@example.com"}
	}
	_, host, _ := strings.Cut(email, "@")
	if !strings.Contains(host, ".") || strings.HasPrefix(host, "[") {
		return "", "", &FieldError{"email", "must be an address like ann@example.com"}
	}
	if err := checkText("email", email); err != nil {
		return "", "", err
	}
	return email, strings.ToLower(email), nil
}

// normalPhone is E.164 with its plus sign; spaces, dots, dashes and brackets
// are dropped.
func normalPhone(phone string) (string, error) {
	var b strings.Builder
	for i, r := range phone {
		switch {
		case r >= '0' && r <= '9', r == '+' && i == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -.()", r):
		default:
			return "", &FieldError{"phone", "must be international, like +8613800138000"}
		}
	}
	p := b.String()
	if !strings.HasPrefix(p, "+") || len(p) < 8 || len(p) > 16 || p[1] == '0' {
		return "", &FieldError{"phone", "must be international, like +8613800138000"}
	}
	return p, nil
}

func checkNickname(name string) error {
	if utf8.RuneCountInString(name) > 64 {
		return &FieldError{"nickname", "must have at most 64 characters"}
	}
	return checkText("nickname", name)
}

func checkAvatarURL(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return &FieldError{"avatar_url", "must be an http or https address"}
	}
	if len(raw) > 1024 {
		return &FieldError{"avatar_url", "must have at most 1024 bytes"}
	}
	return checkText("avatar_url", raw)
}

// checkText refuses invalid UTF-8, control characters, and the marks that turn
// text around and so make one name look like another.
func checkText(field, s string) error {
	if !utf8.ValidString(s) {
		return &FieldError{field, "must be valid UTF-8"}
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') {
			return &FieldError{field, "must not hold control characters"}
		}
	}
	return nil
}

// cut shortens s to n bytes at a character's border, and drops what is not text.
func cut(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cutASCII is cut for columns that hold nothing but printable ASCII.
func cutASCII(s string, n int) string {
	return cut(strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return -1
		}
		return r
	}, s), n)
}
