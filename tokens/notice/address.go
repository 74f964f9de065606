package notice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// errAddress is why a webhook was not sent: it would have reached into a network
// that it has no business in. The address itself stays out of it.
var errAddress = errors.New("the address leads into this machine, a private network or a cloud's metadata service")

// never are networks that no webhook lives in, allow_private or not: addresses
// for other uses than reaching a host, and services that hand a machine its own
// credentials. https://www.iana.org/assignments/iana-ipv4-special-registry,
// https://www.iana.org/assignments/iana-ipv6-special-registry.
var never = prefixes(
	"0.0.0.0/8",          // this network; on Linux 0.0.0.0 is loopback
	"100.100.100.200/32", // metadata of Alibaba Cloud
	"168.63.129.16/32",   // the host's own services on Azure
	"169.254.0.0/16",     // link-local, with the metadata of most clouds
	"192.0.0.0/24",       // protocol assignments, with metadata of Oracle Cloud
	"192.0.2.0/24",       // documentation
	"192.88.99.0/24",     // 6to4 relays
	"198.18.0.0/15",      // benchmarks
	"198.51.100.0/24",    // documentation
	"203.0.113.0/24",     // documentation
	"224.0.0.0/4",        // multicast
	"240.0.0.0/4",        // reserved, and broadcast
	"::/128",             // unspecified; :: is loopback on Linux
	"64:ff9b:1::/48",     // NAT64 of a local network
	"100::/64",           // discard
	"2001::/23",          // protocol assignments, with Teredo
	"2001:db8::/32",      // documentation
	"2002::/16",          // 6to4: an IPv4 address inside
	"3fff::/20",          // documentation
	"5f00::/16",          // segment routing
	"fd00:ec2::/32",      // metadata of AWS
	"fd20:ce::/64",       // metadata of Google Cloud
	"fe80::/10",          // link-local
	"fec0::/10",          // site-local of old
	"ff00::/8",           // multicast
)

// private are the networks that allow_private opens.
var private = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")

// nat64 holds an IPv4 address in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// global is where every public IPv6 address is.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// mayReach tells whether a webhook may be sent to a.
func mayReach(a netip.Addr, allowPrivate bool) bool {
	// ::ffff:127.0.0.1 is 127.0.0.1, and a zone changes nothing.
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsValid() || within(never, a) {
		return false
	}
	if within(private, a) {
		return allowPrivate
	}
	// What is left of IPv6 is unassigned, or holds IPv4 in the deprecated ::a.b.c.d.
	return a.Is4() || global.Contains(a)
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// A guard dials only where a webhook may lead. A name is resolved here, once,
// and what was judged is what is dialled: a second answer of the DNS cannot lead
// elsewhere.
type guard struct {
	allowPrivate bool
	lookup       func(ctx context.Context, host string) ([]netip.Addr, error)
}

func (g guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.New("the address has no host and port")
	}
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	// A name with one address that is refused is refused: half of its answers
	// would lead there.
	for _, a := range addrs {
		if !mayReach(a, g.allowPrivate) {
			return nil, errAddress
		}
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	err = errors.New("the name has no address")
	for _, a := range addrs {
		var conn net.Conn
		if conn, err = d.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("connect: %w", err)
}

func (g guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := g.lookup(ctx, host)
	if err != nil {
		return nil, errors.New("the name cannot be resolved")
	}
	return addrs, nil
}

// lookup is the machine's resolver.
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
