package tokens

import (
	"context"
	"time"

	"imbridge/models"
	"imbridge/tokens/im"
)

// bringPassword brings a derived password that the cloud lacks, before a token is
// asked for that it would end. It is called under the lease. Somebody whom the
// cloud does not know has to be made known first: the token of that is not used,
// because the password ends it.
//
// A password that the cloud will not take as it is keeps nobody from their token:
// it stays pending, and the outbox tells an admin.
func (i *Issuer) bringPassword(ctx context.Context, u models.User, register func() error) error {
	setter, able := i.Cloud.(im.PasswordSetter)
	if !able {
		return nil
	}
	p, err := i.Store.IMPassword(ctx, i.App(), u.ID)
	if err != nil || !p.Pending {
		return err
	}
	known := u.IMState != models.IMPending
	if known {
		err = setter.SetPassword(ctx, u.IMID, p.Value)
	}
	if !known || im.KindOf(err) == im.UnknownUser {
		if err = register(); err == nil {
			err = setter.SetPassword(ctx, u.IMID, p.Value)
		}
	}
	switch {
	case err == nil:
		return i.Store.FinishIMPassword(ctx, i.App(), u.ID, p.Version, time.Time{})
	case im.KindOf(err) == im.Invalid:
		i.Log.WarnContext(ctx, "password not taken by the cloud", "user_id", u.ID, "err", err)
		return nil
	}
	return err
}
