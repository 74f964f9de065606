package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const tokenPath = "/user/getToken.json"

// raw posts a good getToken for id and returns what came back, whatever it is.
func (r *rig) raw(ctx context.Context, id string) (int, []byte, error) {
	req := r.request(tokenPath, form("userId", id, "name", "n")).WithContext(ctx)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// minted tells how many tokens the cloud has issued to id.
func (r *rig) minted(id string) int {
	return len(r.see("/control/state?user_id=" + id)["tokens"].([]any))
}

func TestFaultModes(t *testing.T) {
	isJSON := func(b []byte) bool { return json.Valid(b) }
	for _, tc := range []struct {
		fault  string
		status int // 0: no answer at all
		tokens int // issued all the same
		check  func(body []byte) bool
	}{
		{`"mode":"status","status":503`, 503, 0, func(b []byte) bool { return bytes.Contains(b, []byte("<h1>503")) }},
		{`"mode":"status","status":503,"effect":true`, 503, 1, nil},
		{`"mode":"code","code":1008`, 429, 0, func(b []byte) bool { return bytes.Contains(b, []byte(`"code":1008`)) }},
		{`"mode":"code","code":1050,"effect":true`, 504, 1, isJSON},
		{`"mode":"code","code":1015`, 200, 0, isJSON},
		{`"mode":"code","code":77777`, 400, 0, isJSON},
		{`"mode":"code","code":1000,"status":200`, 200, 0, isJSON},
		{`"mode":"delay","delay_ms":1`, 200, 1, isJSON},
		{`"mode":"delay","delay_ms":1,"effect":true`, 200, 1, isJSON},
		{`"mode":"reset_before"`, 0, 0, nil},
		{`"mode":"reset_after"`, 0, 1, nil},
		{`"mode":"garbage"`, 200, 0, func(b []byte) bool { return !isJSON(b) && bytes.Contains(b, []byte("<html>")) }},
		{`"mode":"garbage","status":502,"effect":true`, 502, 1, func(b []byte) bool { return !isJSON(b) }},
		{`"mode":"garbage","garbage":"truncated"`, 200, 1, func(b []byte) bool { return !isJSON(b) && b[0] == '{' }},
		{`"mode":"garbage","garbage":"wrong_type"`, 200, 0, isJSON},
		{`"mode":"garbage","garbage":"binary"`, 200, 0, func(b []byte) bool { return len(b) == 256 }},
		{`"mode":"garbage","garbage":"huge"`, 200, 0, func(b []byte) bool { return len(b) > 10<<20 && isJSON(b) }},
		{`"mode":"garbage","garbage":"slow","delay_ms":1`, 200, 1, isJSON},
		{`"mode":"garbage","garbage":"drip","delay_ms":1`, 200, 1, isJSON},
		{`"mode":"garbage","garbage":"stale"`, 200, 0, func(b []byte) bool { return len(b) == 0 }},
		{`"mode":"short_lived","lifetime_ms":1000`, 200, 1, isJSON},
		{`"mode":"skew","skew_s":-3600`, 200, 1, isJSON},
		{`"mode":"empty"`, 200, 0, func(b []byte) bool { return len(b) == 0 }},
		{`"mode":"empty","status":204,"effect":true`, 204, 1, func(b []byte) bool { return len(b) == 0 }},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			r := newRig(t)
			r.set("/control/faults", `{"path":"`+tokenPath+`","times":1,`+tc.fault+`}`)
			status, body, err := r.raw(t.Context(), "a")
			if tc.status == 0 && err == nil {
				t.Errorf("answer http %d %.100q, want a broken connection", status, body)
			}
			if tc.status != 0 && (err != nil || status != tc.status) {
				t.Errorf("http %d, %v, want %d", status, err, tc.status)
			}
			if tc.check != nil && !tc.check(body) {
				t.Errorf("body %.200q does not fit the fault", body)
			}
			if got := r.minted("a"); got != tc.tokens {
				t.Errorf("tokens issued = %d, want %d", got, tc.tokens)
			}
			r.mint("a") // times: 1
			if got := r.see("/control/calls")[tokenPath]; got != 2.0 {
				t.Errorf("calls = %v, want 2: a faulty one counts", got)
			}
		})
	}
}

// A fault for one person leaves the others alone.
func TestFaultOfOnePerson(t *testing.T) {
	r := newRig(t)
	r.set("/control/faults", `{"path":"`+tokenPath+`","mode":"code","code":1000,"user":"a"}`)
	r.set("/control/faults", `{"path":"`+tokenPath+`","mode":"code","code":1000,"user":"Bea"}`)
	for _, tc := range []struct {
		id, name string
		code     int
	}{{"a", "n", 1000}, {"b", "Bea", 1000}, {"b", "n", 200}, {"aa", "Beat", 200}} {
		if got := r.call(tokenPath, "userId", tc.id, "name", tc.name).code; got != tc.code {
			t.Errorf("getToken for %s (%s) = code %d, want %d", tc.id, tc.name, got, tc.code)
		}
	}
}

// A stale answer is the last good one of its path, whoever it was for.
func TestStaleAnswer(t *testing.T) {
	r := newRig(t)
	first := r.mint("a")
	r.set("/control/faults", `{"path":"`+tokenPath+`","mode":"garbage","garbage":"stale","times":1}`)
	a := r.call(tokenPath, "userId", "b", "name", "n")
	if a.fields["token"] != first || a.fields["userId"] != "a" {
		t.Errorf("stale answer to b = %v, want the one that a got", a.fields)
	}
	if n := r.minted("b"); n != 0 {
		t.Errorf("tokens issued to b = %d, want 0", n)
	}
}

// A short-lived token ends before the console's lifetime, and only that one.
func TestShortLivedToken(t *testing.T) {
	r := newRig(t)
	r.set("/control/faults", `{"path":"`+tokenPath+`","mode":"short_lived","lifetime_ms":2000,"times":1}`)
	short, long := r.mint("a"), r.mint("a")
	r.wantState(short, StateValid)
	r.set("/control/clock", `{"advance":"2s"}`)
	r.wantState(short, StateExpired)
	r.wantState(long, StateValid)
}

// Headers that a fault sets: when to come again, and a clock that is wrong.
func TestFaultHeaders(t *testing.T) {
	for _, tc := range []struct {
		fault, header string
		good          func(string) bool
	}{
		{`"mode":"status","status":429,"retry_after":7`, "Retry-After", func(v string) bool { return v == "7" }},
		{`"mode":"code","code":1008,"retry_after":7`, "Retry-After", func(v string) bool { return v == "7" }},
		{`"mode":"code","code":1008`, "Retry-After", func(v string) bool { return v == "" }},
		{`"mode":"skew","skew_s":7200`, "Date", func(v string) bool { return v == "Sun, 01 Mar 2026 14:00:00 GMT" }},
	} {
		r := newRig(t)
		r.set("/control/faults", `{"path":"`+tokenPath+`","times":1,`+tc.fault+`}`)
		res, err := http.DefaultClient.Do(r.request(tokenPath, form("userId", "a", "name", "n")))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := res.Header.Get(tc.header); !tc.good(got) {
			t.Errorf("%s: %s = %q", tc.fault, tc.header, got)
		}
	}
}

func TestFaultPaths(t *testing.T) {
	for _, path := range []string{"", "*"} {
		r := newRig(t)
		r.set("/control/faults", `{"path":"`+path+`","mode":"code","code":1000}`)
		for _, p := range []string{tokenPath, "/user/info.json", "/nowhere"} {
			if a := r.call(p, "userId", "a"); a.code != 1000 || a.status != 500 {
				t.Errorf("path %q: %s = code %d, http %d, want 1000, 500", path, p, a.code, a.status)
			}
		}
	}
	r := newRig(t)
	r.set("/control/faults", `{"path":"/user/info.json","mode":"code","code":1000}`)
	r.mint("a")
	for range 3 {
		if a := r.call("/user/info.json", "userId", "a"); a.code != 1000 {
			t.Errorf("info = code %d, want 1000 until the reset", a.code)
		}
	}
	r.set("/control/reset", `{}`)
	r.ok("/user/info.json", "userId", "a")
}

func TestFaultsFireInTheOrderInWhichTheyWereSet(t *testing.T) {
	r := newRig(t)
	r.set("/control/faults", `{"path":"*","mode":"delay","delay_ms":1,"times":1}`)
	r.set("/control/faults", `{"path":"*","mode":"code","code":1000,"times":1}`)
	r.set("/control/faults", `{"path":"*","mode":"code","code":1050,"times":1}`)
	for _, want := range []int{1000, 1050, 200} {
		if got := r.call("/user/checkOnline.json", "userId", "a").code; got != want {
			t.Errorf("code = %d, want %d", got, want)
		}
	}
	for i, f := range r.see("/control/faults")["faults"].([]any) {
		if f := f.(map[string]any); f["fired"] != 1.0 || f["left"] != 0.0 {
			t.Errorf("fault %d fired %v, left %v, want 1, 0", i, f["fired"], f["left"])
		}
	}
}

func TestPercentRepeatsWithItsSeed(t *testing.T) {
	run := func(seed string) string {
		r := newRig(t, func(c *Config) { c.NoRateLimits = true })
		r.set("/control/faults", `{"path":"*","mode":"code","code":1000,"percent":30`+seed+`}`)
		var out strings.Builder
		for range 300 {
			fmt.Fprint(&out, r.call("/user/checkOnline.json", "userId", "a").code, " ")
		}
		return out.String()
	}
	one, again, other := run(`,"seed":1`), run(`,"seed":1`), run(`,"seed":2`)
	if one != again {
		t.Errorf("two runs with one seed differ")
	}
	if one == other {
		t.Errorf("runs with two seeds are alike")
	}
	if n := strings.Count(one, "1000"); n < 60 || n > 120 {
		t.Errorf("30 percent hit %d of 300", n)
	}
}

// A delay passes on the real clock: here on that of a synctest bubble.
func TestDelayWaitsAndEndsWithItsCaller(t *testing.T) {
	for _, effect := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Config{AppKey: testKey, AppSecret: testSecret})
			set := httptest.NewRequest(http.MethodPost, "/control/faults", strings.NewReader(fmt.Sprintf(`{"mode":"delay","delay_ms":5000,"effect":%v}`, effect)))
			s.Control().ServeHTTP(httptest.NewRecorder(), set)
			call := func(ctx context.Context) (code int, aborted bool, took time.Duration) {
				began := time.Now()
				req := httptest.NewRequestWithContext(ctx, http.MethodPost, tokenPath, strings.NewReader("userId=a&name=n"))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				sign(req.Header, "", testKey, testSecret, "1", "1")
				w := httptest.NewRecorder()
				defer func() {
					// A recorder has no connection to break.
					aborted = recover() == http.ErrAbortHandler
					code, took = w.Code, time.Since(began)
				}()
				s.Handler().ServeHTTP(w, req)
				return
			}
			if code, aborted, took := call(t.Context()); code != 200 || aborted || took != 5*time.Second {
				t.Errorf("delayed call = http %d, aborted %v after %v, want 200 after 5s", code, aborted, took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, aborted, took := call(ctx); !aborted || took != time.Second {
				t.Errorf("call whose caller left = aborted %v after %v, want true after 1s", aborted, took)
			}
			want := 1
			if effect {
				want = 2
			}
			if got := len(s.store.tokens); got != want {
				t.Errorf("effect %v: tokens = %d, want %d", effect, got, want)
			}
		})
	}
}

// Over a real connection, too, the sandbox notices that the caller has gone.
func TestDelayOfARealConnectionEndsWithIt(t *testing.T) {
	r := newRig(t)
	r.set("/control/faults", `{"mode":"delay","delay_ms":600000}`)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, _, err := r.raw(ctx, "a")
		failed <- err
	}()
	for len(r.see("/control/calls")) == 0 {
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("call = %v, want canceled", err)
	}
	r.cloud.Close() // waits for the handler: ten minutes, had it not noticed
	if got := r.minted("a"); got != 0 {
		t.Errorf("tokens = %d, want 0", got)
	}
}

func TestFaultsThatAreRefused(t *testing.T) {
	r := newRig(t)
	for body, field := range map[string]string{
		`{}`:                                                     "mode",
		`{"mode":"explode"}`:                                     "mode",
		`{"mode":"empty","path":"user"}`:                         "path",
		`{"mode":"status"}`:                                      "status",
		`{"mode":"status","status":100}`:                         "status",
		`{"mode":"status","status":600}`:                         "status",
		`{"mode":"code"}`:                                        "code",
		`{"mode":"code","code":-1}`:                              "code",
		`{"mode":"code","code":"1008"}`:                          "code",
		`{"mode":"code","code":1,"status":0}`:                    "status",
		`{"mode":"delay"}`:                                       "delay_ms",
		`{"mode":"delay","delay_ms":600001}`:                     "delay_ms",
		`{"mode":"delay","delay_ms":1,"status":500}`:             "status",
		`{"mode":"status","status":500,"code":1008}`:             "code",
		`{"mode":"status","status":500,"delay_ms":5}`:            "delay_ms",
		`{"mode":"reset_after","effect":false}`:                  "effect",
		`{"mode":"empty","times":0}`:                             "times",
		`{"mode":"empty","times":1.5}`:                           "times",
		`{"mode":"empty","percent":0}`:                           "percent",
		`{"mode":"empty","percent":100.1}`:                       "percent",
		`{"mode":"empty","garbage":"html"}`:                      "garbage",
		`{"mode":"garbage","garbage":"x"}`:                       "garbage",
		`{"mode":"garbage","garbage":"html","delay_ms":5}`:       "delay_ms",
		`{"mode":"empty","color":"red"}`:                         "color",
		`{"mode":"empty","times":null}`:                          "times",
		`{"Mode":"empty"}`:                                       "Mode",
		`[]`:                                                     "",
		`null`:                                                   "",
		`{"mode":"empty"} {}`:                                    "",
		`{"mode":`:                                               "",
		`mode=empty`:                                             "",
		`{"mode":"` + strings.Repeat("x", maxControlBody) + `"}`: "too large",
	} {
		status, out := r.turn(http.MethodPost, "/control/faults", body)
		msg, _ := out["error"].(string)
		if field == "too large" {
			if status != http.StatusRequestEntityTooLarge || msg == "" {
				t.Errorf("large body = http %d %v, want 413", status, out)
			}
			continue
		}
		got, _ := out["field"].(string)
		if status != http.StatusBadRequest || msg == "" || got != field {
			t.Errorf("%s = http %d %v, want 400 about %q", body, status, out, field)
		}
	}
	if got := r.see("/control/faults")["faults"].([]any); len(got) != 0 {
		t.Errorf("faults = %v, want none", got)
	}
	for range maxFaults {
		r.set("/control/faults", `{"mode":"empty"}`)
	}
	if status, _ := r.turn(http.MethodPost, "/control/faults", `{"mode":"empty"}`); status != http.StatusBadRequest {
		t.Errorf("fault %d = http %d, want 400", maxFaults+1, status)
	}
}
