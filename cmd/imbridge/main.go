// Command imbridge is the app server between a company's users and its IM cloud.
//
// It wires the packages together and owns the process: settings, start and stop
// in order, signals, and what an operator types. It decides nothing about
// tokens, users or clouds itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"imbridge/config"
)

// version is set by the linker.
var version = "unversioned"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to stop, a second one is not waited for.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// An app is what commands share: the process's streams and its settings.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	configPath     string
}

// errFound ends doctor, which has said everything already.
var errFound = errors.New("")

// run is main with everything handed in. It returns the exit status: 0, 1 when
// the command failed or found something, 2 when it was not understood.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "imbridge",
		Short: "App server between your users and their IM cloud",
		Long: `imbridge registers your users, logs them in, and hands them the connect token
that their IM cloud accepts, renewed before it runs out.

Start with "imbridge serve": without any setting it keeps SQLite and its keys in
./data and brings a sandbox in place of a cloud. Settings come from
./imbridge.yaml or --config, then from IMBRIDGE_* variables, then, for secrets,
from the files that IMBRIDGE_*_FILE name. imbridge.example.yaml lists them all.`,
		Version:       builtAs(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "settings `file` (default ./imbridge.yaml if it exists)")
	root.AddCommand(a.serveCommand(), a.sandboxCommand(), a.migrateCommand(), a.adminCommand(), a.reconcileCommand(), a.doctorCommand(), a.versionCommand()) //nolint:contextcheck // cobra hands it to them
	root.SetVersionTemplate("imbridge {{.Version}}\n")
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	understood := false
	for _, c := range root.Commands() {
		markUnderstood(c, &understood)
	}
	called, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFound):
		return 1
	}
	fmt.Fprintln(stderr, "imbridge:", err)
	if !understood {
		fmt.Fprintf(stderr, "%q tells how it is used.\n", called.CommandPath()+" --help")
		return 2
	}
	return 1
}

// markUnderstood notes that a command's flags and arguments were right, so that
// what fails afterwards is not blamed on how it was typed. A group of commands is
// none by itself.
func markUnderstood(c *cobra.Command, understood *bool) {
	for _, sub := range c.Commands() {
		markUnderstood(sub, understood)
	}
	if do := c.RunE; do != nil && !c.HasSubCommands() {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			*understood = true
			return do(cmd, args)
		}
	}
}

// group is a command that only holds others. Without its RunE cobra would print
// the help for a mistyped one and end as if all were well.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name())
	}
	g := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs, DisableFlagsInUseLine: true,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%s does nothing by itself; add %s", use, strings.Join(names, " or "))
		},
	}
	g.AddCommand(commands...)
	return g
}

// settings reads them, or says all that is wrong with them.
func (a *app) settings() (config.Config, error) {
	return config.Load(config.Options{Path: a.configPath, Clouds: cloudNames()})
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(a.stdout, "imbridge", builtAs())
			return nil
		},
	}
}

// builtAs is the version and what it was built with.
func builtAs() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return version + " (" + info.GoVersion + ")"
	}
	return version
}
