package sandbox

import "time"

// rongNotAllowed is the status of a message to somebody whose whitelist lacks the sender.
const rongNotAllowed = 407

// setWhite switches users' whitelists on or off. While one is on, nobody else may
// write, and the user's blacklist is not looked at.
func (rc *rongcloud) setWhite(f rongForm, _ time.Time) (rongReply, *rongError) {
	if !rc.s.app.whitelist {
		return nil, rongRefusal(1010, "the service is not enabled")
	}
	ids, no := rc.userIDs(f, "userId", rongMaxIDs)
	if no != nil {
		return nil, no
	}
	on, no := f.number("whiteSetting", -1, 0, 1)
	if no != nil {
		return nil, no
	}
	if on < 0 {
		return nil, rongRefusal(1002, "whiteSetting is missing")
	}
	for _, id := range ids {
		list := rc.s.store.whitelists[id]
		if list == nil {
			list = &idList{}
			rc.s.store.whitelists[id] = list
		}
		list.on = on == 1
	}
	return nil, nil
}

// turnsAway is the status with which a user's lists refuse a sender; 0 where they
// do not.
func (s *Sandbox) turnsAway(owner, sender string) int {
	list := s.store.whitelists[owner]
	switch {
	case s.app.whitelist && (s.app.whitelistForAll || list != nil && list.on):
		if owner != sender && (list == nil || !list.has(sender)) {
			return rongNotAllowed
		}
		return 0
	case s.blocks(owner, sender):
		return rongRejected
	}
	return 0
}

// Delivers tells whether the lists of a user let a message through that a client
// of another sends, as the socket would.
func (s *Sandbox) Delivers(from, to string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turnsAway(to, from) == 0
}
