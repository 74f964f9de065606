package outbox

import (
	"context"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"imbridge/models"
	"imbridge/tokens/im"
)

// relationsPage is with how many others one delivery tells what is between them.
const relationsPage = 50

// relations has a cloud that knows a person since their first token told of all
// that is between them and others whom it knows, by a row for each: those take
// their turns with what changes meanwhile. So that they leave the quota to that,
// they are written no faster than slow lets them. A subject without a colon is the
// beginning.
func (d *Delivery) relations(slow *rate.Limiter) Deliverer {
	return func(ctx context.Context, subject string) error {
		id, _, _ := strings.Cut(subject, ":")
		u, ok, err := d.person(ctx, id)
		if err != nil || !ok || u.Status == models.StatusDeleted {
			return err
		}
		// Who has no friends has a list, too: it keeps strangers out.
		if _, on, err := d.lists(ctx); err != nil {
			return err
		} else if on && subject == id {
			if err := d.Store.AskAllowList(ctx, id); err != nil {
				return err
			}
		}
		page, err := d.Store.RelationsOf(ctx, im.App(d.Cloud), subject, min(relationsPage, slow.Burst()))
		if err != nil {
			return err
		}
		if page.Others > 0 {
			if err := slow.WaitN(ctx, page.Others); err != nil {
				return d.noTurn(err)
			}
		}
		return d.Store.TellRelations(ctx, page)
	}
}

func (d *Delivery) noTurn(err error) error {
	return &im.Error{Cloud: d.Cloud.Name(), Op: "outbox", Kind: im.Throttled, Message: "no turn within the time of an attempt", RetryAfter: time.Second, Err: err}
}
