package outbox

import (
	"context"
	"time"

	"imbridge/models"
	"imbridge/tokens/im"
)

// imPassword brings a derived password that the cloud lacks. The banned keep one
// that nobody knows until their ban ends; who is not known there yet gets it with
// their first token.
func (d *Delivery) imPassword(ctx context.Context, id string) error {
	setter, able := d.Cloud.(im.PasswordSetter)
	u, ok, err := d.person(ctx, id)
	if err != nil || !ok || !able || u.Status != models.StatusActive {
		return err
	}
	p, err := d.Store.IMPassword(ctx, d.Issuer.App(), id)
	if err != nil || !p.Pending {
		return err
	}
	_, err = d.setPassword(ctx, setter, u, p)
	if u.IMState == models.IMPending && im.KindOf(err) == im.UnknownUser {
		return nil
	}
	return err
}

// setPassword tells until when it ended tokens.
func (d *Delivery) setPassword(ctx context.Context, setter im.PasswordSetter, u models.User, p models.IMPassword) (ended time.Time, err error) {
	if err := setter.SetPassword(ctx, u.IMID, p.Value); err != nil {
		return time.Time{}, err
	}
	// The cloud may round the time of issue to milliseconds.
	ended = d.Now().Add(time.Millisecond)
	return ended, d.Store.FinishIMPassword(ctx, d.Issuer.App(), u.ID, p.Version, ended)
}

// endByPassword ends tokens by a derived password that the cloud lacks, or finds
// that it has taken one for this revocation already. Done is false where neither
// is so: setting the password that the cloud has may end nothing.
func (d *Delivery) endByPassword(ctx context.Context, u models.User, before time.Time) (ended time.Time, done bool, err error) {
	setter, able := d.Cloud.(im.PasswordSetter)
	if !able || u.Status != models.StatusActive {
		return time.Time{}, false, nil
	}
	p, err := d.Store.IMPassword(ctx, d.Issuer.App(), u.ID)
	switch {
	case err != nil:
		return time.Time{}, false, err
	case p.Pending:
		ended, err = d.setPassword(ctx, setter, u, p)
		if im.KindOf(err) == im.Invalid {
			// Tokens have to end, whatever becomes of the password.
			return time.Time{}, false, nil
		}
		return ended, err == nil, err
	}
	return before, !p.Revokes.IsZero() && p.Revokes.Equal(before), nil
}
