package main

import (
	"strings"

	"imbridge/config"
	"imbridge/handlers"
)

// callbacks is how the cloud's question before each message is answered.
func callbacks(cfg config.Config, c cloud) handlers.Callbacks {
	out := handlers.Callbacks{AppKey: c.AppKey(), RequireFriendship: cfg.Messages.RequireFriendship, RefuseWhenUnsure: cfg.Messages.WhenUnsure == "refuse"}
	switch c.Name() {
	case "rongcloud":
		out.RongCloud = handlers.RongCloudProof(cfg.IM.RongCloud.AppSecret.Reveal())
	case "easemob":
		if secrets := strings.Fields(cfg.Messages.EasemobSecret.Reveal()); len(secrets) > 0 {
			out.Easemob = handlers.EasemobProof(secrets...)
		}
	}
	return out
}
