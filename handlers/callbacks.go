package handlers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

// Callbacks is how the clouds' question "may this message go out?" is answered.
type Callbacks struct {
	// AppKey of the app whose messages they are.
	AppKey string
	// RongCloud proves a callback of RongCloud's; see RongCloudProof. Nil: the
	// cloud is another one, and the route is not there.
	RongCloud func(nonce, timestamp, signature string) bool
	// Easemob proves one of Easemob's; see EasemobProof. Nil like RongCloud.
	Easemob func(callID, timestamp, signature string) bool
	// RequireFriendship lets only friends write to each other. Off, everybody may
	// whom the recipient does not block.
	RequireFriendship bool
	// RefuseWhenUnsure keeps a message back when the database does not answer in
	// time. Off, it goes out, as it does at the clouds when we do not answer at all.
	RefuseWhenUnsure bool
}

const (
	// callbackFresh is how far the time in a callback may lie from ours, behind or
	// ahead. The clouds ask at once and give up after seconds, so that it is for
	// clocks alone: as much as both clouds and Check let pass the other way.
	callbackFresh = 5 * time.Minute
	// callbackSlack is how much longer a signature is remembered, for processes
	// whose clocks differ.
	callbackSlack = time.Minute
	// maxCallbackBody is in bytes. A content of 128 kB, the clouds' limit, has up
	// to three times as many in a form. What is cut off would be delivered unasked.
	maxCallbackBody = 512 << 10
	// maxAsking is how many callbacks ask the database at once. The pool has 40
	// connections by default, and an answer takes milliseconds.
	maxAsking = 16
	// rongCloudBudget is what the database gets of the 3 s that RongCloud waits.
	rongCloudBudget = time.Second
	// easemobBudget is the same of Easemob's 200 ms, which its console can raise.
	easemobBudget = 150 * time.Millisecond
)

// Outcomes of a callback, for the metric.
const (
	callbackPassed    = "passed"
	callbackRefused   = "refused"
	callbackUnsure    = "unsure"
	callbackForged    = "forged"
	callbackLate      = "late"
	callbackReplayed  = "replayed"
	callbackForeign   = "foreign"
	callbackMalformed = "malformed"
)

// isCallback tells whether a route is one of the clouds' own.
func isCallback(route string) bool {
	return route == RongCloudCallbackPath || route == EasemobCallbackPath
}

// bodyLimit is in bytes.
func bodyLimit(c echo.Context) int64 {
	if isCallback(c.Path()) {
		return maxCallbackBody
	}
	return maxBody
}

// A callback is a question whose signature has been proven.
type callback struct {
	cloud     string
	signature string
	at        time.Time
	budget    time.Duration
	from, to  string
	// personal: from one person to another, not to a group.
	personal bool
}

// refuseCallback counts what is not answered and says so.
func (h *api) refuseCallback(cloud, outcome string) error {
	h.Metrics.callbacks.WithLabelValues(cloud, outcome).Inc()
	return &problem{code: "callback_" + outcome}
}

// fresh reads the time of a callback: milliseconds, or seconds in the oldest form.
func (h *api) fresh(timestamp string) (at time.Time, ok bool) {
	n, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || n < 0 {
		return at, false
	}
	if at = time.UnixMilli(n); n < 1e11 {
		at = time.Unix(n, 0)
	}
	return at, h.Now().Sub(at).Abs() <= callbackFresh
}

// callbackBody reads all of a body within its limit.
func callbackBody(c echo.Context) ([]byte, error) {
	body, err := io.ReadAll(c.Request().Body)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return nil, &problem{code: "callback_malformed"}
	}
	return body, err
}

// pass answers the question in time, whatever the database does. The only error
// is that the callback was taken before.
func (h *api) pass(c echo.Context, q callback) (bool, models.Verdict, error) {
	ctx, cancel := context.WithTimeout(c.Request().Context(), q.budget)
	defer cancel()
	verdict, err := h.verdictInTime(ctx, q)
	if errors.Is(err, models.ErrReplayed) {
		return false, "", h.refuseCallback(q.cloud, callbackReplayed)
	}
	pass, outcome := true, callbackPassed
	switch {
	case err != nil:
		h.Log.WarnContext(ctx, "callback answered without the database", "cloud", q.cloud, "request_id", requestID(c), "err", err)
		pass, outcome = !h.Callbacks.RefuseWhenUnsure, callbackUnsure
	case verdict == models.VerdictStrangers && h.Callbacks.RequireFriendship, verdict == models.VerdictBlocked, verdict == models.VerdictGone:
		pass, outcome = false, callbackRefused
	}
	h.Metrics.callbacks.WithLabelValues(q.cloud, outcome).Inc()
	return pass, verdict, nil
}

// verdictInTime does not wait for a driver that goes on when its caller has given
// up: SQLite waits up to ten seconds for another writer, whatever the context says.
// Each that goes on keeps a connection, so that they are counted in asking and leave
// some to everybody else.
func (h *api) verdictInTime(ctx context.Context, q callback) (models.Verdict, error) {
	type found struct {
		verdict models.Verdict
		err     error
	}
	select {
	case h.asking <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	done := make(chan found, 1)
	go func() {
		defer func() { <-h.asking }()
		verdict, err := h.verdict(ctx, q)
		done <- found{verdict, err}
	}()
	select {
	case f := <-done:
		return f.verdict, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (h *api) verdict(ctx context.Context, q callback) (models.Verdict, error) {
	if err := h.Store.TakeCallback(ctx, q.cloud+" "+q.signature, q.at.Add(callbackFresh+callbackSlack)); err != nil {
		return "", err
	}
	if !q.personal {
		return models.VerdictSystem, nil
	}
	return h.Store.MayWrite(ctx, q.from, q.to)
}
