package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"imbridge/config"
	"imbridge/models"
	"imbridge/tokens"
)

// operator is who the audit says has typed a command.
const operator = "system"

// withSettings is withStore for what needs the settings too.
func (a *app) withSettings(ctx context.Context, do func(cfg config.Config, store *models.Store) error) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	store, err := openStore(ctx, cfg, a.logger(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return do(cfg, store)
}

func (a *app) rotateCloudSecretCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rotate-cloud-secret", Short: "Mark all stored connect tokens stale", Args: cobra.NoArgs,
		Long: `Marks every connect token that is stored now as stale, for after the app secret was
replaced at the cloud, which ends them there. The secret in the settings counts. New
tokens are minted as people come, and for those seen lately by running servers in rounds
that leave room for logins. Servers that run with this secret notice within seconds;
those with an older one have to be restarted with it. The cloud itself is told nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.withSettings(ctx, func(cfg config.Config, store *models.Store) error {
				if cfg.IM.Cloud == "sandbox" {
					if _, err := sandboxCredentials(&cfg); err != nil {
						return err
					}
				}
				client, err := openCloud(cfg, nil)
				if err != nil {
					return err
				}
				if err := store.RotateSecret(ctx, client.app(), client.secret, operator, models.Origin{}); err != nil {
					return err
				}
				version, err := store.SecretVersionNow(ctx, client.app(), client.secret)
				if err != nil {
					return err
				}
				stale, err := store.StaleTokens(ctx, client.app(), version)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "the secret of %s is now version %d; %d stored tokens are stale\n", client.app(), version, stale)
				return nil
			})
		},
	}
}

func (a *app) rotateSigningKeyCommand() *cobra.Command {
	var emergency bool
	c := &cobra.Command{
		Use: "rotate-signing-key [--emergency]", Short: "Sign access tokens with a new key", Args: cobra.NoArgs, DisableFlagsInUseLine: true,
		Long: `Makes a new key for access tokens. It is published at once and signs ten minutes later;
the older ones stay until their last token is over. Nobody notices.

With --emergency, for keys that are in wrong hands, it signs at once and the older ones
go: every access token ends, within ten seconds at every running server. Clients refresh
their sessions as usual; admins log in again.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.withSettings(ctx, func(cfg config.Config, store *models.Store) error {
				keys := signingKeys(cfg, store, a.logger(cfg), time.Now)
				if err := keys.RotateNow(ctx, emergency, operator, models.Origin{}); err != nil {
					return err
				}
				if emergency {
					fmt.Fprintln(a.stdout, "a new key signs; all earlier access tokens are void")
					return nil
				}
				fmt.Fprintln(a.stdout, "a new key is published, and signs in ten minutes")
				return nil
			})
		},
	}
	c.Flags().BoolVar(&emergency, "emergency", false, "the keys in use are in wrong hands: void all that they signed")
	return c
}

func signingKeys(cfg config.Config, store *models.Store, log *slog.Logger, now func() time.Time) *tokens.Keys {
	return &tokens.Keys{Store: store, AccessLifetime: max(cfg.Session.AccessLifetime, adminLifetime), Rotation: cfg.Session.KeyRotation, Now: now, Log: log}
}
