package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/config"
	"imbridge/models"
	"imbridge/tokens"
)

// floorQuery reads what an answer is made of, by the primary key.
const floorQuery = "SELECT token_sealed, issued_at FROM im_tokens WHERE cloud_app = ? AND user_id = ?"

// floorToken has the fields of a connect token.
type floorToken struct {
	Cloud      string    `json:"cloud"`
	AppKey     string    `json:"app_key"`
	IMUserID   string    `json:"im_user_id"`
	Token      []byte    `json:"token"` // as stored: sealed
	IssuedAt   time.Time `json:"issued_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	RenewAfter time.Time `json:"renew_after"`
	ServerTime time.Time `json:"server_time"`
	Endpoints  struct {
		Navigators []string `json:"navigators"`
	} `json:"endpoints"`
}

// serveFloor answers until its standard input ends or ctx does. It is set up by
// the variables that imbridge is set up by.
func serveFloor(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	cfg, err := config.Load(config.Options{})
	if err != nil {
		return err
	}
	key, err := models.ParseDataKey(cfg.Keys.DataKey.Reveal())
	if err != nil {
		return err
	}
	store, err := models.Open(ctx, models.Options{Driver: cfg.Database.Driver, DSN: cfg.Database.DSN.Reveal(), DataKey: key, MaxOpen: 1})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := store.Unlock(ctx); err != nil {
		return err
	}
	keys := &tokens.Keys{Store: store, AccessLifetime: cfg.Session.AccessLifetime, Rotation: cfg.Session.KeyRotation, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if err := keys.Load(ctx); err != nil {
		return err
	}
	access := &tokens.Access{Keys: keys, Issuer: cfg.Server.PublicURL, Now: time.Now}

	db, err := bare(cfg.Database.Driver, cfg.Database.DSN.Reveal(), cfg.Database.MaxOpen)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	row, err := db.PrepareContext(ctx, floorQuery)
	if err != nil {
		return err
	}
	defer func() { _ = row.Close() }()

	appKey := cfg.IM.RongCloud.AppKey
	app, navigators := appName(appKey), []string{"http://127.0.0.1:8090"}
	e := echo.New()
	e.GET(fetchPath, func(c echo.Context) error { //nolint:contextcheck // echo hands the context over in c
		ctx := c.Request().Context()
		token, ok := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
		if !ok {
			return echo.ErrUnauthorized
		}
		caller, err := access.Verify(ctx, token, tokens.AudienceUser)
		if err != nil {
			return echo.ErrUnauthorized
		}
		var answer floorToken
		var issued int64
		if err := row.QueryRowContext(ctx, app, caller.ID).Scan(&answer.Token, &issued); err != nil {
			return err
		}
		answer.Cloud, answer.AppKey, answer.IMUserID = cloudName, appKey, caller.ID
		answer.IssuedAt, answer.ServerTime = time.UnixMicro(issued).UTC(), time.Now().UTC()
		answer.ExpiresAt = answer.IssuedAt.Add(lifetime)
		answer.RenewAfter = answer.ExpiresAt.Add(-lifetime / 5)
		answer.Endpoints.Navigators = navigators
		return c.JSON(http.StatusOK, &answer)
	})

	l, err := net.Listen("tcp", cfg.Server.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "floor\n  api        http://%s\n", l.Addr())
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		gone := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, stdin); close(gone) }()
		select {
		case <-gone: // whoever started us is no more
		case <-ctx.Done():
		}
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}

// environment sets up both sides alike, with nothing of ours inherited.
func environment(inherited []string, settings map[string]string) []string {
	var env []string
	for _, v := range inherited {
		if !strings.HasPrefix(v, "IMBRIDGE_") {
			env = append(env, v)
		}
	}
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	return env
}
