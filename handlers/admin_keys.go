package handlers

import "github.com/labstack/echo/v4"

type rotateKeysRequest struct {
	Emergency *bool `json:"emergency" validate:"required"`
}

func (h *api) rotateSigningKeys(c echo.Context) error {
	in, err := bind[rotateKeysRequest](c)
	if err != nil {
		return err
	}
	if err := h.Access.Keys.RotateNow(c.Request().Context(), *in.Emergency, "admin:"+callerOf(c).ID, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}
