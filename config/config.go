package config

import "time"

// Names of the two environments (key env).
const (
	Development = "development"
	Production  = "production"
)

// What becomes of a registration without a token (key im.registration).
const (
	Pending  = "pending"
	Rollback = "rollback"
)

// Config holds every setting. Tags of a field: key is its name in the file;
// min and max are limits, both allowed themselves; oneof lists the values; form
// names a check in forms.go (of each element, when the field is a list); eg is
// an example for complaints where the default is not one.
type Config struct {
	// development or production. Production refuses what is only fit for a first
	// try (the sandbox, SQLite, a generated data key, lifetimes of seconds)
	// unless the setting beside it allows it.
	Env string `key:"env" oneof:"development production"`

	// Folder for what imbridge keeps itself: the SQLite database and, where
	// keys.data_key is empty, the generated data key. Made with mode 0700.
	DataDir string `key:"data_dir" form:"path" eg:"/var/lib/imbridge"`

	// The public API.
	Server Server `key:"server"`

	// Metrics, for operators only.
	Ops Ops `key:"ops"`

	// The stand-in for the IM clouds, in the same process when im.cloud is
	// sandbox, or alone as "imbridge sandbox". Memory only.
	Sandbox Sandbox `key:"sandbox"`

	// Where accounts, sessions and sealed tokens are kept.
	Database Database `key:"database"`

	// The IM cloud and the life of the connect tokens that it issues.
	IM IM `key:"im"`

	// Who may write to whom, one to one.
	Messages Messages `key:"messages"`

	// Our own login sessions.
	Session Session `key:"session"`

	// Hashing of passwords (argon2id, 19 MiB for each hash under way).
	Password Password `key:"password"`

	// Brake on guessing passwords. Failures are counted in the database before
	// the hash is computed; past the free ones each attempt has to wait, twice as
	// long each time. Nobody is ever locked out for good.
	Throttle Throttle `key:"throttle"`

	// The key that seals tokens and signing keys in the database.
	Keys KeySettings `key:"keys"`

	// Telling an admin what does not heal by itself: changes that were given up on,
	// a cloud that fails or refuses us. Without a webhook and without mail the
	// notices stand in the log and at GET /v1/admin/notices only.
	Notices Notices `key:"notices"`

	// Comparing our people with the cloud's, every night.
	Reconcile Reconcile `key:"reconcile"`

	// The log, on standard error.
	Log Log `key:"log"`

	// File is the path of the file that was read, empty if there was none. It is
	// not a setting.
	File string `key:"-"`
}

// Server holds the keys below server.
type Server struct {
	// Address of the public API. Port 0 picks a free one, which is printed.
	Listen string `key:"listen" form:"address"`

	// Where clients reach the API, without a slash at the end. It is the issuer
	// in our access tokens, so changing it ends all of them. Empty: they
	// say "imbridge".
	PublicURL string `key:"public_url" form:"url" eg:"https://im.example.com"`

	// Networks (CIDR) of the proxies in front of imbridge. The client's address
	// is the rightmost one in X-Forwarded-For that is not in them. Empty: the
	// header is not believed.
	TrustedProxies []string `key:"trusted_proxies" form:"network" eg:"10.0.0.0/8"`

	// Web pages that may call the API from a browser: exact origins, no
	// wildcards. Empty: none but pages of imbridge itself.
	CORSOrigins []string `key:"cors_origins" form:"origin" eg:"https://app.example.com"`

	// How long requests under way may take to finish when the process stops.
	ShutdownGrace time.Duration `key:"shutdown_grace" min:"0s" max:"10m"`

	// How long the process still accepts requests, while /readyz already says no,
	// before it closes the listener. Give a load balancer the time to notice.
	DrainDelay time.Duration `key:"drain_delay" min:"0s" max:"5m"`

	// How long register and login wait for a connect token. Without one in time
	// they answer all the same, and the token is fetched a little later.
	RegisterBudget time.Duration `key:"register_budget" min:"0s" max:"30s"`

	// How long a request for a connect token waits for the cloud.
	TokenBudget time.Duration `key:"token_budget" min:"100ms" max:"1m"`
}

// Ops holds the keys below ops.
type Ops struct {
	// Address of /metrics. It has no login: keep it off public networks.
	Listen string `key:"listen" form:"address"`
}

// Sandbox holds the keys below sandbox.
type Sandbox struct {
	// The cloud that it stands in for: rongcloud or easemob.
	Cloud string `key:"cloud" oneof:"rongcloud easemob"`

	// Address of the emulated cloud.
	Listen string `key:"listen" form:"address"`

	// Address of the control API: its state, counted calls, faults, the clock.
	ControlListen string `key:"control_listen" form:"address"`

	// Lets the sandbox listen on other addresses than loopback. Anybody who
	// reaches the control API owns the sandbox.
	AllowRemote bool `key:"allow_remote" eg:"true"`
}

// Database holds the keys below database.
type Database struct {
	// sqlite (one process, no set-up) or mysql (8, 9, MariaDB).
	Driver string `key:"driver" oneof:"sqlite mysql"`

	// For mysql user:password@tcp(host:port)/database, for sqlite the path of a
	// file. Empty: with sqlite imbridge.db in data_dir; mysql needs one. In a
	// cluster (Group Replication, Galera) all connections of one process must
	// lead to one node at a time, as doctor checks.
	DSN Secret `key:"dsn" form:"dsn" eg:"imbridge:PASSWORD@tcp(127.0.0.1:3306)/imbridge"`

	// Brings the schema up to date at the start. Otherwise serve refuses an old
	// one and prints the command. SQLite always migrates.
	MigrateOnStart bool `key:"migrate_on_start" eg:"true"`

	// Connections of one process, at most.
	MaxOpen int `key:"max_open" min:"1" max:"10000"`

	// Allows sqlite in production.
	AllowSQLite bool `key:"allow_sqlite" eg:"true"`
}

// IM holds the keys below im.
type IM struct {
	// sandbox, rongcloud or easemob. The sandbox plays the one that sandbox.cloud
	// names.
	Cloud string `key:"cloud" oneof:"sandbox rongcloud easemob"`

	// Allows the sandbox in production.
	AllowSandbox bool `key:"allow_sandbox" eg:"true"`

	// How long a connect token lives: permanent, 30d, 7d, 1d, or one of
	// extra_lifetimes. Only the first start reads it; from then on an admin sets
	// it while imbridge runs.
	Lifetime string `key:"lifetime" form:"lifetime"`

	// More lifetimes for an admin to choose from, from 1s to 365d, to watch a
	// token expire. Empty: 20s in development. Production refuses any.
	ExtraLifetimes []string `key:"extra_lifetimes" form:"lifetime" eg:"20s"`

	// The last part of a token's life, in percent, in which it is renewed ahead
	// of its end.
	RenewWindowPercent int `key:"renew_window_percent" min:"5" max:"50"`

	// What becomes of a registration for which the cloud gives no token within
	// server.register_budget: pending keeps it and gets the token later, rollback
	// takes it back and asks the client to try again.
	Registration string `key:"registration" oneof:"pending rollback"`

	// RongCloud, used when cloud is rongcloud.
	RongCloud RongCloud `key:"rongcloud"`

	// Easemob, used when cloud is easemob.
	Easemob Easemob `key:"easemob"`
}

// Messages holds the keys below messages.
type Messages struct {
	// Only friends may write to each other. What keeps it depends on the cloud, and
	// doctor tells what to do there. RongCloud: the pre-messaging callback that
	// imbridge answers, and its allow lists where they are switched on. Easemob: a
	// switch in its console, and the callback too where easemob_secret is set. A
	// change reaches everybody in time: docs/messages.md.
	RequireFriendship bool `key:"require_friendship" eg:"true"`

	// What becomes of a message while the database does not answer: deliver or
	// refuse. When imbridge as a whole does not answer, RongCloud delivers, and
	// Easemob does as its console says.
	WhenUnsure string `key:"when_unsure" oneof:"deliver refuse"`

	// The secret that Easemob's console shows beside the rule for callbacks before
	// sending. Several rules: all of them, separated by blanks. Empty: Easemob's
	// callbacks are not answered.
	EasemobSecret Secret `key:"easemob_secret" form:"password" eg:"RULE_SECRET"`
}

// Session holds the keys below session.
type Session struct {
	// Life of an access token. Until it ends, those who check it by our public
	// keys alone do not see a logout.
	AccessLifetime time.Duration `key:"access_lifetime" min:"1m" max:"1h"`

	// A session ends when it has not been refreshed for so long.
	RefreshLifetime time.Duration `key:"refresh_lifetime" min:"1m" max:"8760h"`

	// A session ends at this age, however often it was refreshed.
	MaxLifetime time.Duration `key:"max_lifetime" min:"1m" max:"87600h"`

	// For so long the refresh token used last may be shown again, by another tab
	// or after a lost answer. Shown later it ends the session, as a stolen one.
	RefreshGrace time.Duration `key:"refresh_grace" min:"0s" max:"60s"`

	// A new key signs access tokens after so long. The old one stays published
	// until the last token that it signed has run out.
	KeyRotation time.Duration `key:"key_rotation" min:"2m" max:"8760h"`
}

// Password holds the keys below password.
type Password struct {
	// Hashes computed at once. 0: as many as there are cores.
	Parallel int `key:"parallel" min:"0" max:"1024"`

	// Logins that may wait for a hash. The next one is told to come back.
	Queue int `key:"queue" min:"1" max:"100000"`
}

// Throttle holds the keys below throttle.
type Throttle struct {
	// Logins of one account without a wait, counted until one succeeds.
	AccountFree int `key:"account_free" min:"1" max:"1000"`

	// The same from one address (for IPv6, from one /64); each success takes one
	// back.
	// Many people may share one.
	AddressFree int `key:"address_free" min:"1" max:"1000000"`

	// The first wait.
	Delay time.Duration `key:"delay" min:"100ms" max:"1m"`

	// The longest wait.
	MaxDelay time.Duration `key:"max_delay" min:"100ms" max:"1h"`

	// Failures are forgotten when none has been added for so long. Not shorter
	// than max_delay, or waiting would clear the count.
	Window time.Duration `key:"window" min:"1m" max:"24h"`
}

// KeySettings holds the keys below keys.
type KeySettings struct {
	// In base64: 32 random bytes, or a Tink keyset. Lost, all that it sealed is
	// lost. Empty: made at the first start as data.key in data_dir (mode 0600).
	DataKey Secret `key:"data_key" form:"datakey" eg:"the output of: openssl rand -base64 32"`

	// Allows the generated data key in production.
	AllowGenerated bool `key:"allow_generated" eg:"true"`
}

// Notices holds the keys below notices.
type Notices struct {
	// Says so when a change has waited for the cloud for so long.
	OutboxAge time.Duration `key:"outbox_age" min:"1m" max:"24h"`

	// For so long nothing more is sent about what has been told already and goes on.
	Quiet time.Duration `key:"quiet" min:"1m" max:"168h"`

	// A POST to an address of yours, signed as standardwebhooks.com describes.
	Webhook NoticesWebhook `key:"webhook"`

	// E-mail.
	Mail NoticesMail `key:"mail"`
}

// NoticesWebhook holds the keys below notices.webhook.
type NoticesWebhook struct {
	// Where notices are posted to. Empty: nowhere. Production wants https://.
	URL string `key:"url" form:"url" eg:"https://ops.example.com/imbridge"`

	// What signs them: whsec_ and 24 to 64 random bytes in base64. Several,
	// separated by blanks, while the receiver changes from one to the next.
	Secret Secret `key:"secret" form:"whsec" eg:"whsec_ and the output of: openssl rand -base64 32"`

	// Lets the address lead to this machine or a private network. Clouds' metadata
	// services are out of reach all the same.
	AllowPrivate bool `key:"allow_private" eg:"true"`
}

// NoticesMail holds the keys below notices.mail.
type NoticesMail struct {
	// The mail server. Empty: no mail. Unless it is this machine, it must speak TLS.
	Host string `key:"host" form:"host" eg:"smtp.example.com"`

	// Its port: 465 speaks TLS from the start, on others STARTTLS begins it.
	Port int `key:"port" min:"1" max:"65535"`

	// To log in with. Empty: no login.
	Username string `key:"username" form:"word" eg:"imbridge@example.com"`

	// The password that goes with it.
	Password Secret `key:"password" form:"password" eg:"PASSWORD"`

	// The sender.
	From string `key:"from" form:"mailbox" eg:"imbridge@example.com"`

	// Everybody who gets them.
	To []string `key:"to" form:"mailbox" eg:"ops@example.com"`
}

// Reconcile holds the keys below reconcile.
type Reconcile struct {
	// When, on this machine's clock, or never. One of several processes does it.
	At string `key:"at" form:"clock" eg:"03:30"`

	// Also repairs what can be explained. Otherwise a notice tells of what was
	// found, and "imbridge reconcile --repair" is yours to give.
	Repair bool `key:"repair"`
}

// Clock is At as hours and minutes; ok is false for never.
func (r Reconcile) Clock() (hour, minute int, ok bool) {
	t, err := time.Parse("15:04", r.At)
	return t.Hour(), t.Minute(), err == nil
}

// Log holds the keys below log.
type Log struct {
	// debug, info, warn or error.
	Level string `key:"level" oneof:"debug info warn error"`

	// text or json. Empty: text in development, json in production.
	Format string `key:"format" oneof:"text json" eg:"json"`
}

// Default returns what holds when nothing is set.
func Default() Config {
	c := Config{
		Env:     Development,
		DataDir: "./data",
		Server: Server{
			Listen:         "127.0.0.1:8080",
			TrustedProxies: []string{},
			CORSOrigins:    []string{},
			ShutdownGrace:  20 * time.Second,
			RegisterBudget: 1500 * time.Millisecond,
			TokenBudget:    8 * time.Second,
		},
		Ops: Ops{Listen: "127.0.0.1:8081"},
		Sandbox: Sandbox{
			Cloud:         "rongcloud",
			Listen:        "127.0.0.1:8090",
			ControlListen: "127.0.0.1:8091",
		},
		Database: Database{Driver: "sqlite", MaxOpen: 40},
		IM: IM{
			Cloud:              "sandbox",
			Lifetime:           "permanent",
			ExtraLifetimes:     []string{},
			RenewWindowPercent: 20,
			Registration:       Pending,
		},
		Messages: Messages{WhenUnsure: "deliver"},
		Session: Session{
			AccessLifetime:  10 * time.Minute,
			RefreshLifetime: 30 * 24 * time.Hour,
			MaxLifetime:     365 * 24 * time.Hour,
			RefreshGrace:    10 * time.Second,
			KeyRotation:     30 * 24 * time.Hour,
		},
		Password: Password{Queue: 256},
		Throttle: Throttle{
			AccountFree: 5,
			AddressFree: 50,
			Delay:       time.Second,
			MaxDelay:    5 * time.Minute,
			Window:      15 * time.Minute,
		},
		Notices: Notices{
			OutboxAge: 10 * time.Minute,
			Quiet:     6 * time.Hour,
			Mail:      NoticesMail{Port: 587, To: []string{}},
		},
		Reconcile: Reconcile{At: "03:30"},
		Log:       Log{Level: "info"},
	}
	for _, cloud := range c.IM.clouds() {
		cloud.defaults()
	}
	return c
}
