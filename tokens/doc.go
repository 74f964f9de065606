// Package tokens owns the two kinds of token and their lives.
//
// An access token (session.go, keys.go) is ours: a JWT of ten minutes that says
// which person and which session is calling. Its keys are in the database, are
// rotated on schedule, and their public halves are served as JWKS. The refresh
// token beside it belongs to the session and lives in package models.
//
// A connect token (issuer.go, reissue.go) is the cloud's: what an IM SDK
// connects with. The Issuer hands out the stored one while it is good, and
// mints another when it is not: one call to the cloud however many ask, in
// however many processes. How long a token lives is evaluated when it is read
// (lifetime.go), so that a lifetime that an admin sets acts at once on every
// token stored.
//
// Handlers ask this package; it asks models and one cloud client. It never
// writes SQL, and never logs a token.
package tokens
