package format

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

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
