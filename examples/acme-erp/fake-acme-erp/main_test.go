package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// asProgram makes this test binary the program itself, so that signals and exit codes are the real ones.
const asProgram = "FAKE_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

func TestServesUntilSignaled(t *testing.T) {
	t.Parallel()
	const key = "k3y"
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd := program(t, "--addr", "127.0.0.1:0", "--api-key", key)
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(pipe)
			line, err := out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			url, told := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
			if !told {
				t.Fatalf("told %q", line)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/webhooks", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Api-Key", key)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("status %d, want 200", res.StatusCode)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(out)
			if err != nil || len(rest) > 0 {
				t.Errorf("more output %q, %v: want one line", rest, err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("ended with %v, want success", err)
			}
		})
	}
}

func TestRefusesWrongArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no key", nil, 2, "--api-key"},
		{"something more", []string{"--api-key", "k", "more"}, 2, "--api-key"},
		{"no address", []string{"--api-key", "k", "--addr", "nowhere"}, 1, "nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, tt.args...)
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != tt.code || !strings.Contains(string(out), tt.says) {
				t.Errorf("ended with %v and said %q, want exit code %d and %q", err, out, tt.code, tt.says)
			}
		})
	}
}
