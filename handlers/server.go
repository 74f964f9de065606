package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
)

// Deps is what the API stands on. All fields but CloudState, Health, Metrics and
// Log must be set.
type Deps struct {
	Store    *models.Store
	Issuer   *tokens.Issuer
	Access   *tokens.Access
	Settings Settings
	// Metrics counts what happens; nil counts for nobody.
	Metrics *Metrics
	// Log gets one line for each request; nil discards it.
	Log *slog.Logger
	Now func() time.Time
	// CloudState is the breaker's "closed", "open" or "half-open". May be nil.
	CloudState func() string
	// RotateCloudSecret marks all tokens of the app secret in use as stale.
	RotateCloudSecret func(ctx context.Context, actor string, o models.Origin) error
	// Overview remembers the last hour for the admin console. Nil makes one that
	// nobody runs: it knows only what is.
	Overview *Overview
	// Callbacks answers what the cloud asks before it delivers a message. Its zero
	// value has no such routes.
	Callbacks Callbacks
	// Health is shared by the two listeners, and by whoever stops the process.
	// Nil makes one of its own.
	Health *Health
}

// Settings are the API's own.
type Settings struct {
	// Version of this build, told by /livez.
	Version string
	// RegisterBudget is how long register and login may wait for a connect
	// token; zero does not wait at all.
	RegisterBudget time.Duration
	// Bundled tells that this binary holds the cloud's SDK for pages.
	Bundled bool
	// Rollback takes a registration back when the cloud gives no token for it
	// within RegisterBudget. Otherwise the person is registered, and the token
	// follows.
	Rollback bool
	// TokenBudget is how long a request for a connect token may take.
	TokenBudget time.Duration
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// CORSOrigins are the exact origins of pages that may call the API.
	CORSOrigins []string
	// ConnectSources are the IM cloud's origins (http and ws) that pages may connect
	// to, as a Content-Security-Policy names them.
	ConnectSources []string
	// Lifetimes are what an admin may choose from.
	Lifetimes []tokens.Lifetime
	// ConsoleLifetime is what the cloud's console grants a token; zero is for ever.
	ConsoleLifetime time.Duration
	// MintsPerSecond is this process's share of what the cloud mints in a second;
	// zero: nobody knows.
	MintsPerSecond float64
	// Sandbox tells that the cloud is an emulated one.
	Sandbox bool
}

const (
	// maxBody bounds every request body, in bytes.
	maxBody = 64 << 10
	// requestTimeout bounds every request that has no budget of its own. It is
	// above what a full queue of password hashes takes.
	requestTimeout = 20 * time.Second
)

// api is what the handlers hang on.
type api struct {
	Deps
	pages    *pages
	patterns map[string]bool // of the routes
	searches quota           // of people by name, by person
	lookups  quota           // of people by id, by person
	changes  quota           // of friends, requests and blocks, by person
	asking   chan struct{}   // has an entry for each callback that asks the database
	toldAt   atomic.Int64    // when admins were last told of registrations taken back, in microseconds
}

func newAPI(d Deps) *api {
	if d.Metrics == nil {
		d.Metrics = NewMetrics()
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Overview == nil {
		d.Overview = &Overview{Metrics: d.Metrics, Now: d.Now}
	}
	if d.Health == nil {
		d.Health = &Health{}
	}
	return &api{Deps: d, patterns: make(map[string]bool), searches: quota{most: searchesAMinute}, lookups: quota{most: lookupsAMinute}, changes: quota{most: changesAMinute},
		asking: make(chan struct{}, maxAsking)}
}

// New is the public API.
func New(d Deps) *echo.Echo {
	h := newAPI(d)
	h.pages = newPages()
	e := h.server()

	// Not groups: a group with middleware of its own answers unknown paths too.
	var (
		public = []echo.MiddlewareFunc{h.deadline}
		token  = []echo.MiddlewareFunc{h.requireToken}
		user   = []echo.MiddlewareFunc{h.deadline, h.requireUser}
		admin  = []echo.MiddlewareFunc{h.deadline, h.requireAdmin}
	)

	e.POST("/v1/register", h.register, public...)
	e.POST("/v1/login", h.login, public...)
	e.POST("/v1/session/refresh", h.refreshSession, public...)

	// A connect token is fetched more often than anything else: these two prove
	// the session in the same SELECT that reads the token.
	e.GET("/v1/im/token", h.imToken, token...)
	e.POST("/v1/im/token/refused", h.imTokenRefused, token...)

	e.POST("/v1/logout", h.logout, user...)
	e.GET("/v1/sessions", h.sessions, user...)
	e.DELETE("/v1/sessions/:id", h.endSession, user...)
	e.GET("/v1/me", h.me, user...)
	e.PATCH("/v1/me", h.changeMe, user...)
	e.DELETE("/v1/me", h.deleteMe, user...)
	e.PUT("/v1/me/password", h.changePassword, user...)
	e.GET("/v1/people", h.people, user...)

	e.GET("/v1/friends", h.friends, user...)
	e.PUT("/v1/friends/:id/remark", h.setRemark, user...)
	e.DELETE("/v1/friends/:id", h.removeFriend, user...)
	e.GET("/v1/friends/requests", h.friendRequests, user...)
	e.POST("/v1/friends/requests", h.requestFriend, user...)
	e.POST("/v1/friends/requests/:id/accept", h.answerRequest(h.acceptRequest), user...)
	e.POST("/v1/friends/requests/:id/decline", h.answerRequest(h.declineRequest), user...)
	e.DELETE("/v1/friends/requests/:id", h.answerRequest(h.withdrawRequest), user...)
	e.GET("/v1/blocks", h.blocks, user...)
	e.POST("/v1/blocks", h.blockMany, user...)
	e.PUT("/v1/blocks/:id", h.blockUser, user...)
	e.DELETE("/v1/blocks/:id", h.unblockUser, user...)

	// The clouds' own, outside of sessions: each proves itself by its signature.
	e.POST(RongCloudCallbackPath, h.rongCloudCallback)
	e.POST(EasemobCallbackPath, h.easemobCallback)

	e.POST("/v1/admin/login", h.adminLogin, public...)
	e.GET("/v1/admin/overview", h.overview, admin...)
	e.GET("/v1/admin/lifetimes", h.lifetimes, admin...)
	e.PUT("/v1/admin/lifetimes/default", h.setDefaultLifetime, admin...)
	e.POST("/v1/admin/lifetimes/default/preview", h.previewDefaultLifetime, admin...)
	e.PUT("/v1/admin/lifetimes/users/:id", h.setUserLifetime, admin...)
	e.DELETE("/v1/admin/lifetimes/users/:id", h.deleteUserLifetime, admin...)
	e.POST("/v1/admin/lifetimes/users/:id/preview", h.previewUserLifetime, admin...)
	e.GET("/v1/admin/users", h.users, admin...)
	e.GET("/v1/admin/users/:id", h.user, admin...)
	e.DELETE("/v1/admin/users/:id", h.deleteUser, admin...)
	e.POST("/v1/admin/users/:id/reissue", h.reissue, admin...)
	e.POST("/v1/admin/users/:id/ban", h.banUser, admin...)
	e.POST("/v1/admin/users/:id/unban", h.unbanUser, admin...)
	e.POST("/v1/admin/users/:id/end-sessions", h.endUserSessions, admin...)
	e.GET("/v1/admin/queue", h.queue, admin...)
	e.POST("/v1/admin/queue/retry", h.retryQueue, admin...)
	e.POST("/v1/admin/queue/drop", h.dropQueue, admin...)
	e.GET("/v1/admin/notices", h.notices, admin...)
	e.POST("/v1/admin/notices/:id/resolve", h.resolveNotice, admin...)
	e.GET("/v1/admin/audit", h.audit, admin...)
	e.GET("/v1/admin/clouds", h.clouds, admin...)
	e.POST("/v1/admin/clouds/current/rotate", h.rotateCloud, admin...)
	e.POST("/v1/admin/signing-keys/rotate", h.rotateSigningKeys, admin...)

	e.GET("/.well-known/jwks.json", h.jwks)
	h.mountHealth(e)
	h.mountDocs(e)
	h.mountPages(e)
	h.mountAdminPages(e)
	return h.sealed(e)
}

// Ops is what operators see, on a listener of its own.
func Ops(d Deps) *echo.Echo {
	h := newAPI(d)
	e := h.server()
	e.GET("/metrics", echo.WrapHandler(h.Metrics.handler()))
	h.mountHealth(e)
	return h.sealed(e)
}

// server is an empty router with everything around it.
func (h *api) server() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = h.answerError
	e.IPExtractor = h.address
	e.Use(h.identify, h.observe, h.recover, h.protect, h.cors)
	return e
}

// sealed remembers which route patterns there are, so that nothing that a client
// makes up becomes a label or a line.
func (h *api) sealed(e *echo.Echo) *echo.Echo {
	for _, r := range e.Routes() {
		h.patterns[r.Path] = true
	}
	return e
}

func (h *api) mountHealth(e *echo.Echo) {
	e.GET("/livez", h.livez)
	e.GET("/readyz", h.readyz)
}

func (h *api) mountDocs(e *echo.Echo) {
	e.GET("/openapi.yaml", h.openapi)
	e.GET("/docs", h.docs)
	e.GET("/docs/errors", h.docsErrors)
	e.GET("/docs/static/:file", h.docsStatic)
}

func noContent(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
