package handlers_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"imbridge/handlers"
	"imbridge/models"
)

func TestConsolePeople(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	ann := r.register("ann")
	for i := range 60 {
		r.store.Clock.Advance(time.Millisecond)
		if _, err := r.store.CreateUser(t.Context(), models.NewUser{Username: fmt.Sprintf("p%03d", i), Password: password}, "", models.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	page := b.get("/admin/people")
	shows(t, "first part", page, http.StatusOK, "@ann", "@p048", "Next")
	next := between(page.Body.String(), `href="/admin/people?`, `"`)
	page = b.get("/admin/people?" + next)
	shows(t, "second part", page, http.StatusOK, "@p059", "From the start")
	if strings.Contains(page.Body.String(), "@ann") || strings.Contains(page.Body.String(), ">Next<") {
		t.Error("the second part holds ann or leads on, want the rest alone")
	}
	shows(t, "search", b.get("/admin/people?query=ann"), http.StatusOK, "@ann", ann.id)
	shows(t, "search for nobody", b.get("/admin/people?query=zzz"), http.StatusOK, "Nobody found")

	path := "/admin/people/" + ann.id
	before := ann.connect
	page = b.get(path)
	shows(t, "ann", page, http.StatusOK, "@ann"[1:], models.Fingerprint(before)[:16], "Good")
	if strings.Contains(page.Body.String(), before) {
		t.Error("the page of a person shows their token")
	}
	version := hidden(t, page, "version")
	post := func(pairs ...string) (code int, w string) {
		t.Helper()
		a := b.post(path, pairs...)
		return a.Code, a.Header().Get("Location") + a.Body.String()
	}
	leads(t, "reissue", b.post(path, "do", "reissue", "version", version), path+"?why=reissue")
	page = b.get(path + "?why=reissue")
	shows(t, "after a reissue", page, http.StatusOK, "A new token has been made.")
	if strings.Contains(page.Body.String(), models.Fingerprint(before)[:16]) {
		t.Error("the token after a reissue is the old one")
	}

	shows(t, "ban without a reason", b.post(path, "do", "ban", "version", version, "reason", " "), http.StatusUnprocessableEntity, "This is needed.")
	shows(t, "ban at another version", b.post(path, "do", "ban", "version", "999", "reason", "spam"), http.StatusPreconditionFailed, "Somebody else changed this")
	leads(t, "ban", b.post(path, "do", "ban", "version", version, "reason", "spam"), path+"?why=ban")
	shows(t, "banned", b.get(path), http.StatusOK, "Banned because: spam", "Lift the ban")
	shows(t, "a form of before", b.post(path, "do", "delete", "version", version, "typed", "ann"), http.StatusPreconditionFailed, "Somebody else changed this")
	version = hidden(t, b.get(path), "version")
	leads(t, "unban", b.post(path, "do", "unban", "version", version, "reason", "sorry"), path+"?why=unban")
	leads(t, "end sessions", b.post(path, "do", "end", "version", version), path+"?why=end")
	shows(t, "no sessions", b.get(path), http.StatusOK, "logged in nowhere")

	version = hidden(t, b.get(path), "version")
	if code, _ := post("do", "delete", "version", version, "typed", "an"); code != http.StatusUnprocessableEntity {
		t.Errorf("deletion with a wrong name = %d, want 422", code)
	}
	if code, _ := post("do", "nothing", "version", version); code != http.StatusUnprocessableEntity {
		t.Errorf("an unknown deed = %d, want 422", code)
	}
	leads(t, "delete", b.post(path, "do", "delete", "version", version, "typed", "ann"), path+"?why=delete")
	page = b.get(path + "?why=delete")
	shows(t, "deleted", page, http.StatusOK, "This person is deleted.")
	if strings.Contains(page.Body.String(), `value="ban"`) {
		t.Error("somebody deleted can be banned")
	}
}

func between(s, from, to string) string {
	_, rest, _ := strings.Cut(s, from)
	text, _, _ := strings.Cut(rest, to)
	return strings.ReplaceAll(text, "&amp;", "&")
}

func TestConsoleQueueAndNotices(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	api := r.steeringAPI(b)
	var ids []string
	for i := range 3 {
		p := r.register(fmt.Sprintf("pp%d", i))
		r.store.Clock.Advance(time.Millisecond)
		api("POST", "users/"+p.id+"/ban", because("spam"))
	}
	r.bury("ban", "the app key was refused")
	r.store.Clock.Advance(45*time.Minute + 10*time.Second)
	rows, err := r.store.Outbox(t.Context(), models.OutboxFilter{Kind: "ban"}, "", 10)
	if err != nil || len(rows) != 3 {
		t.Fatalf("rows = %d, %v; want 3", len(rows), err)
	}
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	buried := "/admin/queue?state=buried&kind=ban"
	shows(t, "buried", b.get(buried), http.StatusOK, "the app key was refused", "45 minutes 10 seconds", "3 given up", ids[0])
	shows(t, "nothing marked", b.post(buried, "do", "retry"), http.StatusUnprocessableEntity, "Mark at least one row first.")
	shows(t, "drop without a reason", b.post(buried, "do", "drop", "id", ids[0]), http.StatusUnprocessableEntity, "This is needed.", `value="`+ids[0]+`"`)
	shows(t, "no id", b.post(buried, "do", "drop", "id", "<b>", "reason", "x"), http.StatusBadRequest)
	leads(t, "drop", b.post(buried, "do", "drop", "id", ids[0], "reason", "by hand"), "/admin/queue?kind=ban&state=buried&why=drop")
	leads(t, "retry one", b.post(buried, "do", "retry", "id", ids[1]), "/admin/queue?kind=ban&state=buried&why=retry")
	stats, err := r.store.OutboxStats(t.Context())
	if err != nil || stats.Buried != 1 {
		t.Errorf("buried after a drop and a retry = %d, %v; want 1", stats.Buried, err)
	}
	leads(t, "retry all", b.post(buried, "do", "retry_all"), "/admin/queue?kind=ban&state=buried&why=retry")
	if stats, err = r.store.OutboxStats(t.Context()); err != nil || stats.Buried != 0 {
		t.Errorf("buried after retrying all = %d, %v; want 0", stats.Buried, err)
	}
	shows(t, "audit", b.get("/admin/audit?action=outbox.drop"), http.StatusOK, "by hand")

	if err := r.store.RaiseNotice(t.Context(), models.NewNotice{Kind: "later_kind", Subject: "x", Message: "It is so.", Cure: "Wait."}); err != nil {
		t.Fatal(err)
	}
	page := b.get("/admin/notices")
	shows(t, "a kind without words", page, http.StatusOK, "later_kind", "It is so.")
	id := between(page.Body.String(), `name="id" value="`, `"`)
	leads(t, "resolve", b.post("/admin/notices", "id", id), "/admin/notices?why=resolved")
	shows(t, "resolved", b.get("/admin/notices?state=resolved"), http.StatusOK, "It is so.", "Resolved")
	if strings.Contains(b.get("/admin/notices").Body.String(), "It is so.") {
		t.Error("a resolved notice is among the open ones")
	}
	shows(t, "no such notice", b.post("/admin/notices", "id", "x"), http.StatusNotFound)
}

func TestConsoleClouds(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	r.register("ann")
	shows(t, "check with a wrong clock", b.post("/admin/clouds", "do", "check"), http.StatusOK, "this machine's clock")
	r.fault(map[string]any{"mode": "status", "status": 500})
	shows(t, "check without an answer", b.post("/admin/clouds", "do", "check"), http.StatusOK, "gave no answer")
	r.fault(nil)
	r.fault(map[string]any{"mode": "code", "code": 1004})
	shows(t, "check that is refused", b.post("/admin/clouds", "do", "check"), http.StatusOK, "The cloud refuses the credentials.")
	r.fault(nil)
	page := b.get("/admin/clouds")
	shows(t, "a cloud without friends", page, http.StatusOK, "This cloud keeps no friends:")
	version := hidden(t, page, "version")
	shows(t, "wrong key", b.post("/admin/clouds", "do", "rotate", "version", version, "typed", "x"), http.StatusUnprocessableEntity, "This is not the same.")
	shows(t, "another version", b.post("/admin/clouds", "do", "rotate", "version", "9", "typed", r.deps.Issuer.Cloud.AppKey()), http.StatusPreconditionFailed, "Somebody else changed this")
	leads(t, "rotate", b.post("/admin/clouds", "do", "rotate", "version", version, "typed", r.deps.Issuer.Cloud.AppKey()), "/admin/clouds?why=rotated")
	shows(t, "after it", b.get("/admin/clouds?why=rotated"), http.StatusOK, "All tokens are marked as old.", "Tokens of an older version</dt><dd>1<")
	shows(t, "twice by going back", b.post("/admin/clouds", "do", "rotate", "version", version, "typed", r.deps.Issuer.Cloud.AppKey()), http.StatusPreconditionFailed)
}

// TestConsoleLifetimeAgainstPolicy: the page compares what the cloud's console grants
// with what is set here.
func TestConsoleLifetimeAgainstPolicy(t *testing.T) {
	const shorter, fits = "The cloud's console ends tokens before our lifetime does.", "The console lets tokens live at least as long as we do."
	for _, c := range []struct {
		console    time.Duration
		here       string
		want, lack string
		shown      [2]string
	}{
		{7 * 24 * time.Hour, "30d", shorter, fits, [2]string{"7 days", "30 days"}},
		{7 * 24 * time.Hour, "permanent", shorter, fits, [2]string{"7 days", "For ever"}},
		{7 * 24 * time.Hour, "7d", fits, shorter, [2]string{"7 days", "7 days"}},
		{7 * 24 * time.Hour, "1d", fits, shorter, [2]string{"7 days", "1 day"}},
		{0, "permanent", fits, shorter, [2]string{"For ever", "For ever"}},
		{0, "30d", fits, shorter, [2]string{"For ever", "30 days"}},
	} {
		t.Run(c.console.String()+" against "+c.here, func(t *testing.T) {
			r := newRig(t, withDeps(func(d *handlers.Deps) { d.Settings.ConsoleLifetime = c.console }))
			b := r.steering()
			r.steeringAPI(b)("PUT", "lifetimes/default", map[string]any{"lifetime": c.here})
			page := b.get("/admin/clouds")
			shows(t, "clouds", page, http.StatusOK, c.want, "console</dt><dd>"+c.shown[0]+"</dd>", "Lifetime here</dt><dd>"+c.shown[1]+" ")
			if strings.Contains(html.UnescapeString(page.Body.String()), c.lack) {
				t.Errorf("the page says %q, too", c.lack)
			}
		})
	}
}

// TestConsoleNoticesByPages reads all of them, each once, whatever state they are in.
func TestConsoleNoticesByPages(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	for i := range 7 {
		r.store.Clock.Advance(time.Second)
		if err := r.store.RaiseNotice(t.Context(), models.NewNotice{Kind: "drift", Subject: fmt.Sprintf("s%d", i), Message: fmt.Sprintf("message %d.", i), Cure: "Wait."}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := r.store.Notices(t.Context(), models.NoticeFilter{}, "", 10)
	if err != nil || len(list) != 7 {
		t.Fatalf("notices = %d, %v; want 7", len(list), err)
	}
	for _, i := range []int{0, 3} {
		leads(t, "resolve", b.post("/admin/notices", "id", list[i].ID), "/admin/notices?why=resolved")
	}
	message := regexp.MustCompile(`message \d\.`)
	for state, want := range map[string]string{"open": "54210", "resolved": "63", "all": "6543210"} {
		var read string
		address := "/admin/notices?limit=2&state=" + state
		for pages := 0; address != ""; pages++ {
			page := b.get(address)
			shows(t, address, page, http.StatusOK)
			for _, m := range message.FindAllString(page.Body.String(), -1) {
				read += m[8:9]
			}
			if later := strings.Contains(page.Body.String(), `href="/admin/notices">From the start`); later != (pages > 0) {
				t.Errorf("%s leads to the start: %t", address, later)
			}
			if address = ""; strings.Contains(page.Body.String(), `rel="next"`) {
				address = "/admin/notices?" + between(page.Body.String(), `<a class="button little" href="/admin/notices?`, `"`)
			}
			if pages > 7 {
				t.Fatal("pages without end")
			}
		}
		if read != want {
			t.Errorf("notices that are %s, page by page = %s, want %s", state, read, want)
		}
	}
	shows(t, "a cursor of nothing", b.get("/admin/notices?cursor=x"), http.StatusBadRequest, "This list has changed.")
}

// TestConsoleNoticeNotSent says why in the reader's language, and keeps what others
// said apart.
func TestConsoleNoticeNotSent(t *testing.T) {
	r := newRig(t)
	b := r.steering()
	if err := r.store.RaiseNotice(t.Context(), models.NewNotice{Kind: "drift", Subject: "s", Message: "m", Cure: "c"}); err != nil {
		t.Fatal(err)
	}
	r.store.Exec(t, "UPDATE notices SET last_error = ?, delivered = 'webhook'", "mail: connect: dial tcp: <refused>; webhook: answered http 503")
	shows(t, "in English", b.get("/admin/notices"), http.StatusOK, "sent by webhook", "not sent by mail:", "it could not be sent.", `<q lang="en">connect: dial tcp: <refused></q>`, "not sent by webhook:", "the answer was HTTP 503.")
	b.header["Accept-Language"] = "zh"
	page := b.get("/admin/notices")
	shows(t, "in Chinese", page, http.StatusOK, "已通过回调地址发送", "未能通过邮件发送：", "发送失败。", `<q lang="en">connect: dial tcp: <refused></q>`, "未能通过回调地址发送：", "对方返回 HTTP 503。")
	if strings.Contains(page.Body.String(), "answered") || strings.Contains(page.Body.String(), "<refused>") {
		t.Error("the page in Chinese has English of ours, or markup of others")
	}
}

// TestConsoleRetriesAllInParts: more rows than one form may take are tried again by
// more of them, and the page says so.
func TestConsoleRetriesAllInParts(t *testing.T) {
	if testing.Short() {
		t.Skip("steers more than 5,000 rows")
	}
	r := newRig(t)
	b := r.steering()
	const most, all = 5000, 5001
	for i := 0; i < all; {
		var values []string
		for end := min(i+500, all); i < end; i++ {
			values = append(values, fmt.Sprintf("('7h%024d', 'profile', '01h%023d', 1, 1, 1, 1, 'no')", i, i))
		}
		r.store.Exec(t, "INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at, buried_at, last_error) VALUES "+strings.Join(values, ", "))
	}
	buried := func() int64 {
		t.Helper()
		stats, err := r.store.OutboxStats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return stats.Buried
	}
	list := "/admin/queue?kind=profile&state=buried"
	shows(t, "before", b.get(list), http.StatusOK, "Try all of this list again")
	w := b.post(list, "do", "retry_all")
	rest := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.Contains(rest, "why=part") || buried() != all-most {
		t.Fatalf("retry of all = %d to %q with %d left, want 303, a word about the rest, and %d left", w.Code, rest, buried(), all-most)
	}
	page := b.get(rest)
	shows(t, "after the first of them", page, http.StatusOK, "There are more: try the rest as well.", "Try the rest of this list again")
	action := html.UnescapeString(between(page.Body.String(), `<form method="post" action="`, `" id="rows"`))
	i := strings.LastIndex(action, `action="`)
	leads(t, "the rest", b.post(action[i+len(`action="`):], "do", "retry_all"), list+"&why=retry")
	if got := buried(); got != 0 {
		t.Errorf("%d rows are left, want none", got)
	}
	shows(t, "a rest of nowhere", b.post(list+"&rest=x", "do", "retry_all"), http.StatusBadRequest)
}

// consoleMarkup is what somebody may write where a console shows it.
var consoleMarkup = []string{
	`<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><script>alert(1)</script>`, `</title><script>alert(1)</script>`, `</textarea><script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`, `<IMG SRC=x ONERROR=alert(1)>`, `<img/src=x/onerror=alert(1)>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`,
	`" onmouseover="alert(1)`, `" autofocus onfocus="alert(1)`, `<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg/onload=alert(1)//`,
	`<body onload=alert(1)>`, `<iframe src="javascript:alert(1)"></iframe>`, `<a href="javascript:alert(1)">x</a>`, `javascript:alert(1)`, `<details open ontoggle=alert(1)>`,
	`<input autofocus onfocus=alert(1)>`, `<select onfocus=alert(1) autofocus>`, `<video><source onerror=alert(1)></video>`, `<audio src=x onerror=alert(1)>`, `<math><mi xlink:href="javascript:alert(1)">x</mi></math>`,
	`<form action="javascript:alert(1)"><button>x</button></form>`, `<object data="javascript:alert(1)"></object>`, `<embed src="javascript:alert(1)">`, `<link rel=stylesheet href="//evil.example">`, `<style>@import "//evil.example"</style>`,
	`<meta http-equiv="refresh" content="0;url=//evil.example">`, `<base href="//evil.example/">`, `{{.Nonce}}`, `{{printf "%s" .}}`, `${alert(1)}`, `&lt;script&gt;alert(1)&lt;/script&gt;`,
	`&#60;script&#62;alert(1)`, `<!--><script>alert(1)</script>-->`, `<![CDATA[<script>alert(1)</script>]]>`, `<<script>alert(1)//<</script>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`,
	`<p style="background:url(javascript:alert(1))">`, `<marquee onstart=alert(1)>`, `<template><script>alert(1)</script></template>`,
}

// TestConsoleShowsMarkupAsText puts it into names, reasons of bans and of the
// queue, and notices, and looks for any element that is not ours.
func TestConsoleShowsMarkupAsText(t *testing.T) {
	if len(consoleMarkup) < 40 {
		t.Fatalf("%d tries, want 40", len(consoleMarkup))
	}
	r := newRig(t)
	b := r.steering()
	api := r.steeringAPI(b)
	ann := r.register("ann")
	for i, m := range consoleMarkup {
		if _, err := r.store.ChangeProfile(t.Context(), ann.id, models.ProfileChange{Nickname: &m}, models.Origin{}); err != nil {
			t.Fatalf("nickname %s: %v", m, err)
		}
		api("POST", "users/"+ann.id+"/ban", because(m))
		r.bury("ban", m)
		if err := r.store.RaiseNotice(t.Context(), models.NewNotice{Kind: "drift", Subject: fmt.Sprintf("s%d", i), Message: m, Cure: m}); err != nil {
			t.Fatal(err)
		}
		r.store.Clock.Advance(10 * time.Second)
		for _, path := range []string{"/admin", "/admin/people", "/admin/people/" + ann.id, "/admin/queue", "/admin/notices", "/admin/audit?action=user.ban",
			"/admin/lifetimes?who=ann&lifetime=1d", "/admin/people?query=" + escaped(m), "/admin/lifetimes?lifetime=1d&who=" + escaped(m), "/admin/audit?action=" + escaped(m)} {
			w := b.get(path)
			body := w.Body.String()
			for _, bad := range []string{"alert(1)</script>", "<img src=x", "<IMG", "<img/src", "<svg onload", "<svg/", "<svg><", "<iframe", "<details open ontoggle", "<input autofocus", "<select onf",
				"<video", "<audio", "<math", "<object", "<embed", "<link rel=stylesheet", "<style", "<meta http", "<base", "<marquee", "<template", "<body onload", `href="javascript:`, `action="javascript:`,
				`" onmouseover="`, `' onmouseover='`, `" autofocus onfocus="`, "<p style", "<![CDATA", "<!-->", "<scr<"} {
				if strings.Contains(body, bad) {
					t.Fatalf("%s with %s has %s on it:\n%s", path, m, bad, body)
				}
			}
		}
		shows(t, "person with "+m, b.get("/admin/people/"+ann.id), http.StatusOK, "Banned because: "+m)
		shows(t, "notice with "+m, b.get("/admin/notices"), http.StatusOK, m)
		shows(t, "queue with "+m, b.get("/admin/queue"), http.StatusOK, m)
	}
}

func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
