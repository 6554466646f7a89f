package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestOperationsPage runs the commands of docs/operations.md word for word.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the page's commands need %s, which is not here", tool)
		}
	}
	page := content(t, "../docs/operations.md")
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllSubmatch(page, -1)
	if len(blocks) != 4 {
		t.Fatalf("the page has %d blocks of commands, expected 4", len(blocks))
	}
	script := "set -euo pipefail\ntrap 'kill -TERM $(cat data/headrace.db.lock); wait' EXIT\n"
	for _, block := range blocks {
		script += string(block[1]) + "\n"
	}
	tools := t.TempDir()
	program, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	wrapper := "#!/bin/sh\n" + asMain + "=1 exec " + program + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(tools, "headrace-server"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = t.TempDir()
	http := freeAddr(t)
	cmd.Env = append(os.Environ(), "HEADRACE=http://"+http, "HEADRACE_HTTP_ADDR="+http, "HEADRACE_GRPC_ADDR=127.0.0.1:0",
		"PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("a command of the page failed: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), "\nready\n"); n != 3 {
		t.Errorf("it was ready %d times, want 3:\n%s", n, out)
	}
	for _, want := range []string{"backup.db: nothing is wrong", "what was there is now", "restored from a backup"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page's commands printed no %q:\n%s", want, out)
		}
	}
}

// freeAddr is an address that nobody has at the moment, nor gets by chance later: below the ports that systems give to connections that
// go out and to listeners that ask for any.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000))
		if l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// TestExitCodesAreDocumented compares the page with the code.
func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	page := string(content(t, "../docs/operations.md"))
	for _, known := range exitCodes {
		if !strings.Contains(page, fmt.Sprintf("\n| %d |", known.code)) {
			t.Errorf("the page has no row for exit code %d", known.code)
		}
	}
}
