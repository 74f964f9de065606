package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"imbridge/config"
	"imbridge/tokens"
	"imbridge/tokens/im"
)

// A cloud is a client as the wiring needs it.
type cloud struct {
	tokens.Cloud
	checker im.Checker
	// breaker is the state of the circuit breaker: closed, open or half-open.
	breaker func() string
	// secret is what tokens are minted with; its fingerprint tells which tokens a
	// change of it has made void.
	secret string
	// roundRate is how many tokens a second may be renewed ahead of time.
	roundRate float64
	// lookRate is how many calls a second a comparison with the cloud may make.
	lookRate float64
	// sources are the origins that its web SDK connects to, for a
	// Content-Security-Policy.
	sources []string
	// derivePassword makes people's passwords there of those here; nil: they have
	// one that nobody knows.
	derivePassword func(password, imID string) (string, error)
}

// app is what tokens are stored under.
func (c cloud) app() string { return im.App(c) }

// observer is told of every call to a cloud; nil tells nobody.
type observer func(op, outcome string, took time.Duration)

// openers knows every cloud by its name. The sandbox is one of them at another
// address; serve fills that in.
var openers = map[string]func(config.Config, observer) (cloud, error){
	"rongcloud": openRongCloud,
	"easemob":   openEasemob,
}

func cloudNames() []string {
	names := []string{"sandbox"}
	for name := range openers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func openCloud(cfg config.Config, observe observer) (cloud, error) {
	open, ok := openers[cfg.Client()]
	if !ok {
		return cloud{}, fmt.Errorf("no client for im.cloud %q", cfg.IM.Cloud)
	}
	return open(cfg, observe)
}

// sourcesOf are the origins that pages may connect to beside our own: those of the
// addresses that SDKs are told, over HTTP and as web sockets, or the public ones.
func sourcesOf(public []string, told ...string) []string {
	if strings.Join(told, "") == "" {
		return public
	}
	var sources []string
	for _, address := range told {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			continue
		}
		secure := ""
		if u.Scheme == "https" || u.Scheme == "wss" {
			secure = "s"
		}
		for _, s := range []string{"http" + secure + "://" + u.Host, "ws" + secure + "://" + u.Host} {
			if !slices.Contains(sources, s) {
				sources = append(sources, s)
			}
		}
	}
	return sources
}
