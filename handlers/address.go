package handlers

import (
	"net/http"
	"net/netip"
	"strings"
)

// address is who sent the request: the peer, or, where the peer is a proxy of
// ours, the rightmost address of X-Forwarded-For that is none. What stands to
// the left of that was written by whoever wanted to be believed.
func (h *api) address(r *http.Request) string {
	return clientAddress(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), h.Settings.TrustedProxies)
}

func clientAddress(peer string, forwarded []string, trusted []netip.Prefix) string {
	at, ok := hop(peer)
	if !ok {
		return ""
	}
	if len(forwarded) == 0 || !within(at, trusted) {
		return at.String()
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && within(at, trusted); i-- {
		next, ok := hop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		at = next
	}
	return at.String()
}

// hop reads "192.0.2.1", "192.0.2.1:80", "2001:db8::1" and "[2001:db8::1]:80".
func hop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
