package sandbox

import "google.golang.org/protobuf/encoding/protowire"

// fields is a protobuf message taken apart: of each field number the last value,
// and of strings, bytes and messages all. The messages on the clouds' sockets are
// of protobuf 2, and few and small enough to be written by number.
type fields struct {
	ints  map[protowire.Number]int64
	texts map[protowire.Number]string
	lists map[protowire.Number][]string
	fixed map[protowire.Number]uint64 // floats, as their bits
}

// A fieldNumber names a field of a message.
type fieldNumber = protowire.Number

// parseFields returns false where b is no protobuf message. Groups are skipped.
func parseFields(b []byte) (fields, bool) {
	f := fields{ints: map[protowire.Number]int64{}, texts: map[protowire.Number]string{}, lists: map[protowire.Number][]string{}, fixed: map[protowire.Number]uint64{}}
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
		case protowire.Fixed64Type:
			f.fixed[num], n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			v, m := protowire.ConsumeFixed32(b)
			f.fixed[num], n = uint64(v), m
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

func appendInt(b []byte, num protowire.Number, v int64) []byte {
	b = protowire.AppendTag(b, num, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(v))
}

func appendBool(b []byte, num protowire.Number, v bool) []byte {
	return appendInt(b, num, int64(protowire.EncodeBool(v)))
}

func appendString(b []byte, num protowire.Number, v string) []byte {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendString(b, v)
}

func appendMessage(b []byte, num protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}
