package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

// wantEvent reads a notice about somebody and fetches the queue: one event.
func (p *easePhone) wantEvent(what string, operation int64, from, reason string) {
	p.Helper()
	p.wantNotice(from, "easemob.com")
	page := p.pull(from, "easemob.com", 0)
	if len(page.list) != 1 || page.list[0].kind != 3 {
		p.Fatalf("%s: %+v, want one meta of the roster", what, page)
	}
	n, s := p.unpb(page.list[0].payload)
	_, who := p.unpb([]byte(s[3][0]))
	_, to := p.unpb([]byte(s[4][0]))
	got := fmt.Sprint(n[1], " ", who[2], " ", to[2], " ", strings.Join(s[5], ""))
	if want := fmt.Sprint(operation, " ", []string{from}, " ", []string{p.name}, " ", reason); got != want {
		p.Errorf("%s: event %s, want %s", what, got, want)
	}
	if page := p.pull(from, "easemob.com", page.next); !page.last {
		p.Errorf("%s: more events %+v, want one", what, page)
	}
}

// The calls that the web SDK makes.
func TestEasemobFriendsByTheSDK(t *testing.T) {
	r := newEaseRig(t)
	annToken, bobToken := r.mint("ann"), r.mint("bob")
	ann, bob := r.online("ann", annToken, "webim_ann"), r.online("bob", bobToken, "webim_bob")
	asAnn, asBob := r.as(annToken), r.as(bobToken)
	apply := func() {
		t.Helper()
		asAnn.want(200, "POST", "/users/ann/contacts/apply?resource=webim_ann", `{"usernames":["bob"],"reason":"你好"}`)
		bob.wantEvent("request", 2, "ann", "你好")
	}

	asBob.refuses(403, "forbidden_op", "POST", "/users/bob/contacts/accept/users/ann", "")
	apply()
	asBob.want(200, "POST", "/users/bob/contacts/decline/users/ann", "")
	ann.wantEvent("declined", 9, "bob", "")
	asBob.refuses(403, "forbidden_op", "POST", "/users/bob/contacts/accept/users/ann", "")

	apply()
	asBob.want(200, "POST", "/users/bob/contacts/accept/users/ann?resource=webim_bob", "")
	ann.wantEvent("accepted", 8, "bob", "")
	bob.wantEvent("added", 4, "ann", "")
	for name, want := range map[string]string{"ann": "[bob]", "bob": "[ann]"} {
		if got := fmt.Sprint(r.ask("GET", "/users/"+name+"/contacts/users", "").fields["data"]); got != want {
			t.Errorf("friends of %s = %s, want %s", name, got, want)
		}
	}
	asAnn.want(200, "POST", "/users/ann/contacts/apply", `{"usernames":["bob"]}`)
	if got := bob.unreads(); got != "" {
		t.Errorf("unread after a friend's request = %q, want nothing", got)
	}

	asAnn.want(200, "POST", "/sdk/user/ann/blocks?resource=webim_ann", `{"usernames":["bob"]}`)
	ann.wantEvent("blocked", 6, "bob", "")
	if got := fmt.Sprint(r.ask("GET", "/users/ann/blocks/users", "").fields["data"]); got != "[bob]" {
		t.Errorf("block list = %s, want [bob]", got)
	}
	if _, status := bob.post("ann", "easemob.com", chatBody(1, "bob", "ann", "x")); status != "1 blocked" {
		t.Errorf("message of the blocked one = %q, want blocked", status)
	}
	asAnn.want(200, "DELETE", "/sdk/user/ann/blocks", `{"usernames":["bob"]}`)
	ann.wantEvent("allowed", 7, "bob", "")
	bob.say("ann", "again")
	ann.wantNotice("bob", "easemob.com")
	ann.fetch("bob", "easemob.com")

	asAnn.want(200, "DELETE", "/users/ann/contacts/users/bob?resource=webim_ann", "")
	bob.wantEvent("removed", 3, "ann", "")
	ann.wantEvent("removed", 3, "bob", "")

	asAnn.refuses(403, "forbidden_op", "POST", "/users/bob/contacts/apply", `{"usernames":["ann"]}`)
	asAnn.refuses(404, "service_resource_not_found", "POST", "/users/ann/contacts/apply", `{"usernames":["ghost"]}`)
	asAnn.refuses(403, "forbidden_op", "POST", "/users/ann/contacts/apply", `{"usernames":["ann"]}`)
	asAnn.refuses(400, "illegal_argument", "POST", "/users/ann/contacts/apply", `{}`)
}

func TestEasemobFriendsByTheServerAPI(t *testing.T) {
	r := newEaseRig(t)
	ann := r.join("ann")
	r.register("bob")
	r.want(200, "POST", "/users/ann/contacts/users/bob", "")
	ann.wantEvent("added", 4, "bob", "")
	bob := r.join("bob")
	if got, want := bob.unreads(), "ann 1"; got != want {
		t.Errorf("unread of a friend who was away = %q, want %q", got, want)
	}
	bob.fetch2(t)
	r.want(200, "POST", "/users/ann/blocks/users", `{"usernames":["bob"]}`)
	ann.wantEvent("blocked", 6, "bob", "")
	r.want(200, "DELETE", "/users/ann/blocks/users/bob", "")
	ann.wantEvent("allowed", 7, "bob", "")
	r.want(200, "DELETE", "/users/ann/contacts/users/bob", "")
	ann.wantEvent("removed", 3, "bob", "")
	bob.wantEvent("removed", 3, "ann", "")
}

// fetch2 acknowledges what waits from ann.
func (p *easePhone) fetch2(t *testing.T) {
	t.Helper()
	page := p.pull("ann", "easemob.com", 0)
	p.pull("ann", "easemob.com", page.next)
}

// roster sends a RosterBody and returns its status.
func (p *easePhone) roster(operation int, to ...string) string {
	p.Helper()
	p.lastID++
	body := pb(1, operation, 5, "hi")
	for _, name := range to {
		body = append(body, pb(4, string(pb(2, name)))...)
	}
	p.msync(0, pb(1, string(pb(1, p.lastID, 5, 3, 6, string(body)))))
	n, s := p.down(0)
	if n[2] != p.lastID || n[3] == 0 {
		p.Errorf("answer is to meta %d with id %d, want to %d and an id", n[2], n[3], p.lastID)
	}
	return p.status(s[1])
}

// Older clients say it over the socket.
func TestEasemobFriendsOverTheSocket(t *testing.T) {
	r := newEaseRig(t)
	ann, bob := r.join("ann"), r.join("bob")
	for _, c := range []struct {
		what, got, want string
	}{
		{"to nobody", ann.roster(2, "ghost"), "1 username ghost doesn't exist!"},
		{"to oneself", ann.roster(2, "ann"), "1 user ann cannot be a contact of itself"},
		{"without anybody", ann.roster(2), "4 want somebody to do it to"},
		{"unheard of", ann.roster(42, "bob"), "9 this sandbox does not take such an operation"},
		{"accept of nothing", ann.roster(4, "bob"), "1 there is no such request"},
		{"decline of nothing", ann.roster(5, "bob"), "1 there is no such request"},
	} {
		if c.got != c.want {
			t.Errorf("roster %s = %q, want %q", c.what, c.got, c.want)
		}
	}
	ok := func(what, status string) {
		t.Helper()
		if status != "0" {
			t.Errorf("%s = %q, want 0", what, status)
		}
	}
	ok("request", ann.roster(2, "bob"))
	bob.wantEvent("request", 2, "ann", "hi")
	ok("decline", bob.roster(5, "ann"))
	ann.wantEvent("declined", 9, "bob", "hi")
	ok("request", ann.roster(2, "bob"))
	bob.wantEvent("request", 2, "ann", "hi")
	// The events of the one who acts come before the answer.
	bob.lastID++
	bob.msync(0, pb(1, string(pb(1, bob.lastID, 5, 3, 6, string(pb(1, 4, 4, string(pb(2, "ann"))))))))
	bob.wantNotice("ann", "easemob.com")
	bob.down(0)
	bob.fetch2(t)
	ann.wantEvent("accepted", 8, "bob", "")

	ann.msync(0, pb(1, string(pb(1, 99, 5, 3, 6, string(pb(1, 0))))))
	n, s := ann.down(0)
	if n[2] != 99 || len(s[4]) != 1 {
		t.Fatalf("GET_ROSTER is answered to %d with %d metas, want to 99 with one", n[2], len(s[4]))
	}
	_, body := ann.unpb(ann.letters(s[4])[0].payload)
	if len(body[4]) != 1 {
		t.Errorf("the roster has %d friends, want 1", len(body[4]))
	}
	ann.msync(0, pb(1, string(pb(1, 98, 5, 3, 6, "\xff"))))
	if _, s := ann.down(0); ann.status(s[1]) != "4 the payload is no roster" {
		t.Errorf("a roster that is none = %q, want 4", ann.status(s[1]))
	}
}

func TestEasemobRequestsOfTheDeletedAreGone(t *testing.T) {
	r := newEaseRig(t)
	r.register("bob")
	ann := r.join("ann")
	if status := ann.roster(2, "bob"); status != "0" {
		t.Fatalf("request = %q, want 0", status)
	}
	r.want(200, "DELETE", "/users/bob", "")
	bob := r.join("bob")
	if got := bob.unreads(); got != "" {
		t.Errorf("unread of a new user by the old name = %q, want none", got)
	}
	if got, want := bob.roster(4, "ann"), "1 there is no such request"; got != want {
		t.Errorf("accept of the old one's request = %q, want %q", got, want)
	}
}
