package main

import (
	"io"
	"net/http"
	"strings"
)

// An onceTransport sends each request once. The library's own repeats by itself a
// GET that a connection swallowed which it had used before, unless it has a body
// that cannot be read again: here it gets one, of no bytes.
type onceTransport struct{ *http.Transport }

func (t onceTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && (r.Body == nil || r.Body == http.NoBody) {
		r = r.Clone(r.Context())
		r.Body, r.GetBody, r.ContentLength = io.NopCloser(strings.NewReader("")), nil, 0
	}
	return t.Transport.RoundTrip(r)
}
