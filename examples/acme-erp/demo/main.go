// Command demo plays the tutorial on this machine: it builds the server and the two systems it joins, starts them on free ports
// with a database that is thrown away, and tells the story while it happens. It exits with 1 if anything is not as expected.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/headrace/headrace/examples/acme-erp/story"
)

func main() {
	keep := flag.Bool("keep", false, "leave everything running when the story has ended, until Ctrl-C")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "demo: it takes no arguments but --keep")
		os.Exit(2)
	}
	os.Exit(run(*keep))
}

func run(keep bool) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	tell := newPrinter(os.Stdout)
	err := demo(ctx, tell, keep)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		tell.note("Interrupted: everything was stopped and cleaned up.")
		return 130
	default:
		tell.fail(err)
		return 1
	}
}

// demo builds, starts, plays and stops. What was started is stopped whatever happens.
func demo(ctx context.Context, tell *printer, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "headrace-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tell.title()
	tell.note("Building the server and the two systems. The first time that takes a minute or two.")
	began := time.Now()
	if err := build(ctx, dir); err != nil {
		return err
	}
	tell.note("Built in %s.", time.Since(began).Round(100*time.Millisecond))

	s := &stage{dir: dir}
	defer func() {
		stopped := s.stop()
		if (err != nil || stopped != nil) && ctx.Err() == nil {
			tell.tail(filepath.Join(dir, serverLog))
		}
		err = errors.Join(err, stopped)
	}()
	if err := s.start(ctx); err != nil {
		return err
	}
	began = time.Now()
	if err := story.Play(ctx, s.world, tell); err != nil {
		return err
	}
	tell.end(time.Since(began))
	if keep {
		tell.look(s.places())
		<-ctx.Done()
	}
	return nil
}

// build puts the programs into dir, and others that are wanted.
func build(ctx context.Context, dir string, others ...string) error {
	args := []string{"build", "-o", dir + string(os.PathSeparator)}
	for _, pkg := range append([]string{"server", "examples/acme-erp/fake-acme-erp", "examples/acme-erp/fake-progix"}, others...) {
		args = append(args, "github.com/headrace/headrace/"+pkg)
	}
	if out, err := command(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}

// root is the directory of the module, in which the definitions are.
func root(ctx context.Context) (string, error) {
	out, err := command(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w: run the demo inside the repository", err)
	}
	return strings.TrimSpace(string(out)), nil
}
