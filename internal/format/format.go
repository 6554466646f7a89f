// Package format turns data from and into texts and bytes of other formats: XML, YAML, CSV, forms, lines of JSON, MessagePack.
// What it reads may be hostile: size, depth and count are bounded, and errors name the place and never quote data.
// It must not know what the data is for.
package format

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

// The bounds of what is read and written. A text may be larger than a webhook's body, since steps put texts together; what it may come
// to in memory is bounded by the number of its parts.
const (
	MaxBytes = 16 << 20  // of a text, or of what is encoded
	MaxItems = 1_000_000 // values, elements and attributes, cells
)

// Error says what is wrong with data, and where.
type Error struct {
	Line, Column int    // from 1; 0: the place has no line
	At           string // where else it is: a path, a byte
	Message      string
}

func (e *Error) Error() string {
	switch {
	case e.Line > 0 && e.Column > 0:
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	case e.Line > 0:
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	case e.At != "":
		return e.At + ": " + e.Message
	default:
		return e.Message
	}
}

func tooLarge(size int) error {
	if size <= MaxBytes {
		return nil
	}
	return &Error{Message: fmt.Sprintf("it is larger than %d MiB: take it apart", MaxBytes>>20)}
}

func tooMany() error {
	return &Error{Message: fmt.Sprintf("it has more than %d parts: take it apart", MaxItems)}
}

func tooDeep(at string) error {
	return &Error{At: at, Message: fmt.Sprintf("it nests deeper than %d levels: flatten it", value.MaxDepth)}
}

// withoutMark returns data without the byte order mark that some programs put before UTF-8.
func withoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

// validText returns what came in as a text that a value may hold.
func validText(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return string(bytes.ToValidUTF8(data, []byte("\ufffd")))
}

// bounded is a buffer that refuses to grow beyond MaxBytes.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if err := tooLarge(b.Len() + len(p)); err != nil {
		return 0, err
	}
	return b.Buffer.Write(p)
}

func (b *bounded) WriteString(s string) (int, error) {
	if err := tooLarge(b.Len() + len(s)); err != nil {
		return 0, err
	}
	return b.Buffer.WriteString(s)
}

var _ io.StringWriter = (*bounded)(nil)
