package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"imbridge/models"
)

func (a *app) adminCommand() *cobra.Command {
	var name string
	var fromStdin bool
	create := &cobra.Command{
		Use: "create --name NAME --password-stdin", Short: "Make an admin", Args: cobra.NoArgs, DisableFlagsInUseLine: true,
		Long: `Makes an admin, who logs in at POST /v1/admin/login. The password is the first line of
standard input (8 to 128 characters), so that it stays out of the shell's history and
of the list of processes. It may run beside a server on the same database.`,
		Example: "  imbridge admin create --name ann --password-stdin < password.txt",
		PreRunE: func(*cobra.Command, []string) error {
			if !fromStdin {
				return errors.New("the password is read from standard input only: add --password-stdin")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := firstLine(a.stdin)
			if err != nil {
				return fmt.Errorf("read password: %w", err)
			}
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			store, err := openStore(cmd.Context(), cfg, a.logger(cfg))
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			admin, err := store.CreateAdmin(cmd.Context(), name, password, models.Origin{})
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "admin %s created\n", admin.Name)
			return nil
		},
	}
	create.Flags().StringVar(&name, "name", "", "the admin's `name`, 3 to 32 characters")
	create.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	_ = create.MarkFlagRequired("name")
	return group("admin", "Manage the people who steer, and what they steer",
		create,
		a.auditCommand(),
		a.queueCommand(),
		a.testNoticeCommand(),
		a.rotateCloudSecretCommand(),
		a.rotateSigningKeyCommand(),
		a.rotateDataKeyCommand(),
		a.resealCommand(),
	)
}

// firstLine reads at most 1 KiB.
func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("standard input is empty")
	}
	return line, nil
}
