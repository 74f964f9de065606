package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

type adminLoginRequest struct {
	Name     string `json:"name" validate:"required,max=255"`
	Password string `json:"password" validate:"required,max=1024"`
}

type adminLoginResponse struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"`
}

func (h *api) adminLogin(c echo.Context) error {
	in, err := bind[adminLoginRequest](c)
	if err != nil {
		return err
	}
	admin, err := h.Store.AuthenticateAdmin(c.Request().Context(), in.Name, in.Password, origin(c))
	h.Metrics.login("admin", err)
	if err != nil {
		return err
	}
	access, expires, err := h.Access.SignAdmin(admin.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, adminLoginResponse{AccessToken: access, ExpiresIn: h.secondsUntil(expires)})
}
