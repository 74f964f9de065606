package outbox

import (
	"context"
	"slices"
	"sync/atomic"

	"imbridge/models"
)

// urgent kinds go first: they keep somebody out.
var urgent = []string{models.KindRevoke, models.KindBan, models.KindRemove}

// prompt kinds are what people do to each other and wait for.
var prompt = []string{models.KindFriend, models.KindBlock, models.KindIMPassword}

// whole kinds are for everybody in turn, at a round's leisure.
var whole = []string{models.KindAllow}

// flips are the kinds whose truth people change back and forth.
var flips = []string{models.KindFriend, models.KindBlock}

// A lane is kinds that share workers, of which one lane cannot take all: rows that
// wait for their turn at the cloud hold up those of their own lane only.
type lane struct {
	kinds []string
	most  int
	under atomic.Int64 // deliveries
}

// A road is all lanes of a Runner.
type road struct {
	urgent lane
	// others are the prompt kinds, all the rest, and the whole ones; most bounds
	// them together.
	others [3]lane
	most   int
	landed chan struct{} // tells of a delivery of the others
}

// road keeps a quarter of the workers for the urgent, so that a cloud which is
// slow to take names does not keep a ban waiting, and of the others a third for what
// people wait for and at least a third for all the rest.
func (r *Runner) road(workers int) *road {
	most := max(1, workers-max(1, workers/4))
	o := &road{urgent: lane{most: workers}, most: most, landed: make(chan struct{}, 1)}
	for i, n := range []int{most - most/3, most / 2, most / 6} {
		o.others[i].most = max(1, n)
	}
	for kind := range r.Kinds {
		l := &o.others[1]
		switch {
		case slices.Contains(urgent, kind):
			l = &o.urgent
		case slices.Contains(prompt, kind):
			l = &o.others[0]
		case slices.Contains(whole, kind):
			l = &o.others[2]
		}
		l.kinds = append(l.kinds, kind)
	}
	return o
}

// of is the lane of a kind, and whether it is one of the others.
func (o *road) of(kind string) (l *lane, other bool) {
	for i := range o.others {
		if slices.Contains(o.others[i].kinds, kind) {
			return &o.others[i], true
		}
	}
	return &o.urgent, false
}

// next claims what can be begun with room for limit more. Held tells that there
// may be more of the others, for which there is no room in their lanes.
func (r *Runner) next(ctx context.Context, o *road, round, limit int) (rows []models.OutboxRow, held bool, err error) {
	if rows, err = r.claim(ctx, o.urgent.kinds, round, limit); err != nil {
		return rows, false, err
	}
	for i := range o.others {
		l := &o.others[(round+i)%len(o.others)]
		if len(rows) == limit || err != nil {
			break
		}
		total := 0
		for j := range o.others {
			total += int(o.others[j].under.Load())
		}
		room := min(limit-len(rows), l.most-int(l.under.Load()), o.most-total)
		var more []models.OutboxRow
		more, err = r.claim(ctx, l.kinds, round, room)
		l.under.Add(int64(len(more)))
		held = held || len(more) == room
		rows = append(rows, more...)
	}
	return rows, held, err
}

// land is the end of a delivery.
func (o *road) land(kind string) {
	l, other := o.of(kind)
	if !other {
		return
	}
	l.under.Add(-1)
	select {
	case o.landed <- struct{}{}:
	default:
	}
}
