package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Types of fields, as the documentation's examples have them.
const (
	isText   = "string"
	isNumber = "number"
	isFlag   = "bool"
	isTexts  = "list of string"
	isNone   = "empty list"
	isNull   = "null"
)

// kindOf names the type of a value as encoding/json gives it.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return isNull
	case string:
		return isText
	case float64:
		return isNumber
	case bool:
		return isFlag
	case []any:
		if len(v) == 0 {
			return isNone
		}
		return "list of " + kindOf(v[0])
	case map[string]any:
		return "object"
	}
	return fmt.Sprintf("%T", v)
}

// wantShape compares the names and types of fields with the documented ones.
func wantShape(t *testing.T, what string, got map[string]any, want map[string]string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(got))
	if documented := slices.Sorted(maps.Keys(want)); !slices.Equal(names, documented) {
		t.Errorf("%s has fields %v, want %v", what, names, documented)
		return
	}
	for _, name := range names {
		if kind := kindOf(got[name]); kind != want[name] {
			t.Errorf("%s: %s is %s (%v), want %s", what, name, kind, got[name], want[name])
		}
	}
}

var (
	changeShape = map[string]string{
		"action": isText, "application": isText, "path": isText, "uri": isText, "entities": "list of object",
		"timestamp": isNumber, "duration": isNumber, "organization": isText, "applicationName": isText,
	}
	entityShape = map[string]string{
		"uuid": isText, "type": isText, "created": isNumber, "modified": isNumber, "username": isText, "activated": isFlag, "nickname": isText,
	}
	listShape = map[string]string{
		"action": isText, "uri": isText, "entities": isNone, "data": isTexts, "timestamp": isNumber, "duration": isNumber, "count": isNumber,
	}
)

// with is a shape with some fields of another type, of "" none.
func with(shape map[string]string, pairs ...string) map[string]string {
	out := maps.Clone(shape)
	for i := 0; i+1 < len(pairs); i += 2 {
		if out[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(out, pairs[i])
		}
	}
	return out
}

func newRelations(t *testing.T) *easeRig {
	r := newEaseRig(t)
	r.register("user1", "user2", "user3")
	return r
}

// wantEntity wants one entity, of a user by this name.
func (r *easeRig) wantEntity(a easeAnswer, name string) {
	r.Helper()
	list := a.fields["entities"].([]any)
	entity := list[0].(map[string]any)
	wantShape(r.T, "entity", entity, entityShape)
	if len(list) != 1 || entity["username"] != name || entity["type"] != "user" {
		r.Errorf("entities = %v, want %s alone", list, name)
	}
}

// friends is what the whole list says.
func (r *easeRig) friends(name string) string {
	r.Helper()
	return fmt.Sprint(r.want(200, "GET", "/users/"+name+"/contacts/users", "").fields["data"])
}

func (r *easeRig) blocked(name string) string {
	r.Helper()
	return fmt.Sprint(r.want(200, "GET", "/users/"+name+"/blocks/users", "").fields["data"])
}

func (r *easeRig) uuid(name string) string {
	r.Helper()
	return r.want(200, "GET", "/users/"+name, "").fields["entities"].([]any)[0].(map[string]any)["uuid"].(string)
}

func TestEasemobAddFriend(t *testing.T) {
	r := newRelations(t)
	a := r.want(200, "POST", "/users/User1/contacts/users/USER2", "")
	wantShape(t, "answer", a.fields, changeShape)
	r.wantEntity(a, "user2")
	path := "/users/" + r.uuid("user1") + "/contacts"
	if a.fields["action"] != "post" || a.fields["path"] != path || a.fields["uri"] != r.cloud.URL+"/acme/chat"+path ||
		a.fields["organization"] != "acme" || a.fields["applicationName"] != "chat" {
		t.Errorf("answer = %v, want action post, path %s and the app's names", a.fields, path)
	}
	if one, two := r.friends("user1"), r.friends("user2"); one != "[user2]" || two != "[user1]" {
		t.Errorf("friends = %s and %s, want each other", one, two)
	}
	r.want(200, "POST", "/users/user2/contacts/users/user1", "") // again, from the other side
	if got := r.friends("user1"); got != "[user2]" {
		t.Errorf("friends after a second add = %s, want [user2]", got)
	}
	r.refuses(404, "service_resource_not_found", "POST", "/users/user1/contacts/users/nobody", "")
	r.refuses(404, "service_resource_not_found", "POST", "/users/nobody/contacts/users/user1", "")
	r.refuses(400, "illegal_argument", "POST", "/users/user1/contacts/users/USER1", "")
	r.refuses(405, "method_not_allowed", "PATCH", "/users/user1/contacts/users/user2", "")
	r.as("").refuses(401, "unauthorized", "POST", "/users/user1/contacts/users/user2", "")
}

func TestEasemobFriendsOverTheLimit(t *testing.T) {
	r := newRelations(t)
	r.set("/control/app", `{"rate_limits":false,"easemob":{"edition":"free"}}`)
	for i := range 97 { // with the three, a hundred: all that the free edition has
		name := fmt.Sprintf("crowd%d", i)
		r.register(name)
		r.want(200, "POST", "/users/user1/contacts/users/"+name, "")
	}
	r.set("/control/app", `{"easemob":{"edition":"paid"}}`)
	r.register("extra", "last")
	for _, name := range []string{"user2", "user3", "extra"} {
		r.want(200, "POST", "/users/user1/contacts/users/"+name, "")
	}
	r.set("/control/app", `{"easemob":{"edition":"free"}}`)
	r.refuses(403, "exceed_limit", "POST", "/users/user1/contacts/users/last", "")
	r.refuses(403, "exceed_limit", "POST", "/users/last/contacts/users/user1", "") // it is both sides' limit
	if got := r.friends("last"); got != "[]" {
		t.Errorf("friends of last = %s, want none", got)
	}
	r.want(200, "POST", "/users/user1/contacts/users/extra", "") // a friend already
	r.refuses(429, "resource_limited", "POST", "/users", `{"username":"beyond","password":"x"}`)
}

func TestEasemobRemoveFriend(t *testing.T) {
	r := newRelations(t)
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	r.want(200, "PUT", "/user/user1/contacts/users/user2", `{"remark":"old"}`)
	r.want(200, "PUT", "/user/user2/contacts/users/user1", `{"remark":"old"}`)
	a := r.want(200, "DELETE", "/users/user2/contacts/users/user1", "")
	wantShape(t, "answer", a.fields, changeShape)
	r.wantEntity(a, "user1")
	if path := "/users/" + r.uuid("user2") + "/contacts"; a.fields["action"] != "delete" || a.fields["path"] != path {
		t.Errorf("answer = %v, want action delete, path %s", a.fields, path)
	}
	if one, two := r.friends("user1"), r.friends("user2"); one != "[]" || two != "[]" {
		t.Errorf("friends = %s and %s, want none on both sides", one, two)
	}
	r.want(200, "DELETE", "/users/user2/contacts/users/user1", "") // no friends any more
	r.refuses(404, "service_resource_not_found", "DELETE", "/users/user1/contacts/users/nobody", "")
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	for owner, friend := range map[string]string{"user1": "user2", "user2": "user1"} {
		a = r.want(200, "GET", "/user/"+owner+"/contacts?needReturnRemark=true", "")
		if got := fmt.Sprint(a.fields["data"]); got != "map[contacts:[map[remark:<nil> username:"+friend+"]]]" {
			t.Errorf("%s after adding again = %s, want no remark of earlier", owner, got)
		}
	}
}

func TestEasemobSetRemark(t *testing.T) {
	r := newRelations(t)
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	a := r.want(200, "PUT", "/user/user1/contacts/users/user2", `{"remark":"my friend"}`)
	wantShape(t, "answer", a.fields, map[string]string{"action": isText, "duration": isNumber, "status": isText, "timestamp": isNumber, "uri": isText})
	if want := r.cloud.URL + "/acme/chat/user/user1/contacts/users/user2"; a.fields["status"] != "ok" || a.fields["action"] != "put" || a.fields["uri"] != want {
		t.Errorf("answer = %v, want ok, put and uri %s", a.fields, want)
	}
	remark := func(owner string) any {
		page := r.want(200, "GET", "/user/"+owner+"/contacts?needReturnRemark=true", "").fields["data"].(map[string]any)
		return page["contacts"].([]any)[0].(map[string]any)["remark"]
	}
	if mine, theirs := remark("user1"), remark("user2"); mine != "my friend" || theirs != nil {
		t.Errorf("remarks = %v and %v, want the owner's alone", mine, theirs)
	}
	r.want(200, "PUT", "/user/user1/contacts/users/user2", `{"remark":"`+strings.Repeat("备", 100)+`"}`)
	r.refuses(400, "illegal_argument", "PUT", "/user/user1/contacts/users/user2", `{"remark":"`+strings.Repeat("x", 101)+`"}`)
	r.refuses(400, "illegal_argument", "PUT", "/user/user1/contacts/users/user2", `{}`)
	r.refuses(400, "illegal_argument", "PUT", "/user/user1/contacts/users/user2", `{"remark":7}`)
	r.refuses(400, "json_parse", "PUT", "/user/user1/contacts/users/user2", `{"remark":`)
	r.refuses(404, "service_resource_not_found", "PUT", "/user/user1/contacts/users/user3", `{"remark":"x"}`) // no friend
	r.refuses(404, "service_resource_not_found", "PUT", "/user/user1/contacts/users/nobody", `{"remark":"x"}`)
	r.refuses(413, "request_entity_too_large", "PUT", "/user/user1/contacts/users/user2", `{"remark":"`+strings.Repeat("x", 6000)+`"}`)
	// The plural path takes friends, not remarks.
	if a := r.ask("PUT", "/users/user1/contacts/users/user2", `{"remark":"x"}`); a.status != 405 || !strings.Contains(a.header.Get("Allow"), "POST") {
		t.Errorf("PUT on the plural path = http %d, Allow %q, want 405 with POST allowed", a.status, a.header.Get("Allow"))
	}
	r.want(200, "PUT", "/user/user1/contacts/users/user2", `{"remark":""}`)
	if got := remark("user1"); got != nil {
		t.Errorf("remark after an empty one = %v, want null", got)
	}
}

func TestEasemobPageFriends(t *testing.T) {
	r := newRelations(t)
	for i := range 12 {
		name := fmt.Sprintf("f%02d", i)
		r.register(name)
		r.want(200, "POST", "/users/user1/contacts/users/"+name, "")
	}
	last := map[string]string{
		"uri": isText, "timestamp": isNumber, "entities": isNone, "count": isNumber, "action": isText, "data": "object", "duration": isNumber,
	}
	first := r.want(200, "GET", "/user/user1/contacts?limit=10&needReturnRemark=true", "")
	wantShape(t, "first page", first.fields, with(last, "cursor", isText))
	row := first.fields["data"].(map[string]any)["contacts"].([]any)[0].(map[string]any)
	wantShape(t, "row with remark", row, map[string]string{"remark": isNull, "username": isText})
	if row["username"] != "f11" || first.fields["count"] != 10.0 || first.fields["uri"] != r.cloud.URL+"/acme/chat/users/user1/rostersByPage" {
		t.Errorf("first page = %v, want ten from f11 on", first.fields)
	}
	// A friend that leaves or comes between two pages moves nobody else.
	r.want(200, "DELETE", "/users/user1/contacts/users/f05", "")
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	second := r.want(200, "GET", "/user/user1/contacts?limit=10&cursor="+first.fields["cursor"].(string), "")
	wantShape(t, "last page", second.fields, last)
	rows := second.fields["data"].(map[string]any)["contacts"].([]any)
	wantShape(t, "row without remark", rows[0].(map[string]any), map[string]string{"username": isText})
	if got := fmt.Sprint(rows); got != "[map[username:f01] map[username:f00]]" {
		t.Errorf("last page = %s, want f01 and f00", got)
	}
	if got := r.want(200, "GET", "/user/user1/contacts", "").fields["count"]; got != 10.0 {
		t.Errorf("rows without a limit = %v, want 10", got)
	}
	r.refuses(404, "service_resource_not_found", "GET", "/user/nobody/contacts", "")
	for _, query := range []string{"limit=0", "limit=51", "limit=-1", "limit=x", "limit=1e1", "cursor=garbage", "cursor=%00", "cursor=eHh4", "needReturnRemark=perhaps", "%zz"} {
		r.refuses(400, "illegal_argument", "GET", "/user/user1/contacts?"+query, "")
	}
	empty := r.want(200, "GET", "/user/user3/contacts", "")
	if got, _ := json.Marshal(empty.fields["data"]); string(got) != `{"contacts":[]}` || empty.fields["count"] != 0.0 {
		t.Errorf("page of nobody's friend = %s, count %v, want an empty list", got, empty.fields["count"])
	}
}

func TestEasemobListFriends(t *testing.T) {
	r := newRelations(t)
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	r.want(200, "POST", "/users/user1/contacts/users/user3", "")
	a := r.want(200, "GET", "/users/user1/contacts/users", "")
	wantShape(t, "answer", a.fields, listShape)
	if fmt.Sprint(a.fields["data"]) != "[user3 user2]" || a.fields["count"] != 2.0 || a.fields["action"] != "get" ||
		a.fields["uri"] != r.cloud.URL+"/acme/chat/users/user1/contacts/users" {
		t.Errorf("answer = %v, want user3 and user2", a.fields)
	}
	r.want(200, "DELETE", "/users/user3", "") // and out of every list
	if got := r.friends("user1"); got != "[user2]" {
		t.Errorf("friends after one was deleted = %s, want [user2]", got)
	}
	r.refuses(404, "service_resource_not_found", "GET", "/users/nobody/contacts/users", "")
	r.refuses(405, "method_not_allowed", "DELETE", "/users/user1/contacts/users", "")
}

// TestEasemobRelationsOfOthers: a client may ask with its user's token, for
// this user alone.
func TestEasemobRelationsOfOthers(t *testing.T) {
	r := newRelations(t)
	r.want(200, "POST", "/users/user1/contacts/users/user2", "")
	mine := r.as(r.mint("user1"))
	for _, c := range [][3]string{
		{"POST", "/users/%s/contacts/users/user3", ""},
		{"DELETE", "/users/%s/contacts/users/user3", ""},
		{"PUT", "/user/%s/contacts/users/user2", `{"remark":"x"}`},
		{"GET", "/user/%s/contacts?limit=5", ""},
		{"GET", "/users/%s/contacts/users", ""},
		{"POST", "/users/%s/blocks/users", `{"usernames":["user3"]}`},
		{"GET", "/users/%s/blocks/users", ""},
		{"DELETE", "/users/%s/blocks/users/user3", ""},
	} {
		mine.want(200, c[0], fmt.Sprintf(c[1], "User1"), c[2])
		mine.refuses(403, "forbidden_op", c[0], fmt.Sprintf(c[1], "user2"), c[2])
	}
	mine.refuses(401, "auth_bad_access_token", "POST", "/users/user1/contacts/import", `{"usernames":["user3"]}`)
	r.want(200, "PUT", "/users/user1/password", `{"newpassword":"another"}`)
	mine.refuses(401, "unauthorized", "GET", "/users/user1/contacts/users", "")
}

func TestEasemobImportFriends(t *testing.T) {
	r := newRelations(t)
	a := r.want(200, "POST", "/users/user1/contacts/import?isSendNotice=false", `{"usernames":["user2","nobody","USER1","user3","user2"]}`)
	wantShape(t, "answer", a.fields, map[string]string{"status": isText, "action": isText, "timestamp": isNumber, "duration": isNumber, "data": "object"})
	if got, want := fmt.Sprint(a.fields["data"]), "map[NotExistFailed:[nobody] UnKnowFailed:[user1] maxLimitFailed:[] success:[user2 user3]]"; got != want {
		t.Errorf("buckets = %s, want %s", got, want)
	}
	if got := r.friends("user3"); got != "[user1]" {
		t.Errorf("friends of user3 = %s, want [user1]", got)
	}
	r.refuses(400, "illegal_argument", "POST", "/users/user1/contacts/import", `{"usernames":["a","b","c","d","e","f","g","h","i","j","k"]}`)
	r.refuses(404, "service_resource_not_found", "POST", "/users/nobody/contacts/import", `{"usernames":["user2"]}`)
}
