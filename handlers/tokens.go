package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/tokens"
)

// connectTokenJSON is what an SDK connects with.
type connectTokenJSON struct {
	Cloud      string        `json:"cloud"`
	AppKey     string        `json:"app_key"`
	IMUserID   string        `json:"im_user_id"`
	Token      string        `json:"token"`
	IssuedAt   time.Time     `json:"issued_at"`
	ExpiresAt  *time.Time    `json:"expires_at"`
	RenewAfter *time.Time    `json:"renew_after"`
	ServerTime time.Time     `json:"server_time"`
	Endpoints  endpointsJSON `json:"endpoints"`
}

type endpointsJSON struct {
	Navigators []string `json:"navigators"`
	SocketURL  *string  `json:"socket_url"`
	APIURL     *string  `json:"api_url"`
}

func (h *api) connectTokenOf(t tokens.ConnectToken) *connectTokenJSON {
	navigators := t.Endpoints.Navigators
	if navigators == nil {
		navigators = []string{}
	}
	return &connectTokenJSON{Cloud: t.Cloud, AppKey: t.AppKey, IMUserID: t.IMUserID, Token: t.Value, IssuedAt: t.IssuedAt.UTC(),
		ExpiresAt: timeOrNull(t.ExpiresAt), RenewAfter: timeOrNull(t.RenewAfter), ServerTime: h.Now().UTC(), Endpoints: endpointsJSON{Navigators: navigators, SocketURL: orNull(t.Endpoints.SocketURL), APIURL: orNull(t.Endpoints.APIURL)}}
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// imToken is the hot path: the Issuer's SELECT proves the session and reads the
// token in one.
func (h *api) imToken(c echo.Context) error {
	who := callerOf(c)
	ctx, cancel := context.WithTimeout(c.Request().Context(), h.Settings.TokenBudget)
	defer cancel()
	token, err := h.Issuer.Token(ctx, who.ID, who.SessionID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, h.connectTokenOf(token))
}

type refusedRequest struct {
	Token string `json:"token" validate:"required,max=512"`
	// Code is the cloud's, as its SDK told it: 31004, 31020.
	Code *int `json:"code" validate:"required,min=0,max=999999"`
}

func (h *api) imTokenRefused(c echo.Context) error {
	who := callerOf(c)
	in, err := bind[refusedRequest](c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), h.Settings.TokenBudget)
	defer cancel()
	h.Log.InfoContext(ctx, "token reported refused", "request_id", requestID(c), "user_id", who.ID, "cloud_code", *in.Code)
	token, err := h.Issuer.Refused(ctx, who.ID, who.SessionID, in.Token)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, h.connectTokenOf(token))
}

// jwks are the public keys of access tokens, for whoever checks one without us.
// A new key is published longer before it signs than this may be cached.
func (h *api) jwks(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=300")
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, h.Access.Keys.JWKS())
}
