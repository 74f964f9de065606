package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"imbridge/config"
	"imbridge/tokens"
	"imbridge/tokens/im"
	"imbridge/tokens/im/easemob"
	"imbridge/tokens/im/rongcloud"
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

// app is what tokens are stored under; see tokens.Issuer.App.
func (c cloud) app() string { return c.Name() + "/" + c.AppKey() }

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

func openRongCloud(cfg config.Config, observe observer) (cloud, error) {
	r := cfg.IM.RongCloud
	own := rongcloud.Config{AppKey: r.AppKey, AppSecret: r.AppSecret.Reveal(), Region: r.Region, BaseURL: r.BaseURL,
		ConsoleLifetime: r.Console(), Navigators: r.Navigators, Timeout: r.Timeout, QuotaPercent: r.QuotaPercent}
	client, err := rongcloud.New(own)
	if err != nil {
		return cloud{}, errors.Join(errors.New("im.rongcloud:"), err)
	}
	client.Now = clock()
	stepsOfCalls(client.HTTP)
	if observe != nil {
		client.Observe = observe
	}
	return cloud{Cloud: client, checker: client, breaker: client.Breaker, secret: r.AppSecret.Reveal(),
		// Half of what this process may mint at all stays for people who wait.
		roundRate: float64(r.QuotaPercent),
		// The limits of what it calls are half as wide.
		lookRate: float64(r.QuotaPercent) / 2,
		sources:  sourcesOf(rongCloudSources, r.Navigators...)}, nil
}

func openEasemob(cfg config.Config, observe observer) (cloud, error) {
	e := cfg.IM.Easemob
	own := easemob.Config{AppKey: e.AppKey, ClientID: e.ClientID, ClientSecret: e.ClientSecret.Reveal(), Region: e.Region, BaseURL: e.BaseURL,
		WebSocketURL: e.WebSocketURL, APIURL: e.APIURL, Tokens: e.Tokens, AgoraAppID: e.AgoraAppID, AgoraCertificate: e.AgoraCertificate.Reveal(),
		Timeout: e.Timeout, QuotaPercent: e.QuotaPercent}
	if e.Cluster == easemob.VIP5 {
		own.Cluster = easemob.VIP5
	}
	client, err := easemob.New(own)
	if err != nil {
		return cloud{}, errors.Join(errors.New("im.easemob:"), err)
	}
	client.Now = clock()
	stepsOfCalls(client.HTTP)
	if observe != nil {
		client.Observe = observe
	}
	secret := e.ClientSecret.Reveal()
	if e.Tokens == easemob.Agora {
		secret = e.AgoraCertificate.Reveal()
	}
	var derive func(password, imID string) (string, error)
	if e.Password == config.DerivedPassword {
		derive = easemob.DerivePassword
	}
	return cloud{Cloud: client.Roles(), derivePassword: derive, checker: client, breaker: client.Breaker, secret: secret,
		// A mint may put name and avatar, of which a second takes 100; half of our
		// share stays for people who wait.
		roundRate: float64(e.QuotaPercent) / 2,
		lookRate:  float64(e.QuotaPercent) / 2,
		sources:   sourcesOf(easemobSources, e.WebSocketURL, e.APIURL)}, nil
}

// Where the clouds' own web SDKs find their public servers.
var (
	rongCloudSources = []string{"https://*.rong-edge.com", "wss://*.rong-edge.com", "https://*.ronghub.com", "wss://*.ronghub.com",
		"https://*.rongcloud.net", "wss://*.rongcloud.net"}
	easemobSources = []string{"https://*.easemob.com", "wss://*.easemob.com", "https://*.easecdn.com", "wss://*.easecdn.com"}
)

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
