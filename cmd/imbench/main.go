// Command imbench measures what a token fetch costs above its floor.
//
// It fills a database of its own with accounts, starts the real imbridge and,
// beside it, the least that could answer the same request, puts the one and the
// other under the same load in turn, and prints the ratio of their throughputs.
// It never runs in production and never touches a database that it has not made.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// errBelow ends a run whose ratio or errors are not good enough; the table has
// said so already.
var errBelow = errors.New("")

// run is main with everything handed in. It returns the exit status: 0, 1 when
// the run failed or was not good enough, 2 when it was not understood.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	understood := false
	root := command(stdin, stdout, stderr, &understood) //nolint:contextcheck // cobra hands it to the command
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errBelow):
		return 1
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "imbench: stopped")
		return 1
	}
	fmt.Fprintln(stderr, "imbench:", err)
	if !understood {
		fmt.Fprintln(stderr, `"imbench --help" explains the flags.`)
		return 2
	}
	return 1
}

func command(stdin io.Reader, stdout, stderr io.Writer, understood *bool) *cobra.Command {
	p := defaultPlan()
	root := &cobra.Command{
		Use:   "imbench",
		Short: "Throughput of a token fetch against its floor",
		Long: `imbench fills a database of its own with accounts, each with a session and a sealed
connect token, starts "imbridge serve" on it, and beside it the floor: Echo without any
middleware, the same check of the access token, one prepared SELECT by primary keys of the
rows that a right answer depends on, and an answer with the same fields, neither opened
nor judged. Both get the same requests from the same workers, in turn, one at a time; in a
third turn the floor reads the token's row alone, which is told but decides nothing:

  ` + p.shape() + `

The result is the median over the rounds of imbridge's requests a second divided by the
floor's. The exit status is 1 when it is below --floor-ratio, or when any request failed.

The database server is that of IMBRIDGE_TEST_MYSQL_DSN or IMBRIDGE_TEST_MARIADB_DSN
("user:password@tcp(host:port)/"), which ".ci/databases run" sets. The database is made
for the run and dropped at its end. A million accounts need about 2 GB there.`,
		Example: `  make bench                                          a million accounts on MySQL
  make bench ARGS='--engine mariadb --accounts 100000'
  go run ./cmd/imbench --engine sqlite --accounts 2000 --rounds 3 --turn 1s`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(); err != nil {
				return err
			}
			*understood = true
			b := &bench{plan: p, environ: os.Environ(), stdout: stdout, stderr: stderr}
			return b.run(cmd.Context())
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	p.flags(root.Flags())
	root.AddCommand(proofCommand(stdout, stderr, understood))   //nolint:contextcheck // cobra hands it to the command
	root.AddCommand(friendsCommand(stdout, stderr, understood)) //nolint:contextcheck // cobra hands it to the command
	root.AddCommand(&cobra.Command{
		Use: "floor", Short: "Serve the floor", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			*understood = true
			return serveFloor(cmd.Context(), stdin, stdout)
		},
	})
	return root
}
