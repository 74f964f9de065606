package sandbox

import (
	"slices"
	"time"
)

// A store is what the clouds keep of one app each. Bans, lists and revocations stand
// beside the users: RongCloud takes some of them for ids it has never seen.
type store struct {
	users      map[string]*user
	userOrder  []string // ids by registration
	tokens     map[string]*token
	tokenCount uint64
	// revokedBefore holds, for each user id, the time of the latest
	// token/expire call: tokens issued earlier are void. Milliseconds.
	revokedBefore map[string]int64
	bans          map[string]time.Time // user id → end
	blacklists    map[string]*idList
	whitelists    map[string]*idList
	messages      int
	mailboxes     map[string]*mailbox // by user id
	rates         map[string]*window
	ease          easeStore
}

func newStore() store {
	return store{
		users:         map[string]*user{},
		tokens:        map[string]*token{},
		revokedBefore: map[string]int64{},
		bans:          map[string]time.Time{},
		blacklists:    map[string]*idList{},
		whitelists:    map[string]*idList{},
		mailboxes:     map[string]*mailbox{},
		rates:         map[string]*window{},
		ease:          newEaseStore(),
	}
}

// A user is a registered user id.
type user struct {
	id            string
	name          string
	portrait      string
	registeredAt  time.Time
	deactivatedAt time.Time // zero while active
}

// An idList is a list of user ids in the order in which they were added.
type idList struct {
	entries []idEntry
	last    uint64
	on      bool // of a whitelist: it is looked at
}

type idEntry struct {
	id  string
	seq uint64
}

// add puts ids at the end. One that is there already stays where it is.
func (l *idList) add(id string) {
	if l.has(id) {
		return
	}
	l.last++
	l.entries = append(l.entries, idEntry{id, l.last})
}

func (l *idList) remove(id string) {
	l.entries = slices.DeleteFunc(l.entries, func(e idEntry) bool { return e.id == id })
}

func (l *idList) has(id string) bool {
	return slices.ContainsFunc(l.entries, func(e idEntry) bool { return e.id == id })
}

// page lists up to size ids added before seq, newest first. Next is the seq of
// the following page and 0 after the last one. A page is not disturbed by ids
// that come or go between two calls.
func (l *idList) page(before uint64, size int) (ids []string, next uint64) {
	ids = []string{}
	for _, e := range slices.Backward(l.entries) {
		if e.seq >= before {
			continue
		}
		if len(ids) == size {
			return ids, next
		}
		ids, next = append(ids, e.id), e.seq
	}
	return ids, 0
}

func (l *idList) ids() []string {
	ids, _ := l.page(l.last+1, len(l.entries))
	return ids
}
