package web

import (
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"
)

// resolve follows a "$ref" within the document.
func (d *document) resolve(n *yaml.Node) *yaml.Node {
	for hops := 0; n != nil && n.Kind == yaml.MappingNode && hops < 8; hops++ {
		ref := ""
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "$ref" {
				ref = n.Content[i+1].Value
			}
		}
		if ref == "" {
			return n
		}
		n = d.root
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			n = child(n, part)
		}
		if n == nil && d.lost == "" {
			d.lost = ref
		}
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// get is the value of a key, references followed; nil where there is none.
func (d *document) get(n *yaml.Node, key string) *yaml.Node {
	return d.resolve(child(d.resolve(n), key))
}

// str is a value as text; empty where there is none.
func (d *document) str(n *yaml.Node, key string) string {
	if v := d.get(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// items are the elements of a list, references followed.
func (d *document) items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]*yaml.Node, len(n.Content))
	for i, v := range n.Content {
		list[i] = d.resolve(v)
	}
	return list
}

// pairs are the keys and values of an object in the order of the document.
func (d *document) pairs(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		n := d.resolve(n)
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, d.resolve(n.Content[i+1])) {
				return
			}
		}
	}
}
