package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Commands of scripts for HTTP:
//
//	http STATUS METHOD URL ['HEADER: VALUE']... [BODY]
//	                         asks, with a body if there is one that starts with {; stdout is the
//	                         status line, the headers and the JSON of the answer, indented
//	await PATTERN METHOD URL ...  asks until that matches; with !, until it does not
//	field PATH VAR           a value of the last answer's JSON: user.id, sessions.0.id
//	header NAME VAR          a header of the last answer
//	apart DURATION FROM TO   two times of an answer are so far apart, to the second
//	crooked URL BY VAR       a proxy before URL whose clock is off by so much

// A reply is the last one that http or await got.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (a reply) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP %d\n", a.status)
	_ = a.header.Write(&b)
	b.WriteString("\n")
	if json.Indent(&b, a.body, "", "  ") != nil {
		b.Write(a.body)
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n") + "\n"
}

var askClient = &http.Client{Timeout: scriptPatience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func ask(args []string) (reply, error) {
	var body string
	if last := args[len(args)-1]; len(args) > 2 && strings.HasPrefix(last, "{") {
		body, args = last, args[:len(args)-1]
	}
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range args[2:] {
		name, value, ok := strings.Cut(h, ": ")
		if !ok {
			return reply{}, fmt.Errorf("%q is neither 'Header: value' nor a body that starts with {", h)
		}
		req.Header.Set(name, value)
	}
	resp, err := askClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, raw}, err
}

func (s *script) http(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) > 2, "http STATUS METHOD URL ['HEADER: VALUE']... [BODY]"); err != nil {
		return err
	}
	a, err := ask(args[1:])
	if err != nil {
		return err
	}
	s.last = a
	fmt.Fprint(ts.Stdout(), a)
	if want := args[0]; strconv.Itoa(a.status) != want {
		return fmt.Errorf("%s %s = %d, want %s\n%s", args[1], args[2], a.status, want, a)
	}
	return nil
}

func (s *script) await(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(false, len(args) > 2, "[!] await PATTERN METHOD URL ['HEADER: VALUE']... [BODY]"); err != nil {
		return err
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		return err
	}
	s.last, err = askUntil(pattern, !neg, args[1:]...)
	fmt.Fprint(ts.Stdout(), s.last)
	return err
}

// askUntil asks until the answer matches the pattern, or does not any more.
func askUntil(pattern *regexp.Regexp, match bool, args ...string) (last reply, err error) {
	for deadline := time.Now().Add(scriptPatience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if last, err = ask(args); err == nil && pattern.MatchString(last.String()) == match {
			return last, nil
		}
	}
	return last, fmt.Errorf("answers matched %q for %s: %v, want %v; the last: %v\n%s", pattern, scriptPatience, !match, match, err, last)
}

func (s *script) field(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 2, "field PATH VAR"); err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(s.last.body, &v); err != nil {
		return fmt.Errorf("%w in %s", err, s.last.body)
	}
	for step := range strings.SplitSeq(args[0], ".") {
		switch at := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = at[step]; !ok {
				return fmt.Errorf("no %s in %s", args[0], s.last.body)
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return fmt.Errorf("no %s in %s", args[0], s.last.body)
			}
			v = at[i]
		default:
			return fmt.Errorf("no %s in %s", args[0], s.last.body)
		}
	}
	text, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	ts.Setenv(args[1], text)
	return nil
}

func (s *script) header(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 2, "header NAME VAR"); err != nil {
		return err
	}
	v := s.last.header.Get(args[0])
	if v == "" {
		return fmt.Errorf("no header %s in\n%s", args[0], s.last)
	}
	ts.Setenv(args[1], v)
	return nil
}

func (s *script) apart(_ *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 3, "apart DURATION FROM TO"); err != nil {
		return err
	}
	want, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	from, err := time.Parse(time.RFC3339Nano, args[1])
	if err != nil {
		return err
	}
	to, err := time.Parse(time.RFC3339Nano, args[2])
	if err != nil {
		return err
	}
	if got := to.Sub(from).Round(time.Second); got != want {
		return fmt.Errorf("from %s to %s = %s, want %s", args[1], args[2], got, want)
	}
	return nil
}

func (s *script) crooked(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 3, "crooked URL BY VAR"); err != nil {
		return err
	}
	to, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	by, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			return nil
		},
	})
	s.closers = append(s.closers, proxy.Close)
	ts.Setenv(args[2], proxy.URL)
	return nil
}
