package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxDepth and maxText bound what a file may become: aliases can make much out of little.
const (
	maxDepth = 100
	maxText  = 4 << 20
)

// libraryError is how the library begins an error: with itself, what it was doing and where.
var libraryError = regexp.MustCompile(`^go-yaml load error in \w+(?: \([^)]*\))?(?: at (?:<unknown position>-)?L(\d+)\.C(\d+)\S*)?: `)

// parseYAML reads one YAML document, JSON included. It returns nil for a document that holds nothing.
func parseYAML(source []byte) (*yaml.Node, error) {
	var docs []yaml.Node
	if err := yaml.Load(source, &docs, yaml.WithAllDocuments()); err != nil {
		return nil, errors.New(libraryError.ReplaceAllString(err.Error(), "line $1, column $2: "))
	}
	if len(docs) > 1 {
		return nil, errors.New("holds several documents where one is expected")
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return nil, nil
	}
	root := docs[0].Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, nil
	}
	return root, nil
}

// yamlToJSON writes a node as JSON: keys in their order, digits of numbers as they stand, dates as text.
func yamlToJSON(node *yaml.Node) ([]byte, error) {
	w := &jsonWriter{}
	if err := w.node(node, 0); err != nil {
		return nil, err
	}
	return w.Bytes(), nil
}

type jsonWriter struct{ bytes.Buffer }

func (w *jsonWriter) node(n *yaml.Node, depth int) error {
	if depth > maxDepth || w.Len() > maxText {
		return fmt.Errorf("line %d: is nested too deep or grows too large: write it without aliases", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.node(n.Alias, depth+1)
	case yaml.SequenceNode:
		w.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				w.WriteByte(',')
			}
			if err := w.node(item, depth+1); err != nil {
				return err
			}
		}
		w.WriteByte(']')
		return nil
	case yaml.MappingNode:
		return w.mapping(n, depth)
	default:
		return w.scalar(n)
	}
}

func (w *jsonWriter) mapping(n *yaml.Node, depth int) error {
	pairs, err := pairsOf(n, 0)
	if err != nil {
		return err
	}
	w.WriteByte('{')
	for i, pair := range pairs {
		if i > 0 {
			w.WriteByte(',')
		}
		w.text(pair.key.Value)
		w.WriteByte(':')
		if err := w.node(pair.value, depth+1); err != nil {
			return err
		}
	}
	w.WriteByte('}')
	return nil
}

func (w *jsonWriter) text(s string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text always encodes, and a buffer takes everything
	w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func (w *jsonWriter) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		w.WriteString("null")
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return err
		}
		w.WriteString(strconv.FormatBool(b))
	case "!!int", "!!float":
		return w.number(n)
	default:
		w.text(n.Value)
	}
	return nil
}

func (w *jsonWriter) number(n *yaml.Node) error {
	if json.Valid([]byte(n.Value)) {
		w.WriteString(n.Value)
		return nil
	}
	var whole int64
	if n.ShortTag() == "!!int" && n.Decode(&whole) == nil {
		w.WriteString(strconv.FormatInt(whole, 10))
		return nil
	}
	var f float64
	if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return fmt.Errorf("line %d: %s is no number that JSON can write: write its digits, or put it in quotes", n.Line, n.Value)
	}
	w.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	return nil
}

// A pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairsOf returns the entries of a mapping, those merged in by << behind its own.
func pairsOf(n *yaml.Node, depth int) ([]pair, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: merges itself", n.Line)
	}
	var own, merged []pair
	taken := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.ShortTag() == "!!merge":
			more, err := mergedPairs(value, depth+1)
			if err != nil {
				return nil, err
			}
			merged = append(merged, more...)
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("line %d: a key must be a text", key.Line)
		case taken[key.Value]:
			return nil, fmt.Errorf("line %d: %s stands here a second time", key.Line, key.Value)
		default:
			taken[key.Value] = true
			own = append(own, pair{key, value})
		}
	}
	for _, p := range merged {
		if !taken[p.key.Value] {
			taken[p.key.Value] = true
			own = append(own, p)
		}
	}
	return own, nil
}

func mergedPairs(value *yaml.Node, depth int) ([]pair, error) {
	value = resolved(value)
	switch value.Kind {
	case yaml.MappingNode:
		return pairsOf(value, depth)
	case yaml.SequenceNode:
		var out []pair
		for _, item := range value.Content {
			more, err := mergedPairs(item, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	default:
		return nil, fmt.Errorf("line %d: << takes an object", value.Line)
	}
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// jsonToYAML writes JSON text as YAML, keys in their order and numbers as they stand.
func jsonToYAML(text []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	node, err := nodeOf(dec)
	if err != nil {
		return nil, err
	}
	return yaml.Dump(node, yaml.WithLineWidth(-1))
}

func nodeOf(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		return compoundOf(dec, t)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}, nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
}

func compoundOf(dec *json.Decoder, open json.Delim) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if open == '[' {
		node = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	}
	for dec.More() { // a key is a token like every other
		item, err := nodeOf(dec)
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, item)
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle
	}
	_, err := dec.Token()
	return node, err
}
