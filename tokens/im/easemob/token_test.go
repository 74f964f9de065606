package easemob

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/tokens/im"
)

func mintCloud() *fake {
	return &fake{answers: map[string]func(int, *http.Request) (int, string){"POST /token": always(200, goodToken)}}
}

func TestMintAsksForALifetimeInTheClustersUnit(t *testing.T) {
	for _, c := range []struct {
		cluster  string
		lifetime time.Duration
		want     float64
	}{
		{"", 0, 0}, {"", 24 * time.Hour, 86400}, {"", time.Millisecond, 1}, {"", 1500 * time.Millisecond, 1},
		{VIP5, 0, 0}, {VIP5, 24 * time.Hour, 86400_000}, {VIP5, time.Microsecond, 1},
	} {
		f := mintCloud()
		cl := newTestClient(t, f, func(cfg *Config) { cfg.Cluster = c.cluster })
		if _, err := cl.Mint(t.Context(), ann, c.lifetime); err != nil {
			t.Fatal(err)
		}
		body := f.body(t, "POST /token")
		if body["ttl"] != c.want || body["grant_type"] != "inherit" || body["autoCreateUser"] != true || body["username"] != "u1" {
			t.Errorf("a lifetime of %v on cluster %q sends %v, want ttl %v", c.lifetime, c.cluster, body, c.want)
		}
	}
}

func TestMintTellsTheEndFromBeforeTheCall(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, c := range []struct {
		cluster, expires string
		want             time.Time
	}{
		{"", "86400", now.Add(24 * time.Hour)}, {"", `"86400"`, now.Add(24 * time.Hour)}, {VIP5, "86400000", now.Add(24 * time.Hour)}, {"", "0", time.Time{}},
	} {
		f := mintCloud()
		cl := newTestClient(t, f, func(cfg *Config) { cfg.Cluster = c.cluster })
		cl.Now = func() time.Time { return now }
		f.answers["POST /token"] = func(int, *http.Request) (int, string) {
			cl.Now = func() time.Time { return now.Add(3 * time.Second) } // the call takes that long
			return 200, strings.Replace(goodToken, "86400", c.expires, 1)
		}
		tok, err := cl.Mint(t.Context(), ann, 24*time.Hour)
		if err != nil || !tok.ExpiresAt.Equal(c.want) {
			t.Errorf("ExpiresAt of expires_in %s on cluster %q = %v, %v, want %v", c.expires, c.cluster, tok.ExpiresAt, err, c.want)
		}
	}
}

func TestMintTakesNothingForATokenThatIsNone(t *testing.T) {
	for name, body := range map[string]string{
		"no token":        `{"expires_in":1,"user":{"username":"u1"},"timestamp":1}`,
		"empty":           `{"access_token":"","expires_in":1}`,
		"a number":        `{"access_token":17,"expires_in":1}`,
		"too long":        `{"access_token":"` + strings.Repeat("A", 513) + `","expires_in":1}`,
		"a space":         `{"access_token":"A A","expires_in":1}`,
		"not ASCII":       `{"access_token":"AéA","expires_in":1}`,
		"without an end":  `{"access_token":"YWMtAAAA"}`,
		"an odd end":      `{"access_token":"YWMtAAAA","expires_in":"soon"}`,
		"a past end":      `{"access_token":"YWMtAAAA","expires_in":-1}`,
		"somebody else's": strings.Replace(goodToken, `"u1"`, `"u2"`, 1),
	} {
		f := mintCloud()
		f.answers["POST /token"] = always(200, body)
		tok, err := newTestClient(t, f).Mint(t.Context(), ann, time.Hour)
		e := wantKind(t, err, im.Unknown)
		if tok != (im.Token{}) || strings.Contains(e.Error(), "YWMtAAAA") {
			t.Errorf("%s: token %q and error %v, want none and nothing of it", name, tok.Value, e)
		}
	}
}

func TestMintTriesAgainWhereTwoMakeOneUser(t *testing.T) {
	for _, c := range []struct{ conflicts, calls int }{{1, 2}, {3, 4}, {100, createTries}} {
		synctest.Test(t, func(t *testing.T) {
			f := mintCloud()
			f.answers["POST /token"] = func(n int, _ *http.Request) (int, string) {
				if n <= c.conflicts {
					return 409, `{"error":"concurrent_operation_error","error_description":"concurrency create app user failed"}`
				}
				return 200, goodToken
			}
			_, err := newTestClient(t, f).Mint(t.Context(), ann, 0)
			if c.conflicts < createTries && err != nil {
				t.Errorf("Mint after %d conflicts = %v, want a token", c.conflicts, err)
			}
			if c.conflicts >= createTries && (im.KindOf(err) != im.Unavailable || !im.Temporary(err)) {
				t.Errorf("Mint with conflicts only = %v, want a temporary failure", err)
			}
			if got := f.count("POST /token"); got != c.calls {
				t.Errorf("%d calls with %d conflicts, want %d", got, c.conflicts, c.calls)
			}
		})
	}
}

// Name and avatar are put once for each change, and never cost anybody a token.
func TestMintPutsTheProfileOnceAndOwesItOtherwise(t *testing.T) {
	const put = "PUT /metadata/user/u1"
	f := mintCloud()
	c := newTestClient(t, f)
	mint := func(u im.User, owed bool, puts int) {
		t.Helper()
		tok, err := c.Mint(t.Context(), u, 0)
		if err != nil || tok.Unprofiled != owed {
			t.Errorf("Mint = unprofiled %v, %v, want %v", tok.Unprofiled, err, owed)
		}
		if got := f.count(put); got != puts {
			t.Errorf("%d puts, want %d", got, puts)
		}
	}
	mint(ann, false, 1)
	form, _ := url.ParseQuery(f.bodies[put][0])
	if form.Get("nickname") != "Ann" || form.Get("avatarurl") != "https://a/b" || len(form) != 2 {
		t.Errorf("the form is %v, want nickname and avatarurl", form)
	}
	mint(ann, false, 1)
	renamed := ann
	renamed.Name = "Anna"
	f.answers[put] = always(403, `{"error":"FORBIDDEN"}`)
	mint(renamed, true, 2)
	mint(renamed, true, 3)
	f.answers[put] = nil
	mint(renamed, false, 4)
	mint(ann, false, 5)
	f.answers["DELETE /metadata/user/u1"] = always(200, `{"timestamp":1,"data":true}`)
	f.answers["DELETE /users/u1"] = always(200, goodUser)
	if err := c.Remove(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	mint(ann, false, 6)
}

func TestRevokeBeforeSetsAPasswordThatNobodyKnows(t *testing.T) {
	const set = "PUT /users/u1/password"
	f := mintCloud()
	f.answers[set] = always(200, `{"action":"set user password","timestamp":1}`)
	c := newTestClient(t, f)
	now := time.Unix(1e9, 0)
	c.Now = func() time.Time { return now }
	seen := map[string]bool{}
	r := c.Roles().(im.Revoker)
	for _, before := range []time.Time{now.Add(-time.Hour), now, now.Add(time.Hour)} {
		ended, err := r.RevokeBefore(t.Context(), "u1", before)
		want := now.Add(time.Millisecond)
		if before.After(want) {
			want = before
		}
		if err != nil || !ended.Equal(want) {
			t.Errorf("RevokeBefore(%v) = %v, %v, want %v", before, ended, err, want)
		}
		p, _ := f.body(t, set)["newpassword"].(string)
		if len(p) < 32 || len(p) > 64 || seen[p] {
			t.Errorf("a password of %d characters, want 32 to 64 and a new one each time", len(p))
		}
		seen[p] = true
	}
	f.answers[set] = always(404, `{"error":"entity_not_found","error_description":"User null not found"}`)
	if ended, err := r.RevokeBefore(t.Context(), "u1", now); err != nil || !ended.Equal(now) {
		t.Errorf("RevokeBefore of nobody = %v, %v, want %v and no error", ended, err, now)
	}
}

func TestTokensSignedHereCannotBeRevoked(t *testing.T) {
	for tokens, want := range map[string]bool{Server: true, Dynamic: false, Agora: false} {
		c := newTestClient(t, &fake{}, func(cfg *Config) {
			cfg.Tokens, cfg.AgoraAppID, cfg.AgoraCertificate = tokens, strings.Repeat("a", 32), strings.Repeat("b", 32)
		})
		_, revokes := c.Roles().(im.Revoker)
		_, sets := c.Roles().(im.PasswordSetter)
		_, befriends := c.Roles().(im.Friender)
		if revokes != want || sets != want || !befriends {
			t.Errorf("with tokens %s: Revoker %v, PasswordSetter %v, Friender %v, want %v, %v, true", tokens, revokes, sets, befriends, want, want)
		}
	}
}

// The user must be there, so that a mint registers who is missing, once.
func TestASignedTokenNeedsItsUser(t *testing.T) {
	f := &fake{}
	made := false
	f.answers = map[string]func(int, *http.Request) (int, string){
		"GET /users/u1": func(int, *http.Request) (int, string) {
			if made {
				return 200, goodUser
			}
			return 404, noUser
		},
		"POST /users": func(int, *http.Request) (int, string) { made = true; return 200, goodUser },
	}
	c := newTestClient(t, f, func(cfg *Config) { cfg.Tokens = Dynamic })
	for range 3 {
		if _, err := c.Mint(t.Context(), ann, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if f.count("POST /users") != 1 || f.count("POST /token") != 0 {
		t.Errorf("%d registrations and %d tokens asked for, want 1 and 0", f.count("POST /users"), f.count("POST /token"))
	}
}

func TestADynamicTokenIsSignedAsDocumented(t *testing.T) {
	at := time.Unix(1700000000, 0)
	raw, err := base64.URLEncoding.DecodeString(dynamicToken("org#app", "id", "sec", "u1", at, time.Hour))
	if err != nil || !bytes.HasPrefix(raw, []byte("dt-")) {
		t.Fatalf("token = %q, %v, want dt- in base64url", raw, err)
	}
	var got struct {
		Signature, Appkey, UserID string
		CurTime, TTL              int64
	}
	if err := json.Unmarshal(raw[3:], &got); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("idorg#appu117000000003600sec"))
	if got.Signature != hex.EncodeToString(sum[:]) || got.Appkey != "org#app" || got.UserID != "u1" || got.CurTime != 1700000000 || got.TTL != 3600 {
		t.Errorf("the token says %+v", got)
	}
}

func TestAnAgoraTokenHasItsPartsInPlace(t *testing.T) {
	appID, cert := strings.Repeat("a", 32), strings.Repeat("b", 32)
	tok := agoraToken(appID, cert, "uuid-1", time.Unix(1700000000, 0), time.Hour, 7)
	packed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(tok, "007"))
	if err != nil || !strings.HasPrefix(tok, "007") {
		t.Fatalf("token = %q, %v", tok, err)
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	// 2+32 signature, 2+32 app id, time, life, salt, services, service, privileges, privilege, its end, 2+6 user.
	info := content[34:]
	want := "2000" + hex.EncodeToString([]byte(appID)) + "00f15365" + "100e0000" + "07000000" + "0100" + "0500" + "0100" + "0100" + "100e0000" + "0600" + hex.EncodeToString([]byte("uuid-1"))
	if got := hex.EncodeToString(info); got != want {
		t.Errorf("what is signed =\n%s, want\n%s", got, want)
	}
}

// TestDerivedPasswordsAreThoseOfOtherLanguages: the file is what clients in other
// languages are tested against.
func TestDerivedPasswordsAreThoseOfOtherLanguages(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "derived.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Password string `json:"password"`
		IMUserID string `json:"im_user_id"`
		Derived  string `json:"derived"`
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) < 3 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	fits := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	for _, v := range vectors {
		got, err := DerivePassword(v.Password, v.IMUserID)
		if err != nil || got != v.Derived || !fits.MatchString(got) || !passwordForm.MatchString(got) {
			t.Errorf("DerivePassword(%q, %q) = %q, %v, want %q", v.Password, v.IMUserID, got, err, v.Derived)
		}
	}
}

func TestABadIDCostsNoCall(t *testing.T) {
	f := &fake{}
	c := newTestClient(t, f)
	r := c.Roles().(Revocable)
	ctx := t.Context()
	for _, id := range []string{"", "Ann", "a_b", "..", ".", "a/b", "a b", "é", strings.Repeat("a", 65), "a\n"} {
		_, minted := c.Mint(ctx, im.User{ID: id}, 0)
		_, revoked := r.RevokeBefore(ctx, id, time.Now())
		_, profile := c.Profile(ctx, id)
		_, online := c.Online(ctx, id)
		_, blocked := c.Blocked(ctx, id)
		_, friends := c.Friends(ctx, id, "")
		_, imported := c.ImportFriends(ctx, "u1", id)
		_, several := c.CreateSeveral(ctx, NewUser{id, "p"})
		for i, err := range []error{
			minted, revoked, profile, online, blocked, friends, imported, several, c.PutProfile(ctx, im.User{ID: id}), c.Ban(ctx, id, 0), c.Unban(ctx, id),
			c.Kick(ctx, id), c.Remove(ctx, id), c.Block(ctx, "u1", id), c.Unblock(ctx, id, "u1"), c.Befriend(ctx, "u1", id), c.Unfriend(ctx, id, "u1"),
			c.Remark(ctx, "u1", id, "r"), r.SetPassword(ctx, id, "p"), c.Create(ctx, NewUser{id, "p"}),
		} {
			if im.KindOf(err) != im.Invalid {
				t.Errorf("call %d with id %q = %v, want kind %q", i, id, err, im.Invalid)
			}
		}
	}
	if len(f.counts) != 0 {
		t.Errorf("calls with bad ids: %v, want none", f.counts)
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent[int]()
	for i := range 3 * generation {
		r.set(fmt.Sprint(i), i)
	}
	if _, ok := r.get("0"); ok {
		t.Error("the first of many is remembered, want it forgotten")
	}
	if v, ok := r.get(fmt.Sprint(3*generation - 1)); !ok || v != 3*generation-1 {
		t.Errorf("the last = %d, %v, want it remembered", v, ok)
	}
	if n := len(r.young) + len(r.older); n > 2*generation {
		t.Errorf("%d are remembered, want at most %d", n, 2*generation)
	}
}
