package models

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/oklog/ulid/v2"
)

// ForgeRefreshToken makes a well-formed token with any HMAC.
func ForgeRefreshToken(sessionID string, counter uint64, mac []byte) string {
	id := ulid.MustParse(strings.ToUpper(sessionID))
	b := append(binary.AppendUvarint(id[:], counter), mac...)
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// RefreshMACOf cuts the HMAC out of a token.
func RefreshMACOf(token string) []byte {
	t, err := parseRefreshToken(token)
	if err != nil {
		panic(err)
	}
	return t.mac
}

// SameEpoch gives u the unexported epoch of other, so that the two compare by
// the rest.
func SameEpoch(u, other User) User {
	u.epoch = other.epoch
	return u
}
