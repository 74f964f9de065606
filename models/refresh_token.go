package models

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/oklog/ulid/v2"
)

// A refresh token is "imr1_" and base64url of
//
//	session id (16 bytes) | counter (varint) | HMAC-SHA256, cut to 16 bytes | CRC-32
//
// The HMAC is keyed by the session's own key and covers id and counter, so that
// the database holds a counter and no token. The checksum lets garbage be
// refused without asking the database.
const refreshPrefix = "imr1_"

type refreshToken struct {
	sessionID string
	counter   int64
	mac       []byte
}

func refreshMAC(key []byte, sessionID string, counter int64) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("refresh\x00" + sessionID + "\x00"))
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(counter)) //nolint:gosec // counters are positive
	h.Write(n[:])
	return h.Sum(nil)[:16]
}

// encodeRefreshToken makes the token of a session at a counter. The same two
// always give the same token.
func encodeRefreshToken(key []byte, sessionID string, counter int64) string {
	id := ulid.MustParse(strings.ToUpper(sessionID))
	b := binary.AppendUvarint(append([]byte(nil), id[:]...), uint64(counter)) //nolint:gosec // counters are positive
	b = append(b, refreshMAC(key, sessionID, counter)...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// parseRefreshToken returns ErrRefreshInvalid for everything that
// encodeRefreshToken could not have made. It does not prove the HMAC.
func parseRefreshToken(s string) (refreshToken, error) {
	body, ok := strings.CutPrefix(s, refreshPrefix)
	if !ok || len(body) > 80 {
		return refreshToken{}, ErrRefreshInvalid
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) < 16+1+16+4 {
		return refreshToken{}, ErrRefreshInvalid
	}
	payload, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.ChecksumIEEE(payload) != binary.BigEndian.Uint32(sum) {
		return refreshToken{}, ErrRefreshInvalid
	}
	counter, n := binary.Uvarint(payload[16:])
	if n <= 0 || len(payload) != 16+n+16 || counter == 0 || counter > 1<<62 || len(binary.AppendUvarint(nil, counter)) != n {
		return refreshToken{}, ErrRefreshInvalid
	}
	id := ulid.ULID(payload[:16])
	return refreshToken{sessionID: strings.ToLower(id.String()), counter: int64(counter), mac: payload[16+n:]}, nil
}
