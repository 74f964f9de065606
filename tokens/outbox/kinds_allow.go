package outbox

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/time/rate"

	"imbridge/models"
	"imbridge/tokens/im"
)

// listTries bounds how often a list is written because the truth changed meanwhile.
const listTries = 5

// allower is the cloud's allow lists, where they can stand in for friends.
func allower(c im.Cloud) (im.Allower, bool) {
	if _, keeps := c.(im.Friender); keeps {
		return nil, false
	}
	a, able := c.(im.Allower)
	return a, able
}

// lists is the cloud's allow lists where they are to stand in for friends. What is
// stored decides, not the settings of this process: of two with different ones
// each would undo what the other does.
func (d *Delivery) lists(ctx context.Context) (lists im.Allower, on bool, err error) {
	a, able := allower(d.Cloud)
	if !able {
		return nil, false, nil
	}
	state, err := d.Store.AllowLists(ctx)
	return a, err == nil && state.On(im.App(d.Cloud)), err
}

// allow brings a person's list wholly into step, by calls that slow lets through:
// the list first, and only then is it looked at, so that no friend is kept out in
// between. The truth about a place on it has a row of its own, which may be
// delivered meanwhile. Whoever writes therefore looks again, and the last one to
// write was right.
func (d *Delivery) allow(slow *rate.Limiter) Deliverer {
	turn := func(ctx context.Context) error {
		if err := slow.Wait(ctx); err != nil {
			return d.noTurn(err)
		}
		return nil
	}
	return func(ctx context.Context, id string) error {
		u, ok, err := d.person(ctx, id)
		if err != nil || !ok || u.Status == models.StatusDeleted {
			return err
		}
		if known, err := d.Store.HadToken(ctx, im.App(d.Cloud), id); err != nil || !known {
			return err
		}
		before, err := d.listOf(ctx, u)
		for range listTries {
			if err != nil || before.lists == nil {
				return err
			}
			if err := d.unlessNone(ctx, before.lists, u.IMID, before.write(ctx, turn)); err != nil {
				return err
			}
			after, err := d.listOf(ctx, u)
			if err != nil || after.on == before.on && slices.Equal(after.may, before.may) {
				return err
			}
			before = after
		}
		return d.unsteady()
	}
}

// A list is the truth about one person's.
type list struct {
	lists im.Allower // nil: there is nothing to do
	owner string
	on    bool
	may   []string
}

func (d *Delivery) listOf(ctx context.Context, u models.User) (list, error) {
	l := list{owner: u.IMID}
	a, able := allower(d.Cloud)
	if !able {
		return l, nil
	}
	app := im.App(d.Cloud)
	state, err := d.Store.AllowLists(ctx)
	if err != nil || state.App != app || state.Mode == models.AllowListsNone {
		return l, err
	}
	l.lists, l.on = a, state.Mode == models.AllowListsOn
	if l.on {
		l.may, err = d.Store.MayWriteTo(ctx, app, u.ID)
	}
	return l, err
}

// write makes the list at the cloud what it is here, and awaits a turn for each call.
func (l list) write(ctx context.Context, turn func(context.Context) error) error {
	if l.on {
		if err := turn(ctx); err != nil {
			return err
		}
		listed, err := l.lists.Allowed(ctx, l.owner)
		if err != nil {
			return err
		}
		for _, change := range []struct {
			do  func(ctx context.Context, owner string, ids ...string) error
			ids []string
		}{{l.lists.Disallow, without(listed, l.may)}, {l.lists.Allow, without(l.may, listed)}} {
			for few := range slices.Chunk(change.ids, listChunk) {
				if err := turn(ctx); err != nil {
					return err
				}
				if err := change.do(ctx, l.owner, few...); err != nil {
					return err
				}
			}
		}
	}
	if err := turn(ctx); err != nil {
		return err
	}
	return l.lists.Restrict(ctx, l.owner, l.on)
}

// listChunk is how many are written for one turn, what RongCloud takes in a call.
const listChunk = 20

// without are those of ids that are not among others.
func without(ids, others []string) []string {
	not := make(map[string]bool, len(others))
	for _, id := range others {
		not[id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return not[id] })
}

// place has a friend stand on owner's list unless owner blocks them: whoever has an
// allow list may no longer have a block list at the cloud. It looks again like allow.
func (d *Delivery) place(ctx context.Context, lists im.Allower, owner, other models.User) error {
	for range listTries {
		before, err := d.listed(ctx, owner, other)
		if err != nil {
			return err
		}
		write := lists.Disallow
		if before {
			write = lists.Allow
		}
		if err := d.unlessNone(ctx, lists, owner.IMID, write(ctx, owner.IMID, other.IMID)); err != nil {
			return err
		}
		if after, err := d.listed(ctx, owner, other); err != nil || after == before {
			return err
		}
	}
	return d.unsteady()
}

// listed is the truth about one place on an allow list.
func (d *Delivery) listed(ctx context.Context, owner, other models.User) (bool, error) {
	f, err := d.Store.FriendshipOf(ctx, min(owner.ID, other.ID)+":"+max(owner.ID, other.ID))
	if err != nil || !f.Friends {
		return false, err
	}
	b, err := d.Store.BlockingOf(ctx, owner.ID+":"+other.ID)
	return err == nil && !b.Blocked, err
}

// unlessNone forgives that the cloud keeps no lists any more, and has everybody
// know: nothing is lost, because nobody looks at them, and when they are back a
// round brings all of them into step. A list may also be refused for itself.
func (d *Delivery) unlessNone(ctx context.Context, lists im.Allower, owner string, err error) error {
	if im.KindOf(err) != im.Quota {
		return err
	}
	if _, none := lists.Allowed(ctx, owner); im.KindOf(none) != im.Quota {
		return err
	}
	seen, read := d.Store.AllowLists(ctx)
	if read != nil {
		return read
	}
	if app := im.App(d.Cloud); seen.App == app && seen.Mode != models.AllowListsNone {
		if err := d.Store.SetAllowLists(ctx, seen, app, models.AllowListsNone); err != nil && !errors.Is(err, models.ErrStale) {
			return err
		}
	}
	return nil
}

func (d *Delivery) unsteady() error {
	return &im.Error{Cloud: d.Cloud.Name(), Op: "allow list", Kind: im.Unavailable, Message: "the truth changes all the time"}
}
