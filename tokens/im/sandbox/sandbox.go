package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultAppKey is the app key of a sandbox whose Config names none.
const DefaultAppKey = "imbridgesandbox"

// maxRead is how much of a request body is looked at, in bytes. Every limit of
// the clouds lies below it.
const maxRead = 1 << 20

// Config is how a sandbox starts. The zero value works.
type Config struct {
	// AppKey is the public key of the only app. Default DefaultAppKey.
	AppKey string
	// AppSecret signs the server API's calls. Default: random, see AppSecret.
	AppSecret string
	// Navigator is put behind the '@' of each token, "http://127.0.0.1:8090".
	// SDKs look there first. SetNavigator sets it later.
	Navigator string
	// TokenLifetime is the console's token lifetime. Zero means permanent.
	TokenLifetime time.Duration
	// UserCap is how many users may register before code 2007. Zero: no cap.
	UserCap int
	// EasemobAppKey is the app's key in Easemob's dialect, "org#app". Default
	// DefaultEasemobAppKey.
	EasemobAppKey string
	// EasemobClientID and EasemobClientSecret are what an app token costs.
	// Default: random, see the methods of these names.
	EasemobClientID     string
	EasemobClientSecret string
	// EasemobAgoraAppID and EasemobAgoraCertificate sign "007" tokens, 32 hex
	// digits each. Default: random.
	EasemobAgoraAppID       string
	EasemobAgoraCertificate string
	// EasemobTokenTTL is the console's lifetime of tokens for calls that name
	// none. Zero means 60 days.
	EasemobTokenTTL time.Duration
	// RemoteWebhooks lets webhooks go to addresses that are not loopback.
	RemoteWebhooks bool
	// NoRateLimits switches the limits per second off.
	NoRateLimits bool
	// Strict also enforces what the documentation says and the real cloud is
	// known to let pass, and limits of older documentation: nonces up to 18
	// characters, timestamps within five minutes of Now, user ids of letters
	// and digits only, names up to 128 bytes.
	Strict bool
	// Seed starts the dice of faults with a percentage, so that a run repeats.
	Seed uint64
	// Location is the zone of the dates that RongCloud writes without one.
	// Default UTC+8, as its China data centre does.
	Location *time.Location
	// Now is the clock below the one that /control/clock moves. Default time.Now.
	Now func() time.Time
	// Log gets one debug line for each call, without bodies. Default: discarded.
	Log *slog.Logger
}

// A Sandbox is one app at an emulated cloud. It is safe for concurrent use.
type Sandbox struct {
	cfg      Config
	dialects []dialect

	mu    sync.Mutex
	ahead time.Duration // how far /control/clock has moved the clock
	app   app
	store store

	ease       *easemob
	easeLastID uint64 // of the newest message, outliving resets

	sockets  sockets
	lastSync int64 // of the newest message, outliving resets

	hooks *http.Client // of the app server, of both dialects

	calls  callLog
	faults faultTable
	last   map[string]answer // by path: the last good one
}

// New makes an empty sandbox.
func New(cfg Config) *Sandbox {
	if cfg.AppKey == "" {
		cfg.AppKey = DefaultAppKey
	}
	if cfg.AppSecret == "" {
		cfg.AppSecret = newSecret()
	}
	cfg.fillEasemob()
	if cfg.Location == nil {
		cfg.Location = time.FixedZone("UTC+8", 8*60*60)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sandbox{
		cfg: cfg,
		app: app{
			secret:     cfg.AppSecret,
			navigator:  cfg.Navigator,
			lifetime:   cfg.TokenLifetime,
			userCap:    cfg.UserCap,
			rateLimits: !cfg.NoRateLimits,
			rates:      map[string]int{},
			blacklist:  true,
			whitelist:  true,

			development: true,
			ease:        newEaseApp(cfg),
		},
		store:   newStore(),
		sockets: sockets{raw: map[net.Conn]bool{}, live: map[string][]*connection{}},
		hooks:   newHookClient(cfg.RemoteWebhooks),
	}
	s.ease = newEasemob(s)
	s.dialects = []dialect{newRongcloud(s), s.ease}
	return s
}

// SetNavigator changes what stands behind the '@' of tokens issued from now on:
// for a listener whose port is known only after it was opened.
func (s *Sandbox) SetNavigator(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.navigator = url
}

// AppKey is the public key of the app.
func (s *Sandbox) AppKey() string { return s.cfg.AppKey }

// AppSecret is the secret in force. It changes with rotate_secret.
func (s *Sandbox) AppSecret() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app.secret
}

// Handler is the cloud's server API.
func (s *Sandbox) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// A call is one request to the cloud, its body read.
type call struct {
	method string
	path   string
	query  string
	host   string // as the caller knows the cloud
	header http.Header
	body   []byte // at most maxRead+1 bytes
	label  string // as /control/calls counts it
}

// An answer is what the cloud says to one call.
type answer struct {
	status int
	header http.Header
	body   []byte
	// pause cuts the answer in two halves with this much time between them.
	pause time.Duration
	// drip cuts it after every byte instead.
	drip bool
}

// A dialect speaks the server API of one cloud. Faults, counts and the clock
// are around it and the same for every dialect.
type dialect interface {
	// owns tells whether a path is of this cloud, an endpoint or not.
	owns(path string) bool
	// label names the endpoint of a call as /control/calls counts it and as
	// faults match it. known is false for one that the cloud does not have.
	label(method, path string) (label string, known bool)
	// shared names the limit that an endpoint uses up together with others;
	// empty for one that has its own.
	shared(label string) string
	// about tells whether a call is about a person.
	about(person string, c *call) bool
	// serve does the work. It takes the sandbox's lock by itself.
	serve(c *call) answer
	// refuse is the cloud's own way to say code, or the error of that name.
	// Status 0 means the one that belongs to it.
	refuse(code, status int, name string) answer
	// limits lists the endpoints and how many calls each takes in a span.
	limits() map[string]limit
	// preflight answers what a browser asks on behalf of a page, if it is that.
	preflight(r *http.Request) (answer, bool)
	// ownsSocket tells whether a path is of a web socket, which connect serves to
	// its end.
	ownsSocket(path string) bool
	connect(w http.ResponseWriter, r *http.Request)
}

// dialectFor picks by path. The first dialect also answers for paths that
// nobody knows.
func (s *Sandbox) dialectFor(path string) dialect {
	for _, d := range s.dialects {
		if d.owns(path) {
			return d
		}
	}
	return s.dialects[0]
}

func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request) {
	// Neither counted nor hit by faults: it is the browser's call, not the page's.
	for _, d := range s.dialects {
		if a, ok := d.preflight(r); ok {
			a.write(w, r)
			return
		}
	}
	// The body is read first: net/http notices that a caller has gone only
	// after that, and a connection cut with unread bytes looks like a refused
	// request instead of a lost answer.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRead+1))
	if err != nil {
		cut(w)
		return
	}
	if len(body) > maxRead {
		_, _ = io.CopyN(io.Discard, r.Body, 16*maxRead)
	}
	c := &call{method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, host: r.Host, header: r.Header, body: body}
	d := s.dialectFor(c.path)
	label, known := d.label(c.method, c.path)

	s.mu.Lock()
	c.label = s.calls.record(label, known, s.now())
	if group := d.shared(label); group != "" {
		s.calls.peak(group, s.now())
	}
	plan := s.faults.pick(c.label, func(person string) bool { return d.about(person, c) })
	s.mu.Unlock()

	s.cfg.Log.DebugContext(r.Context(), "sandbox call", "path", c.label, "faults", len(plan))
	s.perform(w, r, plan, d, c)
}

// write sends an answer, in two halves where it has a pause.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	if a.pause == 0 {
		_, _ = w.Write(a.body)
		return
	}
	if a.drip {
		a.writeSlowly(w, r)
		return
	}
	half := len(a.body) / 2
	_, _ = w.Write(a.body[:half])
	_ = http.NewResponseController(w).Flush()
	if wait(r.Context(), a.pause) {
		_, _ = w.Write(a.body[half:])
	}
}

// now is the cloud's clock. It is called with the lock held, so that the times
// of the call log are in order.
func (s *Sandbox) now() time.Time { return s.cfg.Now().Add(s.ahead) }

// newSecret is as long as RongCloud's are not: 32 characters instead of about
// 14. Nothing may depend on that length.
func newSecret() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// jsonAnswer is an answer whose body is JSON.
func jsonAnswer(status int, body []byte) answer {
	return answer{
		status: status,
		header: http.Header{"Content-Type": {"application/json;charset=utf-8"}},
		body:   bytes.TrimSpace(body),
	}
}
