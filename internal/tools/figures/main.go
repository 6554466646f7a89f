// Command figures writes what a run of the fault tests measured into a document, as a table between two marks:
//
//	go run ./internal/tools/figures -results .build/faults.json -document docs/reliability.md
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
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

func main() {
	results := flag.String("results", ".build/faults.json", "what the fault tests have written")
	document := flag.String("document", "docs/reliability.md", "the document whose table is replaced")
	commit := flag.String("commit", "", "the commit that was tested")
	flag.Parse()
	if err := run(*results, *document, *commit); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(results, document, commit string) error {
	text, err := os.ReadFile(results)
	if err != nil {
		return err
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", results, err)
	}
	old, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	replaced, err := replace(old, r.table(commit))
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return os.WriteFile(document, replaced, 0o644)
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
	slices.SortStableFunc(r.Results, func(a, b result) int { return cmp.Or(cmp.Compare(a.Target[:1], b.Target[:1])*-1, number(a)-number(b)) })
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

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
