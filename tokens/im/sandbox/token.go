package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// A State is what the cloud thinks of a connect token at this moment.
type State string

// The states of a token.
const (
	// StateValid tokens connect.
	StateValid State = "valid"
	// StateUnknown tokens were never issued, or before the secret was rotated.
	StateUnknown State = "unknown"
	// StateExpired tokens are past their lifetime or void by token/expire.
	StateExpired State = "expired"
	// StateBanned tokens are good, and their user is banned.
	StateBanned State = "banned"
	// StateDeactivated tokens are good, and their user is deactivated.
	StateDeactivated State = "deactivated"
	// StateOtherApp means that the client connects with an app key that is not
	// the one of the token.
	StateOtherApp State = "other_app"

	// The rest is Easemob's, whose banned users are StateBanned.

	// StateOtherUser tokens are good, but not for who the client says it is.
	StateOtherUser State = "other_user"
	// StateNoUser means that nobody has the name that the client gives.
	StateNoUser State = "no_user"
	// StateRevoked tokens were issued before the password was changed.
	StateRevoked State = "revoked"
	// StateServiceOff means that the app's service is off for everybody.
	StateServiceOff State = "service_off"
)

var states = []State{
	StateValid, StateUnknown, StateExpired, StateBanned, StateDeactivated, StateOtherApp,
	StateOtherUser, StateNoUser, StateRevoked, StateServiceOff,
}

// Code is what RongCloud's client SDK reports for the state; 0 for a valid token.
// The numbers are those of the error enumeration of npm @rongcloud/engine 5.38.0.
func (s State) Code() int {
	switch s {
	case StateValid:
		return 0
	case StateExpired:
		return 31020
	case StateBanned:
		return 31009
	case StateDeactivated:
		return 31029
	}
	return 31004
}

// TokenState tells whether a client of this app could connect with the token.
// SDKs cut off what follows the '@', so it does not count.
func (s *Sandbox) TokenState(token string) State { return s.TokenStateFor(s.cfg.AppKey, token) }

// TokenStateFor is TokenState for a client that uses appKey.
func (s *Sandbox) TokenStateFor(appKey, token string) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, _ := s.judge(appKey, token)
	return state
}

// A token is a connect token that was issued, stored by the part of its value
// before the '@'.
type token struct {
	userID      string
	fingerprint string
	issuedAt    time.Time
	lifetime    time.Duration // as the console had it then; 0 is permanent
	shortened   time.Duration // above zero: the lifetime whatever the console says
	expired     bool          // whatever its lifetime, by /control/connections
	seq         uint64
}

// issue makes one more token for a user. Earlier ones stay as they are.
func (s *Sandbox) issue(userID string, now time.Time) string {
	b := make([]byte, tokenBytes(userID))
	_, _ = rand.Read(b) // never fails since Go 1.24
	key := base64.StdEncoding.EncodeToString(b)
	s.store.tokenCount++
	s.store.tokens[key] = &token{
		userID:      userID,
		fingerprint: fingerprint(key),
		issuedAt:    now,
		lifetime:    s.app.lifetime,
		seq:         s.store.tokenCount,
	}
	return key + "@" + s.app.navigator
}

// tokenBytes: RongCloud's tokens are base64 of 24, 32 or 40 bytes and grow with
// the user id. Where the steps lie is a guess.
func tokenBytes(userID string) int {
	switch n := len(userID); {
	case n <= 16:
		return 24
	case n <= 32:
		return 32
	}
	return 40
}

// judge is the only place where a token's state is decided. The token is nil
// where there is none.
func (s *Sandbox) judge(appKey, presented string) (State, *token) {
	key, _, _ := strings.Cut(presented, "@")
	t := s.store.tokens[key]
	if appKey != s.cfg.AppKey {
		return StateOtherApp, t
	}
	if t == nil {
		return StateUnknown, nil
	}
	return s.stateOf(t, s.now()), t
}

func (s *Sandbox) stateOf(t *token, now time.Time) State {
	if end := s.expiry(t); !end.IsZero() && !now.Before(end) {
		return StateExpired
	}
	if t.expired || s.revoked(t) {
		return StateExpired
	}
	if u := s.store.users[t.userID]; u != nil && !u.deactivatedAt.IsZero() {
		return StateDeactivated
	}
	if now.Before(s.store.bans[t.userID]) {
		return StateBanned
	}
	return StateValid
}

// expiry is zero for a permanent token.
func (s *Sandbox) expiry(t *token) time.Time {
	life := t.lifetime
	if s.app.lifetimeForAll {
		life = s.app.lifetime
	}
	if t.shortened > 0 {
		life = t.shortened
	}
	if life == 0 {
		return time.Time{}
	}
	return t.issuedAt.Add(life)
}

func (s *Sandbox) revoked(t *token) bool {
	return t.issuedAt.UnixMilli() < s.store.revokedBefore[t.userID]
}

// rotate replaces the secret. It voids every token, as regenerating the secret
// in RongCloud's console does.
func (s *Sandbox) rotate(secret string) {
	s.app.secret = secret
	s.store.tokens = map[string]*token{}
}

// fingerprint names a token without giving it away.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}
