package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static/*
var staticFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"text":       text,
	"statusText": http.StatusText,
	"initial":    initial,
}).ParseFS(templateFiles, "templates/*.html"))

// An ErrorEntry is one code of a problem, for its page.
type ErrorEntry struct {
	Code                           string
	Status                         int
	Title, Cause, Client, Operator string
	// Retry: the answer carries Retry-After.
	Retry bool
}

// Errors is the page of all codes; "#code" leads to one.
func Errors(entries []ErrorEntry) ([]byte, error) {
	return render("errors.html", entries)
}

// Static is a file of the pages with its content type.
func Static(name string) (file []byte, contentType string, ok bool) {
	if path.Ext(name) != ".css" {
		return nil, "", false
	}
	file, err := staticFiles.ReadFile("static/" + path.Base(name))
	return file, "text/css; charset=utf-8", err == nil
}

func render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, data)
	return b.Bytes(), err
}
