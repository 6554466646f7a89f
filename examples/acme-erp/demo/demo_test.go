package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReadme runs the commands of the README word for word.
func TestReadme(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the README's commands need %s, which is not here", tool)
		}
	}
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllSubmatch(page, -1)
	if len(blocks) != 7 {
		t.Fatalf("the README has %d blocks of commands, want 7", len(blocks))
	}
	for _, block := range blocks {
		script += string(block[1]) + "\necho\n"
	}
	dir := t.TempDir()
	if err := build(t.Context(), dir, "client/headrace"); err != nil {
		t.Fatal(err)
	}
	s := startStage(t, dir)
	if err := os.Symlink(filepath.Join(s.home, "examples"), filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := command(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HEADRACE_SERVER="+s.world.GRPC, "ERP="+s.world.ERP.URL, "ERP_KEY="+s.world.ERP.Key,
		"PROGIX="+s.world.Progix.URL, "PROGIX_TOKEN="+s.world.Progix.Key)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("a command of the README failed: %v\n%s", err, out)
	}
	for _, want := range []string{
		"Sync Inventory Data",     // the flows
		`"name":"Wile E. Coyote"`, // what Progix got
		"INIT_FLOW_FAILED",        // the deployment that failed
		"not deployed, exit code", // and what a script sees of it
		`{"webhooks":[]}`,         // the end
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the README's commands printed no %s:\n%s", want, out)
		}
	}
}

// startStage starts the programs in dir, and checks at the end of the test that they stop well.
func startStage(t *testing.T, dir string) *stage {
	t.Helper()
	s := &stage{dir: dir}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestProgramThatEndsEarly is told from one that is ready.
func TestProgramThatEndsEarly(t *testing.T) {
	t.Parallel()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("it needs go, to have a program that ends")
	}
	p, err := launch(t.Context(), goTool, filepath.Join(t.TempDir(), "log"), []string{"no-such-command"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.await(t.Context(), func(string) bool { return true }); err == nil || !strings.Contains(err.Error(), "ended before it was ready") {
		t.Errorf("error is %v, want one that says that the program ended", err)
	}
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "exit code 0, found exit status 2") {
		t.Errorf("error is %v, want one that names the exit code", err)
	}
}

// TestPrinter prints without colours where there is no terminal.
func TestPrinter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &printer{out: &out}
	p.Scene(3, "A scene")
	p.Say("%s it says, in words that are many enough to fill more than one line of %d characters.", "So", width)
	p.Show("A table", []string{"short", "long"}, []string{"§", "x"}, []string{"longer", ""})
	p.Check("It is %t", true)
	want := `
   3  A scene ────────────────────────────────────────────────────────────────

      So it says, in words that are many enough to fill more than one line of
      78 characters.

      A table
      short   long
      §       x
      longer

    ✓ It is true
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

// TestPrinterInColour colours what it prints, and nothing of its width.
func TestPrinterInColour(t *testing.T) {
	t.Parallel()
	tell := func(p *printer) {
		p.Scene(1, "A scene")
		p.Show("A table", nil, []string{"a", "b"})
		p.Check("Done")
		p.fail(errors.New("one\ntwo"))
	}
	var plain, coloured bytes.Buffer
	tell(&printer{out: &plain})
	tell(&printer{out: &coloured, colour: true})
	escapes := regexp.MustCompile("\x1b\\[[0-9;]+m")
	if !escapes.Match(coloured.Bytes()) || escapes.Match(plain.Bytes()) {
		t.Errorf("escapes in colour: %t, without: %t", escapes.Match(coloured.Bytes()), escapes.Match(plain.Bytes()))
	}
	if diff := cmp.Diff(plain.String(), escapes.ReplaceAllString(coloured.String(), "")); diff != "" {
		t.Errorf("text (-plain +coloured):\n%s", diff)
	}
}

// TestTail shows what went wrong, and not the calls that went well.
func TestTail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("msg=call code=OK duration=1ms\nmsg=call code=Internal\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	(&printer{out: &out}).tail(path)
	if got := out.String(); strings.Contains(got, "code=OK") || !strings.Contains(got, "code=Internal") {
		t.Errorf("printed %q, want the failure and nothing else", got)
	}
}
