package format

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/headrace/headrace/internal/value"
)

// The bounds of YAML. Its tree takes some hundred bytes for each of its parts, so they are counted before it is built: none stands
// without one of the characters of yamlMarks.
const (
	maxYAMLBytes = 4 << 20
	maxYAMLMarks = 400_000
	yamlMarks    = ",:-?[{&*\n"
)

// ParseYAML reads one document. Numbers keep their digits where JSON has the like, keys their order; a key that stands twice is an
// error. Aliases are followed, as long as what comes of them stays within MaxItems.
func ParseYAML(data []byte) (any, error) {
	data = withoutMark(data)
	if len(data) > maxYAMLBytes {
		return nil, &Error{Message: fmt.Sprintf("it is larger than %d MiB: take it apart", maxYAMLBytes>>20)}
	}
	marks := 0
	for _, c := range data {
		if strings.IndexByte(yamlMarks, c) >= 0 {
			marks++
		}
	}
	if marks > maxYAMLMarks {
		return nil, &Error{Message: fmt.Sprintf("it may have more than %d parts: take it apart", maxYAMLMarks)}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, yamlError(err)
	}
	r := yamlReader{}
	v, err := r.value(&doc, 0)
	if err != nil {
		return nil, err
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, yamlError(err)
		}
		return nil, &Error{Line: more.Line, Message: "a second document begins: give one"}
	}
	return v, nil
}

// yamlError keeps the place of an error; its words may quote the text.
func yamlError(err error) error {
	line := 0
	text := err.Error()
	if i := strings.Index(text, "line "); i >= 0 {
		// The library says it in its words only. What cannot be read leaves the place open.
		if _, err := fmt.Sscanf(text[i:], "line %d", &line); err != nil {
			line = 0
		}
	}
	return &Error{Line: line, Message: "this is no YAML"}
}

// yamlReader turns nodes into values and counts them.
type yamlReader struct {
	items int
	open  []*yaml.Node // the aliases that are being followed
}

func (r *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	if r.items++; r.items > MaxItems {
		return nil, tooMany()
	}
	if depth > value.MaxDepth {
		err := tooDeep("").(*Error) //nolint:errorlint // it was just made
		err.Line, err.Column = n.Line, n.Column
		return nil, err
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return r.value(n.Content[0], depth)
	case yaml.AliasNode:
		return r.alias(n, depth)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		o := value.Obj()
		return o, r.mapping(o, n, depth)
	default:
		return yamlScalar(n)
	}
}

func (r *yamlReader) alias(n *yaml.Node, depth int) (any, error) {
	for _, open := range r.open {
		if open == n.Alias {
			return nil, &Error{Line: n.Line, Column: n.Column, Message: "an alias holds itself: write out what it stands for"}
		}
	}
	r.open = append(r.open, n.Alias)
	v, err := r.value(n.Alias, depth)
	r.open = r.open[:len(r.open)-1]
	return v, err
}

func (r *yamlReader) mapping(o *value.Object, n *yaml.Node, depth int) error {
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, item := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.ShortTag() == "!!merge" {
			merged = append(merged, item)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			return &Error{Line: k.Line, Column: k.Column, Message: "a key is a list or an object: give a text"}
		}
		if _, ok := o.Get(k.Value); ok {
			return &Error{Line: k.Line, Column: k.Column, Message: "a key stands here for the second time: remove one of them"}
		}
		v, err := r.value(item, depth+1)
		if err != nil {
			return err
		}
		o.Set(validText([]byte(k.Value)), v)
	}
	for _, m := range merged {
		if err := r.merge(o, m, depth); err != nil {
			return err
		}
	}
	return nil
}

// merge adds the keys of <<, those that are there count first.
func (r *yamlReader) merge(o *value.Object, n *yaml.Node, depth int) error {
	v, err := r.value(n, depth+1)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		from, ok := item.(*value.Object)
		if !ok {
			return &Error{Line: n.Line, Column: n.Column, Message: "what << merges is no object"}
		}
		for key, v := range from.All() {
			if _, ok := o.Get(key); !ok {
				o.Set(key, v)
			}
		}
	}
	return nil
}

func yamlScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		return yamlNumber(n)
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return nil, &Error{Line: n.Line, Column: n.Column, Message: "what is marked as binary is no base64"}
		}
		return value.Bytes{Data: data}, nil
	default:
		return validText([]byte(n.Value)), nil
	}
}

// maxIntegerText bounds numbers in another base, which take long to convert.
const maxIntegerText = 1000

func yamlNumber(n *yaml.Node) (any, error) {
	text := strings.TrimPrefix(strings.ReplaceAll(n.Value, "_", ""), "+")
	if number, ok := value.ParseNumber(text); ok {
		return number, nil
	}
	if len(text) <= maxIntegerText {
		if i, ok := new(big.Int).SetString(text, 0); ok {
			return value.Number(i.String()), nil // 0x1f, 0o17, 017
		}
		// .5, 5. and the like: JSON wants digits on both sides of the point.
		whole, rest, _ := strings.Cut(text, ".")
		sign := ""
		if strings.HasPrefix(whole, "-") {
			sign, whole = "-", whole[1:]
		}
		fraction, exponent := rest, ""
		if i := strings.IndexAny(rest, "eE"); i >= 0 {
			fraction, exponent = rest[:i], rest[i:]
		}
		if fraction != "" {
			fraction = "." + fraction
		}
		whole = strings.TrimLeft(whole, "0")
		if whole == "" {
			whole = "0"
		}
		if number, ok := value.ParseNumber(sign + whole + fraction + exponent); ok {
			return number, nil
		}
	}
	return nil, &Error{Line: n.Line, Column: n.Column, Message: "a number is none that JSON knows, such as infinity: write it as a text"}
}

// YAML writes a value as YAML. Keys keep their order, numbers their digits; bytes are written as binary.
func YAML(v any) (string, error) {
	items := 0
	n, err := yamlNode(v, 0, &items)
	if err != nil {
		return "", err
	}
	var b bounded
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return "", &Error{Message: "it cannot be written as YAML"}
	}
	if err := enc.Close(); err != nil {
		return "", &Error{Message: "it cannot be written as YAML"}
	}
	return b.String(), nil
}

func yamlNode(v any, depth int, items *int) (*yaml.Node, error) {
	if *items++; *items > maxYAMLMarks {
		return nil, &Error{Message: fmt.Sprintf("it has more than %d parts: take it apart", maxYAMLMarks)}
	}
	if depth > value.MaxDepth {
		return nil, tooDeep("")
	}
	scalar := func(tag, text string) (*yaml.Node, error) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}, nil
	}
	switch v := v.(type) {
	case nil:
		return scalar("!!null", "null")
	case bool:
		return scalar("!!bool", value.Text(v))
	case value.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return scalar("!!float", string(v))
		}
		return scalar("!!int", string(v))
	case value.Bytes:
		return scalar("!!binary", base64.StdEncoding.EncodeToString(v.Data))
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			c, err := yamlNode(item, depth+1, items)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, c)
		}
		return n, nil
	case *value.Object:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for key, item := range v.All() {
			c, err := yamlNode(item, depth+1, items)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, c)
		}
		return n, nil
	default:
		return scalar("!!str", value.Text(v))
	}
}
