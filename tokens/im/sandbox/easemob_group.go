package sandbox

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	easeMaxGroupName   = 128 // characters
	easeMaxDescription = 512 // characters
	easeMaxCustom      = 8 << 10
	easeGroupUsers     = 200 // members without a word about it
	easeMaxGroupUsers  = 8000
	easeGroupBody      = 64 << 10
	easeMaxMembers     = 60 // added or removed in one call
	easeMaxJoined      = 1000
)

func (e *easemob) groupRoutes() []easeRoute {
	each := limit{100, time.Second}
	slow := limit{50, time.Second}
	return []easeRoute{
		{method: "POST", path: "/chatgroups", limit: each, maxBody: easeGroupBody, do: e.createGroup},
		{method: "GET", path: "/chatgroups", limit: each, do: e.listGroups},
		{method: "GET", path: "/chatgroups/{g}", limit: each, do: e.getGroups},
		{method: "PUT", path: "/chatgroups/{g}", limit: each, maxBody: easeGroupBody, do: e.updateGroup},
		{method: "DELETE", path: "/chatgroups/{g}", limit: each, do: e.dismissGroup},
		{method: "GET", path: "/users/{u}/joined_chatgroups", limit: slow, auth: easeOwnerToo, do: e.joinedGroups},
		{method: "GET", path: "/chatgroups/user/{u}", limit: slow, auth: easeOwnerToo, do: e.joinedGroups},
		{method: "POST", path: "/chatgroups/{g}/user/{u}/is_joined", limit: each, do: e.isJoined},
	}
}

func easeNoGroup(id string) *easeError {
	return easeRefusal("resource_not_found", "grpID "+id+" does not exist!")
}

func (q *easeCall) group() (*easeGroup, *easeError) {
	if g := q.s.store.ease.groups[q.args["g"]]; g != nil {
		return g, nil
	}
	return nil, easeNoGroup(q.args["g"])
}

// easeNoUser is how calls about groups miss a user, unlike all others.
func easeNoUser(name string) *easeError {
	return easeRefusal("resource_not_found", "username "+name+" doesn't exist!")
}

// flag reads an optional boolean, which may be spelled as a string.
func (q *easeCall) flag(name string) (value, ok bool) {
	switch v := q.body[name].(type) {
	case bool:
		return v, true
	case string:
		b, err := strconv.ParseBool(v)
		return b, err == nil
	}
	return false, false
}

// setGroup takes over what the body says about a group, and tells which fields
// there were.
func (q *easeCall) setGroup(g *easeGroup) (map[string]any, *easeError) {
	done := map[string]any{}
	for _, t := range []struct {
		names []string
		to    *string
		most  int
	}{
		{[]string{"groupname", "name"}, &g.name, easeMaxGroupName},
		{[]string{"description", "desc"}, &g.description, easeMaxDescription},
		{[]string{"avatar"}, &g.avatar, easeMaxCustom},
		{[]string{"custom"}, &g.custom, easeMaxCustom},
	} {
		for _, name := range t.names {
			text, ok := q.text(name)
			if !ok {
				continue
			}
			if utf8.RuneCountInString(text) > t.most {
				return nil, easeRefusal("invalid_parameter", name+" is longer than "+strconv.Itoa(t.most))
			}
			*t.to, done[name] = text, true
		}
	}
	for name, to := range map[string]*bool{
		"public": &g.public, "membersonly": &g.membersOnly, "members_only": &g.membersOnly,
		"allowinvites": &g.allowInvite, "invite_need_confirm": &g.confirm,
	} {
		if v, ok := q.flag(name); ok {
			*to, done[name] = v, true
		}
	}
	if text, ok := q.text("maxusers"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > easeMaxGroupUsers {
			return nil, easeRefusal("invalid_parameter", "maxusers must be 1 to "+strconv.Itoa(easeMaxGroupUsers))
		}
		if n < len(g.people()) {
			return nil, easeRefusal("exceed_limit", "members size is greater than max user size !")
		}
		g.maxUsers, done["maxusers"] = n, true
	}
	return done, nil
}

func (e *easemob) createGroup(q *easeCall) (easeReply, *easeError) {
	if _, ok := q.flag("public"); !ok {
		return nil, easeRefusal("invalid_parameter", "group must contain public field!")
	}
	name, _ := q.text("owner")
	if name == "" {
		return nil, easeRefusal("invalid_parameter", "owner must be provided")
	}
	owner := e.s.easeUser(name)
	if owner == nil {
		return nil, easeNoUser(name)
	}
	g := &easeGroup{owner: owner.name, maxUsers: easeGroupUsers, created: q.now, modified: q.now}
	if _, ok := q.body["members"]; ok {
		members, no := q.names("members", easeMaxGroupUsers)
		if no != nil {
			return nil, no
		}
		for _, member := range members {
			if e.s.store.ease.users[member] == nil {
				return nil, easeNoUser(member)
			}
			if member != g.owner {
				g.members.add(member)
			}
		}
	}
	if _, no := q.setGroup(g); no != nil {
		return nil, no
	}
	if len(g.people()) > g.maxUsers {
		return nil, easeRefusal("exceed_limit", "members size is greater than max user size !")
	}
	for _, name := range g.people() {
		if len(e.s.easeGroupsOf(name)) >= easeMaxJoined {
			return nil, easeRefusal("exceed_limit", "user "+name+" has joined too many groups!")
		}
	}
	e.s.store.ease.groupCount++
	g.seq = e.s.store.ease.groupCount
	// Unlike any before, also before a reset.
	g.id = strconv.FormatUint(uint64(e.s.cfg.Now().UnixMilli())*1000+g.seq, 10)
	e.s.store.ease.groups[g.id] = g
	reply := q.envelope("/chatgroups")
	reply["entities"], reply["data"] = []any{}, map[string]string{"groupid": g.id}
	return reply, nil
}

// groupView is a group in full.
func (g *easeGroup) view() map[string]any {
	affiliations := []any{}
	for _, name := range g.people()[1:] {
		affiliations = append(affiliations, map[string]string{"member": name})
	}
	affiliations = append(affiliations, map[string]string{"owner": g.owner})
	return map[string]any{
		"id": g.id, "name": g.name, "description": g.description, "avatar": g.avatar, "custom": g.custom,
		"public": g.public, "membersonly": g.membersOnly, "allowinvites": g.allowInvite, "invite_need_confirm": g.confirm,
		"maxusers": g.maxUsers, "owner": g.owner, "created": g.created.UnixMilli(), "mute": false, "disabled": g.disabled,
		"affiliations_count": len(affiliations), "affiliations": affiliations,
	}
}

// getGroups takes ids with commas between them. Unknown ones among several are
// left out.
func (e *easemob) getGroups(q *easeCall) (easeReply, *easeError) {
	data := []any{}
	for _, id := range strings.Split(q.args["g"], ",") {
		if g := e.s.store.ease.groups[id]; g != nil {
			data = append(data, g.view())
		}
	}
	if len(data) == 0 {
		return nil, easeNoGroup(q.args["g"])
	}
	reply := q.shown(data)
	reply["count"] = len(data)
	return reply, nil
}

// updateGroup changes settings, or hands the group over to a member.
func (e *easemob) updateGroup(q *easeCall) (easeReply, *easeError) {
	g, no := q.group()
	if no != nil {
		return nil, no
	}
	if name, ok := q.text("newowner"); ok {
		name = easeName(name)
		switch {
		case name == g.owner:
			return nil, easeRefusal("forbidden_op", "new owner and old owner are the same")
		case e.s.store.ease.users[name] == nil:
			return nil, easeNoUser(name)
		case !g.has(name):
			return nil, easeRefusal("forbidden_op", "user: "+name+" doesn't exist in group: "+g.id)
		}
		g.members.remove(name)
		g.members.add(g.owner)
		g.owner, g.modified = name, q.now
		return q.grouped(map[string]bool{"newowner": true}), nil
	}
	next := *g
	done, no := q.setGroup(&next)
	if no != nil {
		return nil, no
	}
	if len(done) == 0 {
		return nil, easeRefusal("invalid_parameter", "the body has nothing to change")
	}
	next.modified = q.now
	*g = next
	return q.grouped(done), nil
}

// grouped is an envelope with data, of a change.
func (q *easeCall) grouped(data any) easeReply {
	reply := q.envelope(q.here())
	reply["entities"], reply["data"] = []any{}, data
	return reply
}

func (e *easemob) dismissGroup(q *easeCall) (easeReply, *easeError) {
	g, no := q.group()
	if no != nil {
		return nil, no
	}
	delete(e.s.store.ease.groups, g.id)
	return q.grouped(map[string]any{"success": true, "groupid": g.id}), nil
}

func (e *easemob) listGroups(q *easeCall) (easeReply, *easeError) {
	size, no := q.number("limit", 10, 1, 1000)
	if no != nil {
		return nil, no
	}
	from := uint64(0)
	if text := q.query.Get("cursor"); text != "" {
		if from, no = parseEaseCursor(text); no != nil {
			return nil, no
		}
	}
	all := slices.Collect(maps.Values(e.s.store.ease.groups))
	easeSortGroups(all)
	at := int(min(from, uint64(len(all))))
	page := all[at:min(at+size, len(all))]
	data := []any{}
	for _, g := range page {
		data = append(data, map[string]any{
			"owner": e.qualified(g.owner), "groupid": g.id, "affiliations": len(g.people()), "type": "group",
			"last_modified": strconv.FormatInt(g.modified.UnixMilli(), 10), "groupname": g.name,
		})
	}
	reply := q.shown(data)
	reply["count"] = len(data)
	if at+len(page) < len(all) {
		reply["cursor"] = easeCursor(uint64(at + len(page)))
	}
	return reply, nil
}

func (e *easemob) joinedGroups(q *easeCall) (easeReply, *easeError) {
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	page, no := q.number("pagenum", 1, 0, 1e6)
	if no != nil {
		return nil, no
	}
	size, no := q.number("pagesize", 20, 1, 1000)
	if no != nil {
		return nil, no
	}
	data := []any{}
	for _, g := range easePage(e.s.easeGroupsOf(u.name), max(page, 1), size) {
		data = append(data, map[string]any{
			"groupid": g.id, "groupname": g.name, "owner": g.owner, "role": map[bool]string{true: "owner", false: "member"}[g.owner == u.name],
			"public": g.public, "disabled": g.disabled, "maxusers": g.maxUsers,
		})
	}
	reply := q.shown(data)
	reply["count"] = len(data)
	return reply, nil
}

func (e *easemob) isJoined(q *easeCall) (easeReply, *easeError) {
	g, no := q.group()
	if no != nil {
		return nil, no
	}
	return q.grouped(g.has(easeName(q.args["u"]))), nil
}
