package handlers

import "encoding/base64"

// A cursor is base64url of a version and the id of the last row of a part. It is
// opaque to clients, so that what is in it may change.
const cursorVersion = 1

func makeCursor(id string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{cursorVersion}, id...))
}

func parseCursor(s string) (id string, err error) {
	if len(s) == base64.RawURLEncoding.EncodedLen(1+26) {
		b, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err == nil && b[0] == cursorVersion && isULID(string(b[1:])) {
			return string(b[1:]), nil
		}
	}
	return "", &problem{code: "bad_cursor"}
}

// cut takes the row off that was read to see whether there are more.
func (p page) cut(n int) (keep int, more bool) {
	if n > p.limit {
		return p.limit, true
	}
	return n, false
}

// nextCursor is null at the end of a list.
func nextCursor(more bool, lastID func() string) *string {
	if !more {
		return nil
	}
	cursor := makeCursor(lastID())
	return &cursor
}
