//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/internal/fault"
)

// readyWithin is how long a start may take before a test gives up. It bounds nothing that is promised.
const readyWithin = 60 * time.Second

// server is a Headrace that is started, broken and started again on the same data and the same ports.
type server struct {
	t        *testing.T
	binary   string
	dir      string
	httpAddr string
	grpcAddr string
	api      *client.Client
	args     []string // more flags
	wrapper  []string // a command that starts it, such as strace
	http     *http.Client

	process *process // nil: none runs
}

// process is one life of the program.
type process struct {
	cmd    *exec.Cmd
	stderr *transcript
	exited chan struct{}
}

// breakage is what a start of the program breaks.
type breakage struct {
	plan   string        // what happens at points, as HEADRACE_FAULTS has it
	broken string        // promises, as HEADRACE_BROKEN has them
	ahead  time.Duration // of its clock
}

// newServer prepares a server with faults; nothing runs yet.
func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{
		t: t, binary: faultyServer, dir: t.TempDir(), httpAddr: freeAddr(t), grpcAddr: freeAddr(t), args: args,
		http: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	api, err := client.Dial(s.grpcAddr)
	if err != nil {
		t.Fatal(err)
	}
	s.api = api
	t.Cleanup(func() {
		if s.process != nil {
			s.kill()
		}
		if err := api.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// freeAddr returns an address on this machine that nobody uses, now or by chance later: below the ports that systems give to
// connections that go out.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// start starts the program and waits until it is ready. It returns how long that took.
func (s *server) start(b breakage) time.Duration {
	s.t.Helper()
	began := time.Now()
	s.launch(b)
	for time.Since(began) < readyWithin {
		if s.ready() {
			return time.Since(began)
		}
		select {
		case <-s.process.exited:
			s.t.Fatalf("the server ended at its start with %s and said:\n%s", s.process.cmd.ProcessState, s.process.stderr)
		case <-time.After(2 * time.Millisecond):
		}
	}
	s.t.Fatalf("the server is not ready after %s; it said:\n%s", readyWithin, s.process.stderr)
	return 0
}

// launch starts the program and waits for nothing.
func (s *server) launch(b breakage) {
	s.t.Helper()
	words := slices.Concat(s.wrapper, []string{
		s.binary, "--data-dir", s.dir, "--http-addr", s.httpAddr, "--grpc-addr", s.grpcAddr, "--allow-loopback", "--log-level", "WARN",
		"--max-crashes", "1000", // the kills come from outside and say nothing against what runs
	}, s.args)
	p := &process{cmd: exec.Command(words[0], words[1:]...), stderr: new(transcript), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), fault.PlanVariable+"="+b.plan, fault.BrokenVariable+"="+b.broken, fault.AheadVariable+"="+b.ahead.String())
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, p.stderr
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.exited)
	}()
	s.process = p
}

func (s *server) ready() bool {
	res, err := s.http.Get("http://" + s.httpAddr + "/readyz")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// pid is the server's process, not that of what started it.
func (s *server) pid() int {
	if len(s.wrapper) == 0 {
		return s.process.cmd.Process.Pid
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.process.cmd.Process.Pid, s.process.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(children), &pid); err != nil {
		s.t.Fatalf("the server has no process below %v: %q", s.wrapper, children)
	}
	return pid
}

// kill ends it as kill -9 does, and waits for its end.
func (s *server) kill() {
	s.t.Helper()
	select {
	case <-s.process.exited: // a fault was quicker
	default:
		if err := syscall.Kill(s.pid(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			s.t.Fatal(err)
		}
	}
	s.ended(time.Minute)
}

// terminate asks it to stop, and returns how long that took and its exit code.
func (s *server) terminate(within time.Duration) (took time.Duration, code int) {
	s.t.Helper()
	began := time.Now()
	if err := syscall.Kill(s.pid(), syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	code = s.ended(within)
	return time.Since(began), code
}

// ended waits for the end of the program and returns its exit code; -1 is a signal.
func (s *server) ended(within time.Duration) int {
	s.t.Helper()
	select {
	case <-s.process.exited:
	case <-time.After(within):
		said := s.process.stderr.String()
		_ = s.process.cmd.Process.Kill()
		s.t.Fatalf("the server did not end within %s; it said:\n%s", within, said)
	}
	if said := s.process.stderr.String(); strings.Contains(said, "DATA RACE") {
		s.t.Errorf("the server tells of a race:\n%s", said)
	}
	code := s.process.cmd.ProcessState.ExitCode()
	s.process = nil
	return code
}

// died tells when a fault has ended the program.
func (s *server) died() <-chan struct{} { return s.process.exited }

// dead reports whether a fault has ended the program.
func (s *server) dead() bool {
	select {
	case <-s.died():
		return true
	default:
		return false
	}
}

// until waits for a condition, and fails the test when it does not come true.
func until(t *testing.T, within time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		if condition() {
			return time.Since(began)
		}
		if time.Since(began) > within {
			t.Fatalf("after %s still waiting for %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// transcript keeps the end of what a program says.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

const longestTranscript = 64 << 10

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > longestTranscript {
		t.text = t.text[len(t.text)-longestTranscript:]
	}
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}

// within bounds a call to the API.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
