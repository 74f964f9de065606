package handlers_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contract is openapi.yaml, loaded and found valid once.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

var contractRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := contract()
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

func contractDoc(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatalf("openapi.yaml is not valid: %v", err)
	}
	return doc
}

// fits fails the test where an answer, or a request that was served, is not in
// the contract.
func fits(t *testing.T, req *http.Request, body []byte, a answer) {
	t.Helper()
	router, err := contractRouter()
	if err != nil {
		t.Fatalf("openapi.yaml is not valid: %v", err)
	}
	if a.status == http.StatusMethodNotAllowed || req.Method == http.MethodOptions {
		return
	}
	route, params, err := router.FindRoute(req)
	if err != nil {
		if a.status != http.StatusNotFound {
			t.Errorf("%s %s = %d, a route that the contract does not know", req.Method, req.URL.Path, a.status)
		}
		return
	}
	ctx := context.Background()
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
		RejectWhenRequestBodyNotSpecified: true, MultiError: true, SkipSettingDefaults: true}
	again := req.Clone(ctx)
	again.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{Request: again, PathParams: params, Route: route, Options: options}
	if a.status < 300 {
		if err := openapi3filter.ValidateRequest(ctx, in); err != nil {
			t.Errorf("%s %s was served though its request is not in the contract: %v", req.Method, req.URL.Path, err)
		}
	}
	if kind := a.header.Get("Content-Type"); strings.HasPrefix(kind, "text/") || kind == "application/yaml" {
		return // pages; the checking library reads JSON
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.status, Header: a.header,
		Body: io.NopCloser(bytes.NewReader(a.raw)), Options: options}
	if err := openapi3filter.ValidateResponse(ctx, out); err != nil {
		t.Errorf("%s %s = %d %s, an answer that is not in the contract: %v", req.Method, req.URL.Path, a.status, a.raw, err)
	}
}

// TestFitsSees breaks an answer in several ways: a checker that sees nothing is
// green, too.
func TestFitsSees(t *testing.T) {
	r := newRig(t)
	good := r.do(request{method: "GET", path: "/livez"})
	header := func(k, v string) http.Header { h := good.header.Clone(); h.Set(k, v); return h }
	cases := map[string]answer{
		"unknown status": {status: 418, header: good.header, raw: good.raw},
		"missing field":  {status: 200, header: good.header, raw: []byte(`{"status":"alive"}`)},
		"extra field":    {status: 200, header: good.header, raw: []byte(`{"status":"alive","version":"1","x":1}`)},
		"wrong const":    {status: 200, header: good.header, raw: []byte(`{"status":"dead","version":"1"}`)},
		"wrong type":     {status: 200, header: header("Content-Type", "application/xml"), raw: good.raw},
		"missing header": {status: 200, header: http.Header{"Content-Type": {"application/json"}}, raw: good.raw},
	}
	for name, a := range cases {
		t.Run(name, func(t *testing.T) {
			probe := &testing.T{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				req, _ := http.NewRequest(http.MethodGet, "http://example.com/livez", nil)
				fits(probe, req, nil, a)
			}()
			<-done
			if !probe.Failed() {
				t.Errorf("an answer with %s passed, want a complaint", name)
			}
		})
	}
}

var pathParam = regexp.MustCompile(`:([a-z_]+)`)

// isPage tells whether a route is one of the pages, which the contract of the API
// leaves out.
func isPage(path string) bool {
	for _, api := range []string{"/v1/", "/.well-known/", "/docs", "/openapi.yaml", "/livez", "/readyz"} {
		if strings.HasPrefix(path, api) {
			return false
		}
	}
	return true
}

// TestRoutesAreTheContract compares both ways.
func TestRoutesAreTheContract(t *testing.T) {
	doc, r := contractDoc(t), newRig(t)
	routes, documented := map[string]bool{}, map[string]bool{}
	for _, route := range r.api.Routes() {
		if route.Method == "echo_route_not_found" || isPage(route.Path) {
			continue
		}
		routes[route.Method+" "+pathParam.ReplaceAllString(route.Path, "{$1}")] = true
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			documented[method+" "+path] = true
		}
	}
	if got, want := sorted(routes), sorted(documented); !slices.Equal(got, want) {
		t.Errorf("routes of the router:\n%s\nwant those of the contract:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var enumCodes = regexp.MustCompile(`code: \{enum: \[([a-z_, ]+)\]`)

// TestCodesAreInTheContract compares the table of problems with the codes that
// the contract's answers list. Only the codes that any route may answer with are
// left to its introduction.
func TestCodesAreInTheContract(t *testing.T) {
	file, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{"method_not_allowed": true}
	for _, m := range enumCodes.FindAllStringSubmatch(string(file), -1) {
		for code := range strings.SplitSeq(m[1], ", ") {
			documented[code] = true
		}
	}
	want := problemCodes()
	slices.Sort(want)
	if got := sorted(documented); !slices.Equal(got, want) {
		t.Errorf("codes in the contract = %v\nwant those of the table = %v", got, want)
	}
}

// TestSecurityIsTheContract asks every route without a token.
func TestSecurityIsTheContract(t *testing.T) {
	r := newRig(t)
	for path, item := range contractDoc(t).Paths.Map() {
		for method, op := range item.Operations() {
			closed := op.Security != nil && len(*op.Security) > 0
			a := r.do(request{method: method, path: strings.NewReplacer("{id}", "01h00000000000000000000000", "{file}", "x").Replace(path)})
			if got := a.text("code") == "token_missing"; got != closed {
				t.Errorf("%s %s without a token = %d %q, want closed %v", method, path, a.status, a.text("code"), closed)
			}
		}
	}
}
