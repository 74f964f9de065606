package models

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"
)

func FuzzOpenSealed(f *testing.F) {
	k, _, err := NewDataKey()
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := k.seal([]byte("token"), "im_tokens", "token", "app/user")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, "app/user")
	f.Add(sealed[:5], "app/user")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, blob []byte, row string) {
		plain, err := k.open(blob, "im_tokens", "token", row)
		genuine := bytes.Equal(blob, sealed) && row == "app/user"
		if (err == nil) != genuine {
			t.Errorf("open of %d bytes for row %q = %q, %v; want only the sealed value in its own row to open", len(blob), row, plain, err)
		}
	})
}

func FuzzParseRefreshToken(f *testing.F) {
	key := []byte("0123456789abcdef0123456789abcdef")
	id := strings.ToLower(ulid.ULID{1, 2, 3}.String())
	for _, counter := range []int64{1, 127, 128, 1 << 40, 1 << 62} {
		f.Add(encodeRefreshToken(key, id, counter))
	}
	f.Add("imr1_")
	f.Add("imr1_AAAA")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := parseRefreshToken(token)
		if err != nil {
			if !errors.Is(err, ErrRefreshInvalid) {
				t.Errorf("parseRefreshToken = %v, want ErrRefreshInvalid", err)
			}
			return
		}
		again := encodeRefreshToken(key, got.sessionID, got.counter)
		back, err := parseRefreshToken(again)
		if err != nil || back.sessionID != got.sessionID || back.counter != got.counter {
			t.Errorf("parse of what encode made of %+v = %+v, %v", got, back, err)
		}
		if len(again) != len(token) {
			t.Errorf("token of %d characters parses as one of %d; want one form for one token", len(token), len(again))
		}
	})
}

func TestRefreshTokenHasOneForm(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	id := strings.ToLower(ulid.ULID{9}.String())
	token := encodeRefreshToken(key, id, 300)
	got, err := parseRefreshToken(token)
	if err != nil || got.sessionID != id || got.counter != 300 || !bytes.Equal(got.mac, refreshMAC(key, id, 300)) {
		t.Fatalf("parse = %+v, %v; want session %s, counter 300 and its HMAC", got, err, id)
	}
	if token != encodeRefreshToken(key, id, 300) {
		t.Error("encoding twice gives two tokens, want one")
	}
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		if _, err := parseRefreshToken(string(changed)); err == nil {
			t.Errorf("a change of character %d goes unseen by the checksum", i)
		}
	}
	for _, bad := range []string{"", token + "A", token + "=", " " + token, strings.ToUpper(token), token[:len(token)-1]} {
		if _, err := parseRefreshToken(bad); !errors.Is(err, ErrRefreshInvalid) {
			t.Errorf("parse of a damaged token = %v, want ErrRefreshInvalid", err)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2i$v=19$m=1,t=2$$")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.memory > maxArgonMemory || p.time > maxArgonTime || p.time == 0 || p.threads == 0 || len(p.salt) < 8 || len(p.key) < 16 {
			t.Errorf("parsePHC accepts a cost of m=%d t=%d p=%d, salt %d, key %d bytes", p.memory, p.time, p.threads, len(p.salt), len(p.key))
		}
		again, err := parsePHC(encodePHC(p.salt, p.key, p.memory, p.time, p.threads))
		if err != nil || !bytes.Equal(again.salt, p.salt) || !bytes.Equal(again.key, p.key) || again.memory != p.memory {
			t.Errorf("parse of what encode made = %+v, %v; want %+v", again, err, p)
		}
	})
}
