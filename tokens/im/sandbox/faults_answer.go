package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// instead is the answer that a fault gives in place of the real one.
func (s *Sandbox) instead(f *fault, c *call, d dialect, work func() answer) answer {
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch f.Mode {
	case modeCode:
		return f.withRetryAfter(d.refuse(f.Code, f.Status, f.Error))
	case modeEmpty:
		return answer{status: status}
	case modeStatus:
		return f.withRetryAfter(htmlAnswer(status, fmt.Sprintf("<h1>%d %s</h1>", status, http.StatusText(status))))
	case modeShortLived:
		a := work()
		s.shorten(a, time.Duration(f.LifetimeMS)*time.Millisecond)
		return a
	case modeSkew:
		return s.skewed(work(), time.Duration(f.SkewS)*time.Second)
	}
	switch f.Garbage {
	case garbageTruncated:
		a := work()
		a.body = a.body[:len(a.body)/2]
		return a
	case garbageSlow:
		a := work()
		ms := f.DelayMS
		if ms == 0 {
			ms = slowDefault
		}
		a.pause = time.Duration(ms) * time.Millisecond
		return a
	case garbageDrip:
		a := work()
		ms := f.DelayMS
		if ms == 0 {
			ms = dripDefault
		}
		a.pause, a.drip = time.Duration(ms)*time.Millisecond, true
		return a
	case garbageStale:
		return s.remembered(c.label)
	case garbageWrongType:
		return jsonAnswer(status, []byte(`{"code":{"value":200},"userId":17,"token":["a","b"],"errorMessage":false,`+
			`"access_token":["a","b"],"expires_in":"soon","user":[7],"entities":{"uuid":17},"data":false,"count":"many","cursor":17}`))
	case garbageBinary:
		body := make([]byte, 256)
		for i := range body {
			body[i] = byte(255 - i)
		}
		return answer{status: status, header: http.Header{"Content-Type": {"application/octet-stream"}}, body: body}
	case garbageHuge:
		return jsonAnswer(status, []byte(`{"code":200,"userId":"huge","token":"`+strings.Repeat("A", hugeBytes)+`"}`))
	}
	return htmlAnswer(status, "<form>Sign in to this network</form>")
}

// withRetryAfter tells the caller when to come again.
func (f *fault) withRetryAfter(a answer) answer {
	if f.RetryAfter > 0 {
		a = a.with("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	return a
}

// with is the answer with one more header; those of others stay as they are.
func (a answer) with(name, value string) answer {
	header := a.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(name, value)
	a.header = header
	return a
}

// skewed is dated by a clock that is off.
func (s *Sandbox) skewed(a answer, by time.Duration) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.with("Date", s.now().Add(by).UTC().Format(http.TimeFormat))
}

// shorten makes the token in an answer live shorter than the console says.
func (s *Sandbox) shorten(a answer, lifetime time.Duration) {
	var in struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal(a.body, &in) != nil {
		return
	}
	key, _, _ := strings.Cut(in.Token, "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.store.tokens[key]; t != nil {
		t.shortened = lifetime
	}
	if t := s.store.ease.tokens[in.AccessToken]; t != nil {
		t.expiresAt = t.issuedAt.Add(lifetime)
	}
}

// remember keeps the last good answer of an endpoint, for a stale one later.
func (s *Sandbox) remember(label string, a answer) {
	if a.status != http.StatusOK {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]answer{}
	}
	s.last[label] = a
}

// remembered is what an endpoint answered before: an empty page where it has not yet.
func (s *Sandbox) remembered(label string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.last[label]
	if !ok {
		a.status = http.StatusOK
	}
	return a
}

func htmlAnswer(status int, body string) answer {
	return answer{
		status: status,
		header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		body:   []byte("<!DOCTYPE html><html><body>" + body + "</body></html>\n"),
	}
}

// writeSlowly sends the body byte by byte, for as long as the caller listens.
func (a answer) writeSlowly(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	for i := range a.body {
		if i > 0 && !wait(r.Context(), a.pause) {
			return
		}
		if _, err := w.Write(a.body[i : i+1]); err != nil || control.Flush() != nil {
			return
		}
	}
}
