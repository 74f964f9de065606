package sandbox

import (
	"errors"
	"strconv"
	"time"
)

// One binary message of Easemob's web socket is one MSync, a protobuf message that
// holds another as its payload. Field numbers as in npm easemob-websdk 4.21.1,
// package easemob.pb.

// Commands of an MSync.
const (
	easeSync      = 0 // a message up; a queue pulled; metas down
	easeUnread    = 1 // which queues are not empty; the heartbeat
	easeNotice    = 2 // there is something in a queue
	easeProvision = 3 // the login
	easeLogout    = 4
)

// What a meta's payload is.
const (
	easeNSStatistic = 0
	easeNSChat      = 1
	easeNSRoster    = 3
)

// Ways of a meta to its readers; 0 is to all of them.
const (
	easeRouteOnline = 1 // only who is online
	easeRouteDirect = 2 // only some of a group
)

// Domains of a JID.
const (
	easePeople = "easemob.com"
	easeGroups = "conference.easemob.com"
)

// easeMaxFrame is the longest frame that the socket takes, in bytes. It lies far
// above the longest message, which has an answer of its own.
const easeMaxFrame = 128 << 10

var (
	errEaseCut     = errors.New("the frame is no MSync")
	errEaseCommand = errors.New("a client sends no such command")
)

// An easeJID names a person, a device or a group.
type easeJID struct {
	app      string
	name     string
	domain   string
	resource string
}

func parseEaseJID(b string) (easeJID, bool) {
	f, ok := parseFields([]byte(b))
	return easeJID{f.texts[1], f.texts[2], f.texts[3], f.texts[4]}, ok
}

func (j easeJID) encode() []byte {
	var b []byte
	for i, text := range []string{j.app, j.name, j.domain, j.resource} {
		if text != "" {
			b = appendString(b, fieldNumber(i+1), text)
		}
	}
	return b
}

// An easeFrame is one MSync.
type easeFrame struct {
	guid    easeJID // who speaks; the SDK tells it with the login only
	auth    string  // "$t$" and the token
	command int64
	payload []byte
}

func parseEaseFrame(b []byte) (easeFrame, error) {
	f, ok := parseFields(b)
	if !ok || len(b) == 0 {
		return easeFrame{}, errEaseCut
	}
	guid, ok := parseEaseJID(f.texts[2])
	if !ok {
		return easeFrame{}, errEaseCut
	}
	out := easeFrame{guid: guid, auth: f.texts[3], command: f.ints[8], payload: []byte(f.texts[9])}
	switch out.command {
	case easeSync, easeUnread, easeProvision, easeLogout:
		return out, nil
	}
	return easeFrame{}, errEaseCommand
}

// easeMSync wraps what the server says.
func easeMSync(command int64, payload []byte) []byte {
	return appendMessage(appendInt(nil, 8, command), 9, payload)
}

// An easeLogin is what of a Provision counts.
type easeLogin struct {
	os         int64
	version    string
	deviceID   string
	deviceName string
	resource   string
	authToken  string // {"token": "$t$…"}
	reason     string // what the device tells those that it puts out
}

func parseEaseLogin(b []byte) (easeLogin, bool) {
	f, ok := parseFields(b)
	return easeLogin{
		os: f.ints[1], version: f.texts[2], deviceID: f.texts[9], deviceName: f.texts[12],
		resource: f.texts[13], authToken: f.texts[18], reason: f.texts[21],
	}, ok
}

// An easeUp is a CommSyncUL: a message, or a queue to be pulled.
type easeUp struct {
	meta  easeMeta
	has   bool // the meta is there
	key   int64
	queue easeJID
	pulls bool // the queue is there
}

func parseEaseUp(b []byte) (easeUp, bool) {
	f, ok := parseFields(b)
	if !ok {
		return easeUp{}, false
	}
	up := easeUp{key: f.ints[2]}
	if _, up.has = f.texts[1]; up.has {
		if up.meta, ok = parseEaseMeta(f.texts[1]); !ok {
			return easeUp{}, false
		}
	}
	if _, up.pulls = f.texts[3]; up.pulls {
		if up.queue, ok = parseEaseJID(f.texts[3]); !ok {
			return easeUp{}, false
		}
	}
	return up, true
}

// An easeMeta is the envelope of everything that goes through a queue.
type easeMeta struct {
	id      int64 // the client's own upwards, the server's downwards
	from    easeJID
	to      easeJID
	at      int64 // milliseconds
	kind    int64
	payload []byte
	route   int64
	only    []string // of a group's members, with easeRouteDirect
}

func parseEaseMeta(b string) (easeMeta, bool) {
	f, ok := parseFields([]byte(b))
	if !ok {
		return easeMeta{}, false
	}
	from, fromOK := parseEaseJID(f.texts[2])
	to, toOK := parseEaseJID(f.texts[3])
	return easeMeta{
		id: f.ints[1], from: from, to: to, at: f.ints[4], kind: f.ints[5], payload: []byte(f.texts[6]), route: f.ints[7],
		only: f.lists[10],
	}, fromOK && toOK
}

func (m easeMeta) encode() []byte {
	b := appendInt(nil, 1, m.id)
	b = appendMessage(b, 2, m.from.encode())
	b = appendMessage(b, 3, m.to.encode())
	b = appendInt(b, 4, m.at)
	b = appendInt(b, 5, m.kind)
	return appendMessage(b, 6, m.payload)
}

// Codes of a Status.
const (
	easeOK            = 0
	easeFail          = 1 // the reason tells what
	easeUnauthorized  = 2
	easeWrong         = 4
	easeDenied        = 7
	easeForbidden     = 12
	easeManyDevices   = 13
	easeNoCommand     = 9
	easeMuted         = 15
	easeDeniedOutside = 19
)

// An easeStatus is how something went.
type easeStatus struct {
	code   int64
	reason string
}

func (s easeStatus) encode() []byte {
	b := appendInt(nil, 1, s.code)
	if s.reason != "" {
		b = appendString(b, 2, s.reason)
	}
	return b
}

// easeAdmitted answers a Provision. ExpiresAt is zero for a permanent token. That
// it names no compression means that neither side compresses.
func easeAdmitted(resource string, expiresAt time.Time) []byte {
	b := appendMessage(nil, 8, easeStatus{}.encode())
	b = appendString(b, 13, resource)
	if !expiresAt.IsZero() {
		b = appendString(b, 18, easeExpiry(expiresAt))
	}
	return easeMSync(easeProvision, b)
}

// easeExpiry is how a login says until when its token lives, in milliseconds.
func easeExpiry(at time.Time) string {
	return `{"expires_in":` + strconv.FormatInt(at.UnixMilli(), 10) + `}`
}

func easeRefused(resource string, why easeStatus) []byte {
	b := appendMessage(nil, 8, why.encode())
	return easeMSync(easeProvision, appendString(b, 13, resource))
}

// easeTaken answers a message: with the server's id, or with why it was not taken.
func easeTaken(metaID, serverID int64, at time.Time, status easeStatus) []byte {
	b := appendMessage(nil, 1, status.encode())
	b = appendInt(b, 2, metaID)
	if serverID != 0 {
		b = appendInt(b, 3, serverID)
	}
	return easeMSync(easeSync, appendInt(b, 8, at.UnixMilli()))
}

// easeBatch is a part of a queue. The SDK comes again with the place of the last
// meta as its key, until a batch without metas says that the queue is empty. One that said
// both would leave a stale entry in the SDK, and later notices of that queue
// would be ignored.
func easeBatch(queue easeJID, metas []easeQueued, at time.Time) []byte {
	b := appendMessage(nil, 1, easeStatus{}.encode())
	for _, m := range metas {
		b = appendMessage(b, 4, m.encode())
	}
	if n := len(metas); n > 0 {
		b = appendInt(b, 5, metas[n-1].place)
	}
	b = appendMessage(b, 6, queue.encode())
	b = appendBool(b, 7, len(metas) == 0)
	return easeMSync(easeSync, appendInt(b, 8, at.UnixMilli()))
}

// easePushed is metas that wait in no queue. The SDK fails on those without the
// name of one.
func easePushed(queue easeJID, at time.Time, metas ...easeMeta) []byte {
	b := appendMessage(nil, 1, easeStatus{}.encode())
	for _, m := range metas {
		b = appendMessage(b, 4, m.encode())
	}
	b = appendMessage(b, 6, queue.encode())
	return easeMSync(easeSync, appendInt(b, 8, at.UnixMilli()))
}

func easeNoticed(queue easeJID) []byte {
	return easeMSync(easeNotice, appendMessage(nil, 1, queue.encode()))
}

// An easeBacklog is how much waits in a queue.
type easeBacklog struct {
	queue easeJID
	n     int
}

func easeUnreads(list []easeBacklog, at time.Time) []byte {
	b := appendMessage(nil, 1, easeStatus{}.encode())
	for _, q := range list {
		b = appendMessage(b, 2, appendInt(appendMessage(nil, 1, q.queue.encode()), 2, int64(q.n)))
	}
	return easeMSync(easeUnread, appendInt(b, 3, at.UnixMilli()))
}

func easeLeft() []byte {
	return easeMSync(easeLogout, appendMessage(nil, 3, easeStatus{}.encode()))
}
