package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"imbridge/config"
	"imbridge/handlers"
	"imbridge/models"
	"imbridge/tokens"
	"imbridge/tokens/outbox"
	"imbridge/web"
)

const (
	// adminLifetime is how long an admin stays logged in.
	adminLifetime = 30 * time.Minute
	// mintTimeout bounds one mint of a connect token; see tokens.Issuer.
	mintTimeout = 10 * time.Second
	// sweepEvery is how often rows that have served their time are deleted.
	sweepEvery = 10 * time.Minute
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve the API", Args: cobra.NoArgs,
		Long: `Serves the API on server.listen and metrics on ops.listen until it is told to stop
(SIGTERM, SIGINT); requests under way are finished. SQLite is brought up to date by
itself, MySQL only with database.migrate_on_start.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), cfg, a.logger(cfg))
		},
	}
}

func (a *app) logger(cfg config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level))
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, o))
	}
	return slog.New(slog.NewTextHandler(a.stderr, o))
}

// serve starts from below to above (database, sandbox, cloud, tokens, API) and
// stops from above to below.
func (a *app) serve(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	store, err := openStore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()

	var box *sandboxServer
	if cfg.IM.Cloud == "sandbox" {
		if box, err = listenSandbox(&cfg, log); err != nil {
			return err
		}
	}
	metrics := handlers.NewMetrics()
	metrics.WatchHasher(store.Hasher.Waiting)
	metrics.WatchPool(store.Connections)
	var troubles troubles
	client, err := openCloud(cfg, troubles.calls(metrics.CloudCall))
	if err != nil {
		return err
	}
	store.DeriveIMPassword = client.derivePassword
	if err := initLifetime(ctx, cfg, store); err != nil {
		return err
	}
	now := clock()
	keys := signingKeys(cfg, store, log, now)
	if err := keys.Load(ctx); err != nil {
		return err
	}
	process := make([]byte, 6)
	_, _ = rand.Read(process)
	issuer := &tokens.Issuer{Store: store, Cloud: client.Cloud, ReadSecretVersion: secretVersion(store, client), WindowPercent: cfg.IM.RenewWindowPercent,
		MintTimeout: mintTimeout, RoundRate: client.roundRate, Process: hex.EncodeToString(process), Now: now, Log: log, Observe: troubles.tokens(metrics.Token)}
	if err := beginWithSecret(ctx, store, client, issuer); err != nil {
		return err
	}
	delivery := &outbox.Delivery{Store: store, Cloud: client.Cloud, Issuer: issuer, Rate: client.roundRate, Now: now}
	lists := &outbox.Lists{Store: store, Cloud: client.Cloud, Wanted: cfg.Messages.RequireFriendship, Now: now, Log: log}
	runner := &outbox.Runner{Store: store, Kinds: delivery.Kinds(), Process: issuer.Process, Now: now, Log: log, Observe: metrics.Outbox}
	watcher, err := newWatcher(cfg, store, client, &troubles, issuer.Process, now, log)
	if err != nil {
		return err
	}
	overview := &handlers.Overview{Metrics: metrics, Now: now}
	deps := handlers.Deps{Overview: overview, Store: store, Issuer: issuer, Metrics: metrics, Log: log, Now: now, CloudState: client.breaker, Health: &handlers.Health{},
		RotateCloudSecret: func(ctx context.Context, actor string, o models.Origin) error {
			return store.RotateSecret(ctx, client.app(), client.secret, actor, o)
		},
		Callbacks: callbacks(cfg, client),
		Access:    &tokens.Access{Keys: keys, Issuer: issuerName(cfg), Lifetime: cfg.Session.AccessLifetime, AdminLifetime: adminLifetime, Now: now},
		Settings: handlers.Settings{Version: version, RegisterBudget: cfg.Server.RegisterBudget, Bundled: !web.BundleMissing(client.Name()), Rollback: cfg.IM.Registration == config.Rollback,
			TokenBudget:    cfg.Server.TokenBudget,
			TrustedProxies: cfg.Server.Proxies(), CORSOrigins: cfg.Server.CORSOrigins, Lifetimes: lifetimes(cfg),
			ConnectSources: client.sources,
			// Renewals ahead of time have half of it; see clouds.go.
			MintsPerSecond:  2 * client.roundRate,
			ConsoleLifetime: cfg.ConsoleLifetime(), Sandbox: cfg.IM.Cloud == "sandbox"}}

	api, err := listen("server.listen", cfg.Server.Listen)
	if err != nil {
		return err
	}
	ops, err := listen("ops.listen", cfg.Ops.Listen)
	if err != nil {
		return err
	}
	if box != nil && cfg.Messages.RequireFriendship {
		if err := box.friendsOnly(cfg, reachable(api)); err != nil {
			log.Warn("sandbox does not keep messages between friends", "err", err)
		}
	}
	a.announce(ctx, cfg, store, api, ops, box, client.AppKey())
	log.Info("serving", "version", version, "env", cfg.Env, "api", api.Addr().String(), "ops", ops.Addr().String(), "cloud", cfg.IM.Cloud)

	// What runs behind the requests ends after the last request.
	behind, stopBehind := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBehind()
	g, gctx := errgroup.WithContext(behind)
	g.Go(func() error { return keys.Run(gctx) })
	g.Go(func() error { return issuer.Run(gctx) })
	g.Go(func() error { return runner.Run(gctx) })
	g.Go(func() error { return lists.Run(gctx) })
	g.Go(func() error { return watcher.Run(gctx) })
	g.Go(func() error { return overview.Run(gctx) })
	nightly := newNightly(cfg, store, client, issuer.Process, metrics, log)
	g.Go(func() error { return nightly.Run(gctx) })
	g.Go(func() error { return sweep(gctx, store, log) })
	g.Go(func() error { return resealBehind(gctx, store, log) })
	g.Go(func() error { return sealAudit(gctx, store, log) })
	if box != nil {
		g.Go(func() error { return box.serve(gctx) })
	}
	opsServer := httpServer(handlers.Ops(deps), log)
	g.Go(func() error { return ignoreClosed(opsServer.Serve(ops)) })
	g.Go(func() error {
		defer stopBehind()
		return a.serveAPI(ctx, gctx, cfg, deps, api)
	})
	g.Go(func() error {
		<-gctx.Done()
		return opsServer.Close()
	})
	return g.Wait()
}

// serveAPI answers until stop ends, or broken does because something beside it
// failed. Then it says "not ready", gives load balancers time to notice, closes
// the listener, and lets requests under way finish.
func (a *app) serveAPI(stop, broken context.Context, cfg config.Config, deps handlers.Deps, l net.Listener) error {
	server := httpServer(handlers.New(deps), deps.Log)
	failed := make(chan error, 1)
	go func() { failed <- ignoreClosed(server.Serve(l)) }()
	select {
	case err := <-failed:
		return err
	case <-broken.Done():
	case <-stop.Done():
		deps.Log.Info("stopping", "drain_delay", cfg.Server.DrainDelay, "grace", cfg.Server.ShutdownGrace)
		deps.Health.SetDraining()
		select {
		case <-time.After(cfg.Server.DrainDelay):
		case <-broken.Done():
		}
	}
	// Shutdown sends clients away from their connections before it closes the
	// listener. They come back at once, and the kernel resets who waits there.
	_ = l.Close()
	// Shutdown would close it once more, and take that for a failure, were the
	// server not done with it.
	if err := <-failed; err != nil && !errors.Is(err, net.ErrClosed) {
		deps.Log.Warn("listener broke", "err", err)
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(stop), cfg.Server.ShutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("requests were still under way after server.shutdown_grace (%s)", cfg.Server.ShutdownGrace)
		}
		return err
	}
	deps.Log.Info("stopped")
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func initLifetime(ctx context.Context, cfg config.Config, store *models.Store) error {
	lifetime, err := tokens.ParseLifetime(cfg.IM.Lifetime)
	if err != nil {
		return fmt.Errorf("im.lifetime: %w", err)
	}
	return store.InitLifetime(ctx, time.Duration(lifetime))
}

// lifetimes that an admin may choose. The settings have been checked.
func lifetimes(cfg config.Config) []tokens.Lifetime {
	var extra []tokens.Lifetime
	for _, s := range append([]string{cfg.IM.Lifetime}, cfg.IM.ExtraLifetimes...) {
		if l, err := tokens.ParseLifetime(s); err == nil {
			extra = append(extra, l)
		}
	}
	return tokens.Choices(extra...)
}

// issuerName is what access tokens say they come from. It must outlive a restart
// on another port, so that it never holds one that was picked.
func issuerName(cfg config.Config) string {
	if cfg.Server.PublicURL != "" {
		return cfg.Server.PublicURL
	}
	return "imbridge"
}

func sweep(ctx context.Context, store *models.Store, log *slog.Logger) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := store.Sweep(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "sweep put off", "err", err)
			}
		}
	}
}

// announce tells where everything is and how to go on, in a few lines.
func (a *app) announce(ctx context.Context, cfg config.Config, store *models.Store, api, ops net.Listener, box *sandboxServer, appKey string) {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "imbridge %s, %s\n", version, cfg.Env)
	line("open", "%s   register two people in two windows, and chat; admins go to /admin", reachable(api))
	line("api", "%s   contract and try-out lines at /docs", reachable(api))
	line("metrics", "%s/metrics", reachable(ops))
	if box != nil {
		line("cloud", "%s   the sandbox, in place of %s; app key %s", box.url, box.plays, box.appKey)
		line("control", "%s   its faults, clock and counters", box.controlURL)
	} else {
		line("cloud", "%s, app key %s", cfg.IM.Cloud, appKey)
	}
	if cfg.Database.Driver == "sqlite" {
		line("database", "SQLite in %s", cfg.Database.DSN.Reveal())
	} else {
		line("database", "MySQL")
	}
	if !cfg.Keys.DataKey.IsSet() {
		line("data key", "%s   keep a copy: without it nobody can read the stored tokens", cfg.DataKeyFile())
	}
	if n, err := store.Admins(ctx); err == nil && n == 0 {
		own := os.Args[0]
		if a.configPath != "" {
			own += " --config " + a.configPath
		}
		fmt.Fprintf(&b, "There is no admin yet. Make the first one in another terminal:\n  %s admin create --name ann --password-stdin\nand type a password of 8 or more characters, then Enter.\n", own)
	}
	fmt.Fprint(a.stdout, b.String())
}

// secretVersion reads the version of a cloud's secret.
func secretVersion(store *models.Store, c cloud) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		return store.SecretVersionNow(ctx, c.app(), c.secret)
	}
}

// beginWithSecret makes the secret that this process starts with the newest one.
func beginWithSecret(ctx context.Context, store *models.Store, c cloud, issuer *tokens.Issuer) error {
	if _, err := store.SecretVersion(ctx, c.app(), c.secret); err != nil {
		return err
	}
	return issuer.LoadSecretVersion(ctx)
}
