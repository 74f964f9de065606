package main

import (
	"context"
	wire "encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"imbridge/tokens/im/sandbox"
)

// Command of scripts for the clouds' web sockets:
//
//	writes SANDBOX FROM TOKEN TO STATUS  a client with this person's token sends a text to a
//	                                     person, which ends with this status: RongCloud's of the
//	                                     receipt, or the code that Easemob's SDK makes of the
//	                                     answer; 0 is success

func (s *script) writes(ts *testscript.TestScript, neg bool, args []string) error {
	if neg || len(args) != 5 {
		return errors.New("usage: writes SANDBOX FROM TOKEN TO STATUS")
	}
	var got int
	var err error
	if ts.Getenv("CLOUD_NAME") == "easemob" {
		got, err = sendEasemob(s.t.Context(), args[0], args[1], args[2], args[3])
	} else {
		got, err = sendText(s.t.Context(), args[0], args[2], args[3])
	}
	if err != nil {
		return err
	}
	if want := args[4]; strconv.Itoa(got) != want {
		return fmt.Errorf("status of the message = %d, want %s", got, want)
	}
	return nil
}

// easeCodes are what the SDK makes of the reasons with which a message is not taken.
var easeCodes = map[string]int{"": 0, "nonroster": 221, "blocked": 603, "not_accepted": 502}

// sendEasemob does for Easemob what sendText does for RongCloud.
func sendEasemob(ctx context.Context, cloud, from, token, to string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, scriptPatience)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, strings.Replace(cloud, "http", "ws", 1)+easemobSocket, nil)
	if err != nil {
		return 0, err
	}
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	defer func() { _ = ws.CloseNow() }()
	number := func(b []byte, field, n uint64) []byte {
		return wire.AppendUvarint(wire.AppendUvarint(b, field<<3), n)
	}
	text := func(b []byte, field uint64, s string) []byte {
		return append(wire.AppendUvarint(wire.AppendUvarint(b, field<<3|2), uint64(len(s))), s...)
	}
	jid := func(name, resource string) string {
		return string(text(text(text(text(nil, 1, sandbox.DefaultEasemobAppKey), 2, name), 3, "easemob.com"), 4, resource))
	}
	// ask sends a frame and reads frames up to the first of its command, which
	// answers it; others are notes. It returns the status in a field of its payload.
	ask := func(frame []byte, command, field uint64) (int, error) {
		if err := ws.Write(ctx, websocket.MessageBinary, frame); err != nil {
			return 0, err
		}
		for {
			_, b, err := ws.Read(ctx)
			if err != nil {
				return 0, err
			}
			n, s := fields(b)
			if n[8] != command {
				continue
			}
			_, payload := fields([]byte(s[9]))
			code, reason := fields([]byte(payload[field]))
			is, known := easeCodes[reason[2]]
			if !known || code[1] == 0 && is != 0 || code[1] != 0 && is == 0 {
				return 0, fmt.Errorf("status %d %q of command %d", code[1], reason[2], command)
			}
			return is, nil
		}
	}
	login := text(text(number(nil, 1, 16), 13, "webim_script"), 18, `{"token":"$t$`+token+`"}`)
	if _, err := ask(text(number(text(text(nil, 2, jid(from, "webim_script")), 3, "$t$"+token), 8, 3), 9, string(login)), 3, 8); err != nil {
		return 0, err
	}
	person := func(name string) string { return string(text(nil, 2, name)) }
	content := string(text(number(nil, 1, 0), 2, "hello"))
	body := text(text(text(number(nil, 1, 1), 2, person(from)), 3, person(to)), 4, content)
	meta := text(number(text(number(nil, 1, 1), 3, jid(to, "")), 5, 1), 6, string(body))
	return ask(text(number(nil, 8, 0), 9, string(text(nil, 1, string(meta)))), 0, 1)
}

// fields are the last number or text of each field of a protobuf message.
func fields(b []byte) (numbers map[uint64]uint64, texts map[uint64]string) {
	numbers, texts = map[uint64]uint64{}, map[uint64]string{}
	for len(b) > 0 {
		key, n := wire.Uvarint(b)
		value, m := wire.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 {
			break
		}
		b = b[n+m:]
		if key&7 == 0 {
			numbers[key>>3] = value
			continue
		}
		end := min(value, uint64(len(b)))
		texts[key>>3], b = string(b[:end]), b[end:]
	}
	return numbers, texts
}

// sendText connects as the SDK does, sends one message and returns the status of
// its receipt.
func sendText(ctx context.Context, cloud, token, to string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, scriptPatience)
	defer cancel()
	before, _, _ := strings.Cut(token, "@")
	q := url.Values{"appId": {sandbox.DefaultAppKey}, "token": {before + "@"}, "protocolVer": {"3"}, "deviceId": {"script"}, "sdkVer": {"5.38.0"}, "apiVer": {"script"}}
	ws, resp, err := websocket.Dial(ctx, strings.Replace(cloud, "http", "ws", 1)+"/websocket?"+q.Encode(), nil)
	if err != nil {
		return 0, err
	}
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	defer func() { _ = ws.CloseNow() }()
	_, hello, err := ws.Read(ctx)
	if err != nil || len(hello) < 3 || hello[0]>>4 != 2 || hello[2] != 0 {
		return 0, fmt.Errorf("greeting %x, %w", hello, err)
	}
	text := func(b []byte, s string) []byte { return append(wire.BigEndian.AppendUint16(b, uint16(len(s))), s...) }
	field := func(b []byte, n byte, s string) []byte { return append(append(b, n<<3|2, byte(len(s))), s...) }
	frame := wire.BigEndian.AppendUint16(text(text([]byte{0x32}, "ppMsgP"), to), 1)
	frame = append(frame, 1<<3, 3)
	frame = field(field(frame, 2, "RC:TxtMsg"), 3, `{"content":"hello"}`)
	if err := ws.Write(ctx, websocket.MessageBinary, frame); err != nil {
		return 0, err
	}
	for {
		_, b, err := ws.Read(ctx)
		if err != nil {
			return 0, err
		}
		if b[0]>>4 == 4 && len(b) >= 9 { // others are notes that there is something to pull
			return int(wire.BigEndian.Uint16(b[7:])), nil
		}
	}
}
