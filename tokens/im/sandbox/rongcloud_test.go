package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
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
		{"bans, 1000 of them", "/user/block/query.json", []string{"size", "1000"}, 200, 200},
		{"bans, 1001 of them", "/user/block/query.json", []string{"size", "1001"}, 1002, 400},
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
