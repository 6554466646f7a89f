package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatNoServerRunsWith(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"no gRPC address", func(c *Config) { c.GRPCAddr = "" }, "--grpc-addr"},
		{"no HTTP address", func(c *Config) { c.HTTPAddr = "" }, "--http-addr"},
		{"negative workers", func(c *Config) { c.Workers = -1 }, "--workers"},
		{"a negative body", func(c *Config) { c.MaxWebhookBody = -5 }, "--max-webhook-body"},
		{"a negative sync timeout", func(c *Config) { c.SyncTimeout = -time.Second }, "--sync-timeout"},
		{"a negative run timeout", func(c *Config) { c.RunTimeout = -time.Second }, "--run-timeout"},
		{"a negative drain timeout", func(c *Config) { c.DrainTimeout = -time.Second }, "--drain-timeout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			test.change(&cfg)
			if _, err := open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("opened with: %v", err)
			}
		})
	}
}

// A server with a fresh key beside an old database could open nothing in it.
func TestNoFreshKeyBesideAnOldDatabase(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	_, stop := startServerWith(t, cfg)
	stop()
	keyFile := filepath.Join(cfg.DataDir, "headrace.keys")
	if err := os.Rename(keyFile, keyFile+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "restore it from its backup") {
		t.Errorf("opened with: %v", err)
	}
	if exists(keyFile) {
		t.Error("a fresh key file was made")
	}
	if err := os.Rename(keyFile+".elsewhere", keyFile); err != nil {
		t.Fatal(err)
	}
	_, stop = startServerWith(t, cfg)
	stop()
}
