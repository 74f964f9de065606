package sandbox

import (
	"strconv"
	"strings"
)

// easeMessageEvent is what every webhook about a message has.
func easeMessageEvent(m *easeMessage) map[string]any {
	group := ""
	if m.chat == easeGroupChat {
		group = m.to
	}
	return map[string]any{
		"chat_type": m.chat, "group_id": group, "from": m.from, "to": m.to, "msg_id": strconv.FormatUint(m.id, 10),
	}
}

// posted reports a message that was taken, a client's or the server API's. It
// is called with the lock held, as the other reports.
func (h *easeHooks) posted(m *easeMessage) {
	h.report(hookPostsend, easePosted(m, "chat"))
	if m.chat != easeChat {
		return
	}
	if u := h.s.easeUser(m.to); u != nil && len(h.s.ease.socket.resources(u)) == 0 {
		h.report(hookPostsend, easePosted(m, "chat_offline"))
	}
}

func easePosted(m *easeMessage, event string) map[string]any {
	body := easeMessageEvent(m)
	content := map[string]any{"type": m.kind}
	for k, v := range m.body {
		content[k] = v
	}
	ext := m.ext
	if ext == nil {
		ext = map[string]any{}
	}
	body["eventType"], body["securityVersion"] = event, "1.0.0"
	body["payload"] = map[string]any{"bodies": []any{content}, "ext": ext, "from": m.from, "to": m.to, "type": m.chat}
	return body
}

// Reasons of a change of presence.
const (
	easeLoggedIn  = "login"
	easeLoggedOut = "logout"
	easeReplaced  = "replaced"
)

// presence reports that a device came or went. Addr is the device's.
func (h *easeHooks) presence(reason string, u *easeUser, resource, addr string) {
	status := "offline"
	if reason == easeLoggedIn {
		status = "online"
	}
	os, _, _ := strings.Cut(resource, "_")
	h.report(hookPresence, map[string]any{
		"reason": reason, "status": status, "user": h.s.ease.qualified(u.name) + "@easemob.com/" + resource,
		"os": os, "ip": addr, "host": "sandbox", "appkey": h.s.cfg.EasemobAppKey, "version": "4.21.1",
	})
}

// roster reports a change between two users.
func (e *easemob) roster(operation, from, to string) {
	e.hooks.report(hookRoster, map[string]any{
		"chat_type": "roster", "from": e.qualified(from) + "@easemob.com", "to": to, "group_id": "",
		"msg_id":          strconv.FormatUint(e.s.easeNextID(), 10),
		"payload":         map[string]any{"operation": operation, "roster_ver": "", "status": map[string]any{"description": "", "error_code": "ok"}},
		"securityVersion": "1.0.0", "eventType": "chat",
	})
}
