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
	if !able {
		return nil
	}
	b, err := d.Store.BlockingOf(ctx, subject)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil || !meet(b.Owner, b.Other) {
		return err
	}
	if b.Blocked {
		return blocker.Block(ctx, b.Owner.IMID, b.Other.IMID)
	}
	return blocker.Unblock(ctx, b.Owner.IMID, b.Other.IMID)
}
