package outbox

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"imbridge/models"
	"imbridge/tokens/im"
)

// A Provisioner sees to a person's first token; *tokens.Issuer is one.
type Provisioner interface {
	// Provision mints for somebody whom the cloud does not know yet. It is safe
	// to repeat, and does nothing for the banned and the deleted.
	Provision(ctx context.Context, userID string) error
	// App names the app at the cloud.
	App() string
}

const (
	// banFor is how long one ban is asked for: clients cut it to what their
	// cloud allows, 30 days at RongCloud.
	banFor = 30 * 24 * time.Hour
	// banAgain is when it is asked for anew, long before it is over.
	banAgain = 10 * 24 * time.Hour
	// allowShare of Rate is how many calls a second may go to bringing whole allow
	// lists into step: the rest of a limit is for friends and blocks that change now.
	allowShare = 0.5
)

// A Delivery is what the deliverers work with.
type Delivery struct {
	Store  *models.Store
	Cloud  im.Cloud
	Issuer Provisioner
	// Rate is how many first tokens and profiles, and friends and blocks from before
	// a first token, a second may be sent, so that they leave the quota to people
	// who wait.
	Rate float64
	Now  func() time.Time
}

// Kinds has one deliverer for each kind. A kind whose role the cloud lacks is
// delivered by doing what is left to do here.
func (d *Delivery) Kinds() map[string]Deliverer {
	slow := rate.NewLimiter(rate.Limit(d.Rate), max(1, int(d.Rate)))
	paced := func(deliver Deliverer) Deliverer {
		return func(ctx context.Context, subject string) error {
			if err := slow.Wait(ctx); err != nil {
				return d.noTurn(err)
			}
			return deliver(ctx, subject)
		}
	}
	return map[string]Deliverer{
		models.KindProvision:  paced(d.provision),
		models.KindProfile:    paced(d.profile),
		models.KindRevoke:     d.revoke,
		models.KindBan:        d.ban,
		models.KindRemove:     d.remove,
		models.KindFriend:     d.friend,
		models.KindBlock:      d.block,
		models.KindIMPassword: d.imPassword,
		models.KindRelations:  d.relations(slow),
		models.KindAllow:      d.allow(rate.NewLimiter(rate.Limit(d.Rate*allowShare), max(1, int(d.Rate*allowShare)))),
	}
}

// person is today's truth; a subject that never was needs nothing.
func (d *Delivery) person(ctx context.Context, id string) (models.User, bool, error) {
	u, err := d.Store.UserEver(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return u, false, nil
	}
	return u, err == nil, err
}

func (d *Delivery) provision(ctx context.Context, id string) error {
	u, ok, err := d.person(ctx, id)
	if err != nil || !ok || u.Status != models.StatusActive || u.IMState != models.IMPending {
		return err
	}
	return d.Issuer.Provision(ctx, id)
}

func (d *Delivery) profile(ctx context.Context, id string) error {
	profiler, able := d.Cloud.(im.Profiler)
	u, ok, err := d.person(ctx, id)
	if err != nil || !ok || !able || u.Status == models.StatusDeleted {
		return err
	}
	// A mint sends name and avatar too, and one that is under way may send older
	// ones than these.
	back, err := d.afterMint(ctx, id)
	if err != nil {
		return err
	}
	err = profiler.PutProfile(ctx, im.User{ID: u.IMID, Name: u.DisplayName(), AvatarURL: u.AvatarURL})
	// Who is pending here may be known there, by a mint whose answer was lost. Who
	// is not gets their name there with the first token.
	if err != nil && (u.IMState != models.IMPending || im.KindOf(err) != im.UnknownUser) {
		return err
	}
	return back
}

func (d *Delivery) revoke(ctx context.Context, id string) error {
	u, ok, err := d.person(ctx, id)
	if err != nil || !ok {
		return err
	}
	before, err := d.Store.Revocation(ctx, d.Issuer.App(), id)
	if err != nil || before.IsZero() {
		return err
	}
	ended, done, err := d.endByPassword(ctx, u, before)
	if err != nil && im.KindOf(err) != im.UnknownUser { // nobody at the cloud has no tokens there
		return err
	}
	if revoker, able := d.Cloud.(im.Revoker); able && !done && err == nil {
		if ended, err = revoker.RevokeBefore(ctx, u.IMID, before); err != nil && im.KindOf(err) != im.UnknownUser {
			return err
		}
		// Where that changed the password, the derived one is brought back. A crash
		// before this line leaves the revocation to be delivered again.
		if err := d.Store.LoseIMPassword(ctx, id); err != nil {
			return err
		}
	}
	if ended.IsZero() {
		ended = before
	}
	return d.Store.FinishRevocation(ctx, d.Issuer.App(), id, before, ended)
}

func (d *Delivery) ban(ctx context.Context, id string) error {
	banner, able := d.Cloud.(im.Banner)
	u, ok, err := d.person(ctx, id)
	if err != nil || !ok || !able || u.Status == models.StatusDeleted {
		return err
	}
	if u.Status != models.StatusBanned {
		err := banner.Unban(ctx, u.IMID)
		if im.KindOf(err) == im.UnknownUser {
			return nil
		}
		return err
	}
	err = banner.Ban(ctx, u.IMID, banFor)
	if im.KindOf(err) == im.UnknownUser {
		// They hold no token, and get none while they are banned here. A mint that
		// was under way may still make them known there.
		back, err := d.afterMint(ctx, id)
		return errors.Join(err, back)
	}
	if err != nil {
		return err
	}
	return &ComeBackError{At: d.Now().Add(banAgain)}
}

func (d *Delivery) remove(ctx context.Context, id string) error {
	u, ok, err := d.person(ctx, id)
	if err != nil || !ok || u.Status != models.StatusDeleted {
		return err
	}
	remover, able := d.Cloud.(im.Remover)
	if !able {
		return d.Store.ScrubUser(ctx, id)
	}
	// A mint that was under way when they were deleted would register them anew.
	// One that begins later reads, under its lease, that they are deleted.
	if back, err := d.afterMint(ctx, id); err != nil || back != nil {
		return errors.Join(err, back)
	}
	if err := remover.Remove(ctx, u.IMID); err != nil && im.KindOf(err) != im.UnknownUser {
		return err
	}
	return d.Store.ScrubUser(ctx, id)
}

// afterMint is when to come back where a mint may be at the cloud now, and nil
// where none is.
func (d *Delivery) afterMint(ctx context.Context, id string) (back, err error) {
	until, err := d.Store.MintUnderWay(ctx, id)
	if err != nil || until.IsZero() {
		return nil, err
	}
	return &ComeBackError{At: until}, nil
}
