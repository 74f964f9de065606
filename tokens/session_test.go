package tokens

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestSignAndVerify(t *testing.T) {
	s := modelstest.Open(t)
	a := newAccess(newKeys(t, s))
	a.AdminLifetime = 5 * time.Minute
	now := s.Clock.Now()
	token, expires, err := a.Sign(models.Session{ID: "s1", UserID: "u1", RotatedAt: now})
	if want := now.Truncate(time.Second).Add(testLifetime); err != nil || !expires.Equal(want) {
		t.Fatalf("Sign = until %s, %v, want until %s", expires, err, want)
	}
	caller, err := a.Verify(t.Context(), token, AudienceUser)
	if err != nil || caller.ID != "u1" || caller.SessionID != "s1" || !caller.ExpiresAt.Equal(expires) {
		t.Errorf("Verify = %v, %v, want u1, s1 and the same end", caller, err)
	}
	admin, expires, err := a.SignAdmin("a1")
	if want := now.Truncate(time.Second).Add(5 * time.Minute); err != nil || !expires.Equal(want) {
		t.Fatalf("SignAdmin = until %s, %v, want until %s", expires, err, want)
	}
	if caller, err := a.Verify(t.Context(), admin, AudienceAdmin); err != nil || caller.ID != "a1" || caller.SessionID != "" {
		t.Errorf("Verify of an admin = %v, %v, want a1 and no session", caller, err)
	}
	for name, c := range map[string]struct{ token, audience string }{
		"an admin's as a user's": {admin, AudienceUser},
		"a user's as an admin's": {token, AudienceAdmin},
		"a user's for nobody":    {token, ""},
	} {
		if got, err := a.Verify(t.Context(), c.token, c.audience); !errors.Is(err, ErrAccessInvalid) {
			t.Errorf("%s: Verify = %v, %v, want %v", name, got, err, ErrAccessInvalid)
		}
	}
}

// TestSignIsDeterministic: a refresh whose answer was lost gives the same access
// token when it is repeated, and a token has always half its life before it.
func TestSignIsDeterministic(t *testing.T) {
	s := modelstest.Open(t)
	a := newAccess(newKeys(t, s))
	session := models.Session{ID: "s1", UserID: "u1", RotatedAt: s.Clock.Now()}
	first, _, err := a.Sign(session)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		step time.Duration
		same bool
	}{{0, true}, {10 * time.Second, true}, {testLifetime/2 - 10*time.Second, true}, {time.Microsecond, false}, {time.Hour, false}} {
		s.Clock.Advance(c.step)
		token, expires, err := a.Sign(session)
		if err != nil || (token == first) != c.same {
			t.Errorf("%s after RotatedAt: the same token: %t, %v, want %t", s.Clock.Now().Sub(session.RotatedAt), token == first, err, c.same)
		}
		if left := expires.Sub(s.Clock.Now()); left < testLifetime/2-time.Second {
			t.Errorf("%s after RotatedAt: %s to live, want half of %s at least", s.Clock.Now().Sub(session.RotatedAt), left, testLifetime)
		}
	}
	session.RotatedAt = s.Clock.Now().Add(time.Minute) // a database clock ahead of ours
	token, _, err := a.Sign(session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Verify(t.Context(), token, AudienceUser); err != nil {
		t.Errorf("Verify of a session rotated in the future = %v, want a token that starts now", err)
	}
}

func TestAccessExpiry(t *testing.T) {
	s := modelstest.Open(t)
	a := newAccess(newKeys(t, s))
	token, expires, err := a.Sign(models.Session{ID: "s1", UserID: "u1", RotatedAt: s.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  error
	}{{-time.Second, nil}, {accessLeeway - time.Microsecond, nil}, {accessLeeway, ErrAccessExpired}, {time.Hour, ErrAccessExpired}} {
		s.Clock.Advance(expires.Add(c.after).Sub(s.Clock.Now()))
		if _, err := a.Verify(t.Context(), token, AudienceUser); !errors.Is(err, c.want) {
			t.Errorf("%s after the end: Verify = %v, want %v", c.after, err, c.want)
		}
	}
}

// TestForgeries are all refused, each for the one thing that is wrong with it.
func TestForgeries(t *testing.T) {
	s := modelstest.Open(t)
	k := newKeys(t, s)
	a := newAccess(k)
	own := k.active()
	s.Clock.Advance(testRotation)
	if err := k.Rotate(t.Context()); err != nil { // a second key, both known
		t.Fatal(err)
	}
	second := k.ring.Load().keys[1]
	_, strange, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := s.Clock.Now()
	type draft struct {
		head   map[string]any
		claims jwt.MapClaims
		method jwt.SigningMethod
		key    any
	}
	sound := func() draft {
		return draft{map[string]any{"typ": "at+jwt", "kid": own.id},
			jwt.MapClaims{"iss": a.Issuer, "aud": AudienceUser, "sub": "u1", "sid": "s1", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()},
			jwt.SigningMethodEdDSA, own.private}
	}
	write := func(d draft) string {
		t.Helper()
		token := jwt.NewWithClaims(d.method, d.claims)
		for name, v := range d.head {
			token.Header[name] = v
			if v == nil {
				delete(token.Header, name)
			}
		}
		signed, err := token.SignedString(d.key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	if _, err := a.Verify(t.Context(), write(sound()), AudienceUser); err != nil {
		t.Fatalf("the sound draft is refused: %v; this tests nothing", err)
	}
	claim := func(name string, v any) func(*draft) {
		return func(d *draft) {
			d.claims[name] = v
			if v == nil {
				delete(d.claims, name)
			}
		}
	}
	head := func(name string, v any) func(*draft) { return func(d *draft) { d.head[name] = v } }
	public := own.private.Public().(ed25519.PublicKey)
	for _, c := range []struct {
		name string
		spin func(*draft)
		want error
	}{
		{"alg none", func(d *draft) { d.method, d.key = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType }, ErrAccessInvalid},
		{"HMAC keyed with the public key", func(d *draft) { d.method, d.key = jwt.SigningMethodHS256, []byte(public) }, ErrAccessInvalid},
		{"HMAC keyed with the public key in text", func(d *draft) {
			d.method, d.key = jwt.SigningMethodHS256, []byte(base64.RawURLEncoding.EncodeToString(public))
		}, ErrAccessInvalid},
		{"alg of another name", head("alg", "ES256"), ErrAccessInvalid},
		{"alg in lower case", head("alg", "eddsa"), ErrAccessInvalid},
		{"a stranger's key under our kid", func(d *draft) { d.key = strange }, ErrAccessInvalid},
		{"kid of another key of ours", head("kid", second.id), ErrAccessInvalid},
		{"an unknown kid", head("kid", "nobody"), ErrAccessInvalid},
		{"no kid", head("kid", nil), ErrAccessInvalid},
		{"kid that is no text", head("kid", 1), ErrAccessInvalid},
		{"an embedded key", func(d *draft) {
			d.key, d.head["kid"] = strange, nil
			d.head["jwk"] = map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(strange.Public().(ed25519.PublicKey))}
		}, ErrAccessInvalid},
		{"typ JWT", head("typ", "JWT"), ErrAccessInvalid},
		{"no typ", head("typ", nil), ErrAccessInvalid},
		{"crit", head("crit", []string{"exp"}), ErrAccessInvalid},
		{"crit that is empty", head("crit", []string{}), ErrAccessInvalid},
		{"another issuer", claim("iss", "https://im.example.com.evil.example"), ErrAccessInvalid},
		{"no issuer", claim("iss", nil), ErrAccessInvalid},
		{"another audience", claim("aud", "imbridge-staging"), ErrAccessInvalid},
		{"no audience", claim("aud", nil), ErrAccessInvalid},
		{"no end", claim("exp", nil), ErrAccessInvalid},
		{"an end that is no number", claim("exp", "tomorrow"), ErrAccessInvalid},
		{"expired", claim("exp", now.Add(-time.Minute).Unix()), ErrAccessExpired},
		{"expired and forged", func(d *draft) { d.claims["exp"], d.key = now.Add(-time.Minute).Unix(), strange }, ErrAccessInvalid},
		{"issued in the future", claim("iat", now.Add(time.Minute).Unix()), ErrAccessInvalid},
		{"not valid yet", claim("nbf", now.Add(time.Minute).Unix()), ErrAccessInvalid},
		{"no subject", claim("sub", nil), ErrAccessInvalid},
		{"no session", claim("sid", nil), ErrAccessInvalid},
		{"longer than 2048 bytes", claim("pad", strings.Repeat("x", maxAccess)), ErrAccessInvalid},
	} {
		d := sound()
		c.spin(&d)
		if got, err := a.Verify(t.Context(), write(d), AudienceUser); !errors.Is(err, c.want) || got != (Caller{}) {
			t.Errorf("%s: Verify = %v, %v, want nobody and %v", c.name, got, err, c.want)
		}
	}
	admin := sound()
	admin.claims["aud"] = AudienceAdmin
	if _, err := a.Verify(t.Context(), write(admin), AudienceAdmin); !errors.Is(err, ErrAccessInvalid) {
		t.Errorf("an admin's token with a session: Verify = %v, want %v", err, ErrAccessInvalid)
	}
	good := write(sound())
	for n := range good {
		b := []byte(good)
		b[n] ^= 1
		if _, err := a.Verify(t.Context(), string(b), AudienceUser); err == nil {
			t.Fatalf("Verify with byte %d changed = nil, want an error", n)
		}
	}
	// The last of 86 characters holds four bits that belong to nothing.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(good) - 1
	twin := good[:last] + string(alphabet[strings.IndexByte(alphabet, good[last])^1])
	if _, err := a.Verify(t.Context(), twin, AudienceUser); !errors.Is(err, ErrAccessInvalid) {
		t.Errorf("Verify of another spelling of the same bytes = %v, want %v", err, ErrAccessInvalid)
	}
	for _, garbage := range []string{"", ".", "..", "a.b.c", good + ".", good + "=", " " + good, good[:len(good)-1], strings.Repeat(".", maxAccess)} {
		if _, err := a.Verify(t.Context(), garbage, AudienceUser); !errors.Is(err, ErrAccessInvalid) {
			t.Errorf("Verify(%.20q…) = %v, want %v", garbage, err, ErrAccessInvalid)
		}
	}
}

func FuzzVerify(f *testing.F) {
	s := modelstest.OpenOn(f, "sqlite")
	k := newKeys(f, s)
	a := newAccess(k)
	good := a.mustSign(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if caller, err := a.Verify(t.Context(), token, AudienceUser); err == nil && token != good {
			t.Errorf("Verify(%q) = %v, want an error for what we did not sign", token, caller)
		}
	})
}
