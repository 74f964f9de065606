package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// file reads the settings file. Viper holds the values; it does not tell lines
// and drops empty groups and all documents but the first, so the shape is
// checked on the parsed tree.
func (r *reader) file(path string, data []byte) {
	broken := func(line, wrong string) {
		p := Problem{Key: FileName, Where: path + line, Wrong: wrong, Example: `a line "server:", and below it, two blanks in, "listen: 127.0.0.1:8080"`}
		r.problems.add(p)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return
	} else if err != nil {
		line, wrong := syntax(err)
		broken(line, wrong)
		return
	}
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		broken("", "the file holds more than one YAML document (a line ---, or text after the end)")
		return
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		broken("", "the file must hold keys and values, not a list or a text")
		return
	}
	w := walk{reader: r, path: path, seen: map[string]int{}}
	w.mapping(root, "")
	if err := r.readValues(data); err != nil {
		clear(r.where)
		if len(r.problems.List) == 0 {
			broken("", "the file holds values that contradict their tags or anchors")
		}
	}
}

// Parts of the messages of yaml that repeat nothing of the file: a secret may
// stand next to the fault.
var syntaxMessage = regexp.MustCompile(`^yaml: (?:(line \d+): )?(did not find expected [a-z\- ]+|could not find expected ':'|mapping values are not allowed in this context|found character that cannot start any token|found a tab character that violates indentation|found unexpected end of stream|found unknown escape character)?`)

func syntax(err error) (line, wrong string) {
	m := syntaxMessage.FindStringSubmatch(err.Error())
	wrong = "the file is not valid YAML"
	if m == nil {
		return "", wrong
	}
	if m[1] != "" {
		line = ":" + strings.TrimPrefix(m[1], "line ")
		wrong += " near this line"
	}
	if m[2] != "" {
		wrong += " (" + m[2] + ")"
	}
	return line, wrong
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// walk compares the tree with the list of keys.
type walk struct {
	*reader
	path string
	seen map[string]int // name → line
}

// A key that looks like one may be repeated. Others may hold the value, as in
// {dsn:root:password} where the blank behind the colon was forgotten.
var keyShape = regexp.MustCompile(`^[a-z0-9_.\-]{1,80}$`)

func (w *walk) mapping(n *yaml.Node, prefix string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		where := fmt.Sprintf("%s:%d", w.path, key.Line)
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			w.problems.add(Problem{Key: w.name(prefix, "…"), Where: where, Wrong: "a key must be a plain word; anchors and merges are not read"})
			continue
		}
		name := w.name(prefix, strings.ToLower(key.Value))
		if !keyShape.MatchString(name) {
			w.problems.add(Problem{Key: w.name(prefix, "…"), Where: where, Wrong: "a key must be a plain word, with a blank behind its colon"})
			continue
		}
		if first := w.seen[name]; first != 0 {
			w.problems.add(Problem{Key: name, Where: where, Wrong: fmt.Sprintf("is there twice, first in line %d", first), Example: "keep one of the two"})
			continue
		}
		w.seen[name] = key.Line
		if k := catalogue().byName[name]; k != nil {
			w.leaf(k, value, where)
		} else if catalogue().isSection(name) {
			w.section(name, value, where)
		} else {
			w.unknown(name, where)
		}
	}
}

func (w *walk) name(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func (w *walk) leaf(k *Key, value *yaml.Node, where string) {
	w.where[k.Name] = where
	switch {
	case value.Kind == yaml.AliasNode:
		w.complain(*k, "", "is an alias (*); write the value itself, in quotes if it starts with *", "")
	case value.Kind == yaml.MappingNode:
		w.complain(*k, "", "is a setting ("+k.Type+"), not a group of them", "")
	case isNull(value):
		w.complain(*k, "", "has no value; give it one or remove the line", "")
	}
}

func (w *walk) section(name string, value *yaml.Node, where string) {
	switch {
	case value.Kind == yaml.MappingNode:
		w.mapping(value, name)
	case isNull(value): // all of its keys are commented out
	default:
		p := Problem{Key: name, Where: where, Wrong: "is a group of settings, not a setting"}
		for _, k := range Keys() {
			if strings.HasPrefix(k.Name, name+".") {
				p.Example = k.line()
				break
			}
		}
		w.problems.add(p)
	}
}

func (w *walk) unknown(name, where string) {
	p := Problem{Key: name, Where: where, Wrong: "there is no such setting"}
	c := catalogue()
	var names []string
	for _, k := range c.keys {
		names = append(names, k.Name)
	}
	for _, s := range c.sections {
		names = append(names, s.Name)
	}
	if near := closest(name, names, "."); near != "" {
		p.Wrong += "; did you mean " + near + "?"
		if k := c.byName[near]; k != nil {
			p.Example = k.line()
		}
	}
	w.problems.add(p)
}
