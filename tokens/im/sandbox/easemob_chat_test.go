package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestEasemobTextBothWays(t *testing.T) {
	r := newEaseRig(t)
	ann, bob := r.join("ann"), r.join("bob")
	const words = "你好 👋 <b>"
	id := ann.say("bob", words)
	bob.wantNotice("ann", "easemob.com")
	page := bob.pull("ann", "easemob.com", 0)
	if len(page.list) != 1 || page.list[0].id != id || page.next != id || page.list[0].at != start.UnixMilli() {
		t.Fatalf("pulled %+v, want the message %d of %d", page, id, start.UnixMilli())
	}
	if got, want := bob.text(page.list[0].payload), "1 ann bob "+words; got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
	if page := bob.pull("ann", "easemob.com", page.next); len(page.list) != 0 || !page.last {
		t.Errorf("pulled %+v after the acknowledgement, want the end", page)
	}
	back := bob.say("ann", "ok")
	if back <= id {
		t.Errorf("second id = %d, want more than %d", back, id)
	}
	ann.wantNotice("bob", "easemob.com")
	if got := fmt.Sprint(ann.fetch("bob", "easemob.com")); got != "[1 bob ann ok]" {
		t.Errorf("fetched %s, want the answer", got)
	}
}

func (r *easeRig) group(id, owner string, members ...string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	g := &easeGroup{id: id, owner: owner}
	for _, m := range members {
		g.members.add(m)
	}
	r.s.store.ease.groups[id] = g
}

func TestEasemobOfflineMessagesWait(t *testing.T) {
	r := newEaseRig(t)
	r.register("bob")
	ann, cy := r.join("ann"), r.join("cy")
	first := ann.say("bob", "one")
	ann.say("bob", "two")
	cy.say("bob", "three")
	if got := r.ask("GET", "/users/bob/offline_msg_count", "").fields["data"].(map[string]any)["bob"]; got != 3.0 {
		t.Errorf("offline messages = %v, want 3", got)
	}
	bob := r.join("bob")
	if got, want := bob.unreads(), "ann 2, cy 1"; got != want {
		t.Errorf("unread = %q, want %q", got, want)
	}
	// What was fetched and not acknowledged comes again.
	bob.pull("ann", "easemob.com", 0)
	if got, want := fmt.Sprint(bob.fetch("ann", "easemob.com")), "[1 ann bob one 1 ann bob two]"; got != want {
		t.Errorf("fetched %s, want %s", got, want)
	}
	if got, want := bob.unreads(), "cy 1"; got != want {
		t.Errorf("unread after the acknowledgement = %q, want %q", got, want)
	}
	if got := r.ask("GET", fmt.Sprintf("/users/bob/offline_msg_status/%d", first), "").fields["data"].(map[string]any)[fmt.Sprint(first)]; got != "delivered" {
		t.Errorf("state of the first = %v, want delivered", got)
	}
	// Keys of what is yet to come acknowledge nothing of it.
	bob.pull("cy", "easemob.com", 1<<62)
	ann.say("bob", "four")
	cy.say("bob", "five")
	bob.wantNotice("ann", "easemob.com")
	bob.wantNotice("cy", "easemob.com")
	if got, want := bob.unreads(), "ann 1, cy 1"; got != want {
		t.Errorf("unread = %q, want %q", got, want)
	}
	if page := bob.pull("nobody", "easemob.com", 0); !page.last {
		t.Errorf("an unknown queue = %+v, want its end", page)
	}
}

func TestEasemobBatches(t *testing.T) {
	r := newEaseRig(t)
	r.register("bob")
	ann := r.join("ann")
	const all = easeBatchMetas + 5
	want := []string{}
	for i := range all {
		ann.say("bob", fmt.Sprint(i))
		want = append(want, fmt.Sprint("1 ann bob ", i))
	}
	bob := r.join("bob")
	if page := bob.pull("ann", "easemob.com", 0); len(page.list) != easeBatchMetas || page.last {
		t.Errorf("first batch has %d metas, last %v, want %d and more to come", len(page.list), page.last, easeBatchMetas)
	}
	if got := bob.fetch("ann", "easemob.com"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("fetched %v, want all %d in order", got, all)
	}
}

func TestEasemobMailboxIsBounded(t *testing.T) {
	b := &easeBox{queues: map[easeQueueKey]*easeQueue{}}
	for i := range easeMaxQueued + 10 {
		b.add(easeQueueKey{name: fmt.Sprint(i % 3)}, easeQueued{place: int64(i + 1)})
	}
	left := 0
	for _, q := range b.queues {
		left += len(q.metas)
	}
	if left != easeMaxQueued || b.count != left {
		t.Errorf("%d metas are kept, counted as %d, want %d", left, b.count, easeMaxQueued)
	}
}

func TestEasemobGroupFanOut(t *testing.T) {
	r := newEaseRig(t)
	ann, bob, cy := r.join("ann"), r.join("bob"), r.join("cy")
	r.register("off")
	r.group("77", "ann", "bob", "off")
	_, status := ann.post("77", "conference.easemob.com", chatBody(2, "ann", "77", "大家好"))
	if status != "0" {
		t.Fatalf("group message = %q, want 0", status)
	}
	bob.wantNotice("77", "conference.easemob.com")
	page := bob.pull("77", "conference.easemob.com", 0)
	if len(page.list) != 1 || page.list[0].from != "ann" || page.list[0].to != "77" || page.list[0].domain != "conference.easemob.com" {
		t.Errorf("pulled %+v, want one meta from ann to the group", page)
	}
	off := r.join("off")
	if got, want := off.unreads(), "77 1"; got != want {
		t.Errorf("unread of a member who was away = %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(off.fetch("77", "conference.easemob.com")), "[2 ann 77 大家好]"; got != want {
		t.Errorf("a member who was away fetches %s, want %s", got, want)
	}
	if got := ann.unreads() + cy.unreads(); got != "" {
		t.Errorf("unread of the sender and a stranger = %q, want none", got)
	}
	// Directed: one member of two.
	meta := pb(1, 9, 3, easeJIDBytes("77", "conference.easemob.com", ""), 5, 1, 6, string(chatBody(2, "ann", "77", "psst")), 7, 2, 10, "bob")
	ann.msync(0, pb(1, string(meta)))
	ann.down(0)
	bob.wantNotice("77", "conference.easemob.com")
	if got := off.unreads(); got != "" {
		t.Errorf("unread of a member who is not meant = %q, want none", got)
	}
}

func TestEasemobSendIsRefused(t *testing.T) {
	r := newEaseRig(t)
	r.register("bob", "cy")
	ann := r.join("ann")
	r.group("77", "bob")
	r.group("78", "ann")
	r.s.store.ease.groups["78"].disabled = true
	sent := func(to string) string {
		_, status := ann.post(to, "easemob.com", chatBody(1, "ann", to, "x"))
		return status
	}
	toGroup := func(to string) string {
		_, status := ann.post(to, "conference.easemob.com", chatBody(2, "ann", to, "x"))
		return status
	}
	raw := func(body []byte) string {
		_, status := ann.post("bob", "easemob.com", body)
		return status
	}
	for _, c := range []struct{ what, got, want string }{
		{"to nobody", sent("ghost"), "1 username ghost doesn't exist!"},
		{"in capitals", sent("BOB"), "0"},
		{"to no group", toGroup("79"), "1 group not found"},
		{"to a group of others", toGroup("77"), "1 not in group or chatroom"},
		{"to a disabled group", toGroup("78"), "1 group is disabled"},
		{"too large", raw(chatBody(1, "ann", "bob", strings.Repeat("x", easeMaxPayload))), "7 Sorry, data is too large"},
		{"no protobuf", raw([]byte{0x0a, 0x7f}), "4 the payload is no message"},
		{"empty", raw(nil), "4 the payload is no message"},
		{"a content of no kind", raw(pb(1, 1, 4, string(pb(1, 99)))), "4 the payload is no message"},
		{"a recall", raw(pb(1, 6, 6, 1)), "1 message recall disabled"},
		{"an edit", raw(pb(1, 8, 11, 1)), "1 Sorry, edit is not available"},
	} {
		if c.got != c.want {
			t.Errorf("message %s = %q, want %q", c.what, c.got, c.want)
		}
	}
	r.app(`{"friendship_required": true}`)
	if got, want := sent("bob"), "1 nonroster"; got != want {
		t.Errorf("message to a stranger where only friends may = %q, want %q", got, want)
	}
	r.want(200, "POST", "/users/ann/contacts/users/bob", "")
	ann.wantNotice("bob", "easemob.com") // of the friendship
	if got := sent("bob"); got != "0" {
		t.Errorf("message to a friend = %q, want 0", got)
	}
	r.want(200, "POST", "/users/bob/blocks/users", `{"usernames":["ann"]}`)
	if got, want := sent("bob"), "1 blocked"; got != want {
		t.Errorf("message to who blocked the sender = %q, want %q", got, want)
	}
	r.want(200, "DELETE", "/users/bob/blocks/users/ann", "")
	if got := sent("bob"); got != "0" {
		t.Errorf("message after the block = %q, want 0: they stayed friends", got)
	}
	r.want(200, "POST", "/mutes", `{"username":"ann","chat":60}`)
	if got, want := sent("bob"), "7 user is mute"; got != want {
		t.Errorf("message of who is muted = %q, want %q", got, want)
	}
	r.set("/control/clock", `{"advance": "61s"}`)
	if got := sent("bob"); got != "0" {
		t.Errorf("message after the mute = %q, want 0", got)
	}
}

// The SDK shows who the body names.
func TestEasemobSenderCannotBeForged(t *testing.T) {
	r := newEaseRig(t)
	ann, bob := r.join("ann"), r.join("bob")
	body := append(chatBody(1, "boss", "cy", "pay me"), pb(2, string(pb(2, "boss")), 5, string(pb(1, "k", 2, 7, 6, "v")), 12, 1)...)
	if _, status := ann.post("bob", "easemob.com", body); status != "0" {
		t.Fatalf("message = %q, want 0", status)
	}
	bob.wantNotice("ann", "easemob.com")
	m := bob.pull("ann", "easemob.com", 0).list[0]
	if got, want := bob.text(m.payload), "1 ann bob pay me"; got != want {
		t.Errorf("message = %q, want %q", got, want)
	}
	n, s := bob.unpb(m.payload)
	if len(s[2]) != 1 || len(s[3]) != 1 || len(s[5]) != 1 || n[12] != 1 {
		t.Errorf("body has fields %v %v, want one sender, one recipient, and the rest as it was", n, s)
	}
}

func TestEasemobDevicesOfOneUser(t *testing.T) {
	r := newEaseRig(t)
	token := r.mint("ann")
	one, two := r.online("ann", token, "webim_1"), r.online("ann", token, "webim_2")
	bob := r.join("bob")
	one.say("bob", "from one")
	bob.wantNotice("ann", "easemob.com")
	two.wantNotice("bob", "easemob.com") // the other device hears of it
	if got, want := fmt.Sprint(two.fetch("bob", "easemob.com")), "[1 ann bob from one]"; got != want {
		t.Errorf("the other device fetched %s, want %s", got, want)
	}
	if got := one.unreads(); got != "" {
		t.Errorf("unread of the sending device = %q, want none", got)
	}
	bob.say("ann", "to both")
	one.wantNotice("bob", "easemob.com")
	two.wantNotice("bob", "easemob.com")
	const want = "[1 bob ann to both]"
	if got := fmt.Sprint(one.fetch("bob", "easemob.com")); got != want {
		t.Errorf("device one fetched %s, want %s", got, want)
	}
	if got := fmt.Sprint(two.fetch("bob", "easemob.com")); got != want {
		t.Errorf("device two fetched %s, want %s although one acknowledged it", got, want)
	}
	r.s.mu.Lock()
	left := r.s.ease.socket.(*easeLines).box(r.s.easeUser("ann")).count
	r.s.mu.Unlock()
	if left != 0 {
		t.Errorf("%d metas are kept for nobody, want none", left)
	}
	three := r.online("ann", token, "webim_3")
	if got := three.unreads(); got != "" {
		t.Errorf("unread of a later device = %q, want none: the user has everything", got)
	}
}

// A copy of one's own message is for the devices that are online. One of them may
// leave without reading it: a device that comes later is not given it, and nobody
// counts it.
func TestEasemobCopiesAreForWhoIsOnline(t *testing.T) {
	r := newEaseRig(t)
	r.register("bob")
	token := r.mint("ann")
	ann, second := r.online("ann", token, "webim_1"), r.online("ann", token, "webim_2")
	ann.say("bob", "hi")
	second.wantNotice("bob", "easemob.com")
	if got := fmt.Sprint(r.online("ann", token, "webim_3").fetch("bob", "easemob.com")); got != "[]" {
		t.Errorf("a device that came later pulls %s, want nothing", got)
	}
	if got := fmt.Sprint(second.fetch("bob", "easemob.com")); got != "[1 ann bob hi]" {
		t.Errorf("a device that was there pulls %s, want the copy", got)
	}
	ann.say("bob", "again")
	second.wantNotice("bob", "easemob.com")
	r.set("/control/connections", `{"user_id": "ann", "action": "drop"}`)
	r.wantLines("ann", 0)
	if got := fmt.Sprint(r.online("ann", token, "webim_2").unreads()); got != "" {
		t.Errorf("unread after all have left = %q, want none", got)
	}
	if n := r.s.ease.socket.(*easeLines).boxes[r.s.easeUser("ann")].count; n != 0 {
		t.Errorf("ann's mailbox holds %d metas, want 0", n)
	}
}

func TestEasemobReceiptsPass(t *testing.T) {
	r := newEaseRig(t)
	ann, bob := r.join("ann"), r.join("bob")
	id := ann.say("bob", "x")
	bob.wantNotice("ann", "easemob.com")
	if _, status := bob.post("ann", "easemob.com", pb(1, 4, 2, string(pb(2, "bob")), 3, string(pb(2, "ann")), 4, string(pb(1, 0)), 6, id)); status != "0" {
		t.Fatalf("receipt = %q, want 0", status)
	}
	ann.wantNotice("bob", "easemob.com")
	if n, _ := ann.unpb(ann.pull("bob", "easemob.com", 0).list[0].payload); n[1] != 4 || n[6] != id {
		t.Errorf("receipt has type %d and message %d, want 4 and %d", n[1], n[6], id)
	}
}

func TestEasemobMessagesOfTheServerAPI(t *testing.T) {
	r := newEaseRig(t)
	bob := r.join("bob")
	r.register("off")
	sent := r.want(200, "POST", "/messages/users", `{"to":["bob","off","ghost"],"type":"txt","body":{"msg":"通知"},"ext":{"n":1,"s":"x","b":true,"o":{"a":1}}}`)
	bob.wantNotice("admin", "easemob.com")
	m := bob.pull("admin", "easemob.com", 0).list[0]
	if got, want := bob.text(m.payload), "1 admin bob 通知"; got != want {
		t.Errorf("message = %q, want %q", got, want)
	}
	if got := sent.fields["data"].(map[string]any)["bob"]; got != fmt.Sprint(m.id) {
		t.Errorf("message has the id %d, the call said %v", m.id, got)
	}
	_, s := bob.unpb(m.payload)
	kinds := []string{}
	for _, raw := range s[5] {
		n, kv := bob.unpb([]byte(raw))
		kinds = append(kinds, fmt.Sprint(kv[1][0], n[2]))
	}
	if got, want := fmt.Sprint(kinds), "[b1 n2 o8 s7]"; got != want {
		t.Errorf("ext has the types %s, want %s", got, want)
	}
	if got, want := r.join("off").unreads(), "admin 1"; got != want {
		t.Errorf("unread = %q, want %q", got, want)
	}
}

func TestEasemobOnlineOnlyMessagesDoNotWait(t *testing.T) {
	r := newEaseRig(t)
	r.register("off")
	ann, bob := r.join("ann"), r.join("bob")
	for i, to := range []string{"off", "bob"} {
		meta := pb(1, i+1, 3, easeJIDBytes(to, "easemob.com", ""), 5, 1, 6, string(chatBody(1, "ann", to, "now")), 7, 1)
		ann.msync(0, pb(1, string(meta)))
		if _, s := ann.down(0); ann.status(s[1]) != "0" {
			t.Fatalf("message to %s = %q, want 0", to, ann.status(s[1]))
		}
	}
	bob.wantNotice("ann", "easemob.com")
	if got := r.join("off").unreads(); got != "" {
		t.Errorf("unread of who was away = %q, want none", got)
	}
}

// Clients remember the highest id that they have seen.
func TestEasemobIDsRiseOverAReset(t *testing.T) {
	r := newEaseRig(t)
	r.register("bob")
	before := r.join("ann").say("bob", "x")
	r.set("/control/reset", `{"all": true}`)
	r.token = r.appToken()
	r.register("bob")
	ann := r.join("ann")
	if after := ann.say("bob", "y"); after <= before {
		t.Errorf("id after a reset = %d, want more than %d", after, before)
	}
	bob := r.join("bob")
	if got, want := bob.unreads(), "ann 1"; got != want {
		t.Errorf("unread after a reset = %q, want %q", got, want)
	}
}
