package sandbox

import (
	"slices"
	"time"
)

// rongTime is how RongCloud writes dates: local time, and no word on the zone.
const rongTime = "2006-01-02 15:04:05"

func (rc *rongcloud) date(t time.Time) string { return t.In(rc.s.cfg.Location).Format(rongTime) }

// knownUser reads userId and finds its user.
func (rc *rongcloud) knownUser(f rongForm) (*user, *rongError) {
	id, no := rc.userID(f, "userId")
	if no != nil {
		return nil, no
	}
	u := rc.s.store.users[id]
	if u == nil {
		return nil, rongUnknownUser(id)
	}
	return u, nil
}

// setProfile takes over the checked profile fields that the form has.
func (rc *rongcloud) setProfile(u *user, f rongForm) {
	if f.has("name") {
		u.name = f.text("name")
	}
	if f.has("portraitUri") {
		u.portrait = f.text("portraitUri")
	}
}

func (rc *rongcloud) refreshUser(f rongForm, _ time.Time) (rongReply, *rongError) {
	if f.has("name") {
		if no := rc.checkName(f.text("name")); no != nil {
			return nil, no
		}
	}
	if no := checkPortrait(f.text("portraitUri")); no != nil {
		return nil, no
	}
	u, no := rc.knownUser(f)
	if no != nil {
		return nil, no
	}
	rc.setProfile(u, f)
	return nil, nil
}

func (rc *rongcloud) userInfo(f rongForm, _ time.Time) (rongReply, *rongError) {
	u, no := rc.knownUser(f)
	if no != nil {
		return nil, no
	}
	return rongReply{"userName": u.name, "userPortrait": u.portrait, "createTime": rc.date(u.registeredAt)}, nil
}

// queryUsers pages through everybody, by registration.
func (rc *rongcloud) queryUsers(f rongForm, _ time.Time) (rongReply, *rongError) {
	if no := rc.developing(); no != nil {
		return nil, no
	}
	page, no := f.number("page", 1, 1, 1e9)
	if no != nil {
		return nil, no
	}
	size, no := f.number("pageSize", 20, 1, 100)
	if no != nil {
		return nil, no
	}
	order, no := f.number("order", 0, 0, 1)
	if no != nil {
		return nil, no
	}
	ids := rc.s.store.userOrder
	if order == 1 {
		ids = slices.Clone(ids)
		slices.Reverse(ids)
	}
	users := []rongReply{}
	for _, id := range rongPage(ids, page, size) {
		u := rc.s.store.users[id]
		users = append(users, rongReply{
			"userId": u.id, "userName": u.name, "userPortrait": u.portrait, "regTime": rc.date(u.registeredAt),
		})
	}
	return rongReply{"total": len(ids), "users": users}, nil
}

// rongPage cuts one page out of a list. Pages count from 1.
func rongPage(ids []string, page, size int64) []string {
	from := min((page-1)*size, int64(len(ids)))
	return ids[from:min(from+size, int64(len(ids)))]
}

// checkOnline answers with a string, not a number or a boolean.
func (rc *rongcloud) checkOnline(f rongForm, _ time.Time) (rongReply, *rongError) {
	id, no := rc.userID(f, "userId")
	if no != nil {
		return nil, no
	}
	status := "0"
	if len(rc.s.sockets.live[id]) > 0 {
		status = "1"
	}
	return rongReply{"status": status}, nil
}
