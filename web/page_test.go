package web

import (
	"strings"
	"testing"
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
