package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imbridge/config"
	"imbridge/handlers"
	"imbridge/tokens/im/sandbox"
)

func (a *app) sandboxCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sandbox", Short: "Stand in for the IM clouds, alone", Args: cobra.NoArgs,
		Long: `Serves the emulated cloud on sandbox.listen and its control API on
sandbox.control_listen, until it is told to stop. Everything is in memory. It stands in
for the cloud that sandbox.cloud names, whose app key and secret are those of the
settings; without them the app key is ` + sandbox.DefaultAppKey + ` (RongCloud) or
` + sandbox.DefaultEasemobAppKey + ` (Easemob), and the secret is made once and kept in the
data folder.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			log := a.logger(cfg)
			box, err := listenSandbox(&cfg, log)
			if err != nil {
				return err
			}
			secret := "as set"
			if box.secretFile != "" {
				secret = "in " + box.secretFile
			}
			fmt.Fprintf(a.stdout, "imbridge %s, the sandbox alone\n  %-10s %s   stands in for %s; app key %s\n  %-10s %s\n  %-10s %s   its faults, clock and counters\n",
				version, "sandbox", box.url, box.plays, box.appKey, "secret", secret, "control", box.controlURL)
			return box.serve(cmd.Context())
		},
	}
}

// A sandboxServer is a sandbox on its two listeners.
type sandboxServer struct {
	url, controlURL string
	plays, appKey   string // the cloud in words, and its app
	secretFile      string // empty: the settings named the secret
	api, control    net.Listener
	box             *sandbox.Sandbox
	log             *slog.Logger
}

// listenSandbox opens the listeners and writes into cfg how to reach the
// emulated cloud, so that the clients find it there.
func listenSandbox(cfg *config.Config, log *slog.Logger) (*sandboxServer, error) {
	s := &sandboxServer{log: log}
	for _, l := range []struct{ key, addr string }{{"sandbox.listen", cfg.Sandbox.Listen}, {"sandbox.control_listen", cfg.Sandbox.ControlListen}} {
		if err := sandbox.CheckLoopback(l.addr); err != nil && !cfg.Sandbox.AllowRemote {
			return nil, fmt.Errorf("%s: %w; sandbox.allow_remote permits it", l.key, err)
		}
	}
	var err error
	if s.secretFile, err = sandboxCredentials(cfg); err != nil {
		return nil, err
	}
	if s.api, err = listen("sandbox.listen", cfg.Sandbox.Listen); err != nil {
		return nil, err
	}
	if s.control, err = listen("sandbox.control_listen", cfg.Sandbox.ControlListen); err != nil {
		_ = s.api.Close()
		return nil, err
	}
	s.url, s.controlURL = reachable(s.api), reachable(s.control)
	r, m := &cfg.IM.RongCloud, &cfg.IM.Easemob
	s.box = sandbox.New(sandbox.Config{AppKey: r.AppKey, AppSecret: r.AppSecret.Reveal(), Navigator: s.url, TokenLifetime: r.Console(), Log: log,
		EasemobAppKey: m.AppKey, EasemobClientID: m.ClientID, EasemobClientSecret: m.ClientSecret.Reveal(),
		EasemobAgoraAppID: m.AgoraAppID, EasemobAgoraCertificate: m.AgoraCertificate.Reveal()})
	s.plays, s.appKey = "RongCloud", r.AppKey
	if cfg.Sandbox.Cloud == "easemob" {
		s.plays, s.appKey = "Easemob", m.AppKey
		if m.Tokens == "agora" {
			id, certificate := s.box.EasemobAgora()
			m.AgoraAppID, m.AgoraCertificate = id, config.NewSecret(certificate)
		}
	}
	sandboxAddresses(cfg, s.url)
	return s, nil
}

const (
	// sandboxClientID is that of an Easemob app whose settings name none.
	sandboxClientID = "YXA6imbridgesandbox"
	// easemobSocket is the path of the sandbox's web socket for Easemob's SDK.
	easemobSocket = "/ws"
)

// sandboxAddresses writes where clients and SDKs find the sandbox.
func sandboxAddresses(cfg *config.Config, url string) {
	r, m := &cfg.IM.RongCloud, &cfg.IM.Easemob
	r.BaseURL, m.BaseURL = url, url
	if len(r.Navigators) == 0 {
		r.Navigators = []string{url}
	}
	if m.WebSocketURL == "" {
		m.WebSocketURL = strings.Replace(url, "http", "ws", 1) + easemobSocket
	}
	if m.APIURL == "" {
		m.APIURL = url
	}
}

// sandboxCredentials are the app keys and secrets where the settings name none. It
// returns the file that the secret is kept in, which is one for all clouds.
func sandboxCredentials(cfg *config.Config) (secretFile string, err error) {
	sandboxApps(cfg)
	r, m := &cfg.IM.RongCloud, &cfg.IM.Easemob
	if own := map[string]config.Secret{"rongcloud": r.AppSecret, "easemob": m.ClientSecret}[cfg.Sandbox.Cloud]; own.IsSet() {
		return "", nil
	}
	secretFile = filepath.Join(cfg.DataDir, "sandbox.secret")
	secret, _, err := keepSecret(secretFile, func() (string, error) {
		raw := make([]byte, 16)
		_, err := rand.Read(raw)
		return hex.EncodeToString(raw), err
	})
	if err != nil {
		return "", fmt.Errorf("sandbox secret: %w", err)
	}
	sandboxSecret(cfg, secret)
	return secretFile, nil
}

// sandboxApps names the apps where the settings name none.
func sandboxApps(cfg *config.Config) {
	r, m := &cfg.IM.RongCloud, &cfg.IM.Easemob
	r.AppKey = cmp.Or(r.AppKey, sandbox.DefaultAppKey)
	m.AppKey = cmp.Or(m.AppKey, sandbox.DefaultEasemobAppKey)
	m.ClientID = cmp.Or(m.ClientID, sandboxClientID)
}

// sandboxSecret is the one of the apps where the settings name none.
func sandboxSecret(cfg *config.Config, secret string) {
	for _, s := range []*config.Secret{&cfg.IM.RongCloud.AppSecret, &cfg.IM.Easemob.ClientSecret} {
		if !s.IsSet() {
			*s = config.NewSecret(secret)
		}
	}
}

// friendsOnly does in the sandbox what is left to do in a cloud's console for
// messages between friends only; api is where its callbacks go.
func (s *sandboxServer) friendsOnly(cfg config.Config, api string) error {
	if cfg.Client() == "rongcloud" {
		return s.box.SetPreSend(api + handlers.RongCloudCallbackPath)
	}
	secrets := strings.Fields(cfg.Messages.EasemobSecret.Reveal())
	if len(secrets) == 0 {
		return s.box.RequireFriendship("", "")
	}
	return s.box.RequireFriendship(api+handlers.EasemobCallbackPath, secrets[0])
}

// serve answers until ctx ends.
func (s *sandboxServer) serve(ctx context.Context) error {
	api, control := httpServer(s.box.Handler(), s.log), httpServer(s.box.Control(), s.log)
	failed := make(chan error, 2)
	go func() { failed <- api.Serve(s.api) }()
	go func() { failed <- control.Serve(s.control) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	_ = api.Close()
	_ = control.Close()
	s.box.Close() // web sockets outlive their server
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

func listen(key, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another address, port 0 picks a free one", key, err)
	}
	return l, nil
}

// reachable is the address of a listener as somebody on this machine writes it.
func reachable(l net.Listener) string {
	addr := l.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// httpServer has the limits that every listener of ours needs against slow and
// oversized requests.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
}
