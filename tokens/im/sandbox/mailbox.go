package sandbox

import (
	"cmp"
	"slices"
	"sort"
)

// maxMailbox is how many messages a user's mailbox keeps; the oldest go first.
const maxMailbox = 5000

// maxMailboxes bounds the mailboxes of ids that never registered.
const maxMailboxes = 10_000

// A channel is what kind of conversation a message belongs to. The numbers are
// RongCloud's.
type channel int

const channelPerson channel = 1

// A message is kept once, and stands in the mailboxes of both its sides.
type message struct {
	uid     string
	kind    channel
	from    string
	to      string
	class   string
	content string
	extra   string
	at      int64 // sync time: milliseconds, and no two messages have the same
	stored  bool  // in the history
	counted bool  // as unread
}

// peer names the conversation, seen by one of its sides.
func (m *message) peer(owner string) string {
	if m.from == owner {
		return m.to
	}
	return m.from
}

// A conversation is one row of a mailbox.
type conversation struct {
	kind channel
	peer string
}

// A mailbox is a user's messages, sent and received, by time.
type mailbox struct {
	owner    string
	messages []*message
	// confirmed is the sync time up to which one of the user's devices has what
	// was received. A device that has nothing yet starts there, as the cloud
	// keeps for it only what nobody has read.
	confirmed int64
	reads     map[conversation]int64 // sync time read up to
	removed   map[conversation]int64 // sync time at which it left the list
	cleared   map[conversation]int64 // sync time up to which the history is gone
}

// mailbox is also there for ids that have yet to register, so that what is sent
// to them waits. It is nil where there are too many of those.
func (s *Sandbox) mailbox(userID string) *mailbox {
	b := s.store.mailboxes[userID]
	if b == nil {
		if s.store.users[userID] == nil && len(s.store.mailboxes) >= maxMailboxes+len(s.store.users) {
			return nil
		}
		b = &mailbox{owner: userID, reads: map[conversation]int64{}, removed: map[conversation]int64{}, cleared: map[conversation]int64{}}
		s.store.mailboxes[userID] = b
	}
	return b
}

// nextSync is the time of a new message in milliseconds: later than that of
// any other. It follows the clock below the one that can be moved. Clients
// remember the highest time they have seen; a sandbox that starts again on an
// earlier clock would have its messages ignored.
func (s *Sandbox) nextSync() int64 {
	s.lastSync = max(s.lastSync+1, s.cfg.Now().UnixMilli())
	return s.lastSync
}

func (b *mailbox) add(m *message) {
	b.messages = append(b.messages, m)
	if over := len(b.messages) - maxMailbox; over > 0 {
		b.messages = slices.Delete(b.messages, 0, over)
	}
}

// last is the sync time of the newest message.
func (b *mailbox) last() int64 {
	if len(b.messages) == 0 {
		return 0
	}
	return b.messages[len(b.messages)-1].at
}

// after lists received messages later than inbox and sent ones later than
// outbox, oldest first, up to a number and a size in bytes of contents. It
// tells whether that is all.
func (b *mailbox) after(inbox, outbox int64, limit, bytes int) (list []*message, all bool) {
	from := sort.Search(len(b.messages), func(i int) bool { return b.messages[i].at > min(inbox, outbox) })
	for _, m := range b.messages[from:] {
		since := inbox
		if m.from == b.owner && m.to != b.owner {
			since = outbox
		}
		if m.at <= since {
			continue
		}
		if bytes -= len(m.content); len(list) == limit || bytes < 0 && len(list) > 0 {
			return list, false
		}
		list = append(list, m)
	}
	return list, true
}

// history is one conversation from a time on: newest first and earlier than at,
// or with forward oldest first and later. More tells that there are others.
func (b *mailbox) history(c conversation, at int64, forward bool, limit, bytes int) (list []*message, more bool) {
	all := b.messages
	if !forward {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	for _, m := range all {
		if !b.shows(m, c) || forward && m.at <= at || !forward && m.at >= at {
			continue
		}
		if bytes -= len(m.content); len(list) == limit || bytes < 0 && len(list) > 0 {
			return list, true
		}
		list = append(list, m)
	}
	return list, false
}

func (b *mailbox) shows(m *message, c conversation) bool {
	return m.stored && m.kind == c.kind && m.peer(b.owner) == c.peer && m.at > b.cleared[c]
}

// A conversationRow is one line of the conversation list.
type conversationRow struct {
	conversation
	latest *message
	readAt int64
	unread int
}

// conversations lists what the user has, the newest first.
func (b *mailbox) conversations() []conversationRow {
	rows := map[conversation]*conversationRow{}
	for _, m := range b.messages {
		c := conversation{m.kind, m.peer(b.owner)}
		if !b.shows(m, c) || m.at <= b.removed[c] {
			continue
		}
		row := rows[c]
		if row == nil {
			row = &conversationRow{conversation: c, readAt: b.reads[c]}
			rows[c] = row
		}
		row.latest = m
		if m.counted && m.to == b.owner && m.at > row.readAt {
			row.unread++
		}
	}
	list := make([]conversationRow, 0, len(rows))
	for _, row := range rows {
		list = append(list, *row)
	}
	slices.SortFunc(list, func(a, b conversationRow) int { return cmp.Compare(b.latest.at, a.latest.at) })
	return list
}

// read notes that the user has seen a conversation up to a time. It never goes back.
func (b *mailbox) read(c conversation, at int64) { advance(b.reads, c, at) }

// remove takes a conversation off the list until its next message.
func (b *mailbox) remove(c conversation) { advance(b.removed, c, b.last()) }

// clear empties a conversation up to a time, for this side only.
func (b *mailbox) clear(c conversation, at int64) { advance(b.cleared, c, at) }

// maxMarks bounds what one user's clients may have remembered about
// conversations, real ones or not.
const maxMarks = 5000

func advance(marks map[conversation]int64, c conversation, at int64) {
	if _, known := marks[c]; known || len(marks) < maxMarks {
		marks[c] = max(marks[c], at)
	}
}

// confirm notes that a device has everything up to a time, which is none that
// has not been yet.
func (b *mailbox) confirm(at int64) { b.confirmed = max(b.confirmed, min(at, b.last())) }
