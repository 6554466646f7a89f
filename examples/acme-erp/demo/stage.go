package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/examples/acme-erp/story"
)

// serverLog is the file of what the server logs.
const serverLog = "server.log"

// stage is what runs while the story is played. The programs are in dir, and so is all they write.
type stage struct {
	dir      string
	home     string      // the directory of the module
	programs []*program  // in the order in which they were started
	world    story.World // where they are
}

// start starts the systems and the server on free ports.
func (s *stage) start(ctx context.Context) (err error) {
	if s.home, err = root(ctx); err != nil {
		return err
	}
	s.world.Definitions = os.DirFS(filepath.Join(s.home, "examples", "acme-erp"))
	for _, f := range []struct {
		program, log string
		at           *story.System
	}{
		{"fake-acme-erp", "smith-erp.log", &s.world.ERP},
		{"fake-acme-erp", "jones-erp.log", &s.world.OtherERP},
		{"fake-progix", "progix.log", &s.world.Progix},
	} {
		f.at.Key = rand.Text()
		if f.at.URL, err = s.startFake(ctx, f.program, f.log, f.at.Key); err != nil {
			return err
		}
	}
	return s.startServer(ctx)
}

// startFake starts one of the systems. When it listens it prints where.
func (s *stage) startFake(ctx context.Context, name, log, key string) (url string, err error) {
	err = s.run(ctx, name, log, []string{"--api-key", key}, func(line string) bool {
		var found bool
		url, found = strings.CutPrefix(line, "listening on ")
		return found
	})
	return url, err
}

// startServer starts Headrace. It may call this machine, since the systems are here. Its first lines say where it listens.
func (s *stage) startServer(ctx context.Context) error {
	args := []string{
		"--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--data-dir", filepath.Join(s.dir, "data"), "--allow-loopback",
	}
	w := &s.world
	return s.run(ctx, "server", serverLog, args, func(line string) bool {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name {
		case "gRPC":
			w.GRPC = strings.TrimSpace(value)
		case "REST":
			w.REST = strings.TrimSuffix(strings.TrimSpace(value), "/v1/")
		}
		return w.GRPC != "" && w.REST != ""
	})
}

func (s *stage) run(ctx context.Context, name, log string, args []string, ready func(line string) bool) error {
	p, err := launch(ctx, filepath.Join(s.dir, name), filepath.Join(s.dir, log), args)
	if err != nil {
		return err
	}
	s.programs = append(s.programs, p)
	return p.await(ctx, ready)
}

// stop stops everything, the last started first. What was stopped before stays stopped.
func (s *stage) stop() error {
	var errs []error
	for i := len(s.programs) - 1; i >= 0; i-- {
		errs = append(errs, s.programs[i].stop())
	}
	s.programs = nil
	return errors.Join(errs...)
}

// places are the pages to look at while everything runs.
func (s *stage) places() [][]string {
	return [][]string{
		nil,
		{"API page", s.world.REST + "/"},
		{"REST", s.world.REST + "/v1/executions"},
		{"gRPC", "grpcurl -plaintext " + s.world.GRPC + " list"},
		{"Smith Rockets' Acme ERP", s.world.ERP.URL + "/"},
		{"Jones Anvils' Acme ERP", s.world.OtherERP.URL + "/"},
		{"Progix", s.world.Progix.URL + "/"},
		{"the server's log", filepath.Join(s.dir, serverLog)},
	}
}
