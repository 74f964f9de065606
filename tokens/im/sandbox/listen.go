package sandbox

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// CheckLoopback refuses a listen address that other machines could reach. The
// sandbox has no defence against them: its control API asks for no password.
// Addr is "host:port"; the host must be "localhost" or a loopback IP address.
// Names are not resolved, because what they resolve to may change.
func CheckLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("sandbox listen address %q: want host:port such as 127.0.0.1:8090", addr)
	}
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("sandbox listen address %q is not loopback: want 127.0.0.1, ::1 or localhost, such as 127.0.0.1:8090", addr)
}
