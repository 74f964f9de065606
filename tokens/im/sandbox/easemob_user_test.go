package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestEasemobUsersComeAndGo(t *testing.T) {
	r := newEaseRig(t)
	a := r.want(200, "POST", "/users", `{"username":"Ann","password":"secret-1"}`)
	u := a.fields["entities"].([]any)[0].(map[string]any)
	wantShape(t, "entity without a nickname", u, with(entityShape, "nickname", ""))
	if u["username"] != "ann" || u["activated"] != true || u["type"] != "user" {
		t.Errorf("registered = %v, want ann in lower case, activated", u)
	}
	r.refuses(400, "duplicate_unique_property_exists", "POST", "/users", `{"username":"aNN","password":"x"}`)
	token := r.mint("ANN")
	r.wantJudged("ann", token, StateValid)
	r.want(200, "GET", "/users/Ann", "")
	r.want(200, "DELETE", "/users/ann", "")
	r.refuses(404, "service_resource_not_found", "GET", "/users/ann", "")
	r.refuses(404, "service_resource_not_found", "DELETE", "/users/ann", "")
	r.register("ann") // somebody else by the same name
	r.wantJudged("ann", token, StateUnknown)
}

func TestEasemobRegistrationRefusals(t *testing.T) {
	r := newEaseRig(t)
	long := strings.Repeat("x", 65)
	for _, tc := range []struct{ body, err, why string }{
		{`{"username":"a b","password":"x"}`, "illegal_argument", "username [a b] is not legal"},
		{`{"username":"","password":"x"}`, "illegal_argument", "username [] is not legal"},
		{`{"username":"` + long + `","password":"x"}`, "illegal_argument", "USERNAME_TOO_LONG"},
		{`{"username":"名","password":"x"}`, "illegal_argument", "username [名] is not legal"},
		{`{"password":"x"}`, "illegal_argument", "Entity user requires a property named username"},
		{`{"username":"ann","password":""}`, "illegal_argument", "password or pin must provided"},
		{`{"username":"ann","password":"` + long + `"}`, "illegal_argument", "PASSWORD_TOO_LONG"},
		{`{"username":"ann","password":"x","nickname":"` + long + long + `"}`, "illegal_argument", "NICKNAME_TOO_LONG"},
		{`[{"username":"ann","password":"x"},{"username":"bob"}]`, "illegal_argument", "password or pin must provided"},
		{`[{"username":"ann","password":"x"},{"username":"ANN","password":"y"}]`, "duplicate_unique_property_exists", "the same user ann has a different password"},
		{`[]`, "illegal_argument", "the body has no user"},
		{`["ann"]`, "illegal_argument", "Entity user requires a property named username"},
		{`{"username":`, "json_parse", ""},
		{`7`, "json_parse", ""},
		{"{\"username\":\"\xff\"}", "json_parse", ""},
		{`{} {}`, "json_parse", ""},
	} {
		if a := r.ask("POST", "/users", tc.body); a.status != 400 || a.err != tc.err || tc.why != "" && a.why != tc.why {
			t.Errorf("POST /users %.80s = http %d %s %q, want 400 %s %q", tc.body, a.status, a.err, a.why, tc.err, tc.why)
		}
	}
	if got := r.want(200, "GET", "/users", "").fields["count"]; got != 0.0 {
		t.Errorf("users after refusals = %v, want none", got)
	}
	r.want(200, "POST", "/users", `{"username":"ann"}`) // the app may leave the password out
	r.as("").refuses(400, "invalid_grant", "POST", "/token", `{"grant_type":"password","username":"ann","password":""}`)
}

func TestEasemobBulkRegistration(t *testing.T) {
	r := newEaseRig(t)
	r.register("u5")
	list := []map[string]string{}
	for i := range 61 {
		list = append(list, map[string]string{"username": fmt.Sprintf("u%d", i), "password": strings.Repeat("p", 64)})
	}
	body := func(n int) string { b, _ := json.Marshal(list[:n]); return string(b) }
	if a := r.ask("POST", "/users", body(61)); a.status != 400 || a.why != "Request body array size[61] had almost reached or been greater than the upper range value[60]" {
		t.Errorf("61 users = http %d %q, want 400 about the size", a.status, a.why)
	}
	r.set("/control/app", `{"easemob":{"strict_bulk":true}}`)
	r.refuses(400, "duplicate_unique_property_exists", "POST", "/users", body(60))
	r.set("/control/app", `{"easemob":{"strict_bulk":false}}`)
	a := r.want(200, "POST", "/users", body(60))
	if got := len(a.fields["entities"].([]any)); got != 59 {
		t.Errorf("entities = %d, want 59", got)
	}
	if got := fmt.Sprint(a.fields["data"]); got != "[map[registerUserFailReason:the u5 already exists username:u5]]" {
		t.Errorf("data = %s, want u5's failure", got)
	}
}

func TestEasemobEditionAndCap(t *testing.T) {
	r := newEaseRig(t)
	r.set("/control/app", `{"rate_limits":false,"easemob":{"edition":"free"}}`)
	for i := range 100 {
		r.mint(fmt.Sprintf("u%d", i))
	}
	r.refuses(429, "resource_limited", "POST", "/users", `{"username":"more","password":"x"}`)
	r.refuses(429, "resource_limited", "POST", "/token", `{"grant_type":"inherit","username":"more","autoCreateUser":true}`)
	r.mint("u7") // who is there is served
	r.set("/control/app", `{"easemob":{"edition":"paid"},"user_cap":101}`)
	r.mint("more")
	r.refuses(429, "resource_limited", "POST", "/users", `{"username":"evenmore","password":"x"}`)
}

func TestEasemobOpenRegistration(t *testing.T) {
	r := newEaseRig(t)
	r.as("").refuses(401, "unauthorized", "POST", "/users", `{"username":"ann","password":"x"}`)
	r.set("/control/app", `{"easemob":{"open_registration":true}}`)
	r.as("").want(200, "POST", "/users", `{"username":"ann","password":"x"}`)
	r.as("").refuses(400, "illegal_argument", "POST", "/users", `{"username":"bob"}`) // only the app may
	r.as("").refuses(401, "unauthorized", "GET", "/users/ann", "")
}

func TestEasemobListUsersByRegistration(t *testing.T) {
	r := newEaseRig(t)
	for i := range 12 {
		r.register(fmt.Sprintf("u%02d", i))
	}
	names := func(a easeAnswer) (list []any) {
		for _, e := range a.fields["entities"].([]any) {
			list = append(list, e.(map[string]any)["username"])
		}
		return list
	}
	first := r.want(200, "GET", "/users?limit=10", "")
	r.want(200, "DELETE", "/users/u03", "") // moves nobody on the next page
	second := r.want(200, "GET", "/users?limit=10&cursor="+first.fields["cursor"].(string), "")
	if got := fmt.Sprint(names(second)); got != "[u10 u11]" || second.fields["cursor"] != nil || first.fields["count"] != 10.0 {
		t.Errorf("second page = %s, cursor %v, want u10 and u11 and no cursor", got, second.fields["cursor"])
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "cursor=x"} {
		r.refuses(400, "illegal_argument", "GET", "/users?"+query, "")
	}
	r.want(200, "DELETE", "/users?limit=10", "") // some users, whichever
	if got := fmt.Sprint(names(r.want(200, "GET", "/users", ""))); got != "[u11]" {
		t.Errorf("users after a bulk delete = %s, want u11 alone", got)
	}
}

func TestEasemobPasswords(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann")
	login := func(password string) easeAnswer {
		return r.as("").ask("POST", "/token", `{"grant_type":"password","username":"Ann","password":"`+password+`","timestamp":1}`)
	}
	token := login("pw-ann").fields["access_token"].(string)
	r.wantJudged("ann", token, StateValid)
	a := r.want(200, "PUT", "/users/ann/password", `{"newpassword":"another"}`)
	wantShape(t, "answer", a.fields, map[string]string{"action": isText, "timestamp": isNumber, "duration": isNumber})
	r.wantJudged("ann", token, StateRevoked)
	if a := login("pw-ann"); a.status != 400 || a.err != "invalid_grant" || a.why != "invalid password" {
		t.Errorf("login by the old password = http %d %s %q, want 400 invalid_grant", a.status, a.err, a.why)
	}
	r.wantJudged("ann", login("another").fields["access_token"].(string), StateValid)
	r.want(200, "POST", "/users/ann/password", `{"newpassword":"third"}`)
	r.refuses(404, "entity_not_found", "PUT", "/users/nobody/password", `{"newpassword":"x"}`)
	r.refuses(400, "illegal_argument", "PUT", "/users/ann/password", `{}`)
	r.refuses(400, "illegal_argument", "PUT", "/users/ann/password", `{"newpassword":"`+strings.Repeat("x", 65)+`"}`)
	r.as("").refuses(404, "invalid_grant", "POST", "/token", `{"grant_type":"password","username":"nobody","password":"x"}`)
}

func TestEasemobBan(t *testing.T) {
	r := newEaseRig(t)
	token := r.mint("ann")
	a := r.want(200, "POST", "/users/ann/deactivate", "")
	if u := a.fields["entities"].([]any)[0].(map[string]any); a.fields["action"] != "Deactivate user" || u["activated"] != false {
		t.Errorf("answer = %v, want ann not activated", a.fields)
	}
	r.wantJudged("ann", token, StateBanned)
	r.refuses(400, "invalid_grant", "POST", "/token", `{"grant_type":"inherit","username":"ann"}`)
	if a := r.want(200, "POST", "/users/ann/activate", ""); a.fields["action"] != "activate user" {
		t.Errorf("answer = %v, want the action", a.fields)
	}
	r.wantJudged("ann", token, StateValid)
	r.refuses(404, "service_resource_not_found", "POST", "/users/nobody/deactivate", "")
}

func TestEasemobStatus(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann")
	if got := fmt.Sprint(r.want(200, "GET", "/users/Ann/status", "").fields["data"]); got != "map[ann:offline]" {
		t.Errorf("status = %s, want offline", got)
	}
	a := r.want(200, "POST", "/users/batch/status", `{"usernames":["ann","nobody"]}`)
	if got := fmt.Sprint(a.fields["data"]); got != "[map[ann:offline] map[nobody:offline]]" || a.fields["action"] != "get batch user status" {
		t.Errorf("batch = %s, want both offline", got)
	}
	for _, path := range []string{"/resources", "/disconnect", "/offline_msg_count", "/offline_msg_status/17"} {
		r.want(200, "GET", "/users/ann"+path, "")
		r.refuses(404, "service_resource_not_found", "GET", "/users/nobody"+path, "")
	}
	if got := fmt.Sprint(r.want(200, "DELETE", "/users/ann/disconnect/webim_1", "").fields["data"]); got != "map[result:false]" {
		t.Errorf("ending a device that is not there = %s, want false", got)
	}
	r.refuses(400, "illegal_argument", "GET", "/users/ann/offline_msg_status/x", "")
	names, _ := json.Marshal(map[string]any{"usernames": repeat("u", 101)[1:]})
	r.refuses(400, "illegal_argument", "POST", "/users/batch/status", string(names))
}

func TestEasemobNicknameAndMutes(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann")
	a := r.want(200, "PUT", "/users/ann", `{"nickname":"Annie"}`)
	if got := a.fields["entities"].([]any)[0].(map[string]any)["nickname"]; got != "Annie" {
		t.Errorf("nickname = %v, want Annie", got)
	}
	r.want(200, "POST", "/mutes", `{"username":"Ann","chat":60,"groupchat":-1}`)
	if got := fmt.Sprint(r.want(200, "GET", "/mutes/ann", "").fields["data"]); got != "map[chat:60 chatroom:0 groupchat:-1 userid:acme#chat_ann]" {
		t.Errorf("mutes = %s, want 60 s and for ever", got)
	}
	r.set("/control/clock", `{"advance":"60s"}`)
	r.want(200, "POST", "/mutes", `{"username":"ann","groupchat":0}`)
	if got := fmt.Sprint(r.want(200, "GET", "/mutes", "").fields["data"].(map[string]any)["data"]); got != "[]" {
		t.Errorf("muted = %s, want nobody", got)
	}
	r.refuses(400, "illegal_argument", "POST", "/mutes", `{"username":"ann","chat":-2}`)
}

func TestEasemobMetadata(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann")
	put := func(kind, body string) easeAnswer {
		req := r.request("/acme/chat/metadata/user/ann", body)
		req.Method = "PUT"
		req.Header.Set("Content-Type", kind)
		return r.send(req)
	}
	const isForm = "application/x-www-form-urlencoded"
	if a := put("application/json", `{"nickname":"A"}`); a.status != 415 || a.err != "UNSUPPORTED_MEDIA_TYPE" {
		t.Errorf("JSON = http %d %s, want 415 UNSUPPORTED_MEDIA_TYPE", a.status, a.err)
	}
	a := put(isForm+"; charset=utf-8", "nickname=Ann+L.&avatarurl=http%3A%2F%2Fx%2F1.png")
	if got := fmt.Sprint(a.fields["data"]); got != "map[avatarurl:http://x/1.png nickname:Ann L.]" {
		t.Errorf("set = %s, want both keys", got)
	}
	put(isForm, "nickname=B")
	if got := fmt.Sprint(r.want(200, "GET", "/metadata/user/Ann", "").fields["data"]); got != "map[avatarurl:http://x/1.png nickname:B]" {
		t.Errorf("metadata = %s, want the new name beside the old picture", got)
	}
	a = r.want(200, "POST", "/metadata/user/get", `{"targets":["ann","nobody"],"properties":["nickname"]}`)
	if got := fmt.Sprint(a.fields["data"]); got != "map[ann:map[nickname:B] nobody:map[]]" {
		t.Errorf("batch = %s, want ann's nickname", got)
	}
	if got := r.want(200, "GET", "/metadata/user/capacity", "").fields["data"]; got != float64(len("avatarurlhttp://x/1.pngnicknameB")) {
		t.Errorf("capacity = %v, want the bytes in use", got)
	}
	if a := put(isForm, "ext="+strings.Repeat("x", 2048)); a.status != 403 || a.err != "FORBIDDEN" {
		t.Errorf("over 2 KB = http %d %s, want 403 FORBIDDEN", a.status, a.err)
	}
	if a := put(isForm, "nickname="+strings.Repeat("x", 65)); a.status != 400 {
		t.Errorf("nickname of 65 = http %d, want 400", a.status)
	}
	if got := r.want(200, "DELETE", "/metadata/user/ann", "").fields["data"]; got != true {
		t.Errorf("delete = %v, want true", got)
	}
	if got := fmt.Sprint(r.want(200, "GET", "/metadata/user/ann", "").fields["data"]); got != "map[]" {
		t.Errorf("metadata after delete = %s, want none", got)
	}
}
