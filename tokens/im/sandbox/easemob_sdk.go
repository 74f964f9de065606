package sandbox

import "time"

// sdkRoutes are what the web SDK calls about friends and blocks with its user's
// token, beside the server API's own endpoints. They are documented nowhere;
// seen in npm easemob-websdk 4.21.1.
func (e *easemob) sdkRoutes() []easeRoute {
	each := limit{100, time.Second}
	return []easeRoute{
		{method: "POST", path: "/users/{u}/contacts/apply", limit: each, auth: easeOwnerToo, do: e.relation(easeRosterAdd)},
		{method: "POST", path: "/users/{u}/contacts/accept/users/{f}", limit: each, auth: easeOwnerToo, do: e.relation(easeRosterAccept)},
		{method: "POST", path: "/users/{u}/contacts/decline/users/{f}", limit: each, auth: easeOwnerToo, do: e.relation(easeRosterDecline)},
		{method: "POST", path: "/sdk/user/{u}/blocks", limit: each, auth: easeOwnerToo, maxBody: easeListBody, do: e.relation(easeRosterBan)},
		{method: "DELETE", path: "/sdk/user/{u}/blocks", limit: each, auth: easeOwnerToo, maxBody: easeListBody, do: e.relation(easeRosterAllow)},
	}
}

// relation does one thing about the users of the body, or about the one that the
// path names.
func (e *easemob) relation(operation int64) func(q *easeCall) (easeReply, *easeError) {
	return func(q *easeCall) (easeReply, *easeError) {
		owner, no := q.user("u")
		if no != nil {
			return nil, no
		}
		names := []string{q.args["f"]}
		if names[0] == "" {
			if names, no = q.names("usernames", easeMaxBlocks); no != nil {
				return nil, no
			}
		}
		reason, _ := q.text("reason")
		var others []*easeUser
		for _, name := range names {
			u := e.s.easeUser(name)
			if u == nil {
				return nil, easeNotFound()
			}
			others = append(others, u)
		}
		for _, u := range others {
			if status := e.socket.relate(easeRelation{operation, owner, u, reason}); status.code != easeOK {
				return nil, easeRefusal("forbidden_op", status.reason)
			}
		}
		return easeReply{"action": "post", "status": "ok", "uri": q.uri(q.here()), "data": names}, nil
	}
}
