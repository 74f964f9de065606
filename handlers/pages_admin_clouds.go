package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/tokens"
	"imbridge/tokens/im"
	"imbridge/web"
)

var cloudsNotices = map[string]string{"rotated": "admin.clouds.rotated"}

// A checker tries the cloud's credentials without changing anything.
type checker interface {
	Check(ctx context.Context) error
}

// checkBudget is how long a check of the credentials may take.
const checkBudget = 8 * time.Second

// cloudsView is the cloud in use.
type cloudsView struct {
	Name, AppKey string
	Sandbox      bool
	Abilities    []string
	// Missing are what other clouds can do and this one cannot.
	Missing []string
	// FriendsOurs: the cloud keeps no friends.
	FriendsOurs   bool
	Breaker       string
	SecretVersion int64
	Stale         int64
	// Console is what the cloud's console grants, Policy our default.
	Console, Policy string
	// ConsoleShorter: the cloud ends tokens before we would.
	ConsoleShorter bool
	CanCheck       bool
	// Checked is empty, "ok" or the kind of what is wrong.
	Checked string
}

var allAbilities = []string{"allow", "ban", "block", "check", "friend", "kick", "list", "password", "profile", "remark", "remove", "revoke", "watch"}

func (h *api) cloudsView(c echo.Context) (web.View, cloudsView, error) {
	ctx := c.Request().Context()
	version := h.Issuer.SecretVersion()
	stale, err := h.Store.StaleTokens(ctx, h.Issuer.App(), version)
	if err != nil {
		return web.View{}, cloudsView{}, err
	}
	all, err := h.Store.Lifetimes(ctx)
	if err != nil {
		return web.View{}, cloudsView{}, err
	}
	cloud := h.Issuer.Cloud
	console, policy := h.Settings.ConsoleLifetime, all.Default.Lifetime
	data := cloudsView{Name: cloud.Name(), AppKey: cloud.AppKey(), Sandbox: h.Settings.Sandbox, Abilities: tokens.Abilities(cloud), Breaker: "closed",
		SecretVersion: version, Stale: stale, Console: lifetimeName(console), Policy: lifetimeName(policy),
		ConsoleShorter: console > 0 && (policy == 0 || console < policy)}
	if h.CloudState != nil {
		data.Breaker = h.CloudState()
	}
	able := make(map[string]bool)
	for _, a := range data.Abilities {
		able[a] = true
	}
	for _, a := range allAbilities {
		if !able[a] {
			data.Missing = append(data.Missing, a)
		}
	}
	data.FriendsOurs = !able["friend"]
	_, data.CanCheck = cloud.(checker)
	v := h.adminView(c, "admin.clouds", "/admin/clouds", data)
	v.Notice = told(c, cloudsNotices)
	return v, data, nil
}

func (h *api) cloudsPage(c echo.Context) error {
	v, _, err := h.cloudsView(c)
	if err != nil {
		return err
	}
	return h.show(c, http.StatusOK, "admin_clouds", v)
}

type cloudPost struct {
	Do    string `json:"do" validate:"required,oneof=check rotate"`
	Typed string `json:"typed" validate:"max=255"`
	// Version is the secret's that the form was made from.
	Version string `json:"version" validate:"max=20"`
}

func (h *api) cloudsForm(c echo.Context) error {
	in, err := bindForm[cloudPost](c)
	if err == nil && in.Do == "rotate" {
		if err = h.rotateByForm(c, in); err == nil {
			h.Overview.forget()
			return done(c, "/admin/clouds?why=rotated")
		}
	}
	v, data, viewErr := h.cloudsView(c)
	if viewErr != nil {
		return viewErr
	}
	if err == nil {
		data.Checked = h.checkCloud(c)
		v.Data = data
		return h.show(c, http.StatusOK, "admin_clouds", v)
	}
	return h.again(c, err, "admin_clouds", v)
}

// checkCloud asks the cloud. Whatever it says is told in words of ours.
func (h *api) checkCloud(c echo.Context) string {
	cloud, ok := h.Issuer.Cloud.(checker)
	if !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), checkBudget)
	defer cancel()
	err := cloud.Check(ctx)
	if err == nil {
		return "ok"
	}
	h.Log.WarnContext(ctx, "credentials of the cloud did not pass", "request_id", requestID(c), "err", err)
	var wrong *im.Error
	switch {
	case errors.As(err, &wrong) && wrong.Kind == im.Unauthorized:
		return "refused"
	case errors.As(err, &wrong) && wrong.Kind == im.Invalid:
		return "other" // a clock that is off, most of all
	}
	return "unknown"
}

func (h *api) rotateByForm(c echo.Context, in cloudPost) error {
	version, err := formVersion(in.Version)
	if err != nil {
		return err
	}
	if version != h.Issuer.SecretVersion() {
		return staleForm()
	}
	if in.Typed != h.Issuer.Cloud.AppKey() {
		return wrongField("invalid_field", "typed", "is not allowed")
	}
	ctx := c.Request().Context()
	if err := h.RotateCloudSecret(ctx, adminActor(c), origin(c)); err != nil {
		return err
	}
	return h.Issuer.LoadSecretVersion(ctx)
}
