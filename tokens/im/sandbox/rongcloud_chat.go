package sandbox

import "cmp"

// Statuses with which a message is not taken. The SDK reports them as they are.
const (
	rongNotMember  = 22406 // the sender is not in the group
	rongRejected   = 405   // the recipient blocked the sender
	rongBadRequest = 1     // the body is none
	rongUnknown    = 404   // nobody here knows the topic
)

// rongUncounted are the built-in types that no unread count counts, and
// rongUnstored those that are not kept in the history either.
var (
	rongUncounted = map[string]bool{"RC:InfoNtf": true, "RC:ProfileNtf": true, "RC:ContactNtf": true, "RC:GrpNtf": true, "RC:RcNtf": true}
	rongUnstored  = map[string]bool{"RC:CmdNtf": true, "RC:CmdMsg": true, "RC:ReadNtf": true, "RC:RcCmd": true, "RC:TypSts": true, "RC:SRSMsg": true}
)

// newMessage makes a message that is stored and counted as its type says.
func (rc *rongcloud) newMessage(from, to, class, content string) *message {
	return &message{
		uid: rongMessageUID(), kind: channelPerson, from: from, to: to, class: class, content: content,
		at: rc.s.nextSync(), stored: !rongUnstored[class], counted: !rongUnstored[class] && !rongUncounted[class],
	}
}

// deliver puts a message into the mailboxes of its sides and tells those of
// their connections that are not the one it came from.
func (rc *rongcloud) deliver(m *message, from *connection, sender bool) {
	if box := rc.s.mailbox(m.to); box != nil {
		box.add(m)
		rc.announce(m.to, m.at, from)
	}
	if !sender || m.from == m.to {
		return
	}
	if box := rc.s.mailbox(m.from); box != nil {
		box.add(m)
		rc.announce(m.from, m.at, from)
	}
}

// announce tells connections that there is something to pull.
func (rc *rongcloud) announce(userID string, at int64, but *connection) {
	body := appendInt(appendInt(nil, 1, 1), 2, at)
	frame := rongPush("s_ntf", userID, at, body)
	for _, c := range rc.s.sockets.live[userID] {
		if c != but {
			c.send(frame)
		}
	}
}

// blocks tells whether owner's blacklist has a user.
func (s *Sandbox) blocks(owner, userID string) bool {
	list := s.store.blacklists[owner]
	return list != nil && list.has(userID)
}

// published takes what a client sends without asking for anything but a receipt.
func (rc *rongcloud) published(c *connection, f rongFrame) {
	receipt := func(status int, at int64, uid string) {
		if f.qos > 0 {
			c.send(rongSent(f.id, status, at, uid))
		}
	}
	in, ok := parseFields(f.body)
	if !ok {
		receipt(rongBadRequest, 0, "")
		return
	}
	switch f.topic {
	case "ppMsgP", "ppMsgN", "ppMsgS":
		class, content := in.texts[2], in.texts[3]
		if f.target == "" || len(f.target) > rongMaxUserID || class == "" {
			receipt(rongBadRequest, 0, "")
			return
		}
		if status := rc.s.turnsAway(f.target, c.userID); status != 0 {
			receipt(status, 0, "")
			return
		}
		m := rc.newMessage(c.userID, f.target, class, content)
		m.extra, m.uid = in.texts[11], cmp.Or(f.uid, m.uid)
		if f.dropped {
			if status := rc.s.app.preSendStatus; status != 0 {
				receipt(status, 0, "")
				return
			}
			receipt(0, m.at, m.uid)
			return
		}
		rc.s.store.messages++
		receipt(0, m.at, m.uid)
		rc.deliver(m, c, true)
	case "updRRTime":
		rc.markRead(c, in)
		receipt(0, rc.s.nextSync(), "")
	case "pgMsgP", "pgMsgN", "pgMsgS":
		receipt(rongNotMember, 0, "")
	default:
		receipt(rongUnknown, 0, "")
	}
}

// markRead notes that a conversation was read up to a time, which is none to
// come: that would hide messages from the count that nobody has seen.
func (rc *rongcloud) markRead(c *connection, in fields) {
	if box := rc.s.mailbox(c.userID); box != nil && in.texts[3] != "" {
		box.read(conversation{channel(in.ints[1]), in.texts[3]}, min(in.ints[2], rc.s.lastSync))
	}
}
