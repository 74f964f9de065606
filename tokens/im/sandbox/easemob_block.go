package sandbox

import "time"

const easeMaxBlocks = 500 // of one user

func (e *easemob) blockRoutes() []easeRoute {
	each := limit{50, time.Second}
	return []easeRoute{
		{method: "POST", path: "/users/{u}/blocks/users", limit: each, auth: easeOwnerToo, maxBody: easeListBody, do: e.addBlocks},
		{method: "GET", path: "/users/{u}/blocks/users", limit: each, auth: easeOwnerToo, do: e.listBlocks},
		{method: "DELETE", path: "/users/{u}/blocks/users/{f}", limit: each, auth: easeOwnerToo, do: e.removeBlock},
	}
}

// blocking refuses where the console has the block list switched off.
func (e *easemob) blocking() *easeError {
	if !e.s.app.ease.blocks {
		return easeRefusal("forbidden_op", "the block list service is unopened")
	}
	return nil
}

// addBlocks blocks all the users or none. Friends that are blocked stay friends.
func (e *easemob) addBlocks(q *easeCall) (easeReply, *easeError) {
	if no := e.blocking(); no != nil {
		return nil, no
	}
	owner, no := q.user("u")
	if no != nil {
		return nil, no
	}
	names, no := q.names("usernames", easeMaxBlocks)
	if no != nil {
		return nil, no
	}
	fresh := 0
	for _, name := range names {
		switch {
		case name == owner.name:
			return nil, easeRefusal("illegal_argument", "user "+name+" cannot block itself")
		case e.s.store.ease.users[name] == nil:
			return nil, easeNotFound()
		case !owner.blocks.has(name):
			fresh++
		}
	}
	if len(owner.blocks.entries)+fresh > easeMaxBlocks {
		return nil, easeRefusal("exceed_limit", "user block number exceed limit")
	}
	for _, name := range names {
		if !owner.blocks.has(name) {
			owner.blocks.add(name)
			e.changed("ban", owner, e.s.easeUser(name))
		}
	}
	reply := q.envelope("")
	delete(reply, "path") // and the address is the app's, not the list's
	reply["entities"], reply["data"] = []any{}, names
	return reply, nil
}

// listBlocks: without parameters, everybody; with one, a page.
func (e *easemob) listBlocks(q *easeCall) (easeReply, *easeError) {
	if no := e.blocking(); no != nil {
		return nil, no
	}
	owner, no := q.user("u")
	if no != nil {
		return nil, no
	}
	var names []string
	cursor := ""
	if q.query.Get("pageSize") == "" && q.query.Get("cursor") == "" {
		names = owner.blocks.ids()
	} else if names, cursor, no = q.listPage(&owner.blocks, "pageSize", easeMaxRows); no != nil {
		return nil, no
	}
	reply := easeReply{"action": "get", "uri": q.uri(q.here()), "entities": []any{}, "data": names, "count": len(names)}
	if cursor != "" {
		reply["cursor"] = cursor
	}
	return reply, nil
}

// removeBlock takes users that are not blocked.
func (e *easemob) removeBlock(q *easeCall) (easeReply, *easeError) {
	if no := e.blocking(); no != nil {
		return nil, no
	}
	owner, blocked, no := q.pair("f")
	if no != nil {
		return nil, no
	}
	if owner.blocks.has(blocked.name) {
		owner.blocks.remove(blocked.name)
		e.changed("allow", owner, blocked)
	}
	return q.related(owner, blocked, "blocks"), nil
}
