package main

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// testConfig is a server on free ports with a data directory of its own.
func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{
		DataDir: t.TempDir(), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AllowLoopback: true,
		DrainTimeout: 5 * time.Second, LogLevel: slog.LevelWarn, LogFormat: "text",
	}
}

// startServer starts the whole program and stops it at the end of the test.
func startServer(t *testing.T) *server {
	t.Helper()
	s, stop := startServerWith(t, testConfig(t))
	t.Cleanup(stop)
	return s
}

// startServerWith starts the whole program; stop stops it and waits for its end.
func startServerWith(t *testing.T, cfg Config) (s *server, stop func()) {
	t.Helper()
	s, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx) }()
	return s, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	}
}
