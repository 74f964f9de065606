package rongcloud

import "imbridge/tokens/im/calls"

// perSecond is what one app key may do in a second, as documented on each
// call's page of https://docs.rongcloud.io/platform-chat-api.
var perSecond = map[calls.Class]int{
	"token":     200,
	"expire":    100,
	"refresh":   100,
	"info":      100,
	"ban":       100,
	"blacklist": 100,
	"allowlist": 100,
	"allowing":  100,
	"online":    100,
	"remove":    100,
	// Not documented for the list of users; that of its neighbours.
	"list": 100,
}

// All calls are safe to repeat: getToken makes one more token, the others set a
// state or read one.
var (
	opGetToken        = calls.Op{Path: "/user/getToken.json", Class: "token"}
	opExpire          = calls.Op{Path: "/user/token/expire.json", Class: "expire"}
	opRefresh         = calls.Op{Path: "/user/refresh.json", Class: "refresh"}
	opInfo            = calls.Op{Path: "/user/info.json", Class: "info"}
	opBan             = calls.Op{Path: "/user/block.json", Class: "ban"}
	opUnban           = calls.Op{Path: "/user/unblock.json", Class: "ban"}
	opBanned          = calls.Op{Path: "/user/block/query.json", Class: "ban"}
	opBlacklistAdd    = calls.Op{Path: "/user/blacklist/add.json", Class: "blacklist"}
	opBlacklistRemove = calls.Op{Path: "/user/blacklist/remove.json", Class: "blacklist"}
	opBlacklist       = calls.Op{Path: "/user/blacklist/query.json", Class: "blacklist"}
	opAllowListAdd    = calls.Op{Path: "/user/whitelist/add.json", Class: "allowlist"}
	opAllowListRemove = calls.Op{Path: "/user/whitelist/remove.json", Class: "allowlist"}
	opAllowList       = calls.Op{Path: "/user/whitelist/query.json", Class: "allowlist"}
	opAllowListOn     = calls.Op{Path: "/user/whitesetting/set.json", Class: "allowing"}
	opOnline          = calls.Op{Path: "/user/checkOnline.json", Class: "online"}
	opDeactivate      = calls.Op{Path: "/user/deactivate.json", Class: "remove"}
	opUsers           = calls.Op{Path: "/user/query.json", Class: "list"}
)
