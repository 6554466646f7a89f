//go:build faults

package faults_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
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
		processes := below(s.pid())
		if len(processes) == 0 {
			t.Error("no process runs code: the check is blind")
		}
		seen += len(processes)
		s.kill()
		for _, pid := range processes {
			if !gone(pid, 5*time.Second) {
				orphans++
			}
		}
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
	results.add(t, result{
		Target: "T33", Goal: "code of steps leaves no process behind a server that is killed, and its executions end well",
		Size: fmt.Sprintf("%d kills", kills), Figure: fmt.Sprintf("%d processes seen, %d orphans; %s", seen, orphans, got),
	})
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
