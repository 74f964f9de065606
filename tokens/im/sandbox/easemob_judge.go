package sandbox

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// An easeToken is an app token, or a token of one user, that was issued. It is
// stored by its value.
type easeToken struct {
	user        *easeUser // nil for an app token
	fingerprint string
	issuedAt    time.Time
	expiresAt   time.Time // zero for a permanent one
	age         uint64    // of the user's password at issue
	seq         uint64
}

// easeIssue makes one more token; earlier ones stay as they are. User is nil
// for an app token, lifetime is 0 for a permanent one.
func (s *Sandbox) easeIssue(u *easeUser, lifetime time.Duration, now time.Time) string {
	b := make([]byte, 84)
	_, _ = rand.Read(b) // never fails since Go 1.24
	value := "YWMt" + base64.RawURLEncoding.EncodeToString(b)
	s.store.tokenCount++
	t := &easeToken{user: u, fingerprint: fingerprint(value), issuedAt: now, seq: s.store.tokenCount}
	if lifetime > 0 {
		t.expiresAt = now.Add(lifetime)
	}
	if u != nil {
		t.age = u.passwordAge
	}
	s.store.ease.tokens[value] = t
	return value
}

// An easeVerdict is what the cloud thinks of a user's token.
type easeVerdict struct {
	state State
	user  *easeUser // whose token it is; nil where it is nobody's
	// issuedAt and expiresAt are zero where they are not known; expiresAt is
	// zero for a permanent token, too.
	issuedAt  time.Time
	expiresAt time.Time
}

// easeJudge is the only place where a user's token is judged. Name is who the
// client says it is; empty asks for the token alone. A leading "$t$", which the
// web SDK puts before the token, does not count.
func (s *Sandbox) easeJudge(appKey, name, presented string) easeVerdict {
	now := s.now()
	value := strings.TrimPrefix(presented, "$t$")
	switch {
	case !strings.EqualFold(appKey, s.cfg.EasemobAppKey):
		return easeVerdict{state: StateOtherApp}
	case s.app.ease.serviceOff:
		return easeVerdict{state: StateServiceOff}
	case name != "" && s.easeUser(name) == nil:
		return easeVerdict{state: StateNoUser}
	}
	v := s.easeFind(value)
	switch {
	case v.user == nil && (v.state == "" || name != ""):
		v.state = StateUnknown
	case v.user == nil:
	case name != "" && v.user.name != easeName(name):
		v.state = StateOtherUser
	case !v.expiresAt.IsZero() && !now.Before(v.expiresAt):
		v.state = StateExpired
	case v.state != "":
	case !v.user.activated:
		v.state = StateBanned
	default:
		v.state = StateValid
	}
	return v
}

// easeFind looks a token up, or checks its signature where the app signed it.
// The state is empty unless the token is void whatever its expiry.
func (s *Sandbox) easeFind(value string) easeVerdict {
	if t := s.store.ease.tokens[value]; t != nil {
		if t.user == nil {
			return easeVerdict{} // an app token lets nobody chat
		}
		v := easeVerdict{user: t.user, issuedAt: t.issuedAt, expiresAt: t.expiresAt}
		if t.age != t.user.passwordAge {
			v.state = StateRevoked
		}
		return v
	}
	t, ok := s.easeReadSigned(value)
	if !ok || t.app {
		return easeVerdict{}
	}
	u := s.store.ease.users[easeName(t.user)]
	if strings.HasPrefix(value, "007") {
		u = s.easeByUUID(t.user)
	}
	v := easeVerdict{user: u, issuedAt: t.issuedAt, expiresAt: t.expiresAt}
	if u == nil {
		v.state = StateNoUser // it names nobody
	}
	return v
}

func (s *Sandbox) easeByUUID(uuid string) *easeUser {
	for _, u := range s.store.ease.order {
		if u.uuid == uuid {
			return u
		}
	}
	return nil
}

// EasemobTokenState tells whether a client could log in as username with the
// token. An empty username asks for the token alone.
func (s *Sandbox) EasemobTokenState(username, token string) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.easeJudge(s.cfg.EasemobAppKey, username, token).state
}

// EasemobCode is the type of error that Easemob's web SDK reports for the
// state; 0 for a valid token. Proven with npm easemob-websdk 4.21.1, but for a
// banned user, whose refusal is documented nowhere.
func (s State) EasemobCode() int {
	switch s {
	case StateValid:
		return 0
	case StateExpired:
		return 56
	case StateNoUser:
		return 204
	case StateServiceOff:
		return 57
	case StateBanned, StateDeactivated:
		return 2
	}
	return 28
}

// easeUUID has the shape of a random UUID.
func easeUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
