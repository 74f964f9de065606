package sandbox

import "time"

// Operations of a RosterBody.
const (
	easeRosterGet           = 0
	easeRosterAdd           = 2
	easeRosterRemove        = 3
	easeRosterAccept        = 4
	easeRosterDecline       = 5
	easeRosterBan           = 6
	easeRosterAllow         = 7
	easeRosterRemoteAccept  = 8
	easeRosterRemoteDecline = 9
)

// easeMaxRequests is how many people at most wait for one user's consent.
const easeMaxRequests = 1000

var easeNoRequest = easeStatus{easeFail, "there is no such request"}

// An easeRelation is what one user does about another.
type easeRelation struct {
	operation int64
	from, to  *easeUser
	reason    string
}

// relate does what a person asks for. It is called with the lock held, for the
// socket and for the calls that the SDK makes over HTTP.
func (es *easeLines) relate(r easeRelation) easeStatus {
	s := es.s
	if r.from == r.to {
		return easeStatus{easeFail, "user " + r.from.name + " cannot be a contact of itself"}
	}
	switch r.operation {
	case easeRosterAdd:
		return es.request(r)
	case easeRosterAccept:
		if !es.takeRequest(r.to, r.from) {
			return easeNoRequest
		}
		if _, full := s.befriend(r.from, r.to); full != nil {
			return easeStatus{easeFail, "user contact number exceed limit"}
		}
		es.tell(r.to, easeRosterRemoteAccept, r.from, r.reason)
		es.tell(r.from, easeRosterAccept, r.to, r.reason)
		s.ease.roster("accept", r.from.name, r.to.name)
		s.ease.roster("remote_accept", r.from.name, r.to.name)
	case easeRosterDecline:
		if !es.takeRequest(r.to, r.from) {
			return easeNoRequest
		}
		es.tell(r.to, easeRosterRemoteDecline, r.from, r.reason)
		s.ease.roster("decline", r.from.name, r.to.name)
		s.ease.roster("remote_decline", r.from.name, r.to.name)
	case easeRosterRemove:
		es.takeRequest(r.to, r.from)
		if s.easeFriends(r.from.name, r.to.name) {
			s.unfriend(r.from, r.to)
			es.related("remove", r.from, r.to)
			s.ease.roster("remove", r.from.name, r.to.name)
		}
	case easeRosterBan:
		return es.ban(r)
	case easeRosterAllow:
		if r.from.blocks.has(r.to.name) {
			r.from.blocks.remove(r.to.name)
			es.related("allow", r.from, r.to)
			s.ease.roster("allow", r.from.name, r.to.name)
		}
	default:
		return easeStatus{easeNoCommand, "this sandbox does not take such an operation"}
	}
	return easeStatus{}
}

// request asks a user to be a friend. Who is blocked hears nothing of being so.
func (es *easeLines) request(r easeRelation) easeStatus {
	switch {
	case es.s.easeFriends(r.from.name, r.to.name), r.to.blocks.has(r.from.name):
		return easeStatus{}
	case len(es.requests[r.to]) >= easeMaxRequests:
		return easeStatus{easeFail, "user contact number exceed limit"}
	}
	if es.requests[r.to] == nil {
		es.requests[r.to] = map[*easeUser]bool{}
	}
	es.requests[r.to][r.from] = true
	es.tell(r.to, easeRosterAdd, r.from, r.reason)
	es.s.ease.roster("add", r.from.name, r.to.name)
	return easeStatus{}
}

// takeRequest ends what from has asked of to, and tells whether there was
// anything.
func (es *easeLines) takeRequest(from, to *easeUser) bool {
	asked := es.requests[to][from]
	delete(es.requests[to], from)
	return asked
}

func (es *easeLines) ban(r easeRelation) easeStatus {
	switch {
	case !es.s.app.ease.blocks:
		return easeStatus{easeFail, "the block list service is unopened"}
	case r.from.blocks.has(r.to.name):
		return easeStatus{}
	case len(r.from.blocks.entries) >= easeMaxBlocks:
		return easeStatus{easeFail, "user block number exceed limit"}
	}
	r.from.blocks.add(r.to.name)
	es.related("ban", r.from, r.to)
	es.s.ease.roster("ban", r.from.name, r.to.name)
	return easeStatus{}
}

// changed reports what the server API did between two users.
func (e *easemob) changed(operation string, owner, other *easeUser) {
	e.socket.related(operation, owner, other)
	e.roster(operation, owner.name, other.name)
}

// related tells devices that something changed between two users which needed
// nobody's consent. A new or a lost friend both sides hear of; of a block only
// those who made it.
func (es *easeLines) related(operation string, owner, other *easeUser) {
	switch operation {
	case "add":
		es.tell(owner, easeRosterAccept, other, "")
		es.tell(other, easeRosterAccept, owner, "")
	case "remove":
		es.tell(owner, easeRosterRemove, other, "")
		es.tell(other, easeRosterRemove, owner, "")
	case "ban":
		es.tell(owner, easeRosterBan, other, "")
	case "allow":
		es.tell(owner, easeRosterAllow, other, "")
	}
}

// tell puts an event about from into a user's queue. Blocks are not kept for
// devices that come later.
func (es *easeLines) tell(u *easeUser, operation int64, from *easeUser, reason string) {
	body := appendInt(nil, 1, operation)
	body = appendMessage(body, 2, appendInt(nil, 1, 0))
	body = appendMessage(body, 3, es.jidOf(from.name).encode())
	body = appendMessage(body, 4, es.jidOf(u.name).encode())
	body = appendString(body, 5, reason)
	es.enqueue(u, easeQueueKey{from.name, easePeople}, easeMeta{
		id: int64(es.s.easeNextID()), from: es.jidOf(from.name), to: es.jidOf(u.name), at: es.s.now().UnixMilli(),
		kind: easeNSRoster, payload: body,
	}, operation == easeRosterBan || operation == easeRosterAllow)
}

// rosterMeta takes what a client says about its friends over the socket. The web
// SDK uses HTTP for that.
func (es *easeLines) rosterMeta(l *easeLine, meta easeMeta) {
	s := es.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.ended {
		return
	}
	answer := func(status easeStatus) { l.send(easeTaken(meta.id, int64(s.easeNextID()), s.now(), status)) }
	f, ok := parseFields(meta.payload)
	if !ok {
		answer(easeStatus{easeWrong, "the payload is no roster"})
		return
	}
	if f.ints[1] == easeRosterGet {
		l.send(es.rosterList(l.user, meta.id, s.now()))
		return
	}
	status := easeStatus{easeWrong, "want somebody to do it to"}
	for _, raw := range f.lists[4] {
		to, ok := parseEaseJID(raw)
		if !ok {
			status = easeStatus{easeWrong, "the payload is no roster"}
			break
		}
		u := s.easeUser(to.name)
		if u == nil {
			status = easeStatus{easeFail, "username " + to.name + " doesn't exist!"}
			break
		}
		if status = es.relate(easeRelation{f.ints[1], l.user, u, f.texts[5]}); status.code != easeOK {
			break
		}
	}
	answer(status)
}

// rosterList is a user's friends.
func (es *easeLines) rosterList(u *easeUser, metaID int64, now time.Time) []byte {
	body := appendInt(nil, 1, easeRosterGet)
	body = appendMessage(body, 2, appendInt(nil, 1, 0))
	body = appendMessage(body, 3, es.jidOf(u.name).encode())
	for _, name := range u.contacts.ids() {
		body = appendMessage(body, 4, es.jidOf(name).encode())
	}
	id := int64(es.s.easeNextID())
	b := appendInt(appendInt(appendMessage(nil, 1, easeStatus{}.encode()), 2, metaID), 3, id)
	b = appendMessage(b, 4, easeMeta{
		id: id, from: es.jidOf(u.name), to: es.jidOf(u.name), at: now.UnixMilli(), kind: easeNSRoster, payload: body,
	}.encode())
	return easeMSync(easeSync, appendInt(b, 8, now.UnixMilli()))
}
