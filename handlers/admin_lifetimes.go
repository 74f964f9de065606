package handlers

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
)

type lifetimesResponse struct {
	Default lifetimeJSON       `json:"default"`
	Users   []userLifetimeJSON `json:"users"`
	Choices []string           `json:"choices"`
}

type lifetimeJSON struct {
	Lifetime string `json:"lifetime"`
	Version  int64  `json:"version"`
}

type userLifetimeJSON struct {
	UserID   string `json:"user_id"`
	Lifetime string `json:"lifetime"`
	Version  int64  `json:"version"`
}

func lifetimeName(d time.Duration) string { return tokens.Lifetime(d).String() }

// etag names a state of all lifetimes.
func etag(revision int64) string { return `"r` + strconv.FormatInt(revision, 10) + `"` }

func (h *api) lifetimes(c echo.Context) error {
	all, err := h.Store.Lifetimes(c.Request().Context())
	if err != nil {
		return err
	}
	out := lifetimesResponse{Default: lifetimeJSON{lifetimeName(all.Default.Lifetime), all.Default.Version},
		Users: make([]userLifetimeJSON, len(all.Users)), Choices: make([]string, len(h.Settings.Lifetimes))}
	for i, r := range all.Users {
		out.Users[i] = userLifetimeJSON{r.UserID, lifetimeName(r.Lifetime), r.Version}
	}
	for i, l := range h.Settings.Lifetimes {
		out.Choices[i] = l.String()
	}
	c.Response().Header().Set("ETag", etag(all.Revision))
	return c.JSON(http.StatusOK, out)
}

type lifetimeRequest struct {
	Lifetime string `json:"lifetime" validate:"required,max=32"`
}

func (h *api) bindLifetime(c echo.Context) (time.Duration, error) {
	in, err := bind[lifetimeRequest](c)
	if err != nil {
		return 0, err
	}
	l, err := tokens.ParseLifetime(in.Lifetime)
	if err != nil || !slices.Contains(h.Settings.Lifetimes, l) {
		names := make([]string, len(h.Settings.Lifetimes))
		for i, l := range h.Settings.Lifetimes {
			names[i] = l.String()
		}
		return 0, wrongField("invalid_field", "lifetime", "must be one of "+strings.Join(names, ", "))
	}
	return time.Duration(l), nil
}

func (h *api) setDefaultLifetime(c echo.Context) error {
	row, err := h.setLifetime(c, "")
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, lifetimeJSON{lifetimeName(row.Lifetime), row.Version})
}

func (h *api) setUserLifetime(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	row, err := h.setLifetime(c, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, userLifetimeJSON{id, lifetimeName(row.Lifetime), row.Version})
}

// setLifetime writes one lifetime under If-Match and sets the new ETag. A row's
// version is the revision of the list that it was written in, so that it names
// the state that this caller has seen, whatever others wrote since.
func (h *api) setLifetime(c echo.Context, userID string) (models.LifetimeRow, error) {
	matches, err := ifMatch(c)
	if err != nil {
		return models.LifetimeRow{}, err
	}
	lifetime, err := h.bindLifetime(c)
	if err != nil {
		return models.LifetimeRow{}, err
	}
	ctx := c.Request().Context()
	_, err = firstMatch(matches, func(m models.Match) error {
		return h.Store.SetLifetime(ctx, userID, lifetime, m, "admin:"+callerOf(c).ID, origin(c))
	})
	if err != nil {
		return models.LifetimeRow{}, err
	}
	all, err := h.Store.Lifetimes(ctx)
	if err != nil {
		return models.LifetimeRow{}, err
	}
	// The list is cut after many; what is not on it was written just now.
	row := models.LifetimeRow{UserID: userID, Lifetime: lifetime, Version: all.Revision}
	if userID == "" {
		row = all.Default
	} else if i := slices.IndexFunc(all.Users, func(r models.LifetimeRow) bool { return r.UserID == userID }); i >= 0 {
		row = all.Users[i]
	}
	c.Response().Header().Set("ETag", etag(row.Version))
	return row, nil
}

func (h *api) deleteUserLifetime(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	matches, err := ifMatch(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	used, err := firstMatch(matches, func(m models.Match) error {
		return h.Store.DeleteLifetime(ctx, id, m, "admin:"+callerOf(c).ID, origin(c))
	})
	if err != nil {
		return err
	}
	revision := int64(0)
	if used.Revision != nil {
		revision = *used.Revision + 1 // each change is one
	} else {
		all, err := h.Store.Lifetimes(ctx)
		if err != nil {
			return err
		}
		revision = all.Revision
	}
	c.Response().Header().Set("ETag", etag(revision))
	return noContent(c)
}

type previewResponse struct {
	Tokens int64 `json:"tokens"`
	DueNow int64 `json:"due_now"`
	Due1h  int64 `json:"due_1h"`
	Due24h int64 `json:"due_24h"`
}

func (h *api) previewDefaultLifetime(c echo.Context) error { return h.previewLifetime(c, "") }

func (h *api) previewUserLifetime(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	return h.previewLifetime(c, id)
}

func (h *api) previewLifetime(c echo.Context, userID string) error {
	lifetime, err := h.bindLifetime(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if userID != "" {
		if _, err := h.Store.User(ctx, userID); err != nil {
			return err
		}
	}
	p, err := h.Store.PreviewLifetime(ctx, h.Issuer.App(), h.Issuer.SecretVersion(), userID, lifetime)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, previewResponse{p.Tokens, p.DueNow, p.Due1h, p.Due24h})
}

// ifMatch reads what the caller saw before a change: the ETag of the list
// ("r7"), the version of the row ("7", also without quotes), or "*" for whatever
// is there. Several may be listed; one that is none of these fits nothing.
func ifMatch(c echo.Context) ([]models.Match, error) {
	header := strings.TrimSpace(strings.Join(c.Request().Header.Values("If-Match"), ","))
	if header == "" {
		return nil, &problem{code: "precondition_required"}
	}
	var matches []models.Match
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" {
			return []models.Match{{}}, nil
		}
		if len(part) > 1 && part[0] == '"' && part[len(part)-1] == '"' {
			part = part[1 : len(part)-1]
		}
		digits, revision := strings.CutPrefix(part, "r")
		n, err := strconv.ParseInt(digits, 10, 64)
		switch {
		case err != nil || n < 0 || strconv.FormatInt(n, 10) != digits:
		case revision:
			matches = append(matches, models.Match{Revision: &n})
		default:
			matches = append(matches, models.Match{Version: &n})
		}
	}
	return matches, nil
}

// firstMatch makes the change under the first match that fits, and returns it.
func firstMatch(matches []models.Match, change func(models.Match) error) (models.Match, error) {
	// A few are enough for anybody, and each costs a transaction.
	for _, m := range matches[:min(len(matches), 4)] {
		if err := change(m); !errors.Is(err, models.ErrStale) {
			return m, err
		}
	}
	return models.Match{}, &problem{code: "precondition_failed"}
}
