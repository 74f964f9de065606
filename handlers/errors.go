package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
	"imbridge/tokens/im"
)

// A problem is an error that knows its code. Handlers and middleware return one
// where no error of models or tokens says the same. It never holds a value that
// a client sent.
type problem struct {
	code       string
	detail     string
	fields     []fieldProblem
	retryAfter time.Duration
}

type fieldProblem struct {
	Field string `json:"field"`
	Wrong string `json:"wrong"`
}

func (p *problem) Error() string {
	switch {
	case len(p.fields) > 0:
		return p.code + ": " + p.fields[0].Field + " " + p.fields[0].Wrong
	case p.detail != "":
		return p.code + ": " + p.detail
	}
	return p.code
}

// wrongField is a problem with one field.
func wrongField(code, field, wrong string) *problem {
	return &problem{code: code, fields: []fieldProblem{{field, wrong}}}
}

// defaultRetry is what clients are told where nobody knows how long it takes.
const defaultRetry = 5 * time.Second

// problemOf finds the code of an error. This is the only place that knows.
func problemOf(err error) *problem {
	var (
		p         *problem
		cloud     *im.Error
		throttled *models.ThrottledError
		tooOften  *tokens.TooOftenError
		asked     *models.AskedTooOftenError
		taken     *models.TakenError
		field     *models.FieldError
		fields    models.FieldErrors
		tooLarge  *http.MaxBytesError
		routing   *echo.HTTPError
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &cloud):
		return &problem{code: "im_unavailable", retryAfter: max(cloud.RetryAfter, 0)}
	case errors.As(err, &throttled):
		return &problem{code: "throttled", retryAfter: throttled.RetryAfter}
	case errors.As(err, &tooOften):
		return &problem{code: "refused_too_often", retryAfter: tooOften.RetryAfter}
	case errors.As(err, &asked):
		return &problem{code: "asked_too_often", retryAfter: asked.RetryAfter}
	case errors.As(err, &taken):
		if _, known := problemKinds[taken.Field+"_taken"]; known {
			p := wrongField(taken.Field+"_taken", taken.Field, "is taken")
			for _, name := range taken.Also {
				p.fields = append(p.fields, fieldProblem{name, "is taken"})
			}
			return p
		}
	case errors.As(err, &fields):
		p := &problem{code: "invalid_field"}
		for _, f := range fields {
			p.fields = append(p.fields, fieldProblem{f.Field, f.Wrong})
		}
		return p
	case errors.As(err, &field):
		return wrongField("invalid_field", field.Field, field.Wrong)
	case errors.As(err, &tooLarge):
		return &problem{code: "body_too_large"}
	case errors.As(err, &routing):
		if code, known := routingProblems[routing.Code]; known {
			return &problem{code: code}
		}
	}
	for _, known := range knownErrors {
		if errors.Is(err, known.err) {
			return &problem{code: known.code}
		}
	}
	return &problem{code: "internal"}
}

var knownErrors = []struct {
	err  error
	code string
}{
	{models.ErrBadCredentials, "bad_credentials"},
	{models.ErrSessionEnded, "session_ended"},
	{models.ErrRefreshInvalid, "refresh_invalid"},
	{models.ErrRefreshReplayed, "refresh_replayed"},
	{models.ErrBanned, "banned"},
	{models.ErrKeyReused, "idempotency_key_reused"},
	{models.ErrKeySpent, "idempotency_key_spent"},
	{models.ErrHashBusy, "busy"},
	{models.ErrUnavailable, "database_unavailable"},
	{models.ErrStale, "changed_meanwhile"},
	{models.ErrNotFound, "not_found"},
	{models.ErrSelf, "not_yourself"},
	{models.ErrFriendsFull, "friend_limit"},
	{models.ErrRequestsFull, "request_limit"},
	{models.ErrBlocksFull, "block_limit"},
	{models.ErrBlocking, "person_blocked"},
	{models.ErrRequestClosed, "request_closed"},
	{models.ErrSecretReplaced, "secret_replaced"},
	{tokens.ErrAccessExpired, "token_expired"},
	{tokens.ErrAccessInvalid, "token_invalid"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "timeout"},
}

// routingProblems are what echo itself answers.
var routingProblems = map[int]string{
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestEntityTooLarge: "body_too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
}

// problemBody is RFC 9457.
type problemBody struct {
	Type       string         `json:"type"`
	Title      string         `json:"title"`
	Status     int            `json:"status"`
	Detail     string         `json:"detail,omitempty"`
	Code       string         `json:"code"`
	RequestID  string         `json:"request_id"`
	Field      string         `json:"field,omitempty"`
	Fields     []fieldProblem `json:"fields,omitempty"`
	RetryAfter int            `json:"retry_after,omitempty"`
}

// answerError is echo's error handler.
func (h *api) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := problemOf(err)
	kind := problemKinds[p.code]
	body := problemBody{Type: "/docs/errors#" + p.code, Title: kind.Title, Status: kind.Status, Detail: p.detail, Code: p.code,
		RequestID: requestID(c), Fields: p.fields}
	if len(p.fields) > 0 {
		body.Field = p.fields[0].Field
		if body.Detail == "" {
			body.Detail = body.Field + " " + p.fields[0].Wrong
		}
	}
	if body.Detail == "" {
		body.Detail = kind.Detail
	}
	header := c.Response().Header()
	if kind.Retry {
		body.RetryAfter = seconds(p.retryAfter)
		header.Set("Retry-After", strconv.Itoa(body.RetryAfter))
	}
	if kind.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", challenge(p.code))
	}
	header.Set("Cache-Control", "no-store")
	h.Metrics.problems.WithLabelValues(p.code).Inc()
	if kind.Status >= http.StatusInternalServerError {
		level := slog.LevelWarn
		if p.code == "internal" {
			level = slog.LevelError
		}
		h.Log.Log(c.Request().Context(), level, "request not served", "request_id", body.RequestID, "code", p.code, "err", err)
	}
	if wantsPage(c) {
		if err := h.showProblem(c, body); err == nil {
			return
		}
	}
	header.Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(kind.Status)
	if c.Request().Method == http.MethodHead {
		return
	}
	if err := json.NewEncoder(c.Response()).Encode(body); err != nil {
		h.Log.DebugContext(c.Request().Context(), "answer not written", "request_id", body.RequestID, "err", err)
	}
}

// seconds is d for Retry-After: whole seconds, rounded up, at least one.
func seconds(d time.Duration) int {
	if d <= 0 {
		d = defaultRetry
	}
	return max(1, int(math.Ceil(d.Seconds())))
}

// challenge is WWW-Authenticate as RFC 6750 has it.
func challenge(code string) string {
	switch code {
	case "token_invalid", "token_expired", "session_ended":
		return fmt.Sprintf(`Bearer realm="imbridge", error="invalid_token", error_description=%q`, problemKinds[code].Title)
	}
	return `Bearer realm="imbridge"`
}
