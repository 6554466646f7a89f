package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headrace/headrace/examples/acme-erp/story"
	"github.com/headrace/headrace/internal/storage/sqldb"
)

// tell runs the program with a command and returns its exit code and what it said.
func tell(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asMain+"=1")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), said.String()
}

// onFreePorts are the flags of a server that gets in nobody's way.
func onFreePorts(dir string) []string {
	return []string{"--data-dir", dir, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"}
}

// stopped makes the data directory of a server that was stopped.
func stopped(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	serveOn(t, dir).stop()
	return dir
}

func change(t *testing.T, database, statement string) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+database+"?vfs=pagesum") // so that the pages keep their sums
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.ExecContext(t.Context(), statement)
	if err := errors.Join(err, pool.Close()); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestRefusals starts the program on data it must not touch: each is refused with an exit code of its own and one line that names the
// way out, and the file stays as it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, dir, database string)
		code    int
		says    []string
	}{
		{"a newer schema", func(t *testing.T, _, database string) {
			change(t, database, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)`)
		}, 78, []string{"schema version 9000", "start a newer binary", "restore"}},
		{"a corrupt file", func(t *testing.T, _, database string) {
			file, err := os.OpenFile(database, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = file.WriteAt(bytes.Repeat([]byte{0xee}, 4096), 8192)
			if err := errors.Join(err, file.Close()); err != nil {
				t.Fatal(err)
			}
		}, 65, []string{"headrace-server restore BACKUP --data-dir"}},
		{"a file cut short", func(t *testing.T, _, database string) {
			if err := os.Truncate(database, 20_000); err != nil {
				t.Fatal(err)
			}
		}, 65, []string{"headrace-server restore BACKUP --data-dir"}},
		{"no database at all", func(t *testing.T, _, database string) {
			if err := os.WriteFile(database, bytes.Repeat([]byte("text"), 2000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 65, []string{"restore a backup"}},
		{"half a restore", func(t *testing.T, _, database string) {
			if err := os.WriteFile(database+".restoring", nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, 65, []string{"restore it again"}},
		{"another key file", func(t *testing.T, dir, _ string) {
			if err := os.WriteFile(filepath.Join(dir, keyFile), content(t, filepath.Join(stopped(t), keyFile)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 78, []string{keyFile, "does not fit the database", "restore the key file"}},
		{"no key file", func(t *testing.T, dir, _ string) {
			if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
				t.Fatal(err)
			}
		}, 78, []string{keyFile, "is missing", "restore it from its backup"}},
		{"a key file that is none", func(t *testing.T, dir, _ string) {
			if err := os.WriteFile(filepath.Join(dir, keyFile), []byte("text\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 78, []string{keyFile}},
		{"a lock that cannot be taken", func(t *testing.T, _, database string) {
			if err := errors.Join(os.Remove(database+".lock"), os.Mkdir(database+".lock", 0o700)); err != nil {
				t.Fatal(err)
			}
		}, 74, []string{databaseFile, "check the disk"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := stopped(t)
			database := filepath.Join(dir, databaseFile)
			tt.prepare(t, dir, database)
			before := content(t, database)
			code, _, said := tell(t, onFreePorts(dir)...)
			if code != tt.code {
				t.Errorf("exit code is %d, want %d", code, tt.code)
			}
			if lines := strings.Count(strings.TrimSpace(said), "\n") + 1; lines != 1 {
				t.Errorf("it said %d lines:\n%s", lines, said)
			}
			for _, words := range append(tt.says, dir) {
				if !strings.Contains(said, words) {
					t.Errorf("it said %q, want %q in it", said, words)
				}
			}
			if !bytes.Equal(before, content(t, database)) {
				t.Error("the file was changed")
			}
		})
	}
}

// TestNoDataDirectory: where none can be made.
func TestNoDataDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := tell(t, onFreePorts(filepath.Join(file, "data"))...); code != 74 || !strings.Contains(said, file) {
		t.Errorf("exit code is %d, want 74; it said %q", code, said)
	}
}

// TestExitCodesOfWhatTestsCannotBring: an old library is not linked, and no disk fails on demand.
func TestExitCodesOfWhatTestsCannotBring(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		code int
	}{
		{&sqldb.LibraryError{Have: "3.51.2", Need: "3.51.3"}, 70},
		{&sqldb.DiskError{Path: "headrace.db", Err: syscall.EIO}, 74},
		{errors.New("odd"), 1},
	} {
		if code := exitCode(fmt.Errorf("store: %w", tt.err)); code != tt.code {
			t.Errorf("%v: exit code is %d, want %d", tt.err, code, tt.code)
		}
	}
}

// TestStoreThatFails ends the server: only a fresh start can tell what is on the disk.
func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.serve(context.WithoutCancel(t.Context())) }()
	if code, body := get(t, "http://"+s.httpAddr+"/readyz"); code != http.StatusOK {
		t.Fatalf("readyz answers %d %s", code, body)
	}
	database := filepath.Join(cfg.DataDir, databaseFile)
	overwritePages(t, database)
	// Some of what is asked now meets a damaged page.
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		select {
		case err := <-ended:
			if code := exitCode(err); code != 65 || !strings.Contains(err.Error(), "restore BACKUP") {
				t.Errorf("it ended with %v, exit code %d, want 65", err, code)
			}
			return
		default:
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.httpAddr+"/v1/customers/nobody", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}
	t.Error("the server goes on")
}

// overwritePages damages all of a file but its first page.
func overwritePages(t *testing.T, path string) {
	t.Helper()
	change(t, path, `PRAGMA wal_checkpoint(TRUNCATE)`)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(bytes.Repeat([]byte{0xee}, int(info.Size())-4096), 4096)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestBackUpAndRestore does with the program what an operator does: copies the data of a server at work, verifies the copy, and
// begins anew with it elsewhere.
func TestBackUpAndRestore(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	at, _ := startProgix(t)
	r := serveOn(t, dir)
	hook := path(t, r.deployForwarder(t, at).GetFlows()[0].GetWebhookUrl())
	before := r.post(t, hook, `{"name":"before"}`)
	r.await(t, before)
	backup := filepath.Join(elsewhere, "backup.db")
	code, said, trouble := tell(t, "backup", "--data-dir", dir, backup)
	if code != 0 || !strings.Contains(said, backup) || !strings.Contains(said, "The key file is not in it") {
		t.Fatalf("backup: exit code %d, said %q %q", code, said, trouble)
	}
	after := r.post(t, hook, `{"name":"after"}`)
	r.await(t, after)
	if code, _, said := tell(t, "backup", "--data-dir", dir, backup); code != 1 || !strings.Contains(said, "there already") {
		t.Errorf("backup over a backup: exit code %d, said %q", code, said)
	}
	if code, said, _ := tell(t, "verify", backup); code != 0 || !strings.Contains(said, "nothing is wrong") || !strings.Contains(said, "1 instances") {
		t.Errorf("verify: exit code %d, said %q", code, said)
	}
	if code, _, said := tell(t, "restore", "--data-dir", dir, "--force", backup); code != 75 || !strings.Contains(said, "in use") {
		t.Errorf("restore below a server: exit code %d, said %q", code, said)
	}
	r.stop()
	if code, _, said := tell(t, "restore", "--data-dir", dir, backup); code != 73 || !strings.Contains(said, "--force") {
		t.Errorf("restore over data: exit code %d, said %q", code, said)
	}

	fresh := filepath.Join(elsewhere, "data")
	if code, said, trouble := tell(t, "restore", "--data-dir", fresh, backup); code != 0 || !strings.Contains(said, "key file") {
		t.Fatalf("restore: exit code %d, said %q %q", code, said, trouble)
	}
	if err := os.WriteFile(filepath.Join(fresh, keyFile), content(t, filepath.Join(dir, keyFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	second := serveOn(t, fresh)
	if ex := second.execution(t, before); len(ex.GetStepResults()) != 2 {
		t.Errorf("the execution from before has %d step results", len(ex.GetStepResults()))
	}
	second.await(t, second.post(t, hook, `{"name":"again"}`)) // the hook and the secrets work

	overwritePages(t, backup)
	if code, said, trouble := tell(t, "verify", backup); code != 65 || !strings.Contains(said+trouble, backup) {
		t.Errorf("verify a damaged file: exit code %d, said %q %q", code, said, trouble)
	}
}

// TestStopUnderLoad tells a server at work to stop, again and again: it ends in time with exit code 0, no request that it took is
// answered badly, and all that it accepted is there afterwards.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at, _ := startProgix(t)
	first := serveOn(t, dir)
	hook := path(t, first.deployForwarder(t, at).GetFlows()[0].GetWebhookUrl())
	first.stop()
	var accepted []string
	for round := range 3 {
		accepted = append(accepted, stopUnderLoad(t, dir, hook, round)...)
	}
	last := serveOn(t, dir)
	for _, id := range accepted {
		last.await(t, id)
	}
	if len(accepted) < 30 {
		t.Errorf("only %d events were accepted", len(accepted))
	}
}

func stopUnderLoad(t *testing.T, dir, hook string, round int) (accepted []string) {
	t.Helper()
	p := startProgram(t, dir, "--allow-loopback")
	var (
		mu    sync.Mutex
		all   sync.WaitGroup
		begun = make(chan struct{})
		once  sync.Once
	)
	for c := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				id, refused := p.send(t, hook, fmt.Sprintf(`{"name":"%d-%d-%d"}`, round, c, n))
				if refused {
					return
				}
				mu.Lock()
				if accepted = append(accepted, id); len(accepted) > 20 {
					once.Do(func() { close(begun) })
				}
				mu.Unlock()
			}
		})
	}
	<-begun
	told := time.Now()
	p.stop(t)
	if took := time.Since(told); took > 25*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	all.Wait()
	return accepted
}

// TestSecondSignal: who is told to stop twice ends at once, as in a crash; nothing is lost.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	first := serveOn(t, dir)
	hook := path(t, first.deployForwarder(t, story.System{URL: slow.URL, Key: "k"}).GetFlows()[0].GetWebhookUrl())
	first.stop()

	p := startProgram(t, dir, "--allow-loopback", "--drain-timeout", "5m")
	tail, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.http+"/v1/executions/"+p.mustSend(t, hook)+":tail", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(tail) // a request that does not end keeps the server draining
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.untilStops(t)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, want the signal", err)
	}
	second := serveOn(t, dir)
	if code, body := get(t, "http://"+second.httpAddr+"/readyz"); code != http.StatusOK {
		t.Errorf("afterwards readyz answers %d %s", code, body)
	}
}

// process is the program at work in a process of its own.
type process struct {
	cmd  *exec.Cmd
	http string // its address
	said bytes.Buffer
}

func startProgram(t *testing.T, dir string, more ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0], append(onFreePorts(dir), more...)...)}
	p.cmd.Env = append(os.Environ(), asMain+"=1")
	p.cmd.Stderr = &p.said
	stdout, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it has ended, unless the test failed
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		name, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), "  ")
		if name == "REST" {
			p.http = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(value), "http://"), "/v1/")
		}
		if name == "data" {
			return p
		}
	}
	t.Fatalf("the program did not start:\n%s", p.said.String())
	return nil
}

// stop tells it to stop and waits until it has.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("told to stop it ended with %v, want exit code 0; it said:\n%s", err, p.said.String())
	}
}

// send sends an event. refused tells that nobody took it: any answer but 200 is wrong.
func (p *process) send(t *testing.T, hook, body string) (id string, refused bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.http+hook, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return "", true
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", true
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	var accepted struct{ ExecutionID string }
	if bad := json.Unmarshal(text, &accepted); err != nil || bad != nil || res.StatusCode != http.StatusOK {
		t.Errorf("answered %d %s (%v)", res.StatusCode, text, err)
		return "", true
	}
	return accepted.ExecutionID, false
}

func (p *process) mustSend(t *testing.T, hook string) string {
	t.Helper()
	id, refused := p.send(t, hook, `{"name":"one"}`)
	if refused {
		t.Fatal("the event was refused")
	}
	return id
}

// untilStops waits until nobody can connect any more: the program has heard that it is to stop.
func (p *process) untilStops(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); { // only a test that fails waits so long
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.http)
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Fatal("it takes requests still")
}
