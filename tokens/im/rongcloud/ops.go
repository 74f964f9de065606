package rongcloud

// A class is a group of calls that share one documented limit. Where the
// documentation leaves open whether neighbours share theirs, they share here.
type class string

// perSecond is what one app key may do in a second, as documented on each
// call's page of https://docs.rongcloud.io/platform-chat-api.
var perSecond = map[class]int{
	"token":     200,
	"expire":    100,
	"refresh":   100,
	"info":      100,
	"ban":       100,
	"blacklist": 100,
	"online":    100,
	"remove":    100,
	// Not documented for the list of users; that of its neighbours.
	"list": 100,
}

// An op is one call of the server API. All of them are safe to repeat:
// getToken makes one more token, the others set a state or read one.
type op struct {
	path  string
	class class
}

var (
	opGetToken        = op{"/user/getToken.json", "token"}
	opExpire          = op{"/user/token/expire.json", "expire"}
	opRefresh         = op{"/user/refresh.json", "refresh"}
	opInfo            = op{"/user/info.json", "info"}
	opBan             = op{"/user/block.json", "ban"}
	opUnban           = op{"/user/unblock.json", "ban"}
	opBanned          = op{"/user/block/query.json", "ban"}
	opBlacklistAdd    = op{"/user/blacklist/add.json", "blacklist"}
	opBlacklistRemove = op{"/user/blacklist/remove.json", "blacklist"}
	opBlacklist       = op{"/user/blacklist/query.json", "blacklist"}
	opOnline          = op{"/user/checkOnline.json", "online"}
	opDeactivate      = op{"/user/deactivate.json", "remove"}
	opUsers           = op{"/user/query.json", "list"}
)
