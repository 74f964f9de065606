package sandbox

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"time"
)

// Tokens that the app signs itself, without a call to the cloud.

// easeMaxSigned is the longest of them that is looked at, in bytes.
const easeMaxSigned = 4 << 10

// An easeSignedToken is what such a token says, its signature sound.
type easeSignedToken struct {
	user      string // a name of a dynamic token, a UUID of the other kind
	app       bool   // it is the app's, not a user's
	issuedAt  time.Time
	expiresAt time.Time
}

// easeDynamic is a dynamic token's contents: JSON behind "dt-", as base64.
type easeDynamic struct {
	Signature string      `json:"signature"`
	AppKey    string      `json:"appkey"`
	UserID    string      `json:"userId"`
	CurTime   json.Number `json:"curTime"`
	TTL       json.Number `json:"ttl"`
}

// fromBase64 reads either alphabet, with padding or without.
func fromBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}

// easeLooksSigned tells the kinds by their shape, sound or not.
func easeLooksSigned(token string) bool {
	return strings.HasPrefix(token, "ZHQt") || strings.HasPrefix(token, "007") && !strings.Contains(token, "@")
}

// easeReadSigned checks a token that the app signed. False: it is none of ours.
func (s *Sandbox) easeReadSigned(token string) (easeSignedToken, bool) {
	switch {
	case len(token) > easeMaxSigned:
		return easeSignedToken{}, false
	case strings.HasPrefix(token, "007"):
		return s.easeReadAccess(token[3:])
	case strings.HasPrefix(token, "ZHQt"): // "dt-"
		return s.easeReadDynamic(token)
	}
	return easeSignedToken{}, false
}

func (s *Sandbox) easeReadDynamic(token string) (easeSignedToken, bool) {
	raw, err := fromBase64(token)
	if err != nil {
		return easeSignedToken{}, false
	}
	body, ok := bytes.CutPrefix(raw, []byte("dt-"))
	var in easeDynamic
	if !ok || json.Unmarshal(body, &in) != nil {
		return easeSignedToken{}, false
	}
	at, err1 := in.CurTime.Int64()
	ttl, err2 := in.TTL.Int64()
	const most = int64(1) << 40 // seconds; far beyond every date
	if err1 != nil || err2 != nil || at <= 0 || at > most || ttl < 0 || ttl > most {
		return easeSignedToken{}, false
	}
	app := &s.app.ease
	sum := sha256.Sum256([]byte(app.clientID + in.AppKey + in.UserID + in.CurTime.String() + in.TTL.String() + app.clientSecret))
	if in.AppKey != s.cfg.EasemobAppKey || !sameSecret(hex.EncodeToString(sum[:]), in.Signature) {
		return easeSignedToken{}, false
	}
	out := easeSignedToken{user: in.UserID, issuedAt: time.Unix(at, 0)}
	if ttl > 0 {
		out.expiresAt = time.Unix(at+ttl, 0)
	}
	return out, true
}

// Numbers of the "007" kind.
const (
	accessChat     = 5 // the service
	accessChatUser = 1 // privileges
	accessChatApp  = 2
)

// An accessReader takes the binary form apart; it stays at its end once it ran
// over it.
type accessReader struct {
	b    []byte
	over bool
}

func (r *accessReader) take(n int) []byte {
	if r.over || n > len(r.b) {
		r.over = true
		return make([]byte, min(n, 8))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *accessReader) u16() int    { return int(binary.LittleEndian.Uint16(r.take(2))) }
func (r *accessReader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *accessReader) text() string {
	return string(r.take(r.u16()))
}

func hmacOf(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(message) // never fails
	return h.Sum(nil)
}

// easeReadAccess reads what follows "007".
func (s *Sandbox) easeReadAccess(text string) (easeSignedToken, bool) {
	var none easeSignedToken
	packed, err := fromBase64(text)
	if err != nil {
		return none, false
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return none, false
	}
	raw, err := io.ReadAll(io.LimitReader(z, 4*easeMaxSigned))
	if err != nil {
		return none, false
	}
	r := &accessReader{b: raw}
	signature := r.text()
	info := r.b
	appID, issued, expire, salt := r.text(), r.u32(), r.u32(), r.u32()
	le := func(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
	key := hmacOf(le(salt), hmacOf(le(issued), []byte(s.cfg.EasemobAgoraCertificate)))
	if r.over || appID != s.cfg.EasemobAgoraAppID || !hmac.Equal(hmacOf(key, info), []byte(signature)) {
		return none, false
	}
	at := time.Unix(int64(issued), 0)
	out, chat := easeSignedToken{issuedAt: at, expiresAt: at.Add(time.Duration(expire) * time.Second)}, false
	for range r.u16() {
		service := r.u16()
		for range r.u16() {
			privilege, lives := r.u16(), r.u32()
			if service != accessChat || privilege != accessChatUser && privilege != accessChatApp {
				continue
			}
			chat, out.app = true, privilege == accessChatApp
			if end := at.Add(time.Duration(lives) * time.Second); end.Before(out.expiresAt) {
				out.expiresAt = end
			}
		}
		if service != accessChat {
			break // how long the rest of another service is, is not known here
		}
		out.user = r.text()
	}
	return out, chat && !r.over
}
