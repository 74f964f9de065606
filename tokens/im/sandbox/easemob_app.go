package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// DefaultEasemobAppKey is the Easemob app of a sandbox whose Config names none.
const DefaultEasemobAppKey = "imbridge#sandbox"

// easeDefaultTTL is the documented lifetime of tokens for calls that name none.
const easeDefaultTTL = 60 * 24 * time.Hour

// Users and friends of the free edition, and friends of the paid ones.
const (
	easeFreeUsers   = 100
	easeFreeFriends = 100
	easePaidFriends = 3000
)

// An easeApp is what Easemob's console would set.
type easeApp struct {
	clientID     string
	clientSecret string
	tokenTTL     time.Duration // 0 is permanent
	free         bool          // the free edition, with its limits
	friendship   bool          // messages only between friends
	blocks       bool          // block lists are on
	openRegister bool          // POST /users asks for no app token
	strictBulk   bool          // one taken name fails a whole bulk register
	conflicts    bool          // autoCreateUser within a second of another fails once
	milliseconds bool          // ttl and expires_in, as on the VIP 5 cluster
	serviceOff   bool          // nobody may log in
	webhooks     easeWebhooks
}

// fillEasemob puts defaults where the zero value stands.
func (c *Config) fillEasemob() {
	if c.EasemobAppKey == "" {
		c.EasemobAppKey = DefaultEasemobAppKey
	}
	if c.EasemobClientID == "" {
		c.EasemobClientID = "YXA6" + newSecret()[:18]
	}
	if c.EasemobClientSecret == "" {
		c.EasemobClientSecret = "YXA6" + newSecret()[:27]
	}
	if c.EasemobAgoraAppID == "" {
		c.EasemobAgoraAppID = randomHex(16)
	}
	if c.EasemobAgoraCertificate == "" {
		c.EasemobAgoraCertificate = randomHex(16)
	}
	if c.EasemobTokenTTL == 0 {
		c.EasemobTokenTTL = easeDefaultTTL
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

func newEaseApp(cfg Config) easeApp {
	return easeApp{
		clientID: cfg.EasemobClientID, clientSecret: cfg.EasemobClientSecret, tokenTTL: cfg.EasemobTokenTTL,
		blocks: true, webhooks: newEaseWebhooks(),
	}
}

// EasemobAppKey is the key of the Easemob app, "org#app".
func (s *Sandbox) EasemobAppKey() string { return s.cfg.EasemobAppKey }

// EasemobClientID is the client id in force.
func (s *Sandbox) EasemobClientID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app.ease.clientID
}

// EasemobClientSecret is the client secret in force. It changes with
// rotate_client_secret.
func (s *Sandbox) EasemobClientSecret() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app.ease.clientSecret
}

// EasemobAgora is the app id and the certificate that sign "007" tokens.
func (s *Sandbox) EasemobAgora() (appID, certificate string) {
	return s.cfg.EasemobAgoraAppID, s.cfg.EasemobAgoraCertificate
}

// easeOrgApp is the two halves of the app key.
func (s *Sandbox) easeOrgApp() (org, app string) {
	org, app, _ = strings.Cut(s.cfg.EasemobAppKey, "#")
	return org, app
}

// easeMaxFriends is how many friends a user may have.
func (s *Sandbox) easeMaxFriends() int {
	if s.app.ease.free {
		return easeFreeFriends
	}
	return easePaidFriends
}

// easeFull tells whether the edition, or user_cap, lets nobody else register.
func (s *Sandbox) easeFull() bool {
	n := len(s.store.ease.users)
	return s.app.ease.free && n >= easeFreeUsers || s.app.userCap > 0 && n >= s.app.userCap
}
