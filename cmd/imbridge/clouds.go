package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"imbridge/config"
	"imbridge/tokens"
	"imbridge/tokens/im"
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
}

// app is what tokens are stored under; see tokens.Issuer.App.
func (c cloud) app() string { return c.Name() + "/" + c.AppKey() }

// observer is told of every call to a cloud; nil tells nobody.
type observer func(op, outcome string, took time.Duration)

// openers knows every cloud by the name that im.cloud has for it. The sandbox
// is RongCloud at another address; serve fills that in.
var openers = map[string]func(config.Config, observer) (cloud, error){
	"rongcloud": openRongCloud,
	"sandbox":   openRongCloud,
}

func cloudNames() []string {
	var names []string
	for name := range openers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func openCloud(cfg config.Config, observe observer) (cloud, error) {
	open, ok := openers[cfg.IM.Cloud]
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
		lookRate: float64(r.QuotaPercent) / 2}, nil
}
