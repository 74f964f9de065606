package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

// chatView is what the chat begins with; its script fetches the rest.
type chatView struct {
	User models.User
	// Cloud is the protocol that the SDK must speak, and names the script for it.
	Cloud string
	// Now is the time, as devices' clocks may be wrong.
	Now time.Time
	// Missing: the binary was built without the cloud's SDK.
	Missing bool
}

func (h *api) chatPage(c echo.Context) error {
	v := h.view(c, "chat.title")
	data := chatView{User: callerOf(c).User, Cloud: h.Issuer.Cloud.Name(), Now: h.Now(), Missing: !h.Settings.Bundled}
	v.Wide, v.Data = true, data
	if !data.Missing {
		v.Script = "chat.js"
	}
	return h.show(c, http.StatusOK, "chat", v)
}
