// Package im is the contract between imbridge and the IM clouds.
//
// A cloud is reached through one client in a sub-package (rongcloud, later
// others). The contract is a set of small roles; a client implements those
// that its cloud has, and callers find them by type assertion. A cloud that
// lacks an ability does not implement the role: there is no "not supported"
// error. Every promise in these comments is a case in package imtest, which
// each client passes against the sandbox.
//
// This package knows nothing of users, databases or HTTP servers of ours.
package im
