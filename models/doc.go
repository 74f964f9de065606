// Package models is the only door to the database.
//
// It owns every table, and each file owns one:
//
//	users             user.go         people; register, profile, password, delete (login.go: logging in)
//	sessions          session.go      logins and their refresh tokens
//	im_tokens         token.go        connect tokens, their leases and pending revocations
//	outbox            outbox.go       what the cloud must still be told
//	friends           friend.go       who is whose friend (friend_requests: friend_request.go); relation_turns: one change after the other
//	blocks            block.go        who blocks whom
//	cloud_secrets     cloud_secret.go the app secrets in use, numbered
//	lifetimes         lifetime.go     how long connect tokens live
//	admins            admin.go        people who steer
//	audit             audit.go        what was done, by whom; append only (audit_chain.go: sealed, audit_verify.go: walked)
//	idempotency_keys  idempotency.go  registrations that a client may repeat
//	signing_keys      signing_key.go  keys of our access tokens
//	login_throttle    throttle.go     attempts by account and by address
//	reconcile_runs    reconcile.go    comparisons of our people with the cloud's
//	reconcile_people  reconcile.go    whom the one under way has met in the cloud's list
//	callbacks         callback.go     which of the cloud's callbacks were taken
//	notices           notice.go       what an admin should know, and its delivery
//	bridge_state      state.go        the check of the data key, the probe of readiness, how far resealing is (reseal.go), what holds for allow lists (allow_list.go)
//
// What belongs together commits together: a change and its audit row, a new
// user with their first session and idempotency row, a revocation and the drop
// of the stored token. Nothing here calls a cloud, and no password is hashed
// while a transaction is open.
//
// All times are UTC, kept as microseconds since 1970. Ids are lower-case
// ULIDs. Connect tokens, session keys and signing keys are sealed (seal.go) and
// bound to the table, column and row that they are stored in.
//
// No gorm type crosses the border of this package, and nobody relies on a row
// lock being seen by another database node: whoever must be alone wins a
// compare-and-set. Handlers, tokens and cmd call this package; it calls nobody.
package models
