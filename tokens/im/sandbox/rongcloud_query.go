package sandbox

const (
	rongRows      = 200       // messages or conversations in one answer, at most
	rongRowsBytes = 512 << 10 // of their contents
)

// query answers what a client asks for. Bodies have every field that the SDK's
// protobuf calls required: without one, decoding throws in the page. A query
// that nobody here knows gets a status instead, which the SDK hands on as code.
func (rc *rongcloud) query(c *connection, f rongFrame) {
	at := rc.s.cfg.Now().UnixMilli()
	in, ok := parseFields(f.body)
	if !ok {
		c.send(rongAnswer(f.id, rongBadRequest, at, false, nil))
		return
	}
	status, body := 0, []byte(nil)
	switch f.topic {
	case "pullMsg":
		rc.pull(c, f.id, in)
		return
	case "qryPMsg":
		body = rc.history(c, in)
	case "qryRelationR", "qryRelation":
		body = rc.relations(c, in)
	case "updRRTime":
		rc.markRead(c, in)
	case "delRelation":
		rc.removeConversation(c, in.ints[1], f.target)
	case "delRelationBatch":
		for _, row := range in.lists[1] {
			if one, ok := parseFields([]byte(row)); ok {
				rc.removeConversation(c, one.ints[2], one.texts[1])
			}
		}
	case "cleanPMsg":
		rc.clearHistory(c, in)
	case "pullEventChange":
		body = appendBool(appendInt(nil, 2, at), 3, false)
	case "pullUS":
		body = appendInt(nil, 2, at)
	case "pullSeAtts":
		body = appendInt(nil, 1, at)
	case "pullModifyMsg":
		body = appendBool(appendInt(nil, 2, at), 3, true)
	case "qAppBot", "reportsdk":
	default:
		status = rongUnknown
	}
	c.send(rongAnswer(f.id, status, at, false, body))
}

// pull answers pullMsg: what was received after syncTime(1) and sent after
// sendBoxSyncTime(6). A device without times gets what no device has confirmed.
func (rc *rongcloud) pull(c *connection, id uint16, in fields) {
	inbox, outbox := in.ints[1], in.ints[6]
	box := rc.s.mailbox(c.userID)
	if box == nil {
		box = &mailbox{owner: c.userID}
	}
	if inbox <= 0 {
		inbox, outbox = box.confirmed, max(outbox, box.confirmed)
	}
	box.confirm(inbox)
	list, all := box.after(inbox, outbox, rongRows, rongRowsBytes)
	last := max(inbox, 1)
	var body []byte
	for _, m := range list {
		body = appendMessage(body, 1, rongDown(m, c.userID))
		last = max(last, m.at)
	}
	body = appendBool(appendInt(body, 2, last), 3, all)
	c.pulled.note(id, last)
	c.send(rongAnswer(id, 0, last, true, body))
}

// confirmed hears that the client has the answer to a pull.
func (rc *rongcloud) confirmed(c *connection, id uint16) {
	if at, ok := c.pulled.take(id); ok {
		if box := rc.s.mailbox(c.userID); box != nil {
			box.confirm(at)
		}
	}
}

// history answers qryPMsg: targetId(1), time(2), count(3), order(4), where 0
// goes back in time and 1 forward.
func (rc *rongcloud) history(c *connection, in fields) []byte {
	at, forward := in.ints[2], in.ints[4] == 1
	if at <= 0 && !forward {
		at = rongMaxTime
	}
	var list []*message
	more := false
	if box := rc.s.mailbox(c.userID); box != nil {
		list, more = box.history(conversation{channelPerson, in.texts[1]}, at, forward, rongCount(in.ints[3]), rongRowsBytes)
	}
	var body []byte
	sync := min(at, rc.s.lastSync)
	for _, m := range list {
		body = appendMessage(body, 1, rongDown(m, c.userID))
		sync = m.at
	}
	body = appendInt(body, 2, sync)
	if more {
		return appendInt(body, 3, 1)
	}
	return appendInt(body, 3, 0)
}

// rongCount is how many rows a client may have.
func rongCount(asked int64) int {
	if asked <= 0 {
		return 20
	}
	return int(min(asked, rongRows))
}

// relations answers qryRelationR: count(2), startTime(3), order(4), where 0
// lists what is older than startTime and 1 what is newer.
func (rc *rongcloud) relations(c *connection, in fields) []byte {
	limit, since, newer := rongCount(in.ints[2]), in.ints[3], in.ints[4] == 1
	var rows []conversationRow
	if box := rc.s.mailbox(c.userID); box != nil {
		rows = box.conversations()
	}
	var body []byte
	n, all := 0, true
	for _, row := range rows {
		if since > 0 && (newer && row.latest.at <= since || !newer && row.latest.at >= since) {
			continue
		}
		if n == limit {
			all = false
			break
		}
		n++
		body = appendMessage(body, 1, rongRelation(row, c.userID))
	}
	body = appendBool(body, 2, all)
	return appendInt(body, 3, rc.s.cfg.Now().UnixMilli())
}

func rongRelation(row conversationRow, owner string) []byte {
	b := appendInt(nil, 1, int64(row.kind))
	b = appendString(b, 2, row.peer)
	b = appendMessage(b, 3, rongDown(row.latest, owner))
	b = appendInt(b, 4, row.readAt)
	b = appendInt(b, 5, int64(row.unread))
	return appendInt(b, 7, row.latest.at)
}

// removeConversation takes a conversation off the list until its next message.
func (rc *rongcloud) removeConversation(c *connection, kind int64, peer string) {
	if box := rc.s.mailbox(c.userID); box != nil {
		box.remove(conversation{channel(kind), peer})
	}
}

// clearHistory empties a conversation up to dataTime(2), for this user only.
func (rc *rongcloud) clearHistory(c *connection, in fields) {
	if box := rc.s.mailbox(c.userID); box != nil {
		box.clear(conversation{channelPerson, in.texts[1]}, min(in.ints[2], rc.s.lastSync))
	}
}
