package sandbox_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sandbox"
)

// TestCustomersShareNoProcess has customers in each other's way for the few processes there are.
func TestCustomersShareNoProcess(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Processes: 3, PerTenant: 2})
	var mu sync.Mutex
	served := map[int]string{}
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		now := pool.Tenants()
		if len(now) > 4 {
			t.Errorf("there are %d processes, want 3 and one ahead at the most", len(now))
		}
		for pid, tenant := range now {
			if was := served[pid]; was != "" && tenant != was {
				t.Errorf("process %d served %s and now serves %q", pid, was, tenant)
			}
			served[pid] = tenant
		}
	}
	var all sync.WaitGroup
	for i := range 5 {
		tenant := "customer-" + strconv.Itoa(i)
		all.Go(func() {
			for range 8 {
				if result, err := step(t, pool, tenant, "globalThis.n = (globalThis.n ?? 0) + 1; return n"); err != nil || result != "1" {
					t.Errorf("%s: %s, %v", tenant, result, err)
				}
				look()
			}
		})
	}
	all.Wait()
	tenants := map[string]bool{}
	for _, tenant := range served {
		tenants[tenant] = true
	}
	delete(tenants, "")
	if len(tenants) != 5 {
		t.Errorf("processes served %d customers, want 5", len(tenants))
	}
}

// TestProcessIsKept runs scripts of one customer in one process, for as long as they behave.
func TestProcessIsKept(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Timeout: time.Minute})
	pidOf := func(tenant string) int {
		for pid, of := range pool.Tenants() {
			if of == tenant {
				return pid
			}
		}
		return 0
	}
	var first int
	for i := range 20 {
		if _, err := step(t, pool, "smith", "throw 1"); kindOf(t, err) != sandbox.Thrown {
			t.Fatal(err)
		}
		if pid := pidOf("smith"); i > 0 && pid != first {
			t.Fatalf("run %d is in process %d, and the one before in %d", i, pid, first)
		}
		first = pidOf("smith")
	}
	_, err := pool.Run(t.Context(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: "for (;;);", Timeout: 200 * time.Millisecond})
	if kindOf(t, err) != sandbox.TooLong {
		t.Fatal(err)
	}
	if pid := pidOf("smith"); pid == first {
		t.Error("the process of a script that took too long is kept")
	}
	if err := gone(first); err != nil {
		t.Error(err)
	}
}

// TestNoisyCustomer lets others run while one has more to run than there are processes.
func TestNoisyCustomer(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Processes: 2, PerTenant: 1, Timeout: time.Hour}) // the noise ends by its callers alone
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the noise is over")
	var noise sync.WaitGroup
	for range 10 {
		noise.Go(func() {
			_, err := pool.Run(ctx, sandbox.Script{Tenant: "noisy", Form: sandbox.Step, Code: "for (;;);"})
			if !errors.Is(err, left) {
				t.Errorf("a run whose caller left ended with %v", err)
			}
		})
	}
	for range 5 {
		if result, err := step(t, pool, "quiet", "return 1"); err != nil || result != "1" {
			t.Errorf("beside a noisy customer: %s, %v", result, err)
		}
	}
	cancel(left)
	noise.Wait()
	if result, err := step(t, pool, "noisy", "return 1"); err != nil || result != "1" {
		t.Errorf("after the noise: %s, %v", result, err)
	}
}

// TestTime ends a script when its own time is over, the pool's, or its caller's.
func TestTime(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Timeout: 300 * time.Millisecond})
	_, err := step(t, pool, "smith", "for (;;);")
	if want := "the code did not end within 300ms: do less in one step, or wait for less, or start the server with more --script-timeout"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	_, err = pool.Run(t.Context(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: "await new Promise((r) => setTimeout(r, 1e6))", Timeout: 50 * time.Millisecond})
	if want := "the code did not end within 50ms: do less in one step, or wait for less"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	pool = open(t, sandbox.Options{Timeout: time.Hour}) // so that no other time is over when the test hears of it
	if _, err = pool.Run(ctx, sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: "for (;;);"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the caller's deadline", err)
	}
}

// TestClose ends what is under way, and leaves no process.
func TestClose(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Processes: 3})
	started := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := pool.Run(t.Context(), sandbox.Script{
			Tenant: "smith", Form: sandbox.Step, Code: "console.log('here'); for (;;);", Log: func(sandbox.Level, string) { close(started) },
		})
		ended <- err
	}()
	<-started
	processes := pool.Tenants()
	pool.Close()
	if err := <-ended; kindOf(t, err) != sandbox.Unusable || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("the run under way ended with %v", err)
	}
	for pid := range processes {
		if err := gone(pid); err != nil {
			t.Error(err)
		}
	}
	if _, err := step(t, pool, "smith", "return 1"); kindOf(t, err) != sandbox.Unusable {
		t.Errorf("a closed pool gives %v", err)
	}
	pool.Close()
}

// TestIdleProcessEnds shows that the end of a process that nobody was using costs nobody a run.
func TestIdleProcessEnds(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Processes: 2})
	for range 3 {
		if result, err := step(t, pool, "smith", "return 1"); err != nil || result != "1" {
			t.Fatalf("the run gives %s, %v", result, err)
		}
		for pid := range pool.Tenants() {
			p, err := os.FindProcess(pid)
			if err != nil {
				t.Fatal(err)
			}
			_ = p.Kill() // one that has just been started ahead may be gone
		}
	}
}

// rubbish is programs that are started for scripts and do not behave as ours. A frame is a kind, four bytes of length, so many bytes.
var rubbish = map[string]struct {
	program string
	says    string
}{
	"ends_at_once":     {`exit 3`, "no process could be started"},
	"writes_nonsense":  {`echo nonsense; cat >/dev/null`, "no process could be started"},
	"is_not_ready":     {`printf 'H\000\000\000\016{"err":"weak"}'; cat >/dev/null`, "no process could be started"},
	"ends_when_asked":  {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null`, "ended before the code did"},
	"answers_nonsense": {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; echo nonsense; exec sleep 5`, "ended before the code did"},
	"promises_much":    {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; printf 'D\377\377\377\377x'; exec sleep 5`, "larger than 8 MB"},
	"asks_for_more":    {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; printf 'Q\000\000\000\011step/keys'; exec sleep 5`, "ended before the code did"},
	"replies_nonsense": {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; printf 'D\000\000\000\003xyz'; exec sleep 5`, "ended before the code did"},
	"gives_no_object":  {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; printf 'D\000\000\000\016{"result":"1"}'; exec sleep 5`, "left a number where its result was to be"},
	"gives_no_values":  {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; printf 'D\000\000\000\016{"result":"{"}'; exec sleep 5`, "is no value"},
	"changes_others":   {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; r='{"result":"{\"states\":[{\"state\":\"x\"}]}"}'; printf 'D\000\000\000\055%s' "$r"; exec sleep 5`, "none of what flows keep"},
	"floods":           {`printf 'H\000\000\000\002{}'; head -c 40 >/dev/null; while :; do printf 'L\000\000\000\003ixx'; done`, "did not end within"},
	"floods_stderr":    {`yes >&2 & printf 'H\000\000\000\002{}'; sleep 2; kill $!`, "did not end within"},
	"never_answers":    {`printf 'H\000\000\000\002{}'; exec sleep 5`, "did not end within"},
}

// TestRubbish has the program read what no process of ours writes.
func TestRubbish(t *testing.T) {
	t.Parallel()
	for name, r := range rubbish {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+r.program+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			timeout := time.Minute // not reached, also where programs take their time
			if r.says == "did not end within" {
				timeout = 500 * time.Millisecond
			}
			pool := sandbox.NewOf(sandbox.Options{Timeout: timeout, Processes: 1}, slog.New(slog.DiscardHandler), program)
			defer pool.Close()
			lines := 0
			_, err := pool.Run(t.Context(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: "return 1", Log: func(sandbox.Level, string) { lines++ }})
			if err == nil || !strings.Contains(err.Error(), r.says) {
				t.Errorf("the run ended with %v, want an error with %q", err, r.says)
			}
			if lines > sandbox.MaxLogs {
				t.Errorf("%d lines were logged", lines)
			}
		})
	}
}

func init() { //nolint:gochecknoinits // a test's process has nothing else to begin with
	parts["orphan"] = orphan
	parts["without-main"] = func() int { return 0 }
}

// orphan is a program that is killed while a script runs.
func orphan() int {
	pool, err := sandbox.New(sandbox.Options{Timeout: time.Minute}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, err = pool.Run(context.Background(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: "console.log(''); for (;;);", Log: func(sandbox.Level, string) {
		for pid := range pool.Tenants() {
			fmt.Println(pid)
		}
		fmt.Println("end")
	}})
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestKilledProgram leaves no process behind when the program is killed.
func TestKilledProgram(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "orphan")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for scanner := bufio.NewScanner(out); scanner.Scan() && scanner.Text() != "end"; {
		pid, err := strconv.Atoi(scanner.Text())
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err == nil {
		t.Error("the program ended well")
	}
	if len(pids) == 0 {
		t.Fatal("the program had no processes")
	}
	for _, pid := range pids {
		if err := gone(pid); err != nil {
			t.Error(err)
		}
	}
}
