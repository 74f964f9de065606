package main

import (
	"slices"
	"testing"
)

// TestConnectSources: pages may connect to the navigators and to the sockets that
// those name, and nowhere else.
func TestConnectSources(t *testing.T) {
	for _, c := range []struct{ navigators, want []string }{
		{[]string{"http://127.0.0.1:8090"}, []string{"http://127.0.0.1:8090", "ws://127.0.0.1:8090"}},
		{[]string{"https://nav.example.com/", "https://nav2.example.com/path?x"}, []string{"https://nav.example.com", "wss://nav.example.com", "https://nav2.example.com", "wss://nav2.example.com"}},
		{[]string{"nonsense"}, nil},
		{nil, rongCloudSources},
	} {
		if got := connectSources(c.navigators); !slices.Equal(got, c.want) {
			t.Errorf("connectSources(%v) = %v, want %v", c.navigators, got, c.want)
		}
	}
}
