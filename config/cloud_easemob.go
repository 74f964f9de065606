package config

import "time"

// What becomes of the passwords at Easemob (key im.easemob.password).
const (
	RandomPassword  = "random"
	DerivedPassword = "derived"
)

// Easemob holds the keys below im.easemob.
type Easemob struct {
	// App key, from the console: organisation, # and app. Clients are told it.
	AppKey string `key:"app_key" form:"appkey" eg:"1122334455#demo"`

	// Client id, from the console, below the app key.
	ClientID string `key:"client_id" form:"word" eg:"YXA6CLIENT_ID"`

	// Client secret, from the console, below the client id. The server's alone.
	ClientSecret Secret `key:"client_secret" form:"word" eg:"YXA6CLIENT_SECRET"`

	// Data centre of the app: CN1, CN2 (China), SG1, SG2 (Singapore), US1 (US East)
	// or DE2 (Germany), as the console's overview of the app names it.
	Region string `key:"region" oneof:"CN1 CN2 SG1 SG2 US1 DE2"`

	// Address of the server API in place of the region's hosts, for a VIP cluster
	// or a private cloud. Production refuses http:// beyond loopback: the answers
	// hold tokens.
	BaseURL string `key:"base_url" form:"url" eg:"https://easemob.example.com"`

	// standard, or vip5 for the VIP 5 cluster, which counts lifetimes in
	// milliseconds.
	Cluster string `key:"cluster" oneof:"standard vip5"`

	// Where SDKs open their web socket, for a private cloud, together with api_url.
	// Empty: the SDK finds the public cloud's servers by itself.
	WebSocketURL string `key:"web_socket_url" form:"wsurl" eg:"wss://easemob.example.com/ws"`

	// Where SDKs make their own calls, for a private cloud, together with
	// web_socket_url. Empty: as above.
	APIURL string `key:"api_url" form:"url" eg:"https://easemob.example.com"`

	// How connect tokens are made. server: the cloud issues them. dynamic: signed
	// here with the client secret, without a call. agora: signed here with the
	// certificate of an Agora project. Those signed here cannot be revoked: log-outs,
	// bans of imbridge and changed passwords leave them working until they end, so
	// choose a short lifetime; and agora costs a call for the cloud's own id of each
	// person.
	Tokens string `key:"tokens" oneof:"server dynamic agora"`

	// App id of the Agora project, 32 hexadecimal digits; for tokens: agora.
	AgoraAppID string `key:"agora_app_id" form:"hex32" eg:"0123456789abcdef0123456789abcdef"`

	// Certificate of the Agora project, 32 hexadecimal digits; for tokens: agora.
	AgoraCertificate Secret `key:"agora_certificate" form:"hex32" eg:"0123456789abcdef0123456789abcdef"`

	// random: people have a password at the cloud that nobody knows; changing it
	// is how their tokens are revoked. derived: it is made from the password of the
	// app, so that clients which log in to the cloud with name and password go on
	// working.
	Password string `key:"password" oneof:"random derived"`

	// Time for one call to the cloud.
	Timeout time.Duration `key:"timeout" min:"100ms" max:"1m"`

	// The share of the documented call limits that this process uses, in percent.
	// Several processes on one app key have to divide it among them.
	QuotaPercent int `key:"quota_percent" min:"1" max:"100"`
}

func (e *Easemob) defaults() {
	*e = Easemob{
		Region:       "CN1",
		Cluster:      "standard",
		Tokens:       "server",
		Password:     RandomPassword,
		Timeout:      5 * time.Second,
		QuotaPercent: 90,
	}
}

func (e *Easemob) check(rule rule) {
	rule(e.AppKey == "", "im.easemob.app_key", "is missing, and im.cloud is easemob", "")
	rule(e.ClientID == "", "im.easemob.client_id", "is missing, and im.cloud is easemob", "")
	rule(!e.ClientSecret.IsSet(), "im.easemob.client_secret", "is missing, and im.cloud is easemob",
		"IMBRIDGE_IM_EASEMOB_CLIENT_SECRET_FILE=/run/secrets/im_easemob_client_secret")
	rule(e.ClientID != "" && e.ClientID == e.ClientSecret.Reveal(), "im.easemob.client_secret",
		"is the client id once more; the console shows the secret below it", "")
	// An SDK that is told one half would look for the other at the public cloud.
	rule(e.APIURL == "" && e.WebSocketURL != "", "im.easemob.api_url", "is missing, and im.easemob.web_socket_url is set: a private cloud needs both", "")
	rule(e.WebSocketURL == "" && e.APIURL != "", "im.easemob.web_socket_url", "is missing, and im.easemob.api_url is set: a private cloud needs both", "")
	rule(e.Tokens == "agora" && e.AgoraAppID == "", "im.easemob.agora_app_id", "is missing, and im.easemob.tokens is agora", "")
	rule(e.Tokens == "agora" && !e.AgoraCertificate.IsSet(), "im.easemob.agora_certificate", "is missing, and im.easemob.tokens is agora",
		"IMBRIDGE_IM_EASEMOB_AGORA_CERTIFICATE_FILE=/run/secrets/im_easemob_agora_certificate")
	rule(e.Password == DerivedPassword && e.Tokens != "server", "im.easemob.password",
		"is derived, which needs tokens that the cloud issues: a changed password does not end those signed here", "im.easemob.tokens: server")
}

func (e *Easemob) baseURL() string { return e.BaseURL }
