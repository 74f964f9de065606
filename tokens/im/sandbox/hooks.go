package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// newHookClient makes what asks and tells app servers, for both dialects. It
// reaches loopback alone unless remote.
func newHookClient(remote bool) *http.Client {
	dialer := &net.Dialer{}
	if !remote {
		dialer.ControlContext = onlyLoopback
	}
	return &http.Client{
		// No proxy: it would hear what is meant for this machine.
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// onlyLoopback refuses to dial anything else, whatever a name resolved to.
func onlyLoopback(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !isLoopback(host) {
		return errRemote
	}
	return nil
}

// errRemote is about webhooks that would leave this machine.
var errRemote = errors.New("webhooks go to loopback addresses only")

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// checkHookURL refuses addresses that are none, or of another machine.
func (s *Sandbox) checkHookURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errors.New("want an address such as http://127.0.0.1:8080/callbacks, or \"\" for none")
	}
	if !s.cfg.RemoteWebhooks && !isLoopback(u.Hostname()) {
		return errRemote
	}
	return nil
}
