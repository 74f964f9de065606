package handlers

import "net/http"

// A problemKind is what is fixed about one code: what the client gets, and what
// the two people who may read about it can do. docs/errors.md is made from it.
type problemKind struct {
	Code   string
	Status int
	Title  string
	// Detail is what the answer says where the error itself says no more.
	Detail string
	// Cause, Client and Operator: why it comes, and what each does about it.
	Cause, Client, Operator string
	// Retry: the answer carries Retry-After, and the same request may succeed later.
	Retry bool
}

// nothing is what an operator does about a mistake of a client.
const nothing = "Nothing."

// problemList is every code, by status. A code is forever: clients branch on it.
var problemList = []problemKind{
	{Code: "bad_json", Status: http.StatusBadRequest, Title: "The body is not one JSON object",
		Cause:  "The body is empty, cut short, not JSON, not an object, or something follows the object.",
		Client: "Mend the request; repeating it is useless.", Operator: nothing},
	{Code: "unknown_field", Status: http.StatusBadRequest, Title: "The body has a field that the request does not know",
		Cause:  "A name is misspelt, in another case, or belongs to another request. `field` names it where it can be shown.",
		Client: "Send only the fields of the contract.", Operator: nothing},
	{Code: "bad_field", Status: http.StatusBadRequest, Title: "A field cannot be read",
		Cause:  "The value has another type, is an object or a list, stands twice, is not UTF-8 or holds control characters. `field` names it.",
		Client: "Mend the field; repeating the request is useless.", Operator: nothing},
	{Code: "bad_query", Status: http.StatusBadRequest, Title: "A query parameter is not allowed",
		Cause:  "`limit` is no number from 1 to 100, a text is too long or none, or a time is not written as RFC 3339. `field` names it.",
		Client: "Mend the parameter.", Operator: nothing},
	{Code: "bad_cursor", Status: http.StatusBadRequest, Title: "The cursor is not one of ours", Detail: "start again without a cursor",
		Cause:  "`cursor` is not the `next_cursor` of an earlier answer.",
		Client: "Start again at the first page.", Operator: nothing},
	{Code: "bad_idempotency_key", Status: http.StatusBadRequest, Title: "The Idempotency-Key is not allowed", Detail: "Idempotency-Key must be 1 to 255 visible ASCII characters, once",
		Cause:  "The header is empty, too long, stands twice, or holds spaces or other than ASCII.",
		Client: "Send a random key, a UUID for one.", Operator: nothing},
	{Code: "bad_credentials", Status: http.StatusUnauthorized, Title: "Login or password is wrong", Detail: "login or password is wrong",
		Cause:  "Nobody has this login, or the password is another. Which of the two is never told.",
		Client: "Ask the person again.", Operator: "Many of them in imbridge_logins_total: somebody is guessing. The throttle slows them down by itself."},
	{Code: "token_missing", Status: http.StatusUnauthorized, Title: "An access token is needed", Detail: "send Authorization: Bearer and an access token",
		Cause:  "There is no Authorization header, or it is not of the form `Bearer <token>`.",
		Client: "Log in, and send the access token.", Operator: nothing},
	{Code: "token_invalid", Status: http.StatusUnauthorized, Title: "The access token is not valid", Detail: "log in again",
		Cause:    "It is damaged, forged, signed by a key that is gone, issued under another public address, or its admin was removed.",
		Client:   "Refresh the session; if that fails log in again.",
		Operator: "All clients at once: was `server.public_url` changed, or was the database replaced?"},
	{Code: "token_expired", Status: http.StatusUnauthorized, Title: "The access token has expired", Detail: "refresh the session",
		Cause:    "Access tokens live as long as session.access_lifetime says (ten minutes by default), an admin's half an hour.",
		Client:   "Exchange the refresh token at /v1/session/refresh, then repeat the request. Admins log in again.",
		Operator: "All clients at once: compare the clocks of the machines."},
	{Code: "session_ended", Status: http.StatusUnauthorized, Title: "The session has ended", Detail: "log in again",
		Cause:  "It was logged out, ended by a change of password, ran out, or its person was deleted.",
		Client: "Drop both tokens and log in again.", Operator: nothing},
	{Code: "refresh_invalid", Status: http.StatusUnauthorized, Title: "The refresh token is not valid", Detail: "log in again",
		Cause:    "It is damaged, forged, or its session is no longer known.",
		Client:   "Drop both tokens and log in again.",
		Operator: "All clients at once: was the database replaced?"},
	{Code: "refresh_replayed", Status: http.StatusUnauthorized, Title: "The refresh token was used before; its session has been ended", Detail: "log in again",
		Cause:    "Each refresh token works once, and a few seconds longer for tabs that refresh together. An old one that comes back means that two hold it, so that the session ends for both.",
		Client:   "Log in again. Keep the newest refresh token, and share it between tabs.",
		Operator: "The audit shows `session.replayed`. Many of them: a client that stores an old token, or theft."},
	{Code: "banned", Status: http.StatusForbidden, Title: "The account is banned", Detail: "this account is banned",
		Cause:  "An operator banned it. It is only told with the right password or a token of the account.",
		Client: "Tell the person.", Operator: nothing},
	{Code: "forbidden", Status: http.StatusForbidden, Title: "This token is for another part of the API", Detail: "users' tokens do not open admin routes, nor admins' tokens users' routes",
		Cause:  "A user's token was sent to an admin route, or an admin's to a user's route.",
		Client: "Use the other token.", Operator: nothing},
	{Code: "cross_origin", Status: http.StatusForbidden, Title: "Another site's page sent this", Detail: "a cookie counts for our own pages only",
		Cause:    "The browser says that a page of another origin sent the request, and it carries our cookie or is one of our forms.",
		Client:   "Begin on our own page. Other sites' pages send an access token, and their origin stands in server.cors_origins.",
		Operator: "All of them at once: does the proxy in front pass the Host header on as it is?"},
	{Code: "not_found", Status: http.StatusNotFound, Title: "There is no such thing", Detail: "nothing is here",
		Cause:  "The path is no route, or the id in it is nobody's.",
		Client: "Mend the path, or drop the id.", Operator: nothing},
	{Code: "method_not_allowed", Status: http.StatusMethodNotAllowed, Title: "The route does not know this method", Detail: "the Allow header lists the methods",
		Cause:  "The path is a route, for other methods.",
		Client: "Use one of those in the Allow header.", Operator: nothing},
	{Code: "username_taken", Status: http.StatusConflict, Title: "The username is taken",
		Cause:  "Somebody has it, perhaps in another case.",
		Client: "Ask for another one. After a lost answer repeat the request with the same Idempotency-Key instead.", Operator: nothing},
	{Code: "email_taken", Status: http.StatusConflict, Title: "The e-mail address is taken",
		Cause:  "Another account has it.",
		Client: "Ask for another one, or offer to log in.", Operator: nothing},
	{Code: "phone_taken", Status: http.StatusConflict, Title: "The phone number is taken",
		Cause:  "Another account has it.",
		Client: "Ask for another one, or offer to log in.", Operator: nothing},
	{Code: "changed_meanwhile", Status: http.StatusConflict, Title: "Somebody else changed this at the same moment", Detail: "read it again and repeat the change",
		Cause:  "Two requests changed the same thing; the other one was first.",
		Client: "Read again, and repeat the change if it is still wanted.", Operator: nothing},
	{Code: "idempotency_key_spent", Status: http.StatusConflict, Title: "What this Idempotency-Key made has ended", Detail: "log in, or register with a new key",
		Cause:  "The first request with this key registered somebody; that session was ended since.",
		Client: "Log in. Use a new key for a new registration.", Operator: nothing},
	{Code: "precondition_failed", Status: http.StatusPreconditionFailed, Title: "This was changed since it was read", Detail: "read it again",
		Cause:  "If-Match holds neither the ETag nor the version of the lifetime or person as they are now; or it is neither.",
		Client: "Read again, look at what changed, and repeat the change with the new ETag.", Operator: nothing},
	{Code: "body_too_large", Status: http.StatusRequestEntityTooLarge, Title: "The body is larger than 64 KiB", Detail: "a body may have 65536 bytes",
		Cause:  "No request of this API needs as much.",
		Client: "Send less.", Operator: nothing},
	{Code: "unsupported_media_type", Status: http.StatusUnsupportedMediaType, Title: "The body must be application/json", Detail: "send Content-Type: application/json",
		Cause:  "Content-Type is missing, another, or names a charset other than UTF-8.",
		Client: "Send `Content-Type: application/json`.", Operator: nothing},
	{Code: "invalid_field", Status: http.StatusUnprocessableEntity, Title: "A field has a value that is not allowed",
		Cause:  "The value is missing, too long, or breaks a rule that `detail` names. `fields` lists all of them where several were found.",
		Client: "Show `detail` at the field that `field` names.", Operator: nothing},
	{Code: "idempotency_key_reused", Status: http.StatusUnprocessableEntity, Title: "The Idempotency-Key was used with another request", Detail: "use a new key for a new request",
		Cause:  "The same key came within 24 hours with other contents.",
		Client: "Make a new key for each registration, and keep it only for repeats.", Operator: nothing},
	{Code: "precondition_required", Status: http.StatusPreconditionRequired, Title: "This change needs If-Match", Detail: "send the ETag of the lifetimes in If-Match",
		Cause:  "Without it one admin could undo the change of another without knowing.",
		Client: "Read the lifetimes and send their ETag.", Operator: nothing},
	{Code: "throttled", Status: http.StatusTooManyRequests, Title: "Too many attempts", Detail: "wait before the next attempt", Retry: true,
		Cause:    "Too many logins without a success for one account or from one address. The wait doubles each time and never becomes a lock.",
		Client:   "Wait for Retry-After. A right password is not looked at earlier either.",
		Operator: "Many people behind one address: raise `throttle.address_free`, and see that `server.trusted_proxies` names your proxies, or all people share the proxy's address."},
	{Code: "refused_too_often", Status: http.StatusTooManyRequests, Title: "Too many reports of a refused token", Detail: "wait before the next report", Retry: true,
		Cause:    "More than 5 new tokens in a minute were made for this person because a client reported its token refused.",
		Client:   "Wait for Retry-After. A fresh token that is refused too has another reason: check app key and navigator.",
		Operator: "Many people at once: the app key or secret does not belong to the app that the clients connect to. Run `imbridge doctor`."},
	{Code: "internal", Status: http.StatusInternalServerError, Title: "Something went wrong here", Detail: "tell the operator the request_id",
		Cause:    "A mistake in imbridge, or an error that it does not know.",
		Client:   "Show the `request_id`. Repeating once is harmless.",
		Operator: "Find the `request_id` in the log; the line holds the error."},
	{Code: "im_unavailable", Status: http.StatusServiceUnavailable, Title: "The IM cloud gives no token now", Detail: "the IM cloud gives no token now", Retry: true,
		Cause:    "The cloud is down, slow, throttles us or refuses our app key, and no token that is still valid is stored for this person.",
		Client:   "Ask for the token again after Retry-After. The session itself is good.",
		Operator: "`imbridge_cloud_calls_total` by outcome tells which; `imbridge doctor` checks the credentials. `unauthorized` and `quota` do not heal by themselves."},
	{Code: "database_unavailable", Status: http.StatusServiceUnavailable, Title: "The database does not answer", Detail: "try again soon", Retry: true,
		Cause:    "The database is down, read-only, full, or was lost in the middle of the request.",
		Client:   "Repeat after Retry-After; a registration with the same Idempotency-Key.",
		Operator: "/readyz says no too. imbridge connects again by itself when the database is back."},
	{Code: "timeout", Status: http.StatusServiceUnavailable, Title: "The request took too long", Detail: "try again soon", Retry: true,
		Cause:    "The time of the request was up before everything it needs had answered.",
		Client:   "Repeat after Retry-After; a registration with the same Idempotency-Key.",
		Operator: "Look at `imbridge_http_request_duration_seconds`, the database, and `imbridge_password_hash_waiting`."},
	{Code: "busy", Status: http.StatusServiceUnavailable, Title: "Too many logins at once", Detail: "try again soon", Retry: true,
		Cause:    "Passwords are hashed a few at a time, and the queue for that is full.",
		Client:   "Repeat after Retry-After.",
		Operator: "`imbridge_password_hash_waiting` shows the queue. More cores or processes help; a longer queue (`password.queue`) only waits longer."},
}

// problemKinds is problemList by code.
var problemKinds = func() map[string]problemKind {
	kinds := make(map[string]problemKind, len(problemList))
	for _, k := range problemList {
		kinds[k.Code] = k
	}
	return kinds
}()
