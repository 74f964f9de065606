package models

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// A DataKey seals what a dump of the database must not show: connect tokens,
// session keys and signing keys. It is a Tink keyset, so that a newer key can
// stand before an older one.
type DataKey struct{ aead tink.AEAD }

// NewDataKey makes a data key (AES-256-GCM) and its text form: one line of
// base64, a secret.
func NewDataKey() (*DataKey, string, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, "", fmt.Errorf("new data key: %w", err)
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&buf)); err != nil {
		return nil, "", fmt.Errorf("new data key: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(buf.Bytes())
	k, err := ParseDataKey(text)
	return k, text, err
}

// ParseDataKey reads the text form. Its errors never hold a part of it.
func ParseDataKey(text string) (*DataKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("data key is not base64")
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, errors.New("data key is not a keyset")
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, errors.New("data key is not a keyset for sealing")
	}
	return &DataKey{aead: a}, nil
}

// place binds a sealed value to where it is stored: copied to another row it
// does not open.
func place(table, column, row string) []byte {
	return []byte(table + "|" + column + "|" + row)
}

func (k *DataKey) seal(plain []byte, table, column, row string) ([]byte, error) {
	sealed, err := k.aead.Encrypt(plain, place(table, column, row))
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s of %s: %w", table, column, row, err)
	}
	return sealed, nil
}

func (k *DataKey) open(sealed []byte, table, column, row string) ([]byte, error) {
	plain, err := k.aead.Decrypt(sealed, place(table, column, row))
	if err != nil {
		return nil, fmt.Errorf("open %s.%s of %s: sealed with another key, for another row, or damaged", table, column, row)
	}
	return plain, nil
}
