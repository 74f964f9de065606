package sandbox

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTokenShape(t *testing.T) {
	r := newRig(t)
	for _, tc := range []struct{ idLen, bytes int }{{1, 24}, {16, 24}, {17, 32}, {32, 32}, {33, 40}, {64, 40}} {
		token := r.mint(strings.Repeat("a", tc.idLen))
		key, navigator, _ := strings.Cut(token, "@")
		raw, err := base64.StdEncoding.DecodeString(key)
		if err != nil || len(raw) != tc.bytes || navigator != "http://127.0.0.1:8090" {
			t.Errorf("token for an id of %d bytes = base64 of %d bytes (%v) @ %q, want %d @ the navigator", tc.idLen, len(raw), err, navigator, tc.bytes)
		}
		if len(token) >= 256 {
			t.Errorf("token has %d bytes, want below 256", len(token))
		}
	}
	r.s.SetNavigator("http://127.0.0.1:9999")
	if token := r.mint("b"); !strings.HasSuffix(token, "@http://127.0.0.1:9999") {
		t.Errorf("token after SetNavigator ends in %q, want the new one", token[strings.Index(token, "@"):])
	}
}

func TestGetTokenOverwritesTheProfile(t *testing.T) {
	r := newRig(t)
	r.ok("/user/getToken.json", "userId", "a", "name", "first", "portraitUri", "http://p/1")
	r.set("/control/clock", `{"advance":3600}`)
	r.ok("/user/getToken.json", "userId", "a", "name", "second")
	info := r.ok("/user/info.json", "userId", "a").fields
	if info["userName"] != "second" || info["userPortrait"] != "http://p/1" {
		t.Errorf("info = %v, want the new name and the old portrait", info)
	}
	if want := "2026-03-01 20:00:00"; info["createTime"] != want {
		t.Errorf("createTime = %v, want %q: of the first call, in UTC+8", info["createTime"], want)
	}
	r.ok("/user/refresh.json", "userId", "a", "portraitUri", "")
	info = r.ok("/user/info.json", "userId", "a").fields
	if info["userName"] != "second" || info["userPortrait"] != "" {
		t.Errorf("info after refresh = %v, want the name unchanged and no portrait", info)
	}
}

func TestUserQueryPages(t *testing.T) {
	r := newRig(t)
	for i := range 25 {
		r.mint(fmt.Sprintf("u%02d", i))
	}
	ids := func(pairs ...string) []string {
		a := r.ok("/user/query.json", pairs...)
		if a.fields["total"] != 25.0 {
			t.Errorf("total = %v, want 25", a.fields["total"])
		}
		var out []string
		for _, u := range a.fields["users"].([]any) {
			out = append(out, u.(map[string]any)["userId"].(string))
		}
		return out
	}
	if got := ids(); len(got) != 20 || got[0] != "u00" {
		t.Errorf("first page = %v, want 20 from u00", got)
	}
	if got := ids("page", "2"); len(got) != 5 || got[4] != "u24" {
		t.Errorf("second page = %v, want 5 up to u24", got)
	}
	if got := ids("order", "1", "pageSize", "2"); !slices.Equal(got, []string{"u24", "u23"}) {
		t.Errorf("newest two = %v, want u24 u23", got)
	}
	if got := ids("page", "1000000000"); len(got) != 0 {
		t.Errorf("page beyond the end = %v, want none", got)
	}
}

func TestBans(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	r.mint("b")
	r.ok("/user/block.json", "userId", "b", "minute", "60")
	r.ok("/user/block.json", "userId", "a", "minute", "10")
	users := r.ok("/user/block/query.json").fields["users"].([]any)
	if want := "[map[blockEndTime:2026-03-01 21:00:00 userId:b] map[blockEndTime:2026-03-01 20:10:00 userId:a]]"; fmt.Sprint(users) != want {
		t.Errorf("bans = %v, want %s", users, want)
	}
	users = r.ok("/user/block/query.json", "page", "2", "size", "1").fields["users"].([]any)
	if want := "[map[blockEndTime:2026-03-01 20:10:00 userId:a]]"; fmt.Sprint(users) != want {
		t.Errorf("second page of one = %v, want %s", users, want)
	}
	r.wantState(token, StateBanned)
	r.set("/control/clock", `{"advance":"9m59s"}`)
	r.wantState(token, StateBanned)
	r.set("/control/clock", `{"advance":"1s"}`)
	r.wantState(token, StateValid)
	r.ok("/user/block.json", "userId", "a", "minute", "10")
	r.ok("/user/unblock.json", "userId", "a", "userId", "b")
	r.wantState(token, StateValid)
	if users := r.ok("/user/block/query.json").fields["users"].([]any); len(users) != 0 {
		t.Errorf("bans after unblock = %v, want none", users)
	}
}

func TestCheckOnlineCountsConnections(t *testing.T) {
	r := newRig(t)
	status := func() any { return r.ok("/user/checkOnline.json", "userId", "a").fields["status"] }
	if got := status(); got != "0" {
		t.Errorf("status = %v, want the string 0", got)
	}
	r.s.mu.Lock()
	r.s.sockets.live["a"] = make([]*connection, 2)
	r.s.mu.Unlock()
	if got := status(); got != "1" {
		t.Errorf("status with two connections = %v, want the string 1", got)
	}
}

func TestDeactivation(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	r.mint("b")
	r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "b")
	if id, _ := r.ok("/user/deactivate.json", "userId", "a,b").fields["operateId"].(string); id == "" {
		t.Errorf("operateId is empty")
	}
	r.wantState(token, StateDeactivated)
	if got := r.ok("/user/deactivate/query.json", "pageSize", "1", "pageNo", "2").fields["users"]; fmt.Sprint(got) != "[b]" {
		t.Errorf("second page of one = %v, want [b]", got)
	}
	if got := r.ok("/user/info.json", "userId", "a").fields["userName"]; got != "" {
		t.Errorf("name after deactivation = %v, want it wiped", got)
	}
	if got := r.ok("/user/blacklist/query.json", "userId", "a").fields["users"].([]any); len(got) != 0 {
		t.Errorf("blacklist after deactivation = %v, want it wiped", got)
	}
	r.set("/control/clock", `{"advance":"59m59s"}`)
	if a := r.call("/user/reactivate.json", "userId", "a"); a.code != 1002 {
		t.Errorf("reactivate within an hour = code %d, want 1002", a.code)
	}
	r.set("/control/clock", `{"advance":1}`)
	r.ok("/user/reactivate.json", "userId", "a")
	r.wantState(token, StateValid)
	if got := r.ok("/user/deactivate/query.json").fields["users"]; fmt.Sprint(got) != "[b]" {
		t.Errorf("deactivated = %v, want [b]", got)
	}
}

func TestLocationOfDates(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Location = time.UTC })
	r.mint("a")
	if got := r.ok("/user/info.json", "userId", "a").fields["createTime"]; got != "2026-03-01 12:00:00" {
		t.Errorf("createTime in UTC = %v, want 2026-03-01 12:00:00", got)
	}
}
