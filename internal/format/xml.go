package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html/charset"

	"github.com/headrace/headrace/internal/value"
)

// Element is an element of XML, or the document that holds the root.
type Element struct {
	Name       string // with its prefix; "" for the document and for text
	Attributes []Attribute
	Children   []*Element
	Text       string // of a text

	parent *Element
	place  int // among the parent's children
	line   int
	column int
}

// Attribute is an attribute with its prefix.
type Attribute struct{ Name, Value string }

// Root returns the root of a document.
func (e *Element) Root() *Element {
	for _, c := range e.Children {
		if c.Name != "" {
			return c
		}
	}
	return nil
}

// ParseXML reads a document. A document type is refused, and with it every entity but the five of XML: they are how a small
// text becomes a huge one or fetches files. Bytes may be in any encoding that their declaration names, texts are UTF-8.
func ParseXML(data []byte, isText bool) (*Element, error) { return parseXML(data, isText, false) }

// ParseFragment reads what ParseXML reads, and also several roots one after the other, as WriteXML makes them of an object.
func ParseFragment(data []byte, isText bool) (*Element, error) { return parseXML(data, isText, true) }

func parseXML(data []byte, isText, fragment bool) (*Element, error) {
	if err := tooLarge(len(data)); err != nil {
		return nil, err
	}
	r := xmlReader{isText: isText, fragment: fragment, dec: xml.NewDecoder(bytes.NewReader(withoutMark(data)))}
	r.dec.CharsetReader = r.charset
	doc := &Element{}
	r.open = []*Element{doc}
	for {
		r.line, r.column = r.dec.InputPos()
		token, err := r.dec.RawToken()
		if err == io.EOF { //nolint:errorlint // the decoder returns it bare
			break
		}
		if err != nil {
			return nil, r.syntax(err)
		}
		if err := r.token(token); err != nil {
			return nil, err
		}
	}
	switch {
	case len(r.open) > 1:
		return nil, r.wrong("the document ends within the element <%s>: close it", shortName(r.top().Name))
	case doc.Root() == nil:
		return nil, &Error{Message: "it holds no element"}
	}
	return doc, nil
}

type xmlReader struct {
	dec          *xml.Decoder
	isText       bool
	fragment     bool       // may have several roots
	open         []*Element // the document and the elements that are open
	items        int
	line, column int
}

// shortName returns as much of a name as an error may hold.
func shortName(name string) string {
	const most = 60
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

func (r *xmlReader) top() *Element { return r.open[len(r.open)-1] }

func (r *xmlReader) wrong(format string, args ...any) error {
	return &Error{Line: r.line, Column: r.column, Message: fmt.Sprintf(format, args...)}
}

// charset reads what is not UTF-8. The label is no data: it is a word of the declaration.
func (r *xmlReader) charset(label string, in io.Reader) (io.Reader, error) {
	if r.isText {
		return in, nil // somebody decoded it before, whatever it says
	}
	return charset.NewReaderLabel(label, in)
}

// syntax says what the decoder found, without what it quotes.
func (r *xmlReader) syntax(err error) error {
	line, column := r.dec.InputPos()
	message := "this is no XML"
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		switch {
		case strings.Contains(syntax.Msg, "entity"):
			message = "an & begins no entity that is known: write &amp; for the character"
		case strings.Contains(syntax.Msg, "XML name"):
			message = "a name is malformed"
		case strings.Contains(syntax.Msg, "EOF"):
			message = "the document ends too soon"
		case strings.Contains(syntax.Msg, "illegal character"), strings.Contains(syntax.Msg, "UTF-8"):
			message = "a character stands here that XML does not allow"
		}
	} else {
		message = "it is in an encoding that is not known"
	}
	return &Error{Line: line, Column: column, Message: message}
}

func (r *xmlReader) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(rawName(t.Name))
	case xml.CharData:
		return r.text(string(t))
	case xml.Directive:
		return r.wrong("a document type stands here: remove it, it is refused for what it could fetch and grow to")
	default:
		return nil // comments and processing instructions
	}
}

func rawName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

func (r *xmlReader) start(t xml.StartElement) error {
	parent := r.top()
	if len(r.open) == 1 && parent.Root() != nil && !r.fragment {
		return r.wrong("a second root begins: a document has one")
	}
	if len(r.open) > value.MaxDepth {
		err := tooDeep("").(*Error) //nolint:errorlint // it was just made
		err.Line, err.Column = r.line, r.column
		return err
	}
	if r.items += 1 + len(t.Attr); r.items > MaxItems {
		return tooMany()
	}
	e := &Element{Name: rawName(t.Name), parent: parent, place: len(parent.Children), line: r.line, column: r.column}
	seen := map[string]bool{}
	for _, a := range t.Attr {
		name := rawName(a.Name)
		if seen[name] {
			return r.wrong("the attribute %s stands twice in the element <%s>", shortName(name), shortName(e.Name))
		}
		seen[name] = true
		e.Attributes = append(e.Attributes, Attribute{Name: name, Value: a.Value})
	}
	parent.Children = append(parent.Children, e)
	r.open = append(r.open, e)
	return nil
}

func (r *xmlReader) end(name string) error {
	if len(r.open) == 1 || r.top().Name != name {
		return r.wrong("</%s> closes no element that is open last", shortName(name))
	}
	r.open = r.open[:len(r.open)-1]
	return nil
}

func (r *xmlReader) text(text string) error {
	parent := r.top()
	if len(r.open) == 1 {
		if strings.TrimSpace(text) != "" {
			return r.wrong("text stands outside of the root")
		}
		return nil
	}
	if n := len(parent.Children); n > 0 && parent.Children[n-1].Name == "" {
		parent.Children[n-1].Text += text // CDATA after text
		return nil
	}
	if r.items++; r.items > MaxItems {
		return tooMany()
	}
	parent.Children = append(parent.Children, &Element{Text: text, parent: parent, place: len(parent.Children)})
	return nil
}

// CheckNamespaces reports the first prefix that nothing declares.
func (e *Element) CheckNamespaces() error {
	return e.checkNamespaces(map[string]int{"xml": 1, "xmlns": 1})
}

// checkNamespaces counts what is declared around e.
func (e *Element) checkNamespaces(declared map[string]int) error {
	for _, a := range e.Attributes {
		if prefix, ok := strings.CutPrefix(a.Name, "xmlns:"); ok {
			declared[prefix]++
			defer func() { declared[prefix]-- }()
		}
	}
	check := func(name string) error {
		prefix, _, ok := strings.Cut(name, ":")
		if !ok || declared[prefix] > 0 {
			return nil
		}
		return &Error{
			Line: e.line, Column: e.column,
			Message: fmt.Sprintf("the prefix of %s is declared nowhere: add xmlns:%s", shortName(name), shortName(prefix)),
		}
	}
	if err := check(e.Name); err != nil {
		return err
	}
	for _, a := range e.Attributes {
		if err := check(a.Name); err != nil {
			return err
		}
	}
	for _, c := range e.Children {
		if err := c.checkNamespaces(declared); err != nil {
			return err
		}
	}
	return nil
}
