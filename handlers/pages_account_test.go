package handlers_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"imbridge/handlers"
)

func TestAccountProfile(t *testing.T) {
	r := newRig(t)
	r.joined("taken").post("/account/profile", "email", "taken@example.com")
	b := r.joined("ann")
	leads(t, "save", b.post("/account/profile", "nickname", "Änn 安", "email", "ann@example.com", "phone", "", "avatar_url", ""), "/account?why=profile")
	shows(t, "account", b.get("/account?why=profile"), http.StatusOK, "Your profile is saved.", `value="Änn 安"`, `value="ann@example.com"`, "@ann")
	shows(t, "an e-mail that is taken", b.post("/account/profile", "nickname", "new", "email", "taken@example.com"), http.StatusConflict,
		"Somebody else has this already.", `value="new"`, `id="email-hint"`)
	b.header["Accept-Language"] = "zh"
	shows(t, "a bad address", b.post("/account/profile", "avatar_url", "javascript:alert(1)"), http.StatusUnprocessableEntity, "请填写以 https:// 开头的地址。")
	shows(t, "account after refusals", b.get("/account"), http.StatusOK, `value="Änn 安"`)
}

func TestAccountPassword(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	other := r.browser()
	leads(t, "log in elsewhere", other.post("/login", "login", "ann", "password", password), "/chat")
	shows(t, "wrong", b.post("/account/password", "current_password", "wrong", "new_password", planted+" another one"), http.StatusUnauthorized, "This is not your password.")
	shows(t, "short", b.post("/account/password", "current_password", password, "new_password", "short"), http.StatusUnprocessableEntity, "Use 8 to 128 characters.", `id="new_password-hint"`)
	leads(t, "change", b.post("/account/password", "current_password", password, "new_password", planted+" another one"), "/account?why=password")
	shows(t, "account", b.get("/account?why=password"), http.StatusOK, "Your password is changed")
	leads(t, "the other browser", other.get("/account"), "/login?next=%2Faccount&why=ended")
	if other.cookies["imbridge"] != nil {
		t.Error("the cookie of the ended session is still there")
	}
	shows(t, "why", other.get("/login?why=ended"), http.StatusOK, "Your session has ended.")
}

var endForm = regexp.MustCompile(`/account/sessions/([0-9a-z]{26})/end"><button class="button little">End`)

func TestAccountSessions(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	others := []*browser{r.browser(), r.browser(), r.browser()}
	for _, o := range others {
		leads(t, "log in elsewhere", o.post("/login", "login", "ann", "password", password), "/chat")
	}
	page := b.get("/account").Body.String()
	ids := endForm.FindAllStringSubmatch(page, -1)
	if len(ids) != 3 || strings.Count(page, "this one") != 1 {
		t.Fatalf("the page offers to end %d sessions, want the three others:\n%s", len(ids), page)
	}
	leads(t, "end one", b.post("/account/sessions/"+ids[0][1]+"/end"), "/account?why=session")
	leads(t, "end it again", b.post("/account/sessions/"+ids[0][1]+"/end"), "/account?why=session")
	out := 0
	for _, o := range others {
		if o.get("/account").Code == http.StatusSeeOther {
			out++
		}
	}
	if out != 1 {
		t.Errorf("%d sessions have ended, want one", out)
	}
	stranger := r.joined("bob")
	leads(t, "end somebody else's", stranger.post("/account/sessions/"+ids[1][1]+"/end"), "/account?why=session")
	leads(t, "end the others", b.post("/account/sessions/end", "scope", "others"), "/account?why=others")
	for _, o := range others {
		if w := o.get("/account"); w.Code != http.StatusSeeOther {
			t.Errorf("another session still lives: %d", w.Code)
		}
	}
	shows(t, "one's own", b.get("/account"), http.StatusOK)
	leads(t, "log out everywhere", b.post("/account/sessions/end", "scope", "all"), "/login?why=out")
	leads(t, "after that", b.get("/account"), "/login?next=%2Faccount")
	shows(t, "no scope", stranger.post("/account/sessions/end", "scope", "x"), http.StatusUnprocessableEntity)
}

func TestAccountDelete(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	shows(t, "without the name", b.post("/account/delete", "confirm", "bob"), http.StatusUnprocessableEntity, "This is not your username.")
	shows(t, "still there", b.get("/account"), http.StatusOK)
	leads(t, "delete", b.post("/account/delete", "confirm", "ann"), "/login?why=deleted")
	shows(t, "log in after that", b.post("/login", "login", "ann", "password", password), http.StatusUnauthorized)
}

// TestBannedAtPages: somebody who is banned is told so.
func TestBannedAtPages(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	admin := r.admin()
	a := r.do(request{method: "GET", path: "/v1/admin/users?query=ann", token: admin})
	id := a.get("users").([]any)[0].(map[string]any)["id"].(string)
	r.do(request{method: "POST", path: "/v1/admin/users/" + id + "/ban", token: admin, body: map[string]any{"reason": "x"}}).want(t, "ban", http.StatusNoContent, "")
	w := b.get("/chat")
	if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/login?why=") {
		t.Errorf("chat of somebody banned = %d to %q, want the login page", w.Code, to)
	}
	shows(t, "log in", b.post("/login", "login", "ann", "password", password), http.StatusForbidden, "This account has been banned.")
}

// TestCookieSessionLives as long as it is used, and is not written all the time.
func TestCookieSessionLives(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	used := func() int64 { return r.store.Count(t, "SELECT last_used_at FROM sessions") }
	first := used()
	r.store.Clock.Advance(4 * time.Minute)
	shows(t, "chat", b.get("/chat"), http.StatusOK)
	if got := used(); got != first {
		t.Errorf("last_used_at moved by %d after four minutes, want no write", got-first)
	}
	r.store.Clock.Advance(2 * time.Minute)
	shows(t, "chat", b.get("/chat"), http.StatusOK)
	if got := used(); got-first != (6 * time.Minute).Microseconds() {
		t.Errorf("last_used_at moved by %d µs, want six minutes", got-first)
	}
	// Thirty days without use end it; with use it goes on.
	for range 3 {
		r.store.Clock.Advance(25 * 24 * time.Hour)
		shows(t, "chat", b.get("/chat"), http.StatusOK)
	}
	r.store.Clock.Advance(31 * 24 * time.Hour)
	leads(t, "chat after a month away", b.get("/chat"), "/login?why=ended")
}

// TestChatPageWithoutItsBundle says how to make it.
func TestChatPageWithoutItsBundle(t *testing.T) {
	r := newRig(t, withDeps(func(d *handlers.Deps) { d.Settings.Bundled = false }))
	shows(t, "chat", r.joined("ann").get("/chat"), http.StatusOK, "make web")
}

// TestChatPage names nobody's token.
func TestChatPage(t *testing.T) {
	r := newRig(t, withDeps(pageSources))
	b := r.joined("ann")
	r.do(request{method: "GET", path: "http://127.0.0.1/v1/im/token", header: map[string]string{"Cookie": "imbridge=" + b.cookies["imbridge"].Value}}).want(t, "token", http.StatusOK, "")
	w := b.get("/chat")
	shows(t, "chat", w, http.StatusOK, "ann", `data-cloud="rongcloud"`)
	for _, secret := range r.secrets {
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("the chat page holds a secret")
		}
	}
	leads(t, "chat of nobody", r.browser().get("/chat"), "/login")
	leads(t, "account of nobody", r.browser().get("/account"), "/login?next=%2Faccount")
	leads(t, "a form of nobody", r.browser().post("/account/delete", "confirm", "ann"), "/login")
}
