// Package rongcloud is the client of RongCloud's server API.
//
// It owns the signing of requests, the reading of answers, the table of error
// codes, and the policy around every call: quota, circuit breaker, retry on
// the other host. It keeps no tokens, knows no users of ours, reads no
// configuration but its Config, and starts no goroutine of its own. The
// wiring in cmd/imbridge makes one Client per app key; the tokens packages
// call it through the roles of package im.
//
// One call walks: a role's method (token.go, user.go, ban.go, block.go) →
// Client.do → policy.run (policy.go: which host, how often, whether at all) →
// Client.send (client.go: sign, send, limit) → judge (errors.go).
//
// What the cloud is like, as far as it matters here:
//
//   - A token's lifetime is set in the cloud's console and told nowhere, so
//     Config.ConsoleLifetime must repeat it.
//   - Getting a token again leaves the older ones working; only
//     /user/token/expire.json ends them, by time of issue.
//   - The answer's HTTP status is not always there to rely on, its content
//     type never is: the code in the JSON body decides.
//
// Facts are from https://docs.rongcloud.io/platform-chat-api and from the
// sources of the official server SDKs (Go 4.0.7, Java, Node 3.1.1).
package rongcloud
