package rongcloud

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

func TestDecodeReadsRecordedAnswers(t *testing.T) {
	const token = "c2FuZGJveC10b2tlbi1vZi0yNC1ieXRlcw==@abcd.cn.rongnav.com"
	for file, want := range map[string]func(a answer) bool{
		"getToken.json":                func(a answer) bool { return a.code == 200 && a.token == token+";abcd.cn.rongcfg.com" },
		"getToken_older.json":          func(a answer) bool { return a.code == 200 && a.token == token },
		"expire.json":                  func(a answer) bool { return a.code == 200 && a.token == "" && a.users == nil },
		"info.json":                    func(a answer) bool { return a.userName == "小明" && a.portrait == "https://example.com/a.png" },
		"info_blank.json":              func(a answer) bool { return a.code == 200 && a.userName == "" },
		"block_query.json":             func(a answer) bool { return len(a.users) == 2 && a.users[0].blockEnd == "2015-01-11 01:28:20" },
		"blacklist_query.json":         func(a answer) bool { return len(a.users) == 2 && a.users[1].id == "jlk457" && a.next == "2h4k" },
		"blacklist_query_objects.json": func(a answer) bool { return len(a.users) == 3 && a.users[1].id == "jlk457" && a.users[2].id == "17" },
		"checkOnline.json":             func(a answer) bool { return a.online == "1" },
		"error_1004.json":              func(a answer) bool { return a.code == 1004 && strings.HasPrefix(a.message, "Signature") },
	} {
		a, err := decode([]byte(recorded(t, file)))
		if err != nil || !want(a) {
			t.Errorf("decode(%s) = %+v, %v", file, a, err)
		}
	}
}

func TestDecodeIsForgivingAboutForm(t *testing.T) {
	for _, body := range []string{
		`{"code":200}`, `{"code":"200"}`, `{"code":200.0}`, `{"code":2e2}`, `{"code":" 200 "}`, "\ufeff{\"code\":200}", " \n{\"code\":200}\n",
		`{"code":200,"more":{"deep":[1,2]},"errorMessage":null,"users":null,"token":null}`,
	} {
		if a, err := decode([]byte(body)); err != nil || a.code != 200 {
			t.Errorf("decode(%q) = %+v, %v, want code 200", body, a, err)
		}
	}
}

func TestDecodeRefusesWhatItCannotTrust(t *testing.T) {
	for _, body := range []string{
		"", " \n", "null", "17", `"x"`, "[]", "{", `{"code":200`, `{"code":200}{"code":200}`, "<html>", "\x1f\x8b", "\xff\xfe{",
		"{}", `{"code":null}`, `{"code":true}`, `{"code":{}}`, `{"code":[200]}`, `{"code":""}`, `{"code":"x"}`, `{"code":200.5}`, `{"code":1e300}`,
		`{"code":"NaN"}`, `{"code":"Inf"}`, `{"Code":200}`, `{"code":200,"users":{}}`, `{"code":200,"users":[{}]}`, `{"code":200,"users":[null]}`,
		strings.Repeat("[", 100_000), strings.Repeat(`{"code":`, 100_000),
	} {
		if a, err := decode([]byte(body)); err == nil {
			t.Errorf("decode(%.40q) = %+v, want an error", body, a)
		}
	}
}

func TestWhenReadsTheCloudsTimes(t *testing.T) {
	want := time.Date(2015, 1, 10, 17, 28, 20, 0, time.UTC) // 01:28:20 in China
	for _, s := range []string{"2015-01-11 01:28:20", "1420910900000"} {
		if got := when(s); !got.Equal(want) {
			t.Errorf("when(%q) = %v, want %v", s, got, want)
		}
	}
	for _, s := range []string{"", "soon", "-5", "2015-13-41 00:00:00"} {
		if got := when(s); !got.IsZero() {
			t.Errorf("when(%q) = %v, want zero", s, got)
		}
	}
}

// FuzzAnswer: no body makes the client panic, hand out a bad token, or put
// anything but a short line of text into an error.
func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("recorded answers: %v, %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, b)
		f.Add(500, b)
	}
	clean := calls.Cleaner(secret)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		_, got := judge(opGetToken, calls.Reply{Status: status, Header: http.Header{}, Body: body}, clean)
		if got.Err == nil {
			if a, err := decode(body); err != nil || a.code != 200 || status/100 != 2 {
				t.Fatalf("judge(%d, %q) is a success, want an error", status, body)
			}
			c := newTestClient(t, always(200, string(body)))
			tok, err := c.Mint(t.Context(), im.User{ID: "u1", Name: "n"}, 0)
			if err == nil && (tok.Value == "" || len(tok.Value) > 512 || !calls.Visible(tok.Value)) {
				t.Fatalf("Mint from %q = %q, want no such token", body, tok.Value)
			}
			return
		}
		m := got.Err.Message
		if len(m) > 200 || !utf8.ValidString(m) || strings.ContainsFunc(m, unicode.IsControl) || strings.Contains(m, secret) {
			t.Fatalf("judge(%d, %q): message %q", status, body, m)
		}
		if got.Err.Kind == "" {
			t.Fatalf("judge(%d, %q): no kind", status, body)
		}
	})
}
