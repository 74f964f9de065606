package main

import (
	"slices"
	"testing"
)

// TestSourcesOf: pages may connect to the addresses that SDKs are told and to the
// sockets that those name, and nowhere else.
func TestSourcesOf(t *testing.T) {
	for _, c := range []struct{ told, want []string }{
		{[]string{"http://127.0.0.1:8090"}, []string{"http://127.0.0.1:8090", "ws://127.0.0.1:8090"}},
		{[]string{"https://nav.example.com/", "https://nav2.example.com/path?x"}, []string{"https://nav.example.com", "wss://nav.example.com", "https://nav2.example.com", "wss://nav2.example.com"}},
		{[]string{"nonsense"}, nil},
		{[]string{"wss://im.example.com/ws", "https://im.example.com"}, []string{"https://im.example.com", "wss://im.example.com"}},
		{[]string{"ws://127.0.0.1:8090/ws", ""}, []string{"http://127.0.0.1:8090", "ws://127.0.0.1:8090"}},
		{[]string{"", ""}, easemobSources},
		{nil, easemobSources},
	} {
		if got := sourcesOf(easemobSources, c.told...); !slices.Equal(got, c.want) {
			t.Errorf("sourcesOf(%q) = %v, want %v", c.told, got, c.want)
		}
	}
}
