package sandbox

import (
	"strconv"
	"strings"
	"time"
)

func (e *easemob) memberRoutes() []easeRoute {
	each := limit{100, time.Second}
	return []easeRoute{
		{method: "GET", path: "/chatgroups/{g}/users", limit: each, do: e.listMembers},
		{method: "POST", path: "/chatgroups/{g}/users", limit: each, do: e.addMembers},
		{method: "POST", path: "/chatgroups/{g}/users/{f}", limit: each, do: e.addMember},
		{method: "DELETE", path: "/chatgroups/{g}/users/{f}", limit: each, do: e.removeMembers},
	}
}

// listMembers shows the owner as the last one, in a field of its own.
func (e *easemob) listMembers(q *easeCall) (easeReply, *easeError) {
	g, no := q.group()
	if no != nil {
		return nil, no
	}
	page, no := q.number("pagenum", 1, 0, 1e6)
	if no != nil {
		return nil, no
	}
	size, no := q.number("pagesize", 1000, 1, 1000)
	if no != nil {
		return nil, no
	}
	all := []any{}
	for _, name := range g.people()[1:] {
		all = append(all, map[string]string{"member": name})
	}
	all = append(all, map[string]string{"owner": g.owner})
	data := easePage(all, max(page, 1), size)
	reply := q.shown(data)
	reply["count"], reply["params"] = len(data), map[string][]string(q.query)
	return reply, nil
}

// join puts users into a group, all of them or none.
func (q *easeCall) join(g *easeGroup, names []string) *easeError {
	for _, name := range names {
		switch {
		case q.s.store.ease.users[name] == nil:
			return easeNoUser(name)
		case g.has(name):
			return easeRefusal("forbidden_op", "can not join this group, reason:user: "+name+" already in group: "+g.id+"\n")
		case len(q.s.easeGroupsOf(name)) >= easeMaxJoined:
			return easeRefusal("exceed_limit", "user "+name+" has joined too many groups!")
		}
	}
	if len(g.people())+len(names) > g.maxUsers {
		return easeRefusal("exceed_limit", "members size is greater than max user size !")
	}
	for _, name := range names {
		g.members.add(name)
	}
	g.modified = q.now
	return nil
}

func (e *easemob) addMember(q *easeCall) (easeReply, *easeError) {
	g, no := q.group()
	if no != nil {
		return nil, no
	}
	name := easeName(q.args["f"])
	if no := q.join(g, []string{name}); no != nil {
		return nil, no
	}
	return q.grouped(map[string]any{"result": true, "groupid": g.id, "action": "add_member", "user": name}), nil
}

func (e *easemob) addMembers(q *easeCall) (easeReply, *easeError) {
	g, no := q.group()
	if no != nil {
		return nil, no
	}
	names, no := q.names("usernames", easeMaxMembers)
	if no != nil {
		return nil, no
	}
	if no := q.join(g, names); no != nil {
		return nil, no
	}
	return q.grouped(map[string]any{"newmembers": names, "groupid": g.id, "action": "add_member"}), nil
}

// leave takes one user out of a group.
func (q *easeCall) leave(g *easeGroup, name string) *easeError {
	switch {
	case name == g.owner:
		return easeRefusal("forbidden_op", "forbidden operation on group owner!")
	case !g.has(name):
		return easeRefusal("forbidden_op", "users ["+name+"] are not members of this group!")
	}
	g.members.remove(name)
	g.modified = q.now
	return nil
}

// removeMembers takes one name, or several with commas between them; of
// several, each has a result of its own.
func (e *easemob) removeMembers(q *easeCall) (easeReply, *easeError) {
	g, no := q.group()
	if no != nil {
		return nil, no
	}
	names := strings.Split(easeName(q.args["f"]), ",")
	if len(names) > easeMaxMembers {
		return nil, easeRefusal("invalid_parameter", "kickMember: kickMembers number more than maxSize : "+strconv.Itoa(easeMaxMembers))
	}
	rows := []any{}
	for _, name := range names {
		row := map[string]any{"result": true, "action": "remove_member", "user": name, "groupid": g.id}
		no := q.leave(g, name)
		if no != nil && len(names) == 1 {
			return nil, no
		}
		if no != nil {
			row["result"], row["reason"] = false, no.description
		}
		rows = append(rows, row)
	}
	if len(rows) == 1 {
		return q.grouped(rows[0]), nil
	}
	return q.grouped(rows), nil
}
