package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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

// TestPagesOfProblems say what is the matter in the reader's language, and offer
// to try again only what may work the next time.
func TestPagesOfProblems(t *testing.T) {
	r := newRig(t)
	b := r.joined("ann")
	foreign := map[string]string{"Sec-Fetch-Site": "cross-site"}
	look := func(what string, w func() *httptest.ResponseRecorder, status int, again bool, en, zh string) {
		t.Helper()
		for lang, title := range map[string]string{"en": en, "zh": zh} {
			b.header["Accept-Language"] = lang
			page := w()
			shows(t, what+" in "+lang, page, status, title+"</h1>", strconv.Itoa(status)+"</p>")
			if got := strings.Contains(page.Body.String(), `<a class="button main" href="/account">`); got != again {
				t.Errorf("%s in %s offers to try again: %t, want %t", what, lang, got, again)
			}
		}
	}
	get := func(path string) func() *httptest.ResponseRecorder {
		return func() *httptest.ResponseRecorder { return b.get(path) }
	}
	look("an address of nothing", get("/nothing"), http.StatusNotFound, false, "Nothing here", "页面不存在")
	look("a form of another site", func() *httptest.ResponseRecorder { return b.send(http.MethodPost, "/logout", url.Values{}, foreign) },
		http.StatusForbidden, false, "Not allowed", "无法执行")
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	look("no database", get("/account"), http.StatusServiceUnavailable, true, "Not available right now", "暂时不可用")
	look("a form without a database", func() *httptest.ResponseRecorder {
		return b.post("/account/profile", "nickname", "Ann")
	}, http.StatusServiceUnavailable, false, "Not available right now", "暂时不可用")
}
