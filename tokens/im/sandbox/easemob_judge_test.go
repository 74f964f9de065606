package sandbox

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func (r *easeRig) wantJudged(name, token string, want State) {
	r.Helper()
	if got := r.s.EasemobTokenState(name, token); got != want {
		r.Errorf("state of %q's token = %s, want %s", name, got, want)
	}
	body, _ := json.Marshal(map[string]string{"token": token, "user_id": name, "app_key": easeTestKey})
	out := r.set("/control/token", string(body))
	if out["state"] != string(want) || out["sdk_code"] != float64(want.EasemobCode()) || out["cloud"] != "easemob" {
		r.Errorf("/control/token = %v, want %s with code %d", out, want, want.EasemobCode())
	}
}

func TestEasemobTokensInOrderOfPrecedence(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob")
	token := r.want(200, "POST", "/token", `{"grant_type":"inherit","username":"Ann","ttl":"20"}`).fields["access_token"].(string)
	r.wantJudged("ANN", token, StateValid)
	r.wantJudged("ann", "$t$"+token, StateValid)
	r.wantJudged("bob", token, StateOtherUser)
	r.wantJudged("carl", token, StateNoUser)
	r.wantJudged("ann", "YWMtnever", StateUnknown)
	r.wantJudged("ann", r.token, StateUnknown) // an app token
	r.want(200, "POST", "/users/ann/deactivate", "")
	r.wantJudged("ann", token, StateBanned)
	r.want(200, "PUT", "/users/ann/password", `{"newpassword":"next"}`)
	r.wantJudged("ann", token, StateRevoked)
	r.set("/control/clock", `{"advance":"20s"}`)
	r.wantJudged("ann", token, StateExpired)
	r.wantJudged("bob", token, StateOtherUser)
	r.set("/control/app", `{"easemob":{"service_off":true}}`)
	r.wantJudged("ann", token, StateServiceOff)
	if out := r.set("/control/token", `{"token":"`+token+`","app_key":"other#app"}`); out["state"] != "other_app" || out["sdk_code"] != 28.0 {
		t.Errorf("token at another app = %v, want other_app, 28", out)
	}
}

func TestEasemobTokensByTheirShape(t *testing.T) {
	r := newEaseRig(t)
	token := r.mint("ann")
	out := r.set("/control/token", `{"token":"`+token+`"}`)
	if out["cloud"] != "easemob" || out["state"] != "valid" || out["user_id"] != "ann" || out["expires_at"] != "2026-04-30T12:00:00Z" {
		t.Errorf("/control/token = %v, want ann's, valid for 60 days", out)
	}
	if out := r.set("/control/token", `{"token":"`+r.rig.mint("ann")+`"}`); out["cloud"] != "rongcloud" || out["state"] != "valid" {
		t.Errorf("/control/token = %v, want a valid one of RongCloud", out)
	}
	if status, out := r.turn("POST", "/control/token", `{"token":"x","user_id":"ann"}`); status != 400 || out["field"] != "user_id" {
		t.Errorf("RongCloud's token with a name = http %d %v, want 400 about user_id", status, out)
	}
}

// dynamicToken signs as the documentation says.
func dynamicToken(appKey, user, secret string, at time.Time, ttl int64) string {
	sum := sha256.Sum256([]byte(easeTestID + appKey + user + fmt.Sprint(at.Unix()) + fmt.Sprint(ttl) + secret))
	body, _ := json.Marshal(map[string]any{"signature": hex.EncodeToString(sum[:]), "appkey": appKey, "userId": user, "curTime": at.Unix(), "ttl": ttl})
	return base64.RawURLEncoding.EncodeToString(append([]byte("dt-"), body...))
}

func TestDynamicTokens(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob")
	good := dynamicToken(easeTestKey, "ann", easeTestSecret, start, 60)
	r.wantJudged("ann", good, StateValid)
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	r.wantJudged("ann", base64.URLEncoding.EncodeToString(raw), StateValid) // padded
	r.wantJudged("bob", good, StateOtherUser)
	r.wantJudged("ann", dynamicToken(easeTestKey, "ann", "guess", start, 60), StateUnknown)
	r.wantJudged("ann", dynamicToken("acme#other", "ann", easeTestSecret, start, 60), StateUnknown)
	r.wantJudged("ann", good[:len(good)-4], StateUnknown)
	if got := r.s.EasemobTokenState("", dynamicToken(easeTestKey, "nobody", easeTestSecret, start, 60)); got != StateNoUser {
		t.Errorf("token for nobody = %s, want no_user", got)
	}
	r.as(good).want(200, "GET", "/users/ann/contacts/users", "")
	r.want(200, "PUT", "/users/ann/password", `{"newpassword":"next"}`)
	r.wantJudged("ann", good, StateValid) // there is no way to void it
	r.set("/control/clock", `{"advance":"60s"}`)
	r.wantJudged("ann", good, StateExpired)
}

// accessToken signs an AccessToken2 for the chat service.
func accessToken(appID, certificate, uuid string, privilege uint16, at time.Time, expire uint32) string {
	le := binary.LittleEndian
	text := func(b []byte, s string) []byte { return append(le.AppendUint16(b, uint16(len(s))), s...) }
	mac := func(key, message []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(message)
		return h.Sum(nil)
	}
	issued, salt := uint32(at.Unix()), uint32(4711)
	info := text(nil, appID)
	for _, n := range []uint32{issued, expire, salt} {
		info = le.AppendUint32(info, n)
	}
	for _, n := range []uint16{1, 5, 1, privilege} {
		info = le.AppendUint16(info, n)
	}
	info = text(le.AppendUint32(info, expire), uuid)
	key := mac(le.AppendUint32(nil, salt), mac(le.AppendUint32(nil, issued), []byte(certificate)))
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write(append(text(nil, string(mac(key, info))), info...))
	_ = z.Close()
	return "007" + base64.StdEncoding.EncodeToString(packed.Bytes())
}

func TestAccessTokens(t *testing.T) {
	r := newEaseRig(t)
	r.register("ann", "bob")
	appID, certificate := r.s.EasemobAgora()
	good := accessToken(appID, certificate, r.uuid("ann"), 1, start, 60)
	r.wantJudged("ann", good, StateValid)
	r.wantJudged("bob", good, StateOtherUser)
	r.wantJudged("ann", accessToken(appID, certificate, "ann", 1, start, 60), StateUnknown) // a name is no UUID
	r.wantJudged("ann", accessToken(appID, strings.Repeat("0", 32), r.uuid("ann"), 1, start, 60), StateUnknown)
	r.wantJudged("ann", accessToken("another", certificate, r.uuid("ann"), 1, start, 60), StateUnknown)
	r.wantJudged("ann", accessToken(appID, certificate, "", 2, start, 60), StateUnknown) // the app's
	for _, bad := range []string{"007", "007!", good[:40], "007" + strings.Repeat("A", 9000)} {
		r.wantJudged("ann", bad, StateUnknown)
	}
	r.set("/control/clock", `{"advance":"60s"}`)
	r.wantJudged("ann", good, StateExpired)
}

func FuzzEasemobSignedTokens(f *testing.F) {
	s := New(Config{EasemobAppKey: easeTestKey, EasemobClientID: easeTestID, EasemobClientSecret: easeTestSecret, Now: func() time.Time { return start }})
	appID, certificate := s.EasemobAgora()
	f.Add(accessToken(appID, certificate, "x", 1, start, 60))
	f.Add(dynamicToken(easeTestKey, "ann", easeTestSecret, start, 60))
	f.Add("ZHQtAAAA")
	f.Fuzz(func(t *testing.T, token string) {
		if got := s.EasemobTokenState("", token); got == StateValid {
			t.Errorf("%q connects, and nobody is registered", token)
		}
	})
}
