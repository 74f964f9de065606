package easemob

import "imbridge/tokens/im/calls"

// perSecond is what one app key may do in a second, as documented at
// https://doc.easemob.com/product/limitationapi.html. All calls about users share
// one limit, contacts, blocks and metadata have one for each endpoint.
var perSecond = map[calls.Class]int{
	"token":            300,
	"users":            100,
	"contacts.add":     100,
	"contacts.remove":  100,
	"contacts.list":    100,
	"contacts.all":     100,
	"contacts.remark":  100,
	"contacts.import":  100,
	"blocks.add":       50,
	"blocks.remove":    50,
	"blocks.list":      50,
	"metadata.put":     100,
	"metadata.get":     100,
	"metadata.several": 100,
	"metadata.delete":  100,
}

// All calls are safe to repeat: a token is one more, creating says that somebody
// is there already, the others set a state or read one.
var (
	opAppToken   = calls.Op{Path: "POST /token (app)", Class: "token"}
	opToken      = calls.Op{Path: "POST /token", Class: "token"}
	opCreate     = calls.Op{Path: "POST /users", Class: "users"}
	opUser       = calls.Op{Path: "GET /users/{id}", Class: "users"}
	opUsers      = calls.Op{Path: "GET /users", Class: "users"}
	opDelete     = calls.Op{Path: "DELETE /users/{id}", Class: "users"}
	opPassword   = calls.Op{Path: "PUT /users/{id}/password", Class: "users"}
	opDeactivate = calls.Op{Path: "POST /users/{id}/deactivate", Class: "users"}
	opActivate   = calls.Op{Path: "POST /users/{id}/activate", Class: "users"}
	opDisconnect = calls.Op{Path: "GET /users/{id}/disconnect", Class: "users"}
	opStatus     = calls.Op{Path: "GET /users/{id}/status", Class: "users"}

	opAddFriend     = calls.Op{Path: "POST /users/{id}/contacts/users/{id}", Class: "contacts.add"}
	opRemoveFriend  = calls.Op{Path: "DELETE /users/{id}/contacts/users/{id}", Class: "contacts.remove"}
	opFriends       = calls.Op{Path: "GET /user/{id}/contacts", Class: "contacts.list"}
	opAllFriends    = calls.Op{Path: "GET /users/{id}/contacts/users", Class: "contacts.all"}
	opRemark        = calls.Op{Path: "PUT /user/{id}/contacts/users/{id}", Class: "contacts.remark"}
	opImportFriends = calls.Op{Path: "POST /users/{id}/contacts/import", Class: "contacts.import"}

	opBlock   = calls.Op{Path: "POST /users/{id}/blocks/users", Class: "blocks.add"}
	opUnblock = calls.Op{Path: "DELETE /users/{id}/blocks/users/{id}", Class: "blocks.remove"}
	opBlocked = calls.Op{Path: "GET /users/{id}/blocks/users", Class: "blocks.list"}

	opPutMetadata     = calls.Op{Path: "PUT /metadata/user/{id}", Class: "metadata.put"}
	opMetadata        = calls.Op{Path: "GET /metadata/user/{id}", Class: "metadata.get"}
	opSeveralMetadata = calls.Op{Path: "POST /metadata/user/get", Class: "metadata.several"}
	opDeleteMetadata  = calls.Op{Path: "DELETE /metadata/user/{id}", Class: "metadata.delete"}
)
