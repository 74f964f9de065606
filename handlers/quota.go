package handlers

import (
	"sync"
	"time"
)

// A quota counts what each person asks for in windows of a minute. It is of one
// process: where several serve, somebody gets that many times as much. It keeps
// one person from taking what is meant for all, which need not be exact; what has
// to hold for all processes together is counted in the database.
type quota struct {
	most int // in a minute

	mu     sync.Mutex
	minute int64
	counts map[string]int
}

// take counts n, or none of them and tells how long until they may come.
func (q *quota) take(who string, n int, now time.Time) (wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if minute := now.Unix() / 60; minute != q.minute || q.counts == nil {
		q.minute, q.counts = minute, make(map[string]int)
	}
	if q.counts[who]+n > q.most {
		return time.Unix((q.minute+1)*60, 0).Sub(now)
	}
	q.counts[who] += n
	return 0
}
