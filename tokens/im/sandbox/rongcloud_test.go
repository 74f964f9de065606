package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func repeat(name string, n int) []string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, name, fmt.Sprintf("u%d", i))
	}
	return pairs
}

// TestRefusals is the table of what RongCloud refuses: code and HTTP status.
func TestRefusals(t *testing.T) {
	r := newRig(t, func(c *Config) { c.NoRateLimits = true })
	r.mint("known")
	cjk := strings.Repeat("名", 64) // 64 characters, 192 bytes
	for _, tc := range []struct {
		name  string
		path  string
		pairs []string
		code  int
		http  int
	}{
		{"unknown path", "/user/getTokens.json", nil, 404, 404},
		{"path without .json", "/user/getToken", nil, 404, 404},
		{"empty body", "/user/getToken.json", nil, 1003, 400},
		{"no user id", "/user/getToken.json", []string{"name", "n"}, 1002, 400},
		{"empty user id", "/user/getToken.json", []string{"userId", "", "name", "n"}, 1002, 400},
		{"user id of 64 bytes", "/user/getToken.json", []string{"userId", strings.Repeat("a", 64), "name", "n"}, 200, 200},
		{"user id of 65 bytes", "/user/getToken.json", []string{"userId", strings.Repeat("a", 65), "name", "n"}, 1005, 400},
		{"user id with the older characters", "/user/getToken.json", []string{"userId", "a+b=c-d_e", "name", "n"}, 200, 200},
		{"user id with a space", "/user/getToken.json", []string{"userId", "a b", "name", "n"}, 1002, 400},
		{"user id of other letters", "/user/getToken.json", []string{"userId", "名", "name", "n"}, 1002, 400},
		{"no name", "/user/getToken.json", []string{"userId", "a"}, 1002, 400},
		{"name of 64 characters", "/user/getToken.json", []string{"userId", "a", "name", cjk}, 200, 200},
		{"name of 65 characters", "/user/getToken.json", []string{"userId", "a", "name", cjk + "x"}, 1005, 400},
		{"portrait of 1024 bytes", "/user/getToken.json", []string{"userId", "a", "name", "n", "portraitUri", strings.Repeat("p", 1024)}, 200, 200},
		{"portrait of 1025 bytes in fewer characters", "/user/getToken.json", []string{"userId", "a", "name", "n", "portraitUri", strings.Repeat("é", 512) + "p"}, 1005, 400},
		{"name that is not UTF-8", "/user/getToken.json", []string{"userId", "a", "name", "\xff"}, 1002, 400},

		{"expire without time", "/user/token/expire.json", []string{"userId", "known"}, 1002, 400},
		{"expire with time in words", "/user/token/expire.json", []string{"userId", "known", "time", "now"}, 1501, 400},
		{"expire at 0", "/user/token/expire.json", []string{"userId", "known", "time", "0"}, 1002, 400},
		{"expire beyond the year 9999", "/user/token/expire.json", []string{"userId", "known", "time", "253402300800000"}, 1002, 400},
		{"expire for 20", "/user/token/expire.json", append(repeat("userId", 20), "time", "1"), 200, 200},
		{"expire for 21", "/user/token/expire.json", append(repeat("userId", 21), "time", "1"), 1502, 400},

		{"info of nobody", "/user/info.json", []string{"userId", "nobody"}, 400, 400},
		{"refresh of nobody", "/user/refresh.json", []string{"userId", "nobody", "name", "n"}, 400, 400},
		{"refresh to a long name", "/user/refresh.json", []string{"userId", "known", "name", cjk + "x"}, 1005, 400},
		{"refresh to an empty name", "/user/refresh.json", []string{"userId", "known", "name", ""}, 1002, 400},
		{"refresh to a long portrait", "/user/refresh.json", []string{"userId", "known", "portraitUri", strings.Repeat("p", 1025)}, 1005, 400},
		{"query page 0", "/user/query.json", []string{"page", "0"}, 1002, 400},
		{"query 101 a page", "/user/query.json", []string{"pageSize", "101"}, 1002, 400},
		{"query order 2", "/user/query.json", []string{"order", "2"}, 1002, 400},
		{"query page in words", "/user/query.json", []string{"page", "one"}, 1501, 400},
		{"online without id", "/user/checkOnline.json", []string{"x", "y"}, 1002, 400},

		{"ban without minute", "/user/block.json", []string{"userId", "known"}, 1003, 400},
		{"ban for 0 minutes", "/user/block.json", []string{"userId", "known", "minute", "0"}, 1003, 400},
		{"ban for 1 minute", "/user/block.json", []string{"userId", "known", "minute", "1"}, 200, 200},
		{"ban for 43200 minutes", "/user/block.json", []string{"userId", "known", "minute", "43200"}, 200, 200},
		{"ban for 43201 minutes", "/user/block.json", []string{"userId", "known", "minute", "43201"}, 1003, 400},
		{"ban for half a minute", "/user/block.json", []string{"userId", "known", "minute", "0.5"}, 1003, 400},
		{"ban of nobody", "/user/block.json", []string{"userId", "nobody", "minute", "1"}, 400, 400},
		{"ban of 21", "/user/block.json", append(repeat("userId", 21), "minute", "1"), 1502, 400},
		{"unban of nobody", "/user/unblock.json", []string{"userId", "nobody"}, 200, 200},
		{"unban of 21", "/user/unblock.json", repeat("userId", 21), 1502, 400},

		{"blacklist of 20", "/user/blacklist/add.json", append(repeat("blackUserId", 20), "userId", "known"), 200, 200},
		{"blacklist of 21", "/user/blacklist/add.json", append(repeat("blackUserId", 21), "userId", "known"), 1502, 400},
		{"blacklist without ids", "/user/blacklist/add.json", []string{"userId", "known"}, 1002, 400},
		{"blacklist without owner", "/user/blacklist/add.json", []string{"blackUserId", "b"}, 1002, 400},
		{"blacklist with a bad id", "/user/blacklist/remove.json", []string{"userId", "known", "blackUserId", "b c"}, 1002, 400},
		{"blacklist page of 1000", "/user/blacklist/query.json", []string{"userId", "known", "size", "1000"}, 200, 200},
		{"blacklist page of 1001", "/user/blacklist/query.json", []string{"userId", "known", "size", "1001"}, 1002, 400},
		{"blacklist page token of no one", "/user/blacklist/query.json", []string{"userId", "known", "pageToken", "?"}, 1002, 400},
		{"whitelist of 21", "/user/whitelist/add.json", append(repeat("whiteUserId", 21), "userId", "known"), 1502, 400},

		{"deactivate nobody", "/user/deactivate.json", []string{"userId", "known,nobody"}, 400, 400},
		{"deactivate 101", "/user/deactivate.json", []string{"userId", strings.Repeat("a,", 100) + "a"}, 1502, 400},
		{"deactivate an empty id", "/user/deactivate.json", []string{"userId", "known,"}, 1002, 400},
		{"deactivated page 0", "/user/deactivate/query.json", []string{"pageNo", "0"}, 1002, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := *r
			r.T = t
			a := r.call(tc.path, tc.pairs...)
			if a.code != tc.code || a.status != tc.http {
				t.Errorf("code %d, http %d %v, want code %d, http %d", a.code, a.status, a.fields, tc.code, tc.http)
			}
			if msg, _ := a.fields["errorMessage"].(string); tc.code != 200 && msg == "" {
				t.Errorf("errorMessage is empty, want the parameter's name")
			}
		})
	}
}

func TestRequestForm(t *testing.T) {
	r := newRig(t)
	req := r.request("/user/getToken.json", form("userId", "a", "name", "n"))
	req.Method = http.MethodGet
	if a := r.do(req); a.code != 405 || a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("GET = code %d, http %d, Allow %q, want 405, 405, POST", a.code, a.status, a.header.Get("Allow"))
	}
	for _, kind := range []string{"", "application/json", "text/plain"} {
		req := r.request("/user/getToken.json", form("userId", "a", "name", "n"))
		req.Header.Set("Content-Type", kind)
		if a := r.do(req); a.code != 1003 || a.status != 400 {
			t.Errorf("Content-Type %q = code %d, http %d, want 1003, 400", kind, a.code, a.status)
		}
	}
	req = r.request("/user/getToken.json", form("userId", "a", "name", "n"))
	req.Header.Set("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8")
	if a := r.do(req); a.code != 200 {
		t.Errorf("Content-Type with charset = code %d, want 200", a.code)
	}
	if a := r.do(r.request("/user/getToken.json", "userId=%zz&name=n")); a.code != 1002 || a.status != 400 {
		t.Errorf("malformed form = code %d, http %d, want 1002, 400", a.code, a.status)
	}
	fill := func(n int) string { return "userId=a&name=n&x=" + strings.Repeat("x", n-len("userId=a&name=n&x=")) }
	if a := r.do(r.request("/user/getToken.json", fill(100<<10))); a.code != 200 {
		t.Errorf("body of 100 kB = code %d, want 200", a.code)
	}
	if a := r.do(r.request("/user/getToken.json", fill(100<<10+1))); a.code != 1508 || a.status != 400 {
		t.Errorf("body of 100 kB and a byte = code %d, http %d, want 1508, 400", a.code, a.status)
	}
	if a := r.do(r.request("/user/getToken.json", fill(3<<20))); a.code != 1508 {
		t.Errorf("body of 3 MB = code %d, want 1508", a.code)
	}
}

func TestSignature(t *testing.T) {
	ms := strconv.FormatInt(start.UnixMilli(), 10)
	sec := strconv.FormatInt(start.Unix(), 10)
	for _, tc := range []struct {
		name         string
		change       func(h http.Header)
		code, strict int
	}{
		{"milliseconds", func(h http.Header) { sign(h, "", testKey, testSecret, "1", ms) }, 200, 200},
		{"seconds", func(h http.Header) { sign(h, "", testKey, testSecret, "1", sec) }, 200, 200},
		{"with prefix", func(h http.Header) { clear(h); sign(h, "RC-", testKey, testSecret, "1", ms) }, 200, 200},
		{"prefix on some", func(h http.Header) { h.Set("RC-Nonce", h.Get("Nonce")); h.Del("Nonce") }, 200, 200},
		{"long nonce", func(h http.Header) { sign(h, "", testKey, testSecret, "1234567890123456789", ms) }, 200, 1004},
		{"nonce of 18 characters", func(h http.Header) { sign(h, "", testKey, testSecret, "123456789012345678", ms) }, 200, 200},
		{"old timestamp", func(h http.Header) { sign(h, "", testKey, testSecret, "1", "1400000000000") }, 200, 1004},
		{"timestamp of tomorrow in seconds", func(h http.Header) {
			sign(h, "", testKey, testSecret, "1", strconv.FormatInt(start.Unix()+86400, 10))
		}, 200, 1004},
		{"timestamp that is no number", func(h http.Header) { sign(h, "", testKey, testSecret, "1", "today") }, 1004, 1004},
		{"wrong secret", func(h http.Header) { sign(h, "", testKey, "other", "1", ms) }, 1004, 1004},
		{"the key instead of the secret", func(h http.Header) { sign(h, "", testKey, testKey, "1", ms) }, 1004, 1004},
		{"upper case signature", func(h http.Header) { h.Set("Signature", strings.ToUpper(h.Get("Signature"))) }, 1004, 1004},
		{"other nonce than signed", func(h http.Header) { h.Set("Nonce", "9") }, 1004, 1004},
		{"unknown key", func(h http.Header) { sign(h, "", "nokey", testSecret, "1", ms) }, 1001, 1001},
		{"no key", func(h http.Header) { h.Del("App-Key") }, 1004, 1004},
		{"no nonce", func(h http.Header) { h.Del("Nonce") }, 1004, 1004},
		{"no timestamp", func(h http.Header) { h.Del("Timestamp") }, 1004, 1004},
		{"no signature", func(h http.Header) { h.Del("Signature") }, 1004, 1004},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s strict=%v", tc.name, strict), func(t *testing.T) {
				r := newRig(t, func(c *Config) { c.Strict = strict })
				r.set("/control/clock", `{"advance":"36h"}`) // must not count as skew
				want := tc.code
				if strict {
					want = tc.strict
				}
				req := r.request("/user/getToken.json", form("userId", "a", "name", "n"))
				tc.change(req.Header)
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				a := r.do(req)
				wantHTTP := map[int]int{200: 200, 1001: 401, 1004: 401}[want]
				if a.code != want || a.status != wantHTTP {
					t.Errorf("code %d, http %d %v, want %d, %d", a.code, a.status, a.fields, want, wantHTTP)
				}
			})
		}
	}
}

func TestStrictNamesAndIDs(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Strict = true })
	if a := r.call("/user/getToken.json", "userId", "a-b", "name", "n"); a.code != 1002 {
		t.Errorf("strict: id with '-' = code %d, want 1002", a.code)
	}
	if a := r.call("/user/getToken.json", "userId", "a", "name", strings.Repeat("名", 43)); a.code != 1005 {
		t.Errorf("strict: name of 129 bytes = code %d, want 1005", a.code)
	}
	if a := r.call("/user/getToken.json", "userId", "a", "name", strings.Repeat("名", 42)); a.code != 200 {
		t.Errorf("strict: name of 126 bytes = code %d, want 200", a.code)
	}
}

func TestRequestIDIsEchoed(t *testing.T) {
	r := newRig(t)
	for id, want := range map[string]string{
		"0123-abcd":             "0123-abcd",
		strings.Repeat("x", 36): strings.Repeat("x", 36),
		strings.Repeat("x", 37): "",
	} {
		for _, path := range []string{"/user/checkOnline.json", "/nowhere.json"} {
			req := r.request(path, "userId=a")
			req.Header.Set("X-Request-ID", id)
			if got := r.do(req).header.Get("X-Request-ID"); got != want {
				t.Errorf("%s: X-Request-ID %q comes back as %q, want %q", path, id, got, want)
			}
		}
	}
}

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
	if want := "[map[blockEndTime:2026-03-01 20:10:00 userId:a] map[blockEndTime:2026-03-01 21:00:00 userId:b]]"; fmt.Sprint(users) != want {
		t.Errorf("bans = %v, want %s", users, want)
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

func TestBlacklistPagesNewestFirst(t *testing.T) {
	r := newRig(t)
	for i := range 5 {
		r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", fmt.Sprintf("b%d", i))
	}
	r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "b1") // stays where it is
	var got []string
	next := ""
	for range 10 {
		a := r.ok("/user/blacklist/query.json", "userId", "a", "size", "2", "pageToken", next).fields
		for _, id := range a["users"].([]any) {
			got = append(got, id.(string))
		}
		// An id that arrives between two pages disturbs neither.
		r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "late"+strconv.Itoa(len(got)))
		if next = a["next"].(string); next == "" {
			break
		}
	}
	if want := []string{"b4", "b3", "b2", "b1", "b0"}; !slices.Equal(got, want) {
		t.Errorf("pages = %v, want %v", got, want)
	}
	r.ok("/user/blacklist/remove.json", "userId", "a", "blackUserId", "b4", "blackUserId", "nobody")
	if ids := r.ok("/user/blacklist/query.json", "userId", "a").fields["users"].([]any); slices.Contains(ids, any("b4")) {
		t.Errorf("blacklist after remove = %v, want no b4", ids)
	}
	if a := r.ok("/user/blacklist/query.json", "userId", "b4").fields; len(a["users"].([]any)) != 0 || a["next"] != "" {
		t.Errorf("blacklist of another = %v, want none: it is one-way", a)
	}
}

func TestBlacklistEndsAt3000(t *testing.T) {
	r := newRig(t, func(c *Config) { c.NoRateLimits = true })
	for i := range 150 {
		var pairs []string
		for j := range 20 {
			pairs = append(pairs, "blackUserId", fmt.Sprintf("b%d", i*20+j))
		}
		r.ok("/user/blacklist/add.json", append(pairs, "userId", "a")...)
	}
	if a := r.call("/user/blacklist/add.json", "userId", "a", "blackUserId", "more"); a.code != 1502 {
		t.Errorf("id 3001 = code %d, want 1502", a.code)
	}
	r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "b7")
}

func TestListsCanBeSwitchedOff(t *testing.T) {
	r := newRig(t)
	r.set("/control/app", `{"blacklist":false,"whitelist":false}`)
	if a := r.call("/user/blacklist/query.json", "userId", "a"); a.code != 1011 || a.status != 430 {
		t.Errorf("blacklist switched off = code %d, http %d, want 1011, 430", a.code, a.status)
	}
	if a := r.call("/user/whitelist/add.json", "userId", "a", "whiteUserId", "b"); a.code != 1010 || a.status != 430 {
		t.Errorf("whitelist switched off = code %d, http %d, want 1010, 430", a.code, a.status)
	}
	r.set("/control/app", `{"whitelist":true}`)
	r.ok("/user/whitelist/add.json", "userId", "a", "whiteUserId", "b")
	if got := r.ok("/user/whitelist/query.json", "userId", "a").fields["users"]; fmt.Sprint(got) != "[b]" {
		t.Errorf("whitelist = %v, want [b]", got)
	}
	r.ok("/user/whitelist/remove.json", "userId", "a", "whiteUserId", "b")
}

func TestCheckOnlineCountsConnections(t *testing.T) {
	r := newRig(t)
	status := func() any { return r.ok("/user/checkOnline.json", "userId", "a").fields["status"] }
	if got := status(); got != "0" {
		t.Errorf("status = %v, want the string 0", got)
	}
	r.s.mu.Lock()
	r.s.store.connections["a"] = 2
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

func TestPrivatePublish(t *testing.T) {
	r := newRig(t)
	send := func(change ...string) cloudAnswer {
		pairs := map[string]string{"fromUserId": "a", "toUserId": "b", "objectName": "RC:TxtMsg", "content": `{"content":"hi"}`}
		for i := 0; i < len(change); i += 2 {
			pairs[change[i]] = change[i+1]
		}
		var list []string
		for k, v := range pairs {
			list = append(list, k, v)
		}
		return r.call("/message/private/publish.json", list...)
	}
	text := func(n int) string { return `{"content":"` + strings.Repeat("x", n-len(`{"content":""}`)) + `"}` }
	for _, tc := range []struct {
		name   string
		change []string
		code   int
	}{
		{"sound", nil, 200},
		{"own type", []string{"objectName", "app:card"}, 200},
		{"unknown RC: type", []string{"objectName", "RC:Mine"}, 1002},
		{"type of 32 characters", []string{"objectName", strings.Repeat("名", 32)}, 200},
		{"type of 33 characters", []string{"objectName", strings.Repeat("a", 33)}, 1005},
		{"no type", []string{"objectName", ""}, 1002},
		{"no content", []string{"content", ""}, 1002},
		{"content that is no JSON", []string{"content", "hi"}, 1002},
		{"content of 128 kB", []string{"content", text(128 << 10)}, 200},
		{"content of 128 kB and a byte", []string{"content", text(128<<10 + 1)}, 1005},
		{"body of 512 kB and more", []string{"content", text(512<<10 + 1)}, 1508},
		{"no sender", []string{"fromUserId", ""}, 1002},
		{"no recipient", []string{"toUserId", ""}, 1002},
		{"flag of 2", []string{"isIncludeSender", "2"}, 1002},
		{"flag in words", []string{"isPersisted", "yes"}, 1501},
	} {
		if a := send(tc.change...); a.code != tc.code {
			t.Errorf("%s: code %d %v, want %d", tc.name, a.code, a.fields, tc.code)
		}
	}
	common := []string{"fromUserId", "a", "objectName", "RC:TxtMsg", "content", "{}"}
	if a := r.call("/message/private/publish.json", append(repeat("toUserId", 1001), common...)...); a.code != 1502 {
		t.Errorf("1001 recipients = code %d, want 1502", a.code)
	}
	r.ok("/user/blacklist/add.json", "userId", "u1", "blackUserId", "a")
	two := append(repeat("toUserId", 2), common...)
	if got := r.ok("/message/private/publish.json", two...).fields["messageUIDs"].([]any); len(got) != 2 {
		t.Errorf("messageUIDs = %v, want 2: the blacklist does not count by default", got)
	}
	got := r.ok("/message/private/publish.json", append(two, "verifyBlacklist", "1")...).fields["messageUIDs"].([]any)
	if len(got) != 1 || got[0].(map[string]any)["userId"] != "u0" {
		t.Errorf("messageUIDs with verifyBlacklist = %v, want u0 only", got)
	}
}

func TestUserCap(t *testing.T) {
	r := newRig(t)
	for i := range 101 {
		r.mint(fmt.Sprintf("u%d", i)) // off by default
	}
	r.set("/control/app", `{"user_cap":101}`)
	if a := r.call("/user/getToken.json", "userId", "new", "name", "n"); a.code != 2007 || a.status != 403 {
		t.Errorf("user above the cap = code %d, http %d, want 2007, 403", a.code, a.status)
	}
	r.mint("u7") // known users are served
	r.set("/control/app", `{"user_cap":0}`)
	r.mint("new")
}

func TestRateLimits(t *testing.T) {
	r := newRig(t)
	online := func() int { return r.call("/user/checkOnline.json", "userId", "a").code }
	for i := range 100 {
		if got := online(); got != 200 {
			t.Fatalf("call %d = code %d, want 200", i+1, got)
		}
	}
	if a := r.call("/user/checkOnline.json", "userId", "a"); a.code != 1008 || a.status != 429 {
		t.Errorf("call 101 = code %d, http %d, want 1008, 429", a.code, a.status)
	}
	r.ok("/user/block/query.json") // each path has its own
	r.set("/control/clock", `{"advance":"999ms"}`)
	if got := online(); got != 1008 {
		t.Errorf("after 999 ms = code %d, want 1008", got)
	}
	r.set("/control/clock", `{"advance":"1ms"}`)
	if got := online(); got != 200 {
		t.Errorf("after a second = code %d, want 200", got)
	}
	for range 199 {
		r.mint("a")
	}
	r.mint("a")
	if a := r.call("/user/getToken.json", "userId", "a", "name", "n"); a.code != 1008 {
		t.Errorf("getToken 201 = code %d, want 1008", a.code)
	}
	// A stranger without the secret cannot use up the limit.
	r.set("/control/clock", `{"advance":1}`)
	good := r.secret
	r.secret = "wrong"
	for range 300 {
		r.call("/user/getToken.json", "userId", "a", "name", "n")
	}
	r.secret = good
	r.mint("a")
}

func TestRateLimitKnobs(t *testing.T) {
	r := newRig(t)
	r.set("/control/app", `{"rates":{"/user/getToken.json":2}}`)
	r.mint("a")
	r.mint("a")
	if a := r.call("/user/getToken.json", "userId", "a", "name", "n"); a.code != 1008 {
		t.Errorf("third call of two = code %d, want 1008", a.code)
	}
	r.set("/control/app", `{"rates":{"/user/getToken.json":0}}`)
	r.mint("a")
	r.set("/control/app", `{"rates":{"/user/getToken.json":1},"rate_limits":false}`)
	for range 300 {
		r.mint("a")
	}
}

func TestLimitsCountedByWeight(t *testing.T) {
	r := newRig(t)
	common := []string{"fromUserId", "a", "objectName", "RC:TxtMsg", "content", "{}"}
	thousand := append(repeat("toUserId", 1000), common...)
	for range 6 {
		r.ok("/message/private/publish.json", thousand...)
	}
	if a := r.call("/message/private/publish.json", append([]string{"toUserId", "b"}, common...)...); a.code != 1008 {
		t.Errorf("recipient 6001 of a minute = code %d, want 1008", a.code)
	}
	r.set("/control/clock", `{"advance":"59s"}`)
	if a := r.call("/message/private/publish.json", append([]string{"toUserId", "b"}, common...)...); a.code != 1008 {
		t.Errorf("after 59 s = code %d, want 1008", a.code)
	}
	r.set("/control/clock", `{"advance":"1s"}`)
	r.ok("/message/private/publish.json", thousand...)

	r.mint("a")
	r.ok("/user/deactivate.json", "userId", strings.TrimSuffix(strings.Repeat("a,", 60), ","))
	if a := r.call("/user/deactivate.json", "userId", strings.TrimSuffix(strings.Repeat("a,", 41), ",")); a.code != 1008 {
		t.Errorf("101 users in a second = code %d, want 1008", a.code)
	}
}

func TestLocationOfDates(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Location = time.UTC })
	r.mint("a")
	if got := r.ok("/user/info.json", "userId", "a").fields["createTime"]; got != "2026-03-01 12:00:00" {
		t.Errorf("createTime in UTC = %v, want 2026-03-01 12:00:00", got)
	}
}
