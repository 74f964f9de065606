package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// easePath is the path of the web socket. The SDK takes any, as a setting.
const easePath = "/ws"

const (
	// easeSilence is how long a client may say nothing. It asks for unread
	// queues after 30 s without a word, and looks every 30 s whether it has to.
	easeSilence = 90 * time.Second
	// easeGreeting is how long a socket may stay without a login. The SDK gives
	// up after 10 s, too.
	easeGreeting = 10 * time.Second
)

// easeLines is the web socket of Easemob's dialect: who is online, and what
// waits for whom.
type easeLines struct {
	s     *Sandbox
	live  map[string][]*easeLine // by user name
	boxes map[*easeUser]*easeBox
	// requests is who has asked whom to be friends: of the one asked, who did.
	requests map[*easeUser]map[*easeUser]bool
	door     easeDoor
	// lastPlace is the highest place in any queue, outliving resets.
	lastPlace int64
}

var _ easeSocket = (*easeLines)(nil)

func newEaseLines(s *Sandbox) *easeLines {
	return &easeLines{s: s, live: map[string][]*easeLine{}, boxes: map[*easeUser]*easeBox{}, requests: map[*easeUser]map[*easeUser]bool{}}
}

// An easeDoor is how many the console lets in.
type easeDoor struct {
	oneDevice  bool // a new one puts the others out, with 206
	maxDevices int  // of one user; more are refused with 214; 0 is no limit
	maxOnline  int  // of the app; more are refused with 50; 0 is no limit
	// bannedForbidden refuses a banned user with 57 instead of 2. Which of the
	// two the cloud says is not documented.
	bannedForbidden bool
}

// An easeLine is one device that is online.
type easeLine struct {
	connection
	user       *easeUser // nil until the login
	token      string
	jid        easeJID
	deviceUUID string
	deviceName string
	addr       string // network address
	joined     int64  // the last place in any queue at the login
	// seen is, for each queue, the place up to which the device has everything.
	seen map[easeQueueKey]int64
}

func (es *easeLines) path() string { return easePath }

// serve keeps one web socket from the handshake to its end.
func (es *easeLines) serve(w http.ResponseWriter, r *http.Request) {
	l := &easeLine{addr: r.RemoteAddr}
	es.s.talk(w, r, &l.connection, easeMaxFrame, func(ctx context.Context, ws *websocket.Conn) (websocket.StatusCode, string) {
		defer es.hangUp(l)
		return es.listen(ctx, ws, l)
	})
}

// listen handles frames until the client leaves, says nothing for too long or
// sends what no client sends.
func (es *easeLines) listen(ctx context.Context, ws *websocket.Conn, l *easeLine) (websocket.StatusCode, string) {
	for {
		patience := easeSilence
		if l.user == nil {
			patience = easeGreeting
		}
		limit, done := context.WithTimeout(ctx, patience)
		kind, data, err := ws.Read(limit)
		done()
		if err != nil {
			return 0, ""
		}
		if kind != websocket.MessageBinary {
			return websocket.StatusUnsupportedData, "want binary frames"
		}
		f, err := parseEaseFrame(data)
		if err != nil {
			return websocket.StatusProtocolError, err.Error()
		}
		if why, reason := es.frame(ctx, l, f); why != 0 {
			return why, reason
		}
	}
}

// frame answers one frame. The status is 0 where the talk goes on.
func (es *easeLines) frame(ctx context.Context, l *easeLine, f easeFrame) (websocket.StatusCode, string) {
	switch {
	case (f.command == easeProvision) != (l.user == nil):
		return websocket.StatusPolicyViolation, "want one login, and that first"
	case f.command == easeProvision:
		in, ok := parseEaseLogin(f.payload)
		if !ok {
			return websocket.StatusProtocolError, errEaseCut.Error()
		}
		es.suffer(l, "provision", easeName(f.guid.name), func() { es.admit(l, f, in) })
	case f.command == easeUnread:
		es.suffer(l, "unread", l.userID, func() { es.unread(l) })
	case f.command == easeSync:
		up, ok := parseEaseUp(f.payload)
		if !ok {
			return websocket.StatusProtocolError, errEaseCut.Error()
		}
		es.sync(ctx, l, up)
	case f.command == easeLogout:
		es.logout(l)
	}
	return 0, ""
}

// admit greets the client or refuses it.
func (es *easeLines) admit(l *easeLine, f easeFrame, in easeLogin) {
	s := es.s
	s.mu.Lock()
	defer s.mu.Unlock()
	l.token = strings.TrimPrefix(easePresented(f.auth, in.authToken), "$t$")
	v := s.easeJudge(f.guid.app, f.guid.name, l.token)
	if f.guid.name == "" {
		v.state = StateNoUser
	}
	if v.state != StateValid {
		l.farewell(easeRefused(in.resource, es.refusal(v.state)))
		return
	}
	u := v.user
	if in.resource == "" {
		in.resource = "webim_" + strconv.FormatInt(s.sockets.lastID+1, 36)
	}
	// The same device again: its old socket is dead, whether it knows or not.
	es.endLines(u.name, func(o *easeLine) bool { return o.jid.resource == in.resource }, easeReplaced, nil)
	if no := es.full(u); no.code != easeOK {
		l.farewell(easeRefused(in.resource, no))
		return
	}
	if es.door.oneDevice {
		es.endLines(u.name, nil, easeReplaced, es.goodbye(u, easeKickReplaced, in.reason))
	}
	l.user, l.userID, l.deviceID = u, u.name, in.resource
	l.deviceUUID, l.deviceName, l.since = in.deviceID, in.deviceName, s.now()
	l.jid = easeJID{s.cfg.EasemobAppKey, u.name, easePeople, in.resource}
	l.seen, l.joined = es.box(u).acked(), es.lastPlace
	s.sockets.lastID++
	l.id = s.sockets.lastID
	es.live[u.name] = append(es.live[u.name], l)
	l.send(easeAdmitted(in.resource, v.expiresAt))
	s.ease.hooks.presence(easeLoggedIn, u, in.resource, l.addr)
}

// easePresented is the token of a login. The SDK tells it twice.
func easePresented(auth, authToken string) string {
	var in struct {
		Token string `json:"token"`
	}
	if json.Unmarshal([]byte(authToken), &in) == nil && in.Token != "" {
		return in.Token
	}
	return auth
}

// refusal is how a login says that a token does not do.
func (es *easeLines) refusal(state State) easeStatus {
	switch state {
	case StateExpired:
		return easeStatus{easeFail, "Sorry, token expired"}
	case StateNoUser:
		return easeStatus{easeFail, "Sorry, user not found"}
	case StateServiceOff:
		return easeStatus{easeForbidden, "Sorry, the app is disabled"}
	case StateBanned:
		if es.door.bannedForbidden {
			return easeStatus{easeForbidden, "Sorry, user not activated"}
		}
		return easeStatus{easeUnauthorized, "Sorry, user not activated"}
	}
	return easeStatus{easeFail, "Sorry, token or password does not match login info"}
}

// full tells whether there is no room for one more device.
func (es *easeLines) full(u *easeUser) easeStatus {
	if n := len(es.live[u.name]); es.door.maxDevices > 0 && n >= es.door.maxDevices && !es.door.oneDevice {
		return easeStatus{easeManyDevices, "Sorry, too many devices"}
	}
	if es.door.maxOnline > 0 && len(es.live) >= es.door.maxOnline && len(es.live[u.name]) == 0 {
		return easeStatus{easeDenied, "Sorry, the app online count limit"}
	}
	return easeStatus{}
}

func (es *easeLines) unread(l *easeLine) {
	es.s.mu.Lock()
	defer es.s.mu.Unlock()
	l.send(easeUnreads(es.box(l.user).backlog(l), es.s.now()))
}

func (es *easeLines) logout(l *easeLine) {
	es.s.mu.Lock()
	defer es.s.mu.Unlock()
	l.farewell(easeLeft())
	es.forget(l)
}

// hangUp forgets a line, also one that was never among the live ones.
func (es *easeLines) hangUp(l *easeLine) {
	es.s.mu.Lock()
	defer es.s.mu.Unlock()
	l.ended = true
	es.forget(l)
}

func (es *easeLines) forget(l *easeLine) {
	if l.user == nil {
		return
	}
	es.endLines(l.user.name, func(o *easeLine) bool { return o == l }, easeLoggedOut, nil)
}

// goodbye is the frame that tells a device why it is put out. Reason is what
// the device that replaces it said, and may be empty.
func (es *easeLines) goodbye(u *easeUser, why easeKick, reason string) []byte {
	body := appendInt(nil, 1, int64(why))
	if reason != "" {
		body = appendString(body, 10, reason)
	}
	now := es.s.now()
	return easePushed(es.jidOf(u.name), now, easeMeta{
		id: int64(es.s.easeNextID()), from: easeJID{app: es.s.cfg.EasemobAppKey, domain: easePeople}, to: es.jidOf(u.name),
		at: now.UnixMilli(), kind: easeNSStatistic, payload: body,
	})
}

func (es *easeLines) jidOf(name string) easeJID {
	return easeJID{app: es.s.cfg.EasemobAppKey, name: name, domain: easePeople}
}

// endLines is rid of the devices of a user that which picks, nil for all, at
// once and whenever they leave. Without a last frame they are cut off. Reason is
// what the webhook hears. It returns how many there were.
func (es *easeLines) endLines(name string, which func(*easeLine) bool, reason string, last []byte) int {
	var gone, rest []*easeLine
	for _, l := range es.live[name] {
		if which != nil && !which(l) {
			rest = append(rest, l)
			continue
		}
		gone = append(gone, l)
		es.s.ease.hooks.presence(reason, l.user, l.jid.resource, l.addr)
		if last != nil {
			l.farewell(last)
		} else if !l.ended {
			l.ended = true
			l.drop()
		}
	}
	if len(rest) == 0 {
		delete(es.live, name)
	} else {
		es.live[name] = rest
	}
	if len(gone) > 0 {
		if box := es.boxes[gone[0].user]; box != nil {
			box.prune(rest)
		}
	}
	return len(gone)
}

func (es *easeLines) kick(u *easeUser, why easeKick) int {
	n := es.endLines(u.name, nil, easeLoggedOut, es.goodbye(u, why, ""))
	if why == easeKickRemoved {
		// Who comes later by that name is somebody else.
		delete(es.boxes, u)
		delete(es.requests, u)
		for _, asked := range es.requests {
			delete(asked, u)
		}
	}
	return n
}

func (es *easeLines) kickResource(u *easeUser, resource string) bool {
	return es.endLines(u.name, func(l *easeLine) bool { return l.jid.resource == resource }, easeLoggedOut, es.goodbye(u, easeKickByServer, "")) > 0
}

func (es *easeLines) resources(u *easeUser) []easeResource {
	var list []easeResource
	for _, l := range es.live[u.name] {
		list = append(list, easeResource{l.jid.resource, l.deviceUUID, l.deviceName})
	}
	return list
}

func (es *easeLines) connections() []connectionView {
	views := []connectionView{}
	for _, list := range es.live {
		for _, l := range list {
			views = append(views, connectionView{
				ID: l.id, UserID: l.userID, DeviceID: l.deviceID, Since: l.since.UTC(), Fingerprint: fingerprint(l.token),
				TokenState: es.s.easeJudge(es.s.cfg.EasemobAppKey, l.userID, l.token).state,
			})
		}
	}
	slices.SortFunc(views, func(a, b connectionView) int { return cmp.Compare(a.ID, b.ID) })
	return views
}

// end does what /control/connections asks for. The cloud has no word for a token
// that expires while its device is online: the SDK counts for itself. So expire
// breaks the connection, and the SDK, which comes again, is refused with 56.
func (es *easeLines) end(name, action string) int {
	ended := 0
	for id, list := range es.live {
		if name != everybody && name != id {
			continue
		}
		u := list[0].user
		switch action {
		case actDrop:
			ended += es.endLines(id, nil, easeLoggedOut, nil)
		case actKick:
			ended += es.endLines(id, nil, easeReplaced, es.goodbye(u, easeKickReplaced, ""))
		case actExpire:
			for _, l := range list {
				es.s.easeExpire(l.token)
			}
			ended += es.endLines(id, nil, easeLoggedOut, nil)
		}
	}
	return ended
}

// easeExpire makes a token that the cloud issued expire now. One that the app
// signed itself keeps its time.
func (s *Sandbox) easeExpire(value string) {
	if t := s.store.ease.tokens[value]; t != nil {
		t.expiresAt = s.now()
	}
}

func (es *easeLines) reset() {
	for name := range es.live {
		es.endLines(name, nil, easeLoggedOut, nil)
	}
	clear(es.boxes)
	clear(es.requests)
}

// renewed gives a device that is online the token which replaces its own: the
// SDK asks until when the new one lives, over HTTP and without a word here.
// Which device asks cannot be told, so all that have an older one get it.
func (es *easeLines) renewed(u *easeUser, token string) {
	for _, l := range es.live[u.name] {
		l.token = token
	}
}
