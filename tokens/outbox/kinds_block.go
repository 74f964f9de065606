package outbox

import (
	"context"
	"errors"

	"imbridge/models"
	"imbridge/tokens/im"
)

// block blocks or unblocks, whichever is true.
func (d *Delivery) block(ctx context.Context, subject string) error {
	blocker, able := d.Cloud.(im.Blocker)
	lists, listing, err := d.lists(ctx)
	if err != nil || !able && !listing {
		return err
	}
	b, err := d.Store.BlockingOf(ctx, subject)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if met, err := d.meet(ctx, b.Owner, b.Other); err != nil || !met {
		return err
	}
	switch {
	case able && b.Blocked:
		err = blocker.Block(ctx, b.Owner.IMID, b.Other.IMID)
	case able:
		err = blocker.Unblock(ctx, b.Owner.IMID, b.Other.IMID)
	}
	if err != nil || !listing {
		return err
	}
	return d.place(ctx, lists, b.Owner, b.Other)
}
