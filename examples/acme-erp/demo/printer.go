package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// width is how long a line of prose gets.
const width = 78

// printer tells the story to a person at a terminal, or to a file. It implements story.Teller.
type printer struct {
	out            io.Writer
	colour         bool
	blank          bool // the last line was empty
	scenes, checks int
}

// newPrinter prints in colour where out is a terminal and its owner does not mind (https://no-color.org).
func newPrinter(out *os.File) *printer {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &printer{out: out, colour: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// style is a way to write, as the number in the terminal's escape sequence.
type style string

const (
	bold  style = "1"
	dim   style = "2"
	red   style = "31"
	green style = "32"
	blue  style = "36"
	head  style = "1;36"
)

func (p *printer) in(s style, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (p *printer) print(lines ...string) {
	for _, line := range lines {
		if line == "" && p.blank {
			continue // one empty line is enough
		}
		p.blank = line == ""
		_, _ = fmt.Fprintln(p.out, line) // there is nobody to tell that nobody can be told anything
	}
}

// title opens the show.
func (p *printer) title() {
	p.print("", "  "+p.in(bold, "HEADRACE")+"  the tutorial, live", "  "+p.in(dim, strings.Repeat("═", width-2)))
}

// Scene implements story.Teller.
func (p *printer) Scene(number int, title string) {
	p.scenes++
	line := fmt.Sprintf("%2d  %s ", number, title)
	p.print("", "  "+p.in(head, line)+p.in(dim, strings.Repeat("─", max(width-2-utf8.RuneCountInString(line), 0))))
}

// Say implements story.Teller.
func (p *printer) Say(format string, args ...any) {
	p.print("")
	for _, line := range wrap(fmt.Sprintf(format, args...), width-6) {
		p.print("      " + line)
	}
}

// Check implements story.Teller.
func (p *printer) Check(format string, args ...any) {
	p.checks++
	for i, line := range wrap(fmt.Sprintf(format, args...), width-6) {
		mark := " "
		if i == 0 {
			mark = p.in(green, "✓")
		}
		p.print("    " + mark + " " + line)
	}
}

// Show implements story.Teller.
func (p *printer) Show(label string, rows ...[]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	p.print("", "      "+p.in(bold, label))
	for n, row := range rows {
		if row != nil {
			p.print("      " + p.row(row, widths, n == 0))
		}
	}
	p.print("")
}

func (p *printer) row(row []string, widths []int, header bool) string {
	var b strings.Builder
	for i, cell := range row {
		padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
		switch {
		case header:
			cell = p.in(dim, cell)
		case i == 0:
			cell = p.in(blue, cell)
		}
		b.WriteString(cell)
		if i < len(row)-1 {
			b.WriteString(padding)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// note is a remark of the stage hands.
func (p *printer) note(format string, args ...any) {
	p.print("  " + p.in(dim, fmt.Sprintf(format, args...)))
}

// end closes the show.
func (p *printer) end(took time.Duration) {
	p.print("", "  "+p.in(dim, strings.Repeat("═", width-2)),
		"  "+p.in(green, "✓")+" "+p.in(bold, fmt.Sprintf("%d scenes, %d times as expected, in %s.", p.scenes, p.checks, took.Round(10*time.Millisecond))), "")
}

// look tells where to look while everything runs.
func (p *printer) look(places [][]string) {
	p.Show("Where to look", places...)
	p.note("Everything is left running. Ctrl-C ends it.")
}

// fail tells what went wrong.
func (p *printer) fail(err error) {
	p.print("", "  "+p.in(red, "✗ Not as expected"), "")
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.print("    " + line)
	}
	p.print("")
}

// tailLines is how many of the log's last lines are shown.
const tailLines = 25

// tail shows the end of a log.
func (p *printer) tail(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return // the server was not started yet
	}
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	lines = slices.DeleteFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(" code=OK ")) })
	lines = lines[max(len(lines)-tailLines, 0):]
	p.print("", "  "+p.in(dim, "The last lines of the server's log:"), "")
	for _, line := range lines {
		p.print("    " + p.in(dim, string(line)))
	}
}

// wrap breaks text into lines of at most width characters, where it has spaces.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
