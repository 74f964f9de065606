package web

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// storedBy are the files that store sentences for admins, and how many at least.
var storedBy = map[string]int{
	"../tokens/outbox/rule.go":         6,
	"../tokens/notice/conditions.go":   10,
	"../tokens/notice/message.go":      2,
	"../tokens/reconcile/reconcile.go": 3,
	"../handlers/users.go":             2,
	"../cmd/imbridge/admin_audit.go":   2,
}

var verb = regexp.MustCompile(`%[a-z]`)

// storedSentences are those that a file writes into the fields of a notice or a
// ruling, with 3 for every number and "word" for every other thing of the moment.
func storedSentences(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	keep := func(name string, e ast.Expr) {
		if s := sentence(e); strings.EqualFold(name, "message") || strings.EqualFold(name, "cure") || name == "Reason" {
			if strings.Count(s, " ") > 1 {
				found = append(found, s)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			// An error of the cloud's own shape goes to the log.
			kind, ok := n.Type.(*ast.SelectorExpr)
			return !ok || kind.Sel.Name != "Error"
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				keep(key.Name, n.Value)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				switch left := left.(type) {
				case *ast.Ident:
					keep(left.Name, n.Rhs[min(i, len(n.Rhs)-1)])
				case *ast.SelectorExpr:
					keep(left.Sel.Name, n.Rhs[min(i, len(n.Rhs)-1)])
				}
			}
		}
		return true
	})
	return found
}

// sentence is the text that an expression makes.
func sentence(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return sentence(e.X) + sentence(e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return verb.ReplaceAllString(sentence(e.Args[0]), "3")
		}
	}
	return "word"
}

// TestStoredSentencesHaveWords: what other packages store for admins is told in
// both languages.
func TestStoredSentencesHaveWords(t *testing.T) {
	used := make(map[string]bool)
	for path, least := range storedBy {
		list := storedSentences(t, path)
		if len(list) < least {
			t.Errorf("%s stores %d sentences, want the %d that are there: %q", path, len(list), least, list)
		}
		for _, stored := range list {
			for _, lang := range Languages {
				got := View{Lang: lang}.Said(stored)
				han := strings.ContainsFunc(got.Text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
				if got.Strange || han != (lang == "zh") || strings.ContainsAny(got.Text, "{}") {
					t.Errorf("%s stores %q, told in %s as %+q", path, stored, lang, got.Text)
				}
			}
			for _, s := range sayings {
				if s.match.MatchString(stored) {
					used[s.pattern] = true
				}
			}
		}
	}
	for _, s := range sayings {
		if !used[s.pattern] {
			t.Errorf("nobody stores %q", s.pattern)
		}
	}
}

// TestSaid puts what changes from time to time into the sentence, and keeps what
// the cloud said apart, word for word.
func TestSaid(t *testing.T) {
	for stored, want := range map[string]string{
		"the cloud refuses this as it is (/user/refresh.json: code 1005, HTTP 200): name (too) long; sorry; mend what it names, then retry": "云端拒绝了此内容。请按其说明修正后重试。|/user/refresh.json: code 1005, HTTP 200|name (too) long; sorry|",
		"the cloud did not take it (/user/block.json: code 0, HTTP 503, unavailable); it is tried again":                                    "云端未接受：暂不可用。系统会自动重试。|/user/block.json: code 0, HTTP 503||",
		"the cloud did not take it (x, newly_named); it is tried again":                                                                     "云端未接受：newly_named。系统会自动重试。|x||",
		"not delivered: database unavailable": "因本地故障未能送达云端。系统会自动重试。|||database unavailable",
		"1 row buried: imbridge has stopped trying to tell the IM cloud of them, and the cloud still has it otherwise.":               "系统已停止向 IM 云同步 1 项变更，云端仍为旧数据。|||",
		"The oldest of 12 rows waiting for the IM cloud has been due for 1h3m0s; more than 5m0s is too long.":                         "共 12 项变更等待同步，最早的已等待 1 小时 3 分钟，超过 5 分钟 即为过长。|||",
		"Our people and the IM cloud's differ: 3 missing, 1 unheard_of.":                                                              "本地用户与 IM 云不一致：3 位在云端不存在，1 unheard_of。|||",
		"Registrations are taken back, because the IM cloud gave no token (no answer in time). Those people were asked to try again.": "IM 云未能签发令牌，注册已撤回。系统已提示用户稍后重试。|未及时响应||",
		"written by another release": "written by another release|||",
	} {
		got := View{Lang: "zh"}.Said(stored)
		if text := fmt.Sprintf("%s|%s|%s|%s", got.Text, got.Call, got.Cloud, got.Detail); text != want {
			t.Errorf("Said(%q) = %q, want %q", stored, text, want)
		}
		if got.Strange != (stored == "written by another release") {
			t.Errorf("Said(%q).Strange = %t", stored, got.Strange)
		}
	}
	const plain = "The cloud did not take it: it is not available. It is tried again."
	if got := (View{Lang: "en"}).Said("the cloud did not take it (x, unavailable); it is tried again").Text; got != plain {
		t.Errorf("in English = %q, want %q", got, plain)
	}
}

// TestUnsent tells each way by which a notice did not go out, and keeps what is not
// ours word for word.
func TestUnsent(t *testing.T) {
	for stored, want := range map[string][2]string{
		"":                           {"", ""},
		"webhook: answered http 500": {"webhook|the answer was HTTP 500.|;", "webhook|对方返回 HTTP 500。|;"},
		"mail: no answer within 10s; webhook: not sent: dial: x; y: z": {"mail|there was no answer within 10 seconds.|;webhook|it could not be sent.|not sent: dial: x; y: z;", "mail|10 秒 内没有响应。|;webhook|发送失败。|not sent: dial: x; y: z;"},
		"mail: dialing, the mail server answered 535":                  {"mail|the mail server answered 535.|dialing;", "mail|邮件服务器返回 535。|dialing;"},
		"mail: the name cannot be resolved":                            {"mail|its name cannot be resolved.|;", "mail|域名无法解析。|;"},
		"written by another release":                                   {"|it could not be sent.|written by another release;", "|发送失败。|written by another release;"},
	} {
		for i, lang := range []string{"en", "zh"} {
			var got string
			for _, u := range (View{Lang: lang}).Unsent(stored) {
				got += u.Sender + "|" + u.Saying.Text + "|" + u.Saying.Detail + ";"
			}
			if got != want[i] {
				t.Errorf("Unsent(%q) in %s = %q, want %q", stored, lang, got, want[i])
			}
		}
	}
}

// TestUnsentHasWords: what package notice may say of a delivery is told in both
// languages.
func TestUnsentHasWords(t *testing.T) {
	for _, file := range []string{"address.go", "delivery.go", "mail.go", "webhook.go"} {
		b, err := os.ReadFile("../tokens/notice/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:Errorf|errors\.New)\("([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			stored := strings.NewReplacer("%d", "3", "%s", "word", "%w", "word").Replace(m[1])
			if strings.HasPrefix(m[1], "a webhook") || strings.HasPrefix(m[1], "the webhook's") || strings.HasPrefix(m[1], "the sender's") || strings.HasPrefix(m[1], "recipient") || strings.HasPrefix(m[1], "mail needs") {
				continue // of settings, before anything starts
			}
			if got := (View{Lang: "zh"}).saidOf(unsentSayings, stored); !strings.ContainsFunc(got.Text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || got.Detail == stored && !strings.Contains(m[1], "%w") {
				t.Errorf("%s says %q, which pages have no words for", file, m[1])
			}
		}
	}
	for _, s := range unsentSayings {
		if s.zh == "" || s.en == "" {
			t.Errorf("%q lacks words", s.pattern)
		}
	}
}

// TestRetryCounts a single second as one.
func TestRetryCounts(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "Try again in 1 second.", 2: "Try again in 2 seconds.", 1200: "Try again in 1,200 seconds."} {
		if got := (View{Lang: "en", Form: &FormProblem{RetryAfter: n}}).Retry(); got != want {
			t.Errorf("Retry after %d = %q, want %q", n, got, want)
		}
	}
}
