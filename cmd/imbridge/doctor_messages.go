package main

import (
	"context"
	"strings"

	"imbridge/config"
	"imbridge/handlers"
)

// messages tells what keeps messages between friends, and what is left to do in
// the cloud's console.
func (d *doctor) messages(ctx context.Context, cfg config.Config) {
	if !cfg.Messages.RequireFriendship || cfg.IM.Cloud == "sandbox" {
		return
	}
	address := strings.TrimSuffix(cfg.Server.PublicURL, "/")
	if address == "" {
		address = "https://THIS-SERVER"
	}
	if cfg.Client() == "easemob" {
		// No call tells how it stands.
		d.note("messages", "friends only is a switch in Easemob's console, which no API tells: see that messages to strangers are refused there, with error 221")
		if cfg.Messages.EasemobSecret.IsSet() {
			d.note("messages", "the callback is answered: in the console, a rule before sending for single chats to %s", address+handlers.EasemobCallbackPath)
		}
		return
	}
	callback := "switch the pre-messaging callback on for one-to-one chats in RongCloud's console, to " + address + handlers.RongCloudCallbackPath
	client, err := openCloud(cfg, nil)
	if err != nil {
		return // said already
	}
	on, err := allowLists(ctx, client)
	switch {
	case err != nil:
		d.wrong("messages", "whether RongCloud has allow lists cannot be told: "+err.Error(), callback+"; it needs no lists")
	case on:
		d.well("messages", "friends only, by RongCloud's allow lists")
		d.note("messages", "whose list is empty hears from everybody, unless the console's One-to-One Chat User Allowlist is on for the whole app; or %s", callback)
	default:
		d.well("messages", "friends only, by the callback: RongCloud has no allow lists for this app (code 1010)")
		d.note("messages", "%s", callback)
	}
	d.note("messages", "RongCloud does not tell who writes to a stranger that the callback dropped the message, unless its notice of blocked messages is on")
}
