// Package handlers is the HTTP API: it reads a request, asks models or tokens,
// and answers.
//
// server.go lists every route. Each handler has four steps: who is calling
// (caller.go), what they want (bind.go), do it, answer. Errors travel up as they
// are; errors.go alone turns them into a status and a code, and problems.go
// lists the codes. openapi.yaml is the contract that tests hold the routes to.
//
// What is here:
//
//	users.go            register, the own profile, password, deletion
//	sessions.go         login, refresh, logout, the list of sessions
//	tokens.go           connect tokens, and the public keys of access tokens
//	admin.go            admins' login
//	admin_users.go      people: find, show, reissue, ban, log out, delete
//	admin_queue.go      what the cloud must still be told: list, retry, drop
//	admin_audit.go      what was done
//	admin_lifetimes.go  how long connect tokens live
//	admin_notices.go    what admins should know
//	admin_clouds.go     the apps at IM clouds, and their secrets' rotation
//	admin_keys.go       rotation of the keys that sign access tokens
//	health.go           /livez and /readyz
//	metrics.go          /metrics
//	people.go           finding others to write to
//	friends.go          friends, their remarks, and requests to become friends
//	blocks.go           whom one blocks
//	docs.go             the contract and the pages made from it
//	pages.go            the pages: their routes, who may see them, how they are shown
//	pages_cookie.go     cookies, and which requests they count for
//	pages_*.go          one noun each: forms of the same names as above
//
// This package writes no SQL, calls no cloud and reads no setting: cmd gives it
// all it needs in Deps. It never logs a body, a query, a header or a token.
package handlers
