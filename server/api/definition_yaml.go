package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// maxKeys bounds keys that stand in each other: paths are made of them, and there may be many below them.
const maxKeys = 1 << 10

// The bounds of a YAML definition.
const (
	maxYAMLDepth   = 64
	maxYAMLAliases = 10_000
	maxYAMLMerged  = 100_000 // keys that come by <<
	maxYAMLJSON    = 4 << 20 // of what it is with its aliases written out
)

// yamlError is what is wrong at a place of a YAML text.
type yamlError struct {
	line   int
	reason ipaas.Reason
	text   string
}

func (e *yamlError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

func (e *yamlError) violation() *ipaas.Violation {
	v := violation("definition", e.reason, "%s", e.Error())
	return &v
}

// exactText is a definition as exact JSON text.
type exactText struct {
	json      []byte
	lines     lines             // where each path of it stands
	ambiguous *ipaas.Violation  // what our own format refuses in a YAML text, and others mean as a text; nil: nothing
	twice     []ipaas.Violation // keys that stand twice in an object: our own format finds them in the JSON, a value has lost them
}

// yamlToJSON turns one YAML document into JSON text with the same digits, and tells where each path of it stands.
func yamlToJSON(text string) (exactText, *ipaas.Violation) {
	document, err := parseYAML(text)
	c := &yamlConverter{exactText: exactText{lines: lines{}}}
	if err == nil {
		if err = c.node("", document, 0); err == nil {
			c.json = c.out.Bytes()
			return c.exactText, nil
		}
	}
	if c.ambiguous != nil {
		return exactText{}, c.ambiguous // it stands before
	}
	return exactText{}, yamlViolation(err)
}

// libraryError is how the library words an error: with itself, what it was doing and where, e.g.
// "go-yaml load error in parser (while parsing a flow node) at L2.C1-L2.C4: did not find expected node content".
var libraryError = regexp.MustCompile(`^go-yaml load error in \w+(?: \(([^)]*)\))?(?: at (?:<unknown position>-?)?(?:L(\d+)\.C(\d+)\S*)?)?: (.*)$`)

// libraryTrouble takes an error of the library apart into where it is, such as "line 2: ", and what it is.
func libraryTrouble(message string) (place, trouble string) {
	m := libraryError.FindStringSubmatch(message)
	if m == nil {
		return "", message
	}
	if m[2] != "" {
		place = "line " + m[2] + ", column " + m[3] + ": "
	}
	if trouble = m[4]; m[1] != "" {
		trouble += ", " + m[1]
	}
	return place, trouble
}

// yamlViolation says what is wrong with a YAML text.
func yamlViolation(err error) *ipaas.Violation {
	var ours *yamlError
	if errors.As(err, &ours) {
		return ours.violation()
	}
	place, trouble := libraryTrouble(err.Error())
	if strings.HasPrefix(trouble, "exceeded max depth") {
		v := violation("definition", ipaas.ReasonTooDeep, "%snests deeper than %d levels: flatten it", place, maxYAMLDepth)
		return &v
	}
	v := violation("definition", ipaas.ReasonMalformed, "is no YAML: %s%s", place, trouble)
	return &v
}

// yamlVersion is the directive that names the version of YAML, at the head of a text. The library reads 1.2, and refuses a text that says so.
var yamlVersion = regexp.MustCompile(`\A(\x{feff}?(?:[ \t]*(?:#[^\n]*)?\r?\n)*)%YAML 1\.[0-9]+[ \t]*(\r?\n)`)

// parseYAML returns the root of the only document in a text.
func parseYAML(text string) (*yaml.Node, error) {
	if at := strings.IndexFunc(text, isControl); at >= 0 {
		line := strings.Count(text[:at], "\n") + 1
		return nil, &yamlError{line, ipaas.ReasonMalformed, fmt.Sprintf("the control character %U stands here: remove it", text[at])}
	}
	text = yamlVersion.ReplaceAllString(text, "$1$2")
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithPlugin(loaderlimits.New(
		// The converter counts for itself and says where; these keep the parser itself from harm.
		loaderlimits.DepthValue(maxYAMLDepth+1), loaderlimits.AliasNone(),
	)))
	if err != nil {
		return nil, err
	}
	var document, second yaml.Node
	if err := loader.Load(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &yamlError{1, ipaas.ReasonRequired, "the definition is empty: write e.g. displayName: Acme ERP"}
		}
		return nil, yamlTrouble(err)
	}
	switch err := loader.Load(&second); {
	case err == nil && !isEmpty(&second): // a file may end with the line that would begin another one
		return nil, &yamlError{second.Line, ipaas.ReasonMalformed, "a second document begins: send one definition at a time"}
	case err != nil && !errors.Is(err, io.EOF):
		return nil, yamlTrouble(err)
	}
	if document.Kind == yaml.DocumentNode {
		return document.Content[0], nil
	}
	return &document, nil
}

// isControl reports whether YAML has no place for a character.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
}

// isEmpty reports whether nothing is written in a document.
func isEmpty(document *yaml.Node) bool {
	root := document
	if document.Kind == yaml.DocumentNode {
		root = document.Content[0]
	}
	return root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == ""
}

// yamlTrouble is an error of the library without its name.
func yamlTrouble(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(text, "go-yaml: "), "yaml: "))
}

type yamlConverter struct {
	exactText
	out     bytes.Buffer
	aliases int
	merges  int
	keys    int // how long the keys are in which the node stands
}

func (c *yamlConverter) node(path string, n *yaml.Node, depth int) error {
	if _, ok := c.lines[path]; !ok || c.aliases == 0 {
		c.lines.add(path, n.Line)
	}
	switch {
	case depth > maxYAMLDepth:
		return tooDeep(n)
	case c.out.Len() > maxYAMLJSON:
		return &yamlError{n.Line, ipaas.ReasonTooLarge, fmt.Sprintf("the definition is larger than %d bytes with its aliases written out", maxYAMLJSON)}
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(path, n, depth)
	case yaml.SequenceNode:
		return c.sequence(path, n, depth)
	case yaml.AliasNode:
		if err := c.alias(n); err != nil {
			return err
		}
		return c.node(path, n.Alias, depth+1)
	}
	return c.scalar(n)
}

func (c *yamlConverter) mapping(path string, n *yaml.Node, depth int) error {
	pairs, err := c.pairs(n, depth)
	if err != nil {
		return err
	}
	c.out.WriteByte('{')
	seen := make(map[string]bool, len(pairs))
	for i, p := range pairs {
		c.keys += len(p.key.Value)
		if c.keys > maxKeys {
			return longKeys(p.key.Line)
		}
		if i > 0 {
			c.out.WriteByte(',')
		}
		c.text(p.key.Value)
		c.out.WriteByte(':')
		at := c.lines.key(path, p.key.Value)
		if seen[p.key.Value] {
			if at == beyond {
				return &yamlError{p.key.Line, ipaas.ReasonDuplicate, twice}
			}
			c.twice = append(c.twice, violation(at, ipaas.ReasonDuplicate, twice))
		}
		seen[p.key.Value] = true
		if err := c.node(at, p.value, depth+1); err != nil {
			return err
		}
		c.lines.add(at, p.key.Line)
		c.keys -= len(p.key.Value)
	}
	c.out.WriteByte('}')
	return nil
}

const twice = "the key stands here a second time: remove one of them"

func (c *yamlConverter) sequence(path string, n *yaml.Node, depth int) error {
	if tag := n.ShortTag(); tag != "!!seq" {
		return foreignTag(n)
	}
	c.out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			c.out.WriteByte(',')
		}
		if err := c.node(c.lines.item(path, i), item, depth+1); err != nil {
			return err
		}
	}
	c.out.WriteByte(']')
	return nil
}

// alias counts an alias that is followed.
func (c *yamlConverter) alias(n *yaml.Node) error {
	if c.aliases++; c.aliases > maxYAMLAliases {
		return &yamlError{n.Line, ipaas.ReasonTooLarge, fmt.Sprintf("more than %d aliases: write things out", maxYAMLAliases)}
	}
	return nil
}

func tooDeep(n *yaml.Node) *yamlError {
	return &yamlError{n.Line, ipaas.ReasonTooDeep, fmt.Sprintf("nests deeper than %d levels: flatten it", maxYAMLDepth)}
}

func longKeys(line int) *yamlError {
	return &yamlError{line, ipaas.ReasonTooLarge, fmt.Sprintf("a key, with those it stands in, is longer than %d bytes: shorten it", maxKeys)}
}

func foreignTag(n *yaml.Node) error {
	return &yamlError{n.Line, ipaas.ReasonMalformed, fmt.Sprintf("the tag %s is not read: leave it out", n.ShortTag())}
}

func (c *yamlConverter) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		c.out.WriteString("null")
	case "!!bool":
		b, err := strconv.ParseBool(strings.ToLower(n.Value))
		if err != nil {
			return &yamlError{n.Line, ipaas.ReasonMalformed, fmt.Sprintf("%q is neither true nor false", n.Value)}
		}
		c.out.WriteString(strconv.FormatBool(b))
	case "!!int", "!!float":
		digits, ok := jsonNumber(n.Value)
		if !ok {
			if c.ambiguous == nil {
				c.ambiguous = (&yamlError{
					n.Line, ipaas.ReasonMalformed,
					fmt.Sprintf("%q may be a number or a text: write a number in plain decimal digits, a text in quotes", n.Value),
				}).violation()
			}
			c.text(n.Value)
			return nil
		}
		c.out.WriteString(digits)
	case "!!str", "!!timestamp", "!!binary":
		// What looks like a date is a text here: the fields that are dates take texts.
		c.text(n.Value)
	default:
		return foreignTag(n)
	}
	return nil
}

func (c *yamlConverter) text(s string) {
	c.out.Write(value.JSON(s))
}

var (
	decimal = regexp.MustCompile(`^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	based   = regexp.MustCompile(`^[-+]?0[xob][0-9a-fA-F]+$`)
	leading = regexp.MustCompile(`^[-+]?0[0-9]`)
)

// jsonNumber spells a YAML number as JSON does, with the same digits. One with a leading zero or underscores is refused: people
// mean different things by it.
func jsonNumber(s string) (string, bool) {
	if based.MatchString(s) {
		n, ok := new(big.Int).SetString(s, 0)
		if !ok {
			return "", false
		}
		return n.String(), true
	}
	if !decimal.MatchString(s) || leading.MatchString(s) {
		return "", false
	}
	s = strings.TrimPrefix(s, "+")
	sign, digits := "", s
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, digits = "-", rest
	}
	if digits[0] == '.' {
		digits = "0" + digits
	}
	// 1. and 1.e5 lack the digit that JSON wants.
	if i := strings.IndexByte(digits, '.'); i >= 0 && (i+1 == len(digits) || digits[i+1] < '0' || digits[i+1] > '9') {
		digits = digits[:i] + digits[i+1:]
	}
	return sign + digits, json.Valid([]byte(sign + digits))
}
