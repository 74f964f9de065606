package sandbox

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestEasemobAddBlocks(t *testing.T) {
	r := newRelations(t)
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	a := r.want(200, "POST", "/users/user1/blocks/users", `{"usernames":["USER2","user3","user2"]}`)
	wantShape(t, "answer", a.fields, map[string]string{
		"action": isText, "application": isText, "uri": isText, "entities": isNone, "data": isTexts,
		"timestamp": isNumber, "duration": isNumber, "organization": isText, "applicationName": isText,
	})
	if fmt.Sprint(a.fields["data"]) != "[user2 user3]" || a.fields["action"] != "post" || a.fields["uri"] != r.cloud.URL+"/acme/chat" {
		t.Errorf("answer = %v, want user2 and user3, and the app's address", a.fields)
	}
	if got := r.friends("user1"); got != "[user2]" {
		t.Errorf("friends with one blocked = %s, want it still there", got)
	}
	r.refuses(404, "service_resource_not_found", "POST", "/users/user2/blocks/users", `{"usernames":["user1","nobody"]}`)
	if got := r.blocked("user2"); got != "[]" {
		t.Errorf("blocked after a refused call = %s, want none", got)
	}
	r.refuses(404, "service_resource_not_found", "POST", "/users/nobody/blocks/users", `{"usernames":["user1"]}`)
	for _, body := range []string{``, `{}`, `{"usernames":[]}`, `{"usernames":"user2"}`, `{"usernames":[7]}`, `{"usernames":[""]}`, `{"usernames":["user1"]}`, `[]`} {
		r.refuses(400, "illegal_argument", "POST", "/users/user1/blocks/users", body)
	}
	r.set("/control/app", `{"easemob":{"blocks":false}}`)
	r.refuses(403, "forbidden_op", "POST", "/users/user1/blocks/users", `{"usernames":["user2"]}`)
}

func TestEasemobBlocksOverTheLimit(t *testing.T) {
	r := newRelations(t)
	r.set("/control/app", `{"rate_limits":false}`)
	names := []string{}
	for i := range 501 {
		names = append(names, fmt.Sprintf("b%03d", i))
		r.register(names[i])
	}
	body := func(names ...string) string {
		b, _ := json.Marshal(map[string]any{"usernames": names})
		return string(b)
	}
	r.refuses(400, "illegal_argument", "POST", "/users/user1/blocks/users", body(names...))
	r.want(200, "POST", "/users/user1/blocks/users", body(names[:500]...))
	r.refuses(403, "exceed_limit", "POST", "/users/user1/blocks/users", body("user2"))
	r.want(200, "POST", "/users/user1/blocks/users", body(names[:3]...)) // blocked already
	if a := r.want(200, "GET", "/users/user1/blocks/users", ""); a.fields["count"] != 500.0 {
		t.Errorf("blocked without parameters = %v, want 500", a.fields["count"])
	}
}

func TestEasemobListBlocks(t *testing.T) {
	r := newRelations(t)
	r.register("user4")
	r.want(200, "POST", "/users/user1/blocks/users", `{"usernames":["user2","user3","user4"]}`)
	first := r.want(200, "GET", "/users/user1/blocks/users?pageSize=2", "")
	wantShape(t, "first page", first.fields, with(listShape, "cursor", isText))
	if fmt.Sprint(first.fields["data"]) != "[user4 user3]" || first.fields["count"] != 2.0 {
		t.Errorf("first page = %v, want user4 and user3", first.fields)
	}
	last := r.want(200, "GET", "/users/user1/blocks/users?pageSize=2&cursor="+first.fields["cursor"].(string), "")
	wantShape(t, "last page", last.fields, listShape)
	if got := fmt.Sprint(last.fields["data"]); got != "[user2]" {
		t.Errorf("last page = %s, want [user2]", got)
	}
	all := r.want(200, "GET", "/users/user1/blocks/users", "")
	wantShape(t, "everybody", all.fields, listShape)
	if got := fmt.Sprint(all.fields["data"]); got != "[user4 user3 user2]" {
		t.Errorf("everybody = %s, want the newest first", got)
	}
	for _, query := range []string{"pageSize=0", "pageSize=51", "pageSize=x", "cursor=garbage", "pageSize=2&cursor=*"} {
		r.refuses(400, "illegal_argument", "GET", "/users/user1/blocks/users?"+query, "")
	}
	r.refuses(404, "service_resource_not_found", "GET", "/users/nobody/blocks/users", "")
}

func TestEasemobRemoveBlock(t *testing.T) {
	r := newRelations(t)
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	r.want(200, "POST", "/users/user1/blocks/users", `{"usernames":["user2","user3"]}`)
	a := r.want(200, "DELETE", "/users/user1/blocks/users/user2", "")
	wantShape(t, "answer", a.fields, changeShape)
	r.wantEntity(a, "user2")
	if path := "/users/" + r.uuid("user1") + "/blocks"; a.fields["action"] != "delete" || a.fields["path"] != path {
		t.Errorf("answer = %v, want action delete, path %s", a.fields, path)
	}
	if friends, blocked := r.friends("user1"), r.blocked("user1"); friends != "[user2]" || blocked != "[user3]" {
		t.Errorf("friends %s, blocked %s, want user2 a friend again and user3 blocked", friends, blocked)
	}
	r.want(200, "DELETE", "/users/user1/blocks/users/user3", "") // no friend: to what was before
	if friends := r.friends("user3"); friends != "[]" {
		t.Errorf("friends of user3 = %s, want none", friends)
	}
	r.want(200, "DELETE", "/users/user1/blocks/users/user3", "") // not blocked any more
	r.refuses(404, "service_resource_not_found", "DELETE", "/users/user1/blocks/users/nobody", "")
	r.refuses(405, "method_not_allowed", "GET", "/users/user1/blocks/users/user2", "")
}
