package handlers_test

import (
	"html"
	"net/http"
	"regexp"
	"testing"
	"time"
)

var chartLane = regexp.MustCompile(`<svg class="bars ([a-z]+)"[^>]*aria-label="([^"]*)"><path d="([^"]*)"/></svg>\s*<span class="lane-total">([^<]*)</span>`)

// TestChart draws each minute where it belongs and as high as it was, in 60 bars of
// 10 by 40, and says the same in words.
func TestChart(t *testing.T) {
	r, o := overviewRig(t)
	boss := r.steering()
	o.Note()
	ann := r.register("ann")
	r.register("bob")
	r.register("eve")
	r.store.Clock.Advance(10 * time.Second)
	o.Note()
	r.store.Clock.Advance(2 * time.Minute)
	o.Note()
	r.register("fay")
	r.token(ann)
	r.token(ann)
	r.store.Clock.Advance(10 * time.Second)
	o.Note()
	for lang, unit := range map[string]string{"en": "ms", "zh": "毫秒"} {
		boss.header["Accept-Language"] = lang
		shows(t, "how long the cloud took, in "+lang, boss.get("/admin"), http.StatusOK, "<small>"+unit+"</small>")
	}
	boss.header["Accept-Language"] = "en"
	r.store.Clock.Advance(20 * time.Minute)
	o.Note()
	r.login("ann", password)

	page := boss.get("/admin")
	shows(t, "overview", page, http.StatusOK)
	got := map[string][]string{}
	for _, m := range chartLane.FindAllStringSubmatch(page.Body.String(), -1) {
		got[m[1]] = []string{html.UnescapeString(m[2]), m[3], m[4]}
	}
	for lane, want := range map[string][]string{
		// Three 22 minutes ago as high as it goes, one 20 minutes ago a third of that.
		"issued":  {"New: 4 in the last hour, at most 3 a minute", "M371 0h8v40h-8zM391 27h8v13h-8z", "4"},
		"reused":  {"Handed out again: 3 in the last hour, at most 2 a minute", "M391 0h8v40h-8zM591 20h8v20h-8z", "3"},
		"renewed": {"Renewed: 0 in the last hour, at most 0 a minute", "", "0"},
		"refused": {"After a refusal: 0 in the last hour, at most 0 a minute", "", "0"},
		"failed":  {"Failed: 0 in the last hour, at most 0 a minute", "", "0"},
	} {
		if len(got[lane]) != 3 || got[lane][0] != want[0] || got[lane][1] != want[1] || got[lane][2] != want[2] {
			t.Errorf("%s = %q, want %q", lane, got[lane], want)
		}
	}
	// How long calls took differs from run to run; in which minutes does not.
	if bars := regexp.MustCompile(`M(\d+) \d+h8v(\d+)h-8z`).FindAllStringSubmatch(got["latency"][1], -1); len(bars) != 2 || bars[0][1] != "371" || bars[1][1] != "391" {
		t.Errorf("latency = %q, want bars of the minutes with calls, at 371 and 391", got["latency"])
	}
	boss.header["Accept-Language"] = "zh"
	page = boss.get("/admin")
	shows(t, "overview in Chinese", page, http.StatusOK, "新签发：近一小时 4，每分钟最多 3")

	// A minute of a single event beside one of many still shows.
	ann = personOf(r.login("ann", password))
	for range 100 {
		r.token(ann)
	}
	r.store.Clock.Advance(30 * time.Minute)
	o.Note()
	r.login("ann", password)
	r.store.Clock.Advance(time.Minute)
	boss.header["Accept-Language"] = "en"
	m := regexp.MustCompile(`<svg class="bars reused"[^>]*><path d="([^"]*)"`).FindStringSubmatch(boss.get("/admin").Body.String())
	if m == nil || !regexp.MustCompile(`M591 38h8v2h-8z$`).MatchString(m[1]) {
		t.Errorf("reused = %q, want the last bar 2 high", m)
	}
}
