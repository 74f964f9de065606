package outbox

import (
	"context"

	"imbridge/models"
	"imbridge/tokens/im"
)

// listTries bounds how often a list is written because the truth changed meanwhile.
const listTries = 5

// lists is the cloud's allow lists where they are to stand in for friends.
func (d *Delivery) lists() (im.Allower, bool) {
	if _, keeps := d.Cloud.(im.Friender); keeps || !d.RequireFriendship {
		return nil, false
	}
	a, able := d.Cloud.(im.Allower)
	return a, able
}

// list has a friend stand on owner's allow list unless owner blocks them: whoever
// has an allow list may no longer have a block list at the cloud. The truth has
// two rows in the outbox, which may be delivered at once, each with what it has
// read. Whoever writes therefore looks again, and the last one to write was right.
func (d *Delivery) list(ctx context.Context, lists im.Allower, owner, other models.User) error {
	for range listTries {
		before, err := d.listed(ctx, owner, other)
		if err != nil {
			return err
		}
		write := lists.Disallow
		if before {
			write = lists.Allow
		}
		if err := write(ctx, owner.IMID, other.IMID); err != nil {
			return err
		}
		if after, err := d.listed(ctx, owner, other); err != nil || after == before {
			return err
		}
	}
	return &im.Error{Cloud: d.Cloud.Name(), Op: "allow list", Kind: im.Unavailable, Message: "the truth changes all the time"}
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
