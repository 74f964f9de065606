package sandbox

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestEasemobBodyIsReadForWebhooks(t *testing.T) {
	double := func(num protowire.Number, v float64) string {
		return string(protowire.AppendFixed64(protowire.AppendTag(nil, num, protowire.Fixed64Type), math.Float64bits(v)))
	}
	text := string(pb(1, 0, 2, "你好"))
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"text", pb(1, 1, 4, text), "1 txt map[msg:你好] map[]"},
		{"command", pb(1, 2, 4, string(pb(1, 6, 10, "act"))), "2 cmd map[action:act] map[]"},
		{"custom", pb(1, 1, 4, string(pb(1, 7, 19, "ev", 20, string(pb(1, "k", 2, 7, 6, "v"))))), "1 custom map[customEvent:ev customExts:map[k:v]] map[]"},
		{"place", pb(1, 1, 4, string(pb(1, 3, 5, "home"))+double(3, 1.5)+double(4, -2)), "1 loc map[addr:home lat:1.5 lng:-2] map[]"},
		{"picture", pb(1, 1, 4, string(pb(1, 1, 6, "a.png", 7, "http://x", 8, "s", 9, 5))), "1 img map[file_length:5 filename:a.png secret:s url:http://x] map[]"},
		{"ext", pb(4, text, 5, string(pb(1, "b", 2, 1, 3, 1)), 5, string(pb(1, "j", 2, 8, 6, `{"a":1}`)), 5, string(pb(1, "d", 2, 6))+double(5, 0.5), 5, string(pb(1, "n", 2, 4, 3, -7)), 5, string(pb(1, "x", 2, 8, 6, "{"))), "0 txt map[msg:你好] map[b:true d:0.5 j:map[a:1] n:-7 x:{]"},
		{"not a number", pb(5, string(pb(1, "d", 2, 6))+double(5, math.NaN())), "0  map[] map[d:<nil>]"},
	} {
		in, ok := parseEaseBody(c.body)
		if got := fmt.Sprint(in.class, " ", in.kind, " ", in.body, " ", in.ext); !ok || got != c.want {
			t.Errorf("%s = %s, %v, want %s", c.name, got, ok, c.want)
		}
	}
}

// What the server API sends reads as what it was given.
func TestEasemobBodyOfTheServerAPI(t *testing.T) {
	for _, m := range []easeMessage{
		{chat: easeChat, kind: "txt", body: map[string]any{"msg": "x"}, ext: map[string]any{"f": 1.5, "i": int64(3), "l": int64(5e9), "o": map[string]any{"a": "b"}, "t": true}},
		{chat: easeGroupChat, kind: "cmd", body: map[string]any{"action": "a"}},
		{chat: easeChat, kind: "custom", body: map[string]any{"customEvent": "e", "customExts": map[string]any{"k": "v"}}},
		{chat: easeChat, kind: "loc", body: map[string]any{"lat": 1.25, "lng": -3.0, "addr": "home"}},
		{chat: easeChat, kind: "img", body: map[string]any{"filename": "a", "url": "u", "secret": "s", "file_length": int64(0)}},
	} {
		if m.ext == nil {
			m.ext = map[string]any{}
		}
		in, ok := parseEaseBody(easeEncode(&m))
		class := map[string]int64{easeChat: 1, easeGroupChat: 2}[m.chat]
		if got, want := fmt.Sprint(in.class, in.kind, in.body, in.ext), fmt.Sprint(class, m.kind, m.body, m.ext); !ok || got != want {
			t.Errorf("%s = %s, %v, want %s", m.kind, got, ok, want)
		}
	}
}

func TestEasemobTextIsReplaced(t *testing.T) {
	body := chatBody(1, "ann", "bob", "bad")
	body = append(body, pb(4, string(pb(1, 6, 10, "second")), 5, string(pb(1, "k", 2, 7, 6, "v")))...)
	reworded := easeReworded(body, "good")
	if bytes.Contains(reworded, []byte("bad")) {
		t.Errorf("the new body still has the old text: %q", reworded)
	}
	in, ok := parseEaseBody(reworded)
	if !ok || fmt.Sprint(in.body, in.ext, in.class) != "map[msg:good] map[k:v] 1" {
		t.Errorf("body = %v %v %d, want the text replaced and nothing else", in.body, in.ext, in.class)
	}
}
