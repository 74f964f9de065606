package handlers

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// identify gives the request an id: the client's own, if it is harmless to log.
func (h *api) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !harmlessID(id) {
			id = rand.Text()
		}
		c.Set(requestIDKey, id)
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func harmlessID(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		switch b := id[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '.', b == '_', b == '-':
		default:
			return false
		}
	}
	return true
}

// observe answers errors, then logs and measures. It knows routes by their
// patterns only: a path may hold anything.
func (h *api) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := h.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		r, w := c.Request(), c.Response()
		took, method, route := h.Now().Sub(start), knownMethod(r.Method), h.pattern(c)
		h.Metrics.http.WithLabelValues(method, route, statusClass(w.Status)).Observe(took.Seconds())
		level := slog.LevelInfo
		if route == "/livez" || route == "/readyz" || route == "/metrics" {
			level = slog.LevelDebug
		}
		if ctx := r.Context(); h.Log.Enabled(ctx, level) {
			h.Log.LogAttrs(ctx, level, "request", slog.String("method", method), slog.String("route", route), slog.Int("status", w.Status),
				slog.Duration("took", took), slog.Int64("bytes", w.Size), slog.String("request_id", requestID(c)))
		}
		return nil
	}
}

// pattern is the route's, "unmatched" where there is none.
func (h *api) pattern(c echo.Context) string {
	if p := c.Path(); h.patterns[p] {
		return p
	}
	return "unmatched"
}

func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodHead:
		return m
	}
	return "other"
}

func statusClass(status int) string {
	switch {
	case status < 200:
		return "1xx"
	case status < 300:
		return "2xx"
	case status < 400:
		return "3xx"
	case status < 500:
		return "4xx"
	}
	return "5xx"
}

// recover turns a panic into an error with a code. The stack is logged; the
// client learns nothing of it.
func (h *api) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares the very value
				panic(p)
			}
			// The value of a panic may hold what a client sent; its type cannot.
			h.Log.ErrorContext(c.Request().Context(), "panic", "request_id", requestID(c), "route", h.pattern(c),
				"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = &problem{code: "internal"}
		}()
		return next(c)
	}
}

// protect limits the body and sets what browsers are to mind.
func (h *api) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Referrer-Policy", "no-referrer")
		if strings.HasPrefix(c.Path(), "/v1/") {
			header.Set("Cache-Control", "no-store")
		}
		r, limit := c.Request(), bodyLimit(c)
		if r.ContentLength > limit {
			header.Set("Connection", "close")
			return &problem{code: "body_too_large"}
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, limit)
		}
		return next(c)
	}
}

// cors answers pages of the origins that the operator named, and no others: it
// never says "*" and never repeats an origin that is not on the list.
func (h *api) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(h.Settings.CORSOrigins) == 0 {
			return next(c)
		}
		r, header := c.Request(), c.Response().Header()
		header.Add(echo.HeaderVary, echo.HeaderOrigin)
		from := r.Header.Get(echo.HeaderOrigin)
		if !slices.Contains(h.Settings.CORSOrigins, from) {
			return next(c)
		}
		header.Set(echo.HeaderAccessControlAllowOrigin, from)
		if r.Method != http.MethodOptions || r.Header.Get(echo.HeaderAccessControlRequestMethod) == "" {
			header.Set(echo.HeaderAccessControlExposeHeaders, "Retry-After, ETag, X-Request-ID")
			return next(c)
		}
		header.Add(echo.HeaderVary, echo.HeaderAccessControlRequestMethod)
		header.Add(echo.HeaderVary, echo.HeaderAccessControlRequestHeaders)
		header.Set(echo.HeaderAccessControlAllowMethods, "GET, POST, PUT, PATCH, DELETE")
		header.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, If-Match, Idempotency-Key, X-Device-Name")
		header.Set(echo.HeaderAccessControlMaxAge, "600")
		return noContent(c)
	}
}
