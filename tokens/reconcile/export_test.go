package reconcile

import (
	"context"
	"time"
)

// OnRest replaces the waits between tries.
func (r *Reconciler) OnRest(wait func(ctx context.Context, d time.Duration) error) { r.wait = wait }
