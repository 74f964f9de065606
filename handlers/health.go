package handlers

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

const (
	// probeTimeout bounds the write and the read of a probe. With probeShared it
	// stays below two seconds: by then a process that cannot serve has said so.
	probeTimeout = 1100 * time.Millisecond
	// probeShared is how long one probe answers for all who ask, so that asking
	// often costs the database nothing.
	probeShared = 500 * time.Millisecond
)

// Health is whether this process can serve. Its zero value is ready to use.
type Health struct {
	draining atomic.Bool

	mu       sync.Mutex // one probe at a time
	probedAt time.Time
	probeErr error
	skew     time.Duration
}

// SetDraining makes /readyz say no from now on, while requests are still served.
func (h *Health) SetDraining() { h.draining.Store(true) }

// probe is a look at the database that is at most probeShared old.
func (h *Health) probe(ctx context.Context, store *models.Store, now func() time.Time) (time.Duration, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := now().Sub(h.probedAt); !h.probedAt.IsZero() && age >= 0 && age < probeShared {
		return h.skew, h.probeErr
	}
	// Others wait for the same answer, so that it does not end with this caller.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	h.skew, h.probeErr = store.Probe(ctx)
	h.probedAt = now()
	return h.skew, h.probeErr
}

type livezResponse struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

func (h *api) livez(c echo.Context) error {
	return c.JSON(http.StatusOK, livezResponse{Status: "alive", Version: h.Settings.Version})
}

type readyzResponse struct {
	Status   string       `json:"status"`
	Draining bool         `json:"draining"`
	Checks   healthChecks `json:"checks"`
}

type healthChecks struct {
	Database databaseCheck `json:"database"`
	Cloud    cloudCheck    `json:"cloud"`
}

type databaseCheck struct {
	OK          bool  `json:"ok"`
	ClockSkewMS int64 `json:"clock_skew_ms"`
}

type cloudCheck struct {
	State string `json:"state"`
	// Sandbox: the cloud is an emulated one.
	Sandbox bool `json:"sandbox"`
}

// readyz says no only for what another process would do better: a cloud that is
// down is down for all of them.
func (h *api) readyz(c echo.Context) error {
	skew, err := h.Health.probe(c.Request().Context(), h.Store, h.Now)
	cloud := "unknown"
	if h.CloudState != nil {
		cloud = h.CloudState()
	}
	out := readyzResponse{Status: "ready", Checks: healthChecks{Database: databaseCheck{OK: err == nil, ClockSkewMS: skew.Milliseconds()}, Cloud: cloudCheck{State: cloud, Sandbox: h.Settings.Sandbox}}}
	status := http.StatusOK
	switch {
	case h.Health.draining.Load():
		out.Status, out.Draining, status = "unready", true, http.StatusServiceUnavailable
	case err != nil:
		h.Log.WarnContext(c.Request().Context(), "not ready", "err", err)
		out.Status, status = "unready", http.StatusServiceUnavailable
	case cloud == "open":
		out.Status = "degraded"
	}
	return c.JSON(status, out)
}
