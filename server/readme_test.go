package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReadme runs the commands of the README word for word against a server of its own.
func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the README's commands need %s, which is not here", tool)
		}
	}
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllSubmatch(page, -1)
	if len(blocks) < 6 {
		t.Fatalf("the README has %d blocks of commands, expected at least 6", len(blocks))
	}
	script := "set -euo pipefail\n"
	for _, block := range blocks {
		script += string(block[1]) + "\necho\n"
	}
	tools := t.TempDir()
	buildGrpcurl(t, tools)
	s := startServer(t)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Env = append(os.Environ(), "HEADRACE=http://"+s.httpAddr, "HEADRACE_GRPC="+s.grpcAddr,
		"PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("a command of the README failed: %v\n%s", err, out)
	}
	for _, want := range []string{
		`"displayName":"Flow 1"`,                // how an integration starts
		`"greeting":"Hello, Ada!"`,              // the test, in the result
		`{"greeting":"Welcome aboard, Grace!"}`, // what the README says the flow answers
		"headrace.v1.InstanceService",           // reflection
		`"STATE_SUCCEEDED"`,                     // the execution that the call began
	} {
		if !strings.Contains(strings.ReplaceAll(string(out), `": "`, `":"`), want) && !strings.Contains(strings.ReplaceAll(string(out), `\"`, `"`), want) {
			t.Errorf("the README's commands printed no %s:\n%s", want, out)
		}
	}
}

// buildGrpcurl puts the pinned grpcurl into a directory.
func buildGrpcurl(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-modfile=../internal/tools/grpcurl/go.mod",
		"-o", filepath.Join(dir, "grpcurl"), "github.com/fullstorydev/grpcurl/cmd/grpcurl")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build grpcurl: %v\n%s", err, out)
	}
}

// TestReadmeShowsTheExample holds the definition that the README shows a part of against the whole.
func TestReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindSubmatch(content(t, "../README.md"))
	if shown == nil {
		t.Fatal("the README shows no definition")
	}
	rest := strings.Split(string(content(t, "../examples/acme-erp/integration.yaml")), "\n")
	for line := range strings.Lines(string(shown[1])) {
		at := slices.Index(rest, strings.TrimSuffix(line, "\n"))
		if at < 0 {
			t.Fatalf("the definition has no further line %q", line)
		}
		rest = rest[at+1:]
	}
}
