package sandbox

import (
	"encoding/binary"
	"errors"
	"time"
)

// Types of frames of RongCloud's web socket. One frame is one binary web socket
// message; there is no length field. Observed with npm @rongcloud/engine 5.38.0.
const (
	rongConnack    = 2
	rongPublish    = 3
	rongPuback     = 4
	rongQuery      = 5
	rongQueryack   = 6
	rongQuerycon   = 7 // the client has a QUERYACK with qos 1
	rongPing       = 12
	rongPong       = 13
	rongDisconnect = 14
)

// rongMaxFrame is the longest frame that the socket takes, in bytes.
const rongMaxFrame = 128 << 10

var (
	errRongCut  = errors.New("the frame is cut short")
	errRongKind = errors.New("a client sends no frames of this type")
)

// A rongFrame is one frame from a client.
type rongFrame struct {
	kind   byte
	qos    byte
	topic  string
	target string
	id     uint16
	body   []byte // a part of what was parsed

	// uid and dropped are of a message that the app server was asked about.
	uid     string
	dropped bool
}

// parseRongFrame reads what clients send. What follows the last field of a
// frame without body is ignored.
func parseRongFrame(b []byte) (rongFrame, error) {
	if len(b) == 0 {
		return rongFrame{}, errRongCut
	}
	f := rongFrame{kind: b[0] >> 4, qos: b[0] >> 1 & 3}
	r := rongReader{b: b[1:]}
	switch f.kind {
	case rongPing, rongDisconnect:
	case rongPuback, rongQuerycon:
		f.id = r.uint16()
	case rongPublish, rongQuery:
		f.topic, f.target, f.id = r.text(), r.text(), r.uint16()
		f.body = r.b
	default:
		return rongFrame{}, errRongKind
	}
	if r.cut {
		return rongFrame{}, errRongCut
	}
	return f, nil
}

// A rongReader takes fields off the front.
type rongReader struct {
	b   []byte
	cut bool
}

func (r *rongReader) take(n int) []byte {
	if r.cut || len(r.b) < n {
		r.cut = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *rongReader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *rongReader) text() string { return string(r.take(int(r.uint16()))) }

func appendRongText(b []byte, text string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	return append(b, text...)
}

// rongConnackOK greets a client. Protocol 4 has a byte of flags: 1 user id,
// 2 session, 4 time, 8 next message id.
func rongConnackOK(version int, userID, session string, now time.Time) []byte {
	b := []byte{rongConnack << 4, 0, 0}
	if version >= 4 {
		b = append(b, 0x0f)
	}
	b = appendRongText(appendRongText(b, userID), session)
	b = binary.BigEndian.AppendUint64(b, uint64(now.UnixMilli()))
	if version >= 4 {
		b = append(b, 0, 0)
	}
	return b
}

// rongConnackNo refuses a client; the SDK makes the code out of the status.
func rongConnackNo(status byte) []byte { return []byte{rongConnack << 4, 0, status} }

func rongFarewell(status byte) []byte { return []byte{rongDisconnect << 4, 0, status} }

// rongSent answers a PUBLISH. At is in milliseconds, and zero with a refusal.
func rongSent(id uint16, status int, at int64, uid string) []byte {
	b := binary.BigEndian.AppendUint16([]byte{rongPuback << 4}, id)
	b = binary.BigEndian.AppendUint32(b, uint32(at/1000))
	b = binary.BigEndian.AppendUint16(b, uint16(status))
	b = binary.BigEndian.AppendUint16(b, uint16(at%1000))
	return appendRongText(b, uid)
}

// rongAnswer answers a QUERY. With confirm the client says that it has it.
func rongAnswer(id uint16, status int, at int64, confirm bool, body []byte) []byte {
	kind := byte(rongQueryack << 4)
	if confirm {
		kind |= 1 << 1
	}
	b := binary.BigEndian.AppendUint16([]byte{kind}, id)
	b = binary.BigEndian.AppendUint32(b, uint32(at/1000))
	b = binary.BigEndian.AppendUint16(b, uint16(status))
	return append(b, body...)
}

// rongPush is a PUBLISH of the server that asks for no answer.
func rongPush(topic, target string, at int64, body []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{rongPublish << 4}, uint32(at/1000))
	b = appendRongText(appendRongText(b, topic), target)
	b = append(b, 0, 0)
	return append(b, body...)
}
