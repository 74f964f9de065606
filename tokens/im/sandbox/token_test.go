package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestUnknownTokens(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	for _, bad := range []string{"x", "@", "@http://127.0.0.1:8090", token[1:], "x" + token, strings.ToLower(token)} {
		r.wantState(bad, StateUnknown)
	}
}

func TestWhatFollowsTheAtDoesNotCount(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	key, _, _ := strings.Cut(token, "@")
	for _, same := range []string{token, key, key + "@", key + "@http://elsewhere;http://there"} {
		r.wantState(same, StateValid)
	}
}

func TestOlderTokensStayValid(t *testing.T) {
	r := newRig(t)
	first := r.mint("a")
	second := r.mint("a")
	if first == second {
		t.Errorf("getToken twice gave one token, want two")
	}
	r.wantState(first, StateValid)
	r.wantState(second, StateValid)
}

func TestLifetime(t *testing.T) {
	r := newRig(t)
	forever := r.mint("a")
	r.set("/control/app", `{"token_lifetime":"20s"}`)
	short := r.mint("a")
	r.set("/control/clock", `{"advance":"19s"}`)
	r.wantState(short, StateValid)
	r.set("/control/clock", `{"advance":1}`)
	r.wantState(short, StateExpired)
	r.wantState(forever, StateValid) // a lifetime is for new tokens …
	r.set("/control/app", `{"lifetime_applies":"all"}`)
	r.wantState(forever, StateExpired) // … unless it is for all
	r.set("/control/app", `{"token_lifetime":"permanent"}`)
	r.wantState(short, StateValid)
	r.set("/control/clock", `{"advance":"3650d"}`)
	r.wantState(forever, StateValid)
}

func TestTokenExpireByTime(t *testing.T) {
	r := newRig(t)
	expire := func(ids ...string) func(offset int64) {
		return func(offset int64) {
			pairs := []string{"time", fmt.Sprint(start.UnixMilli() + offset)}
			for _, id := range ids {
				pairs = append(pairs, "userId", id)
			}
			r.ok("/user/token/expire.json", pairs...)
		}
	}
	a, b, other := r.mint("a"), r.mint("b"), r.mint("other")
	expire("a", "b")(0)
	r.wantState(a, StateValid) // issued in that very millisecond, not before
	expire("a", "b", "nobody")(1)
	r.wantState(a, StateExpired)
	r.wantState(b, StateExpired)
	r.wantState(other, StateValid)
	expire("a")(-1000) // an older time takes nothing back
	r.wantState(a, StateExpired)
	r.wantState(r.mint("a"), StateExpired) // the time is still to come
	r.set("/control/clock", `{"advance":"1ms"}`)
	r.wantState(r.mint("a"), StateValid)
}

func TestRotatedSecretVoidsEveryToken(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	out := r.set("/control/app", `{"rotate_secret":true}`)
	fresh, _ := out["app_secret"].(string)
	if fresh == "" || fresh == testSecret {
		t.Fatalf("rotated secret = %q, want a new one", fresh)
	}
	r.wantState(token, StateUnknown)
	if a := r.call("/user/checkOnline.json", "userId", "a"); a.code != 1004 {
		t.Errorf("call with the old secret = code %d, want 1004", a.code)
	}
	r.secret = fresh
	r.wantState(r.mint("a"), StateValid)
	if out := r.set("/control/app", `{"rotate_secret":"chosen-one"}`); out["app_secret"] != "chosen-one" {
		t.Errorf("app_secret = %v, want the given one", out["app_secret"])
	}
	if got := r.s.AppSecret(); got != "chosen-one" {
		t.Errorf("AppSecret() = %q, want the given one", got)
	}
	if out := r.set("/control/app", `{"rotate_secret":false}`); out["app_secret"] != nil {
		t.Errorf("rotate_secret false answered a secret")
	}
}

func TestStatesInOrderOfPrecedence(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	r.ok("/user/block.json", "userId", "a", "minute", "60")
	r.wantState(token, StateBanned)
	r.ok("/user/deactivate.json", "userId", "a")
	r.wantState(token, StateDeactivated)
	r.ok("/user/token/expire.json", "userId", "a", "time", fmt.Sprint(start.UnixMilli()+1))
	r.wantState(token, StateExpired)
	if got := r.s.TokenStateFor("another", token); got != StateOtherApp {
		t.Errorf("state with another app key = %s, want %s", got, StateOtherApp)
	}
	r.set("/control/reset", `{"all":true}`)
	r.wantState(token, StateUnknown)
}

func TestStateCodes(t *testing.T) {
	for _, tc := range []struct {
		state         State
		rong, easemob int
	}{
		{StateValid, 0, 0}, {StateUnknown, 31004, 28}, {StateExpired, 31020, 56}, {StateBanned, 31009, 2}, {StateDeactivated, 31029, 2},
		{StateOtherApp, 31004, 28}, {StateOtherUser, 31004, 28}, {StateNoUser, 31004, 204}, {StateRevoked, 31004, 28}, {StateServiceOff, 31004, 57},
	} {
		if rong, easemob := tc.state.Code(), tc.state.EasemobCode(); rong != tc.rong || easemob != tc.easemob {
			t.Errorf("codes of %s = %d, %d, want %d, %d", tc.state, rong, easemob, tc.rong, tc.easemob)
		}
	}
}
