package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// naviRequest is what the SDK sends, on behalf of a page of another origin.
func (r *rig) naviRequest(token string) *http.Request {
	body := "token=" + url.QueryEscape(token) + "&v=5.38.0&platfrom=browser" // their spelling
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.cloud.URL+"/v2/navi.json?cloud=0", strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Origin", "http://127.0.0.1:8080")
	req.Header.Set("Content-Type", "Application/x-www-form-urlencoded")
	req.Header.Set("RC-Appkey", testKey)
	req.Header.Set("RC-Negotiate", "conn=5;rtc=4;log=2;iptype=v4,v6")
	return req
}

func TestNavigatorNamesTheAddressItWasAskedAt(t *testing.T) {
	r := newRig(t)
	for _, anti := range []float64{0, 1} {
		a := r.do(r.naviRequest(r.mint("u1")))
		if a.code != 200 || a.fields["type"] != 0.0 || a.fields["openAnti"] != anti {
			t.Errorf("navi = %v, want code 200, type 0, openAnti %v", a.fields, anti)
		}
		got, _ := json.Marshal(a.fields["serverAddr"])
		host := strings.TrimPrefix(r.cloud.URL, "http://")
		if want := `[{"addr":"` + host + `","protocol":5,"weight":1}]`; string(got) != want {
			t.Errorf("serverAddr = %s, want %s", got, want)
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("Access-Control-Allow-Origin = %q, want *", got)
		}
		r.set("/control/app", `{"open_anti": true}`)
	}
	// The answer is kept for hours, so it must not depend on the token.
	if a := r.do(r.naviRequest("garbage")); a.code != 200 {
		t.Errorf("navi with a wrong token = %d, want 200: the socket refuses it", a.code)
	}
	req := r.naviRequest("x")
	req.Method = http.MethodGet
	if a := r.do(req); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET = http %d, want 405", a.status)
	}
}

func TestNavigatorAnswersPreflights(t *testing.T) {
	r := newRig(t)
	r.set("/control/faults", `{"mode": "status", "status": 503}`)
	req := r.naviRequest("")
	req.Method, req.Body, req.ContentLength = http.MethodOptions, http.NoBody, 0
	req.Header.Set("Access-Control-Request-Method", "POST")
	req.Header.Set("Access-Control-Request-Headers", "rc-appkey,rc-negotiate")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Errorf("preflight = http %d, want 204, whatever faults there are", res.StatusCode)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST",
		"Access-Control-Allow-Headers": "RC-Appkey, RC-Negotiate, Content-Type",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := r.see("/control/calls"); len(got) != 0 {
		t.Errorf("calls = %v, want none: a preflight is no call", got)
	}
}

func TestFaultsHitTheSocketAndTheNavigator(t *testing.T) {
	r := newRig(t)
	token := r.mint("u1")
	r.set("/control/faults", `{"path": "/v2/navi.json", "mode": "code", "code": 403, "times": 1}`)
	if a := r.do(r.naviRequest(token)); a.code != 403 {
		t.Errorf("navi with a fault = %d, want 403", a.code)
	}
	r.set("/control/faults", `{"path": "/websocket", "mode": "status", "status": 503, "times": 1}`)
	res, err := http.Get(r.cloud.URL + "/websocket")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("socket with a fault = http %d, want 503", res.StatusCode)
	}
	r.set("/control/faults", `{"path": "/websocket", "mode": "delay", "delay_ms": 1, "times": 1}`)
	r.connect(token)
	if got := r.see("/control/calls")["/websocket"]; got != 2.0 {
		t.Errorf("calls of the socket = %v, want 2", got)
	}
	res, err = http.Get(r.cloud.URL + "/websocket")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("plain GET = http %d, want 426", res.StatusCode)
	}
}
