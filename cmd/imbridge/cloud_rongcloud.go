package main

import (
	"errors"

	"imbridge/config"
	"imbridge/tokens/im/rongcloud"
)

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

// rongCloudSources are where its web SDK finds the public servers.
var rongCloudSources = []string{"https://*.rong-edge.com", "wss://*.rong-edge.com", "https://*.ronghub.com", "wss://*.ronghub.com",
	"https://*.rongcloud.net", "wss://*.rongcloud.net"}
