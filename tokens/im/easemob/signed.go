package easemob

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"

	"imbridge/tokens/im"
)

// signed is a token made here. The user must be there, because such a token makes
// nobody.
func (c *Client) signed(ctx context.Context, id string, lifetime time.Duration) (im.Token, error) {
	uuid, err := c.uuid(ctx, id)
	if err != nil {
		return im.Token{}, err
	}
	if lifetime <= 0 || lifetime > longestSigned {
		lifetime = longestSigned
	}
	lifetime = max(lifetime.Truncate(time.Second), time.Second)
	now := c.Now().Truncate(time.Second) // what the token says
	return im.Token{Value: c.sign(id, uuid, now, lifetime), ExpiresAt: now.Add(lifetime)}, nil
}

// signer is nil where the cloud issues tokens.
func signer(cfg Config) func(id, uuid string, now time.Time, lifetime time.Duration) string {
	switch cfg.Tokens {
	case Dynamic:
		return func(id, _ string, now time.Time, lifetime time.Duration) string {
			return dynamicToken(cfg.AppKey, cfg.ClientID, cfg.ClientSecret, id, now, lifetime)
		}
	case Agora:
		return func(_, uuid string, now time.Time, lifetime time.Duration) string {
			var salt [4]byte
			_, _ = rand.Read(salt[:])
			return agoraToken(cfg.AgoraAppID, cfg.AgoraCertificate, uuid, now, lifetime, binary.LittleEndian.Uint32(salt[:]))
		}
	}
	return nil
}

// dynamicToken is documented at easemob_dynamic_token.html: a signature over the
// bare fields in one row, in JSON behind "dt-", all of it in base64url.
func dynamicToken(appKey, clientID, secret, id string, now time.Time, lifetime time.Duration) string {
	at, life := now.Unix(), int64(lifetime/time.Second)
	sum := sha256.Sum256([]byte(clientID + appKey + id + decimal(at) + decimal(life) + secret))
	body, _ := json.Marshal(map[string]any{ // plain fields cannot fail
		"signature": hex.EncodeToString(sum[:]), "appkey": appKey, "userId": id, "curTime": at, "ttl": life,
	})
	return base64.URLEncoding.EncodeToString(append([]byte("dt-"), body...))
}

const (
	agoraVersion    = "007"
	agoraChat       = 5 // the service
	agoraChatUser   = 1 // the privilege to log in as a user
	agoraOneService = 1
	agoraOneGrant   = 1
)

// agoraToken is Agora's AccessToken2 with the one service of chat. Numbers are
// little-endian, texts have their length before them. The key of the signature is
// made from the certificate, the time and the salt, one after the other.
func agoraToken(appID, certificate, uuid string, now time.Time, lifetime time.Duration, salt uint32) string {
	issued, life := uint32(now.Unix()), uint32(lifetime/time.Second) //nolint:gosec // the form ends in 2106
	var info bytes.Buffer
	put := func(numbers ...any) {
		for _, n := range numbers {
			_ = binary.Write(&info, binary.LittleEndian, n) // a buffer takes all
		}
	}
	text := func(s string) {
		put(uint16(len(s))) //nolint:gosec // an id of 32 or 36 bytes
		info.WriteString(s)
	}
	text(appID)
	put(issued, life, salt, uint16(agoraOneService), uint16(agoraChat), uint16(agoraOneGrant), uint16(agoraChatUser), life)
	text(uuid)

	key := mac(binary.LittleEndian.AppendUint32(nil, issued), []byte(certificate))
	key = mac(binary.LittleEndian.AppendUint32(nil, salt), key)
	signature := mac(key, info.Bytes())

	var content bytes.Buffer
	z := zlib.NewWriter(&content)
	_, _ = z.Write(binary.LittleEndian.AppendUint16(nil, sha256.Size))
	_, _ = z.Write(signature)
	_, _ = z.Write(info.Bytes())
	_ = z.Close()
	return agoraVersion + base64.StdEncoding.EncodeToString(content.Bytes())
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}
