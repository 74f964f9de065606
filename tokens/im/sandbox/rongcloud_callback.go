package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// rongPreSendWait is how long RongCloud waits for the app server. It asks once,
	// and delivers when nobody answers.
	rongPreSendWait = 3 * time.Second
	// rongMaxPreSend bounds an answer, in bytes. One may replace the message.
	rongMaxPreSend = 512 << 10
)

// SetPreSend names the address that is asked before delivery, as the console
// would; "" asks nobody. An address of another machine is refused.
func (s *Sandbox) SetPreSend(address string) error {
	if err := s.checkHookURL(address); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.preSendURL = address
	return nil
}

// preSend asks the app server about a message before it is published, and notes
// the answer on the frame. It is called without the lock, so that one client's
// message waits and nothing else does.
func (rc *rongcloud) preSend(ctx context.Context, c *connection, f *rongFrame) {
	if f.kind != rongPublish || !strings.HasPrefix(f.topic, "ppMsg") {
		return
	}
	in, ok := parseFields(f.body)
	if !ok {
		return
	}
	s := rc.s
	s.mu.Lock()
	to, secret := s.app.preSendURL, s.app.secret
	pointless := to == "" || c.ended || c.userID == "" || s.turnsAway(f.target, c.userID) != 0
	s.mu.Unlock()
	if pointless {
		return
	}
	f.uid = rongMessageUID()
	now := strconv.FormatInt(s.cfg.Now().UnixMilli(), 10)
	err := rc.allows(ctx, rongSigned(to, secret, now), url.Values{"appKey": {s.cfg.AppKey}, "fromUserId": {c.userID}, "targetId": {f.target},
		"msgType": {in.texts[2]}, "content": {in.texts[3]}, "channelType": {"PERSON"}, "msgTimeStamp": {now}, "messageId": {f.uid}, "os": {"Websocket"}})
	f.dropped = errors.Is(err, errRongDropped)
	s.cfg.Log.DebugContext(ctx, "sandbox callback", "path", "pre-send", "dropped", f.dropped, "answered", err == nil || f.dropped)
}

// rongSigned adds to an address what proves a callback. The time is of the clock
// that nobody moves: receivers hold it against their own.
func rongSigned(address, secret, timestamp string) string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1e18)) // 18 characters at most
	nonce := n.String()
	sum := sha1.Sum([]byte(secret + nonce + timestamp))
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + url.Values{"nonce": {nonce}, "signTimestamp": {timestamp}, "signature": {hex.EncodeToString(sum[:])}}.Encode()
}

// errRongDropped is the answer that a message is not to be delivered.
var errRongDropped = errors.New("the app server drops the message")

// allows is nil where the app server lets a message through, errRongDropped where
// it does not, and another error where it does not say.
func (rc *rongcloud) allows(ctx context.Context, to string, form url.Values) error {
	ctx, done := context.WithTimeout(ctx, rongPreSendWait)
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")
	res, err := rc.s.hooks.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var said struct {
		Pass *int `json:"pass"`
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the app server answers with http %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, rongMaxPreSend)).Decode(&said); err != nil {
		return err
	}
	if said.Pass != nil && *said.Pass == 0 {
		return errRongDropped
	}
	return nil
}
