package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"imbridge/models"
)

func (a *app) migrateCommand() *cobra.Command {
	return group("migrate", "Bring the database's schema up to date, or show where it stands", &cobra.Command{
		Use: "up", Short: "Take all missing steps", Args: cobra.NoArgs,
		Long: "Takes all missing schema steps. When several processes do so at once, one works and the others wait for it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd.Context(), func(s *models.Store) error {
				steps, err := s.Migrate(cmd.Context())
				for _, m := range steps {
					fmt.Fprintf(a.stdout, "done     %s\n", m.Name)
				}
				if err == nil && len(steps) == 0 {
					fmt.Fprintln(a.stdout, "nothing to do")
				}
				return err
			})
		},
	}, &cobra.Command{
		Use: "status", Short: "List all steps, taken and missing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd.Context(), func(s *models.Store) error {
				list, err := s.Migrations(cmd.Context())
				for _, m := range list {
					state := "missing"
					if m.Applied {
						state = "done"
					}
					fmt.Fprintf(a.stdout, "%-8s %s\n", state, m.Name)
				}
				return err
			})
		},
	})
}

// withDatabase needs no data key: the schema is not sealed.
func (a *app) withDatabase(ctx context.Context, do func(*models.Store) error) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	store, err := openDatabase(ctx, cfg, nil, a.logger(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return do(store)
}
