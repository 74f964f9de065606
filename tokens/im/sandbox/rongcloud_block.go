package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	rongMaxMinutes = 43200 // the longest ban: 30 days
	rongMaxBans    = 1000  // in one answer
)

// block bans users of the app. A second ban replaces the first.
func (rc *rongcloud) block(f rongForm, now time.Time) (rongReply, *rongError) {
	ids, no := rc.userIDs(f, "userId", rongMaxIDs)
	if no != nil {
		return nil, no
	}
	minutes, err := strconv.Atoi(f.text("minute"))
	if err != nil || minutes < 1 || minutes > rongMaxMinutes {
		return nil, rongRefusal(1003, "minute must be 1 to 43200")
	}
	for _, id := range ids {
		if rc.s.store.users[id] == nil {
			return nil, rongUnknownUser(id)
		}
	}
	for _, id := range ids {
		rc.s.store.bans[id] = now.Add(time.Duration(minutes) * time.Minute)
		rc.s.dismiss(id, rongFarewell(rongBlocked))
	}
	return nil, nil
}

// unblock takes ids that are not banned, and ids that nobody knows.
func (rc *rongcloud) unblock(f rongForm, _ time.Time) (rongReply, *rongError) {
	ids, no := rc.userIDs(f, "userId", rongMaxIDs)
	if no != nil {
		return nil, no
	}
	for _, id := range ids {
		delete(rc.s.store.bans, id)
	}
	return nil, nil
}

// queryBlocks pages through who is banned now, the ban that ends last at the
// top; see docs.rongcloud.io, user/query-blocked-list.
func (rc *rongcloud) queryBlocks(f rongForm, now time.Time) (rongReply, *rongError) {
	page, no := f.number("page", 1, 1, 1e9)
	if no != nil {
		return nil, no
	}
	size, no := f.number("size", rongMaxBans, 1, rongMaxBans)
	if no != nil {
		return nil, no
	}
	bans := rc.s.store.bans
	maps.DeleteFunc(bans, func(_ string, until time.Time) bool { return !now.Before(until) })
	ids := slices.SortedFunc(maps.Keys(bans), func(a, b string) int {
		return cmp.Or(bans[b].Compare(bans[a]), cmp.Compare(a, b))
	})
	users := []rongReply{}
	for _, id := range rongPage(ids, page, size) {
		users = append(users, rongReply{"userId": id, "blockEndTime": rc.date(bans[id])})
	}
	return rongReply{"users": users}, nil
}
