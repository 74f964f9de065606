package web

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// wordy texts are more than names and marks.
var wordy = regexp.MustCompile(`[a-z]{4}`)

// TestTextsAreWhole: every text is there in both languages, with the same gaps to
// fill.
func TestTextsAreWhole(t *testing.T) {
	said := make(map[string]words)
	for _, s := range sayings {
		said[s.pattern] = s.words
		if en, zh := gap.FindAllString(s.en, -1), gap.FindAllString(s.zh, -1); !slices.Equal(en, zh) {
			t.Errorf("saying %q has the gaps %v in English and %v in Chinese", s.pattern, en, zh)
		}
	}
	for name, table := range map[string]map[string]words{"texts": texts, "complaints": complaints, "sayings": said} {
		for key, w := range table {
			if strings.TrimSpace(w.en) == "" || strings.TrimSpace(w.zh) == "" {
				t.Errorf("%s %q = %q, %q, want words in both", name, key, w.en, w.zh)
			}
			if en, zh := strings.Count(w.en, "%s"), strings.Count(w.zh, "%s"); en != zh || strings.Count(w.en+w.zh, "%") != en+zh {
				t.Errorf("%s %q has %d gaps in English and %d in Chinese", name, key, en, zh)
			}
			if strings.ContainsFunc(w.en, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("%s %q speaks Chinese in English: %q", name, key, w.en)
			}
			if wordy.MatchString(w.en) && !strings.ContainsFunc(w.zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("%s %q has no Chinese in Chinese: %q", name, key, w.zh)
			}
			if name == "complaints" && strings.Count(key, "#") != strings.Count(w.en, "%s") {
				t.Errorf("complaint %q has %q, want a gap for each number", key, w.en)
			}
		}
	}
}

// pageFiles are the templates of the pages, without those of the documents.
func pageFiles(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("templates/*.html")
	if err != nil || len(files) < 8 {
		t.Fatalf("templates = %v, %v", files, err)
	}
	out := make(map[string]string)
	for _, f := range files {
		switch filepath.Base(f) {
		case "frame.html", "errors.html", "reference.html":
			continue // the API's documents are in English only
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = string(b)
	}
	return out
}

var (
	action    = regexp.MustCompile(`\{\{[^}]*\}\}`)
	tag       = regexp.MustCompile(`<[^>]*>`)
	spoken    = regexp.MustCompile(`(?:title|alt|placeholder|aria-label|aria-description)="([^"]*)"`)
	usedText  = regexp.MustCompile(`\bT "([^"]+)"`)
	usedHint  = regexp.MustCompile(`\(\$?\.Field "([a-z_]+)" \S+ "[a-z]+" "[a-z-]*" "([^"]*)"`)
	usedJS    = regexp.MustCompile("\\bt\\((?:problem\\.code === \"throttled\" \\? )?\"([a-z._]+)\"(?: : \"([a-z._]+)\")?")
	codeBlock = regexp.MustCompile(`(?s)<pre.*?</pre>|<code.*?</code>`)
)

// nakedText finds what a template says by itself.
func nakedText(template string) []string {
	var found []string
	plain := action.ReplaceAllString(codeBlock.ReplaceAllString(template, ""), "")
	for _, m := range spoken.FindAllStringSubmatch(plain, -1) {
		if strings.ContainsFunc(m[1], unicode.IsLetter) && !fixedWords[m[1]] {
			found = append(found, m[1])
		}
	}
	for _, piece := range tag.Split(plain, -1) {
		if piece = strings.TrimSpace(piece); strings.ContainsFunc(piece, unicode.IsLetter) && !fixedWords[piece] {
			found = append(found, piece)
		}
	}
	return found
}

// fixedWords are the same in every language: names, the language that a switch
// leads to, and how ids begin.
var fixedWords = map[string]bool{"imbridge": true, "· imbridge": true, "EN": true, "中": true, "English": true, "中文": true, "admin:…": true, "user:…": true}

func TestTemplatesHoldNoText(t *testing.T) {
	for name, content := range pageFiles(t) {
		for _, text := range nakedText(content) {
			t.Errorf("%s says %q by itself; put it into the table of texts", name, text)
		}
		for _, bad := range []string{"<script>", " style=", " onclick=", " onsubmit=", "javascript:", "http://", "https://"} {
			if strings.Contains(content, bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
	}
	// A checker that sees nothing is green, too.
	for _, bad := range []string{`<p>Hello</p>`, `<a title="Go">{{.T "x"}}</a>`, `{{.T "x"}} and more`, `<p>你好</p>`} {
		if len(nakedText(bad)) == 0 {
			t.Errorf("nakedText(%s) found nothing", bad)
		}
	}
}

// TestUsedTextsExist: a key that is used is in the table.
func TestUsedTextsExist(t *testing.T) {
	n := 0
	use := func(file, key string) {
		n++
		if !HasText(key) {
			t.Errorf("%s uses the text %q, which is not there", file, key)
		}
	}
	for name, content := range pageFiles(t) {
		for _, m := range usedText.FindAllStringSubmatch(content, -1) {
			use(name, m[1])
		}
		for _, m := range usedHint.FindAllStringSubmatch(content, -1) {
			use(name, "field."+m[1])
			if m[2] != "" {
				use(name, m[2])
			}
		}
	}
	scripts, _ := filepath.Glob("static/*.js")
	for _, name := range scripts {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range usedJS.FindAllStringSubmatch(string(b), -1) {
			for _, key := range m[1:] {
				switch {
				case strings.HasPrefix(key, "problem."):
					use(name, key) // scripts get those as they are
				case key != "":
					use(name, "js."+key)
				}
			}
		}
	}
	if n < 80 {
		t.Errorf("found %d uses of texts, want many more", n)
	}
	for _, state := range []string{"connecting", "connected", "renewing", "banned", "signed_out_elsewhere", "signed_out", "failed", "stopped"} {
		use("connectRongCloud", "js.state."+state)
	}
}

// TestScriptsCanExplain: a script has the words for each problem and each
// complaint about a field that the server may answer with.
func TestScriptsCanExplain(t *testing.T) {
	for _, lang := range Languages {
		module := string(textsModule(lang))
		for key := range problemTexts {
			if !strings.Contains(module, strconv.Quote(key)+":") {
				t.Errorf("the module of %s has no %q", lang, key)
			}
		}
		for wrong := range complaints {
			if !strings.Contains(module, strconv.Quote("wrong."+wrong)+":") {
				t.Errorf("the module of %s has no words for a field that %q", lang, wrong)
			}
		}
	}
}

var fieldComplaint = regexp.MustCompile(`FieldError\{[^}]*?(?:fmt\.Sprintf\()?"((?:must|is) [^"]+)"`)

// TestComplaintsHaveWords: whatever package models says of a field, pages say in
// both languages.
func TestComplaintsHaveWords(t *testing.T) {
	files, err := filepath.Glob("../models/*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range fieldComplaint.FindAllStringSubmatch(string(b), -1) {
			n++
			if wrong := strings.ReplaceAll(m[1], "%d", "8"); !HasComplaint(wrong) {
				t.Errorf("%s complains that a field %q, which pages have no words for", file, wrong)
			}
		}
	}
	if n < 12 {
		t.Errorf("found %d complaints in models, want the dozen that are there", n)
	}
	if got := Complaint("en", "must have 3 to 32 characters"); got != "Use 3 to 32 characters." {
		t.Errorf("Complaint = %q, want its numbers in it", got)
	}
	if got := Complaint("zh", "never heard of 7"); got != "此内容不被允许。" {
		t.Errorf("Complaint of something unknown = %q", got)
	}
}

var auditedAction = regexp.MustCompile(`"([a-z_]+\.[a-z_]+)"`)

// TestAuditHasWords: what package models writes into the audit, the console says
// in both languages.
func TestAuditHasWords(t *testing.T) {
	files, err := filepath.Glob("../models/*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if !strings.Contains(line, "s.audit(") && !strings.Contains(line, "actor") {
				continue
			}
			for _, m := range auditedAction.FindAllStringSubmatch(line, -1) {
				n++
				if !HasText("admin.action." + m[1]) {
					t.Errorf("%s writes %q, which the console has no words for", file, m[1])
				}
			}
		}
	}
	if n < 25 {
		t.Errorf("found %d actions in models, want the dozens that are there", n)
	}
}

func TestLanguage(t *testing.T) {
	for accept, want := range map[string]string{
		"": "en", "zh": "zh", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "en-GB,en;q=0.9,zh;q=0.8": "en", "de-DE,de;q=0.9,zh;q=0.5,en;q=0.3": "zh",
		"fr": "en", "zh;q=0": "en", "zh;q=x, en": "en", "EN;q=0.1, ZH-Hant;q=0.2": "zh", ",,;;": "en",
	} {
		if got := Language(accept); got != want {
			t.Errorf("Language(%q) = %q, want %q", accept, got, want)
		}
	}
}

func TestClient(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0":       "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/1": "Safari, iPhone",
		"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0":                                                              "Firefox, Linux",
		"Go-http-client/1.1": "", "": "", "<script>": "",
	} {
		if got := Client(agent); got != want {
			t.Errorf("Client(%q) = %q, want %q", agent, got, want)
		}
	}
}

// TestCountsHaveOne: what is counted on a page has words for a single one too.
func TestCountsHaveOne(t *testing.T) {
	counted := regexp.MustCompile(`\.Count "([^"]+)"`)
	seen := 0
	for file, template := range pageFiles(t) {
		for _, m := range counted.FindAllStringSubmatch(template, -1) {
			seen++
			for _, key := range []string{m[1], m[1] + ".one"} {
				if !HasText(key) {
					t.Errorf("%s counts with %q, which is no text", file, key)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no template counts anything")
	}
}
