package reconcile

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"imbridge/models"
	"imbridge/tokens/im"
)

const (
	// rounds is how often somebody is looked at who changes while being looked at.
	rounds = 3
	// lookups are made at the same time.
	lookups = 8
	// callTime bounds one call, waiting for the client's quota included.
	callTime = 30 * time.Second
	// callTries is how often a call that may succeed later is made before the run
	// stops, and callPause what lies between, at least; it doubles.
	callTries = 4
	callPause = time.Second
	// removalTime is how long the cloud may tell of somebody whom it was asked to
	// remove. RongCloud carries a deactivation out within 15 minutes.
	removalTime = 30 * time.Minute
)

// A suspect is somebody of ours who has to be looked up.
type suspect struct {
	person models.ReconcilePerson

	// What the look-up brought.
	there   bool
	unclear bool // the cloud refuses to tell
	has     im.User
}

// judgeListed judges a page of the cloud's list.
func (w *walk) judgeListed(ctx context.Context, users []im.User, v *verdict) error {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	ours, err := w.Store.ReconcileByIM(ctx, ids)
	if err != nil {
		return err
	}
	var suspects []suspect
	for _, u := range users {
		p, known := ours[u.ID]
		if !known {
			// Rows of people outlive them, and a person has one before the cloud hears
			// of them: this one is not ours.
			v.found(Extra, u.ID, "", false)
			continue
		}
		v.listed = append(v.listed, u.ID)
		v.counts.Judged++
		if s := (suspect{person: p, there: true, has: u}); len(w.disagree(s)) > 0 {
			suspects = append(suspects, s)
		}
	}
	return w.judge(ctx, suspects, v)
}

// judge looks suspects up and counts those who differ. Our side is read before
// and after: it must be the same, and nothing of it on its way, for the cloud to
// be the one that is wrong.
func (w *walk) judge(ctx context.Context, suspects []suspect, v *verdict) error {
	for range rounds {
		suspects = w.worthALook(suspects, v)
		if len(suspects) == 0 {
			return nil
		}
		if err := w.lookUp(ctx, suspects); err != nil {
			return err
		}
		var err error
		if suspects, err = w.confirm(ctx, suspects, v); err != nil {
			return err
		}
	}
	// They change faster than they can be looked at.
	v.counts.OnTheWay += int64(len(suspects))
	return nil
}

// worthALook leaves out those about whom nothing can be said before the outbox, or
// the cloud after it, is done with them.
func (w *walk) worthALook(suspects []suspect, v *verdict) []suspect {
	var rest []suspect
	for _, s := range suspects {
		p := s.person
		switch {
		case p.Waiting[models.KindRemove], p.Waiting[models.KindProvision] && p.IMState == models.IMPending:
			v.counts.OnTheWay++
		case p.Status == models.StatusDeleted && p.Scrubbed && w.Now().Sub(p.ScrubbedAt) < removalTime:
			v.counts.OnTheWay++
		case p.IMState == models.IMPending && p.Status == models.StatusBanned && w.banner == nil:
			// No token, no name, no ban to compare.
		default:
			rest = append(rest, s)
		}
	}
	return rest
}

// lookUp asks the cloud for each. Only its own word that it does not know
// somebody counts as that.
func (w *walk) lookUp(ctx context.Context, suspects []suspect) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i := range suspects {
		s := &suspects[i]
		g.Go(func() error {
			var has im.User
			err := w.call(ctx, func(ctx context.Context) (err error) {
				has, err = w.profiler.Profile(ctx, s.person.IMID)
				return err
			})
			s.there, s.unclear, s.has = err == nil, false, has
			switch im.KindOf(err) {
			case im.UnknownUser:
				return nil
			case im.Invalid, im.Conflict:
				s.unclear = true
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

// confirm counts those who differ and have not changed since they were looked at.
// It returns the others who differ, as they are now.
func (w *walk) confirm(ctx context.Context, suspects []suspect, v *verdict) (moving []suspect, err error) {
	var differ []suspect
	aboutBans := false
	for _, s := range suspects {
		found := w.disagree(s)
		for _, f := range found {
			aboutBans = aboutBans || f.kind == models.KindBan
		}
		if len(found) > 0 {
			differ = append(differ, s)
		}
	}
	if aboutBans {
		if err := w.readBans(ctx); err != nil {
			return nil, err
		}
	}
	ids := make([]string, len(differ))
	for i, s := range differ {
		ids[i] = s.person.IMID
	}
	after, err := w.Store.ReconcileByIM(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, s := range differ {
		now := after[s.person.IMID]
		if now.Version != s.person.Version || now.IMState != s.person.IMState || now.Scrubbed != s.person.Scrubbed {
			moving = append(moving, suspect{person: now})
			continue
		}
		onTheWay := false
		for _, f := range w.disagree(s) {
			if s.person.Waiting[f.kind] || now.Waiting[f.kind] {
				onTheWay = true
				continue
			}
			v.found(f.class, s.person.ID, s.person.ID, w.run.Options.Repair)
		}
		if onTheWay {
			v.counts.OnTheWay++
		}
	}
	return moving, nil
}

func (w *walk) disagree(s suspect) []finding {
	if s.unclear {
		return []finding{{class: Unclear}}
	}
	p := s.person
	want := im.User{ID: p.IMID, Name: p.DisplayName(), AvatarURL: p.AvatarURL}
	if w.shaper != nil {
		want = w.shaper.Shape(want)
	}
	var banned *bool
	if w.banner != nil {
		is := w.bans[p.IMID]
		banned = &is
	}
	return disagree(p, s.there, want, s.has, banned)
}

// readBans reads who is banned at the cloud now.
func (w *walk) readBans(ctx context.Context) error {
	if w.banner == nil {
		return nil
	}
	var list []im.Ban
	err := w.call(ctx, func(ctx context.Context) (err error) {
		list, err = w.banner.Banned(ctx)
		return err
	})
	if err != nil {
		return err
	}
	w.bans = make(map[string]bool, len(list))
	for _, b := range list {
		w.bans[b.UserID] = true
	}
	return nil
}

// call makes one call at the run's pace, and again what may succeed later.
func (w *walk) call(ctx context.Context, do func(ctx context.Context) error) error {
	for try := 1; ; try++ {
		if err := w.pace.Wait(ctx); err != nil {
			return err
		}
		err := within(ctx, do)
		if err == nil || !im.Temporary(err) || try == callTries || ctx.Err() != nil {
			return err
		}
		pause := callPause << (try - 1)
		var e *im.Error
		if errors.As(err, &e) {
			pause = max(pause, min(e.RetryAfter, callTime))
		}
		if w.rest(ctx, pause) != nil {
			return err
		}
	}
}

// rest waits, unless a test has other plans.
func (w *walk) rest(ctx context.Context, d time.Duration) error {
	if w.wait != nil {
		return w.wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func within(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return do(ctx)
}
