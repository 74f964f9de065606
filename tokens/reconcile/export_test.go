package reconcile

import (
	"context"
	"time"
)

// OnRest replaces the waits between tries.
func (r *Reconciler) OnRest(wait func(ctx context.Context, d time.Duration) error) { r.wait = wait }

// Look is one look of Nightly.
func (n *Nightly) Look(ctx context.Context) error { return n.look(ctx) }
