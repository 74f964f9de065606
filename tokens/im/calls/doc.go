// Package calls is what the clients of all clouds share: when, where and how
// often a call is sent (Policy: quota, breaker, a second attempt), the sending of
// one attempt (Attempt), what of an answer may stand in an error, and what of a
// person a cloud takes.
//
// It knows no cloud, no credentials and no body: a client signs what is sent and
// judges what came back. Only the clients below tokens/im call it.
package calls
