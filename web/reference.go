package web

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A reference is what the page of the API shows.
type reference struct {
	Title, Version, Summary, Description string
	Groups                               []group
}

type group struct {
	Name, Description string
	Operations        []operation
}

type operation struct {
	ID, Method, Path, Summary, Description string
	// Who calls: "user", "admin", or "" for anybody.
	Who      string
	Params   []field
	Request  []field
	Response []answer
	Curl     string
}

type field struct {
	Name, Kind, Description string
	Required                bool
}

type answer struct {
	Status, Description string
	Fields              []field
	Codes               []string
}

// Reference is the page of the API, made from its OpenAPI contract. It
// understands what that contract uses: references within the document, object
// schemas, examples of request bodies. Errors: the YAML cannot be read, or a
// reference leads nowhere.
func Reference(openapi []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(openapi, &root); err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	if len(root.Content) != 1 {
		return nil, fmt.Errorf("read contract: it is empty")
	}
	d := &document{root: root.Content[0]}
	page, err := d.page()
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	return render("reference.html", page)
}

// A document is the contract, and the first reference in it that led nowhere.
type document struct {
	root *yaml.Node
	lost string
}

func (d *document) page() (reference, error) {
	info := d.get(d.root, "info")
	page := reference{Title: d.str(info, "title"), Version: d.str(info, "version"), Summary: d.str(info, "summary"), Description: d.str(info, "description")}
	byTag := map[string][]operation{}
	for path, item := range d.pairs(d.get(d.root, "paths")) {
		for method, op := range d.pairs(item) {
			tag := ""
			if tags := d.get(op, "tags"); tags != nil && len(tags.Content) > 0 {
				tag = tags.Content[0].Value
			}
			byTag[tag] = append(byTag[tag], d.operation(strings.ToUpper(method), path, op))
		}
	}
	for _, tag := range d.items(d.get(d.root, "tags")) {
		page.Groups = append(page.Groups, group{Name: d.str(tag, "name"), Description: d.str(tag, "description"), Operations: byTag[d.str(tag, "name")]})
	}
	if d.lost != "" {
		return page, fmt.Errorf("%s leads nowhere", d.lost)
	}
	return page, nil
}

func (d *document) operation(method, path string, op *yaml.Node) operation {
	o := operation{ID: d.str(op, "operationId"), Method: method, Path: path, Summary: d.str(op, "summary"), Description: d.str(op, "description")}
	for _, scheme := range d.items(d.get(op, "security")) {
		for name := range d.pairs(scheme) {
			o.Who = name
		}
	}
	for _, p := range d.items(d.get(op, "parameters")) {
		o.Params = append(o.Params, field{Name: d.str(p, "name"), Kind: d.str(p, "in"), Required: d.str(p, "required") == "true",
			Description: d.describe(p)})
	}
	body := d.get(d.get(d.get(op, "requestBody"), "content"), "application/json")
	o.Request = d.fields("", d.get(body, "schema"), 0)
	for status, response := range d.pairs(d.get(op, "responses")) {
		a := answer{Status: status, Description: d.str(response, "description")}
		for _, media := range d.pairs(d.get(response, "content")) {
			schema := d.get(media, "schema")
			if a.Codes = d.codes(schema); a.Codes == nil {
				a.Fields = d.fields("", schema, 0)
			}
		}
		o.Response = append(o.Response, a)
	}
	o.Curl = d.curl(o, d.get(op, "parameters"), d.get(body, "example"))
	return o
}

// describe is the description of a parameter with the one of its schema.
func (d *document) describe(p *yaml.Node) string {
	if s := d.str(p, "description"); s != "" {
		return s
	}
	return d.str(d.get(p, "schema"), "description")
}

// codes are those that an answer with a problem may hold.
func (d *document) codes(schema *yaml.Node) []string {
	var codes []string
	for _, part := range d.items(d.get(schema, "allOf")) {
		for _, code := range d.items(d.get(d.get(d.get(part, "properties"), "code"), "enum")) {
			codes = append(codes, code.Value)
		}
	}
	return codes
}

// maxDepth bounds how far fields of fields are shown.
const maxDepth = 4

// fields lists an object's fields, those of objects within it after a dot.
func (d *document) fields(prefix string, schema *yaml.Node, depth int) []field {
	if schema == nil || depth > maxDepth {
		return nil
	}
	var list []field
	for _, part := range append(d.items(d.get(schema, "allOf")), d.items(d.get(schema, "oneOf"))...) {
		list = append(list, d.fields(prefix, part, depth+1)...)
	}
	if items := d.get(schema, "items"); items != nil {
		return append(list, d.fields(strings.TrimSuffix(prefix, ".")+"[].", items, depth+1)...)
	}
	var required []string
	for _, r := range d.items(d.get(schema, "required")) {
		required = append(required, r.Value)
	}
	for name, s := range d.pairs(d.get(schema, "properties")) {
		if slices.ContainsFunc(list, func(f field) bool { return f.Name == prefix+name }) {
			continue
		}
		list = append(list, field{Name: prefix + name, Kind: d.kind(s), Required: slices.Contains(required, name), Description: d.str(s, "description")})
		list = append(list, d.fields(prefix+name+".", s, depth+1)...)
	}
	return list
}

// kind says in a word or two what a value is.
func (d *document) kind(schema *yaml.Node) string {
	var words []string
	switch t := d.get(schema, "type"); {
	case t != nil && t.Kind == yaml.SequenceNode:
		for _, k := range t.Content {
			words = append(words, k.Value)
		}
	case t != nil:
		words = append(words, t.Value)
	}
	for _, v := range d.items(d.get(schema, "enum")) {
		words = append(words, v.Value)
	}
	if c := d.get(schema, "const"); c != nil {
		words = append(words, c.Value)
	}
	for _, part := range d.items(d.get(schema, "oneOf")) {
		words = append(words, d.kind(part))
	}
	return strings.Join(words, " | ")
}

// curl is a command line that makes the call, for a shell where $IMBRIDGE is
// the address and $TOKEN or $ADMIN an access token.
func (d *document) curl(o operation, params, example *yaml.Node) string {
	lines := []string{"curl"}
	if o.Method != "GET" {
		lines[0] += " -X " + o.Method
	}
	lines[0] += ` "$IMBRIDGE` + strings.NewReplacer("{id}", "$ID", "{file}", "style.css").Replace(o.Path) + `"`
	switch o.Who {
	case "user":
		lines = append(lines, `-H "Authorization: Bearer $TOKEN"`)
	case "admin":
		lines = append(lines, `-H "Authorization: Bearer $ADMIN"`)
	}
	for _, p := range d.items(params) {
		if e := d.get(p, "example"); e != nil && d.str(p, "in") == "header" {
			lines = append(lines, "-H '"+d.str(p, "name")+": "+e.Value+"'")
		}
	}
	if example != nil {
		lines = append(lines, "-H 'Content-Type: application/json'", "-d '"+d.json(example)+"'")
	}
	return strings.Join(lines, " \\\n  ")
}

// json writes a flat example in the order of the contract.
func (d *document) json(example *yaml.Node) string {
	var parts []string
	for name, v := range d.pairs(example) {
		value := v.Value
		if v.Tag == "!!str" {
			value = strconv.Quote(value)
		}
		parts = append(parts, strconv.Quote(name)+": "+value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// text turns the marks of a description into HTML: `code`, and empty lines
// between paragraphs.
func text(s string) template.HTML {
	var b strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			b.WriteString("</p><p>")
		}
		for j, part := range strings.Split(paragraph, "`") {
			if j%2 == 1 {
				b.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
				continue
			}
			b.WriteString(template.HTMLEscapeString(part))
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every part of it was escaped or is ours
}
