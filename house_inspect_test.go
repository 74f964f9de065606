package imbridge_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// A source is one Go file of ours.
type source struct {
	path string // below the root, with slashes: "models/user.go"
	dir  string // "models", "" for the root
	test bool
	file *ast.File
	line func(token.Pos) int
	n    int // lines
}

// A house is the parsed tree and what is wrong with it.
type house struct {
	module     string
	files      []*source
	declared   map[string][]string // file → names that it declares
	complaints []string
}

// inspect returns what the tree below root does against the tables, sorted.
func inspect(t *testing.T, root string) []string {
	t.Helper()
	h := &house{declared: map[string][]string{}}
	if err := h.read(root); err != nil {
		t.Fatal(err)
	}
	for _, s := range h.files {
		h.checkNames(s)
		h.checkImports(s)
		h.checkCalls(s)
		if s.n > maxLines && !s.test {
			h.complain(s, token.NoPos, "has %d lines: two nouns", s.n)
		}
	}
	h.checkPackages()
	sort.Strings(h.complaints)
	return h.complaints
}

func (h *house) complain(s *source, pos token.Pos, format string, args ...any) {
	at := s.path
	if pos.IsValid() {
		at += ":" + strconv.Itoa(s.line(pos))
	}
	h.complaints = append(h.complaints, at+": "+fmt.Sprintf(format, args...))
}

func (h *house) read(root string) error {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	h.module = strings.TrimSpace(strings.TrimPrefix(first, "module "))

	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"testdata", "node_modules", "data", "bin"}, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, rel, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			h.complaints = append(h.complaints, err.Error())
			return nil
		}
		s := &source{path: rel, dir: strings.TrimPrefix(path.Dir(rel), "."), test: strings.HasSuffix(rel, "_test.go"), file: file}
		s.line = func(p token.Pos) int { return set.Position(p).Line }
		s.n = strings.Count(string(text), "\n")
		h.files = append(h.files, s)
		for _, d := range file.Decls {
			h.declared[rel] = append(h.declared[rel], declares(d)...)
		}
		return nil
	})
}

func declares(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}

// matches tells whether dir is pattern; "*" at its end stands for one name.
func matches(pattern, dir string) bool {
	if before, ok := strings.CutSuffix(pattern, "/*"); ok {
		return path.Dir(dir) == before
	}
	return pattern == dir
}

// within tells whether file is one of the folders' or files'.
func within(file string, places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return file == p || strings.HasPrefix(file, p+"/") })
}

// forTests tells whether a package is made for other packages' tests.
func forTests(dir string) bool { return strings.HasSuffix(dir, "test") }

func (h *house) checkNames(s *source) {
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
	if slices.Contains(emptyWords, base) {
		h.complain(s, token.NoPos, "%q names no thing", base)
	}
	if name := strings.TrimSuffix(s.file.Name.Name, "_test"); slices.Contains(emptyWords, name) {
		h.complain(s, token.NoPos, "%q names no thing", name)
	}
}

// checkPackages asks each package for a line in the layers, a fair name, and a comment
// in the file where readers look for it.
func (h *house) checkPackages() {
	type pkg struct{ name, comment string }
	seen := map[string]*pkg{}
	for _, s := range h.files {
		p := seen[s.dir]
		if p == nil {
			p = &pkg{}
			seen[s.dir] = p
		}
		if s.test {
			continue
		}
		p.name = s.file.Name.Name
		place := "doc.go"
		if p.name == "main" {
			place = "main.go"
		}
		if path.Base(s.path) == place && s.file.Doc != nil {
			p.comment = s.file.Doc.Text()
		}
	}
	for dir, p := range seen {
		if !slices.ContainsFunc(layers, func(l layer) bool { return matches(l.pkg, dir) }) {
			h.complaints = append(h.complaints, dir+": has no line in the layers of house_test.go")
		}
		for _, element := range strings.Split(dir, "/") {
			if slices.Contains(emptyWords, element) {
				h.complaints = append(h.complaints, fmt.Sprintf("%s: %q names no thing", dir, element))
			}
		}
		switch {
		case p.name == "": // only tests
		case p.name == "main" && p.comment == "":
			h.complaints = append(h.complaints, dir+": needs a package comment in main.go")
		case p.name != "main" && !strings.HasPrefix(p.comment, "Package "+p.name+" "):
			h.complaints = append(h.complaints, dir+": needs a package comment in doc.go, starting with its name")
		}
	}
}

func (h *house) checkImports(s *source) {
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if spec.Name != nil && spec.Name.Name == "." {
			h.complain(s, token.NoPos, "imports %s with a dot: nothing here could be checked", name)
		}
		if name == "testing" && !s.test && !forTests(s.dir) {
			h.complain(s, token.NoPos, "imports testing, which belongs to tests")
		}
		ours := name == h.module || strings.HasPrefix(name, h.module+"/")
		if ours {
			h.checkLayer(s, name, strings.TrimPrefix(strings.TrimPrefix(name, h.module), "/"))
			h.checkPart(s, spec, strings.TrimPrefix(name, h.module+"/"))
		}
		if first, _, _ := strings.Cut(name, "/"); ours || strings.Contains(first, ".") {
			h.checkDoor(s, name, ours)
		}
	}
}

func (h *house) checkLayer(s *source, name, dir string) {
	if s.test && dir == s.dir {
		return
	}
	for _, l := range layers {
		if !matches(l.pkg, s.dir) {
			continue
		}
		ok := slices.ContainsFunc(l.may, func(p string) bool { return matches(p, dir) }) || slices.Contains(l.may, "*") && !forTests(dir)
		if !ok && s.test {
			ok = slices.Contains(l.tests, dir)
		}
		if !ok {
			h.complain(s, token.NoPos, "imports %s, which the layers forbid (%s: %s)", name, l.pkg, l.why)
		}
		return
	}
}

func (h *house) checkDoor(s *source, name string, ours bool) {
	for _, d := range doors {
		if name != d.pkg && !strings.HasPrefix(name, d.pkg+"/") {
			continue
		}
		if !within(s.path, d.files) && (!d.tests || !s.test && !forTests(s.dir)) {
			h.complain(s, token.NoPos, "imports %s, which only %v may (%s)", name, d.files, d.why)
		}
		return
	}
	if !ours {
		h.complain(s, token.NoPos, "imports %s, which has no line in the doors of house_test.go", name)
	}
}

// checkPart looks at the names that s uses of an imported package of ours.
func (h *house) checkPart(s *source, spec *ast.ImportSpec, dir string) {
	for _, p := range parts {
		if s.test || p.to != s.dir || !matches(p.of, dir) {
			continue
		}
		var allowed []string
		for _, o := range p.only {
			if strings.HasSuffix(o, ".go") {
				allowed = append(allowed, h.declared[dir+"/"+o]...)
			} else {
				allowed = append(allowed, o)
			}
		}
		local := path.Base(dir)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		eachSelector(s.file, local, func(sel *ast.SelectorExpr) {
			if !slices.Contains(allowed, sel.Sel.Name) {
				h.complain(s, token.NoPos, "uses %s.%s; of %s it may use only %v", local, sel.Sel.Name, dir, p.only)
			}
		})
	}
}

// eachSelector visits every x.Name in n.
func eachSelector(n ast.Node, x string, visit func(*ast.SelectorExpr)) {
	ast.Inspect(n, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == x {
				visit(sel)
			}
		}
		return true
	})
}

// checkCalls looks for calls that the table forbids, init functions, and tests that
// sleep or skip.
func (h *house) checkCalls(s *source) {
	locals := map[string]string{} // local name → package
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(name)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		locals[local] = name
	}
	testCode := s.test || forTests(s.dir)
	bubbles := slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })

	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			h.complain(s, f.Pos(), "has an init: dependencies are set once, in cmd")
		}
	}
	short := map[ast.Node]bool{} // blocks guarded by testing.Short()
	var guarded int
	var stack []ast.Node
	ast.Inspect(s.file, func(n ast.Node) bool {
		if n == nil {
			if short[stack[len(stack)-1]] {
				guarded--
			}
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		if i, ok := n.(*ast.IfStmt); ok && asksShort(i.Cond) {
			short[i.Body] = true
		}
		if short[n] {
			guarded++
		}
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if testCode && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) && guarded == 0 {
			h.complain(s, n.Pos(), "skips: only what testing.Short() guards may; a missing engine fails")
		}
		id, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		pkg := locals[id.Name]
		if testCode && pkg == "time" && sel.Sel.Name == "Sleep" && !bubbles && !within(s.path, []string{"cmd"}) {
			h.complain(s, n.Pos(), "sleeps outside a synctest bubble")
		}
		for _, rule := range calls {
			if pkg == rule.pkg && slices.Contains(rule.names, sel.Sel.Name) && !within(s.path, rule.files) && !(rule.tests && testCode) {
				h.complain(s, n.Pos(), "calls %s.%s: %s", pkg, sel.Sel.Name, rule.why)
			}
		}
		return true
	})
}

// asksShort tells whether cond is testing.Short(), alone or with an && beside it.
func asksShort(cond ast.Expr) bool {
	switch c := cond.(type) {
	case *ast.ParenExpr:
		return asksShort(c.X)
	case *ast.BinaryExpr:
		return c.Op == token.LAND && (asksShort(c.X) || asksShort(c.Y))
	case *ast.CallExpr:
		sel, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		id, ok := sel.X.(*ast.Ident)
		return ok && id.Name == "testing" && sel.Sel.Name == "Short"
	}
	return false
}
