package sandbox

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	easeMaxName     = 64  // bytes
	easeMaxPassword = 64  // characters
	easeMaxNickname = 100 // characters
	easeMaxBulk     = 60  // users in one call
	easeMaxPage     = 100 // users in one answer
	easeBulkBody    = 64 << 10
)

// easeUserCalls is the limit that the calls about users share.
const easeUserCalls = "/users/*"

// easeBulkDeletes is a limit of its own beside that one.
const easeBulkDeletes = "DELETE /users"

var easeDeletesPerSecond = limit{30, time.Second}

func (e *easemob) userRoutes() []easeRoute {
	all := limit{100, time.Second}
	return []easeRoute{
		{method: "POST", path: "/users", limit: all, shared: easeUserCalls, auth: easeAnybody, maxBody: easeBulkBody, do: e.register},
		{method: "GET", path: "/users", limit: all, shared: easeUserCalls, do: e.listUsers},
		{method: "DELETE", path: "/users", limit: all, shared: easeUserCalls, do: e.deleteUsers},
		{method: "GET", path: "/users/{u}", limit: all, shared: easeUserCalls, auth: easeOwnerToo, do: e.getUser},
		{method: "DELETE", path: "/users/{u}", limit: all, shared: easeUserCalls, do: e.deleteUser},
	}
}

// checkEaseName judges a name before it is put into lower case.
func checkEaseName(name string) *easeError {
	if len(name) > easeMaxName {
		return easeRefusal("illegal_argument", "USERNAME_TOO_LONG")
	}
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-', r == '.':
		default:
			return easeRefusal("illegal_argument", "username ["+name+"] is not legal")
		}
	}
	if name == "" {
		return easeRefusal("illegal_argument", "username [] is not legal")
	}
	return nil
}

// An easeNewUser is one user of a call that registers.
type easeNewUser struct{ name, password, nickname string }

func (e *easemob) readNewUser(v any, single bool) (easeNewUser, *easeError) {
	body, _ := v.(map[string]any)
	var in easeNewUser
	name, ok := easeText(body, "username")
	if !ok {
		return in, easeRefusal("illegal_argument", "Entity user requires a property named username")
	}
	if no := checkEaseName(name); no != nil {
		return in, no
	}
	in.name = easeName(name)
	password, ok := easeText(body, "password")
	if !ok && !single || ok && password == "" {
		return in, easeRefusal("illegal_argument", "password or pin must provided")
	}
	if utf8.RuneCountInString(password) > easeMaxPassword {
		return in, easeRefusal("illegal_argument", "PASSWORD_TOO_LONG")
	}
	in.password = password
	in.nickname, _ = easeText(body, "nickname")
	if utf8.RuneCountInString(in.nickname) > easeMaxNickname {
		return in, easeRefusal("illegal_argument", "NICKNAME_TOO_LONG")
	}
	return in, nil
}

func (e *easemob) duplicate(name string) *easeError {
	return easeRefusal("duplicate_unique_property_exists",
		"Application "+e.appID+" Entity user requires that property named username be unique, value of "+name+" exists")
}

// register takes one user, as an object or alone in an array, or up to 60.
func (e *easemob) register(q *easeCall) (easeReply, *easeError) {
	list := q.list
	if list == nil {
		list = []any{q.body}
	}
	switch {
	case len(list) == 0:
		return nil, easeRefusal("illegal_argument", "the body has no user")
	case len(list) > easeMaxBulk:
		return nil, easeRefusal("illegal_argument", fmt.Sprintf(
			"Request body array size[%d] had almost reached or been greater than the upper range value[%d]", len(list), easeMaxBulk))
	}
	open := e.s.app.ease.openRegister && q.bearer() == ""
	if !open {
		if q.bearer() == "" {
			return nil, easeRefusal("unauthorized", "Open registration doesn't allow, so register user need token,")
		}
		if no := q.authenticate(easeAppOnly); no != nil {
			return nil, no
		}
	}
	fresh := make([]easeNewUser, len(list))
	seen := map[string]string{}
	for i, v := range list {
		in, no := e.readNewUser(v, len(list) == 1 && !open)
		if no != nil {
			return nil, no
		}
		if earlier, again := seen[in.name]; again && earlier != in.password {
			return nil, easeRefusal("duplicate_unique_property_exists", "the same user "+in.name+" has a different password")
		}
		seen[in.name], fresh[i] = in.password, in
		if e.s.easeUser(in.name) != nil && (len(list) == 1 || e.s.app.ease.strictBulk) {
			return nil, e.duplicate(in.name)
		}
	}
	entities, failed := []any{}, []any{}
	for _, in := range fresh {
		if e.s.easeUser(in.name) != nil {
			failed = append(failed, map[string]any{"username": in.name, "registerUserFailReason": "the " + in.name + " already exists"})
			continue
		}
		if e.s.easeFull() {
			return nil, easeEditionLimit()
		}
		entities = append(entities, e.s.easeAdd(in.name, in.password, in.nickname, q.now).entity())
	}
	reply := q.envelope("/users")
	reply["entities"] = entities
	if len(failed) > 0 {
		reply["data"] = failed
	}
	return reply, nil
}

func (e *easemob) getUser(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	reply := q.envelope("/users")
	reply["entities"], reply["count"] = []any{u.entity()}, 1
	return reply, nil
}

// easeCursor and parseEaseCursor carry where a page ends. Callers must not read
// anything into them.
func easeCursor(seq uint64) string {
	return base64.StdEncoding.EncodeToString([]byte(strconv.FormatUint(seq, 10)))
}

func parseEaseCursor(text string) (uint64, *easeError) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		var n uint64
		if n, err = strconv.ParseUint(string(raw), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, easeRefusal("illegal_argument", "cursor is illegal")
}

// deleteUsers deletes some users, the oldest first: nobody can say which.
func (e *easemob) deleteUsers(q *easeCall) (easeReply, *easeError) {
	n, no := q.number("limit", 10, 1, easeMaxPage)
	if no != nil {
		return nil, no
	}
	if !e.s.admit(easeBulkDeletes, easeDeletesPerSecond, 1, q.now) {
		return nil, easeRefusal("reach_limit", "This request has reached api limit")
	}
	gone := slices.Clone(e.s.store.ease.order[:min(n, len(e.s.store.ease.order))])
	entities := []any{}
	for _, u := range gone {
		entities = append(entities, u.entity())
	}
	e.s.easeRemove(gone...)
	reply := q.envelope("/users")
	reply["entities"], reply["count"], reply["params"] = entities, len(entities), map[string][]string(q.query)
	return reply, nil
}

// listUsers pages through everybody, by registration.
func (e *easemob) listUsers(q *easeCall) (easeReply, *easeError) {
	size, no := q.number("limit", 10, 1, easeMaxPage)
	if no != nil {
		return nil, no
	}
	after := uint64(0)
	if text := q.query.Get("cursor"); text != "" {
		if after, no = parseEaseCursor(text); no != nil {
			return nil, no
		}
	}
	entities, last, more := []any{}, uint64(0), false
	for _, u := range e.s.store.ease.order {
		if u.seq <= after {
			continue
		}
		if more = len(entities) == size; more {
			break
		}
		entities, last = append(entities, u.entity()), u.seq
	}
	reply := q.envelope("/users")
	reply["params"] = map[string][]string(q.query)
	reply["entities"], reply["count"] = entities, len(entities)
	if more {
		reply["cursor"] = easeCursor(last)
	}
	return reply, nil
}

func (e *easemob) deleteUser(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	e.s.easeRemove(u)
	reply := q.envelope("/users")
	reply["entities"] = []any{u.entity()}
	return reply, nil
}
