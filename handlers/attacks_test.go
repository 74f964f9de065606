package handlers_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A forger writes access tokens by hand.
type forger struct {
	header, claims map[string]any
	private        ed25519.PrivateKey
	public         ed25519.PublicKey
}

func (r *rig) forger(p person) forger {
	r.t.Helper()
	keys, err := r.store.SigningKeys(context.Background())
	if err != nil || len(keys) == 0 {
		r.t.Fatalf("signing keys = %d, %v", len(keys), err)
	}
	now := r.store.Clock.Now().Unix()
	return forger{
		header:  map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": keys[0].KID},
		claims:  map[string]any{"iss": "http://imbridge.test", "aud": "imbridge", "sub": p.id, "sid": p.session, "iat": now, "exp": now + 600},
		private: ed25519.NewKeyFromSeed(keys[0].Private), public: keys[0].Public,
	}
}

func part(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

func with(m map[string]any, changes ...any) map[string]any {
	out := maps.Clone(m)
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(out, changes[i].(string))
		} else {
			out[changes[i].(string)] = changes[i+1]
		}
	}
	return out
}

func (f forger) sign(header, claims map[string]any) string {
	text := part(header) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(f.private, []byte(text)))
}

func (f forger) hmac(alg string, key []byte) string {
	text := part(with(f.header, "alg", alg)) + "." + part(f.claims)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestForgedTokens shows the API tokens that are almost right. Each begins from
// one that is, so that only what its name says can be why it is refused.
func TestForgedTokens(t *testing.T) {
	r := newRig(t)
	ann, bob := r.register("ann"), r.register("bob")
	f := r.forger(ann)
	now := r.store.Clock.Now().Unix()
	good := f.sign(f.header, f.claims)
	r.do(request{method: "GET", path: "/v1/me", token: good}).want(t, "the token that all others are made from", http.StatusOK, "")

	pub, foreign, _ := ed25519.GenerateKey(rand.Reader)
	other := f
	other.private = foreign
	parts := strings.Split(good, ".")
	ctxSigned, _ := f.private.Sign(nil, []byte(parts[0]+"."+parts[1]), &ed25519.Options{Hash: crypto.Hash(0), Context: "x"})
	header := func(changes ...any) string { return f.sign(with(f.header, changes...), f.claims) }
	claims := func(changes ...any) string { return f.sign(f.header, with(f.claims, changes...)) }
	jwk := map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(pub), "kid": f.header["kid"]}

	attacks := map[string]string{
		"alg none":                    part(with(f.header, "alg", "none")) + "." + part(f.claims) + ".",
		"alg None":                    part(with(f.header, "alg", "None")) + "." + part(f.claims) + ".",
		"alg none with a signature":   header("alg", "none"),
		"alg missing":                 header("alg", nil),
		"alg empty":                   header("alg", ""),
		"alg a list":                  header("alg", []string{"EdDSA"}),
		"alg eddsa":                   header("alg", "eddsa"),
		"alg Ed25519":                 header("alg", "Ed25519"),
		"alg ES256":                   header("alg", "ES256"),
		"alg RS256":                   header("alg", "RS256"),
		"HS256 by the public key":     f.hmac("HS256", f.public),
		"HS256 by its base64":         f.hmac("HS256", []byte(base64.RawURLEncoding.EncodeToString(f.public))),
		"HS256 by nothing":            f.hmac("HS256", nil),
		"EdDSA that is an HMAC":       f.hmac("EdDSA", f.public),
		"a foreign key":               other.sign(f.header, f.claims),
		"a foreign key in jwk":        other.sign(with(f.header, "jwk", jwk), f.claims),
		"a foreign key in jku":        other.sign(with(f.header, "jku", "http://127.0.0.1:1/jwks.json"), f.claims),
		"a foreign key in x5u":        other.sign(with(f.header, "x5u", "http://127.0.0.1:1/cert"), f.claims),
		"a foreign key in x5c":        other.sign(with(f.header, "x5c", []string{"AAAA"}), f.claims),
		"no kid":                      header("kid", nil),
		"kid unknown":                 header("kid", "nobody"),
		"kid empty":                   header("kid", ""),
		"kid a number":                header("kid", 1),
		"kid a path":                  header("kid", "../../../../dev/null"),
		"kid SQL":                     header("kid", "' OR 1=1 --"),
		"kid a list":                  header("kid", []any{f.header["kid"]}),
		"kid long":                    header("kid", strings.Repeat("k", 1000)),
		"no typ":                      header("typ", nil),
		"typ JWT":                     header("typ", "JWT"),
		"typ another":                 header("typ", "refresh+jwt"),
		"typ with a media type":       header("typ", "application/at+jwt"),
		"crit":                        header("crit", []string{"exp"}),
		"crit unknown":                header("crit", []string{"b64"}, "b64", false),
		"no iss":                      claims("iss", nil),
		"iss another":                 claims("iss", "http://evil.test"),
		"iss with a slash":            claims("iss", "http://imbridge.test/"),
		"no aud":                      claims("aud", nil),
		"aud another":                 claims("aud", "someone-else"),
		"aud a part":                  claims("aud", "imbridg"),
		"aud empty list":              claims("aud", []string{}),
		"no sub":                      claims("sub", nil),
		"sub empty":                   claims("sub", ""),
		"sub a number":                claims("sub", 1),
		"no sid":                      claims("sid", nil),
		"sid a number":                claims("sid", 1),
		"no exp":                      claims("exp", nil),
		"exp a text":                  claims("exp", "tomorrow"),
		"exp huge":                    claims("exp", "1e400"),
		"nbf tomorrow":                claims("nbf", now+86400),
		"iat tomorrow":                claims("iat", now+86400),
		"no signature":                parts[0] + "." + parts[1] + ".",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  good + "." + parts[2],
		"one part":                    parts[0],
		"dots":                        "..",
		"claims of another":           parts[0] + "." + part(with(f.claims, "sub", bob.id, "sid", bob.session)) + "." + parts[2],
		"signature cut":               good[:len(good)-4],
		"signature longer":            good + "AAAA",
		"signature padded":            good + "==",
		"signature of zeros":          parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"signature with a context":    parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(ctxSigned),
		"standard base64":             parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]) + "+/",
		"claims not JSON":             parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("hello")) + "." + parts[2],
		"header not JSON":             "aGVsbG8." + parts[1] + "." + parts[2],
		"a JWE":                       parts[0] + "." + parts[1] + "." + parts[2] + "." + parts[0] + "." + parts[1],
		"a refresh token":             ann.refresh,
		"a connect token":             ann.connect,
		"huge":                        good + strings.Repeat("A", 60000),
		"huge claims":                 claims("x", strings.Repeat("A", 10000)),
		"a space inside":              parts[0] + ". " + parts[1] + "." + parts[2],
		"unicode":                     "йцу.кен.гш",
		"signed text of another kind": f.sign(with(f.header, "cty", "JWT", "typ", "JWS"), f.claims),
	}
	for name, token := range attacks {
		for _, q := range []request{{method: "GET", path: "/v1/me"}, {method: "GET", path: "/v1/im/token"}, {method: "GET", path: "/v1/admin/users"}} {
			q.token = token
			if a := r.do(q); a.status != http.StatusUnauthorized || a.text("code") != "token_invalid" {
				t.Errorf("%s with %s = %d %s, want 401 token_invalid", q.path, name, a.status, a.raw)
			}
		}
	}
	if len(attacks) < 40 {
		t.Errorf("attacks = %d, want at least 40", len(attacks))
	}

	// Genuine, but another's session or another's route.
	for name, c := range map[string]struct{ token, path, code string }{
		"somebody else's session":  {claims("sid", bob.session), "/v1/me", "session_ended"},
		"a session that never was": {claims("sid", "01h00000000000000000000000"), "/v1/im/token", "session_ended"},
		"a user as an admin":       {good, "/v1/admin/users", "forbidden"},
		"an admin who never was":   {f.sign(f.header, with(f.claims, "aud", "imbridge-admin", "sid", nil)), "/v1/admin/users", "token_invalid"},
		"an admin with a session":  {claims("aud", "imbridge-admin"), "/v1/admin/users", "token_invalid"},
	} {
		if a := r.do(request{method: "GET", path: c.path, token: c.token}); a.text("code") != c.code {
			t.Errorf("%s = %d %s, want %s", name, a.status, a.raw, c.code)
		}
	}
}

func TestAuthorizationHeader(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	for header, code := range map[string]string{
		"":                           "token_missing",
		"Bearer":                     "token_missing",
		"Bearer ":                    "token_missing",
		ann.access:                   "token_missing",
		"Basic YTpi":                 "token_missing",
		"Token " + ann.access:        "token_missing",
		"Bearer  " + ann.access:      "token_invalid",
		"Bearer " + ann.access + " ": "token_invalid",
		"bearer " + ann.access:       "",
		"BEARER " + ann.access:       "",
	} {
		a := r.do(request{method: "GET", path: "/v1/me", header: map[string]string{"Authorization": header}})
		if a.text("code") != code {
			t.Errorf("Authorization %.12q… = %d %s, want %q", header, a.status, a.raw, code)
		}
		if challenge := a.header.Get("WWW-Authenticate"); (code == "") != (challenge == "") || strings.Contains(challenge, "error=") != (code == "token_invalid") {
			t.Errorf("WWW-Authenticate after %q = %q", code, challenge)
		}
	}
}

func TestAccessExpires(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	r.store.Clock.Advance(10*time.Minute + 6*time.Second)
	r.do(request{method: "GET", path: "/v1/me", token: ann.access}).want(t, "me with an old token", http.StatusUnauthorized, "token_expired")
	r.do(request{method: "GET", path: "/v1/im/token", token: ann.access}).want(t, "token with an old token", http.StatusUnauthorized, "token_expired")
	r.do(request{method: "GET", path: "/v1/admin/users", token: admin}).want(t, "admin's token after ten minutes", http.StatusOK, "")
	r.store.Clock.Advance(time.Hour)
	r.do(request{method: "GET", path: "/v1/admin/users", token: admin}).want(t, "admin's token after an hour", http.StatusUnauthorized, "token_expired")
	next := r.do(request{method: "POST", path: "/v1/session/refresh", body: map[string]any{"refresh_token": ann.refresh}}).want(t, "refresh", http.StatusOK, "")
	r.do(request{method: "GET", path: "/v1/me", token: next.text("session", "access_token")}).want(t, "me with the next token", http.StatusOK, "")
	if got := fmt.Sprint(next.get("session", "expires_in")); got != "600" {
		t.Errorf("expires_in = %s, want 600", got)
	}
}
