package handlers

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"

	"imbridge/web"
)

// contract is the API as OpenAPI has it, kept by hand.
//
//go:embed openapi.yaml
var contract []byte

// pages are the documents made from the contract and the list of problems, once.
type pages struct{ reference, errors []byte }

func newPages() *pages {
	reference, err := web.Reference(contract)
	if err != nil {
		panic(err) // both are part of the binary, and a test renders them
	}
	errors, err := web.Errors(errorEntries())
	if err != nil {
		panic(err)
	}
	return &pages{reference, errors}
}

func errorEntries() []web.ErrorEntry {
	entries := make([]web.ErrorEntry, len(problemList))
	for i, k := range problemList {
		entries[i] = web.ErrorEntry{Code: k.Code, Status: k.Status, Title: k.Title, Cause: k.Cause, Client: k.Client, Operator: k.Operator, Retry: k.Retry}
	}
	return entries
}

// pagePolicy lets the pages load their own style sheet, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (h *api) openapi(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", contract)
}

func (h *api) docs(c echo.Context) error { return answerPage(c, h.pages.reference) }

func (h *api) docsErrors(c echo.Context) error { return answerPage(c, h.pages.errors) }

func answerPage(c echo.Context, html []byte) error {
	c.Response().Header().Set("Content-Security-Policy", pagePolicy)
	return c.Blob(http.StatusOK, echo.MIMETextHTMLCharsetUTF8, html)
}

// docsStatic serves the style sheet of the pages.
func (h *api) docsStatic(c echo.Context) error {
	file, kind, ok := web.Static(c.Param("file"))
	if !ok {
		return &problem{code: "not_found"}
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=3600")
	return c.Blob(http.StatusOK, kind, file)
}
