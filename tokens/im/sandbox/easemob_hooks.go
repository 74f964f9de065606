package sandbox

import "net/http"

// Why a client is thrown out: the operations of the socket's StatisticsBody.
type easeKick int

const (
	easeKickRemoved  easeKick = 1 // 207: the user was deleted
	easeKickReplaced easeKick = 2 // 206: another device took over
	easeKickPassword easeKick = 3 // 216
	easeKickByServer easeKick = 4 // 217: kicked by REST or banned
)

// An easeResource is one device that is online.
type easeResource struct {
	name       string // "webim_…"
	deviceUUID string
	deviceName string
}

// An easeSocket is what the server API needs of the web socket. All methods but
// serve are called with the sandbox's lock held.
type easeSocket interface {
	// path is where clients connect.
	path() string
	// serve handles one web socket to its end.
	serve(w http.ResponseWriter, r *http.Request)
	// kick throws out every device of a user and returns how many there were.
	kick(u *easeUser, why easeKick) int
	// kickResource throws out one device.
	kickResource(u *easeUser, resource string) bool
	// deliver takes a message to who is online, and keeps it for who is not.
	deliver(m *easeMessage)
	// resources lists the devices of a user that are online.
	resources(u *easeUser) []easeResource
	// waiting counts messages that a user has yet to fetch.
	waiting(u *easeUser) int
	// delivered tells whether a user has fetched a message.
	delivered(u *easeUser, id uint64) bool
	// relate does what a user asks for about another; related tells devices of a
	// change that needed nobody's consent: add, remove, ban or allow.
	relate(r easeRelation) easeStatus
	related(operation string, owner, other *easeUser)
	// renewed gives devices the token that replaces their own.
	renewed(u *easeUser, token string)
	// connections and end are for the control API. Names are in lower case;
	// end is given everybody for all.
	connections() []connectionView
	end(name, action string) int
	// reset forgets everything and breaks every connection.
	reset()
}
