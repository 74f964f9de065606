package sandbox

import (
	"crypto/rand"
	"strings"
	"time"
)

const (
	rongMaxDeactivate = 100       // ids in one call
	rongReactivation  = time.Hour // how long a deactivation cannot be undone
)

// deactivate wipes users and keeps them out. RongCloud needs up to 15 minutes
// and reports by callback; here it is done when the answer arrives.
func (rc *rongcloud) deactivate(f rongForm, now time.Time) (rongReply, *rongError) {
	users, no := rc.joinedUsers(f)
	if no != nil {
		return nil, no
	}
	store := &rc.s.store
	for _, u := range users {
		u.name, u.portrait = "", ""
		if u.deactivatedAt.IsZero() {
			u.deactivatedAt = now
		}
		delete(store.blacklists, u.id)
		delete(store.whitelists, u.id)
		delete(store.mailboxes, u.id)
		rc.s.dismiss(u.id, rongFarewell(rongDeactivated))
	}
	return rongReply{"operateId": rongOperateID()}, nil
}

// reactivate lets users in again. What the deactivation wiped stays wiped.
func (rc *rongcloud) reactivate(f rongForm, now time.Time) (rongReply, *rongError) {
	users, no := rc.joinedUsers(f)
	if no != nil {
		return nil, no
	}
	for _, u := range users {
		if !u.deactivatedAt.IsZero() && now.Sub(u.deactivatedAt) < rongReactivation {
			return nil, rongRefusal(1002, "userId "+u.id+" was deactivated less than an hour ago")
		}
	}
	for _, u := range users {
		u.deactivatedAt = time.Time{}
	}
	return rongReply{"operateId": rongOperateID()}, nil
}

// joinedUsers reads ids with commas between them, all of which must be known.
func (rc *rongcloud) joinedUsers(f rongForm) ([]*user, *rongError) {
	ids, no := rc.joinedIDs(f, "userId", rongMaxDeactivate)
	if no != nil {
		return nil, no
	}
	users := make([]*user, len(ids))
	for i, id := range ids {
		if users[i] = rc.s.store.users[id]; users[i] == nil {
			return nil, rongUnknownUser(id)
		}
	}
	return users, nil
}

// queryDeactivated pages through deactivated ids, by registration.
func (rc *rongcloud) queryDeactivated(f rongForm, _ time.Time) (rongReply, *rongError) {
	page, no := f.number("pageNo", 1, 1, 1e9)
	if no != nil {
		return nil, no
	}
	size, no := f.number("pageSize", 50, 1, 200)
	if no != nil {
		return nil, no
	}
	ids := []string{}
	for _, id := range rc.s.store.userOrder {
		if !rc.s.store.users[id].deactivatedAt.IsZero() {
			ids = append(ids, id)
		}
	}
	return rongReply{"users": rongPage(ids, page, size)}, nil
}

func rongOperateID() string { return strings.ToLower(rand.Text()) }
