package format

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/antchfx/xpath"

	"github.com/headrace/headrace/internal/value"
)

// The bounds of a query. Every step of an expression through a document goes through its navigator, which counts: what would take
// long is cut there, whatever the expression is made of.
const (
	maxExpression = 4096 // bytes
	maxSteps      = 20_000_000
	copySteps     = 10 // what a copy costs: the library keeps some
	maxPredicates = 32 // brackets and parentheses within each other
)

// Query returns what an XPath 1.0 expression finds: a list of values, or a text, a number or a boolean. Prefixes of the expression are
// those of the document, unless namespaces maps them to the addresses of the document's.
func (x XMLValue) Query(doc *Element, expression string, namespaces map[string]string) (result any, err error) {
	if len(expression) > maxExpression {
		return nil, &Error{Message: fmt.Sprintf("the expression is longer than %d bytes", maxExpression)}
	}
	if err := checkExpression(expression); err != nil {
		return nil, err
	}
	// The library panics on some malformed expressions, and the navigator to stop it.
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Message: "the expression cannot be evaluated: it is malformed, or compares what cannot be compared"}
			if p == errSteps { //nolint:errorlint // it is that very value
				err = &Error{Message: fmt.Sprintf("the expression takes more than %d steps through the document: make it more precise", maxSteps)}
			}
		}
	}()
	compiled, err := compile(expression, namespaces)
	if err != nil {
		return nil, &Error{Message: "the expression is no XPath 1.0"}
	}
	nav := &navigator{at: doc, doc: doc, attribute: -1, budget: new(int)}
	*nav.budget = maxSteps
	switch found := compiled.Evaluate(nav).(type) {
	case *xpath.NodeIterator:
		return x.found(found)
	case float64:
		if math.IsNaN(found) || math.IsInf(found, 0) {
			return nil, nil
		}
		return value.FromFloat(found), nil
	case bool:
		return found, nil
	default:
		return fmt.Sprint(found), nil
	}
}

func compile(expression string, namespaces map[string]string) (*xpath.Expr, error) {
	if namespaces == nil {
		return xpath.Compile(expression)
	}
	return xpath.CompileWithNS(expression, namespaces)
}

// The parts of an expression that are looked at before it is compiled: literals, and names before a parenthesis.
var (
	literals = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	calls    = regexp.MustCompile(`([A-Za-z][\w.-]*)\s*\(`)
)

// functions are those of XPath 1.0 and the tests for kinds of nodes. What the library has beyond them matches regular expressions and
// makes long texts out of short ones.
var functions = strings.Fields("last position count name local-name namespace-uri string concat starts-with contains substring-before " +
	"substring-after substring string-length normalize-space translate boolean not true false number sum floor ceiling round " +
	"node text comment processing-instruction and or div mod")

func checkExpression(expression string) error {
	bare := literals.ReplaceAllString(expression, "''")
	for _, call := range calls.FindAllStringSubmatch(bare, -1) {
		if !slices.Contains(functions, call[1]) {
			return &Error{Message: fmt.Sprintf("the expression calls %s, which is no function of XPath 1.0", call[1])}
		}
	}
	depth := 0
	for _, c := range bare {
		switch c {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		}
		if depth > maxPredicates {
			return &Error{Message: fmt.Sprintf("the expression nests deeper than %d levels", maxPredicates)}
		}
	}
	return nil
}

func (x XMLValue) found(it *xpath.NodeIterator) (any, error) {
	list, items := []any{}, 0
	for it.MoveNext() {
		n, ok := it.Current().(*navigator)
		if !ok {
			return nil, errors.New("the expression found what is not in the document")
		}
		if items += n.size(); items > MaxItems {
			return nil, tooMany()
		}
		v, err := x.foundAt(n)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// size is how many elements a node holds: a query may find the same ones in many others.
func (n *navigator) size() int {
	if n.attribute >= 0 {
		return 1
	}
	return n.at.size()
}

func (e *Element) size() int {
	total := 1 + len(e.Attributes)
	for _, c := range e.Children {
		total += c.size()
	}
	return total
}

func (x XMLValue) foundAt(n *navigator) (any, error) {
	if n.attribute >= 0 {
		return n.at.Attributes[n.attribute].Value, nil
	}
	return x.Of(n.at)
}

var errSteps = errors.New("too many steps")

// navigator walks through a document for the library.
type navigator struct {
	at, doc   *Element
	attribute int // of at; -1: at itself
	budget    *int
}

func (n *navigator) spend(steps int) {
	if *n.budget -= steps; *n.budget < 0 {
		panic(errSteps)
	}
}

func (n *navigator) NodeType() xpath.NodeType {
	switch {
	case n.attribute >= 0:
		return xpath.AttributeNode
	case n.at.parent == nil:
		return xpath.RootNode
	case n.at.Name == "":
		return xpath.TextNode
	default:
		return xpath.ElementNode
	}
}

func (n *navigator) name() string {
	if n.attribute >= 0 {
		return n.at.Attributes[n.attribute].Name
	}
	return n.at.Name
}

func (n *navigator) LocalName() string {
	if _, local, ok := strings.Cut(n.name(), ":"); ok {
		return local
	}
	return n.name()
}

func (n *navigator) Prefix() string {
	prefix, _, ok := strings.Cut(n.name(), ":")
	if !ok {
		return ""
	}
	return prefix
}

// NamespaceURL is asked for by the library when an expression has prefixes of its own.
func (n *navigator) NamespaceURL() string {
	name, prefix := "xmlns", n.Prefix()
	if prefix != "" {
		name = "xmlns:" + prefix
	} else if n.attribute >= 0 {
		return "" // an attribute without a prefix is in no namespace
	}
	for e := n.at; e != nil; e = e.parent {
		n.spend(1 + len(e.Attributes))
		for _, a := range e.Attributes {
			if a.Name == name {
				return a.Value
			}
		}
	}
	return ""
}

// Value costs a step for every element and for every few bytes: the library puts texts together.
func (n *navigator) Value() string {
	if n.attribute >= 0 {
		n.spend(1 + len(n.at.Attributes[n.attribute].Value)/4)
		return n.at.Attributes[n.attribute].Value
	}
	var b strings.Builder
	n.text(&b, n.at)
	return b.String()
}

func (n *navigator) text(b *strings.Builder, e *Element) {
	n.spend(1 + len(e.Text)/4)
	b.WriteString(e.Text)
	for _, c := range e.Children {
		n.text(b, c)
	}
}

func (n *navigator) Copy() xpath.NodeNavigator {
	n.spend(copySteps)
	c := *n
	return &c
}

func (n *navigator) MoveToRoot() {
	n.spend(1)
	n.at, n.attribute = n.doc, -1
}

func (n *navigator) MoveToParent() bool {
	n.spend(1)
	if n.attribute >= 0 {
		n.attribute = -1
		return true
	}
	if n.at.parent == nil {
		return false
	}
	n.at = n.at.parent
	return true
}

func (n *navigator) MoveToNextAttribute() bool {
	n.spend(1)
	if n.attribute+1 >= len(n.at.Attributes) {
		return false
	}
	n.attribute++
	return true
}

func (n *navigator) MoveToChild() bool {
	n.spend(1)
	if n.attribute >= 0 || len(n.at.Children) == 0 {
		return false
	}
	n.at = n.at.Children[0]
	return true
}

func (n *navigator) MoveToFirst() bool {
	n.spend(1)
	if n.attribute >= 0 || n.at.parent == nil || n.at.place == 0 {
		return false
	}
	n.at = n.at.parent.Children[0]
	return true
}

func (n *navigator) MoveToNext() bool { return n.sibling(1) }

func (n *navigator) MoveToPrevious() bool { return n.sibling(-1) }

func (n *navigator) sibling(by int) bool {
	n.spend(1)
	if n.attribute >= 0 || n.at.parent == nil {
		return false
	}
	place := n.at.place + by
	if place < 0 || place >= len(n.at.parent.Children) {
		return false
	}
	n.at = n.at.parent.Children[place]
	return true
}

func (n *navigator) MoveTo(other xpath.NodeNavigator) bool {
	n.spend(1)
	o, ok := other.(*navigator)
	if !ok || o.doc != n.doc {
		return false
	}
	n.at, n.attribute = o.at, o.attribute
	return true
}
