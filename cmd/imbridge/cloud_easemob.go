package main

import (
	"errors"

	"imbridge/config"
	"imbridge/tokens/im/easemob"
)

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

// easemobSources are where its web SDK finds the public servers.
var easemobSources = []string{"https://*.easemob.com", "wss://*.easemob.com", "https://*.easecdn.com", "wss://*.easecdn.com"}
