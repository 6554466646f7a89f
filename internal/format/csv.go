package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

// maxNames bounds the names of columns, counted in every row.
const maxNames = 4 * MaxBytes

// CSV says how a table is written.
type CSV struct {
	Delimiter string // one character; "": a comma
	Header    bool   // the first line holds the names of the columns
	Unflatten bool   // a name such as person__first makes an object in an object
}

func (c CSV) comma() (rune, error) {
	switch c.Delimiter {
	case "":
		return ',', nil
	case `\t`, "tab":
		return '\t', nil
	}
	r, size := utf8.DecodeRuneInString(c.Delimiter)
	if size != len(c.Delimiter) || r == '"' || r == '\r' || r == '\n' || r == utf8.RuneError {
		return 0, &Error{Message: `the delimiter is not one character other than a quote or a line break: give one such as ";"`}
	}
	return r, nil
}

// Parse reads a table: a list of objects by column with a header, and else of lists. All cells are texts. A line that is shorter than the
// header leaves the last columns out; one that is longer is refused, unless only empty cells are too many.
func (c CSV) Parse(data []byte) ([]any, error) {
	if err := tooLarge(len(data)); err != nil {
		return nil, err
	}
	comma, err := c.comma()
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(withoutMark(data)))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	rows, cells := []any{}, 0
	var header []string
	for {
		record, err := r.Read()
		if err == io.EOF { //nolint:errorlint // the reader returns it bare
			return rows, nil
		}
		if err != nil {
			return nil, csvError(err)
		}
		if cells += len(record) + 1; cells > MaxItems {
			return nil, tooMany()
		}
		line, _ := r.FieldPos(0)
		switch {
		case !c.Header:
			rows = append(rows, cellList(record))
		case header == nil:
			if header, err = columns(record, line); err != nil {
				return nil, err
			}
		default:
			row, err := c.row(header, record, line)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
}

// Names returns the names of the columns of a table with a header that Parse has read.
func (c CSV) Names(data []byte) []string {
	r := csv.NewReader(bytes.NewReader(withoutMark(data)))
	r.Comma, _ = c.comma()
	record, err := r.Read()
	if err != nil {
		return nil
	}
	names, _ := columns(record, 1)
	return names
}

// csvError keeps the place of an error and none of the text.
func csvError(err error) error {
	var parse *csv.ParseError
	switch {
	case errors.As(err, &parse) && errors.Is(err, csv.ErrBareQuote):
		return &Error{Line: parse.Line, Column: parse.Column, Message: "a quote stands in a cell that is not quoted: quote the cell, and double the quotes in it"}
	case errors.As(err, &parse):
		return &Error{Line: parse.Line, Column: parse.Column, Message: "a quoted cell does not end where it should: close its quotes, and double those that stand in it"}
	}
	return &Error{Message: "the table cannot be read"}
}

func cellList(record []string) []any {
	row := make([]any, len(record))
	for i, cell := range record {
		row[i] = validText([]byte(cell))
	}
	return row
}

func columns(record []string, line int) ([]string, error) {
	names, seen := make([]string, len(record)), make(map[string]bool, len(record))
	for i, name := range record {
		names[i] = strings.TrimSpace(validText([]byte(name)))
		if seen[names[i]] && names[i] != "" {
			return nil, &Error{Line: line, Message: fmt.Sprintf("column %d has the name of an earlier one: rename it, or read the table without a header", i+1)}
		}
		seen[names[i]] = true
	}
	return names, nil
}

func (c CSV) row(header, record []string, line int) (*value.Object, error) {
	o := value.Obj()
	for i, cell := range record {
		switch {
		case i < len(header) && header[i] == "" && cell == "", i >= len(header) && cell == "":
			continue // the empty column that a delimiter at the end of lines makes
		case i >= len(header):
			return nil, &Error{Line: line, Message: fmt.Sprintf("it has %d cells, but the header has %d names: quote cells that hold the delimiter", len(record), len(header))}
		}
		if err := c.set(o, header[i], validText([]byte(cell))); err != nil {
			return nil, &Error{Line: line, Message: err.Error()}
		}
	}
	return o, nil
}

var errTwoMeanings = errors.New("a column stands for a value and, with a double underscore, for an object: rename one of them")

// set sets a cell, in objects within the row where the name says so.
func (c CSV) set(o *value.Object, name, cell string) error {
	keys := []string{name}
	if c.Unflatten {
		keys = strings.Split(name, "__")
	}
	if len(keys) >= value.MaxDepth {
		return fmt.Errorf("the name of a column nests deeper than %d levels", value.MaxDepth)
	}
	last := len(keys) - 1
	for _, key := range keys[:last] {
		inner, ok := o.Get(key)
		if !ok {
			inner = value.Obj()
			o.Set(key, inner)
		}
		next, ok := inner.(*value.Object)
		if !ok {
			return errTwoMeanings
		}
		o = next
	}
	if old, ok := o.Get(keys[last]); ok {
		if _, nested := old.(*value.Object); nested {
			return errTwoMeanings
		}
	}
	o.Set(keys[last], cell)
	return nil
}

// Write writes rows, which are objects or lists. The columns of objects are the keys of all of them, in the order in which they first
// appear; Unflatten gives columns to keys of objects within. Lines end in \n. Other lists and objects stand in a cell as JSON.
func (c CSV) Write(rows []any) (string, error) {
	comma, err := c.comma()
	if err != nil {
		return "", err
	}
	names, err := c.columnsOf(rows)
	if err != nil {
		return "", err
	}
	var b bounded
	w := csv.NewWriter(&b)
	w.Comma = comma
	if c.Header && len(names) > 0 {
		if err := w.Write(names); err != nil {
			return "", err
		}
	}
	cells := 0
	for _, row := range rows {
		record := c.record(row, names)
		if cells += len(record); cells > MaxItems {
			return "", tooMany()
		}
		if err := w.Write(record); err != nil {
			return "", err
		}
	}
	w.Flush()
	return b.String(), w.Error()
}

// columnsOf returns the names of the columns, none where the rows are lists.
func (c CSV) columnsOf(rows []any) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	lists, size := 0, 0
	for i, row := range rows {
		switch row := row.(type) {
		case []any:
			lists++
		case *value.Object:
			for name := range c.cells(row) {
				// Names of what is flattened hold those around them.
				if size += len(name); size > maxNames {
					return nil, &Error{Message: "the names of its columns are too long in sum: shorten them"}
				}
				if !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		default:
			return nil, &Error{At: fmt.Sprintf("row %d", i), Message: "it is " + value.Kind(row) + ": give an object or a list"}
		}
	}
	if lists > 0 && lists < len(rows) {
		return nil, &Error{Message: "some rows are objects and some are lists: give one kind"}
	}
	return names, nil
}

func (c CSV) record(row any, names []string) []string {
	if list, ok := row.([]any); ok {
		record := make([]string, len(list))
		for i, cell := range list {
			record[i] = value.Text(cell)
		}
		return record
	}
	o, _ := row.(*value.Object)
	byName := make(map[string]string, o.Len())
	for name, v := range c.cells(o) {
		byName[name] = value.Text(v)
	}
	record := make([]string, len(names))
	for i, name := range names {
		record[i] = byName[name]
	}
	return record
}

// cells ranges over the cells of a row by column.
func (c CSV) cells(o *value.Object) func(yield func(string, any) bool) {
	return func(yield func(string, any) bool) { c.walk("", o, yield) }
}

func (c CSV) walk(prefix string, o *value.Object, yield func(string, any) bool) bool {
	for key, v := range o.All() {
		inner, ok := v.(*value.Object)
		if ok && c.Unflatten && inner.Len() > 0 {
			if !c.walk(prefix+key+"__", inner, yield) {
				return false
			}
			continue
		}
		if !yield(prefix+key, v) {
			return false
		}
	}
	return true
}
