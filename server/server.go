package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage/sqldb"
	"github.com/headrace/headrace/server/api"
	"github.com/headrace/headrace/server/assembly"
	"github.com/headrace/headrace/server/webhook"
)

// server is the program: its parts in the order in which they are opened. They are closed in the reverse order.
type server struct {
	cfg       Config
	logger    *slog.Logger
	store     *sqldb.DB
	client    *outbound.Client
	scripts   *sandbox.Pool
	plane     *control.Plane
	api       *api.API
	http      *http.Server
	grpcL     net.Listener
	httpL     net.Listener
	grpcAddr  string
	httpAddr  string
	publicURL *url.URL
}

// open builds the program up to where it can serve. What was opened before a failure is closed again.
func open(ctx context.Context, cfg Config) (s *server, err error) {
	s = &server{cfg: cfg, logger: cfg.logger()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := cfg.check(); err != nil {
		return s, err
	}
	keys, err := s.openData(ctx)
	if err != nil {
		return s, err
	}
	if err := s.listen(ctx); err != nil {
		return s, err
	}
	if err := s.build(ctx, keys); err != nil {
		return s, err
	}
	return s, nil
}

// openData opens what is in the data directory: the keys and the store.
func (s *server) openData(ctx context.Context) (*secret.Keyring, error) {
	if err := makeDataDir(s.cfg.DataDir); err != nil {
		return nil, err
	}
	database, keyPath := filepath.Join(s.cfg.DataDir, databaseFile), filepath.Join(s.cfg.DataDir, keyFile)
	if exists(database) && !exists(keyPath) {
		// With a fresh key the server would run, and could open no secret and show no webhook URL.
		return nil, &KeyFileError{fmt.Errorf("key file %s is missing, and what is sealed in %s cannot be opened without it: restore it from its backup",
			keyPath, database)}
	}
	keys, err := secret.OpenKeyFile(keyPath)
	if err != nil {
		return nil, keyTrouble(keyPath, err)
	}
	store, err := sqldb.Open(ctx, sqldb.Options{Path: database, Logger: s.logger, Keys: keys, Ballast: s.cfg.Ballast})
	if err != nil {
		return nil, err
	}
	s.store = store
	return keys, nil
}

// keyTrouble tells a key file that is none from a disk that does not let it be made or read.
func keyTrouble(path string, err error) error {
	var system syscall.Errno
	if errors.As(err, &system) {
		return &sqldb.DiskError{Path: path, Err: err}
	}
	return &KeyFileError{err}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// listen takes the ports, so that the URLs that hold them are known before anything is built.
func (s *server) listen(ctx context.Context) (err error) {
	var lc net.ListenConfig
	if s.grpcL, err = lc.Listen(ctx, "tcp", s.cfg.GRPCAddr); err != nil {
		return listenTrouble("--grpc-addr", err)
	}
	if s.httpL, err = lc.Listen(ctx, "tcp", s.cfg.HTTPAddr); err != nil {
		return listenTrouble("--http-addr", err)
	}
	s.grpcAddr, s.httpAddr = s.grpcL.Addr().String(), s.httpL.Addr().String()
	for _, l := range []net.Listener{s.grpcL, s.httpL} {
		if addr, ok := l.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
			s.logger.Warn("the API does not ask callers who they are: let only trusted networks reach this address, or put a proxy that does before it",
				"address", addr)
		}
	}
	s.publicURL, err = s.cfg.publicURL(s.httpAddr)
	return err
}

// listenTrouble says what to do about an address that cannot be listened at.
func listenTrouble(flag string, err error) error {
	way := "give another address"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		way = "stop what uses it, or give another port"
	case errors.Is(err, syscall.EACCES):
		way = "give a port from 1024 on, or the right to use this one"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		way = "give an address that this machine has"
	}
	return fmt.Errorf("%s: %w: %s", flag, err, way)
}

func (s *server) build(ctx context.Context, keys *secret.Keyring) error {
	var err error
	s.scripts, err = sandbox.New(sandbox.Options{
		Processes: s.cfg.ScriptProcesses, Timeout: s.cfg.ScriptTimeout, Memory: s.cfg.ScriptMemory,
	}, s.logger)
	if err != nil {
		return err
	}
	whole, err := assembly.Assemble(ctx, assembly.Parts{
		Store: tampered(s.store), Keys: keys, Builtins: tamperedComponents(builtin.All()), Scripts: tamperedScripts(s.scripts), PublicURL: s.publicURL, Logger: s.logger,
		Version: version(), AllowPrivate: s.cfg.AllowPrivate, AllowLoopback: s.cfg.AllowLoopback, OwnPorts: []uint16{port(s.grpcL), port(s.httpL)},
		Limits: control.Limits{
			Workers: s.cfg.Workers, MaxQueued: s.cfg.MaxQueued, MaxCrashes: s.cfg.MaxCrashes,
			RunMemory: int(s.cfg.RunMemory), SyncTimeout: s.cfg.SyncTimeout, ExecutionTimeout: s.cfg.RunTimeout,
			KeepPayloads: s.cfg.KeepPayloads, KeepExecutions: s.cfg.KeepExecutions,
		},
	})
	if err != nil {
		return err
	}
	s.client, s.plane, s.api = whole.Client, whole.Plane, whole.API
	hooks := &webhook.Handler{Plane: s.plane, Logger: s.logger, MaxBody: s.cfg.MaxWebhookBody}
	s.http = &http.Server{
		Handler:           faces(hooks, s.api.Handler()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		// No WriteTimeout: a deployment answers when it has ended, and a tail when the execution has.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	return nil
}

// faces gives each request to its face. It is no http.ServeMux because that redirects paths with // or /../ in them, and senders of
// webhooks follow no redirect: what stands behind a token is the flow's to read, as it was written.
func faces(hooks, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, webhook.Prefix) {
			hooks.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// serve works until ctx ends, the store fails or a listener breaks. Then it stops its parts in order: listeners first, then the work
// under way, then the store.
func (s *server) serve(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	grpcServer := s.api.GRPCServer()

	var listeners, workers sync.WaitGroup
	workers.Go(func() {
		if err := s.plane.Run(work); err != nil {
			fail(fmt.Errorf("worker: %w", err))
		}
	})
	workers.Go(func() { s.plane.Retain(work) })
	listeners.Go(func() {
		if err := grpcServer.Serve(s.grpcL); err != nil {
			fail(fmt.Errorf("gRPC listener: %w", err))
		}
	})
	listeners.Go(func() {
		if err := s.http.Serve(s.httpL); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("HTTP listener: %w", err))
		}
	})

	select {
	case <-ctx.Done():
	case <-s.store.Done():
		fail(fmt.Errorf("store: %w", s.store.Err()))
	}
	s.logger.Info("stopping", "cause", context.Cause(ctx))
	s.drain(context.WithoutCancel(ctx), grpcServer)
	listeners.Wait()
	stopWork()
	workers.Wait()
	err := s.close()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return err
}

// drain lets requests under way come to their end, for as long as the configuration allows; what is left then is cut.
func (s *server) drain(ctx context.Context, grpcServer *grpc.Server) {
	s.api.Drain()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.DrainTimeout)
	defer cancel()
	graceful := make(chan struct{})
	go func() {
		defer close(graceful)
		grpcServer.GracefulStop()
	}()
	if err := s.http.Shutdown(ctx); err != nil {
		s.logger.Warn("requests were cut", "error", err)
		_ = s.http.Close() // what is left is cut; the error above is the one that tells
	}
	select {
	case <-graceful:
	case <-ctx.Done():
		grpcServer.Stop()
		<-graceful
	}
}

// close lets go of what open took and serve did not.
func (s *server) close() error {
	var errs []error
	for _, l := range []net.Listener{s.grpcL, s.httpL} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	if s.scripts != nil {
		s.scripts.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}

func port(l net.Listener) uint16 {
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		return addr.AddrPort().Port()
	}
	return 0
}
