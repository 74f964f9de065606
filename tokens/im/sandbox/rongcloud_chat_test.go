package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func (r *rig) publish(from, to, words string, more ...string) string {
	r.Helper()
	a := r.ok("/message/private/publish.json", append([]string{"fromUserId", from, "toUserId", to,
		"objectName", "RC:TxtMsg", "content", `{"content":"` + words + `"}`}, more...)...)
	return a.fields["messageUIDs"].([]any)[0].(map[string]any)["messageUID"].(string)
}

// contents cuts the words out of text messages.
func contents(list []letter) string {
	var words []string
	for _, m := range list {
		words = append(words, strings.TrimSuffix(strings.TrimPrefix(m.content, `{"content":"`), `"}`))
	}
	return strings.Join(words, " ")
}

func TestOfflineMessagesWait(t *testing.T) {
	r := newRig(t)
	one := r.connect(r.mint("u1"))
	token := r.mint("u2")
	one.text("u2", "first")
	second := one.text("u2", "second")

	two := r.connect(token)
	got := two.pull(0, 0)
	if contents(got.list) != "first second" || got.syncTime != second.at {
		t.Fatalf("pulled %+v, want both messages and the time of the last", got)
	}
	// A device that never said it had them gets them again, as does a new one.
	if again := r.connect(token).pull(0, 0); contents(again.list) != "first second" {
		t.Errorf("a second device pulled %q, want both: nobody has confirmed them", contents(again.list))
	}
	if rest := two.pull(got.syncTime, 0); len(rest.list) != 0 || rest.syncTime != got.syncTime || !rest.finished {
		t.Errorf("pulled %+v after the last sync time, want nothing and the same time", rest)
	}
	if fresh := r.connect(token).pull(0, 0); len(fresh.list) != 0 || fresh.syncTime != second.at {
		t.Errorf("a new device pulled %+v, want nothing: another device has them", fresh)
	}
}

func TestConfirmedPullIsNotRepeatedToANewDevice(t *testing.T) {
	r := newRig(t)
	token := r.mint("u2")
	r.mint("u1")
	r.publish("u1", "u2", "hi")
	two := r.connect(token)
	_, _, qos := two.ask("pullMsg", pb(1, 0, 2, 0))
	if qos != 1 {
		t.Fatalf("qos of the answer to pullMsg = %d, want 1: the client is to confirm", qos)
	}
	two.sendHex("70 0001") // the first query's id
	two.sendHex("c0")
	two.want("answer to a ping behind it", "d0")
	if fresh := r.connect(token).pull(0, 0); len(fresh.list) != 0 {
		t.Errorf("a new device pulled %q, want nothing", contents(fresh.list))
	}
}

func TestLongBacklogComesInPages(t *testing.T) {
	r := newRig(t, func(c *Config) { c.NoRateLimits = true })
	token := r.mint("u2")
	const all = 450
	for i := range all {
		r.publish("u1", "u2", fmt.Sprint(i))
	}
	p, since, seen := r.connect(token), int64(0), 0
	for {
		got := p.pull(since, 0)
		for _, m := range got.list {
			if m.at <= since {
				t.Fatalf("sync time %d after %d, want it to grow", m.at, since)
			}
			since = m.at
			seen++
		}
		if got.finished || seen > all {
			break
		}
	}
	if seen != all {
		t.Errorf("%d messages pulled, want %d", seen, all)
	}
}

func TestBlockedSenderHears405(t *testing.T) {
	r := newRig(t)
	one, token := r.connect(r.mint("u1")), r.mint("u2")
	r.ok("/user/blacklist/add.json", "userId", "u2", "blackUserId", "u1")
	if got := one.text("u2", "no"); got.status != 405 || got.uid != "" {
		t.Errorf("PUBACK to the blocked = %+v, want status 405", got)
	}
	two := r.connect(token)
	if got := two.pull(0, 0); len(got.list) != 0 {
		t.Errorf("pulled %q, want nothing from whom one blocks", contents(got.list))
	}
	if got := two.text("u1", "one-way"); got.status != 0 {
		t.Errorf("PUBACK to who blocks = %+v, want 0: the list is one-way", got)
	}
	one.wantNote()
	r.ok("/user/blacklist/remove.json", "userId", "u2", "blackUserId", "u1")
	if got := one.text("u2", "yes"); got.status != 0 {
		t.Errorf("PUBACK after the end of the block = %+v, want 0", got)
	}
}

func TestServerMessagesReachTheSocket(t *testing.T) {
	r := newRig(t)
	one, two := r.connect(r.mint("u1")), r.connect(r.mint("u2"))
	uid := r.publish("u1", "u2", "hello", "isIncludeSender", "1")
	two.wantNote()
	if got := two.pull(0, 0); len(got.list) != 1 || got.list[0].uid != uid || got.list[0].from != "u1" {
		t.Errorf("pulled %+v, want the published message %s", got.list, uid)
	}
	one.wantNote()
	got := one.pull(0, 0)
	if len(got.list) != 1 || got.list[0].direction != 1 || got.list[0].from != "u2" {
		t.Errorf("the sender pulled %+v, want its own message: direction 1, the peer as its sender", got.list)
	}
	r.publish("u1", "u2", "unseen", "isPersisted", "0")
	two.wantNote()
	if got := two.pull(got.syncTime, 0); len(got.list) != 1 || got.list[0].status != 0 {
		t.Errorf("pulled %+v, want a message that is neither stored nor counted", got.list)
	}
	if got := two.history("u1", 0, 20, 0); contents(got.list) != "hello" {
		t.Errorf("history = %q, want no message that was not to be stored", contents(got.list))
	}
	r.publish("u1", "later", "for somebody who has yet to register")
	if got := r.connect(r.mint("later")).pull(0, 0); len(got.list) != 1 {
		t.Errorf("pulled %+v after registering, want what was sent before", got.list)
	}
}

func TestMailboxesOfStrangersAreBounded(t *testing.T) {
	s := New(Config{})
	for i := range maxMailboxes {
		s.mailbox(fmt.Sprint("stranger", i))
	}
	if s.mailbox("one more") != nil {
		t.Errorf("a mailbox beyond %d for an id that never registered, want none", maxMailboxes)
	}
	s.store.users["u1"] = &user{id: "u1"}
	if s.mailbox("u1") == nil {
		t.Error("no mailbox for a registered user, want one")
	}
}

func TestOwnMessagesReachOtherDevices(t *testing.T) {
	r := newRig(t)
	token := r.mint("u1")
	r.mint("u2")
	desk, phone := r.connect(token), r.connect(token)
	sent := desk.text("u2", "from the desk")
	phone.wantNote()
	got := phone.pull(1, 0)
	if len(got.list) != 1 || got.list[0].uid != sent.uid || got.list[0].direction != 1 || got.list[0].from != "u2" || got.list[0].group != "u2" {
		t.Errorf("the other device pulled %+v, want the own message to u2", got.list)
	}
	if got := phone.pull(sent.at, sent.at); len(got.list) != 0 {
		t.Errorf("pulled %+v after its times, want nothing", got.list)
	}
	desk.sendHex("c0")
	desk.want("what the sending device hears", "d0") // no note about its own message
}

// history asks qryPMsg.
func (p *phone) history(peer string, at int64, count, order int) batch {
	p.Helper()
	status, body, _ := p.ask("qryPMsg", pb(1, peer, 2, at, 3, count, 4, order, 6, 1))
	n, s := p.unpb(body)
	_, hasSync := n[2]
	_, hasMore := n[3]
	if status != 0 || !hasSync || !hasMore {
		p.Fatalf("qryPMsg = status %d %v, want 0 and the required fields 2 and 3", status, n)
	}
	return batch{p.letters(s[1]), n[2], n[3] == 0}
}

func TestHistory(t *testing.T) {
	r := newRig(t)
	one, two := r.connect(r.mint("u1")), r.connect(r.mint("u2"))
	first := one.text("u2", "a")
	two.wantNote()
	two.text("u1", "b")
	one.wantNote()
	third := one.text("u2", "c")
	one.text("u3", "elsewhere")
	for _, c := range []struct {
		name         string
		at           int64
		count, order int
		want         string
		finished     bool
	}{
		{"all, newest first", 0, 20, 0, "c b a", true},
		{"the newest two", 0, 2, 0, "c b", false},
		{"before the third", third.at, 20, 0, "b a", true},
		{"from the first on", first.at, 20, 1, "b c", true},
		{"from the start, one", 1, 1, 1, "a", false},
	} {
		got := one.history("u2", c.at, c.count, c.order)
		if contents(got.list) != c.want || got.finished != c.finished {
			t.Errorf("%s = %q, finished %v, want %q, %v", c.name, contents(got.list), got.finished, c.want, c.finished)
		}
	}
	got := one.history("u2", 0, 20, 0).list
	if got[0].direction != 1 || got[0].group != "u2" || got[1].direction != 0 {
		t.Errorf("history = %+v, want direction 1 and the peer for own messages", got)
	}
	if status, _, _ := one.ask("cleanPMsg", pb(1, "u2", 2, first.at)); status != 0 {
		t.Errorf("cleanPMsg = status %d, want 0", status)
	}
	if got := contents(one.history("u2", 0, 20, 0).list); got != "c b" {
		t.Errorf("history after its first message was cleaned = %q, want c b", got)
	}
	two.wantNote()
	if got := contents(two.history("u1", 0, 20, 0).list); got != "c b a" {
		t.Errorf("the other side's history = %q, want all of it", got)
	}
}

// rows asks qryRelationR: "peer unread latest" of each conversation.
func (p *phone) rows(count int, since int64) (list []string, finished bool) {
	p.Helper()
	status, body, _ := p.ask("qryRelationR", pb(2, count, 3, since, 4, 0, 7, 1))
	n, s := p.unpb(body)
	if status != 0 {
		p.Fatalf("qryRelationR = status %d, want 0", status)
	}
	for _, raw := range s[1] {
		n, s := p.unpb([]byte(raw))
		if n[1] != 1 || s[2] == nil || s[3] == nil {
			p.Fatalf("conversation %x lacks type, peer or message", raw)
		}
		list = append(list, fmt.Sprintf("%s %d %s", s[2][0], n[5], contents(p.letters(s[3]))))
	}
	return list, n[2] == 1
}

func TestConversationListAndUnread(t *testing.T) {
	r := newRig(t)
	r.mint("u2")
	r.mint("u3")
	p := r.connect(r.mint("u1"))
	want := func(what string, rows ...string) {
		t.Helper()
		got, finished := p.rows(20, 0)
		if fmt.Sprint(got) != fmt.Sprint(rows) || !finished {
			t.Errorf("conversations %s = %q, want %q", what, got, rows)
		}
	}
	want("at first")
	r.publish("u2", "u1", "a")
	p.wantNote()
	r.publish("u2", "u1", "b")
	at := p.wantNote()
	r.publish("u3", "u1", "c")
	last := p.wantNote()
	p.text("u3", "mine")
	want("with messages", "u3 1 mine", "u2 2 b")
	if got, finished := p.rows(1, 0); len(got) != 1 || finished {
		t.Errorf("one conversation = %q, finished %v, want one of two", got, finished)
	}
	if got, _ := p.rows(20, last); len(got) != 1 || got[0] != "u2 2 b" {
		t.Errorf("conversations before a time = %q, want the older one", got)
	}

	id := p.packet(0x32, "updRRTime", "u1", pb(1, 1, 2, at, 3, "u2", 4, ""))
	if got := p.receipt(id); got.status != 0 {
		t.Errorf("updRRTime = %+v, want status 0", got)
	}
	want("after u2 was read", "u3 1 mine", "u2 0 b")
	// A client whose clock is ahead reads what is there and nothing more.
	p.receipt(p.packet(0x32, "updRRTime", "u1", pb(1, 1, 2, last+1e9, 3, "u3", 4, "")))
	r.publish("u3", "u1", "d")
	p.wantNote()
	want("after a new message", "u3 1 d", "u2 0 b")

	// relation(1) {conversationId(1) "u2", conversationType(2) 1}
	if status, _, _ := p.ask("delRelationBatch", append([]byte{0x0a, 6}, pb(1, "u2", 2, 1)...)); status != 0 {
		t.Errorf("delRelationBatch = status %d, want 0", status)
	}
	want("after one was removed", "u3 1 d")
	r.publish("u2", "u1", "back")
	p.wantNote()
	want("after it came back", "u2 1 back", "u3 1 d")
}

func TestSyncTimesGrow(t *testing.T) {
	r := newRig(t)
	r.mint("u2")
	p := r.connect(r.mint("u1"))
	last := int64(0)
	for range 20 {
		if got := p.text("u2", "x"); got.at <= last {
			t.Fatalf("sync time %d after %d, want it to grow on a clock that stands still", got.at, last)
		} else {
			last = got.at
		}
	}
	r.set("/control/reset", `{"all": true}`)
	p.wantEnd()
	r.mint("u2")
	if got := r.connect(r.mint("u1")).text("u2", "x"); got.at <= last {
		t.Errorf("sync time after a reset = %d, want more than %d: clients remember it", got.at, last)
	}
}
