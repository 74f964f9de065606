package web

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"path"
	"strings"
	"time"
	"unicode/utf8"
)

// A View is what the template of a page is given.
type View struct {
	Lang  string // one of Languages
	Theme string // "light", "dark", or empty: as the device has it
	Nonce string // of this answer's scripts
	Path  string // of the page
	Back  string // the address for the switches to come back to
	Title string // the key of its title
	// Script is the page's ES module below /static/, empty where it needs none.
	Script string
	// Wide pages use the whole window.
	Wide bool
	// Person and Admin are the names of who is logged in, empty where nobody is.
	Person, Admin string
	// Notice is the key of a text about what was just done.
	Notice string
	// Form is what was wrong with what was sent, nil where nothing was.
	Form *FormProblem
	// Data is the page's own.
	Data any
}

// A FormProblem is why a form was not taken.
type FormProblem struct {
	Code       string
	RetryAfter int // seconds; zero: not told
	RequestID  string
	// Wrong are the complaints by field, in the words of package models.
	Wrong map[string]string
}

// T is a text in the reader's language.
func (v View) T(key string, args ...any) string { return Text(v.Lang, key, args...) }

// Wrong is the complaint about a field in the reader's language, empty where
// there is none.
func (v View) Wrong(field string) string {
	if v.Form == nil || v.Form.Wrong[field] == "" {
		return ""
	}
	return Complaint(v.Lang, v.Form.Wrong[field])
}

// Problem is the form's problem as a sentence.
func (v View) Problem() string { return v.T("problem." + v.Form.Code) }

// Retry is when to try again, in words; empty where that is not told.
func (v View) Retry() string {
	if v.Form.RetryAfter == 0 {
		return ""
	}
	return v.Count("problem.retry", int64(v.Form.RetryAfter))
}

// Time is a moment as the reader's language writes it, in UTC for those without
// script: scripts put it into the reader's own time.
func (v View) Time(t time.Time) string {
	if v.Lang == "zh" {
		return t.UTC().Format("2006年1月2日 15:04 UTC")
	}
	return t.UTC().Format("2 Jan 2006, 15:04 UTC")
}

// ISO is a moment for <time datetime>.
func (v View) ISO(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// HTMLLang is the page's lang attribute.
func (v View) HTMLLang() string {
	if v.Lang == "zh" {
		return "zh-CN"
	}
	return v.Lang
}

// Field describes one input to the template "field".
func (v View) Field(name, value, kind, autocomplete, hint string, required bool, limit int) Input {
	return Input{View: v, Name: name, Value: value, Kind: kind, Autocomplete: autocomplete, Hint: hint, Required: required, Max: limit}
}

// An Input is one labelled field of a form. Its label is the text "field." and
// its name.
type Input struct {
	View         View
	Name, Value  string
	Kind         string // type of the input
	Autocomplete string
	Hint         string // the key of a text below it, may be empty
	Required     bool
	Max          int // characters
}

// Page renders a page from templates/<name>.html.
func Page(name string, v View) ([]byte, error) { return render(name+".html", v) }

// initial is what stands for somebody without a picture.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.ToUpper(name))
	if r == utf8.RuneError {
		return "?"
	}
	return string(r)
}

// An Asset is a static file as it is served.
type Asset struct {
	Content []byte
	Type    string
	ETag    string
}

// assets are the static files below /static/ by name, made once.
var assets = func() map[string]Asset {
	all := make(map[string]Asset)
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // they are part of the binary
	}
	for _, e := range entries {
		content, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		all[e.Name()] = NewAsset(e.Name(), content)
	}
	for _, name := range []string{"rongcloud.js", "easemob.js", "imbridge-client.js"} {
		if module, ok := Bundle(name); ok {
			all["dist/"+name] = NewAsset(name, module)
		}
	}
	for _, lang := range Languages {
		name := "texts." + lang + ".js"
		all[name] = NewAsset(name, textsModule(lang))
	}
	return all
}()

// NewAsset is content under a name.
func NewAsset(name string, content []byte) Asset {
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // whatever the machine's own table says
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	}
	sum := sha256.Sum256(content)
	return Asset{Content: content, Type: kind, ETag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// StaticAsset is a static file of the pages.
func StaticAsset(name string) (Asset, bool) {
	a, ok := assets[name]
	return a, ok
}

// BundleMissing tells whether `make web` has not been run for this binary, and
// the SDK of a cloud is not in it.
func BundleMissing(cloud string) bool {
	_, sdk := assets["dist/"+cloud+".js"]
	_, client := assets["dist/imbridge-client.js"]
	return !sdk || !client
}
