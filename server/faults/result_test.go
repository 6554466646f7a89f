//go:build faults

package faults_test

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// report is what a run writes for the documents: internal/tools/figures makes a table of it.
type report struct {
	Time    time.Time `json:"time"`
	Machine string    `json:"machine"`
	Soak    bool      `json:"soak"`
	Results []result  `json:"results"`
}

// A result is one line of the table that the document shows.
type result struct {
	Target  string `json:"target"`            // T1 … T33, or F1 … F70
	Goal    string `json:"goal"`              // in short
	Size    string `json:"size"`              // of this run
	Figure  string `json:"figure"`            // what came out
	Control string `json:"control,omitempty"` // what is broken on purpose, and what came out then
	Test    string `json:"test"`
}

// results gathers the lines of a run. HEADRACE_FAULTS_RESULTS names the file they go to.
var results ledger

type ledger struct {
	mu    sync.Mutex
	lines []result
}

func (l *ledger) add(t *testing.T, r result) {
	t.Helper()
	r.Test = t.Name()
	t.Logf("%s: %s: %s; control: %s", r.Target, r.Size, r.Figure, r.Control)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r)
}

func (l *ledger) write() error {
	file := os.Getenv("HEADRACE_FAULTS_RESULTS")
	if file == "" || len(l.lines) == 0 {
		return nil
	}
	text, err := json.MarshalIndent(report{
		Time: time.Now().UTC().Truncate(time.Second), Soak: soak(), Results: l.lines,
		Machine: fmt.Sprintf("%d cores, %s/%s, %s%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), loadBefore),
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// loadBefore tells what else the machine had to do when the run began: speeds depend on it.
var loadBefore = func() string {
	text, err := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(text), " ")
	if err != nil || load == "" {
		return ""
	}
	return ", load " + load + " before the run"
}()

// soak is a long run, for a machine of its own.
func soak() bool { return os.Getenv("HEADRACE_SOAK") != "" }

// size is how much of something a test does: fast, or long in a soak. HEADRACE_SIZES overrides single ones: "T1.events=500,T1.kills=3".
func size(t *testing.T, name string, fast, long int) int {
	t.Helper()
	n := fast
	if soak() {
		n = long
	}
	for part := range strings.SplitSeq(os.Getenv("HEADRACE_SIZES"), ",") {
		key, text, ok := strings.Cut(part, "=")
		if !ok || key != name {
			continue
		}
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(fmt.Errorf("HEADRACE_SIZES: %s: %w", name, err))
		}
	}
	return n
}
