package sandbox

import (
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	easeMaxRemark = 100 // characters
	easeMaxImport = 10  // friends in one call
	easeMaxRows   = 50  // friends or blocked users in one answer
)

func (e *easemob) contactRoutes() []easeRoute {
	each := limit{100, time.Second}
	return []easeRoute{
		{method: "POST", path: "/users/{u}/contacts/users/{f}", limit: each, auth: easeOwnerToo, do: e.addContact},
		{method: "DELETE", path: "/users/{u}/contacts/users/{f}", limit: each, auth: easeOwnerToo, do: e.removeContact},
		{method: "GET", path: "/users/{u}/contacts/users", limit: each, auth: easeOwnerToo, do: e.listContacts},
		{method: "POST", path: "/users/{u}/contacts/import", limit: each, do: e.importContacts},
		{method: "DELETE", path: "/contacts/users/{u}", limit: each, auth: easeOwnerToo, do: e.removeContacts},
		// These two have "user" where the others have "users".
		{method: "PUT", path: "/user/{u}/contacts/users/{f}", limit: each, auth: easeOwnerToo, do: e.setRemark},
		{method: "GET", path: "/user/{u}/contacts", limit: each, auth: easeOwnerToo, do: e.pageContacts},
	}
}

// pair finds the two users of a path.
func (q *easeCall) pair(other string) (owner, friend *easeUser, no *easeError) {
	if owner, no = q.user("u"); no != nil {
		return nil, nil, no
	}
	if friend, no = q.user(other); no != nil {
		return nil, nil, no
	}
	return owner, friend, nil
}

// related is the answer to a change of a user's relations to another.
func (q *easeCall) related(owner, other *easeUser, list string) easeReply {
	reply := q.envelope("/users/" + owner.uuid + "/" + list)
	entity := other.entity()
	entity["nickname"] = other.nickname // also where it is not set
	reply["entities"] = []any{entity}
	return reply
}

// befriend makes two users friends of each other, without asking either. It
// tells whether they were not before, or which of them has no room.
func (s *Sandbox) befriend(a, b *easeUser) (fresh bool, full *easeUser) {
	for _, pair := range [][2]*easeUser{{a, b}, {b, a}} {
		if !pair[0].contacts.has(pair[1].name) && len(pair[0].contacts.entries) >= s.easeMaxFriends() {
			return false, pair[0]
		}
	}
	fresh = !a.contacts.has(b.name) || !b.contacts.has(a.name)
	a.contacts.add(b.name)
	b.contacts.add(a.name)
	return fresh, nil
}

// unfriend ends a friendship on both sides.
func (s *Sandbox) unfriend(a, b *easeUser) {
	a.contacts.remove(b.name)
	b.contacts.remove(a.name)
	delete(a.remarks, b.name)
	delete(b.remarks, a.name)
}

func (e *easemob) addContact(q *easeCall) (easeReply, *easeError) {
	owner, friend, no := q.pair("f")
	if no != nil {
		return nil, no
	}
	if owner == friend {
		return nil, easeRefusal("illegal_argument", "user "+owner.name+" cannot be a contact of itself")
	}
	fresh, full := e.s.befriend(owner, friend)
	if full != nil {
		return nil, easeRefusal("exceed_limit", "user contact number exceed limit")
	}
	if fresh {
		e.changed("add", owner, friend)
	}
	return q.related(owner, friend, "contacts"), nil
}

// removeContact takes users that are no friends.
func (e *easemob) removeContact(q *easeCall) (easeReply, *easeError) {
	owner, friend, no := q.pair("f")
	if no != nil {
		return nil, no
	}
	if owner.contacts.has(friend.name) || friend.contacts.has(owner.name) {
		e.s.unfriend(owner, friend)
		e.changed("remove", owner, friend)
	}
	return q.related(owner, friend, "contacts"), nil
}

func (e *easemob) removeContacts(q *easeCall) (easeReply, *easeError) {
	owner, no := q.user("u")
	if no != nil {
		return nil, no
	}
	for _, name := range owner.contacts.ids() {
		if friend := e.s.store.ease.users[name]; friend != nil {
			e.s.unfriend(owner, friend)
			e.changed("remove", owner, friend)
		}
	}
	return easeReply{"action": "delete", "status": "ok", "uri": q.uri(q.here())}, nil
}

func (e *easemob) setRemark(q *easeCall) (easeReply, *easeError) {
	owner, friend, no := q.pair("f")
	if no != nil {
		return nil, no
	}
	remark, ok := q.body["remark"].(string)
	switch {
	case !ok:
		return nil, easeRefusal("illegal_argument", "remark must be provided")
	case utf8.RuneCountInString(remark) > easeMaxRemark:
		return nil, easeRefusal("illegal_argument", "remark is longer than "+strconv.Itoa(easeMaxRemark)+" characters")
	case !owner.contacts.has(friend.name):
		return nil, easeNotFound()
	}
	owner.remarks[friend.name] = remark
	if remark == "" {
		delete(owner.remarks, friend.name)
	}
	return easeReply{"action": "put", "status": "ok", "uri": q.uri(q.here())}, nil
}

func (e *easemob) listContacts(q *easeCall) (easeReply, *easeError) {
	owner, no := q.user("u")
	if no != nil {
		return nil, no
	}
	names := owner.contacts.ids()
	return easeReply{"action": "get", "uri": q.uri(q.here()), "entities": []any{}, "data": names, "count": len(names)}, nil
}

// listPage cuts one page out of a list, newest first. The cursor of the answer
// is empty after the last page.
func (q *easeCall) listPage(list *idList, sizeName string, fallback int) (names []string, cursor string, no *easeError) {
	size, no := q.number(sizeName, fallback, 1, easeMaxRows)
	if no != nil {
		return nil, "", no
	}
	before := list.last + 1
	if text := q.query.Get("cursor"); text != "" {
		if before, no = parseEaseCursor(text); no != nil {
			return nil, "", no
		}
	}
	names, next := list.page(before, size)
	if next != 0 {
		cursor = easeCursor(next)
	}
	return names, cursor, nil
}

func (e *easemob) pageContacts(q *easeCall) (easeReply, *easeError) {
	owner, no := q.user("u")
	if no != nil {
		return nil, no
	}
	text := q.query.Get("needReturnRemark")
	remarks, err := strconv.ParseBool(text)
	if err != nil && text != "" {
		return nil, easeRefusal("illegal_argument", "needReturnRemark must be true or false")
	}
	names, cursor, no := q.listPage(&owner.contacts, "limit", 10)
	if no != nil {
		return nil, no
	}
	contacts := []any{}
	for _, name := range names {
		row := map[string]any{"username": name}
		if remarks {
			row["remark"] = nil
			if remark, ok := owner.remarks[name]; ok {
				row["remark"] = remark
			}
		}
		contacts = append(contacts, row)
	}
	reply := easeReply{
		"action": "get", "uri": q.uri("/users/" + owner.name + "/rostersByPage"), "entities": []any{},
		"data": map[string]any{"contacts": contacts}, "count": len(contacts),
	}
	if cursor != "" {
		reply["cursor"] = cursor
	}
	return reply, nil
}

// importContacts makes up to ten friends and says of each what became of it.
func (e *easemob) importContacts(q *easeCall) (easeReply, *easeError) {
	owner, no := q.user("u")
	if no != nil {
		return nil, no
	}
	names, no := q.names("usernames", easeMaxImport)
	if no != nil {
		return nil, no
	}
	// The documentation's spelling.
	buckets := map[string][]string{"success": {}, "NotExistFailed": {}, "maxLimitFailed": {}, "UnKnowFailed": {}}
	for _, name := range names {
		friend, bucket := e.s.store.ease.users[name], "success"
		switch {
		case friend == nil:
			bucket = "NotExistFailed"
		case friend == owner:
			bucket = "UnKnowFailed"
		default:
			fresh, full := e.s.befriend(owner, friend)
			if full != nil {
				bucket = "maxLimitFailed"
			} else if fresh && q.query.Get("isSendNotice") == "true" {
				e.changed("add", owner, friend)
			}
		}
		buckets[bucket] = append(buckets[bucket], name)
	}
	return easeReply{"status": "ok", "action": "post", "data": buckets}, nil
}
