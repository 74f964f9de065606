package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	gcmpb "github.com/tink-crypto/tink-go/v2/proto/aes_gcm_go_proto"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/protobuf/proto"
)

// A DataKey seals what a dump of the database must not show: connect tokens,
// passwords at the cloud, session keys and signing keys. It is a Tink keyset, so that a newer key can
// stand before an older one: the primary one seals, all of them open.
type DataKey struct {
	// Reread, if set, returns the text of the key as it is by now. It is asked when
	// something was sealed with a key that is not in the keyset, as after a
	// rotation by another process. Set it before the key is used.
	Reread func() (string, error)

	mu   sync.Mutex // one rereading at a time
	ring atomic.Pointer[keyring]
}

// A keyring is one reading of a keyset.
type keyring struct {
	aead tink.AEAD
	// prefix is what everything that the primary key seals begins with; see
	// https://developers.google.com/tink/wire-format. It is empty for a key that
	// leaves none.
	prefix  []byte
	primary uint32
	ids     map[uint32]bool
	older   int // keys from before the primary one
}

// prefixSize is the length of a prefix: a version byte and the key's id.
const prefixSize = 5

// NewDataKey makes a data key (AES-256-GCM) and its text form: one line of
// base64, a secret.
func NewDataKey() (*DataKey, string, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, "", fmt.Errorf("new data key: %w", err)
	}
	text, err := keysetText(h)
	if err != nil {
		return nil, "", fmt.Errorf("new data key: %w", err)
	}
	k, err := ParseDataKey(text)
	return k, text, err
}

// ParseDataKey reads the text form, or 32 random bytes in base64. Its errors
// never hold a part of it.
func ParseDataKey(text string) (*DataKey, error) {
	h, err := parseKeyset(text)
	if err != nil {
		return nil, err
	}
	r, err := newKeyring(h)
	if err != nil {
		return nil, err
	}
	k := &DataKey{}
	k.ring.Store(r)
	return k, nil
}

func newKeyring(h *keyset.Handle) (*keyring, error) {
	a, err := aead.New(h)
	if err != nil {
		return nil, errors.New("data key is not a keyset for sealing")
	}
	info := h.KeysetInfo()
	r := &keyring{aead: a, primary: info.GetPrimaryKeyId(), ids: make(map[uint32]bool)}
	for _, key := range info.GetKeyInfo() {
		r.ids[key.GetKeyId()] = true
		if key.GetKeyId() != info.GetPrimaryKeyId() {
			continue
		}
		r.older = len(r.ids) - 1
		switch key.GetOutputPrefixType() {
		case tinkpb.OutputPrefixType_TINK:
			r.prefix = binary.BigEndian.AppendUint32([]byte{1}, key.GetKeyId())
		case tinkpb.OutputPrefixType_CRUNCHY, tinkpb.OutputPrefixType_LEGACY:
			r.prefix = binary.BigEndian.AppendUint32([]byte{0}, key.GetKeyId())
		}
	}
	return r, nil
}

// keysetText is the text form of a keyset, a secret.
func keysetText(h *keyset.Handle) (string, error) {
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&buf)); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}

func parseKeyset(text string) (*keyset.Handle, error) {
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
	return h, nil
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
	sealed, err := k.ring.Load().aead.Encrypt(plain, place(table, column, row))
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s of %s: %w", table, column, row, err)
	}
	return sealed, nil
}

func (k *DataKey) open(sealed []byte, table, column, row string) ([]byte, error) {
	plain, err := k.ring.Load().aead.Decrypt(sealed, place(table, column, row))
	if err != nil && k.learn(sealed) {
		plain, err = k.ring.Load().aead.Decrypt(sealed, place(table, column, row))
	}
	if err != nil {
		return nil, fmt.Errorf("open %s.%s of %s: sealed with another key, for another row, or damaged", table, column, row)
	}
	return plain, nil
}

// learn rereads the keyset when something was sealed with a key that is not in
// it, and tells whether the key is there now.
func (k *DataKey) learn(sealed []byte) bool {
	if k.Reread == nil || len(sealed) < prefixSize || sealed[0] > 1 {
		return false
	}
	id := binary.BigEndian.Uint32(sealed[1:prefixSize])
	if k.ring.Load().ids[id] {
		return false
	}
	_ = k.Refresh()
	return k.ring.Load().ids[id]
}

// Refresh rereads the keyset. One without the key that seals now is refused: what
// was sealed a moment ago would be lost.
func (k *DataKey) Refresh() error {
	if k.Reread == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := k.Reread()
	if err != nil {
		return fmt.Errorf("reread data key: %w", err)
	}
	h, err := parseKeyset(text)
	if err != nil {
		return fmt.Errorf("reread data key: %w", err)
	}
	r, err := newKeyring(h)
	if err != nil {
		return fmt.Errorf("reread data key: %w", err)
	}
	if !r.ids[k.ring.Load().primary] {
		return errors.New("reread data key: it does not hold the key that seals now, which stays")
	}
	k.ring.Store(r)
	return nil
}

// Older tells how many keys the keyset has from before the one that seals.
func (k *DataKey) Older() int { return k.ring.Load().older }

// Errors of RotateDataKey.
var (
	ErrKeyPrepared = errors.New("a next data key is prepared already")
	ErrNoOlderKey  = errors.New("the data key holds no older key")
)

// A KeyStep is what RotateDataKey does to a keyset.
type KeyStep int

const (
	// KeyRotate lets a new key seal, or the one that was prepared; older ones stay
	// to open what they sealed.
	KeyRotate KeyStep = iota
	// KeyPrepare adds a key that only opens, for a fleet of processes that do not
	// change at the same moment: all must have it before one seals with it.
	KeyPrepare
	// KeyDropOlder takes out the keys from before the one that seals. What they
	// sealed is lost.
	KeyDropOlder
)

// RotateDataKey makes the text of the keyset that comes after text. Its errors
// never hold a part of either.
func RotateDataKey(text string, step KeyStep) (string, error) {
	h, err := parseKeyset(text)
	if err != nil {
		return "", err
	}
	info := h.KeysetInfo()
	keys := info.GetKeyInfo()
	last := keys[len(keys)-1].GetKeyId() // keys stand in the order in which they were added
	prepared := last != info.GetPrimaryKeyId()
	m := keyset.NewManagerFromHandle(h)
	switch {
	case step == KeyDropOlder && keys[0].GetKeyId() == info.GetPrimaryKeyId():
		return "", ErrNoOlderKey
	case step == KeyDropOlder:
		for _, key := range keys {
			if key.GetKeyId() == info.GetPrimaryKeyId() {
				break
			}
			err = errors.Join(err, m.Delete(key.GetKeyId()))
		}
	case step == KeyPrepare && prepared:
		return "", ErrKeyPrepared
	case !prepared:
		last, err = m.Add(aead.AES256GCMKeyTemplate())
	}
	if err == nil && step == KeyRotate {
		err = m.SetPrimary(last)
	}
	if err == nil {
		h, err = m.Handle()
	}
	if err != nil {
		return "", errors.New("data key cannot be rotated")
	}
	return keysetText(h)
}

// SealToken is how the connect token of a person at the app named app is stored
// in im_tokens. It is for loading many at once beside the store, as a benchmark
// or an import does.
func (s *Store) SealToken(app, userID, token string) ([]byte, error) {
	return s.dataKey.seal([]byte(token), "im_tokens", "token", app+"/"+userID)
}
