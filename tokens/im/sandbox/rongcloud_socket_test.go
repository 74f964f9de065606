package sandbox

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// startHex is the rig's clock as CONNACK has it.
var startHex = fmt.Sprintf("%x", binary.BigEndian.AppendUint64(nil, uint64(start.UnixMilli())))

func TestConnackBytes(t *testing.T) {
	r := newRig(t)
	token := r.mint("u1")
	// The session's name has no documented length: ours is "sandbox-1".
	session := "0009 73616e64626f782d"
	r.dial(token, 3).want("CONNACK of protocol 3", "20 00 00 0002 7531 "+session+"31 "+startHex)
	r.dial(token, 4).want("CONNACK of protocol 4", "20 00 00 0f 0002 7531 "+session+"32 "+startHex+" 0000")

	for _, c := range []struct {
		name, want string
		phone      func() *phone
	}{
		{"wrong", "20 00 04", func() *phone { return r.dial("garbage", 3) }},
		{"wrong, protocol 4", "20 00 04", func() *phone { return r.dial("garbage", 4) }},
		{"empty", "20 00 04", func() *phone { return r.dial("", 3) }},
		{"other app key", "20 00 04", func() *phone { return r.dialApp("other", token, 3) }},
		{"a protocol nobody speaks", "20 00 01", func() *phone { return r.dial(token, 5) }},
		{"void by token/expire", "20 00 0a", func() *phone {
			void := r.mint("u2")
			r.ok("/user/token/expire.json", "userId", "u2", "time", fmt.Sprint(start.UnixMilli()+1))
			return r.dial(void, 3)
		}},
		{"banned", "20 00 09", func() *phone {
			banned := r.mint("u3")
			r.ok("/user/block.json", "userId", "u3", "minute", "1")
			return r.dial(banned, 3)
		}},
		{"deactivated", "20 00 13", func() *phone {
			gone := r.mint("u4")
			r.ok("/user/deactivate.json", "userId", "u4")
			return r.dial(gone, 3)
		}},
		{"rotated secret", "20 00 04", func() *phone {
			old := r.mint("u5")
			r.secret = r.set("/control/app", `{"rotate_secret": true}`)["app_secret"].(string)
			return r.dial(old, 3)
		}},
	} {
		p := c.phone()
		p.want("CONNACK with a token that is "+c.name, c.want)
		p.wantEnd()
	}
}

func TestPingIsAnswered(t *testing.T) {
	r := newRig(t)
	p := r.connect(r.mint("u1"))
	p.sendHex("c0")
	p.want("answer to a ping", "d0")
}

func TestTextBothWays(t *testing.T) {
	r := newRig(t)
	one, two := r.connect(r.mint("u1")), r.connect(r.mint("u2"))
	const words = "你好 👋 <b>"
	sent := one.text("u2", words)
	if sent.status != 0 || sent.uid == "" || sent.at < start.UnixMilli() {
		t.Fatalf("PUBACK = %+v, want status 0, an id and a time", sent)
	}
	if at := two.wantNote(); at != sent.at {
		t.Errorf("time of the note = %d, want that of the message, %d", at, sent.at)
	}
	got := two.pull(0, 0)
	want := letter{from: "u1", group: "u1", class: "RC:TxtMsg", content: `{"content":"` + words + `"}`, uid: sent.uid, kind: 1, at: sent.at, status: 0x30}
	if len(got.list) != 1 || got.list[0] != want || got.syncTime != sent.at || !got.finished {
		t.Errorf("pulled %+v, want %+v and its time", got, want)
	}
	back := two.text("u1", "ok")
	if back.at <= sent.at {
		t.Errorf("second sync time = %d, want more than %d", back.at, sent.at)
	}
	one.wantNote()
	if got := one.pull(sent.at-1, sent.at); len(got.list) != 1 || got.list[0].uid != back.uid {
		t.Errorf("pulled %+v, want the answer alone", got)
	}
}
