package sandbox

import (
	"strconv"
	"time"
)

// statusRoutes show and end what a user has online.
func (e *easemob) statusRoutes() []easeRoute {
	all := limit{100, time.Second}
	return []easeRoute{
		{method: "GET", path: "/users/{u}/status", limit: all, shared: easeUserCalls, do: e.status},
		{method: "POST", path: "/users/batch/status", limit: all, shared: easeUserCalls, maxBody: easeListBody, do: e.batchStatus},
		{method: "GET", path: "/users/{u}/resources", limit: all, shared: easeUserCalls, do: e.devices},
		{method: "GET", path: "/users/{u}/disconnect", limit: all, shared: easeUserCalls, do: e.disconnect},
		{method: "DELETE", path: "/users/{u}/disconnect/{res}", limit: all, shared: easeUserCalls, do: e.disconnectDevice},
		{method: "GET", path: "/users/{u}/offline_msg_count", limit: all, shared: easeUserCalls, do: e.offlineCount},
		{method: "GET", path: "/users/{u}/offline_msg_status/{msgid}", limit: all, shared: easeUserCalls, do: e.offlineState},
	}
}

// easeListBody is the longest body of calls that take long lists of names.
const easeListBody = 64 << 10

func (e *easemob) presence(u *easeUser) string {
	if u != nil && len(e.socket.resources(u)) > 0 {
		return "online"
	}
	return "offline"
}

// shown is an envelope with data and nothing in its entities.
func (q *easeCall) shown(data any) easeReply {
	reply := q.envelope(q.here())
	reply["data"], reply["entities"], reply["count"] = data, []any{}, 0
	return reply
}

func (e *easemob) status(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	return q.shown(map[string]string{u.name: e.presence(u)}), nil
}

// batchStatus takes ids that nobody has: they are offline.
func (e *easemob) batchStatus(q *easeCall) (easeReply, *easeError) {
	names, no := q.names("usernames", easeMaxStatus)
	if no != nil {
		return nil, no
	}
	data := []any{}
	for _, name := range names {
		data = append(data, map[string]string{name: e.presence(e.s.store.ease.users[name])})
	}
	return easeReply{"action": "get batch user status", "data": data}, nil
}

func (e *easemob) devices(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	data := []any{}
	for _, r := range e.socket.resources(u) {
		data = append(data, map[string]string{"res": r.name, "device_uuid": r.deviceUUID, "device_name": r.deviceName})
	}
	return q.shown(data), nil
}

// disconnect throws every device out. Their tokens stay as they are.
func (e *easemob) disconnect(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	return q.shown(map[string]bool{"result": e.socket.kick(u, easeKickByServer) > 0}), nil
}

func (e *easemob) disconnectDevice(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	return q.shown(map[string]bool{"result": e.socket.kickResource(u, q.args["res"])}), nil
}

func (e *easemob) offlineCount(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	return q.shown(map[string]int{u.name: e.socket.waiting(u)}), nil
}

func (e *easemob) offlineState(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	id, err := strconv.ParseUint(q.args["msgid"], 10, 64)
	if err != nil {
		return nil, easeRefusal("illegal_argument", "the message id is no number")
	}
	state := "undelivered"
	if e.socket.delivered(u, id) {
		state = "delivered"
	}
	return q.shown(map[string]string{q.args["msgid"]: state}), nil
}
