package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"imbridge/tokens"
)

type cloudsResponse struct {
	Clouds []cloudJSON `json:"clouds"`
}

// cloudJSON is one app at an IM cloud.
type cloudJSON struct {
	Name   string `json:"name"`
	AppKey string `json:"app_key"`
	// Abilities are what the cloud can do beside minting.
	Abilities []string `json:"abilities"`
	Breaker   string   `json:"breaker"`
	// SecretVersion of the app secret that this process mints with, and how many
	// stored tokens are of an older one.
	SecretVersion int64 `json:"secret_version"`
	StaleTokens   int64 `json:"stale_tokens"`
	// ConsoleLifetime is what the settings say the cloud's console grants.
	ConsoleLifetime string `json:"console_lifetime"`
}

func (h *api) clouds(c echo.Context) error {
	version := h.Issuer.SecretVersion()
	stale, err := h.Store.StaleTokens(c.Request().Context(), h.Issuer.App(), version)
	if err != nil {
		return err
	}
	cloud := h.Issuer.Cloud
	out := cloudJSON{Name: cloud.Name(), AppKey: cloud.AppKey(), Abilities: tokens.Abilities(cloud), Breaker: "closed",
		SecretVersion: version, StaleTokens: stale, ConsoleLifetime: lifetimeName(h.Settings.ConsoleLifetime)}
	if h.CloudState != nil {
		out.Breaker = h.CloudState()
	}
	return c.JSON(http.StatusOK, cloudsResponse{Clouds: []cloudJSON{out}})
}

// rotateCloud marks the tokens of the current app stale. This process goes by it
// at once, the others when they look again.
func (h *api) rotateCloud(c echo.Context) error {
	ctx := c.Request().Context()
	if err := h.RotateCloudSecret(ctx, "admin:"+callerOf(c).ID, origin(c)); err != nil {
		return err
	}
	if err := h.Issuer.LoadSecretVersion(ctx); err != nil {
		return err
	}
	return noContent(c)
}
