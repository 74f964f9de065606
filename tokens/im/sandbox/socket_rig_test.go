package sandbox

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/encoding/protowire"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// A phone is a client of the web socket that speaks in the documented bytes,
// written here anew: nothing of the sandbox's own encoding is in it.
type phone struct {
	*testing.T
	ws     *websocket.Conn
	nextID uint16
}

// dial opens a socket as the SDK does. It reads nothing.
func (r *rig) dial(token string, version int) *phone { return r.dialApp(testKey, token, version) }

func (r *rig) dialApp(appKey, token string, version int) *phone {
	r.Helper()
	before, after, _ := strings.Cut(token, "@")
	if after != "" {
		before += "@" // the SDK cuts off what follows
	}
	q := url.Values{
		"appId": {appKey}, "token": {before}, "sdkVer": {"5.38.0"}, "pid": {""}, "deviceId": {"device"},
		"apiVer": {"browser|Chrome|156.0.0.0"}, "protocolVer": {strconv.Itoa(version)},
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, strings.Replace(r.cloud.URL, "http", "ws", 1)+"/websocket?"+q.Encode(), nil)
	if err != nil {
		r.Fatalf("dial: %v", err)
	}
	ws.SetReadLimit(8 << 20)
	r.Cleanup(func() { _ = ws.CloseNow() })
	return &phone{T: r.T, ws: ws}
}

// connect dials with a good token and has the greeting behind it.
func (r *rig) connect(token string) *phone {
	r.Helper()
	p := r.dial(token, 3)
	if got := p.read(); got[0] != 0x20 || got[2] != 0 {
		r.Fatalf("first frame = %x, want CONNACK with status 0", got)
	}
	return p
}

func (p *phone) read() []byte {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	kind, b, err := p.ws.Read(ctx)
	if err != nil {
		p.Fatalf("read: %v, want a frame", err)
	}
	if kind != websocket.MessageBinary || len(b) == 0 {
		p.Fatalf("message of kind %v, %d bytes, want a binary one", kind, len(b))
	}
	return b
}

// want reads one frame and holds it against hex digits; spaces are for the eye.
func (p *phone) want(what, digits string) {
	p.Helper()
	if got, want := hex.EncodeToString(p.read()), strings.ReplaceAll(digits, " ", ""); got != want {
		p.Errorf("%s = %s, want %s", what, got, want)
	}
}

// wantEnd reads until the socket ends, and returns how; unread frames are an error.
func (p *phone) wantEnd() websocket.StatusCode {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	_, b, err := p.ws.Read(ctx)
	if err == nil {
		p.Fatalf("frame %x, want the end of the socket", b)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		p.Fatal("the socket is still open, want its end")
	}
	return websocket.CloseStatus(err)
}

func (p *phone) send(b []byte) { p.write(websocket.MessageBinary, b) }

func (p *phone) write(kind websocket.MessageType, b []byte) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	if err := p.ws.Write(ctx, kind, b); err != nil {
		p.Fatalf("write: %v", err)
	}
}

func (p *phone) sendHex(digits string) {
	p.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		p.Fatal(err)
	}
	p.send(b)
}

func utf(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

// packet is a PUBLISH (0x32) or QUERY (0x50).
func (p *phone) packet(first byte, topic, target string, body []byte) uint16 {
	p.Helper()
	p.nextID++
	b := append(append([]byte{first}, utf(topic)...), utf(target)...)
	b = binary.BigEndian.AppendUint16(b, p.nextID)
	p.send(append(b, body...))
	return p.nextID
}

// pb writes a protobuf message: number, value, number, value.
func pb(pairs ...any) []byte {
	var b []byte
	for i := 0; i+1 < len(pairs); i += 2 {
		num := protowire.Number(pairs[i].(int))
		switch v := pairs[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
		case int64:
			b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), v)
		}
	}
	return b
}

// unpb reads one: integers by number, and bytes in order.
func (p *phone) unpb(b []byte) (ints map[int]int64, texts map[int][]string) {
	p.Helper()
	ints, texts = map[int]int64{}, map[int][]string{}
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			p.Fatalf("body %x is no protobuf", b)
		}
		b = b[n:]
		if kind == protowire.VarintType {
			v, m := protowire.ConsumeVarint(b)
			ints[int(num)], n = int64(v), m
		} else {
			v, m := protowire.ConsumeBytes(b)
			texts[int(num)], n = append(texts[int(num)], string(v)), m
		}
		if n < 0 {
			p.Fatalf("body %x is no protobuf", b)
		}
		b = b[n:]
	}
	return ints, texts
}

// A receipt is a PUBACK.
type receipt struct {
	status int
	at     int64
	uid    string
}

// text sends a text message and returns what became of it.
func (p *phone) text(to, words string) receipt {
	p.Helper()
	id := p.packet(0x32, "ppMsgP", to, pb(1, 3, 2, "RC:TxtMsg", 3, `{"content":"`+words+`"}`, 9, 0, 10, 17))
	return p.receipt(id)
}

func (p *phone) receipt(id uint16) receipt {
	p.Helper()
	b := p.read()
	if b[0] != 0x40 || len(b) < 13 || binary.BigEndian.Uint16(b[1:]) != id {
		p.Fatalf("frame %x, want the PUBACK of %d", b, id)
	}
	return receipt{
		status: int(binary.BigEndian.Uint16(b[7:])),
		at:     int64(binary.BigEndian.Uint32(b[3:]))*1000 + int64(binary.BigEndian.Uint16(b[9:])),
		uid:    string(b[13:]),
	}
}

// ask sends a QUERY and returns status and body of its answer. Qos tells
// whether the answer wants to be confirmed.
func (p *phone) ask(topic string, body []byte) (status int, answer []byte, qos byte) {
	p.Helper()
	id := p.packet(0x50, topic, "me", body)
	b := p.read()
	if b[0]&0xf0 != 0x60 || len(b) < 9 || binary.BigEndian.Uint16(b[1:]) != id {
		p.Fatalf("frame %x, want the QUERYACK of %d (%s)", b, id, topic)
	}
	if b[0] != 0x60 && b[0] != 0x62 {
		p.Errorf("first byte of a QUERYACK = %x, want 60 or 62", b[0])
	}
	return int(binary.BigEndian.Uint16(b[7:])), b[9:], b[0] >> 1 & 3
}

// A letter is a DownStreamMessage.
type letter struct {
	from, group, class, content, uid string
	kind, at, status, direction      int64
}

func (p *phone) letters(list []string) []letter {
	p.Helper()
	var out []letter
	for _, raw := range list {
		n, s := p.unpb([]byte(raw))
		for _, num := range []int{1, 4, 5} {
			if s[num] == nil {
				p.Fatalf("message %x lacks the required field %d", raw, num)
			}
		}
		for _, num := range []int{2, 6, 7} {
			if _, ok := n[num]; !ok {
				p.Fatalf("message %x lacks the required field %d", raw, num)
			}
		}
		m := letter{from: s[1][0], class: s[4][0], content: s[5][0], kind: n[2], at: n[6], status: n[7], direction: n[10]}
		if s[3] != nil {
			m.group = s[3][0]
		}
		if s[9] != nil {
			m.uid = s[9][0]
		}
		out = append(out, m)
	}
	return out
}

// A batch is the answer to pullMsg.
type batch struct {
	list     []letter
	syncTime int64
	finished bool
}

func (p *phone) pull(inbox, outbox int64) batch {
	p.Helper()
	status, body, _ := p.ask("pullMsg", pb(1, inbox, 2, 0, 4, 1, 6, outbox, 7, 0, 9, 1))
	n, s := p.unpb(body)
	if _, ok := n[2]; status != 0 || !ok {
		p.Fatalf("pullMsg = status %d, %v, want 0 and a syncTime", status, n)
	}
	return batch{p.letters(s[1]), n[2], n[3] == 1}
}

// wantNote reads the note that there is something to pull, and returns its time.
func (p *phone) wantNote() int64 {
	p.Helper()
	b := p.read()
	if b[0] != 0x30 || len(b) < 14 || string(b[5:12]) != "\x00\x05s_ntf" {
		p.Fatalf("frame %x, want a PUBLISH of s_ntf with qos 0", b)
	}
	target := int(binary.BigEndian.Uint16(b[12:]))
	n, _ := p.unpb(b[14+target+2:])
	if n[1] != 1 || n[2] == 0 {
		p.Fatalf("s_ntf = %v, want type 1 and a time", n)
	}
	return n[2]
}
