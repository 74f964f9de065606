package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	easeMaxTo       = 600 // people in one call
	easeMaxToGroups = 3
	easeMaxMessage  = 5 << 10 // bytes of body and ext
	easeMessageBody = 256 << 10
)

// easeMessageKinds are the types of messages that the server API sends.
var easeMessageKinds = []string{"txt", "img", "audio", "video", "file", "loc", "cmd", "custom"}

// easePerMinute is how many recipients an app has in a minute.
var easePerMinute = limit{6000, time.Minute}

// easeSent names this limit among the rates.
const easeSent = "/messages/*"

func (e *easemob) messageRoutes() []easeRoute {
	return []easeRoute{
		{method: "POST", path: "/messages/users", limit: limit{100, time.Second}, maxBody: easeMessageBody, do: e.messageUsers},
		{method: "POST", path: "/messages/chatgroups", limit: limit{20, time.Second}, maxBody: easeMessageBody, do: e.messageGroups},
		{method: "POST", path: "/messages/msg_recall", limit: limit{100, time.Second}, do: e.recall},
	}
}

// readMessage checks all of a message but whom it is for.
func (q *easeCall) readMessage(chat string) (easeMessage, *easeError) {
	m := easeMessage{chat: chat, from: "admin"}
	if from, ok := q.text("from"); ok {
		if m.from = easeName(from); from == "" {
			return m, easeRefusal("illegal_argument", "from can't be empty")
		}
	}
	m.kind, _ = q.text("type")
	if !slices.Contains(easeMessageKinds, m.kind) {
		return m, easeRefusal("illegal_argument", "type is not one of a message")
	}
	var ok bool
	if m.body, ok = q.body["body"].(map[string]any); !ok {
		return m, easeRefusal("illegal_argument", "body must be provided")
	}
	if _, ok := m.body["msg"].(string); m.kind == "txt" && !ok {
		return m, easeRefusal("illegal_argument", "msg must be provided")
	}
	if ext, there := q.body["ext"]; there && ext != nil {
		if m.ext, ok = ext.(map[string]any); !ok {
			return m, easeRefusal("illegal_argument", "ext must be an object")
		}
	}
	m.body, m.ext = easePlain(m.body), easePlain(m.ext)
	size := 0
	for _, part := range []map[string]any{m.body, m.ext} {
		if raw, err := json.Marshal(part); err == nil && part != nil {
			size += len(raw)
		}
	}
	if size > easeMaxMessage {
		no := easeRefusal("message_send_error", "message is too large")
		no.code = 14007
		return m, no
	}
	route, _ := q.text("routetype")
	m.onlineOnly = route == "ROUTE_ONLINE"
	m.toSelf, _ = q.flag("sync_device")
	return m, nil
}

// easePlain is an object with numbers as encoding/json otherwise reads them.
func easePlain(in map[string]any) map[string]any {
	if in == nil {
		return nil
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return in
	}
	var out map[string]any
	if json.Unmarshal(raw, &out) != nil {
		return in
	}
	return out
}

// receivers reads to. One that is no list is a list of one.
func (q *easeCall) receivers(most int) ([]string, *easeError) {
	if one, ok := q.text("to"); ok {
		q.body["to"] = []any{one}
	}
	if list, ok := q.body["to"].([]any); ok && len(list) > most {
		return nil, easeRefusal("illegal_argument", "param to exceed limit")
	}
	return q.names("to", most)
}

// send counts, delivers and reports a message to each, and returns the ids.
func (q *easeCall) send(m easeMessage, to []string) (easeReply, *easeError) {
	if !q.s.admit(easeSent, easePerMinute, len(to), q.now) {
		return nil, easeRefusal("exceed_limit", "message send reach limit")
	}
	ids := map[string]string{}
	for _, name := range to {
		one := m
		one.to, one.id, one.at = name, q.s.easeNextID(), q.now
		ids[name] = strconv.FormatUint(one.id, 10)
		q.s.store.ease.messages++
		q.e.socket.deliver(&one)
		q.e.hooks.posted(&one)
	}
	reply := q.envelope(q.here())
	reply["entities"], reply["data"] = []any{}, ids
	return reply, nil
}

// messageUsers does not ask who exists, who blocked whom and who is silenced.
// Where only friends may write to each other, it does ask for that, of senders
// who are users.
func (e *easemob) messageUsers(q *easeCall) (easeReply, *easeError) {
	to, no := q.receivers(easeMaxTo)
	if no != nil {
		return nil, no
	}
	m, no := q.readMessage(easeChat)
	if no != nil {
		return nil, no
	}
	if e.s.app.ease.friendship && e.s.easeUser(m.from) != nil {
		for _, name := range to {
			if name != m.from && !e.s.easeFriends(m.from, name) {
				return nil, easeRefusal("forbidden_op", "user "+name+" is not a friend of user "+m.from)
			}
		}
	}
	return q.send(m, to)
}

func (e *easemob) messageGroups(q *easeCall) (easeReply, *easeError) {
	to, no := q.receivers(easeMaxToGroups)
	if no != nil {
		return nil, no
	}
	m, no := q.readMessage(easeGroupChat)
	if no != nil {
		return nil, no
	}
	for _, id := range to {
		if e.s.store.ease.groups[id] == nil {
			return nil, easeNoGroup(id)
		}
	}
	return q.send(m, to)
}

// recall is a service that this app does not have.
func (e *easemob) recall(*easeCall) (easeReply, *easeError) {
	return nil, easeRefusal("forbidden_op", "message recall service is unopened").with(http.StatusForbidden)
}
