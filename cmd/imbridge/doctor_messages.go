package main

import (
	"context"
	"strings"
	"time"

	"imbridge/config"
	"imbridge/handlers"
	"imbridge/models"
	"imbridge/tokens/outbox"
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
	on, err := outbox.HasAllowLists(ctx, client.Cloud)
	switch {
	case err != nil:
		d.wrong("messages", "whether RongCloud has allow lists cannot be told: "+err.Error(), callback+"; it needs no lists")
	case on:
		d.well("messages", "friends only, by RongCloud's allow lists")
		d.note("messages", "until somebody's first list is there, a moment after their first token, only the console's One-to-One Chat User Allowlist for the whole app keeps strangers out; or %s", callback)
	default:
		d.well("messages", "friends only, by the callback: RongCloud has no allow lists for this app (code 1010)")
		d.note("messages", "%s", callback)
	}
	d.note("messages", "RongCloud does not tell who writes to a stranger that the callback dropped the message, unless its notice of blocked messages is on")
}

// allowLists tells how far everybody's allow list is what it is to be.
func (d *doctor) allowLists(ctx context.Context, cfg config.Config, store *models.Store) {
	state, err := store.AllowLists(ctx)
	var waiting, people int64
	if err == nil {
		waiting, _, err = store.AllowListsWaiting(ctx)
	}
	if err == nil {
		people, err = store.PeopleAt(ctx, state.App)
	}
	switch {
	case err != nil:
		d.wrong("lists", err.Error(), "check the rights of the user in database.dsn")
		return
	case state.Mode == "", state.Mode == models.AllowListsNone:
		return // messages tells what keeps strangers apart instead
	}
	if wanted := state.Mode == models.AllowListsOn; wanted != cfg.Messages.RequireFriendship {
		d.note("lists", "allow lists are %s at %s, for a server that was started with another messages.require_friendship", state.Mode, state.App)
	}
	if !state.Done.IsZero() && waiting == 0 {
		d.well("lists", "allow lists are %s for all %d people at %s", state.Mode, people, state.App)
		return
	}
	done, left := max(state.Asked-waiting, 0), "no end in sight yet"
	if done > 0 {
		seconds := time.Since(state.Since).Seconds() * float64(max(people-done, 0)) / float64(done)
		left = "about " + (time.Duration(seconds) * time.Second).String() + " left"
	}
	d.note("lists", "allow lists of %d of %d people at %s are %s since %s, %s", done, people, state.App, state.Mode, state.Since.Local().Format(time.DateTime), left)
}
