package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// rongSocket is the path of the web socket.
const rongSocket = "/websocket"

// rongSilence is how long a client may say nothing. It pings every 15 s.
const rongSilence = 60 * time.Second

// Statuses of DISCONNECT.
const (
	rongKicked      = 1 // 31010: another client of the user took over
	rongBlocked     = 2 // 31011
	rongExpired     = 7 // 31020
	rongDeactivated = 9 // 31029
)

// rongConnackStatus is how CONNACK says that a token does not connect.
var rongConnackStatus = map[State]byte{
	StateUnknown:     4,
	StateOtherApp:    4,
	StateBanned:      9,
	StateExpired:     10,
	StateDeactivated: 19,
}

// connect serves one web socket from the handshake to its end.
func (rc *rongcloud) connect(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	version, _ := strconv.Atoi(q.Get("protocolVer"))
	c := &connection{deviceID: q.Get("deviceId"), version: version}
	rc.s.talk(w, r, c, rongMaxFrame, func(ctx context.Context, ws *websocket.Conn) (websocket.StatusCode, string) {
		defer rc.s.offline(c)
		rc.admit(c, q.Get("appId"), q.Get("token"))
		return rc.listen(ctx, ws, c)
	})
}

// admit greets the client or refuses it. The greeting is the first frame: a
// message that arrives at the same moment comes behind it.
func (rc *rongcloud) admit(c *connection, appKey, token string) {
	s := rc.s
	s.mu.Lock()
	defer s.mu.Unlock()
	state, t := s.judge(appKey, token)
	whose := ""
	if t != nil {
		whose = t.userID
	}
	rc.sufferGreeting(c, whose, func() {
		switch {
		case c.version != 3 && c.version != 4:
			c.farewell(rongConnackNo(1)) // unacceptable protocol version
		case state != StateValid:
			c.farewell(rongConnackNo(rongConnackStatus[state]))
		default:
			c.userID, c.token, c.since = t.userID, t, s.now()
			c.tokenKey, _, _ = strings.Cut(token, "@")
			s.online(c)
			c.send(rongConnackOK(c.version, c.userID, "sandbox-"+strconv.FormatInt(c.id, 36), s.cfg.Now()))
		}
	})
}

// listen handles frames until the client leaves, says nothing for too long or
// sends what no client sends. It returns how to close a socket that is still
// there, and 0 for one that is not.
func (rc *rongcloud) listen(ctx context.Context, ws *websocket.Conn, c *connection) (websocket.StatusCode, string) {
	for {
		limit, done := context.WithTimeout(ctx, rongSilence)
		kind, data, err := ws.Read(limit)
		done()
		if err != nil {
			return 0, ""
		}
		if kind != websocket.MessageBinary {
			return websocket.StatusUnsupportedData, "want binary frames"
		}
		f, err := parseRongFrame(data)
		if err != nil {
			return websocket.StatusProtocolError, err.Error()
		}
		if f.kind == rongDisconnect {
			return websocket.StatusNormalClosure, ""
		}
		rc.preSend(ctx, c, &f)
		rc.frame(c, f)
	}
}

// frame answers one frame of a greeted client.
func (rc *rongcloud) frame(c *connection, f rongFrame) {
	s := rc.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ended {
		return
	}
	switch f.kind {
	case rongPing:
		c.send([]byte{rongPong << 4})
	case rongPublish:
		rc.suffer(c, f, rc.published)
	case rongQuery:
		rc.suffer(c, f, rc.query)
	case rongQuerycon:
		rc.confirmed(c, f.id)
	}
}
