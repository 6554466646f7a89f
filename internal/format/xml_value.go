package format

import (
	"strings"

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
