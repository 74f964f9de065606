package web

import "strings"

// clientMarks tell browsers and systems apart; the first that fits counts, because
// each names those before it.
var (
	browserMarks = []struct{ mark, name string }{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"MicroMessenger", "WeChat"}, {"Firefox/", "Firefox"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	}
	systemMarks = []struct{ mark, name string }{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// Client names the browser and the system of a User-Agent; empty where neither
// can be told.
func Client(userAgent string) string {
	var parts []string
	for _, list := range [][]struct{ mark, name string }{browserMarks, systemMarks} {
		for _, m := range list {
			if strings.Contains(userAgent, m.mark) {
				parts = append(parts, m.name)
				break
			}
		}
	}
	return strings.Join(parts, ", ")
}
