package models

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// cookiePurpose keeps the MACs of cookies apart from all others.
const cookiePurpose = "session cookie"

// touchEvery is how old last_used_at may get before a session that is used is
// written: a page asks often, and each write is one more for every database node.
const touchEvery = 5 * time.Minute

// SessionCookie is what a browser holds of a session: whose it is and a MAC that
// nobody without the data key can make. It proves which session is meant and not
// that it lives; that is for SessionUser and TokenView to say.
func (s *Store) SessionCookie(session Session) string {
	mac := s.mac(cookiePurpose, session.ID, session.UserID)
	return session.ID + "." + session.UserID + "." + base64.RawURLEncoding.EncodeToString(mac)
}

// OpenSessionCookie reads a value that SessionCookie made. ErrSessionEnded for
// any other.
func (s *Store) OpenSessionCookie(value string) (sessionID, userID string, err error) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return "", "", ErrSessionEnded
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac, s.mac(cookiePurpose, parts[0], parts[1])) {
		return "", "", ErrSessionEnded
	}
	return parts[0], parts[1], nil
}

// TouchSession notes that a session without a refresh token was used, and with it
// moves its end. It writes at most every five minutes.
func (s *Store) TouchSession(ctx context.Context, session Session, o Origin) error {
	now := s.nowMicros()
	if now-session.LastUsedAt.UnixMicro() < touchEvery.Microseconds() {
		return nil
	}
	expires := min(now+s.Rules.Refresh.Microseconds(), session.CreatedAt.UnixMicro()+s.Rules.Max.Microseconds())
	// Of many requests at once one writes; the others find its time there.
	_, err := s.write(ctx, `UPDATE sessions SET last_used_at = ?, expires_at = ?, ip = ?, user_agent = ?
		WHERE id = ? AND last_used_at = ? AND revoked_at IS NULL`,
		now, expires, cutASCII(o.IP, 45), cut(o.UserAgent, 256), session.ID, session.LastUsedAt.UnixMicro())
	if err != nil {
		return fmt.Errorf("touch session %s: %w", session.ID, err)
	}
	return nil
}
