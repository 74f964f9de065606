package easemob

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
)

// passwordForm is what the cloud takes (Java SDK, EMUser).
var passwordForm = regexp.MustCompile(`^[a-zA-Z0-9~!@#$%^&*\-_=+<>;:,./?]{1,64}$`)

// SetPassword calls PUT /users/{id}/password. It ends every token that the cloud
// issued and closes the user's connections.
func (r Revocable) SetPassword(ctx context.Context, userID, password string) error {
	return r.setPassword(ctx, userID, password)
}

func (c *Client) setPassword(ctx context.Context, userID, password string) error {
	if err := checkID(opPassword, userID); err != nil {
		return err
	}
	if !passwordForm.MatchString(password) {
		return invalid(opPassword, "a password has 1 to 64 characters, letters, digits and ~!@#$%^&*-_=+<>;:,./?")
	}
	_, err := c.do(ctx, opPassword, request{method: http.MethodPut, path: "/users/" + userID + "/password", json: map[string]string{"newpassword": password}})
	return err
}

// The derivation of an IM password, the same in every language. Changing any of
// it locks out who logs in with one; see testdata/derived.json.
const (
	derivedRounds = 600_000
	derivedLength = 32
	derivedSalt   = "imbridge/easemob/v1/"
)

// DerivePassword is the password at the cloud of somebody who knows their password
// of the app: PBKDF2 with HMAC-SHA-256 over its UTF-8, 600,000 rounds, the salt
// "imbridge/easemob/v1/" and the user id at the cloud, 32 bytes, in base64url
// without padding: 43 characters that the cloud takes. A browser can do the same
// (crypto.subtle.deriveBits), so that clients that log in with name and password
// need no server in between.
//
// The cloud keeps what it is given as a password, and whoever has that can log in
// as the user and try guesses at the app's password, at 600,000 rounds each. It
// takes some tenths of a second: never inside a transaction, never on a path that
// anybody may call without limit.
func DerivePassword(appPassword, imUserID string) (string, error) {
	key, err := pbkdf2.Key(sha256.New, appPassword, []byte(derivedSalt+imUserID), derivedRounds, derivedLength)
	if err != nil {
		return "", fmt.Errorf("derive password: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(key), nil
}
