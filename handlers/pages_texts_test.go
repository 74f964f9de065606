package handlers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"imbridge/handlers"
	"imbridge/web"
)

var formComplaint = regexp.MustCompile(`(?:wrongField\("[a-z_]+", "[a-z_]+", |fieldProblem\{name, )"((?:must|is) [^"]+)"`)

// TestProblemsHaveWords: whatever a page may be answered, it can say.
func TestProblemsHaveWords(t *testing.T) {
	for _, code := range handlers.ProblemCodes() {
		if !web.HasText("problem." + code) {
			t.Errorf("pages have no words for %s", code)
		}
	}
	files, err := filepath.Glob("pages*.go")
	if err != nil || len(files) < 6 {
		t.Fatalf("files of pages = %v, %v", files, err)
	}
	complaints := []string{"is required", "is taken", "must have at most 8 characters", "is not allowed"} // of check and problemOf
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range formComplaint.FindAllStringSubmatch(string(b), -1) {
			complaints = append(complaints, m[1])
		}
	}
	if len(complaints) < 8 {
		t.Errorf("found %d complaints of forms, want more", len(complaints))
	}
	for _, wrong := range complaints {
		if !web.HasComplaint(wrong) {
			t.Errorf("pages have no words for a field that %q", wrong)
		}
	}
}
