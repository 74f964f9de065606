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

// Command of scripts for RongCloud's web socket:
//
//	writes SANDBOX TOKEN TO STATUS  a client with this token sends a text to a person, and its
//	                                receipt has this status; 0 is success

func (s *script) writes(_ *testscript.TestScript, neg bool, args []string) error {
	if neg || len(args) != 4 {
		return errors.New("usage: writes SANDBOX TOKEN TO STATUS")
	}
	got, err := sendText(s.t.Context(), args[0], args[1], args[2])
	if err != nil {
		return err
	}
	if want := args[3]; strconv.Itoa(got) != want {
		return fmt.Errorf("status of the receipt = %d, want %s", got, want)
	}
	return nil
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
