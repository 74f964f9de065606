package sandbox

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/coder/websocket"
)

// An easePhone is a client of Easemob's web socket that speaks in the documented
// bytes, written here anew: nothing of the sandbox's own encoding is in it.
type easePhone struct {
	*phone
	name     string
	resource string
	lastID   int64
}

// easeJIDBytes is a JID as the SDK writes it.
func easeJIDBytes(name, domain, resource string) string {
	return string(pb(1, easeTestKey, 2, name, 3, domain, 4, resource))
}

// dialSocket opens a socket. It says nothing.
func (r *easeRig) dialSocket() *easePhone {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, strings.Replace(r.cloud.URL, "http", "ws", 1)+"/ws", nil)
	if err != nil {
		r.Fatalf("dial: %v", err)
	}
	ws.SetReadLimit(8 << 20)
	r.Cleanup(func() { _ = ws.CloseNow() })
	return &easePhone{phone: &phone{T: r.T, ws: ws}}
}

// msync writes one MSync as the SDK does.
func (p *easePhone) msync(command int, payload []byte) {
	p.Helper()
	p.send(pb(1, 0, 8, command, 9, string(payload), 20, 7))
}

// provision asks to be let in.
func (p *easePhone) provision(appKey, name, token, resource string) {
	p.Helper()
	p.name, p.resource = name, resource
	auth, _ := json.Marshal(map[string]any{"token": "$t$" + token})
	login := pb(1, 16, 2, "4.21.1", 9, "uuid-of-"+resource, 12, "webim", 13, resource, 17, "v5.2", 18, string(auth), 20, "s1")
	guid := pb(1, appKey, 2, name, 3, "easemob.com", 4, resource)
	p.send(pb(1, 0, 2, string(guid), 3, "$t$"+token, 8, 3, 9, string(login), 11, 0, 20, 7))
}

// down reads one MSync and returns its payload, taken apart.
func (p *easePhone) down(command int64) (ints map[int]int64, texts map[int][]string) {
	p.Helper()
	raw := p.read()
	n, s := p.unpb(raw)
	if n[8] != command || len(s[9]) != 1 {
		p.Fatalf("frame %s has command %d and %d payloads, want command %d and one", hex.EncodeToString(raw), n[8], len(s[9]), command)
	}
	return p.unpb([]byte(s[9][0]))
}

// status is a Status: "code reason".
func (p *easePhone) status(list []string) string {
	p.Helper()
	if len(list) != 1 {
		p.Fatalf("%d statuses, want one", len(list))
	}
	n, s := p.unpb([]byte(list[0]))
	return strings.TrimSpace(fmt.Sprint(n[1], " ", strings.Join(s[2], "")))
}

// online logs somebody in who must be let in.
func (r *easeRig) online(name, token, resource string) *easePhone {
	r.Helper()
	p := r.dialSocket()
	p.provision(easeTestKey, name, token, resource)
	_, s := p.down(3)
	if got := p.status(s[8]); got != "0" {
		r.Fatalf("login of %s = %s, want 0", name, got)
	}
	return p
}

// join is online with a token of one's own.
func (r *easeRig) join(name string) *easePhone {
	r.Helper()
	return r.online(name, r.mint(name), "webim_"+name)
}

// wantRefused logs in and wants the status, and that the socket ends.
func (r *easeRig) wantRefused(what, name, token, want string) {
	r.Helper()
	p := r.dialSocket()
	p.provision(easeTestKey, name, token, "webim_x")
	_, s := p.down(3)
	if got := p.status(s[8]); got != want {
		r.Errorf("login %s = %q, want %q", what, got, want)
	}
	p.wantEnd()
}

// chatBody is a MessageBody with a text.
func chatBody(class int, from, to, words string) []byte {
	return pb(1, class, 2, string(pb(2, from)), 3, string(pb(2, to)), 4, string(pb(1, 0, 2, words)))
}

// post sends a meta and returns what became of it: the server's id, and the
// status.
func (p *easePhone) post(to, domain string, body []byte) (id int64, status string) {
	p.Helper()
	p.lastID++
	meta := pb(1, p.lastID, 3, easeJIDBytes(to, domain, ""), 5, 1, 6, string(body), 7, 0)
	p.msync(0, pb(1, string(meta)))
	n, s := p.down(0)
	if n[2] != p.lastID {
		p.Fatalf("answer is to meta %d, want to %d", n[2], p.lastID)
	}
	return n[3], p.status(s[1])
}

// say sends a text to a person, which must be taken.
func (p *easePhone) say(to, words string) int64 {
	p.Helper()
	id, status := p.post(to, "easemob.com", chatBody(1, p.name, to, words))
	if status != "0" || id == 0 {
		p.Fatalf("text to %s = id %d, status %q, want an id and 0", to, id, status)
	}
	return id
}

// wantNotice reads a note that a queue has something.
func (p *easePhone) wantNotice(queue, domain string) {
	p.Helper()
	_, s := p.down(2)
	if len(s[1]) != 1 {
		p.Fatal("notice without a queue")
	}
	_, jid := p.unpb([]byte(s[1][0]))
	if got, want := fmt.Sprint(jid[1], jid[2], jid[3], len(jid[4])), fmt.Sprint([]string{easeTestKey}, []string{queue}, []string{domain}, 0); got != want {
		p.Errorf("queue of the notice = %s, want %s", got, want)
	}
}

// An easeLetter is a meta that came down.
type easeLetter struct {
	id       int64
	from, to string
	domain   string // of to
	at, kind int64
	payload  []byte
}

// text is "class from to text" of a MessageBody.
func (p *easePhone) text(payload []byte) string {
	p.Helper()
	n, s := p.unpb(payload)
	_, from := p.unpb([]byte(s[2][0]))
	_, to := p.unpb([]byte(s[3][0]))
	_, c := p.unpb([]byte(s[4][0]))
	return fmt.Sprint(n[1], " ", strings.Join(from[2], ""), " ", strings.Join(to[2], ""), " ", strings.Join(c[2], ""))
}

func (p *easePhone) letters(list []string) []easeLetter {
	p.Helper()
	var out []easeLetter
	for _, raw := range list {
		n, s := p.unpb([]byte(raw))
		_, from := p.unpb([]byte(s[2][0]))
		_, to := p.unpb([]byte(s[3][0]))
		out = append(out, easeLetter{
			id: n[1], from: strings.Join(from[2], ""), to: strings.Join(to[2], ""), domain: strings.Join(to[3], ""),
			at: n[4], kind: n[5], payload: []byte(s[6][0]),
		})
	}
	return out
}

// An easePulled is the answer to a pull.
type easePulled struct {
	list []easeLetter
	next int64
	last bool
}

// pull asks for a queue from a key on; 0 is none.
func (p *easePhone) pull(queue, domain string, key int64) easePulled {
	p.Helper()
	body := pb(3, easeJIDBytes(queue, domain, ""))
	if key != 0 {
		body = pb(2, key, 3, easeJIDBytes(queue, domain, ""))
	}
	p.msync(0, body)
	n, s := p.down(0)
	if got := p.status(s[1]); got != "0" {
		p.Fatalf("pull of %s = status %s, want 0", queue, got)
	}
	_, jid := p.unpb([]byte(s[6][0]))
	if got := strings.Join(jid[2], ""); got != queue {
		p.Fatalf("pull of %s is answered with queue %s", queue, got)
	}
	return easePulled{p.letters(s[4]), n[5], n[7] == 1}
}

// fetch pulls a queue to its end as the SDK does and returns the texts.
func (p *easePhone) fetch(queue, domain string) []string {
	p.Helper()
	texts := []string{}
	for key := int64(0); ; {
		page := p.pull(queue, domain, key)
		if page.last != (len(page.list) == 0) {
			p.Fatalf("batch of %d metas has isLast %v: want it true exactly where there are none", len(page.list), page.last)
		}
		if page.last {
			return texts
		}
		for _, m := range page.list {
			texts = append(texts, p.text(m.payload))
		}
		key = page.next
	}
}

// unreads asks for the queues that are not empty, as "name n".
func (p *easePhone) unreads() string {
	p.Helper()
	p.send(pb(1, 0, 8, 1, 20, 7))
	_, s := p.down(1)
	if got := p.status(s[1]); got != "0" {
		p.Fatalf("unread = status %s, want 0", got)
	}
	out := []string{}
	for _, raw := range s[2] {
		n, q := p.unpb([]byte(raw))
		_, jid := p.unpb([]byte(q[1][0]))
		out = append(out, fmt.Sprint(jid[2][0], " ", n[2]))
	}
	return strings.Join(out, ", ")
}

// wantKick reads the word that puts a device out, and the end of the socket.
func (p *easePhone) wantKick(operation int64) {
	p.Helper()
	_, s := p.down(0)
	list := p.letters(s[4])
	if len(list) != 1 || list[0].kind != 0 || len(s[6]) != 1 {
		p.Fatalf("%v in queue %q, want one meta of statistics and a queue: the SDK fails without", list, s[6])
	}
	if n, _ := p.unpb(list[0].payload); n[1] != operation {
		p.Errorf("operation = %d, want %d", n[1], operation)
	}
	p.wantEnd()
}
