package format

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"

	"github.com/headrace/headrace/internal/value"
)

// How XML and values stand for each other. An element is a key of the object of its parent:
//
//   - One with nothing but text is that text, without the white space around it, unless xml:space says to preserve it; an empty one is
//     an empty text. A text that is a JSON number becomes that number, if numbers are asked for.
//   - Any other is an object: attributes first, each as @name, then a key for every name of its elements in the order of their first
//     appearance, then its own text as #text.
//   - Elements of the same name in one parent are a list, at the place of the first.
//
// Names keep their prefixes. What is lost on the way: comments, processing instructions, the order among elements of different names
// when they alternate, and where text stood between elements. The other way, from a value to XML and back, what is lost is the kind of
// what is no text or number: true becomes "true", nothing "", and an empty list no element at all; a list of one becomes its item.
const (
	attributeMark = "@"
	textKey       = "#text"
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

// XMLValue says how elements become values.
type XMLValue struct {
	NumbersAsStrings bool // texts that are numbers stay texts
	DropPrefixes     bool // ns:name becomes name, and declarations of namespaces are left out
	AlwaysLists      map[string]bool
}

// Of returns the value of an element, or of a document: an object whose keys are its roots, of which it usually has one.
func (x XMLValue) Of(e *Element) (any, error) {
	if e.Name != "" || e.parent != nil {
		return x.element(e, 0, false)
	}
	if len(e.Children) == 1 {
		v, err := x.element(e.Root(), 1, false)
		return value.Obj(value.Field{Key: x.name(e.Root().Name), Value: v}), err
	}
	o := value.Obj()
	return o, x.children(o, e, 0, false)
}

func (x XMLValue) name(name string) string {
	if !x.DropPrefixes {
		return name
	}
	if _, local, ok := strings.Cut(name, ":"); ok {
		return local
	}
	return name
}

// element returns the value of e, which stands in depth lists and objects.
func (x XMLValue) element(e *Element, depth int, preserve bool) (any, error) {
	if e.Name == "" {
		return x.scalar(e.Text, preserve), nil
	}
	o := value.Obj()
	for _, a := range e.Attributes {
		if a.Name == "xml:space" {
			preserve = a.Value == "preserve"
		}
		if x.DropPrefixes && (a.Name == "xmlns" || strings.HasPrefix(a.Name, "xmlns:")) {
			continue
		}
		o.Set(attributeMark+x.name(a.Name), a.Value)
	}
	elements := 0
	var text strings.Builder
	for _, c := range e.Children {
		if c.Name == "" {
			text.WriteString(c.Text)
			continue
		}
		elements++
	}
	if elements == 0 && o.Len() == 0 {
		return x.scalar(text.String(), preserve), nil
	}
	if depth >= value.MaxDepth {
		return nil, tooDeep("element <" + shortName(e.Name) + ">")
	}
	if err := x.children(o, e, depth, preserve); err != nil {
		return nil, err
	}
	if own := text.String(); strings.TrimSpace(own) != "" {
		o.Set(textKey, x.scalar(own, preserve))
	}
	return o, nil
}

// children sets the values of the elements in e.
func (x XMLValue) children(o *value.Object, e *Element, depth int, preserve bool) error {
	counts, lists := map[string]int{}, map[string]*[]any{}
	for _, c := range e.Children {
		counts[x.name(c.Name)]++
	}
	for _, c := range e.Children {
		if c.Name == "" {
			continue
		}
		if err := x.child(o, lists, c, counts[x.name(c.Name)], depth, preserve); err != nil {
			return err
		}
	}
	for name, list := range lists {
		o.Set(name, *list)
	}
	return nil
}

// child sets the value of an element in the object of its parent, where count of its name stand.
func (x XMLValue) child(o *value.Object, lists map[string]*[]any, c *Element, count, depth int, preserve bool) error {
	name := x.name(c.Name)
	if count == 1 && !x.AlwaysLists[name] {
		v, err := x.element(c, depth+1, preserve)
		o.Set(name, v)
		return err
	}
	if depth+1 >= value.MaxDepth {
		return tooDeep("element <" + shortName(c.Name) + ">")
	}
	v, err := x.element(c, depth+2, preserve)
	if err != nil {
		return err
	}
	list := lists[name]
	if list == nil {
		items := make([]any, 0, count)
		list = &items
		lists[name] = list
		o.Set(name, nil) // takes the place of the first
	}
	*list = append(*list, v)
	return nil
}

func (x XMLValue) scalar(text string, preserve bool) any {
	trimmed := strings.TrimSpace(text)
	if !x.NumbersAsStrings {
		if n, ok := value.ParseNumber(trimmed); ok {
			return n
		}
	}
	if preserve {
		return text
	}
	return trimmed
}

// WriteXML says how a value becomes a document.
type WriteXML struct {
	Root        string // name of the root; "": the only key of the object, or `root` where there is no only one
	Pretty      bool   // indented by two spaces
	Declaration bool   // begins with <?xml …?>
	Fragment    bool   // without Root, the keys of an object are elements one after the other, with no root around them
}

// Of returns the document of a value.
func (x WriteXML) Of(v any) (string, error) {
	w := xmlWriter{pretty: x.Pretty}
	if o, ok := v.(*value.Object); ok && x.Fragment && x.Root == "" && elementsOnly(o) {
		_, err := w.content(o, -1, nil)
		return strings.TrimPrefix(w.b.String(), "\n"), cmp.Or(err, w.err)
	}
	name := x.Root
	if name == "" {
		name = "root"
		if o, ok := v.(*value.Object); ok && o.Len() == 1 {
			for key, only := range o.All() {
				if _, list := only.([]any); !list && key != textKey && !strings.HasPrefix(key, attributeMark) {
					name, v = key, only
				}
			}
		}
	}
	if list, ok := v.([]any); ok {
		v = value.Obj(value.Field{Key: "item", Value: list})
	}
	if x.Declaration {
		w.put(`<?xml version="1.0" encoding="UTF-8"?>`)
		if x.Pretty {
			w.put("\n")
		}
	}
	if err := w.element(name, v, 0, &place{key: name}); err != nil {
		return "", err
	}
	return w.b.String(), w.err
}

// elementsOnly reports whether an object has no attributes and no text of its own: these need an element around them.
func elementsOnly(o *value.Object) bool {
	for key := range o.All() {
		if key == textKey || strings.HasPrefix(key, attributeMark) {
			return false
		}
	}
	return true
}

// place is where a value stands. Its path is only put together for an error: keys may be long, and have many siblings.
type place struct {
	above *place
	key   string
}

func (p *place) String() string {
	if p.above == nil {
		return shortName(p.key)
	}
	return p.above.String() + "." + shortName(p.key)
}

type xmlWriter struct {
	b      bounded
	err    error
	pretty bool
	items  int
}

func (w *xmlWriter) put(s string) {
	if w.err == nil {
		_, w.err = w.b.WriteString(s)
	}
}

// element writes v, which stands at a path.
func (w *xmlWriter) element(name string, v any, depth int, at *place) error {
	switch {
	case w.err != nil:
		return w.err
	case depth > value.MaxDepth:
		return tooDeep(at.String())
	case !validName(name):
		return &Error{At: at.String(), Message: "the key is no name that XML allows: begin it with a letter, and use letters, digits, hyphens, dots and underscores"}
	}
	if w.items++; w.items > MaxItems {
		return tooMany()
	}
	if list, ok := v.([]any); ok {
		// A list in a list has no name of its own.
		v = value.Obj(value.Field{Key: "item", Value: list})
	}
	o, ok := v.(*value.Object)
	if !ok {
		text, err := xmlText(v, at)
		if err != nil {
			return err
		}
		w.put("<" + name + ">" + text + "</" + name + ">")
		return nil
	}
	w.put("<" + name)
	if err := w.attributes(o, at); err != nil {
		return err
	}
	w.put(">")
	elements, err := w.content(o, depth, at)
	if err != nil {
		return err
	}
	if elements {
		w.newline(depth)
	}
	w.put("</" + name + ">")
	return w.err
}

func (w *xmlWriter) newline(depth int) {
	if w.pretty {
		w.put("\n" + strings.Repeat("  ", depth))
	}
}

func (w *xmlWriter) attributes(o *value.Object, at *place) error {
	for key, v := range o.All() {
		name, ok := strings.CutPrefix(key, attributeMark)
		if !ok {
			continue
		}
		at := &place{above: at, key: key}
		if !validName(name) {
			return &Error{At: at.String(), Message: "the key is no name that XML allows: begin it, after the @, with a letter"}
		}
		switch v.(type) {
		case []any, *value.Object:
			return &Error{At: at.String(), Message: "an attribute is " + value.Kind(v) + ": give a text, a number or a boolean"}
		}
		text, err := xmlText(v, at)
		if err != nil {
			return err
		}
		w.put(" " + name + `="` + text + `"`)
	}
	return nil
}

// content writes what is in an element and reports whether elements are.
func (w *xmlWriter) content(o *value.Object, depth int, at *place) (bool, error) {
	elements := false
	for key, v := range o.All() {
		at := &place{above: at, key: key}
		if strings.HasPrefix(key, attributeMark) {
			continue
		}
		if key == textKey {
			text, err := xmlText(v, at)
			if err != nil {
				return false, err
			}
			w.put(text)
			continue
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			elements = true
			w.newline(depth + 1)
			if err := w.element(key, item, depth+1, at); err != nil {
				return false, err
			}
		}
	}
	return elements, nil
}

// xmlText returns a value as text between tags or quotes.
func xmlText(v any, at *place) (string, error) {
	text := value.Text(v)
	for _, r := range text {
		if !xmlCharacter(r) {
			return "", &Error{At: at.String(), Message: fmt.Sprintf("the text holds the character U+%04X, which XML cannot carry: remove it", r)}
		}
	}
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "", err
	}
	return b.String(), nil
}

func xmlCharacter(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// validName reports whether a text is a name of XML, with a prefix or without.
func validName(name string) bool {
	if name == "" || !utf8.ValidString(name) || strings.Count(name, ":") > 1 {
		return false
	}
	for part := range strings.SplitSeq(name, ":") {
		for i, r := range part {
			if !nameStart(r) && (i == 0 || !nameInner(r)) {
				return false
			}
		}
		if part == "" {
			return false
		}
	}
	return true
}

func nameStart(r rune) bool {
	return r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= 0xC0 && r <= 0x2FF && r != 0xD7 && r != 0xF7 ||
		r >= 0x370 && r <= 0x1FFF && r != 0x37E || r >= 0x200C && r <= 0x200D || r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF ||
		r >= 0x3001 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

func nameInner(r rune) bool {
	return r == '-' || r == '.' || r >= '0' && r <= '9' || r == 0xB7 || r >= 0x300 && r <= 0x36F || r >= 0x203F && r <= 0x2040
}
