package sandbox

import (
	"strings"
	"testing"
)

func TestCheckLoopback(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:8090", "127.8.9.1:0", "[::1]:8090", "localhost:0", "LocalHost:80", "[::ffff:127.0.0.1]:1"} {
		if err := CheckLoopback(addr); err != nil {
			t.Errorf("CheckLoopback(%q) = %v, want nil", addr, err)
		}
	}
	for _, addr := range []string{":8090", "0.0.0.0:8090", "[::]:8090", "192.168.1.2:8090", "example.com:80", "localhost.example.com:80", "127.0.0.1", "", "[::ffff:10.0.0.1]:1"} {
		err := CheckLoopback(addr)
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1:8090") {
			t.Errorf("CheckLoopback(%q) = %v, want a refusal with an example", addr, err)
		}
	}
}
