package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// startTimeout is how long a program may take until it listens.
	startTimeout = 30 * time.Second
	// stopTimeout is how long a program may take to end after it was told to.
	stopTimeout = 30 * time.Second
)

// program is a program that was started.
type program struct {
	name  string
	cmd   *exec.Cmd
	lines chan string   // what it prints, until it is ready
	ready chan struct{} // closed when its lines are no longer wanted
	ended chan struct{} // closed when it has ended
	log   *os.File
}

// command is a command that ends with ctx.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...)
}

// launch starts a program. It does not end with ctx: stop ends it, in its own way.
func launch(ctx context.Context, path, logPath string, args []string) (*program, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	p := &program{
		name: filepath.Base(path), cmd: command(context.WithoutCancel(ctx), path, args...), log: log,
		lines: make(chan string), ready: make(chan struct{}), ended: make(chan struct{}),
	}
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", p.name, err), log.Close())
	}
	go p.follow(out)
	return p, nil
}

// follow reads what the program prints until it ends.
func (p *program) follow(out io.Reader) {
	defer close(p.ended)
	defer close(p.lines)
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		select {
		case p.lines <- scanner.Text():
		case <-p.ready:
		}
	}
	_, _ = io.Copy(io.Discard, out) // a line too long to scan must not block it
	_ = p.cmd.Wait()                // how it ended is read from its state
}

// await waits until a line says that the program is ready.
func (p *program) await(ctx context.Context, ready func(line string) bool) error {
	defer close(p.ready)
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				return fmt.Errorf("%s ended before it was ready: %s", p.name, p.log.Name())
			}
			if ready(line) {
				return nil
			}
		case <-timeout.C:
			return fmt.Errorf("%s was not ready within %s", p.name, startTimeout)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop tells the program to end, and waits for that. The error says if it did not end well.
func (p *program) stop() error {
	defer p.log.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	select {
	case <-p.ended:
	case <-timeout.C:
		err := p.cmd.Process.Kill()
		<-p.ended
		return errors.Join(fmt.Errorf("%s did not end within %s of being told to, and was killed", p.name, stopTimeout), err)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("expected %s to end with exit code 0, found %s", p.name, p.cmd.ProcessState)
	}
	return nil
}
