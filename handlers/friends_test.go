package handlers_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"imbridge/models"
)

// as sends a request of p.
func (r *rig) as(p person, method, path string, body any) answer {
	r.t.Helper()
	return r.do(request{method: method, path: path, token: p.access, body: body})
}

// ask sends a friend request and returns its id.
func (r *rig) ask(from, to person) string {
	r.t.Helper()
	return r.as(from, "POST", "/v1/friends/requests", map[string]any{"user_id": to.id}).want(r.t, "request", http.StatusCreated, "").text("request", "id")
}

func (r *rig) accept(p person, id string) answer {
	r.t.Helper()
	return r.as(p, "POST", "/v1/friends/requests/"+id+"/accept", nil)
}

func (r *rig) befriend(a, b person) {
	r.t.Helper()
	r.accept(b, r.ask(a, b)).want(r.t, "accept", http.StatusNoContent, "")
}

// list gives one field of all entries of a list.
func (a answer) list(name string, path ...string) []string {
	var out []string
	entries, _ := a.get(name).([]any)
	for _, e := range entries {
		out = append(out, answer{body: e.(map[string]any)}.text(path...))
	}
	return out
}

func (r *rig) friendNames(p person) []string {
	r.t.Helper()
	return r.as(p, "GET", "/v1/friends", nil).want(r.t, "friends", http.StatusOK, "").list("friends", "username")
}

func (r *rig) requestIDs(p person, direction string) []string {
	r.t.Helper()
	return r.as(p, "GET", "/v1/friends/requests?direction="+direction, nil).want(r.t, "requests", http.StatusOK, "").list("requests", "id")
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestBecomingFriends(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	body := map[string]any{"user_id": bob.id, "message": "Hello, 是我"}
	first := r.as(ann, "POST", "/v1/friends/requests", body).want(t, "request", http.StatusCreated, "")
	id := first.text("request", "id")
	if first.text("state") != "pending" || first.text("request", "direction") != "outgoing" || first.text("request", "person", "username") != "bob" {
		t.Errorf("request = %s, want a pending one to bob", first.raw)
	}
	again := r.as(ann, "POST", "/v1/friends/requests", map[string]any{"user_id": bob.id, "message": "other"}).want(t, "request again", http.StatusOK, "")
	if again.text("request", "id") != id || again.text("request", "message") != "Hello, 是我" {
		t.Errorf("request again = %s, want the first one", again.raw)
	}
	in := r.as(bob, "GET", "/v1/friends/requests", nil)
	same(t, "requests of the recipient", in.list("requests", "id"), id)
	same(t, "their direction", in.list("requests", "direction"), "incoming")
	same(t, "their person", in.list("requests", "person", "username"), "ann")
	same(t, "their message", in.list("requests", "message"), "Hello, 是我")
	same(t, "incoming of the sender", r.requestIDs(ann, "incoming"))
	same(t, "outgoing of the sender", r.requestIDs(ann, "outgoing"), id)
	same(t, "friends before the answer", r.friendNames(ann))

	r.accept(bob, id).want(t, "accept", http.StatusNoContent, "")
	r.accept(bob, id).want(t, "accept again", http.StatusNoContent, "")
	same(t, "friends of the sender", r.friendNames(ann), "bob")
	same(t, "friends of the recipient", r.friendNames(bob), "ann")
	same(t, "requests afterwards", r.requestIDs(bob, "incoming"))
	for _, p := range []struct{ from, to person }{{ann, bob}, {bob, ann}} {
		a := r.as(p.from, "POST", "/v1/friends/requests", map[string]any{"user_id": p.to.id}).want(t, "request to a friend", http.StatusOK, "")
		if a.text("state") != "friends" || a.get("request") != nil {
			t.Errorf("request to a friend = %s, want friends and no request", a.raw)
		}
	}
	r.as(bob, "DELETE", "/v1/friends/"+ann.id, nil).want(t, "remove", http.StatusNoContent, "")
	r.as(bob, "DELETE", "/v1/friends/"+ann.id, nil).want(t, "remove again", http.StatusNoContent, "")
	same(t, "friends of the removed", r.friendNames(ann))
	r.accept(bob, id).want(t, "accept long after", http.StatusNoContent, "")
	same(t, "friends after a repeated accept", r.friendNames(ann))
}

func TestARequestBothWaysMakesFriends(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	r.ask(ann, bob)
	a := r.as(bob, "POST", "/v1/friends/requests", map[string]any{"user_id": ann.id}).want(t, "the other way", http.StatusOK, "")
	if a.text("state") != "friends" {
		t.Errorf("state = %s, want friends", a.raw)
	}
	same(t, "friends", r.friendNames(ann), "bob")
	same(t, "requests left", r.requestIDs(ann, "outgoing"))
}

func TestDecliningAndWithdrawing(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	id := r.ask(ann, bob)
	decline := func(p person, id string) answer {
		return r.as(p, "POST", "/v1/friends/requests/"+id+"/decline", nil)
	}
	withdraw := func(p person, id string) answer { return r.as(p, "DELETE", "/v1/friends/requests/"+id, nil) }
	decline(bob, id).want(t, "decline", http.StatusNoContent, "")
	decline(bob, id).want(t, "decline again", http.StatusNoContent, "")
	r.accept(bob, id).want(t, "accept what was declined", http.StatusConflict, "request_closed")
	withdraw(ann, id).want(t, "withdraw what was declined", http.StatusConflict, "request_closed")
	same(t, "outgoing after it was declined", r.requestIDs(ann, "outgoing"))

	id = r.ask(ann, bob)
	withdraw(ann, id).want(t, "withdraw", http.StatusNoContent, "")
	withdraw(ann, id).want(t, "withdraw again", http.StatusNoContent, "")
	r.accept(bob, id).want(t, "accept what was withdrawn", http.StatusConflict, "request_closed")
	same(t, "friends", r.friendNames(ann))
}

// TestOthersRequests: an id is worth nothing to whom it does not concern.
func TestOthersRequests(t *testing.T) {
	r := newRig(t)
	ann, bob, eve := r.register("ann"), r.register("bob"), r.register("eve")
	id := r.ask(ann, bob)
	for _, c := range []struct {
		who          person
		method, path string
	}{
		{eve, "POST", "/accept"}, {eve, "POST", "/decline"}, {eve, "DELETE", ""},
		{ann, "POST", "/accept"}, {ann, "POST", "/decline"}, {bob, "DELETE", ""},
	} {
		r.as(c.who, c.method, "/v1/friends/requests/"+id+c.path, nil).want(t, c.method+c.path+" of a request of others", http.StatusNotFound, "not_found")
	}
	same(t, "the request", r.requestIDs(bob, "incoming"), id)
	for _, bad := range []string{"x", strings.ToUpper(id), id + "0", "%00", "01h00000000000000000000000"} {
		r.accept(bob, bad).want(t, "accept "+bad, http.StatusNotFound, "not_found")
	}
}

func TestRemarks(t *testing.T) {
	r := newRig(t)
	ann, bob, eve := r.register("ann"), r.register("bob"), r.register("eve")
	r.befriend(ann, bob)
	remark := func(text any) answer {
		return r.as(ann, "PUT", "/v1/friends/"+bob.id+"/remark", map[string]any{"remark": text})
	}
	seen := func(p person) []string {
		return r.as(p, "GET", "/v1/friends?remarks=true", nil).want(t, "friends", http.StatusOK, "").list("friends", "remark")
	}
	long := strings.Repeat("名", 100)
	for _, text := range []string{"Bob from work", long, "👩‍👩‍👧", ""} {
		remark(text).want(t, "remark", http.StatusNoContent, "")
		same(t, "remark", seen(ann), text)
	}
	remark("x").want(t, "remark", http.StatusNoContent, "")
	remark(nil).want(t, "no remark", http.StatusNoContent, "")
	same(t, "remark after null", seen(ann), "")
	same(t, "the friend's own", seen(bob), "")
	if a := r.as(ann, "GET", "/v1/friends", nil); strings.Contains(string(a.raw), "remark") {
		t.Errorf("friends without remarks = %s, want none in it", a.raw)
	}
	remark(long+"x").want(t, "101 characters", http.StatusUnprocessableEntity, "invalid_field")
	remark("a\u202eb").want(t, "a turned text", http.StatusUnprocessableEntity, "invalid_field")
	for _, id := range []string{eve.id, ann.id, "01h00000000000000000000000"} {
		r.as(ann, "PUT", "/v1/friends/"+id+"/remark", map[string]any{"remark": "x"}).want(t, "remark on no friend", http.StatusNotFound, "not_found")
	}
}

func TestBadFriendRequests(t *testing.T) {
	r := newRig(t)
	ann, gone := r.register("ann"), r.register("gone")
	r.as(gone, "DELETE", "/v1/me", nil).want(t, "delete", http.StatusNoContent, "")
	for name, c := range map[string]struct {
		body   map[string]any
		status int
		code   string
	}{
		"oneself":           {map[string]any{"user_id": ann.id}, 422, "not_yourself"},
		"nobody":            {map[string]any{"user_id": "01h00000000000000000000000"}, 404, "not_found"},
		"the deleted":       {map[string]any{"user_id": gone.id}, 404, "not_found"},
		"a name":            {map[string]any{"user_id": "gone"}, 422, "invalid_field"},
		"upper case":        {map[string]any{"user_id": strings.ToUpper(gone.id)}, 422, "invalid_field"},
		"no id":             {map[string]any{"message": "x"}, 422, "invalid_field"},
		"a long message":    {map[string]any{"user_id": gone.id, "message": strings.Repeat("名", 101)}, 422, "invalid_field"},
		"a turned message":  {map[string]any{"user_id": gone.id, "message": "a\u202eb"}, 422, "invalid_field"},
		"an unknown field":  {map[string]any{"user_id": gone.id, "from": ann.id}, 400, "unknown_field"},
		"somebody by name":  {map[string]any{"username": "gone"}, 400, "unknown_field"},
		"a list of persons": {map[string]any{"user_id": []string{gone.id}}, 400, "bad_field"},
	} {
		r.as(ann, "POST", "/v1/friends/requests", c.body).want(t, name, c.status, c.code)
	}
	for query, code := range map[string]string{
		"limit=0": "bad_query", "limit=51": "bad_query", "limit=x": "bad_query", "limit=-1": "bad_query", "limit=1e1": "bad_query",
		"limit=99999999999999999999": "bad_query", "cursor=x": "bad_cursor", "cursor=AAAA": "bad_cursor", "cursor=%00": "bad_cursor",
		"cursor=" + strings.Repeat("A", 5000): "bad_cursor",
	} {
		for _, path := range []string{"/v1/friends", "/v1/friends/requests", "/v1/blocks"} {
			r.as(ann, "GET", path+"?"+query, nil).want(t, path+" with "+query, http.StatusBadRequest, code)
		}
	}
	for _, query := range []string{"remarks=1", "remarks=TRUE", "all=yes", "all=true&limit=5", "all=true&cursor=x"} {
		a := r.as(ann, "GET", "/v1/friends?"+query, nil)
		if a.status != http.StatusBadRequest {
			t.Errorf("friends with %s = %d, want 400", query, a.status)
		}
	}
	r.as(ann, "GET", "/v1/friends/requests?direction=sideways", nil).want(t, "an unknown direction", http.StatusBadRequest, "bad_query")
}

// TestFriendPages follows cursors through lists that change meanwhile.
func TestFriendPages(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	var want []string
	for range 7 {
		u := r.store.AddUser(t)
		now := r.store.Clock.Now().UnixMicro()
		r.store.Exec(t, "INSERT INTO friends (owner_id, friend_id, created_at) VALUES (?, ?, ?), (?, ?, ?)", ann.id, u.ID, now, u.ID, ann.id, now)
		want = append(want, u.Username)
	}
	slices.Sort(want)
	var got []string
	pages, cursor := 0, ""
	for {
		a := r.as(ann, "GET", "/v1/friends?limit=3&cursor="+cursor, nil).want(t, "page", http.StatusOK, "")
		got = append(got, a.list("friends", "username")...)
		pages++
		if cursor = a.text("next_cursor"); cursor == "" {
			break
		}
	}
	slices.Sort(got)
	same(t, fmt.Sprint("friends on ", pages, " pages"), got, want...)
	if pages != 3 {
		t.Errorf("pages = %d, want 3", pages)
	}
	whole := r.as(ann, "GET", "/v1/friends?all=true", nil).want(t, "whole list", http.StatusOK, "")
	if n := len(whole.list("friends", "id")); n != 7 || whole.get("next_cursor") != nil {
		t.Errorf("whole list = %d friends, next %v; want 7 and none", n, whole.get("next_cursor"))
	}
	if n := len(r.friendNames(ann)); n != 7 {
		t.Errorf("friends without a limit = %d, want all 7: it is 50", n)
	}
}

func TestFriendLimits(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	fill := func(table, owner, other string, n int) {
		var rows []string
		for i := range n {
			rows = append(rows, fmt.Sprintf("('%s', '00%024d', 1)", owner, i))
		}
		r.store.Exec(t, "INSERT INTO "+table+" (owner_id, "+other+", created_at) VALUES "+strings.Join(rows, ", "))
	}
	for i := range 100 {
		u := r.store.AddUser(t)
		r.as(ann, "POST", "/v1/friends/requests", map[string]any{"user_id": u.ID}).want(t, fmt.Sprint("request ", i+1), http.StatusCreated, "")
	}
	r.as(ann, "POST", "/v1/friends/requests", map[string]any{"user_id": bob.id}).want(t, "request 101", http.StatusConflict, "request_limit")
	id := r.ask(bob, ann)
	r.accept(ann, id).want(t, "accept beside 100 requests", http.StatusNoContent, "")

	eve := r.register("eve")
	id = r.ask(eve, bob)
	fill("friends", bob.id, "friend_id", 2999)
	r.accept(bob, id).want(t, "accept with 3000 friends", http.StatusConflict, "friend_limit")
	same(t, "the request afterwards", r.requestIDs(bob, "incoming"), id)
	carol := r.register("carol")
	r.as(bob, "POST", "/v1/friends/requests", map[string]any{"user_id": carol.id}).want(t, "request with 3000 friends", http.StatusConflict, "friend_limit")

	fill("blocks", eve.id, "blocked_id", 499)
	r.as(eve, "PUT", "/v1/blocks/"+ann.id, nil).want(t, "block 500", http.StatusNoContent, "")
	r.as(eve, "PUT", "/v1/blocks/"+carol.id, nil).want(t, "block 501", http.StatusConflict, "block_limit")
	r.as(eve, "PUT", "/v1/blocks/"+ann.id, nil).want(t, "block again at the limit", http.StatusNoContent, "")
}

// TestTheBannedMakeNoFriends: as elsewhere, they are not let in.
func TestTheBannedMakeNoFriends(t *testing.T) {
	r := newRig(t)
	ann, bob, admin := r.register("ann"), r.register("bob"), r.admin()
	r.befriend(ann, bob)
	r.do(request{method: "POST", path: "/v1/admin/users/" + ann.id + "/ban", token: admin, body: map[string]any{"reason": "x"}}).want(t, "ban", http.StatusNoContent, "")
	for _, c := range [][2]string{{"GET", "/v1/friends"}, {"DELETE", "/v1/friends/" + bob.id}, {"PUT", "/v1/blocks/" + bob.id}, {"GET", "/v1/friends/requests"}} {
		r.as(ann, c[0], c[1], nil).want(t, c[0]+" "+c[1]+" of the banned", http.StatusForbidden, "banned")
	}
	same(t, "friends of the other", r.friendNames(bob), "ann")
	r.do(request{method: "GET", path: "/v1/friends", token: admin}).want(t, "an admin's token", http.StatusForbidden, "forbidden")
}

func TestADeletedPersonLeavesEveryList(t *testing.T) {
	r := newRig(t)
	ann, bob, eve, gone := r.register("ann"), r.register("bob"), r.register("eve"), r.register("gone")
	r.befriend(ann, gone)
	r.ask(gone, bob)
	r.ask(eve, gone)
	r.as(ann, "PUT", "/v1/blocks/"+gone.id, nil).want(t, "block", http.StatusNoContent, "")
	r.as(gone, "DELETE", "/v1/me", nil).want(t, "delete", http.StatusNoContent, "")
	same(t, "friends", r.friendNames(ann))
	same(t, "blocks", r.as(ann, "GET", "/v1/blocks", nil).list("blocks", "id"))
	same(t, "incoming", r.requestIDs(bob, "incoming"))
	same(t, "outgoing", r.requestIDs(eve, "outgoing"))
	for _, table := range []string{"friends", "blocks", "friend_requests"} {
		if n := r.store.Count(t, "SELECT COUNT(*) FROM "+table); n != 0 {
			t.Errorf("rows left in %s = %d, want none", table, n)
		}
	}
}

func TestFriendChangesAreAudited(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	r.befriend(ann, bob)
	r.as(ann, "PUT", "/v1/friends/"+bob.id+"/remark", map[string]any{"remark": planted}).want(t, "remark", http.StatusNoContent, "")
	r.as(ann, "DELETE", "/v1/friends/"+bob.id, nil).want(t, "remove", http.StatusNoContent, "")
	r.as(ann, "DELETE", "/v1/friends/"+bob.id, nil).want(t, "remove again", http.StatusNoContent, "")
	r.as(ann, "DELETE", "/v1/friends/requests/"+r.ask(ann, bob), nil).want(t, "withdraw", http.StatusNoContent, "")
	r.as(bob, "POST", "/v1/friends/requests/"+r.ask(ann, bob)+"/decline", nil).want(t, "decline", http.StatusNoContent, "")
	r.as(ann, "PUT", "/v1/blocks/"+bob.id, nil).want(t, "block", http.StatusNoContent, "")
	r.as(ann, "DELETE", "/v1/blocks/"+bob.id, nil).want(t, "unblock", http.StatusNoContent, "")
	rows, err := r.store.Audit(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range slices.Backward(rows) {
		if strings.HasPrefix(row.Action, "friend.") || strings.HasPrefix(row.Action, "block.") {
			who := map[string]string{"user:" + ann.id: "ann", "user:" + bob.id: "bob"}
			got = append(got, who[row.Actor]+" "+row.Action+" "+who[row.Subject])
			if strings.Contains(fmt.Sprint(row.Detail), planted) {
				t.Errorf("%s tells what the remark is, want no words of people in the audit", row.Action)
			}
		}
	}
	same(t, "audit", got, "ann friend.request bob", "bob friend.accept ann", "ann friend.remark bob", "ann friend.remove bob",
		"ann friend.request bob", "ann friend.withdraw bob", "ann friend.request bob", "bob friend.decline ann", "ann block.add bob", "ann block.remove bob")
}

// TestTheQueueNamesBoth: rows of friends and blocks are about two people.
func TestTheQueueNamesBoth(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	admin := r.admin()
	r.befriend(ann, bob)
	r.as(bob, "PUT", "/v1/blocks/"+ann.id, nil).want(t, "block", http.StatusNoContent, "")
	r.bury(models.KindFriend, "a limit of the cloud's plan is reached")
	a := r.asAdmin(admin, "GET", "queue?state=buried", nil).want(t, "queue", http.StatusOK, "")
	same(t, "buried", a.list("rows", "subject"), ann.id+":"+bob.id)
	same(t, "blocks", r.asAdmin(admin, "GET", "queue?kind=block", nil).list("rows", "subject"), bob.id+":"+ann.id)
	r.asAdmin(admin, "POST", "queue/retry", map[string]any{"kind": "friend"}).want(t, "retry", http.StatusOK, "")
	rows, err := r.store.FindAudit(t.Context(), models.AuditFilter{Action: "outbox.retry"}, "", 10)
	if err != nil || len(rows) != 1 || rows[0].Subject != "user:"+ann.id || rows[0].Detail["with"] != bob.id {
		t.Errorf("audit of the retry = %+v, %v; want one about both", rows, err)
	}
	b := r.steeringAgain()
	shows(t, "queue", b.get("/admin/queue"), http.StatusOK, `href="/admin/people/`+bob.id+`"`, "bob, ann", "Block or unblock", "ann, bob", "Begin or end a friendship")
}
