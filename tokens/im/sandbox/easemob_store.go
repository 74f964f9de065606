package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// An easeStore is what Easemob's cloud keeps of one app. Everything in it is
// touched with the sandbox's lock held.
type easeStore struct {
	users      map[string]*easeUser // by name, in lower case
	order      []*easeUser          // by registration
	userCount  uint64               // ever registered
	tokens     map[string]*easeToken
	groups     map[string]*easeGroup
	groupCount uint64 // ever created
	messages   int    // ever sent
}

func newEaseStore() easeStore {
	return easeStore{
		users:  map[string]*easeUser{},
		tokens: map[string]*easeToken{},
		groups: map[string]*easeGroup{},
	}
}

// An easeUser is a registered user. Names are one person's in any spelling of
// upper and lower case.
type easeUser struct {
	uuid     string
	name     string // lower case
	password string // empty: none, so only inherit issues tokens
	// passwordAge goes up with every change of the password; tokens issued at
	// an earlier age are void.
	passwordAge uint64
	nickname    string // the push nickname, not the one of the metadata
	activated   bool
	created     time.Time
	modified    time.Time
	seq         uint64 // by registration
	autoCreated bool   // by a call for a token

	metadata map[string]string
	contacts idList
	remarks  map[string]string // by the friend's name
	blocks   idList
	mutes    map[string]easeMute // by what they cover
}

// An easeMute is an end of silence; zero is never.
type easeMute struct {
	seconds int
	until   time.Time
}

// easeName is a user name as the cloud keeps it.
func easeName(name string) string { return strings.ToLower(name) }

// easeUser finds a user by name in any case; nil where there is none.
func (s *Sandbox) easeUser(name string) *easeUser { return s.store.ease.users[easeName(name)] }

// easeAdd registers a user whose name was checked and is free.
func (s *Sandbox) easeAdd(name, password, nickname string, now time.Time) *easeUser {
	store := &s.store.ease
	store.userCount++
	u := &easeUser{
		uuid: easeUUID(), name: easeName(name), password: password, nickname: nickname, activated: true,
		created: now, modified: now, seq: store.userCount,
		metadata: map[string]string{}, remarks: map[string]string{}, mutes: map[string]easeMute{},
	}
	store.users[u.name] = u
	store.order = append(store.order, u)
	return u
}

// easeRemove deletes users: their tokens, the groups that they own, and their
// places in the lists of others go with them.
func (s *Sandbox) easeRemove(gone ...*easeUser) {
	store := &s.store.ease
	for _, u := range gone {
		s.ease.socket.kick(u, easeKickRemoved)
		delete(store.users, u.name)
	}
	isGone := func(u *easeUser) bool { return store.users[u.name] != u }
	store.order = slices.DeleteFunc(store.order, isGone)
	maps.DeleteFunc(store.tokens, func(_ string, t *easeToken) bool { return t.user != nil && isGone(t.user) })
	maps.DeleteFunc(store.groups, func(_ string, g *easeGroup) bool {
		return slices.ContainsFunc(gone, func(u *easeUser) bool { return g.owner == u.name })
	})
	for _, u := range store.order {
		for _, g := range gone {
			u.contacts.remove(g.name)
			u.blocks.remove(g.name)
			delete(u.remarks, g.name)
		}
	}
	for _, group := range store.groups {
		for _, g := range gone {
			group.members.remove(g.name)
		}
	}
}

// easeBlocks tells whether owner has blocked a user. Names are in lower case.
func (s *Sandbox) easeBlocks(owner, name string) bool {
	u := s.store.ease.users[owner]
	return u != nil && u.blocks.has(name)
}

// easeFriends tells whether two users are friends.
func (s *Sandbox) easeFriends(a, b string) bool {
	u := s.store.ease.users[a]
	return u != nil && u.contacts.has(b)
}

// easeSetPassword voids every token of the user and throws out who is online.
func (s *Sandbox) easeSetPassword(u *easeUser, password string, now time.Time) {
	u.password, u.modified = password, now
	u.passwordAge++
	s.ease.socket.kick(u, easeKickPassword)
}

// An easeGroup is a chat group. Its owner is not among the members.
type easeGroup struct {
	id          string
	name        string
	description string
	avatar      string
	custom      string
	owner       string
	members     idList
	public      bool
	membersOnly bool
	allowInvite bool
	confirm     bool // invitations need the invited one's consent
	disabled    bool
	maxUsers    int
	seq         uint64 // by creation
	created     time.Time
	modified    time.Time
}

// has tells whether a user, the owner too, is in the group.
func (g *easeGroup) has(name string) bool { return g.owner == name || g.members.has(name) }

// people is everybody in the group, the owner first.
func (g *easeGroup) people() []string {
	members := g.members.ids()
	slices.Reverse(members)
	return append([]string{g.owner}, members...)
}

// easeGroupsOf lists the groups that a user owns or is in, by creation.
func (s *Sandbox) easeGroupsOf(name string) []*easeGroup {
	var list []*easeGroup
	for _, g := range s.store.ease.groups {
		if g.has(name) {
			list = append(list, g)
		}
	}
	easeSortGroups(list)
	return list
}

func easeSortGroups(list []*easeGroup) {
	slices.SortFunc(list, func(a, b *easeGroup) int { return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.id, b.id)) })
}

// Kinds of chat, as webhooks and messages spell them.
const (
	easeChat      = "chat"
	easeGroupChat = "groupchat"
)

// An easeMessage is on its way. A client's has payload, the MessageBody as it
// was sent; one of the server API has kind, body and ext instead.
type easeMessage struct {
	id      uint64 // see easeNextID
	chat    string // easeChat or easeGroupChat
	from    string // a user's name, or whatever the server API was given
	to      string // a user's name, or a group's id
	at      time.Time
	payload []byte
	kind    string         // "txt", "cmd", "custom", …
	body    map[string]any // of the server API: {"msg": …} for txt
	ext     map[string]any
	// onlineOnly messages are not kept for those who are away.
	onlineOnly bool
	// toSelf also tells the sender's own devices.
	toSelf bool
}

// easeNextID is the id of a new message: higher than every other, also across
// resets, because clients remember the highest that they have seen.
func (s *Sandbox) easeNextID() uint64 {
	s.easeLastID = max(s.easeLastID+1, uint64(s.cfg.Now().UnixMilli())<<20)
	return s.easeLastID
}
