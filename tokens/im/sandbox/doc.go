// Package sandbox is an emulator of the IM clouds' server APIs: it runs in
// memory, on loopback, and refuses what the real cloud would refuse.
//
// It is a product of its own, for first runs, for tests and for demonstrations
// without an account at any cloud. Two HTTP handlers make it up:
//
//   - Handler is the cloud, in two dialects. It speaks RongCloud's server API,
//     with signatures, limits in bytes and in characters, error codes with their
//     HTTP statuses, rate limits, and tokens of RongCloud's own shape; and the
//     navigator and the web socket, so that RongCloud's own web SDK connects and
//     chats. Below /{org}/{app} it speaks Easemob's server API, with friends and
//     block lists, and on /ws the protocol of Easemob's web SDK.
//   - Control is the hand behind the curtain, on a port of its own. It shows
//     what the cloud holds and makes the cloud misbehave on demand.
//
// # Knobs
//
// Every knob of Control; docs/sandbox.md has each with its curl line.
//
//	GET  /                 this list
//	GET  /control/state    users, tokens (fingerprints, never values), bans, lists, settings, clock
//	GET  /control/calls    {path: count} since the start or the last reset
//	GET  /control/peaks    {path: most calls in any one-second window}
//	GET  /control/connections   live web sockets: user, device, protocol, token's state
//	POST /control/connections   {user_id, action: drop|kick|expire} ends live web sockets
//	GET  /control/faults   faults in force and how often each has fired
//	POST /control/faults   {path, mode, status?, code?, error?, delay_ms?, times?, percent?, seed?, effect?, garbage?}
//	POST /control/reset    {all?} faults, calls and peaks; with all also everything the cloud stores
//	POST /control/app      {token_lifetime?, lifetime_applies?, user_cap?, rotate_secret?, rate_limits?, rates?, blacklist?, whitelist?, easemob?}
//	POST /control/clock    {advance}
//	POST /control/token    {token, app_key?, user_id?} would the cloud accept this token?
//
// # What it never does
//
// It stores nothing on disk. It calls nobody but the webhooks that it was told,
// on loopback. Its goroutines are those of web sockets, and end with them, and
// one while webhooks wait to be sent; Close ends all of them. It imports
// nothing else of this module: sharing code with the clients would hide shared
// mistakes. It never shows a token or the app secret, but for the answer that
// issues a token and the one that announces a rotated secret.
//
// Where the clouds' documentation is silent the sandbox takes the choice that
// is hardest on its caller, or the one that docs/sandbox.md names with a switch.
//
// Callers are cmd/imbridge, which serves both handlers on loopback listeners
// (see CheckLoopback), and the tests of the cloud clients.
package sandbox
