package sandbox

import "google.golang.org/protobuf/encoding/protowire"

// rongFields is a protobuf message taken apart: of each field number the last
// value, and of strings and messages all. The bodies on RongCloud's socket are protobuf 2, and few and small
// enough to be written by number.
type rongFields struct {
	ints  map[protowire.Number]int64
	texts map[protowire.Number]string
	lists map[protowire.Number][]string
}

// parseRongFields returns false where b is no protobuf message. Fields of other
// kinds than integers and strings are skipped.
func parseRongFields(b []byte) (rongFields, bool) {
	f := rongFields{ints: map[protowire.Number]int64{}, texts: map[protowire.Number]string{}, lists: map[protowire.Number][]string{}}
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return f, false
		}
		b = b[n:]
		switch kind {
		case protowire.VarintType:
			v, m := protowire.ConsumeVarint(b)
			f.ints[num], n = int64(v), m
		case protowire.BytesType:
			v, m := protowire.ConsumeBytes(b)
			f.texts[num], n = string(v), m
			f.lists[num] = append(f.lists[num], string(v))
		default:
			n = protowire.ConsumeFieldValue(num, kind, b)
		}
		if n < 0 {
			return f, false
		}
		b = b[n:]
	}
	return f, true
}

func appendRongInt(b []byte, num protowire.Number, v int64) []byte {
	b = protowire.AppendTag(b, num, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(v))
}

func appendRongBool(b []byte, num protowire.Number, v bool) []byte {
	return appendRongInt(b, num, int64(protowire.EncodeBool(v)))
}

func appendRongString(b []byte, num protowire.Number, v string) []byte {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendString(b, v)
}

func appendRongMessage(b []byte, num protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

// Bits of a message's status.
const (
	rongStored  = 0x10
	rongCounted = 0x20
)

// rongDown is a DownStreamMessage as owner sees it. Of an own message the SDK
// takes the peer from the field that otherwise names the sender.
func rongDown(m *message, owner string) []byte {
	peer := m.peer(owner)
	b := appendRongString(nil, 1, peer)
	b = appendRongInt(b, 2, int64(m.kind))
	b = appendRongString(b, 3, peer)
	b = appendRongString(b, 4, m.class)
	b = appendRongString(b, 5, m.content)
	b = appendRongInt(b, 6, m.at)
	status := int64(0)
	if m.stored {
		status |= rongStored
	}
	if m.counted {
		status |= rongCounted
	}
	b = appendRongInt(b, 7, status)
	b = appendRongString(b, 9, m.uid)
	direction := int64(0)
	if m.from == owner {
		direction = 1
	}
	b = appendRongInt(b, 10, direction)
	if m.extra != "" {
		b = appendRongString(b, 15, m.extra)
	}
	return b
}
