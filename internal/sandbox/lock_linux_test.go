package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/headrace/headrace/internal/sandbox"
)

func init() { //nolint:gochecknoinits // a test's process has nothing else to begin with
	parts["inmate"] = inmate
	parts["glutton"] = glutton
	parts["heir"] = heir
	parts["spacious"] = spacious
}

// inmate locks itself in and tells what it can still do.
func inmate() int {
	bounds, err := sandbox.LockIn(32 << 20)
	if err != nil {
		return 1
	}
	did := map[string]bool{}
	try := func(what string, err error) { did[what] = err == nil }
	_, err = os.ReadFile("/etc/passwd")
	try("read a file", err)
	try("write a file", os.WriteFile("/tmp/headrace-inmate", nil, 0o600))
	_, err = os.ReadDir("/")
	try("list a folder", err)
	_, err = os.Stat("/")
	try("look at a file", err)
	_, err = net.Dial("tcp", "127.0.0.1:1")
	try("connect", refused(err))
	_, err = net.Listen("tcp", "127.0.0.1:0")
	try("listen", err)
	_, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	try("open a socket", err)
	try("run a program", exec.Command("/bin/true").Run())
	try("signal another process", syscall.Kill(os.Getppid(), 0))
	try("trace another process", syscall.PtraceAttach(os.Getppid()))
	try("raise a limit", unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}))
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
	if errno == 0 {
		try("fork", nil)
	}
	// What it must go on doing: threads, all at once, and garbage.
	var there, ended sync.WaitGroup
	there.Add(50)
	for range 50 {
		ended.Go(func() {
			runtime.LockOSThread()
			_ = len(make([]byte, 1<<16))
			there.Done()
			there.Wait()
		})
	}
	ended.Wait()
	runtime.GC()
	try("go on", nil)
	text, err := json.Marshal(map[string]any{"bounds": bounds, "did": did})
	if err != nil {
		return 1
	}
	_, _ = os.Stdout.Write(text)
	return 0
}

// refused tells a connection that was not even tried from one that met nobody.
func refused(err error) error {
	if opErr, ok := err.(*net.OpError); ok && strings.Contains(opErr.Error(), "connection refused") { //nolint:errorlint // what Dial gives
		return nil
	}
	return err
}

// glutton locks itself in and takes memory.
func glutton() int {
	if _, err := sandbox.LockIn(32 << 20); err != nil {
		return 1
	}
	var all [][]byte
	for range 1024 {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = 1
		}
		all = append(all, b)
	}
	return len(all) - 1024
}

// TestLockedIn looks at a process from inside: whoever broke out of the engine finds nothing to take hold of.
func TestLockedIn(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "inmate")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := errors.Join(sandbox.Launch(cmd), cmd.Wait()); err != nil {
		t.Fatalf("the inmate ended with %v: %.300s", err, said.Bytes())
	}
	var told struct {
		Bounds []string
		Did    map[string]bool
	}
	if err := json.Unmarshal(out.Bytes(), &told); err != nil {
		t.Fatalf("the inmate said %s: %v", out.Bytes(), err)
	}
	if !slices.Contains(told.Bounds, "system call filter") {
		t.Skipf("the system gives no system call filter: %v", told.Bounds)
	}
	for what, did := range told.Did {
		if did != (what == "go on") {
			t.Errorf("locked in it can %s: %v", what, did)
		}
	}
	if len(told.Did) < 12 {
		t.Errorf("it tried only %v", told.Did)
	}
}

// TestNoInheritedFiles starts the program with an open file, which must stay with it.
func TestNoInheritedFiles(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "heir")
	file, err := os.Create(filepath.Join(t.TempDir(), "inherited"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd.ExtraFiles = []*os.File{file}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("pipe:")) || bytes.Contains(out, []byte("inherited")) {
		t.Errorf("a process for scripts has open (%v):\n%s", err, out)
	}
}

// heir is a program with an open file; it tells what its processes have open.
func heir() int {
	pool, err := sandbox.New(sandbox.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return 1
	}
	defer pool.Close()
	if _, err := pool.Run(context.Background(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: "return 1"}); err != nil {
		return 2
	}
	if _, err := os.Readlink("/proc/self/fd/3"); err != nil {
		return 3
	}
	for pid := range pool.Tenants() {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, f := range files {
			to, _ := os.Readlink(f) // it may have been closed
			fmt.Println(to)
		}
	}
	return 0
}

// TestLargeStacks has a pool where threads have large stacks, as an operator may have set it: they count as memory of a process that is
// limited, and it would end for want of it. The program's own bound stays as it is.
func TestLargeStacks(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(os.Args[0], "spacious").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// spacious is a program whose threads have large stacks.
func spacious() int {
	var stack unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_STACK, &stack); err != nil {
		return 1
	}
	const most = 256 << 20
	stack.Cur = min(most, stack.Max)
	if err := unix.Setrlimit(unix.RLIMIT_STACK, &stack); err != nil {
		return 2
	}
	pool, err := sandbox.New(sandbox.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return 3
	}
	defer pool.Close()
	if _, err := pool.Run(context.Background(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: "return 1"}); err != nil {
		fmt.Println(err)
		return 4
	}
	if left := stack; unix.Getrlimit(unix.RLIMIT_STACK, &left) != nil || left != stack {
		fmt.Println("the program's own bound is", left.Cur)
		return 5
	}
	for pid := range pool.Tenants() {
		limits, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid)) // it may have been replaced
		for line := range strings.Lines(string(limits)) {
			if f := strings.Fields(line); strings.HasPrefix(line, "Max stack size") && f[3] != "1048576" {
				fmt.Print(line)
				return 6
			}
		}
	}
	return 0
}

// TestMemoryIsLimited has a process take more memory than it may, past the engine that counts it.
func TestMemoryIsLimited(t *testing.T) {
	t.Parallel()
	if sandbox.RaceDetector {
		t.Skip("under the race detector a process maps more memory than there is")
	}
	out, err := exec.Command(os.Args[0], "glutton").CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("memory")) {
		t.Errorf("it took a gigabyte, and ended with %v: %.300s", err, out)
	}
}
