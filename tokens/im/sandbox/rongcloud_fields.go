package sandbox

// Bits of a message's status.
const (
	rongStored  = 0x10
	rongCounted = 0x20
)

// rongDown is a DownStreamMessage as owner sees it. Of an own message the SDK
// takes the peer from the field that otherwise names the sender.
func rongDown(m *message, owner string) []byte {
	peer := m.peer(owner)
	b := appendString(nil, 1, peer)
	b = appendInt(b, 2, int64(m.kind))
	b = appendString(b, 3, peer)
	b = appendString(b, 4, m.class)
	b = appendString(b, 5, m.content)
	b = appendInt(b, 6, m.at)
	status := int64(0)
	if m.stored {
		status |= rongStored
	}
	if m.counted {
		status |= rongCounted
	}
	b = appendInt(b, 7, status)
	b = appendString(b, 9, m.uid)
	direction := int64(0)
	if m.from == owner {
		direction = 1
	}
	b = appendInt(b, 10, direction)
	if m.extra != "" {
		b = appendString(b, 15, m.extra)
	}
	return b
}
