package sandbox

import (
	"math"
	"strconv"
	"time"
)

const (
	rongMaxListed = 3000 // ids in one user's list on paid plans
	rongMaxPage   = 1000 // ids in one answer
)

// rongList is the endpoints of the blacklist or of the whitelist, which differ
// in names only. The owner and the listed ids need not be registered.
type rongList struct {
	rc      *rongcloud
	param   string // of the listed ids
	off     int    // code while the service is not enabled
	enabled func() bool
	lists   func() map[string]*idList
}

func (rc *rongcloud) blacklist() *rongList {
	return &rongList{
		rc: rc, param: "blackUserId", off: 1011,
		enabled: func() bool { return rc.s.app.blacklist },
		lists:   func() map[string]*idList { return rc.s.store.blacklists },
	}
}

func (rc *rongcloud) whitelist() *rongList {
	return &rongList{
		rc: rc, param: "whiteUserId", off: 1010,
		enabled: func() bool { return rc.s.app.whitelist },
		lists:   func() map[string]*idList { return rc.s.store.whitelists },
	}
}

// owner reads whose list the call is about.
func (l *rongList) owner(f rongForm) (string, *rongError) {
	if !l.enabled() {
		return "", rongRefusal(l.off, "the service is not enabled")
	}
	return l.rc.userID(f, "userId")
}

func (l *rongList) change(f rongForm, apply func(list *idList, ids []string) *rongError) (rongReply, *rongError) {
	owner, no := l.owner(f)
	if no != nil {
		return nil, no
	}
	ids, no := l.rc.userIDs(f, l.param, rongMaxIDs)
	if no != nil {
		return nil, no
	}
	list := l.lists()[owner]
	if list == nil {
		list = &idList{}
		l.lists()[owner] = list
	}
	return nil, apply(list, ids)
}

func (l *rongList) add(f rongForm, _ time.Time) (rongReply, *rongError) {
	return l.change(f, func(list *idList, ids []string) *rongError {
		fresh := map[string]bool{}
		for _, id := range ids {
			if !list.has(id) {
				fresh[id] = true
			}
		}
		if len(list.entries)+len(fresh) > rongMaxListed {
			return rongRefusal(1502, "the list would have more than 3000 items")
		}
		for _, id := range ids {
			list.add(id)
		}
		return nil
	})
}

// remove takes ids that are not in the list.
func (l *rongList) remove(f rongForm, _ time.Time) (rongReply, *rongError) {
	return l.change(f, func(list *idList, ids []string) *rongError {
		for _, id := range ids {
			list.remove(id)
		}
		return nil
	})
}

func (l *rongList) query(f rongForm, _ time.Time) (rongReply, *rongError) {
	owner, no := l.owner(f)
	if no != nil {
		return nil, no
	}
	size, no := f.number("size", rongMaxPage, 1, rongMaxPage)
	if no != nil {
		return nil, no
	}
	before := uint64(math.MaxUint64)
	if token := f.text("pageToken"); token != "" {
		n, err := strconv.ParseUint(token, 36, 64)
		if err != nil {
			return nil, rongRefusal(1002, "pageToken is none of ours")
		}
		before = n
	}
	list := l.lists()[owner]
	if list == nil {
		return rongReply{"users": []string{}, "next": ""}, nil
	}
	ids, next := list.page(before, int(size))
	out := rongReply{"users": ids, "next": ""}
	if next != 0 {
		out["next"] = strconv.FormatUint(next, 36)
	}
	return out, nil
}
