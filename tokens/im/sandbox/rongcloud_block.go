package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// rongMaxMinutes is the longest ban: 30 days.
const rongMaxMinutes = 43200

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

// queryBlocks lists who is banned now, the ban that ends first at the top.
func (rc *rongcloud) queryBlocks(_ rongForm, now time.Time) (rongReply, *rongError) {
	bans := rc.s.store.bans
	maps.DeleteFunc(bans, func(_ string, until time.Time) bool { return !now.Before(until) })
	users := []rongReply{}
	for _, id := range slices.SortedFunc(maps.Keys(bans), func(a, b string) int {
		return cmp.Or(bans[a].Compare(bans[b]), cmp.Compare(a, b))
	}) {
		users = append(users, rongReply{"userId": id, "blockEndTime": rc.date(bans[id])})
	}
	return rongReply{"users": users}, nil
}
