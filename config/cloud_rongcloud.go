package config

import "time"

// RongCloud holds the keys below im.rongcloud.
type RongCloud struct {
	// App key, from the console. Clients are told it.
	AppKey string `key:"app_key" form:"word" eg:"c9kqb3rdkbb8j"`

	// App secret, from the console, next to the app key. The server's alone.
	AppSecret Secret `key:"app_secret" form:"word" eg:"APP_SECRET"`

	// Data centre of the app: BJ (Beijing), SG (Singapore), SG_B (Singapore B),
	// NA (North America) or SAU (Saudi Arabia).
	Region string `key:"region" oneof:"BJ SG SG_B NA SAU"`

	// Address of the server API in place of the region's two hosts, for a private
	// cloud. Production refuses http:// beyond loopback: the answers hold tokens.
	BaseURL string `key:"base_url" form:"url" eg:"https://rongcloud.example.com"`

	// The token lifetime set in RongCloud's console, which no API tells: permanent,
	// 30d, 7d, 1d or another duration. A token never lives longer than this,
	// whatever the admin of imbridge chose.
	ConsoleLifetime string `key:"console_lifetime" form:"lifetime"`

	// Navigators that clients are given, for a private cloud. Empty: the SDK's own
	// and those inside the token.
	Navigators []string `key:"navigators" form:"url" eg:"https://nav.example.com"`

	// Time for one call to the cloud.
	Timeout time.Duration `key:"timeout" min:"100ms" max:"1m"`

	// The share of the documented call limits that this process uses, in percent.
	// Several processes on one app key have to divide it among them.
	QuotaPercent int `key:"quota_percent" min:"1" max:"100"`
}

func (r *RongCloud) defaults() {
	*r = RongCloud{
		Region:          "BJ",
		ConsoleLifetime: "permanent",
		Navigators:      []string{},
		Timeout:         5 * time.Second,
		QuotaPercent:    90,
	}
}

func (r *RongCloud) check(rule rule) {
	rule(r.AppKey == "", "im.rongcloud.app_key", "is missing, and im.cloud is rongcloud", "")
	rule(!r.AppSecret.IsSet(), "im.rongcloud.app_secret", "is missing, and im.cloud is rongcloud",
		"IMBRIDGE_IM_RONGCLOUD_APP_SECRET_FILE=/run/secrets/im_rongcloud_app_secret")
	rule(r.AppKey != "" && r.AppKey == r.AppSecret.Reveal(), "im.rongcloud.app_secret",
		"is the app key once more; the console shows the secret beside it", "")
}

func (r *RongCloud) baseURL() string { return r.BaseURL }

// Console returns ConsoleLifetime, parsed; zero is permanent.
func (r RongCloud) Console() time.Duration {
	d, err := parseDuration(r.ConsoleLifetime)
	if err != nil {
		return 0
	}
	return d
}
