package handlers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func (r *rig) blocked(p person) []string {
	r.t.Helper()
	return r.as(p, "GET", "/v1/blocks", nil).want(r.t, "blocks", http.StatusOK, "").list("blocks", "username")
}

func TestBlockingKeepsAFriendship(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	r.befriend(ann, bob)
	r.as(ann, "PUT", "/v1/blocks/"+bob.id, nil).want(t, "block", http.StatusNoContent, "")
	r.as(ann, "PUT", "/v1/blocks/"+bob.id, nil).want(t, "block again", http.StatusNoContent, "")
	same(t, "blocks", r.blocked(ann), "bob")
	same(t, "blocks of the blocked", r.blocked(bob))
	a := r.as(ann, "GET", "/v1/friends", nil)
	same(t, "friends", a.list("friends", "username"), "bob")
	if !strings.Contains(string(a.raw), `"blocked":true`) {
		t.Errorf("friends = %s, want the one blocked", a.raw)
	}
	if a := r.as(bob, "GET", "/v1/friends", nil); strings.Contains(string(a.raw), `"blocked":true`) {
		t.Errorf("friends of the blocked = %s, want nothing told", a.raw)
	}
	r.as(ann, "DELETE", "/v1/blocks/"+bob.id, nil).want(t, "unblock", http.StatusNoContent, "")
	r.as(ann, "DELETE", "/v1/blocks/"+bob.id, nil).want(t, "unblock again", http.StatusNoContent, "")
	same(t, "blocks afterwards", r.blocked(ann))
	if a := r.as(ann, "GET", "/v1/friends", nil); !strings.Contains(string(a.raw), `"blocked":false`) {
		t.Errorf("friends afterwards = %s, want the friendship as it was", a.raw)
	}
}

// TestWhoIsBlockedIsNotTold compares what somebody who is blocked is answered
// with what others are.
func TestWhoIsBlockedIsNotTold(t *testing.T) {
	r := newRig(t)
	ann, bob, eve, carol := r.register("ann"), r.register("bob"), r.register("eve"), r.register("carol")
	earlier, out := r.ask(eve, ann), r.ask(ann, carol)
	r.as(ann, "PUT", "/v1/blocks/"+eve.id, nil).want(t, "block", http.StatusNoContent, "")
	same(t, "outgoing of the blocked", r.requestIDs(eve, "outgoing"))
	r.accept(ann, earlier).want(t, "accept of a request that the block ended", http.StatusConflict, "request_closed")

	shape := func(p person) string {
		a := r.as(p, "POST", "/v1/friends/requests", map[string]any{"user_id": ann.id, "message": "hi"})
		b := r.as(p, "POST", "/v1/friends/requests", map[string]any{"user_id": ann.id, "message": "hi"})
		text := fmt.Sprint(a.status, string(a.raw), b.status, string(b.raw))
		return strings.NewReplacer(a.text("request", "id"), "ID", a.text("request", "created_at"), "AT").Replace(text)
	}
	if blocked, free := shape(eve), shape(bob); blocked != free {
		t.Errorf("answers to the blocked:\n%s\nwant those to others:\n%s", blocked, free)
	}
	hidden := r.requestIDs(eve, "outgoing")[0]
	in := r.as(ann, "GET", "/v1/friends/requests?direction=incoming", nil)
	same(t, "requests that the blocker sees", in.list("requests", "person", "username"), "bob")
	for _, answer := range []string{"/accept", "/decline"} {
		r.as(ann, "POST", "/v1/friends/requests/"+hidden+answer, nil).want(t, answer+" of what the blocker cannot see", http.StatusNotFound, "not_found")
	}
	r.as(ann, "POST", "/v1/friends/requests", map[string]any{"user_id": eve.id}).want(t, "request to whom one blocks", http.StatusConflict, "person_blocked")
	same(t, "friends", r.friendNames(ann))
	r.as(ann, "DELETE", "/v1/blocks/"+eve.id, nil).want(t, "unblock", http.StatusNoContent, "")
	r.accept(ann, hidden).want(t, "accept after unblocking", http.StatusNoContent, "")
	same(t, "the blocker's own requests to others", r.requestIDs(ann, "outgoing"), out)
}

func TestBlockMany(t *testing.T) {
	r := newRig(t)
	ann, bob, eve := r.register("ann"), r.register("bob"), r.register("eve")
	nobody := "01h00000000000000000000000"
	many := func(ids ...string) answer {
		return r.as(ann, "POST", "/v1/blocks", map[string]any{"user_ids": ids})
	}
	for range 2 {
		a := many(bob.id, nobody, ann.id, eve.id, bob.id).want(t, "block many", http.StatusOK, "")
		same(t, "results", a.list("results", "result"), "blocked", "not_found", "not_yourself", "blocked", "blocked")
		same(t, "ids", a.list("results", "user_id"), bob.id, nobody, ann.id, eve.id, bob.id)
	}
	if n := len(r.blocked(ann)); n != 2 {
		t.Errorf("blocked = %d, want 2", n)
	}
	many(nobody).want(t, "nobody", http.StatusOK, "")
	for name, ids := range map[string][]string{"none": {}, "a name": {"bob"}, "one of them a name": {bob.id, "x"}, "101": strings.Split(strings.Repeat(nobody+" ", 100)+nobody, " ")} {
		many(ids...).want(t, name, http.StatusUnprocessableEntity, "invalid_field")
	}
	for i := range 498 {
		r.store.Exec(t, "INSERT INTO blocks (owner_id, blocked_id, created_at) VALUES (?, ?, 1)", ann.id, fmt.Sprintf("00%024d", i))
	}
	carol := r.register("carol")
	same(t, "results at the limit", many(bob.id, carol.id).list("results", "result"), "blocked", "block_limit")
}

func TestBadBlocks(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	r.as(ann, "PUT", "/v1/blocks/"+ann.id, nil).want(t, "block oneself", http.StatusUnprocessableEntity, "not_yourself")
	r.as(ann, "PUT", "/v1/blocks/01h00000000000000000000000", nil).want(t, "block nobody", http.StatusNotFound, "not_found")
	r.as(ann, "DELETE", "/v1/blocks/01h00000000000000000000000", nil).want(t, "unblock nobody", http.StatusNoContent, "")
	r.as(ann, "PUT", "/v1/blocks/ann", nil).want(t, "block a name", http.StatusNotFound, "not_found")
	r.as(ann, "DELETE", "/v1/friends/requests", nil).want(t, "remove a friend named requests", http.StatusNotFound, "not_found")
}
