package web

import (
	"strings"
	"testing"
)

const smallContract = `
info: {title: t, version: "1", summary: a <b> & c, description: "one\n\ntwo ` + "`x`" + `"}
tags: [{name: A, description: d}]
paths:
  /v1/things/{id}:
    put:
      tags: [A]
      operationId: putThing
      summary: Put it
      security: [{user: []}]
      parameters: [{$ref: "#/components/parameters/Match"}]
      requestBody: {content: {application/json: {schema: {required: [name], properties: {name: {type: string}, kind: {enum: [x, y]}}}, example: {name: 'it "is"', n: 1}}}}
      responses:
        "200": {description: Done., content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
        "409": {description: No., content: {application/problem+json: {schema: {allOf: [{}, {properties: {code: {enum: [taken]}}}]}}}}
components:
  parameters: {Match: {name: If-Match, in: header, required: true, example: '"r1"'}}
  schemas: {Thing: {properties: {list: {type: array, items: {properties: {deep: {type: [string, "null"]}}}}}}}
`

func TestReference(t *testing.T) {
	html, err := Reference([]byte(smallContract))
	if err != nil {
		t.Fatalf("Reference = %v, want no error", err)
	}
	for _, want := range []string{
		"a &lt;b&gt; &amp; c",
		"one</p><p>two <code>x</code>",
		`<section id="putThing">`,
		`curl -X PUT &#34;$IMBRIDGE/v1/things/$ID&#34;`,
		`-H &#34;Authorization: Bearer $TOKEN&#34;`,
		`-H &#39;If-Match: &#34;r1&#34;&#39;`,
		`{&#34;name&#34;: &#34;it \&#34;is\&#34;&#34;, &#34;n&#34;: 1}`,
		"<code>list[].deep</code>",
		"string | null",
		"x | y",
		`<a href="/docs/errors#taken">`,
	} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page lacks %s:\n%s", want, html)
		}
	}
}

func TestReferenceRefuses(t *testing.T) {
	for name, contract := range map[string]string{
		"nothing":          "",
		"no YAML":          "a: [",
		"a dead reference": strings.Replace(smallContract, "schemas/Thing", "schemas/Gone", 1),
	} {
		if _, err := Reference([]byte(contract)); err == nil {
			t.Errorf("Reference(%s) = nil, want an error", name)
		}
	}
	// A reference to itself ends: this returns.
	circle := strings.Replace(smallContract, "Thing: {properties", `Thing: {$ref: "#/components/schemas/Thing", properties`, 1)
	if _, err := Reference([]byte(circle)); err != nil {
		t.Errorf("Reference(a circle) = %v, want a page without it", err)
	}
}

func TestErrors(t *testing.T) {
	html, err := Errors([]ErrorEntry{{Code: "a_code", Status: 429, Title: "Too <many>", Cause: "`x`", Client: "c", Operator: "o", Retry: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<section id="a_code">`, "429 Too Many Requests, with Retry-After", "Too &lt;many&gt;", "<code>x</code>"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestStatic(t *testing.T) {
	if file, kind, ok := Static("style.css"); !ok || len(file) == 0 || kind != "text/css; charset=utf-8" {
		t.Errorf("Static(style.css) = %d bytes, %q, %v", len(file), kind, ok)
	}
	for _, name := range []string{"", "x.css", "../web.go", "templates/frame.html", "style.css.bak", ".css"} {
		if _, _, ok := Static(name); ok {
			t.Errorf("Static(%q) is there, want nothing", name)
		}
	}
}
