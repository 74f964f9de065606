package config

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// EnvPrefix starts the name of each variable that sets a key.
const EnvPrefix = "IMBRIDGE_"

// A Key describes one setting. All of it is read off the struct Config.
type Key struct {
	Name    string   // dotted, as in the file: "server.listen"
	Env     string   // variable that sets it: "IMBRIDGE_SERVER_LISTEN"
	EnvFile string   // variable naming a file that holds it; secrets only
	Secret  bool     // never shown
	Type    string   // text, true or false, whole number, duration, list
	Default string   // as a variable would hold it; lists are joined by commas
	Example string   // a value that makes sense; for a list, one element
	Doc     string   // the manual: the field's comment, its line breaks kept
	Min     string   // limits of numbers and durations, empty if there are none;
	Max     string   // both are allowed themselves
	OneOf   []string // the only values allowed, if not nil

	form  string // name in forms
	index []int  // of the field in Config, for reflect
}

// A Section is a group of keys, as nested in the file.
type Section struct {
	Name string // "im.rongcloud"
	Doc  string
}

// Keys returns every setting in the order of the struct Config. The slice is
// shared; do not change it.
func Keys() []Key { return catalogue().keys }

// Sections returns every group of keys in the order of the struct Config. The
// slice is shared; do not change it.
func Sections() []Section { return catalogue().sections }

type list struct {
	keys     []Key
	sections []Section
	byName   map[string]*Key
	byEnv    map[string]*Key // both of Env and EnvFile
}

// The comments are read from the source, so that the manual cannot say other
// things than the code that a developer reads.
//
//go:embed config.go cloud_*.go
var sources embed.FS

var catalogue = sync.OnceValue(func() *list {
	c := &list{byName: map[string]*Key{}, byEnv: map[string]*Key{}}
	c.walk(fieldDocs(), reflect.ValueOf(Default()), "", nil)
	for i := range c.keys {
		k := &c.keys[i]
		c.byName[k.Name] = k
		c.byEnv[k.Env] = k
		if k.Secret {
			c.byEnv[k.EnvFile] = k
		}
	}
	return c
})

func (c *list) isSection(name string) bool {
	for _, s := range c.sections {
		if s.Name == name {
			return true
		}
	}
	return false
}

func (c *list) walk(docs map[string]string, v reflect.Value, prefix string, at []int) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("key")
		if name == "-" {
			continue
		}
		name = prefix + name
		doc := docs[t.Name()+"."+f.Name]
		index := append(append([]int(nil), at...), i)
		if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Secret]() {
			c.sections = append(c.sections, Section{Name: name, Doc: doc})
			c.walk(docs, v.Field(i), name+".", index)
			continue
		}
		k := Key{
			Name:    name,
			Env:     EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_")),
			Secret:  f.Type == reflect.TypeFor[Secret](),
			Type:    typeName(f.Type),
			Default: format(v.Field(i)),
			Example: f.Tag.Get("eg"),
			Doc:     doc,
			Min:     f.Tag.Get("min"),
			Max:     f.Tag.Get("max"),
			form:    f.Tag.Get("form"),
			index:   index,
		}
		if k.Secret {
			k.EnvFile = k.Env + "_FILE"
		}
		if s := f.Tag.Get("oneof"); s != "" {
			k.OneOf = strings.Fields(s)
		}
		if k.Example == "" {
			k.Example = k.Default
		}
		c.keys = append(c.keys, k)
	}
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "whole number"
	case t.Kind() == reflect.Slice:
		return "list"
	}
	return "text"
}

// format writes a value as a variable would hold it. Secrets come out hidden
// unless they are empty.
func format(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret:
		if !x.IsSet() {
			return ""
		}
		return x.String()
	case time.Duration:
		return formatDuration(x)
	case []string:
		return strings.Join(x, ",")
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	}
	return v.String()
}

// formatDuration writes 10m where time.Duration has 10m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// fieldDocs returns the comment of every struct field in the sources, by
// "Type.Field".
func fieldDocs() map[string]string {
	docs := map[string]string{}
	files, _ := fs.Glob(sources, "*.go") // the pattern is right
	for _, name := range files {
		text, _ := sources.ReadFile(name)
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err == nil { // it is the source that was compiled
			addFieldDocs(docs, file)
		}
	}
	return docs
}

func addFieldDocs(docs map[string]string, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				for _, name := range f.Names {
					docs[spec.Name.Name+"."+name.Name] = strings.TrimSpace(f.Doc.Text())
				}
			}
		}
		return false
	})
}
