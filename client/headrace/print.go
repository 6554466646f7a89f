package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// printer writes answers as a person or a program wants them.
type printer struct {
	w      io.Writer
	format string // table, json or yaml
	paint
	now func() time.Time
}

// show prints a message: as it is for programs, by human for people.
func (p *printer) show(message proto.Message, human func()) error {
	if p.format == "table" {
		human()
		return nil
	}
	text, err := messageJSON(message)
	if err != nil {
		return err
	}
	return p.document(text)
}

// document prints JSON text in the format that was asked for, which is not the one for people.
func (p *printer) document(text []byte) error {
	if p.format == "yaml" {
		out, err := jsonToYAML(text)
		if err != nil {
			return err
		}
		_, err = p.w.Write(out)
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := p.w.Write(out.Bytes())
	return err
}

// messageJSON is a message in the words of the REST API, in one line.
func messageJSON(message proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer // protojson varies its spaces on purpose
	err = json.Compact(&out, text)
	return out.Bytes(), err
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// heading prints the title of what follows.
func (p *printer) heading(text string) { p.line("\n%s", p.the(text, bold)) }

// A cell is one field of a table.
type cell struct {
	text  string
	style style
}

func text(s string) cell { return cell{text: s} }

func number(n int32) cell {
	if n == 0 {
		return cell{"-", dim}
	}
	return cell{text: fmt.Sprint(n)}
}

// table prints rows in columns, with a head if it has one.
func (p *printer) table(indent string, head []string, rows [][]cell) {
	if len(head) > 0 {
		cells := make([]cell, len(head))
		for i, title := range head {
			cells[i] = cell{title, dim}
		}
		rows = append([][]cell{cells}, rows...)
	}
	var widths []int
	for _, row := range rows {
		for i := range row {
			row[i].text = clean(row[i].text)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		b.WriteString(indent)
		gap := ""
		for i, c := range row {
			if c.text != "" {
				b.WriteString(gap + p.the(c.text, c.style))
				gap = ""
			}
			gap += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2)
		}
		p.line("%s", strings.TrimRight(b.String(), " "))
	}
}

// list prints a table of things, or that there are none.
func (p *printer) list(none string, head []string, rows [][]cell) {
	if len(rows) == 0 {
		p.line("%s", p.the(none, dim))
		return
	}
	p.table("", head, rows)
}

// fields prints names and values one below the other, leaving out what is empty.
func (p *printer) fields(pairs ...cell) {
	var rows [][]cell
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1].text != "" {
			rows = append(rows, []cell{{pairs[i].text, dim}, pairs[i+1]})
		}
	}
	p.table("  ", nil, rows)
}

// ago tells a moment by its distance.
func (p *printer) ago(at *timestamppb.Timestamp) cell {
	if at == nil {
		return cell{"-", dim}
	}
	d := p.now().Sub(at.AsTime())
	switch {
	case d < 0:
		return text(at.AsTime().Format(time.DateTime))
	case d < time.Minute:
		return text(fmt.Sprintf("%d s ago", int(d.Seconds())))
	case d < time.Hour:
		return text(fmt.Sprintf("%d min ago", int(d.Minutes())))
	case d < 48*time.Hour:
		return text(fmt.Sprintf("%d h ago", int(d.Hours())))
	}
	return text(fmt.Sprintf("%d d ago", int(d.Hours()/24)))
}

// until tells a moment ahead by its distance.
func (p *printer) until(at *timestamppb.Timestamp) cell {
	switch d := at.AsTime().Sub(p.now()); {
	case d <= 0:
		return text("now")
	case d < time.Minute:
		return text(fmt.Sprintf("in %d s", int(d.Seconds())))
	case d < time.Hour:
		return text(fmt.Sprintf("in %d min", int(d.Minutes())))
	default:
		return text(fmt.Sprintf("in %d h", int(d.Hours())))
	}
}

func moment(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	return at.AsTime().Format("2006-01-02 15:04:05") + " UTC"
}

// took tells a duration in as few digits as it needs.
func took(d *durationpb.Duration) string {
	switch t := d.AsDuration(); {
	case d == nil:
		return ""
	case t < time.Millisecond:
		return "<1 ms"
	case t < time.Second:
		return fmt.Sprintf("%d ms", t.Milliseconds())
	case t < time.Minute:
		return fmt.Sprintf("%.1f s", t.Seconds())
	default:
		return fmt.Sprintf("%d min %d s", int(t.Minutes()), int(t.Seconds())%60)
	}
}

// word is an enum value without the prefix that only programs need: STATE_ACTIVE becomes ACTIVE.
func word(e fmt.Stringer, prefix string) string {
	w := strings.TrimPrefix(e.String(), prefix)
	if w == "UNSPECIFIED" {
		return "-"
	}
	return w
}

// state shows a state in its colour.
func state(e fmt.Stringer) cell {
	w := word(e, "STATE_")
	switch w {
	case "ACTIVE", "SUCCEEDED", "CREATED":
		return cell{w, green}
	case "FAILED", "DEPLOY_FAILED", "DEAD_LETTER", "REMOVE_FAILED", "STOPPED", "UNCONFIRMED":
		return cell{w, red}
	case "RUNNING", "CANARY", "QUEUED", "DEPLOYING", "ROLLING_BACK", "DELETING", "INTENT":
		return cell{w, yellow}
	}
	return cell{w, dim}
}

func orNone(s string) cell {
	if s == "" {
		return cell{"-", dim}
	}
	return text(s)
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
