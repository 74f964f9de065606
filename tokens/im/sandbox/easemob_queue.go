package sandbox

import (
	"cmp"
	"slices"
)

const (
	// easeMaxQueued is how many metas wait for one user; of the longest queue
	// the oldest go first.
	easeMaxQueued = 5000
	// A batch of a queue is at most so many metas, and so many bytes of payload.
	easeBatchMetas = 100
	easeBatchBytes = 256 << 10
)

// An easeQueueKey names a queue of a user: who writes, or the group.
type easeQueueKey struct {
	name   string
	domain string
}

// An easeQueued is a meta in its place in a queue. Places follow the time of
// arrival: a message that waited long for the pre-send webhook has a lower id
// than some before it, and must not be taken for acknowledged with them.
type easeQueued struct {
	easeMeta
	place int64
	// fleeting is for the devices that are online when it comes, and no others.
	fleeting bool
}

// An easeQueue is what waits in one conversation.
type easeQueue struct {
	metas []easeQueued
	// acked is the place up to which one of the user's devices has everything. A
	// device that comes later starts there.
	acked int64
}

// An easeBox is everything that waits for one user.
type easeBox struct {
	app    string
	queues map[easeQueueKey]*easeQueue
	count  int
}

func (es *easeLines) box(u *easeUser) *easeBox {
	b := es.boxes[u]
	if b == nil {
		b = &easeBox{app: es.s.cfg.EasemobAppKey, queues: map[easeQueueKey]*easeQueue{}}
		es.boxes[u] = b
	}
	return b
}

func (b *easeBox) jid(key easeQueueKey) easeJID {
	return easeJID{app: b.app, name: key.name, domain: key.domain}
}

func (b *easeBox) add(key easeQueueKey, m easeQueued) {
	q := b.queues[key]
	if q == nil {
		q = &easeQueue{}
		b.queues[key] = q
	}
	q.metas = append(q.metas, m)
	if b.count++; b.count <= easeMaxQueued {
		return
	}
	for _, o := range b.queues {
		if len(o.metas) > len(q.metas) {
			q = o
		}
	}
	q.metas = slices.Delete(q.metas, 0, 1)
	b.count--
}

// acked is how far the user's devices together are in each queue.
func (b *easeBox) acked() map[easeQueueKey]int64 {
	seen := map[easeQueueKey]int64{}
	for key, q := range b.queues {
		seen[key] = q.acked
	}
	return seen
}

// awaits tells whether a device has yet to get a meta: none of its own, nor what was
// for those that were online before it.
func (l *easeLine) awaits(key easeQueueKey, m easeQueued) bool {
	return m.place > l.seen[key] && !l.sent(m.easeMeta) && (!m.fleeting || m.place > l.joined)
}

// news is what a device has yet to get of a queue.
func (l *easeLine) news(key easeQueueKey, q *easeQueue) []easeQueued {
	var list []easeQueued
	for _, m := range q.metas {
		if l.awaits(key, m) {
			list = append(list, m)
		}
	}
	return list
}

// sent tells whether a meta came from this device.
func (l *easeLine) sent(m easeMeta) bool {
	return m.from.name == l.jid.name && m.from.resource == l.jid.resource
}

// backlog lists the queues that have something for a device.
func (b *easeBox) backlog(l *easeLine) []easeBacklog {
	var list []easeBacklog
	for key, q := range b.queues {
		if n := len(l.news(key, q)); n > 0 {
			list = append(list, easeBacklog{b.jid(key), n})
		}
	}
	slices.SortFunc(list, func(a, b easeBacklog) int {
		return cmp.Or(cmp.Compare(a.queue.name, b.queue.name), cmp.Compare(a.queue.domain, b.queue.domain))
	})
	return list
}

// pull is the next batch of a queue for a device, empty at its end.
func (b *easeBox) pull(l *easeLine, key easeQueueKey) []easeQueued {
	q := b.queues[key]
	if q == nil {
		return nil
	}
	list, bytes := l.news(key, q), 0
	for i, m := range list {
		if bytes += len(m.payload); i == easeBatchMetas || i > 0 && bytes > easeBatchBytes {
			return list[:i]
		}
	}
	return list
}

// ack notes that a device has everything of a queue up to a place, which is none
// to come. Lines is who is online.
func (b *easeBox) ack(l *easeLine, key easeQueueKey, place int64, lines []*easeLine) {
	q := b.queues[key]
	if q == nil || len(q.metas) == 0 {
		return
	}
	place = min(place, q.metas[len(q.metas)-1].place)
	l.seen[key] = max(l.seen[key], place)
	q.acked = max(q.acked, place)
	b.pruneQueue(key, q, lines)
}

// prune drops what the user has and no device that is online waits for.
func (b *easeBox) prune(lines []*easeLine) {
	for key, q := range b.queues {
		b.pruneQueue(key, q, lines)
	}
}

func (b *easeBox) pruneQueue(key easeQueueKey, q *easeQueue, lines []*easeLine) {
	before := len(q.metas)
	q.metas = slices.DeleteFunc(q.metas, func(m easeQueued) bool {
		return (m.fleeting || m.place <= q.acked) && !slices.ContainsFunc(lines, func(l *easeLine) bool { return l.awaits(key, m) })
	})
	b.count -= before - len(q.metas)
	if len(q.metas) == 0 {
		delete(b.queues, key)
	}
}

func (es *easeLines) waiting(u *easeUser) int {
	n := 0
	if b := es.boxes[u]; b != nil {
		for _, q := range b.queues {
			for _, m := range q.metas {
				if m.place > q.acked && m.kind == easeNSChat && !m.fleeting {
					n++
				}
			}
		}
	}
	return n
}

func (es *easeLines) delivered(u *easeUser, id uint64) bool {
	if b := es.boxes[u]; b != nil {
		for _, q := range b.queues {
			if slices.ContainsFunc(q.metas, func(m easeQueued) bool { return m.id == int64(id) && m.place > q.acked }) {
				return false
			}
		}
	}
	return true
}
