package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"imbridge/config"
	"imbridge/handlers"
	"imbridge/tokens/im"
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

// allowPatience bounds the question whether a cloud has allow lists.
const allowPatience = 5 * time.Second

// allowLists tells whether the cloud has allow lists and they are switched on. It
// asks for the list of somebody who should not exist.
func allowLists(ctx context.Context, c cloud) (bool, error) {
	allower, able := c.Cloud.(im.Allower)
	if !able {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, allowPatience)
	defer cancel()
	_, err := allower.Allowed(ctx, "imbridgecheck")
	switch im.KindOf(err) {
	case im.Quota:
		return false, nil
	case im.UnknownUser:
		return true, nil
	}
	return err == nil, err
}

// friendsByList tells whether friends are to stand on each other's allow lists. A
// cloud that cannot be asked now has them until it says otherwise: what is written
// in vain is given up with a notice, what is not written keeps friends apart.
func friendsByList(ctx context.Context, cfg config.Config, c cloud, log *slog.Logger) bool {
	if _, keeps := c.Cloud.(im.Friender); keeps || !cfg.Messages.RequireFriendship {
		return false
	}
	if cfg.IM.Cloud == "sandbox" { // it begins to answer later in this process, and has them
		_, able := c.Cloud.(im.Allower)
		return able
	}
	on, err := allowLists(ctx, c)
	if err != nil {
		log.WarnContext(ctx, "cloud does not tell whether it has allow lists", "err", err)
		_, on = c.Cloud.(im.Allower)
	}
	log.InfoContext(ctx, "messages between friends only", "allow_lists", on)
	return on
}
