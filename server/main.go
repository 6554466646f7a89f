// Command server is Headrace: a control plane for integrations with customers' systems, in one process with one database file.
// This package is the wiring: flags, listeners, and the order in which parts start and stop. It must not decide anything else.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // time zones of schedules, on machines that have none

	"github.com/alecthomas/kong"

	"github.com/headrace/headrace/internal/sandbox"
)

func main() {
	sandbox.Main() // this process may have been started to run scripts
	var told commands
	parser := kong.Must(&told, kong.Name("headrace-server"), kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 120}),
		kong.Description("A self-hosted control plane for integrations with your customers' systems. Without a command it serves."))
	parsed, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "headrace-server: %v; see headrace-server --help\n", err)
		os.Exit(exitCommandLine)
	}
	if told.Version {
		fmt.Println(version())
		return
	}
	os.Exit(start(&told, parsed.Command()))
}

// printHelp shows the flags of serve on the first page: that is what the program does without a command. The program ends after it, so
// that the model may be changed.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if ctx.Selected() == nil {
		options.FlagsLast = true
		for _, command := range ctx.Model.Children {
			if command.Name == "serve" {
				ctx.Model.Flags = append(ctx.Model.Flags, command.Flags...)
			}
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// start does what the program was told, until it is done or told to stop, and returns the exit code.
func start(told *commands, command string) int {
	ctx, stop := untilSignal()
	defer stop()
	if err := told.run(ctx, command); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "headrace-server:", err)
		return exitCode(err)
	}
	return 0
}

// untilSignal returns a context that ends when the program is told to stop, and does not listen from then on: who is told once drains,
// who is told again ends at once, as the signal has it. What was answered is on the disk by then.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		stop()
	}()
	return ctx, stop
}

func (c *commands) run(ctx context.Context, command string) error {
	name, _, _ := strings.Cut(command, " ")
	switch name {
	case "backup":
		return c.Backup.run(ctx, os.Stdout)
	case "verify":
		return c.Verify.run(ctx, os.Stdout)
	case "restore":
		return c.Restore.run(ctx, os.Stdout)
	default:
		return run(ctx, c.Serve)
	}
}

func run(ctx context.Context, cfg Config) error {
	s, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Printf("headrace %s\n  gRPC      %s\n  REST      http://%s/v1/\n  API page  http://%s/\n  webhooks  %s\n  data      %s\n",
		version(), s.grpcAddr, s.httpAddr, s.httpAddr, s.publicURL.JoinPath("hooks"), cfg.DataDir)
	return s.serve(ctx)
}

// version is what the build says of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
