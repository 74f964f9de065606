package handlers

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/errors.md")

// errorsPage is docs/errors.md, made from the table of problems.
func errorsPage() string {
	var b strings.Builder
	b.WriteString(`# Problems

Every failure of the API is an RFC 9457 problem (` + "`application/problem+json`" + `) with a ` + "`code`" + ` that never changes its
meaning. Programs branch on the code, not on the status, the title or the detail. A running imbridge shows this page
at /docs/errors, where the problem's ` + "`type`" + ` leads.

` + "```json" + `
{"type": "/docs/errors#throttled", "title": "Too many attempts", "status": 429, "detail": "wait before the next attempt",
 "code": "throttled", "request_id": "K3J5…", "retry_after": 4}
` + "```" + `

` + "`field` and `fields` name what is wrong in the request; no problem ever repeats a value. `retry_after` is also the header Retry-After, in\nseconds. `request_id` finds the request in the log." + `

Made from handlers/problems.go by ` + "`go test ./handlers -run TestErrorsPage -update`" + `.

| code | status | meaning |
|---|---|---|
`)
	for _, k := range problemList {
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %s |\n", k.Code, k.Code, k.Status, k.Title)
	}
	for _, k := range problemList {
		retry := ""
		if k.Retry {
			retry = ", with Retry-After"
		}
		fmt.Fprintf(&b, "\n## %s\n%d %s%s. %s.\n\n- **Cause:** %s\n- **Client:** %s\n- **Operator:** %s\n",
			k.Code, k.Status, http.StatusText(k.Status), retry, k.Title, k.Cause, k.Client, k.Operator)
	}
	return b.String()
}

func TestErrorsPage(t *testing.T) {
	const path = "../docs/errors.md"
	want := errorsPage()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("docs/errors.md is not what the table says (%v); run: go test ./handlers -run TestErrorsPage -update", err)
	}
}

// TestProblemTable holds each entry to be whole.
func TestProblemTable(t *testing.T) {
	codes := map[string]bool{}
	for _, k := range problemList {
		if codes[k.Code] {
			t.Errorf("%s stands twice", k.Code)
		}
		codes[k.Code] = true
		if k.Code == "" || k.Title == "" || k.Cause == "" || k.Client == "" || k.Operator == "" || http.StatusText(k.Status) == "" {
			t.Errorf("%s lacks something: %+v", k.Code, k)
		}
		if wait := k.Status == 429 || k.Status == 503; wait != k.Retry {
			t.Errorf("%s has status %d and Retry-After %v", k.Code, k.Status, k.Retry)
		}
	}
	if !slices.IsSortedFunc(problemList, func(a, b problemKind) int { return a.Status - b.Status }) {
		t.Error("the table is not in the order of the statuses")
	}
}
