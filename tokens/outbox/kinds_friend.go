package outbox

import (
	"context"
	"errors"

	"imbridge/models"
	"imbridge/tokens/im"
)

// friend makes a friendship at the cloud what it is here. A cloud that keeps no
// friends is told nothing, unless an allow list stands in for them.
func (d *Delivery) friend(ctx context.Context, subject string) error {
	friender, friends := d.Cloud.(im.Friender)
	lists, listing, err := d.lists(ctx)
	if err != nil || !friends && !listing {
		return err
	}
	f, err := d.Store.FriendshipOf(ctx, subject)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if met, err := d.meet(ctx, f.A, f.B); err != nil || !met {
		return err
	}
	a, b := f.A.IMID, f.B.IMID
	switch {
	case friends && f.Friends:
		if err := friender.Befriend(ctx, a, b); err != nil {
			return err
		}
		return d.remarks(ctx, f)
	case friends:
		return friender.Unfriend(ctx, a, b)
	}
	if err := d.place(ctx, lists, f.A, f.B); err != nil {
		return err
	}
	return d.place(ctx, lists, f.B, f.A)
}

// remarks sets what the two call each other, where that may be news: a new
// friendship is one call.
func (d *Delivery) remarks(ctx context.Context, f models.Friendship) error {
	remarker, able := d.Cloud.(im.Remarker)
	if !able {
		return nil
	}
	if f.RemarkedA {
		if err := remarker.Remark(ctx, f.A.IMID, f.B.IMID, f.RemarkA); err != nil {
			return err
		}
	}
	if f.RemarkedB {
		return remarker.Remark(ctx, f.B.IMID, f.A.IMID, f.RemarkB)
	}
	return nil
}

// meet tells whether the cloud can know both. Who is deleted is taken away there
// with all that was between them and others. Who has no token of it yet has all of
// it told with the first one; see relations.
func (d *Delivery) meet(ctx context.Context, a, b models.User) (bool, error) {
	if a.Status == models.StatusDeleted || b.Status == models.StatusDeleted {
		return false, nil
	}
	return d.Store.HadToken(ctx, im.App(d.Cloud), a.ID, b.ID)
}
