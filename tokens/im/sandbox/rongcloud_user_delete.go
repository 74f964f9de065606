package sandbox

import (
	"maps"
	"slices"
	"time"
)

const rongMaxDelete = 100 // ids in one call

// developing refuses what only apps in the development environment may call.
// How RongCloud says so is not documented; this is how it refuses a service
// that an app does not have.
func (rc *rongcloud) developing() *rongError {
	if !rc.s.app.development {
		return rongRefusal(1009, "the service is not enabled")
	}
	return nil
}

// deleteUsers forgets users as if they had never registered, their tokens and
// lists with them. Unknown ids are no error.
func (rc *rongcloud) deleteUsers(f rongForm, _ time.Time) (rongReply, *rongError) {
	if no := rc.developing(); no != nil {
		return nil, no
	}
	ids, no := rc.userIDs(f, "userId", rongMaxDelete)
	if no != nil {
		return nil, no
	}
	store, gone := &rc.s.store, map[string]bool{}
	for _, id := range ids {
		gone[id] = true
		delete(store.users, id)
		delete(store.bans, id)
		delete(store.blacklists, id)
		delete(store.whitelists, id)
		delete(store.mailboxes, id)
		rc.s.dismiss(id, rongFarewell(rongBlocked))
	}
	store.userOrder = slices.DeleteFunc(store.userOrder, func(id string) bool { return gone[id] })
	maps.DeleteFunc(store.tokens, func(_ string, t *token) bool { return gone[t.userID] })
	return nil, nil
}
