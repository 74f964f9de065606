package sandbox

import "time"

// rongMaxTime is the last millisecond of the year 9999.
const rongMaxTime = 253402300799999

// getToken registers the user id where it is new, and issues one more token
// either way. It overwrites the name, and the portrait where there is one.
func (rc *rongcloud) getToken(f rongForm, now time.Time) (rongReply, *rongError) {
	id, no := rc.userID(f, "userId")
	if no != nil {
		return nil, no
	}
	if no := rc.checkName(f.text("name")); no != nil {
		return nil, no
	}
	if no := checkPortrait(f.text("portraitUri")); no != nil {
		return nil, no
	}
	store := &rc.s.store
	u := store.users[id]
	if u == nil {
		if limit := rc.s.app.userCap; limit > 0 && len(store.users) >= limit {
			return nil, rongRefusal(2007, "the app has as many users as it may")
		}
		u = &user{id: id, registeredAt: now}
		store.users[id] = u
		store.userOrder = append(store.userOrder, id)
	}
	rc.setProfile(u, f)
	return rongReply{"userId": id, "token": rc.s.issue(id, now)}, nil
}

// expireTokens voids what was issued before a time, also where that time is
// still to come. Ids without tokens are no error. Live connections stay up.
func (rc *rongcloud) expireTokens(f rongForm, _ time.Time) (rongReply, *rongError) {
	ids, no := rc.userIDs(f, "userId", rongMaxIDs)
	if no != nil {
		return nil, no
	}
	if !f.has("time") {
		return nil, rongRefusal(1002, "time is required")
	}
	before, no := f.number("time", 0, 1, rongMaxTime)
	if no != nil {
		return nil, no
	}
	for _, id := range ids {
		rc.s.store.revokedBefore[id] = max(rc.s.store.revokedBefore[id], before)
	}
	return nil, nil
}
