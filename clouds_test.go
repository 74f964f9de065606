package imbridge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A mention is a file that knows Easemob by name, though it is not Easemob's own.
type mention struct {
	file   string
	needed int // lines of Go that stand there for every cloud
	// extra lines are for what a cloud may have or not. Fewer are as good, where
	// there are no needed ones.
	extra int
	why   string
}

var mentions = []mention{
	{"config/config.go", 2, 2, "its settings, and its name among the values of im.cloud; the sandbox plays it, and it asks before it delivers"},
	{"cmd/imbridge/clouds.go", 1, 0, "how it is opened"},
	{"house_test.go", 1, 0, "who may import its client"},

	{"config/forms.go", 0, 1, "a setting has a form of its own"},
	{"cmd/imbridge/callbacks.go", 0, 3, "it asks before it delivers"},
	{"handlers/callbacks.go", 0, 2, "it asks before it delivers"},
	{"handlers/server.go", 0, 1, "it asks before it delivers"},
	{"handlers/problems.go", 0, 2, "it asks before it delivers"},
	{"cmd/imbridge/doctor_messages.go", 0, 4, "what keeps messages between friends there"},
	{"cmd/imbridge/sandbox.go", 0, 16, "the sandbox plays it"},
	{"cmd/imbridge/reconcile.go", 0, 1, "the sandbox plays it"},
}

// mostChanged is how many existing lines a new cloud may change.
const mostChanged = 4

// TestAddingACloud holds docs/adding-a-cloud.md to what it says by the cloud that
// was added last.
func TestAddingACloud(t *testing.T) {
	needed, known := 0, map[string]mention{}
	for _, m := range mentions {
		needed += m.needed
		known[m.file] = m
	}
	if needed > mostChanged {
		t.Errorf("lines that a new cloud changes = %d, want at most %d", needed, mostChanged)
	}
	got := map[string]int{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() && (name != "." && strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"tokens/im", "web", "cmd/imbench", "bin", "data"}, name)) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") && name != "house_test.go" || strings.Contains(name, "easemob") {
			return nil
		}
		n, err := linesAbout(name, "easemob")
		if n > 0 {
			got[name] = n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		m, ok := known[name]
		if want := m.needed + m.extra; !ok || got[name] > want || m.needed > 0 && got[name] < want {
			t.Errorf("%s: lines about Easemob = %d, want %d: give it a file or a function of its own, or a line in the table", name, got[name], want)
		}
	}
	for _, m := range mentions {
		if got[m.file] == 0 {
			t.Errorf("%s: no line about Easemob: take it out of the table", m.file)
		}
	}
	page, err := os.ReadFile("docs/adding-a-cloud.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mentions {
		if !strings.Contains(string(page), "`"+m.file+"`") {
			t.Errorf("docs/adding-a-cloud.md does not name %s: %s", m.file, m.why)
		}
	}
}

// linesAbout counts the lines of a file in which a name or a text has the word;
// comments, imports and declarations named after it do not count.
func linesAbout(name, word string) (int, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
	if err != nil {
		return 0, err
	}
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), word) }
	lines := map[int]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.FuncDecl:
			return !has(n.Name.Name)
		case *ast.ValueSpec:
			return !has(n.Names[0].Name)
		case *ast.TypeSpec:
			return !has(n.Name.Name)
		case *ast.Ident:
			lines[set.Position(n.Pos()).Line] = lines[set.Position(n.Pos()).Line] || has(n.Name)
		case *ast.BasicLit:
			lines[set.Position(n.Pos()).Line] = lines[set.Position(n.Pos()).Line] || has(n.Value)
		}
		return true
	})
	count := 0
	for _, about := range lines {
		if about {
			count++
		}
	}
	return count, nil
}

// TestTheEightCalls holds the table of the calls about relations to tests that
// exist.
func TestTheEightCalls(t *testing.T) {
	page, err := os.ReadFile("docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "### The eight calls about relations")
	table, _, _ = strings.Cut(table, "\n## ")
	declared := map[string]bool{}
	files, err := filepath.Glob("tokens/im/sandbox/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(text, -1) {
			declared[string(f[1])] = true
		}
	}
	calls := 0
	for line := range strings.SplitSeq(table, "\n") {
		row := strings.Split(line, "|")
		if len(row) != 4 || strings.Contains(row[2], "---") || strings.TrimSpace(row[1]) == "call" {
			continue
		}
		tests := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(row[2], -1)
		if len(tests) == 0 {
			t.Errorf("%s: no test", row[1])
		}
		for _, test := range tests {
			if !declared[test[1]] {
				t.Errorf("%s: no test of the sandbox is called %s", row[1], test[1])
			}
		}
		if !strings.Contains(row[1], "all eight") {
			calls++
		}
	}
	if calls != 8 {
		t.Errorf("calls in the table = %d, want 8", calls)
	}
}
