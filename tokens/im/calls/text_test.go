package calls

import (
	"strings"
	"testing"
	"unicode/utf16"
)

func TestMessagesAreShortAndOnOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"two\nlines\x00\t and  more ": "two lines and more",
		"bad \xff byte":               "bad ? byte",
		strings.Repeat("名", 100):      strings.Repeat("名", 66),
		strings.Repeat("x", 1000):     strings.Repeat("x", 200),
	} {
		if got := Short(in); got != want {
			t.Errorf("Short(%.20q) = %q, want %q", in, got, want)
		}
	}
}

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"n": "n", " n\t": "n", "a\x00b\u0085c": "abc", "bad\xff": "bad", "": "", "\n": "",
		strings.Repeat("x", 64):              strings.Repeat("x", 64),
		strings.Repeat("x", 65):              strings.Repeat("x", 64),
		strings.Repeat("名", 70):              strings.Repeat("名", 64),
		strings.Repeat("😀", 40):              strings.Repeat("😀", 32),
		strings.Repeat("x", 63) + "😀":        strings.Repeat("x", 63),
		strings.Repeat("x", 63) + "      yy": strings.Repeat("x", 63),
	} {
		got := Name(in, 64)
		if got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
		if n := len(utf16.Encode([]rune(got))); n > 64 {
			t.Errorf("Name(%q) has %d UTF-16 units, want at most 64", in, n)
		}
	}
}
