// Command figures writes what the fault tests measured into a document, as a table between two marks:
//
//	go run ./internal/tools/figures -results .build/faults.json -inside .build/inside.json -document docs/reliability.md
//
// It must not know how anything is tested, but for the names of those tests that stand elsewhere and take the place of a target.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The table stands between these; everything else in the document is left as it is.
const (
	beginMark = "<!-- figures: written by a command, see above -->\n"
	endMark   = "<!-- end of figures -->\n"
)

// report is what a run of the fault tests has written.
type report struct {
	Time    time.Time
	Machine string
	Results []result
}

type result struct{ Target, Goal, Size, Figure, Control, Test string }

// inside are the targets that ordinary tests stand for. Their figures are what those tests log.
var inside = []struct{ target, goal, test, control string }{
	{"T12", "a damaged database file is detected or harmless, never a wrong answer", "TestCorruption", "in the same line"},
	{"T23", "an upgrade killed anywhere keeps every row", "TestUpgradeKilledAnywhere", ""},
	{"T26", "a clock that jumps runs nothing twice", "TestAMovedClockRunsNothingTwice", ""},
	{"T26", "a clock that jumps wakes what sleeps", "TestAMovedClockWakesWhatSleeps", ""},
	{"T27", "a simulation with failing and dying stores keeps every promise", "TestSimulation", "TestSimulationSeesWhatIsBroken"},
	{"T27", "the same at every call of a fixed story", "TestSimulationAtEveryCall", "TestSimulationSeesWhatIsBroken"},
}

func main() {
	var f files
	flag.StringVar(&f.results, "results", ".build/faults.json", "what the fault tests have written")
	flag.StringVar(&f.inside, "inside", "", "what go test -json said of the ordinary tests; empty: nothing of them")
	flag.StringVar(&f.document, "document", "docs/reliability.md", "the document whose table is replaced")
	commit := flag.String("commit", "", "the commit that was tested")
	flag.Parse()
	if err := run(f, *commit); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

type files struct{ results, inside, document string }

func run(f files, commit string) error {
	text, err := os.ReadFile(f.results)
	if err != nil {
		return err
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", f.results, err)
	}
	if f.inside != "" {
		said, err := os.ReadFile(f.inside)
		if err != nil {
			return err
		}
		lines, err := figuresOf(said)
		if err != nil {
			return fmt.Errorf("%s: %w", f.inside, err)
		}
		r.Results = append(r.Results, lines...)
	}
	old, err := os.ReadFile(f.document)
	if err != nil {
		return err
	}
	replaced, err := replace(old, r.table(commit))
	if err != nil {
		return fmt.Errorf("%s: %w", f.document, err)
	}
	return os.WriteFile(f.document, replaced, 0o644)
}

// event is a line of go test -json.
type event struct{ Action, Test, Output string }

// logged is a line that a test has logged: behind the file and the line of the code.
var logged = regexp.MustCompile(`^\s+\w+_test\.go:\d+: (.*)\n$`)

// figuresOf reads what ordinary tests have logged. A test that is listed and did not pass is an error: its figure would be a lie.
func figuresOf(said []byte) (lines []result, err error) {
	figures, passed := map[string][]string{}, map[string]bool{}
	for scanner := bufio.NewScanner(bytes.NewReader(said)); scanner.Scan(); {
		var e event
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			return nil, err
		}
		if e.Action == "pass" {
			passed[e.Test] = true
		}
		name, _, _ := strings.Cut(e.Test, "/")
		if m := logged.FindStringSubmatch(e.Output); m != nil && !slices.Contains(figures[name], m[1]) {
			figures[name] = append(figures[name], m[1])
		}
	}
	for _, t := range inside {
		if !passed[t.test] {
			return nil, fmt.Errorf("%s has not passed", t.test)
		}
		figure := cmp.Or(strings.Join(figures[t.test], "; "), "passed"+cases(passed, t.test))
		control := t.control
		if t.control != "" && passed[t.control] {
			control += " passed" + cases(passed, t.control)
		}
		lines = append(lines, result{Target: t.target, Goal: t.goal, Figure: figure, Control: control, Test: t.test})
	}
	return lines, nil
}

// cases tells how many tests passed below one, where there are any; those that hold others do not count.
func cases(passed map[string]bool, test string) string {
	holds := map[string]bool{}
	for name := range passed {
		for at := strings.LastIndex(name, "/"); at >= 0; at = strings.LastIndex(name[:at], "/") {
			holds[name[:at]] = true
		}
	}
	n := 0
	for name := range passed {
		if strings.HasPrefix(name, test+"/") && !holds[name] {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d cases", n)
}

// replace puts a table between the marks.
func replace(document []byte, table string) ([]byte, error) {
	before, rest, begun := bytes.Cut(document, []byte(beginMark))
	_, after, ended := bytes.Cut(rest, []byte(endMark))
	if !begun || !ended {
		return nil, fmt.Errorf("it has no place for the table: put these two lines where it belongs:\n%s%s", beginMark, endMark)
	}
	return slices.Concat(before, []byte(beginMark), []byte(table), []byte(endMark), after), nil
}

// table is Markdown: when and where it was measured, and a row for each result.
func (r report) table(commit string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeasured %s on %s", r.Time.Format("2006-01-02 15:04 MST"), r.Machine)
	if commit != "" {
		fmt.Fprintf(&b, ", commit %s", commit)
	}
	b.WriteString(".\n\n| | What is wanted | Size | What was measured | Negative control | Test |\n|---|---|---|---|---|---|\n")
	slices.SortStableFunc(r.Results, func(a, b result) int {
		return cmp.Or(cmp.Compare(b.Target[:1], a.Target[:1]), cmp.Compare(number(a), number(b))) // T before F
	})
	for _, line := range r.Results {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | `%s` |\n",
			cell(line.Target), cell(line.Goal), cell(line.Size), cell(line.Figure), cell(cmp.Or(line.Control, "–")), cell(line.Test))
	}
	b.WriteString("\n")
	return b.String()
}

// number is what a target is sorted by.
func number(r result) int {
	n, err := strconv.Atoi(r.Target[1:])
	if err != nil {
		return 0
	}
	return n
}

// cell is a text that breaks no table.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
