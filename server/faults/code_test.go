//go:build faults

package faults_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/fault"
)

// coded is an integration whose flow runs code for a while before it sends its event on.
const coded = `
id: relay
displayName: Coded
configVariables:
  - {displayName: URL, required: true}
flows:
  - displayName: Code
    steps:
      - displayName: Work
        action: code.runCode
        inputs:
          data: {reference: trigger.results.body.data}
          code: {value: "const end = Date.now() + 60; while (Date.now() < end) {} return data;"}
      - {displayName: Send, action: http.httpPost, inputs: {url: {configVariable: URL}, data: {reference: work.results}}}
`

// TestCodeUnderKills kills the server again and again while code of steps runs in processes of its own (T33): none of them outlives it, and
// each event has its effect, once.
func TestCodeUnderKills(t *testing.T) {
	t.Parallel()
	kills := size(t, "T33.kills", 4, 100)
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	sending := newSenders(t, s.deployRelayAs(t, coded, "smith", to.URL+"/smith"), 0)
	sending.pace(20)
	seen, orphans := 0, 0
	for range kills {
		was := to.count("smith")
		until(t, time.Minute, "code to run", func() bool { return to.count("smith") > was })
		some, left := s.killedWithCode(t, time.Minute)
		seen, orphans = seen+some, orphans+len(left)
		s.start(breakage{})
	}
	was := to.count("smith")
	until(t, time.Minute, "code to run", func() bool { return to.count("smith") > was })
	sending.halt()
	s.settled(t, time.Minute)
	s.mustSucceed(t)
	got := sending.judge(to, "smith")
	got.check(t)
	if orphans > 0 {
		t.Errorf("%d of %d processes have outlived their server", orphans, seen)
	}
	left := s.unboundCode(t, to)
	if left == 0 {
		t.Error("where code has a process that nothing ends none is left either: the check is blind")
	}
	results.add(t, result{
		Target: "T33", Goal: "code of steps leaves no process behind a server that is killed, and its executions end well",
		Size: fmt.Sprintf("%d kills", kills), Figure: fmt.Sprintf("%d processes seen, %d orphans; %s", seen, orphans, got),
		Control: fmt.Sprintf("code has a process that does not end with the server: %d left after a kill", left),
	})
}

// killedWithCode kills the server and returns how many processes there were that run code, and those that outlive it.
func (s *server) killedWithCode(t *testing.T, patience time.Duration) (seen int, left []int) {
	t.Helper()
	processes := below(s.pid())
	if len(processes) == 0 {
		t.Error("no process runs code: the check is blind")
	}
	s.kill()
	for _, pid := range processes {
		if !gone(pid, patience) {
			left = append(left, pid)
		}
	}
	return len(processes), left
}

// unboundCode kills a server whose code has processes that are not bound to it, while one runs, and returns how many are left. They
// are ended.
func (s *server) unboundCode(t *testing.T, to *sink) int {
	t.Helper()
	s.kill()
	s.start(breakage{broken: fault.Unbound})
	sending := newSenders(t, s.deployRelayAs(t, coded, "jones", to.URL+"/jones"), 0)
	sending.pace(20)
	until(t, time.Minute, "code to run", func() bool { return to.count("jones") > 0 && slices.ContainsFunc(below(s.pid()), sleeps) })
	_, left := s.killedWithCode(t, 500*time.Millisecond)
	sending.halt()
	for _, pid := range left {
		if sleeps(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may just have ended
		}
	}
	return len(left)
}

// sleeps tells whether a process is one of those that outlive an unbound server.
func sleeps(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.TrimSpace(string(name)) == "sleep"
}

// below returns the processes that another one has started, and those that these have.
func below(pid int) (found []int) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil // the pattern is right
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // it has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(append(found, child), below(child)...)
			}
		}
	}
	return found
}

// gone waits for the end of a process. One that has ended, and that nobody has asked about, is gone.
func gone(pid int, patience time.Duration) bool {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, fs.ErrNotExist) || err == nil && strings.Contains(string(text), ") Z ") {
			return true
		}
	}
	return false
}
