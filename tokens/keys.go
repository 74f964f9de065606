package tokens

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"imbridge/models"
)

const (
	// keyReload is how often each process looks for new keys, and so how long one
	// may still take what an emergency has made void elsewhere.
	keyReload = 10 * time.Second
	// keyLead is how long a key is published before it signs: longer than any
	// process, or reader of the JWKS, goes without looking.
	keyLead = 10 * time.Minute
	// keyLinger is how much longer than the last token a key is kept.
	keyLinger = 5 * time.Minute
	// keyMiss is how often an unknown key id makes a process look at once, and
	// keyMissWait how long it looks.
	keyMiss     = time.Second
	keyMissWait = 2 * time.Second
	// keyRotateWait bounds one rotation: whoever comes with an unknown key waits
	// for it.
	keyRotateWait = 5 * time.Second
	// rotateTries bounds how often RotateNow begins again after another process
	// was first.
	rotateTries = 8
)

// Keys are the keys that sign access tokens. A new one is published, signs
// after keyLead, and stays until the last token of its own has run out. Of
// several processes that rotate at once one wins.
type Keys struct {
	Store *models.Store
	// AccessLifetime is how long a token that they sign is valid.
	AccessLifetime time.Duration
	// Rotation is how long one key signs.
	Rotation time.Duration
	Now      func() time.Time
	Log      *slog.Logger

	rotate func(ctx context.Context) error // nil: Rotate; a test's database that hangs

	mu       sync.Mutex // one load at a time
	loadedAt time.Time
	ring     atomic.Pointer[ring]
}

// A ring is one reading of the keys, oldest first.
type ring struct {
	keys []signingKey
	byID map[string]ed25519.PublicKey
	jwks []byte
}

type signingKey struct {
	id       string
	seq      int64
	private  ed25519.PrivateKey
	activeAt time.Time
}

// Load reads the keys and makes the first one where there is none.
func (k *Keys) Load(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.load(ctx)
}

func (k *Keys) load(ctx context.Context) error {
	stored, err := k.Store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	if len(stored) == 0 {
		if err := k.add(ctx, 1, k.Now()); err != nil {
			return err
		}
		if stored, err = k.Store.SigningKeys(ctx); err != nil {
			return err
		}
	}
	r := &ring{byID: make(map[string]ed25519.PublicKey)}
	type jwk struct {
		KTY string `json:"kty"`
		CRV string `json:"crv"`
		KID string `json:"kid"`
		Alg string `json:"alg"`
		Use string `json:"use"`
		X   string `json:"x"`
	}
	public := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, s := range stored {
		if len(s.Private) != ed25519.SeedSize || len(s.Public) != ed25519.PublicKeySize {
			return fmt.Errorf("signing key %s has the wrong size", s.KID)
		}
		r.keys = append(r.keys, signingKey{id: s.KID, seq: s.Seq, private: ed25519.NewKeyFromSeed(s.Private), activeAt: s.ActiveAt})
		r.byID[s.KID] = s.Public
		public.Keys = append(public.Keys, jwk{KTY: "OKP", CRV: "Ed25519", KID: s.KID, Alg: "EdDSA", Use: "sig", X: base64.RawURLEncoding.EncodeToString(s.Public)})
	}
	if r.jwks, err = json.Marshal(public); err != nil {
		return err
	}
	k.ring.Store(r)
	k.loadedAt = k.Now()
	return nil
}

func (k *Keys) add(ctx context.Context, seq int64, active time.Time) error {
	key, err := newKey(seq, active)
	if err != nil {
		return err
	}
	err = k.Store.AddSigningKey(ctx, key)
	if errors.Is(err, models.ErrStale) {
		return nil // another process was first; its key serves
	}
	return err
}

func newKey(seq int64, active time.Time) (models.SigningKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return models.SigningKey{}, err
	}
	// The key id is the key's own thumbprint (RFC 7638), so that nobody has to
	// agree on a name.
	x := base64.RawURLEncoding.EncodeToString(public)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return models.SigningKey{Seq: seq, KID: base64.RawURLEncoding.EncodeToString(sum[:]), Public: public, Private: private.Seed(), ActiveAt: active}, nil
}

// Rotate adds the next key when it is time, and drops those that no valid token
// can name any more.
func (k *Keys) Rotate(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.load(ctx); err != nil {
		return err
	}
	keys, now := k.ring.Load().keys, k.Now()
	newest := keys[len(keys)-1]
	if !now.Before(newest.activeAt.Add(k.Rotation - keyLead)) {
		if err := k.add(ctx, newest.seq+1, now.Add(keyLead)); err != nil {
			return err
		}
	}
	keep := keys[0].seq
	for _, key := range keys[1:] {
		if now.After(key.activeAt.Add(k.AccessLifetime + keyLinger)) {
			keep = key.seq
		}
	}
	if keep != keys[0].seq {
		if err := k.Store.DropSigningKeys(ctx, keep); err != nil {
			return err
		}
	}
	return k.load(ctx)
}

// RotateNow adds the next key without waiting for its time. It is published now
// and signs after keyLead; the older ones stay until their last token is over.
//
// An emergency is for keys that are in wrong hands: the new key signs at once and
// the older ones go, which ends all access tokens. Sessions go on: a refresh
// gives a new one. Other processes learn of it from the first token that the new
// key signed, or within keyReload.
func (k *Keys) RotateNow(ctx context.Context, emergency bool, actor string, o models.Origin) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for range rotateTries {
		if err := k.load(ctx); err != nil {
			return err
		}
		keys, active := k.ring.Load().keys, k.Now()
		if !emergency {
			active = active.Add(keyLead)
		}
		key, err := newKey(keys[len(keys)-1].seq+1, active)
		if err != nil {
			return err
		}
		if err := k.Store.RotateSigningKeys(ctx, key, emergency, actor, o); err == nil {
			return k.load(ctx)
		} else if !errors.Is(err, models.ErrStale) {
			return fmt.Errorf("rotate signing keys: %w", err)
		}
	}
	return fmt.Errorf("rotate signing keys: %w", models.ErrStale)
}

// Run rotates until ctx ends.
func (k *Keys) Run(ctx context.Context) error {
	tick := time.NewTicker(keyReload)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := k.rotateInTime(ctx); err != nil && ctx.Err() == nil {
				k.Log.WarnContext(ctx, "signing keys not rotated", "err", err)
			}
		}
	}
}

func (k *Keys) rotateInTime(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keyRotateWait)
	defer cancel()
	if k.rotate != nil {
		return k.rotate(ctx)
	}
	return k.Rotate(ctx)
}

// JWKS are the public keys, as RFC 7517 has them. Load must have succeeded.
func (k *Keys) JWKS() []byte { return k.ring.Load().jwks }

// active is the key that signs now.
func (k *Keys) active() signingKey {
	r, now := k.ring.Load(), k.Now()
	for i := len(r.keys) - 1; i > 0; i-- {
		if !r.keys[i].activeAt.After(now) {
			return r.keys[i]
		}
	}
	return r.keys[0]
}

// public finds a key by its id. An unknown id makes it look once more, for the
// clock of another process may be ahead of ours, but not more often than keyMiss.
func (k *Keys) public(ctx context.Context, id string) (ed25519.PublicKey, error) {
	if key, ok := k.ring.Load().byID[id]; ok {
		return key, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Now().Sub(k.loadedAt) >= keyMiss {
		// Noted before: when the database hangs, a crowd of made-up ids must not
		// wait for it one after the other.
		k.loadedAt = k.Now()
		ctx, cancel := context.WithTimeout(ctx, keyMissWait)
		defer cancel()
		if err := k.load(ctx); err != nil {
			return nil, err
		}
	}
	if key, ok := k.ring.Load().byID[id]; ok {
		return key, nil
	}
	return nil, ErrAccessInvalid
}
