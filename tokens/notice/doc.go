// Package notice tells an admin what does not heal by itself.
//
// It owns what is looked at, what is said about it, and how it is delivered:
//
//	conditions.go  what is wrong when, in which words, and the cure
//	watcher.go     the loop: looks, raises, resolves
//	delivery.go    claims what is due, sends it everywhere, retries
//	message.go     what goes out, as JSON and in plain words
//	webhook.go     signed POSTs, as https://www.standardwebhooks.com has them
//	address.go     which addresses a webhook may lead to
//	mail.go        e-mail
//
// A notice is a row of models (notice.go there): of all processes on one
// database each raises what it sees, one row holds it, and one process delivers
// it. A condition that is gone is resolved when no process has seen it for a
// while, so that two that disagree do not send by turns.
//
// Nothing here names a person: ids and counts go out, never a token, a secret, a
// password or a name. The package repairs nothing and calls no cloud, but for
// the check of credentials that it is given. cmd builds it; nobody else calls it.
package notice
