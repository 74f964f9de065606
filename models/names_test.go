package models

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUsernamesThatLookAlikeAreOne(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"upper case", "Annabel", "annabel"},
		{"full width", "Ａｎｎａ", "anna"},
		{"composed and not", "Ze\u0301e", "Z\u00e9e"},
		{"kelvin sign", "\u212aelvin", "kelvin"},
		{"Greek capital", "ΑΛΦΑ", "αλφα"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, a, err := normalUsername(c.a)
			if err != nil {
				// The profile may refuse a sign that it would have to rewrite.
				t.Logf("%q is refused: %v", c.a, err)
				return
			}
			_, b, err := normalUsername(c.b)
			if err != nil || a != b {
				t.Errorf("keys of %q and %q = %q and %q (%v), want one", c.a, c.b, a, b, err)
			}
		})
	}
	if display, key, err := normalUsername("Ann.Lee_9-x"); err != nil || display != "Ann.Lee_9-x" || key != "ann.lee_9-x" {
		t.Errorf("normalUsername = %q, %q, %v; want it as typed, and folded", display, key, err)
	}
	if _, _, err := normalUsername("王小明"); err != nil {
		t.Errorf("normalUsername of a Chinese name = %v, want none", err)
	}
}

func TestUsernamesThatAreRefused(t *testing.T) {
	for name, username := range map[string]string{
		"empty": "", "two": "ab", "33": strings.Repeat("a", 33), "a space": "ann lee", "an @": "ann@example", "full-width @": "ann＠example",
		"digits": "13800138000", "a phone": "+8613800138000", "a phone with dashes": "138-0013-8000", "Arabic digits": "٠١٢٣٤",
		"a control character": "ann\x00lee", "a new line": "ann\n", "not UTF-8": "ann\xff", "right to left mark": "ann\u202elee",
		"zero width space": "ann\u200blee", "an emoji": "ann😀", "a soft hyphen": "ann\u00adlee",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := normalUsername(username)
			var f *FieldError
			if !errors.As(err, &f) || f.Field != "username" {
				t.Errorf("normalUsername(%q) = %v, want a FieldError for username", username, err)
			}
		})
	}
}

func TestEmails(t *testing.T) {
	for _, good := range []string{"ann@example.com", "Ann.Lee+x@Example.co.uk", "a@b.cn"} {
		if display, key, err := normalEmail(good); err != nil || display != good || key != strings.ToLower(good) {
			t.Errorf("normalEmail(%q) = %q, %q, %v; want it, and it folded", good, display, key, err)
		}
	}
	for _, bad := range []string{"ann", "@example.com", "ann@", "ann@localhost", "Ann <ann@example.com>", " ann@example.com", "ann@example.com ",
		"ann@[192.0.2.1]", "\"a b\"@example.com", "ann@example.com\n", "ann\x00@example.com", "ann\u202e@example.com", "ann\xff@example.com", strings.Repeat("a", 250) + "@b.cn"} {
		var f *FieldError
		if _, _, err := normalEmail(bad); !errors.As(err, &f) || f.Field != "email" {
			t.Errorf("normalEmail(%q) = %v, want a FieldError for email", bad, err)
		}
	}
}

func TestPhones(t *testing.T) {
	for in, want := range map[string]string{"+8613800138000": "+8613800138000", "+86 138-0013-8000": "+8613800138000", "+1 (202) 555.0143": "+12025550143"} {
		if got, err := normalPhone(in); err != nil || got != want {
			t.Errorf("normalPhone(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "13800138000", "+", "+012345678", "+123456", "+1234567890123456", "+86 138x", "+86+13800138000", "+８６13800138000", "+86\n13800138000"} {
		if got, err := normalPhone(bad); err == nil {
			t.Errorf("normalPhone(%q) = %q, want an error", bad, got)
		}
	}
}

func TestNicknamesAndAvatars(t *testing.T) {
	for _, good := range []string{"", "Ann 😀", strings.Repeat("王", 64)} {
		if err := checkNickname(good); err != nil {
			t.Errorf("checkNickname(%q) = %v, want none", good, err)
		}
	}
	for _, bad := range []string{strings.Repeat("a", 65), "a\x00b", "a\u202eb", "a\u2028b", "\xff"} {
		if checkNickname(bad) == nil {
			t.Errorf("checkNickname(%q) = nil, want an error", bad)
		}
	}
	for _, good := range []string{"", "https://example.com/a.png"} {
		if err := checkAvatarURL(good); err != nil {
			t.Errorf("checkAvatarURL(%q) = %v, want none", good, err)
		}
	}
	for _, bad := range []string{"javascript:alert(1)", "//example.com/a", "/a.png", "https://", "https://user:pass@example.com/", "http://a\x00", "https://e.com/" + strings.Repeat("a", 1024), "https://e.com/\u202e"} {
		if checkAvatarURL(bad) == nil {
			t.Errorf("checkAvatarURL(%q) = nil, want an error", bad)
		}
	}
}

func TestLoginKeyHasOneFormForOneAccount(t *testing.T) {
	for _, c := range []struct{ login, column, key string }{
		{"Ann", "username_key", "ann"},
		{"Ann@Example.com", "email_key", "ann@example.com"},
		{"+86 138 0013 8000", "phone", "+8613800138000"},
		{"", "phone", "-"},
		{"12345", "phone", "-"},
	} {
		if column, key := loginKey(c.login); column != c.column || key != c.key {
			t.Errorf("loginKey(%q) = %s %q, want %s %q", c.login, column, key, c.column, c.key)
		}
	}
	// MySQL finds "x" when it is asked for "x ".
	for _, login := range []string{"ann@example.com ", "ann@example.com  ", "ann ", "\tann"} {
		if _, key := loginKey(login); !strings.HasPrefix(key, " ") {
			t.Errorf("loginKey(%q) = %q, want one that fits nobody", login, key)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("aé世😀", 5)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 0 || n > 1000 {
			return
		}
		got := cut(s, n)
		if len(got) > n || !utf8.ValidString(got) {
			t.Errorf("cut(%q, %d) = %q, want valid text of at most that many bytes", s, n, got)
		}
		for _, r := range cutASCII(s, n) {
			if r < 0x20 || r > 0x7e {
				t.Errorf("cutASCII(%q) holds %q", s, r)
			}
		}
	})
}
