package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	gcmpb "github.com/tink-crypto/tink-go/v2/proto/aes_gcm_go_proto"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/protobuf/proto"
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

// ParseDataKey reads the text form, or 32 random bytes in base64. Its errors
// never hold a part of it.
func ParseDataKey(text string) (*DataKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("data key is not base64")
	}
	var reader keyset.Reader = keyset.NewBinaryReader(bytes.NewReader(raw))
	if len(raw) == 32 {
		if reader, err = rawKeyset(raw); err != nil {
			return nil, errors.New("data key cannot be used")
		}
	}
	h, err := insecurecleartextkeyset.Read(reader)
	if err != nil {
		return nil, errors.New("data key is not a keyset")
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, errors.New("data key is not a keyset for sealing")
	}
	return &DataKey{aead: a}, nil
}

// rawKeyset makes a keyset of one AES-256-GCM key. The key's id comes from the
// key, so that the same bytes always open what they sealed.
func rawKeyset(raw []byte) (keyset.Reader, error) {
	key, err := proto.Marshal(&gcmpb.AesGcmKey{KeyValue: raw})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte("imbridge data key id"), raw...))
	id := binary.BigEndian.Uint32(sum[:4]) | 1
	set, err := proto.Marshal(&tinkpb.Keyset{PrimaryKeyId: id, Key: []*tinkpb.Keyset_Key{{
		KeyData: &tinkpb.KeyData{TypeUrl: "type.googleapis.com/google.crypto.tink.AesGcmKey", Value: key, KeyMaterialType: tinkpb.KeyData_SYMMETRIC},
		Status:  tinkpb.KeyStatusType_ENABLED, KeyId: id, OutputPrefixType: tinkpb.OutputPrefixType_TINK}}})
	return keyset.NewBinaryReader(bytes.NewReader(set)), err
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

// SealToken is how the connect token of a person at the app named app is stored
// in im_tokens. It is for loading many at once beside the store, as a benchmark
// or an import does.
func (s *Store) SealToken(app, userID, token string) ([]byte, error) {
	return s.dataKey.seal([]byte(token), "im_tokens", "token", app+"/"+userID)
}
