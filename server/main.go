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
	"syscall"
	_ "time/tzdata" // time zones of schedules, on machines that have none

	"github.com/alecthomas/kong"
)

func main() {
	var cfg Config
	kong.Parse(&cfg, kong.Name("headrace-server"), kong.UsageOnError(),
		kong.Description("A self-hosted control plane for integrations with your customers' systems."))
	if cfg.Version {
		fmt.Println(version())
		return
	}
	os.Exit(start(cfg))
}

// start runs the server until it is told to stop, and returns the exit code.
func start(cfg Config) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, cfg); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "headrace-server:", err)
		return exitCode(err)
	}
	return 0
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
