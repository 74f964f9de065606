package web

import (
	"html/template"
)

// Reference is the page of the API.
func Reference(openapi []byte) ([]byte, error) {
	return render("reference.html", string(openapi))
}

func text(s string) template.HTML { return template.HTML(template.HTMLEscapeString(s)) }
