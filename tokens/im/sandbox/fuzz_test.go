package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzServerAPI: whatever the body, the answer is a JSON object with a whole
// number as its code, whose HTTP status is the one of the code.
func FuzzServerAPI(f *testing.F) {
	s := New(Config{AppKey: testKey, AppSecret: testSecret, NoRateLimits: true, Now: func() time.Time { return start }})
	paths := slices.Sorted(maps.Keys(s.dialects[0].limits()))
	for i := range paths {
		f.Add(i, "application/x-www-form-urlencoded", "userId=a&name=n&minute=5&time=1&blackUserId=b&page=2&size=1&pageToken=z")
	}
	f.Add(0, "application/json", `{"userId":"a"}`)
	f.Add(1, "application/x-www-form-urlencoded", "userId=%ff&name=\xff;;&&==")
	f.Add(2, "a/b; c", "userId=a&fromUserId=a&toUserId=b&objectName=RC:TxtMsg&content={}&verifyBlacklist=1")
	f.Fuzz(func(t *testing.T, which int, kind, body string) {
		path := paths[(which%len(paths)+len(paths))%len(paths)]
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header["Content-Type"] = []string{kind}
		sign(req.Header, "", testKey, testSecret, "1", "1")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, req)
		var out struct {
			Code *int `json:"code"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out.Code == nil {
			t.Fatalf("%s %q = http %d %.200q, want JSON with a code", path, body, w.Code, w.Body)
		}
		if want := rongStatus[*out.Code]; w.Code != want {
			t.Errorf("%s %q: code %d with http %d, want %d", path, body, *out.Code, w.Code, want)
		}
	})
}

// FuzzControl: whatever the body, the answer is a JSON object, and a refusal
// says why.
func FuzzControl(f *testing.F) {
	s := New(Config{Now: func() time.Time { return start }})
	knobs := s.knobs()
	for i := range knobs {
		for _, body := range []string{"", `{"path":"*","mode":"delay","delay_ms":5,"percent":5,"times":1}`, `{"advance":"1h"}`, `{"advance":5}`, `{"token":"x@y"}`, `{"token_lifetime":"7d","rates":{"/user/info.json":5}}`, `[`} {
			f.Add(i, body)
		}
	}
	f.Fuzz(func(t *testing.T, which int, body string) {
		k := knobs[(which%len(knobs)+len(knobs))%len(knobs)]
		w := httptest.NewRecorder()
		s.Control().ServeHTTP(w, httptest.NewRequest(k.Method, k.Path, strings.NewReader(body)))
		var out map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out == nil {
			t.Fatalf("%s %q = http %d %.200q, want a JSON object", k.Path, body, w.Code, w.Body)
		}
		if _, ok := out["error"].(string); (w.Code == http.StatusOK) == ok {
			t.Errorf("%s %q = http %d %.200q, want an error exactly where it is refused", k.Path, body, w.Code, w.Body)
		}
	})
}
