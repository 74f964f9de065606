package web

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestChatWithoutBundle: where the SDK is missing the page says how to make it, and
// loads no script that cannot work.
func TestChatWithoutBundle(t *testing.T) {
	for lang, want := range map[string]string{"en": "The chat needs one more step", "zh": "聊天功能还差一步"} {
		html, err := Page("chat", View{Lang: lang, Title: "chat.title", Person: "ann", Path: "/chat", Data: struct{ Missing bool }{true}})
		if err != nil {
			t.Fatal(err)
		}
		if page := string(html); !strings.Contains(page, want) || !strings.Contains(page, "make web") || strings.Contains(page, "<script") {
			t.Errorf("the page in %s is\n%s\nwant %q, the command, and no script", lang, page, want)
		}
	}
}

// TestInitial is never more than one character, whatever a name begins with.
func TestInitial(t *testing.T) {
	for name, want := range map[string]string{"ann": "A", "änn": "Ä", "王小明": "王", "😀": "😀", "": "?", "\xff": "?"} {
		if got := initial(name); got != want {
			t.Errorf("initial(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestTimes: nobody can take a time for another day, with script or without.
func TestTimes(t *testing.T) {
	at := time.Date(2026, 11, 2, 19, 4, 5, 0, time.FixedZone("", 2*60*60))
	for lang, want := range map[string]string{"en": "2 Nov 2026, 17:04 UTC", "zh": "2026年11月2日 17:04 UTC"} {
		v := View{Lang: lang}
		if got := v.Time(at); got != want {
			t.Errorf("Time in %s = %q, want %q", lang, got, want)
		}
		if got, want := v.ISO(at), "2026-11-02T17:04:05Z"; got != want {
			t.Errorf("ISO = %q, want %q", got, want)
		}
	}
	for name, script := range assets {
		ours := strings.HasSuffix(name, ".js") && !strings.HasPrefix(name, "dist/") && name != "times.js"
		if ours && regexp.MustCompile(`Intl\.DateTimeFormat|toLocale\w*String`).Match(script.Content) {
			t.Errorf("%s puts times into a form of its own, not that of times.js", name)
		}
	}
	if script, _ := StaticAsset("times.js"); !strings.Contains(string(script.Content), `"en-GB"`) {
		t.Error("times.js writes English times as in the US")
	}
}
