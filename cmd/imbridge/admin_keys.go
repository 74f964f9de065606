package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"imbridge/config"
	"imbridge/models"
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
replaced at the cloud, or when tokens may be in wrong hands. The secret in the settings
counts. New tokens are minted as people come, and for those seen lately by running servers
in rounds that leave room for logins. Servers that run with this secret notice within
seconds; those with an older one have to be restarted with it.`,
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
