package sandbox

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// frames are what the SDK was seen to send, and what nobody should.
var frames = []struct {
	name, digits string
	want         rongFrame
	err          error
}{
	{"ping", "c0", rongFrame{kind: rongPing}, nil},
	{"logout", "e0 00 04", rongFrame{kind: rongDisconnect}, nil},
	{"receipt", "40 0102", rongFrame{kind: rongPuback, id: 0x102}, nil},
	{"confirmation", "70 0102", rongFrame{kind: rongQuerycon, id: 0x102}, nil},
	{"publish", "32 0006 70704d736750 0002 7532 0007 0803", rongFrame{kind: rongPublish, qos: 1, topic: "ppMsgP", target: "u2", id: 7, body: []byte{8, 3}}, nil},
	{"query without body", "50 0007 70756c6c4d7367 0002 7531 0001", rongFrame{kind: rongQuery, topic: "pullMsg", target: "u1", id: 1, body: []byte{}}, nil},
	{"query for nobody", "50 0001 71 0000 ffff", rongFrame{kind: rongQuery, topic: "q", id: 0xffff, body: []byte{}}, nil},
	{"nothing", "", rongFrame{}, errRongCut},
	{"type 0", "00", rongFrame{}, errRongKind},
	{"CONNECT", "10 00", rongFrame{}, errRongKind},
	{"CONNACK", "20 00 00", rongFrame{}, errRongKind},
	{"QUERYACK", "60 0001", rongFrame{}, errRongKind},
	{"SUBSCRIBE", "82 0001", rongFrame{}, errRongKind},
	{"PONG", "d0", rongFrame{}, errRongKind},
	{"type 15", "ff ff ff", rongFrame{}, errRongKind},
	{"receipt cut", "40 01", rongFrame{}, errRongCut},
	{"publish without fields", "32", rongFrame{}, errRongCut},
	{"topic longer than the frame", "32 ffff 70", rongFrame{}, errRongCut},
	{"target cut", "32 0001 70 0002 75", rongFrame{}, errRongCut},
	{"id cut", "32 0001 70 0001 75 00", rongFrame{}, errRongCut},
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseFrame(t *testing.T) {
	for _, c := range frames {
		got, err := parseRongFrame(unhex(t, c.digits))
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error = %v, want %v", c.name, err, c.err)
			continue
		}
		if got.kind != c.want.kind || got.qos != c.want.qos || got.topic != c.want.topic || got.target != c.want.target ||
			got.id != c.want.id || !bytes.Equal(got.body, c.want.body) {
			t.Errorf("%s = %+v, want %+v", c.name, got, c.want)
		}
	}
}

// FuzzFrame: no frame panics, and what is read of one was in it.
func FuzzFrame(f *testing.F) {
	for _, c := range frames {
		b, _ := hex.DecodeString(strings.ReplaceAll(c.digits, " ", ""))
		f.Add(b)
	}
	f.Add(append([]byte{0x50, 0, 7}, "pullMsg\x00\x00\x00\x01\x08\x01\x10\x00"...))
	f.Add(append([]byte{0x32, 0, 6}, "ppMsgP\x00\x02u2\x00\x01\x08\x03\x12\x09RC:TxtMsg\x1a\x02{}"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(Config{AppKey: testKey, AppSecret: testSecret})
		rc := s.dialects[0].(*rongcloud)
		s.store.users["u1"] = &user{id: "u1"}
		c := &connection{userID: "u1", version: 3, out: make(chan outgoing, maxUnsent), raw: noConn{}}
		s.online(c)
		got, err := parseRongFrame(b)
		if err != nil {
			return
		}
		if len(got.topic)+len(got.target)+len(got.body) > len(b) {
			t.Fatalf("%x gave %+v: more than was in it", b, got)
		}
		rc.frame(c, got)
		if answers := len(c.out); answers > 1 {
			t.Errorf("%x had %d answers, want at most 1", b, answers)
		}
		if got.kind == rongQuery && len(c.out) != 1 {
			t.Errorf("query %x had no answer: the SDK would wait for it", b)
		}
	})
}
