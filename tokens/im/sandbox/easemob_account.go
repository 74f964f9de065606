package sandbox

import (
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	easeMaxStatus = 100 // users in one call
	easeMaxMutes  = 50  // in one answer
)

// accountRoutes change or show one user as a whole.
func (e *easemob) accountRoutes() []easeRoute {
	all := limit{100, time.Second}
	return []easeRoute{
		{method: "PUT", path: "/users/{u}/password", limit: all, shared: easeUserCalls, do: e.setPassword},
		// The page of limits lists POST.
		{method: "POST", path: "/users/{u}/password", limit: all, shared: easeUserCalls, do: e.setPassword},
		{method: "PUT", path: "/users/{u}", limit: all, shared: easeUserCalls, auth: easeOwnerToo, do: e.setNickname},
		{method: "POST", path: "/users/{u}/deactivate", limit: all, shared: easeUserCalls, do: e.deactivate},
		{method: "POST", path: "/users/{u}/activate", limit: all, shared: easeUserCalls, do: e.activate},
		{method: "POST", path: "/mutes", limit: all, shared: easeUserCalls, do: e.mute},
		{method: "GET", path: "/mutes", limit: all, shared: easeUserCalls, do: e.listMutes},
		{method: "GET", path: "/mutes/{u}", limit: all, shared: easeUserCalls, do: e.getMute},
	}
}

func (e *easemob) setPassword(q *easeCall) (easeReply, *easeError) {
	u := e.s.easeUser(q.args["u"])
	if u == nil {
		return nil, easeRefusal("entity_not_found", "User null not found")
	}
	password, ok := q.text("newpassword")
	if !ok || password == "" {
		return nil, easeRefusal("illegal_argument", "newpassword is required")
	}
	if utf8.RuneCountInString(password) > easeMaxPassword {
		return nil, easeRefusal("illegal_argument", "newpassword is longer than "+strconv.Itoa(easeMaxPassword)+" characters")
	}
	e.s.easeSetPassword(u, password, q.now)
	return easeReply{"action": "set user password"}, nil
}

// setNickname sets the name that push notifications show.
func (e *easemob) setNickname(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	nickname, ok := q.text("nickname")
	switch {
	case !ok:
		return nil, easeRefusal("illegal_argument", "nickname is required")
	case utf8.RuneCountInString(nickname) > easeMaxNickname:
		return nil, easeRefusal("illegal_argument", "NICKNAME_TOO_LONG")
	}
	u.nickname, u.modified = nickname, q.now
	reply := q.envelope("/users")
	reply["entities"] = []any{u.entity()}
	return reply, nil
}

// deactivate bans a user, without an end.
func (e *easemob) deactivate(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	u.activated, u.modified = false, q.now
	e.socket.kick(u, easeKickByServer)
	return easeReply{"action": "Deactivate user", "entities": []any{u.entity()}}, nil
}

func (e *easemob) activate(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	u.activated, u.modified = true, q.now
	return easeReply{"action": "activate user"}, nil
}

// easeMuteKinds are what a user can be silenced in.
var easeMuteKinds = []string{"chat", "groupchat", "chatroom"}

// mute silences a user: seconds for each kind of chat, -1 for ever, 0 to end it.
func (e *easemob) mute(q *easeCall) (easeReply, *easeError) {
	name, _ := q.text("username")
	u := e.s.easeUser(name)
	if u == nil {
		return nil, easeNotFound()
	}
	asked := map[string]int{}
	for _, kind := range easeMuteKinds {
		text, ok := q.text(kind)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < -1 {
			return nil, easeRefusal("illegal_argument", kind+" must be seconds, -1 or 0")
		}
		asked[kind] = int(n)
	}
	if len(asked) == 0 {
		return nil, easeRefusal("illegal_argument", "chat, groupchat or chatroom must be provided")
	}
	for kind, n := range asked {
		switch n {
		case 0:
			delete(u.mutes, kind)
		case -1:
			u.mutes[kind] = easeMute{seconds: -1}
		default:
			u.mutes[kind] = easeMute{seconds: n, until: q.now.Add(time.Duration(n) * time.Second)}
		}
	}
	reply := q.envelope("/mutes")
	reply["data"] = map[string]string{"result": "ok"}
	return reply, nil
}

// easeMuted tells whether a user is silenced in a kind of chat.
func (s *Sandbox) easeMuted(u *easeUser, kind string) bool {
	m, ok := u.mutes[kind]
	return ok && (m.until.IsZero() || s.now().Before(m.until))
}

// mutesView is a user's silences, as remaining seconds.
func (e *easemob) mutesView(u *easeUser, now time.Time) (map[string]any, bool) {
	out, any := map[string]any{"userid": e.qualified(u.name)}, false
	for _, kind := range easeMuteKinds {
		left := 0
		if e.s.easeMuted(u, kind) {
			any, left = true, -1
			if until := u.mutes[kind].until; !until.IsZero() {
				left = int(until.Sub(now) / time.Second)
			}
		}
		out[kind] = left
	}
	return out, any
}

// qualified is how some answers spell a user: with the app before the name.
func (e *easemob) qualified(name string) string { return e.s.cfg.EasemobAppKey + "_" + name }

func (e *easemob) getMute(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	reply := q.envelope("/mutes")
	reply["data"], _ = e.mutesView(u, q.now)
	return reply, nil
}

func (e *easemob) listMutes(q *easeCall) (easeReply, *easeError) {
	page, no := q.number("pageNum", 1, 1, 1e6)
	if no != nil {
		return nil, no
	}
	size, no := q.number("pageSize", 10, 1, easeMaxMutes)
	if no != nil {
		return nil, no
	}
	all := []any{}
	for _, u := range e.s.store.ease.order {
		if view, any := e.mutesView(u, q.now); any {
			all = append(all, view)
		}
	}
	reply := q.envelope("/mutes")
	reply["data"] = map[string]any{"data": easePage(all, page, size), "unixtime": q.now.Unix()}
	return reply, nil
}

// easePage cuts one page out of a list. Pages count from 1.
func easePage[T any](list []T, page, size int) []T {
	from := min((page-1)*size, len(list))
	return list[from:min(from+size, len(list))]
}
