package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"imbridge/models"
)

// Whom an access token speaks for.
const (
	AudienceUser  = "imbridge"
	AudienceAdmin = "imbridge-admin"
)

const (
	// accessType is what RFC 9068 says a JWT access token calls itself.
	accessType = "at+jwt"
	// maxAccess bounds what is parsed.
	maxAccess = 2048
	// accessLeeway forgives the clocks of two machines.
	accessLeeway = 5 * time.Second
)

// Errors of Verify.
var (
	ErrAccessInvalid = errors.New("access token is invalid")
	ErrAccessExpired = errors.New("access token has expired")
)

// Access signs and verifies access tokens.
type Access struct {
	Keys *Keys
	// Issuer is what "iss" says.
	Issuer string
	// Lifetime of users' tokens and of admins'.
	Lifetime, AdminLifetime time.Duration
	Now                     func() time.Time
}

// A Caller is whom a valid access token names.
type Caller struct {
	// ID of the user or the admin.
	ID string
	// SessionID is empty for an admin.
	SessionID string
	ExpiresAt time.Time
}

type accessClaims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid,omitempty"`
}

// Sign makes a user's access token. It starts when the session's refresh token
// was last replaced, so that requests that repeat each other get the same
// token; when half of that time is gone it starts now.
func (a *Access) Sign(s models.Session) (token string, expires time.Time, err error) {
	start := s.RotatedAt
	if now := a.Now(); now.Sub(start) > a.Lifetime/2 || start.After(now) {
		start = now
	}
	return a.sign(s.UserID, s.ID, AudienceUser, start, a.Lifetime)
}

// SignAdmin makes an admin's access token.
func (a *Access) SignAdmin(adminID string) (token string, expires time.Time, err error) {
	return a.sign(adminID, "", AudienceAdmin, a.Now(), a.AdminLifetime)
}

func (a *Access) sign(subject, sessionID, audience string, start time.Time, lifetime time.Duration) (string, time.Time, error) {
	key := a.Keys.active()
	start = start.UTC().Truncate(time.Second)
	expires := start.Add(lifetime)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, accessClaims{SessionID: sessionID, RegisteredClaims: jwt.RegisteredClaims{
		Issuer: a.Issuer, Subject: subject, Audience: jwt.ClaimStrings{audience},
		IssuedAt: jwt.NewNumericDate(start), ExpiresAt: jwt.NewNumericDate(expires)}})
	t.Header["typ"], t.Header["kid"] = accessType, key.id
	signed, err := t.SignedString(key.private)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign access token: %w", err)
	}
	return signed, expires, nil
}

// Verify proves an access token for one audience. Errors: ErrAccessInvalid,
// ErrAccessExpired, and what the database says when a new key must be looked up.
func (a *Access) Verify(ctx context.Context, token, audience string) (Caller, error) {
	if len(token) > maxAccess {
		return Caller{}, ErrAccessInvalid
	}
	var claims accessClaims
	var lookup error
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(a.Issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(accessLeeway), jwt.WithTimeFunc(a.Now), jwt.WithStrictDecoding()).
		ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
			id, _ := t.Header["kid"].(string)
			if t.Header["typ"] != accessType || t.Header["crit"] != nil || id == "" {
				return nil, ErrAccessInvalid
			}
			key, err := a.Keys.public(ctx, id)
			if err != nil && !errors.Is(err, ErrAccessInvalid) {
				lookup = err
			}
			return key, err
		})
	switch {
	case lookup != nil:
		return Caller{}, lookup
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return Caller{}, ErrAccessExpired
	case err != nil:
		return Caller{}, ErrAccessInvalid
	case claims.Subject == "" || (audience == AudienceUser) != (claims.SessionID != ""):
		return Caller{}, ErrAccessInvalid
	}
	return Caller{ID: claims.Subject, SessionID: claims.SessionID, ExpiresAt: claims.ExpiresAt.Time}, nil
}
