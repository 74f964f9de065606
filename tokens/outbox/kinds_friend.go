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
	lists, listing := d.lists()
	if !friends && !listing {
		return nil
	}
	f, err := d.Store.FriendshipOf(ctx, subject)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil || !meet(f.A, f.B) {
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
	if err := d.list(ctx, lists, f.A, f.B); err != nil {
		return err
	}
	return d.list(ctx, lists, f.B, f.A)
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
// with all that was between them and others. Who has no token yet has their rows
// written anew with the first one.
func meet(a, b models.User) bool {
	for _, u := range []models.User{a, b} {
		if u.Status == models.StatusDeleted || u.IMState == models.IMPending {
			return false
		}
	}
	return true
}
