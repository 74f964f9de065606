package handlers_test

import (
	"net/http"
	"testing"

	"imbridge/handlers"
)

func TestClientAddress(t *testing.T) {
	trusted := prefixes("10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1/32")
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "192.0.2.1:1000", nil, "192.0.2.1"},
		{"a stranger who claims another", "192.0.2.1:1000", []string{"198.51.100.1"}, "192.0.2.1"},
		{"a stranger who claims a proxy", "192.0.2.1:1000", []string{"10.0.0.1"}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:1000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.0.0.1:1000", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"a client that lies", "10.0.0.1:1000", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"a client that lies about proxies", "10.0.0.1:1000", []string{"203.0.113.9, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"several headers", "10.0.0.1:1000", []string{"203.0.113.9", "198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"only proxies", "10.0.0.1:1000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"garbage stops", "10.0.0.1:1000", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"garbage nearest", "10.0.0.1:1000", []string{"198.51.100.1, nonsense"}, "10.0.0.1"},
		{"empty header", "10.0.0.1:1000", []string{""}, "10.0.0.1"},
		{"empty part", "10.0.0.1:1000", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"no header", "10.0.0.1:1000", nil, "10.0.0.1"},
		{"a port", "10.0.0.1:1000", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"IPv6", "[2001:db8:1::1]:1000", []string{"2001:db8:2::7"}, "2001:db8:2::7"},
		{"IPv6 in brackets", "[2001:db8:1::1]:1000", []string{"[2001:db8:2::7]"}, "2001:db8:2::7"},
		{"IPv6 with a port", "[2001:db8:1::1]:1000", []string{"[2001:db8:2::7]:99"}, "2001:db8:2::7"},
		{"a zone", "[fe80::1%eth0]:1000", nil, "fe80::1"},
		{"a zone behind a proxy", "10.0.0.1:1000", []string{"fe80::7%eth0"}, "fe80::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a host name", "10.0.0.1:1000", []string{"evil.example.com"}, "10.0.0.1"},
		{"a script", "10.0.0.1:1000", []string{"<script>"}, "10.0.0.1"},
		{"no peer", "@", []string{"198.51.100.1"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := handlers.ClientAddress(c.peer, c.forwarded, trusted); got != c.want {
				t.Errorf("address of %s via %q = %q, want %q", c.peer, c.forwarded, got, c.want)
			}
		})
	}
	if got := handlers.ClientAddress("10.0.0.1:1", []string{"198.51.100.1"}, nil); got != "10.0.0.1" {
		t.Errorf("address without trusted proxies = %q, want the peer's", got)
	}
}

// TestThrottleByAddress shows that the address that counts is the client's.
func TestThrottleByAddress(t *testing.T) {
	r := newRig(t, withDeps(func(d *handlers.Deps) {
		d.Settings.TrustedProxies = prefixes("10.0.0.0/8")
		d.Store.Throttle.AddressFree = 2
	}))
	try := func(client, login string) answer {
		return r.do(request{method: "POST", path: "/v1/login", peer: "10.0.0.1:1", header: map[string]string{"X-Forwarded-For": client}, body: map[string]any{"login": login, "password": password}})
	}
	for _, login := range []string{"aaa", "bbb", "ccc"} {
		try("198.51.100.1", login).want(t, "attempt", http.StatusUnauthorized, "bad_credentials")
	}
	try("198.51.100.1", "ddd").want(t, "attempt from the same address", http.StatusTooManyRequests, "throttled")
	try("203.0.113.7, 198.51.100.1", "eee").want(t, "the same address with a lie before it", http.StatusTooManyRequests, "throttled")
	try("198.51.100.2", "ddd").want(t, "attempt from another address", http.StatusUnauthorized, "bad_credentials")
}
