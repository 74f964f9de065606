package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func (r *easeRig) createGroup(body string) string {
	r.Helper()
	return r.want(200, "POST", "/chatgroups", body).fields["data"].(map[string]any)["groupid"].(string)
}

func (r *easeRig) members(id string) string {
	r.Helper()
	return fmt.Sprint(r.want(200, "GET", "/chatgroups/"+id+"/users", "").fields["data"])
}

func TestEasemobGroups(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob", "carl", "dora")
	id := r.createGroup(`{"groupname":"g","public":"true","owner":"ANN","members":["bob"],"maxusers":3}`)
	if strings.Trim(id, "0123456789") != "" {
		t.Errorf("groupid = %q, want digits in a string", id)
	}
	data := r.want(200, "GET", "/chatgroups/"+id+",17", "").fields["data"].([]any)[0].(map[string]any)
	if data["owner"] != "ann" || data["name"] != "g" || data["public"] != true || data["affiliations_count"] != 2.0 || data["maxusers"] != 3.0 {
		t.Errorf("group = %v, want ann's public g of two", data)
	}
	a := r.want(200, "POST", "/chatgroups/"+id+"/users/Carl", "")
	if got := fmt.Sprint(a.fields["data"]); got != "map[action:add_member groupid:"+id+" result:true user:carl]" {
		t.Errorf("add = %s", got)
	}
	r.refuses(403, "forbidden_op", "POST", "/chatgroups/"+id+"/users/carl", "")
	r.refuses(403, "exceed_limit", "POST", "/chatgroups/"+id+"/users", `{"usernames":["dora"]}`)
	r.refuses(404, "resource_not_found", "POST", "/chatgroups/"+id+"/users/nobody", "")
	if got := r.members(id); got != "[map[member:bob] map[member:carl] map[owner:ann]]" {
		t.Errorf("members = %s", got)
	}
	a = r.want(200, "DELETE", "/chatgroups/"+id+"/users/bob,dora,ann", "")
	if got := len(a.fields["data"].([]any)); got != 3 || r.members(id) != "[map[member:carl] map[owner:ann]]" {
		t.Errorf("removing three = %v, members %s, want bob alone gone", a.fields["data"], r.members(id))
	}
	r.refuses(403, "forbidden_op", "DELETE", "/chatgroups/"+id+"/users/ann", "")
	r.refuses(403, "forbidden_op", "DELETE", "/chatgroups/"+id+"/users/bob", "")
	r.refuses(400, "invalid_parameter", "DELETE", "/chatgroups/"+id+"/users/"+strings.Repeat("x,", 60)+"x", "")
	r.refuses(403, "forbidden_op", "PUT", "/chatgroups/"+id, `{"newowner":"ann"}`)
	r.refuses(403, "forbidden_op", "PUT", "/chatgroups/"+id, `{"newowner":"bob"}`)
	r.want(200, "PUT", "/chatgroups/"+id, `{"newowner":"carl"}`)
	if got := r.members(id); got != "[map[member:ann] map[owner:carl]]" {
		t.Errorf("members after a new owner = %s, want ann still in it", got)
	}
	if got := fmt.Sprint(r.want(200, "PUT", "/chatgroups/"+id, `{"groupname":"h","public":false}`).fields["data"]); got != "map[groupname:true public:true]" {
		t.Errorf("update = %s", got)
	}
	for _, path := range []string{"/users/ann/joined_chatgroups", "/chatgroups/user/ann?pagenum=1&pagesize=5"} {
		if got := r.want(200, "GET", path, "").fields["count"]; got != 1.0 {
			t.Errorf("%s = %v groups, want 1", path, got)
		}
	}
	if got := r.want(200, "POST", "/chatgroups/"+id+"/user/bob/is_joined", "").fields["data"]; got != false {
		t.Errorf("bob is joined = %v, want false", got)
	}
	other := r.createGroup(`{"public":true,"owner":"bob"}`)
	first := r.want(200, "GET", "/chatgroups?limit=1", "")
	second := r.want(200, "GET", "/chatgroups?limit=1&cursor="+first.fields["cursor"].(string), "")
	if second.fields["cursor"] != nil || second.fields["data"].([]any)[0].(map[string]any)["owner"] != "acme#chat_bob" {
		t.Errorf("second page = %v, want bob's", second.fields)
	}
	r.want(200, "DELETE", "/users/carl", "") // and with him the group that he owns
	r.refuses(404, "resource_not_found", "GET", "/chatgroups/"+id, "")
	r.want(200, "DELETE", "/chatgroups/"+other, "")
	r.refuses(404, "resource_not_found", "DELETE", "/chatgroups/"+other, "")
	for _, body := range []string{`{"owner":"ann"}`, `{"public":true}`, `{"public":true,"owner":"ann","maxusers":0}`, `{"public":true,"owner":"ann","groupname":"` + strings.Repeat("x", 129) + `"}`} {
		r.refuses(400, "invalid_parameter", "POST", "/chatgroups", body)
	}
	r.refuses(404, "resource_not_found", "POST", "/chatgroups", `{"public":true,"owner":"nobody"}`)
}

func TestEasemobMessages(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob")
	id := r.createGroup(`{"public":true,"owner":"ann"}`)
	a := r.want(200, "POST", "/messages/users", `{"from":"ann","to":["bob","nobody"],"type":"txt","body":{"msg":"hi"}}`)
	ids := a.fields["data"].(map[string]any)
	if len(ids) != 2 || ids["bob"] == ids["nobody"] || strings.Trim(fmt.Sprint(ids["bob"]), "0123456789") != "" {
		t.Errorf("ids = %v, want one of digits for each, known or not", ids)
	}
	r.want(200, "POST", "/messages/chatgroups", `{"to":["`+id+`"],"type":"txt","body":{"msg":"hi"}}`)
	r.refuses(404, "resource_not_found", "POST", "/messages/chatgroups", `{"to":["17"],"type":"txt","body":{"msg":"hi"}}`)
	for _, body := range []string{
		`{"from":"","to":["bob"],"type":"txt","body":{"msg":"hi"}}`, `{"to":[],"type":"txt","body":{"msg":"hi"}}`, `{"to":["bob"],"type":"x","body":{}}`,
		`{"to":["bob"],"type":"txt","body":{}}`, `{"to":["bob"],"type":"txt"}`, `{"to":["bob"],"type":"txt","body":{"msg":"hi"},"ext":7}`,
	} {
		r.refuses(400, "illegal_argument", "POST", "/messages/users", body)
	}
	a = r.ask("POST", "/messages/users", `{"to":["bob"],"type":"txt","body":{"msg":"`+strings.Repeat("x", 5200)+`"}}`)
	if a.status != 400 || a.err != "message_send_error" || a.fields["error_code"] != 14007.0 || a.fields["exception"] != "MessageSendException" {
		t.Errorf("too large = http %d %v, want message_send_error 14007", a.status, a.fields)
	}
	crowd := func(n int) string {
		names := []string{}
		for i := range n {
			names = append(names, fmt.Sprintf("u%d", i))
		}
		b, _ := json.Marshal(map[string]any{"to": names, "type": "cmd", "body": map[string]string{"action": "x"}})
		return string(b)
	}
	if a := r.ask("POST", "/messages/users", crowd(601)); a.status != 400 || a.why != "param to exceed limit" {
		t.Errorf("601 people = http %d %q, want 400", a.status, a.why)
	}
	for range 9 { // with the three of before, one more would be over 6000 in a minute
		r.want(200, "POST", "/messages/users", crowd(600))
	}
	if a := r.ask("POST", "/messages/users", crowd(600)); a.status != 403 || a.why != "message send reach limit" {
		t.Errorf("6003 in a minute = http %d %q, want 403", a.status, a.why)
	}
	r.set("/control/app", `{"easemob":{"friendship_required":true}}`)
	r.refuses(403, "forbidden_op", "POST", "/messages/users", `{"from":"ann","to":["bob"],"type":"txt","body":{"msg":"hi"}}`)
	r.want(200, "POST", "/messages/users", `{"to":["bob"],"type":"txt","body":{"msg":"from admin, who is no user"}}`)
	r.refuses(403, "forbidden_op", "POST", "/messages/msg_recall", `{"msg_id":"1","to":"bob","chat_type":"chat"}`)
}
