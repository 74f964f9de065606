package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"imbridge/models"
)

// TestComplaintsInBothLanguages: whatever a form is told, it is told in the
// reader's words, beside the field that is wrong.
func TestComplaintsInBothLanguages(t *testing.T) {
	r := newRig(t)
	person := r.joined("annabella")
	boss := r.steering()
	bob := r.register("bob")
	r.steeringAPI(boss)("POST", "users/"+bob.id+"/ban", because("spam"))
	r.bury("ban", "the app key was refused")
	rows, err := r.store.Outbox(t.Context(), models.OutboxFilter{}, "", 1)
	if err != nil || len(rows) != 1 {
		t.Fatalf("rows = %v, %v; want one", rows, err)
	}
	path := "/admin/people/" + bob.id
	version := hidden(t, boss.get(path), "version")
	longText := strings.Repeat("x", 301)
	secret := hidden(t, boss.get("/admin/clouds"), "version")
	cases := []struct {
		what   string
		send   func(b *browser) *httptest.ResponseRecorder
		who    *browser
		status int
		// id of the complaint, empty where it is about the whole form.
		id     string
		en, zh string
	}{
		{"a wrong password of now", posting("/account/password", "current_password", "wrong", "new_password", password+" new"), person, 401, "current_password-hint", "This is not your password.", "密码不正确。"},
		{"no password of now", posting("/account/password", "current_password", "", "new_password", password+" new"), person, 422, "current_password-hint", "This is needed.", "此项必填。"},
		{"a short new password", posting("/account/password", "current_password", password, "new_password", "short"), person, 422, "new_password-hint", "Use 8 to 128 characters.", "请使用 8 到 128 个字符。"},
		{"a name as new password", posting("/account/password", "current_password", password, "new_password", "Annabella"), person, 422, "new_password-hint", "Choose a password that is not like your own name.", "密码不能与自己的名字相似。"},
		{"another name to delete", posting("/account/delete", "confirm", "bob"), person, 422, "confirm-hint", "This is not your username.", "与您的用户名不符。"},
		{"no name to delete", posting("/account/delete", "confirm", ""), person, 422, "confirm-hint", "This is needed.", "此项必填。"},
		{"no login", posting("/login", "login", "", "password", ""), r.browser(), 422, "login-hint", "This is needed.", "此项必填。"},
		{"a wrong login", posting("/login", "login", "ann", "password", "wrong"), r.browser(), 401, "", "The name or the password is wrong.", "用户名或密码错误。"},
		{"an admin's wrong login", posting("/admin/login", "name", "root", "password", "wrong"), r.browser(), 401, "", "The name or the password is wrong.", "用户名或密码错误。"},
		{"no admin's name", posting("/admin/login", "name", "", "password", "x"), r.browser(), 422, "name-hint", "This is needed.", "此项必填。"},
		{"no reason of a ban", posting(path, "do", "ban", "version", version, "reason", " "), boss, 422, "reason-hint", "This is needed.", "此项必填。"},
		{"a reason without end", posting(path, "do", "ban", "version", version, "reason", longText), boss, 422, "reason-hint", "At most 300 characters.", "最多 300 个字符。"},
		{"another name to delete somebody", posting(path, "do", "delete", "version", version, "typed", "bo"), boss, 422, "typed-wrong", "This is not the same. Type it exactly.", "内容不一致，请准确输入。"},
		{"no row that is marked", posting("/admin/queue", "do", "retry"), boss, 422, "", "Mark at least one row first.", "请先选择至少一项。"},
		{"no row to drop", posting("/admin/queue", "do", "drop", "reason", "x"), boss, 422, "", "Mark at least one row first.", "请先选择至少一项。"},
		{"no reason to drop", posting("/admin/queue", "do", "drop", "id", rows[0].ID, "reason", " "), boss, 422, "reason-wrong", "This is needed.", "此项必填。"},
		{"another app key", posting("/admin/clouds", "do", "rotate", "version", secret, "typed", "x"), boss, 422, "typed-wrong", "This is not the same. Type it exactly.", "内容不一致，请准确输入。"},
		{"an own lifetime of nobody", getting("/admin/lifetimes?lifetime=1d&who=eve"), boss, 422, "who-wrong", "Nobody has this username.", "没有这样的用户名。"},
		{"an own lifetime that is none", getting("/admin/lifetimes?lifetime=2d&who=ann"), boss, 422, "own-lifetime-wrong", "This is not allowed here.", "此内容不被允许。"},
		{"a day that is none", getting("/admin/audit?since=x"), boss, 400, "since-wrong", "Choose a day.", "请选择日期。"},
		{"an audit of somebody else's", getting("/admin/audit?actor=" + longText[:49]), boss, 400, "actor-wrong", "At most 48 characters, without spaces.", "最多 48 个字符，不含空格。"},
		{"a form of before", posting(path, "do", "ban", "version", "999", "reason", "x"), boss, 412, "", "Somebody else changed this since you looked at it.", "在您查看之后，他人已修改此内容。"},
	}
	for _, c := range cases {
		for lang, want := range map[string]string{"en": c.en, "zh-CN,zh;q=0.9": c.zh} {
			// Nobody may try passwords as often as this test does.
			r.store.Clock.Advance(5 * time.Minute)
			boss.get("/admin")
			c.who.header["Accept-Language"] = lang
			if c.id != "" {
				want = `id="` + c.id + `">` + want
			}
			page := c.send(c.who)
			shows(t, c.what+" in "+lang, page, c.status, want)
			if c.id != "" {
				shows(t, c.what+" in "+lang, page, c.status, `aria-invalid="true"`)
			}
		}
	}
	if u, err := r.store.User(t.Context(), bob.id); err != nil || u.Status != models.StatusBanned {
		t.Errorf("bob after all this is %q, %v; want banned as before", u.Status, err)
	}
	shows(t, "ann after all this", person.get("/account"), http.StatusOK)
}

// posting and getting are what a reader does, whoever they are.
func posting(path string, pairs ...string) func(*browser) *httptest.ResponseRecorder {
	return func(b *browser) *httptest.ResponseRecorder { return b.post(path, pairs...) }
}

func getting(path string) func(*browser) *httptest.ResponseRecorder {
	return func(b *browser) *httptest.ResponseRecorder { return b.get(path) }
}
