package rongcloud

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imbridge/tokens/im"
)

// secret has every sign that a URL would escape.
const secret = "Planted+Secret/17="

const goodToken = `{"code":200,"userId":"u1","token":"AAAA@nav"}`

// cloudFunc is a cloud in the process, behind no network.
type cloudFunc func(*http.Request) (*http.Response, error)

func (f cloudFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// always answers every call alike.
func always(status int, body string) cloudFunc {
	return func(*http.Request) (*http.Response, error) { return reply(status, body), nil }
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// newTestClient has the two hosts of region BJ unless change says otherwise.
func newTestClient(t testing.TB, cloud http.RoundTripper, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{AppKey: "app1", AppSecret: secret}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatalf("New(%v) = %v, want no complaint", cfg, err)
	}
	if cloud != nil {
		c.HTTP = &http.Client{Transport: cloud}
	}
	return c
}

func at(url string) func(*Config) { return func(c *Config) { c.BaseURL = url } }

// wantKind returns the error as what it must be.
func wantKind(t testing.TB, err error, want im.Kind) *im.Error {
	t.Helper()
	var e *im.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("error = %v, want an *im.Error of kind %q", err, want)
	}
	return e
}

func mint(ctx context.Context, c *Client) error {
	_, err := c.Mint(ctx, im.User{ID: "u1", Name: "n"}, 0)
	return err
}

func recorded(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "answers", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
