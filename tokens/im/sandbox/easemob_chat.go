package sandbox

import (
	"context"
	"slices"
)

// easeMaxPayload is the longest message of a client, in bytes. The documented
// limit is of body and ext together; here the few bytes around them count too.
const easeMaxPayload = 5 << 10

// sync takes a message, or hands out what waits.
func (es *easeLines) sync(ctx context.Context, l *easeLine, up easeUp) {
	switch {
	case up.has && up.meta.kind == easeNSChat:
		es.suffer(l, "message", l.userID, func() { es.message(ctx, l, up.meta) })
	case up.has && up.meta.kind == easeNSRoster:
		es.suffer(l, "roster", l.userID, func() { es.rosterMeta(l, up.meta) })
	case up.has && up.meta.kind == easeNSStatistic:
		// What the SDK says about itself after a login; no answer is expected.
	case up.has:
		es.answer(l, up.meta.id, 0, easeStatus{easeNoCommand, "this sandbox does not take such metas"})
	case up.pulls:
		es.suffer(l, "pull", l.userID, func() { es.pull(l, easeQueueKey{up.queue.name, up.queue.domain}, up.key) })
	}
}

func (es *easeLines) pull(l *easeLine, key easeQueueKey, from int64) {
	es.s.mu.Lock()
	defer es.s.mu.Unlock()
	if l.ended {
		return
	}
	box := es.box(l.user)
	if from > 0 {
		box.ack(l, key, from, es.live[l.user.name])
	}
	l.send(easeBatch(box.jid(key), box.pull(l, key), es.s.now()))
}

// answer says what became of a meta of the client.
func (es *easeLines) answer(l *easeLine, metaID, serverID int64, status easeStatus) {
	es.s.mu.Lock()
	defer es.s.mu.Unlock()
	l.send(easeTaken(metaID, serverID, es.s.now(), status))
}

// message takes a message from a client. The pre-send webhook may take its time:
// the client's next frame waits for that, and nobody else does.
func (es *easeLines) message(ctx context.Context, l *easeLine, meta easeMeta) {
	s := es.s
	s.mu.Lock()
	if l.ended {
		s.mu.Unlock()
		return
	}
	d, no := es.compose(l, meta)
	if no.code != easeOK {
		l.send(easeTaken(meta.id, 0, s.now(), no))
		s.mu.Unlock()
		return
	}
	d.id = s.easeNextID()
	s.mu.Unlock()
	if d.words {
		no = d.obey(s.ease.hooks.judge(ctx, d.easeMessage))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.ended {
		return
	}
	d.at = s.now()
	if no.code != easeOK {
		l.send(easeTaken(meta.id, int64(d.id), d.at, no))
		return
	}
	s.store.ease.messages++
	l.send(easeTaken(meta.id, int64(d.id), d.at, easeStatus{}))
	if d.words {
		s.ease.hooks.posted(d.easeMessage)
	}
	es.post(d.easeMessage, l.jid.resource, meta.only)
}

// An easeDraft is a client's message before it is taken.
type easeDraft struct {
	*easeMessage
	// words is false for what the SDK says by itself, such as that a message was
	// read. Webhooks hear nothing of that.
	words bool
}

// compose is the message that a client's meta asks for, or why it is not taken.
func (es *easeLines) compose(l *easeLine, meta easeMeta) (easeDraft, easeStatus) {
	if len(meta.payload) > easeMaxPayload {
		return easeDraft{}, easeStatus{easeDenied, "Sorry, data is too large"}
	}
	in, ok := parseEaseBody(meta.payload)
	if !ok {
		return easeDraft{}, easeStatus{easeWrong, "the payload is no message"}
	}
	switch in.class {
	case easeBodyRecall:
		return easeDraft{}, easeStatus{easeFail, "message recall disabled"}
	case easeBodyEdit:
		return easeDraft{}, easeStatus{easeFail, "Sorry, edit is not available"}
	}
	m := &easeMessage{
		chat: easeChat, from: l.user.name, to: easeName(meta.to.name), kind: in.kind, body: in.body, ext: in.ext,
		onlineOnly: meta.route == easeRouteOnline, toSelf: true,
	}
	if meta.to.domain == easeGroups {
		m.chat = easeGroupChat
	}
	m.payload = easeSigned(meta.payload, in.class, m.from, m.to)
	return easeDraft{m, in.class <= easeBodyGroup}, es.refuses(l.user, m)
}

// obey does to a message what the pre-send webhook says.
func (d easeDraft) obey(ruling easeRuling) easeStatus {
	if ruling.refused != "" {
		return easeStatus{easeDeniedOutside, ruling.refused}
	}
	if ruling.text != nil {
		d.body = map[string]any{"msg": *ruling.text}
		d.payload = easeReworded(d.payload, *ruling.text)
	}
	return easeStatus{}
}

// refuses tells why a message of a client is not taken.
func (es *easeLines) refuses(u *easeUser, m *easeMessage) easeStatus {
	s := es.s
	if mute, ok := u.mutes[m.chat]; ok && (mute.until.IsZero() || s.now().Before(mute.until)) {
		return easeStatus{easeDenied, "user is mute"}
	}
	if m.chat == easeGroupChat {
		g := s.store.ease.groups[m.to]
		switch {
		case g == nil:
			return easeStatus{easeFail, "group not found"}
		case !g.has(u.name):
			return easeStatus{easeFail, "not in group or chatroom"}
		case g.disabled:
			return easeStatus{easeFail, "group is disabled"}
		}
		return easeStatus{}
	}
	switch {
	case s.easeUser(m.to) == nil:
		return easeStatus{easeFail, "username " + m.to + " doesn't exist!"}
	case s.easeBlocks(m.to, u.name):
		return easeStatus{easeFail, "blocked"}
	case s.app.ease.friendship && m.to != u.name && !s.easeFriends(m.to, u.name):
		return easeStatus{easeFail, "nonroster"}
	}
	return easeStatus{}
}

func (es *easeLines) deliver(m *easeMessage) {
	if m.payload == nil {
		m.payload = easeEncode(m)
	}
	es.post(m, "", nil)
}

// post puts a message into the queues of its readers and tells those of them who
// are online. Resource is the device that it came from. Only, if it names
// anybody, is who of a group shall read it.
func (es *easeLines) post(m *easeMessage, resource string, only []string) {
	s := es.s
	meta := easeMeta{
		id: int64(m.id), from: es.jidOf(m.from), to: es.jidOf(m.to), at: m.at.UnixMilli(), kind: easeNSChat, payload: m.payload,
	}
	meta.from.resource = resource
	if m.chat == easeGroupChat {
		meta.to.domain = easeGroups
		key, g := easeQueueKey{m.to, easeGroups}, s.store.ease.groups[m.to]
		if g == nil {
			return // dismissed while the webhook was asked
		}
		for _, name := range g.people() {
			if name != m.from && (len(only) == 0 || slices.Contains(only, name)) {
				es.enqueue(s.easeUser(name), key, meta, m.onlineOnly)
			}
		}
		es.echo(m, key, meta)
		return
	}
	es.enqueue(s.easeUser(m.to), easeQueueKey{m.from, easePeople}, meta, m.onlineOnly)
	if m.to != m.from {
		es.echo(m, easeQueueKey{m.to, easePeople}, meta)
	}
}

// echo tells the sender's other devices, as far as they are online.
func (es *easeLines) echo(m *easeMessage, key easeQueueKey, meta easeMeta) {
	if m.toSelf {
		es.enqueue(es.s.easeUser(m.from), key, meta, true)
	}
}

// enqueue keeps a meta for a user, nil for one who does not exist, and announces
// it. With onlineOnly it is kept only for somebody who is online.
func (es *easeLines) enqueue(u *easeUser, key easeQueueKey, m easeMeta, onlineOnly bool) {
	if u == nil {
		return
	}
	var lines []*easeLine
	for _, l := range es.live[u.name] {
		if !l.sent(m) {
			lines = append(lines, l)
		}
	}
	if onlineOnly && len(lines) == 0 {
		return
	}
	es.lastPlace = max(es.lastPlace+1, m.id)
	box := es.box(u)
	box.add(key, easeQueued{m, es.lastPlace, onlineOnly})
	frame := easeNoticed(box.jid(key))
	for _, l := range lines {
		l.send(frame)
	}
}
