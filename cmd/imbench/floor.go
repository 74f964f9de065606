package main

import (
	"context"
	"database/sql"
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

// floorQuery reads by primary keys the rows that a right answer depends on:
// whether the session lives, whether the person may, the token, and the lifetime
// in force.
const floorQuery = `SELECT t.token_sealed, t.issued_at, t.epoch, u.im_id, u.status, u.token_epoch, s.expires_at, s.revoked_at, COALESCE(lu.seconds, ld.seconds)
	FROM sessions s JOIN users u ON u.id = s.user_id JOIN im_tokens t ON t.cloud_app = ? AND t.user_id = u.id
	LEFT JOIN lifetimes lu ON lu.scope = u.id LEFT JOIN lifetimes ld ON ld.scope = 'default'
	WHERE s.id = ? AND s.user_id = ?`

// rowQuery reads the token's row alone: what an answer would take if nobody
// could log out or be banned, and no lifetime could change.
const rowQuery = "SELECT token_sealed, issued_at FROM im_tokens WHERE cloud_app = ? AND user_id = ?"

// rowPath is where the floor answers by rowQuery.
const rowPath = "/v1/im/row"

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
	needed, err := db.PrepareContext(ctx, floorQuery)
	if err != nil {
		return err
	}
	defer func() { _ = needed.Close() }()
	row, err := db.PrepareContext(ctx, rowQuery)
	if err != nil {
		return err
	}
	defer func() { _ = row.Close() }()

	appKey := cfg.IM.RongCloud.AppKey
	app, navigators := appName(appKey), []string{"http://127.0.0.1:8090"}
	e := echo.New()
	answer := func(c echo.Context, read func(ctx context.Context, who tokens.Caller, sealed *[]byte, issued *int64) error) error { //nolint:contextcheck // echo hands the context over in c
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
		if err := read(ctx, caller, &answer.Token, &issued); err != nil {
			return err
		}
		answer.Cloud, answer.AppKey, answer.IMUserID = cloudName, appKey, caller.ID
		answer.IssuedAt, answer.ServerTime = time.UnixMicro(issued).UTC(), time.Now().UTC()
		answer.ExpiresAt = answer.IssuedAt.Add(lifetime)
		answer.RenewAfter = answer.ExpiresAt.Add(-lifetime / 5)
		answer.Endpoints.Navigators = navigators
		return c.JSON(http.StatusOK, &answer)
	}
	e.GET(fetchPath, func(c echo.Context) error {
		return answer(c, func(ctx context.Context, who tokens.Caller, sealed *[]byte, issued *int64) error {
			var im, status string
			var epoch, tokenEpoch, expires, seconds int64
			var revoked sql.NullInt64
			return needed.QueryRowContext(ctx, app, who.SessionID, who.ID).Scan(sealed, issued, &tokenEpoch, &im, &status, &epoch, &expires, &revoked, &seconds)
		})
	})
	e.GET(rowPath, func(c echo.Context) error {
		return answer(c, func(ctx context.Context, who tokens.Caller, sealed *[]byte, issued *int64) error {
			return row.QueryRowContext(ctx, app, who.ID).Scan(sealed, issued)
		})
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
