package sandbox

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Types of a MessageBody that the server looks at.
const (
	easeBodyPerson = 1
	easeBodyGroup  = 2
	easeBodyRecall = 6
	easeBodyEdit   = 8
)

// easeKinds are the kinds of content by their number, as webhooks and the server
// API spell them.
var easeKinds = []string{"txt", "img", "video", "loc", "audio", "file", "cmd", "custom", "combine"}

// An easeBody is a MessageBody taken apart as far as the server looks into it.
type easeBody struct {
	class int64
	kind  string
	body  map[string]any
	ext   map[string]any
}

func parseEaseBody(b []byte) (easeBody, bool) {
	f, ok := parseFields(b)
	if !ok || len(b) == 0 {
		return easeBody{}, false
	}
	out := easeBody{class: f.ints[1], body: map[string]any{}}
	if contents := f.lists[4]; len(contents) > 0 {
		c, ok := parseFields([]byte(contents[0]))
		if !ok || c.ints[1] < 0 || int(c.ints[1]) >= len(easeKinds) {
			return easeBody{}, false
		}
		out.kind = easeKinds[c.ints[1]]
		out.body = easeContent(out.kind, c)
	}
	out.ext, ok = parseEaseExt(f.lists[5])
	return out, ok
}

// easeContent is a content as the body of a message in the server API.
func easeContent(kind string, c fields) map[string]any {
	switch kind {
	case "txt", "combine":
		return map[string]any{"msg": c.texts[2]}
	case "cmd":
		return map[string]any{"action": c.texts[10]}
	case "custom":
		exts, _ := parseEaseExt(c.lists[20])
		return map[string]any{"customEvent": c.texts[19], "customExts": exts}
	case "loc":
		return map[string]any{"lat": math.Float64frombits(c.fixed[3]), "lng": math.Float64frombits(c.fixed[4]), "addr": c.texts[5]}
	}
	return map[string]any{"filename": c.texts[6], "url": c.texts[7], "secret": c.texts[8], "file_length": c.ints[9]}
}

// Types of a KeyValue.
const (
	easeBool   = 1
	easeInt    = 2
	easeLong   = 4
	easeFloat  = 5
	easeDouble = 6
	easeString = 7
	easeJSON   = 8
)

func parseEaseExt(list []string) (map[string]any, bool) {
	out := map[string]any{}
	for _, raw := range list {
		f, ok := parseFields([]byte(raw))
		if !ok {
			return nil, false
		}
		switch key := f.texts[1]; f.ints[2] {
		case easeBool:
			out[key] = f.ints[3] != 0
		case easeFloat:
			out[key] = easeFinite(float64(math.Float32frombits(uint32(f.fixed[4]))))
		case easeDouble:
			out[key] = easeFinite(math.Float64frombits(f.fixed[5]))
		case easeString:
			out[key] = f.texts[6]
		case easeJSON:
			var v any
			if json.Unmarshal([]byte(f.texts[6]), &v) != nil {
				v = f.texts[6]
			}
			out[key] = v
		default:
			out[key] = f.ints[3]
		}
	}
	return out, true
}

// easeFinite is a number that JSON can say.
func easeFinite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

// easeEncode is the MessageBody of a message that the server API sent.
func easeEncode(m *easeMessage) []byte {
	class := int64(easeBodyPerson)
	if m.chat == easeGroupChat {
		class = easeBodyGroup
	}
	b := easeAddress(class, m.from, m.to)
	text := func(name string) string {
		v, ok := m.body[name]
		if !ok {
			return ""
		}
		return fmt.Sprint(v)
	}
	c := appendInt(nil, 1, int64(max(slices.Index(easeKinds, m.kind), 0)))
	switch m.kind {
	case "cmd":
		c = appendString(c, 10, text("action"))
	case "custom":
		c = appendString(c, 19, text("customEvent"))
		exts, _ := m.body["customExts"].(map[string]any)
		c = appendEaseExt(c, 20, exts)
	case "loc":
		c = appendEaseDouble(appendEaseDouble(c, 3, m.body["lat"]), 4, m.body["lng"])
		c = appendString(c, 5, text("addr"))
	case "img", "audio", "video", "file":
		c = appendString(appendString(appendString(c, 6, text("filename")), 7, text("url")), 8, text("secret"))
	default:
		c = appendString(c, 2, text("msg"))
	}
	return appendEaseExt(appendMessage(b, 4, c), 5, m.ext)
}

// easeAddress begins a MessageBody.
func easeAddress(class int64, from, to string) []byte {
	b := appendInt(nil, 1, class)
	b = appendMessage(b, 2, easeJID{name: from}.encode())
	return appendMessage(b, 3, easeJID{name: to}.encode())
}

func appendEaseDouble(b []byte, num fieldNumber, v any) []byte {
	f, _ := easeFloat64(v)
	return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), math.Float64bits(f))
}

func easeFloat64(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

func appendEaseExt(b []byte, num fieldNumber, ext map[string]any) []byte {
	for _, key := range slices.Sorted(maps.Keys(ext)) {
		kv := appendString(nil, 1, key)
		switch v := ext[key].(type) {
		case bool:
			kv = appendBool(appendInt(kv, 2, easeBool), 3, v)
		case string:
			kv = appendString(appendInt(kv, 2, easeString), 6, v)
		case json.Number, float64, int64:
			f, _ := easeFloat64(v)
			if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				class := int64(easeInt)
				if math.Abs(f) > math.MaxInt32 {
					class = easeLong
				}
				kv = appendInt(appendInt(kv, 2, class), 3, int64(f))
			} else {
				kv = appendEaseDouble(appendInt(kv, 2, easeDouble), 5, v)
			}
		default:
			text, _ := json.Marshal(v)
			kv = appendString(appendInt(kv, 2, easeJSON), 6, string(text))
		}
		b = appendMessage(b, num, kv)
	}
	return b
}

// easeSigned is a client's MessageBody with the names that are true: the SDK
// shows who is named there, and not the envelope's. Everything else stays byte
// by byte.
func easeSigned(b []byte, class int64, from, to string) []byte {
	return append(easeAddress(class, from, to), easeWithout(b, 1, 2, 3)...)
}

// easeReworded is a MessageBody whose first content says something else, and
// nothing of what it said.
func easeReworded(b []byte, text string) []byte {
	first := true
	var out []byte
	for num, raw := range easeFields(b) {
		if num == 4 && first {
			_, _, tag := protowire.ConsumeTag(raw)
			content, _ := protowire.ConsumeBytes(raw[tag:])
			raw, first = appendMessage(nil, 4, appendString(easeWithout(content, 2), 2, text)), false
		}
		out = append(out, raw...)
	}
	return out
}

// easeWithout is a message without some of its fields.
func easeWithout(b []byte, gone ...fieldNumber) []byte {
	var out []byte
	for num, raw := range easeFields(b) {
		if !slices.Contains(gone, num) {
			out = append(out, raw...)
		}
	}
	return out
}

// easeFields is the fields of a message as they stand in it, tag and all.
func easeFields(b []byte) iter.Seq2[fieldNumber, []byte] {
	return func(yield func(fieldNumber, []byte) bool) {
		for len(b) > 0 {
			num, _, n := protowire.ConsumeField(b)
			if n < 0 || !yield(num, b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}
