package notice

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// reach says where webhooks may lead: nowhere, with allow_private, or always.
var reach = []struct {
	address string
	may     string // "never", "private", "always"
}{
	{"0.0.0.0", "never"},
	{"0.1.2.3", "never"},
	{"10.0.0.1", "private"},
	{"10.255.255.255", "private"},
	{"100.63.255.255", "always"},
	{"100.64.0.1", "private"},
	{"100.100.100.200", "never"}, // metadata of Alibaba Cloud
	{"100.127.255.255", "private"},
	{"127.0.0.1", "private"},
	{"127.1.2.3", "private"},
	{"168.63.129.16", "never"},
	{"169.254.0.1", "never"},
	{"169.254.169.254", "never"}, // metadata of nearly all
	{"169.254.170.2", "never"},   // credentials of containers on AWS
	{"172.15.255.255", "always"},
	{"172.16.0.1", "private"},
	{"172.31.255.255", "private"},
	{"172.32.0.1", "always"},
	{"192.0.0.192", "never"}, // metadata of Oracle Cloud
	{"192.0.2.1", "never"},
	{"192.168.1.1", "private"},
	{"198.18.0.1", "never"},
	{"198.51.100.7", "never"},
	{"203.0.113.7", "never"},
	{"224.0.0.1", "never"},
	{"239.255.255.250", "never"},
	{"240.0.0.1", "never"},
	{"255.255.255.255", "never"},
	{"1.1.1.1", "always"},
	{"8.8.8.8", "always"},
	{"::", "never"},
	{"::1", "private"},
	{"::7f00:1", "never"}, // the deprecated ::127.0.0.1
	{"::ffff:127.0.0.1", "private"},
	{"::ffff:10.0.0.1", "private"},
	{"::ffff:169.254.169.254", "never"},
	{"::ffff:0.0.0.0", "never"},
	{"::ffff:8.8.8.8", "always"},
	{"64:ff9b::7f00:1", "private"},  // 127.0.0.1 by NAT64
	{"64:ff9b::a9fe:a9fe", "never"}, // 169.254.169.254 by NAT64
	{"64:ff9b::808:808", "always"},
	{"64:ff9b:1::808:808", "never"},
	{"100::1", "never"},
	{"2001::1", "never"},          // Teredo
	{"2001:db8::1", "never"},      // documentation
	{"2002:7f00:1::", "never"},    // 127.0.0.1 by 6to4
	{"2002:a9fe:a9fe::", "never"}, // 169.254.169.254 by 6to4
	{"2606:4700::1111", "always"},
	{"3fff::1", "never"},
	{"fc00::1", "private"},
	{"fd12:3456::1", "private"},
	{"fd00:ec2::254", "never"}, // metadata of AWS
	{"fd20:ce::254", "never"},  // metadata of Google Cloud
	{"fe80::1", "never"},
	{"fe80::1%eth0", "never"},
	{"fec0::1", "never"},
	{"ff02::1", "never"},
	{"4000::1", "never"}, // assigned to nobody
}

func TestWhereWebhooksMayLead(t *testing.T) {
	for _, c := range reach {
		a := netip.MustParseAddr(c.address)
		if got, want := mayReach(a, false), c.may == "always"; got != want {
			t.Errorf("may reach %s = %v, want %v", c.address, got, want)
		}
		if got, want := mayReach(a, true), c.may != "never"; got != want {
			t.Errorf("may reach %s with allow_private = %v, want %v", c.address, got, want)
		}
	}
	if mayReach(netip.Addr{}, true) {
		t.Error("may reach no address at all, want not")
	}
}

// names is a DNS of our own.
func names(table map[string]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		var addrs []netip.Addr
		for a := range strings.FieldsSeq(table[host]) {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		if addrs == nil {
			return nil, errors.New("no such host")
		}
		return addrs, nil
	}
}

func TestNamesThatLeadInsideAreRefused(t *testing.T) {
	h := newHook(t)
	_, port, _ := strings.Cut(h.Listener.Addr().String(), ":")
	lookup := names(map[string]string{
		"loopback.example.com": "127.0.0.1",
		"mapped.example.com":   "::ffff:127.0.0.1",
		"inside.example.com":   "10.0.0.7",
		"metadata.example.com": "169.254.169.254",
		"both.example.com":     "8.8.8.8 127.0.0.1",
		"localhost":            "127.0.0.1",
		"127.1":                "127.0.0.1", // as libc reads it
		"0x7f000001":           "127.0.0.1",
		"2130706433":           "127.0.0.1",
	})
	send := func(host string, allowPrivate bool) error {
		t.Helper()
		w, err := newWebhook(WebhookConfig{URL: "http://" + host + ":" + port + "/", Secrets: secret1, AllowPrivate: allowPrivate}, lookup)
		if err != nil {
			t.Fatal(err)
		}
		return w.Send(context.Background(), aMessage())
	}
	for _, host := range []string{"loopback.example.com", "mapped.example.com", "inside.example.com", "metadata.example.com", "both.example.com",
		"localhost", "127.1", "0x7f000001", "2130706433", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "[fd00:ec2::254]"} {
		if err := send(host, false); !errors.Is(err, errAddress) {
			t.Errorf("Send to %s = %v, want %v", host, err, errAddress)
		}
	}
	if n := len(h.posts()); n != 0 {
		t.Fatalf("%d webhooks arrived, want none", n)
	}
	for _, host := range []string{"metadata.example.com", "169.254.169.254", "[fe80::1]"} {
		if err := send(host, true); !errors.Is(err, errAddress) {
			t.Errorf("Send to %s with allow_private = %v, want %v", host, err, errAddress)
		}
	}
	for _, host := range []string{"loopback.example.com", "127.0.0.1", "mapped.example.com"} {
		if err := send(host, true); err != nil {
			t.Errorf("Send to %s with allow_private = %v, want nil", host, err)
		}
	}
	if err := send("unknown.example.com", true); err == nil || errors.Is(err, errAddress) {
		t.Errorf("Send to a name that is none = %v, want an error of the name", err)
	}
}

// A name that leads outside when it is judged and inside when it is dialled must
// find that it was looked up once.
func TestNamesAreLookedUpOnce(t *testing.T) {
	h := newHook(t)
	_, port, _ := strings.Cut(h.Listener.Addr().String(), ":")
	asked := 0
	w, err := newWebhook(WebhookConfig{URL: "http://rebind.example.com:" + port, Secrets: secret1}, func(context.Context, string) ([]netip.Addr, error) {
		if asked++; asked == 1 {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil // refused before anything is sent
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Send(context.Background(), aMessage()); !errors.Is(err, errAddress) || asked != 1 || len(h.posts()) != 0 {
		t.Errorf("Send = %v after %d look-ups, %d arrived; want %v after one", err, asked, len(h.posts()), errAddress)
	}
}

// No proxy of the environment may dial where the guard does not look.
func TestNoProxyIsAsked(t *testing.T) {
	w, err := newWebhook(WebhookConfig{URL: "http://inside.example.com/", Secrets: secret1}, lookup)
	if err != nil {
		t.Fatal(err)
	}
	if w.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport has a proxy, want none")
	}
}
